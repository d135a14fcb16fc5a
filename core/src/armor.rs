//! Text and file forms of documents, with every tolerance that people's mail programs and editors
//! make necessary (FORMAT.md, section 5).

use crate::{Refusal, Timestamp, license::License};

/// How many characters a license may have to travel as text.
pub const STRING_LIMIT: usize = 1_024;

/// How many bytes are looked at: the largest revocation list with its armor.
pub const TEXT_LIMIT: usize = 8 * 1024 * 1024;

const LINE: usize = 64;

/// What an armored block holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Label {
    /// A lease.
    Lease,
    /// A license.
    License,
    /// A machine's question.
    LicenseRequest,
    /// A machine's statement of removal.
    LicenseReturn,
    /// A list of releases.
    Releases,
    /// A revocation list.
    RevocationList,
    /// A trust list.
    TrustList,
}

impl Label {
    const ALL: [Self; 7] = [
        Self::Lease,
        Self::License,
        Self::LicenseRequest,
        Self::LicenseReturn,
        Self::Releases,
        Self::RevocationList,
        Self::TrustList,
    ];

    /// The words between the dashes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lease => "LEASE",
            Self::License => "LICENSE",
            Self::LicenseRequest => "LICENSE REQUEST",
            Self::LicenseReturn => "LICENSE RETURN",
            Self::Releases => "RELEASES",
            Self::RevocationList => "REVOCATION LIST",
            Self::TrustList => "TRUST LIST",
        }
    }
}

/// One document that was found in a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Block {
    /// What it is said to be.
    pub label: Label,
    /// The document, without white space.
    pub document: String,
}

/// Finds the documents in a license file or a pasted license string.
///
/// # Errors
/// [`Refusal::Malformed`] where none is found, [`Refusal::Damaged`] where a block was cut or does
/// not match its checksum.
pub fn read(bytes: &[u8]) -> Result<Vec<Block>, Refusal> {
    if bytes.len() > TEXT_LIMIT {
        return Err(Refusal::Malformed("larger than any license file"));
    }
    let text = decode(bytes);
    if text.contains("-----BEGIN ") {
        let blocks = armored(&text)?;
        if !blocks.is_empty() {
            return Ok(blocks);
        }
    }
    let document = bare(&text).ok_or(Refusal::Malformed("no license in the text"))?;
    Ok(vec![Block { label: Label::License, document }])
}

/// Writes one block, checksum included.
#[must_use]
pub fn block(label: Label, document: &str) -> String {
    let label = label.as_str();
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in document.as_bytes().chunks(LINE) {
        text += std::str::from_utf8(line).expect("documents are ASCII");
        text.push('\n');
    }
    let checksum = crc32fast::hash(document.as_bytes());
    text.extend([format!("={checksum:08x}\n"), format!("-----END {label}-----\n")]);
    text
}

/// Writes a license file: a few lines for people and the block.
#[must_use]
pub fn license_file(document: &str, license: &License) -> String {
    // What a reader sees must not look like a block of its own.
    let clean = |text: &str| text.replace(['\r', '\n'], " ").replace("-----", "- -");
    let until = license.expires.map_or_else(|| "perpetual".to_owned(), Timestamp::date);
    let mut text = String::new();
    if !license.customer.is_empty() {
        text.extend(["Customer: ", &clean(&license.customer), "\n"]);
    }
    text.extend(["Product:  ", &clean(&license.product), "        Valid until: ", &until, "\n"]);
    text.push_str(&block(Label::License, document));
    text
}

