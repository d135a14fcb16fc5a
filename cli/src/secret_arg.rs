//! Secrets given as an argument or, better, as a file.

use std::path::Path;

use license_core::Code;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::input;

/// The text, or what the file holds without the white space around it.
pub(crate) fn given(
    text: Option<&str>,
    file: Option<&Path>,
) -> anyhow::Result<Option<Zeroizing<String>>> {
    if let Some(path) = file {
        let bytes = Zeroizing::new(input::file(path)?);
        let content = std::str::from_utf8(&bytes).map_err(|_| {
            Failure::new(Code::RequestInvalid, format!("{} is no UTF-8 text", path.display()))
        })?;
        return Ok(Some(Zeroizing::new(content.trim().to_owned())));
    }
    Ok(text.map(|text| Zeroizing::new(text.trim().to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_loses_the_line_end_that_an_editor_added() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sk");
        std::fs::write(&path, "a secret\r\n").unwrap();
        assert_eq!(given(None, Some(&path)).unwrap().unwrap().as_str(), "a secret");
        assert_eq!(given(Some("b"), None).unwrap().unwrap().as_str(), "b");
        assert_eq!(given(None, None).unwrap(), None);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = given(None, Some(Path::new("/nowhere/sk"))).unwrap_err();
        assert!(error.to_string().contains("/nowhere/sk"), "{error}");
    }
}
