//! The committed vector files are what the generator writes: nobody edits them by hand, and a
//! change of the generator is a change of the files.

#![expect(clippy::unwrap_used, reason = "a surprise in here is the failure of the test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn files(folder: &Path) -> BTreeMap<String, String> {
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
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_licctl"))
        .args(["vectors", "generate"])
        .arg(folder.path())
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());

    let committed = files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors")));
    let made = files(folder.path());
    assert!(made.keys().eq(committed.keys()), "other files: {:?}", made.keys());
    for (name, text) in &made {
        assert!(*text == committed[name], "{name}: run `licctl vectors generate tests/vectors`");
    }
}