/// Bytes as text: UTF-8, or UTF-16 as editors on Windows save it. What is neither becomes
/// replacement characters, which no document contains.
fn decode(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [first, 0, ..] if *first != 0 => wide(bytes, u16::from_le_bytes),
        [0, second, ..] if *second != 0 => wide(bytes, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

const fn of_document(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// White space of any kind, the invisible ones included, and the quotes that programs put around.
fn ignorable(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{200b}'
                ..='\u{200f}'
                    | '\u{2060}'
                    | '\u{feff}'
                    | '\u{00ad}'
                    | '"'
                    | '\''
                    | '`'
                    | '“'
                    | '”'
                    | '‘'
                    | '’'
                    | '「'
                    | '」'
        )
}

/// Characters of an Ed25519 signature, the shortest there is.
const SIGNATURE: usize = 86;

/// A license string: from the first `eyJ`, over every following line that holds nothing else. A
/// blank line ends it once a signature is complete: a greeting below is letters and blanks, too.
fn bare(text: &str) -> Option<String> {
    let start = text.find("eyJ")?;
    let mut document = String::new();
    for (i, line) in text[start..].split('\n').enumerate() {
        let clean = line.chars().all(|c| of_document(c) || ignorable(c));
        if i > 0 && (!clean || line.chars().all(ignorable) && complete(&document)) {
            break;
        }
        document.extend(
            line.chars()
                .take_while(|c| of_document(*c) || ignorable(*c))
                .filter(|c| of_document(*c)),
        );
        if !clean {
            break;
        }
    }
    Some(document)
}

fn complete(document: &str) -> bool {
    document.split('.').nth(2).is_some_and(|signature| signature.len() >= SIGNATURE)
}

/// The label in a line `-----BEGIN LABEL-----`.
fn fence<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    line.strip_prefix("-----")?.strip_prefix(word)?.strip_prefix(' ')?.strip_suffix("-----")
}

fn armored(text: &str) -> Result<Vec<Block>, Refusal> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(|line| line.trim_matches(ignorable));
    while let Some(line) = lines.next() {
        let Some(begun) = fence(line, "BEGIN") else { continue };
        let mut document = String::new();
        let mut checksum = None;
        loop {
            // The end of the text before the end of the block: it was cut.
            let line = lines.next().ok_or(Refusal::Damaged)?;
            if let Some(ended) = fence(line, "END") {
                if ended != begun {
                    return Err(Refusal::Damaged);
                }
                break;
            }
            match line.strip_prefix('=') {
                Some(hex) => checksum = u32::from_str_radix(hex.trim(), 16).ok(),
                None => document.extend(line.chars().filter(|c| !ignorable(*c))),
            }
        }
        if checksum != Some(crc32fast::hash(document.as_bytes())) {
            return Err(Refusal::Damaged);
        }
        // A block of a later edition is not ours to judge.
        if let Some(label) = Label::ALL.into_iter().find(|label| label.as_str() == begun) {
            blocks.push(Block { label, document });
        }
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DOC: &str = "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl";

    fn one(bytes: &[u8]) -> String {
        let blocks = read(bytes).unwrap();
        assert_eq!(blocks.len(), 1);
        blocks[0].document.clone()
    }

    #[test]
    fn pasted_strings_are_forgiven_their_wrapping() {
        for text in [
            DOC.to_owned(),
            format!("\u{feff}{DOC}\r\n"),
            format!("Your license / 您的许可证：\n{DOC}\n\nBest regards, the team"),
            format!("\"{DOC}\""),
            format!("“{DOC}”，谢谢"),
            format!("license = \"{DOC}\","),
            format!("  {}\r\n\u{3000}{}\u{200b}\n", &DOC[..20], &DOC[20..]),
            format!("{}\u{a0}\u{2028}{}", &DOC[..9], &DOC[9..]),
        ] {
            assert_eq!(one(text.as_bytes()), DOC, "{text}");
        }
    }

    #[test]
    fn a_greeting_below_is_no_part_of_the_signature() {
        let signature = "c".repeat(SIGNATURE);
        let doc = format!("eyJhIjoxfQ.eyJpIjoxfQ.{signature}");
        assert_eq!(one(format!("{doc}\n\nBest regards\nTom\n").as_bytes()), doc);
        let spaced = format!("{}\n\n{}\n\n{}\n", &doc[..9], &doc[9..40], &doc[40..]);
        assert_eq!(one(spaced.as_bytes()), doc);
    }

    #[test]
    fn utf16_from_editors_is_read() {
        let units: Vec<u16> = DOC.encode_utf16().collect();
        let le: Vec<u8> = units.iter().flat_map(|u| u.to_le_bytes()).collect();
        let be: Vec<u8> = units.iter().flat_map(|u| u.to_be_bytes()).collect();
        assert_eq!(one(&le), DOC);
        assert_eq!(one(&[&[0xff, 0xfe][..], &le].concat()), DOC);
        assert_eq!(one(&[&[0xfe, 0xff][..], &be].concat()), DOC);
    }

    #[test]
    fn text_around_in_another_encoding_does_not_matter() {
        let gbk = b"\xd0\xed\xbf\xc9\xd6\xa4\n";
        assert_eq!(one(&[&gbk[..], DOC.as_bytes(), b"\n", gbk].concat()), DOC);
    }

    #[test]
    fn files_tell_damage_from_forgery() {
        let file = format!("Customer: 某某\n{}", block(Label::License, DOC));
        assert_eq!(one(file.as_bytes()), DOC);
        assert_eq!(one(file.replace('\n', "\r\n").as_bytes()), DOC);
        for broken in [
            file.replace("c2ln", "c2lN"),
            file[..file.len() - 30].to_owned(),
            file.replace("\n=", "\n"),
            file.replace("END LICENSE", "END LEASE"),
        ] {
            assert_eq!(read(broken.as_bytes()), Err(Refusal::Damaged), "{broken}");
        }
    }

    #[test]
    fn a_file_carries_several_documents() {
        let file = block(Label::License, DOC)
            + "\n"
            + &block(Label::TrustList, "eyJ0.eyJ1.eyJ2")
            + &block(Label::License, DOC).replace("LICENSE", "LICENSE OF THE FUTURE");
        let blocks = read(file.as_bytes()).unwrap();
        let labels: Vec<_> = blocks.iter().map(|block| block.label).collect();
        assert_eq!(labels, [Label::License, Label::TrustList]);
    }

    #[test]
    fn nothing_is_malformed() {
        for text in ["", "hello", "-----BEGIN LICENSE----", "EYJ"] {
            assert!(matches!(read(text.as_bytes()), Err(Refusal::Malformed(_))), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }

        #[test]
        fn blocks_read_back(document in "eyJ[A-Za-z0-9_-]{0,300}") {
            prop_assert_eq!(one(block(Label::License, &document).as_bytes()), document);
        }
    }
}
