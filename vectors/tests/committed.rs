//! The committed vector files are what the generator writes: they are never edited by hand, and a
//! change of the generator is a change of the files.

#![expect(clippy::unwrap_used, reason = "a surprise in here is the failure of the test")]

use std::collections::BTreeMap;
use std::path::Path;

fn committed() -> BTreeMap<String, String> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors"));
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn the_generator_reproduces_the_committed_files() {
    let committed = committed();
    let made: BTreeMap<_, _> = license_vectors::files().into_iter().collect();
    assert!(made.keys().eq(committed.keys()), "other files: {:?}", made.keys());
    for (name, text) in &made {
        assert!(*text == committed[name], "{name}: run `cargo xtask vectors`");
    }
}
