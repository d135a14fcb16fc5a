//! Arguments that are a path, the text itself, or `-` for standard input.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, bail};
use license_core::Code;

use crate::failure::Failure;

/// Longer than any document with its lists; a wrong file is refused before it fills the memory.
const MAX_INPUT_LEN: u64 = 16 * 1024 * 1024;

/// What an argument named, and where it came from.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) bytes: Vec<u8>,
    pub(crate) origin: Origin,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    File,
    StandardInput,
    Argument,
}

impl Input {
    /// `PATH|TEXT|-`: what is the name of a file is that file, everything else is the text.
    pub(crate) fn open(argument: &str) -> anyhow::Result<Self> {
        if argument == "-" {
            return Ok(Self { bytes: standard_input()?, origin: Origin::StandardInput });
        }
        // `exists` is false for a license string as well: it fails with ENAMETOOLONG.
        if Path::new(argument).exists() {
            return Ok(Self { bytes: file(Path::new(argument))?, origin: Origin::File });
        }
        Ok(Self { bytes: argument.as_bytes().to_vec(), origin: Origin::Argument })
    }
}

/// `TEXT|@FILE|-` as text; UTF-16 and a byte order mark are what Notepad makes of a file.
pub(crate) fn text_argument(argument: &str) -> anyhow::Result<String> {
    let (bytes, name) = if argument == "-" {
        (standard_input()?, "standard input")
    } else if let Some(path) = argument.strip_prefix('@') {
        (file(Path::new(path))?, path)
    } else {
        return Ok(argument.to_owned());
    };
    decode(&bytes).ok_or_else(|| {
        Failure::new(Code::RequestInvalid, format!("{name} is no UTF-8 text"))
            .advise("save the file as UTF-8")
            .chinese(format!("{name} 不是 UTF-8 文本"), "请将文件另存为 UTF-8")
            .into()
    })
}

/// The bytes of a file of reasonable size.
pub(crate) fn file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let reading = || format!("reading {}", path.display());
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_INPUT_LEN + 1).read_to_end(&mut bytes))
        .with_context(reading)?;
    limited(bytes, &path.display().to_string())
}

/// Whether a name fits into a license and into the commented lines around it.
pub(crate) fn is_one_line(name: &str) -> bool {
    !name.trim().is_empty() && !name.chars().any(char::is_control)
}

fn standard_input() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(MAX_INPUT_LEN + 1)
        .read_to_end(&mut bytes)
        .context("reading standard input")?;
    limited(bytes, "standard input")
}

fn limited(bytes: Vec<u8>, name: &str) -> anyhow::Result<Vec<u8>> {
    if bytes.len() as u64 > MAX_INPUT_LEN {
        let limit = MAX_INPUT_LEN / (1024 * 1024);
        let failure =
            Failure::new(Code::PayloadTooLarge, format!("{name} is longer than {limit} MiB"));
        bail!(
            failure
                .advise("check that it is the right file")
                .chinese(format!("{name} 超过 {limit} MiB"), "请确认文件是否正确")
        );
    }
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Option<String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().copied().map(unit).collect();
        rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => String::from_utf8(rest.to_vec()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_every_encoding_that_notepad_saves() {
        let text = "00:11:22:33:44:55|磁盘||";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let cases = [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [b"\xff\xfe", le.as_slice()].concat(),
            [b"\xfe\xff", be.as_slice()].concat(),
        ];
        for bytes in cases {
            assert_eq!(decode(&bytes).as_deref(), Some(text), "{bytes:02x?}");
        }
        assert_eq!(decode(b"\xff\xfea"), None, "half a UTF-16 unit");
        assert_eq!(decode("磁".as_bytes().split_last().unwrap().1), None);
    }

    #[test]
    fn a_license_string_is_no_path() {
        let text = "eyJ".repeat(4000);
        let input = Input::open(&text).unwrap();
        assert_eq!((input.bytes.as_slice(), input.origin), (text.as_bytes(), Origin::Argument));
    }
}
