//! Vectors of FORMAT.md, section 5: licenses as people paste, mail and save them.

use super::book::Book;
use super::forge::{Claims, ISSUING, STRANGER, armoured, armoured_with, jwks, parts, wrapped};

const DAMAGED: &str = "LICENSE_DAMAGED";
const INVALID: &str = "SIGNATURE_INVALID";
const MALFORMED: &str = "LICENSE_MALFORMED";

pub(super) fn book() -> Book {
    let mut book = Book::new(
        "text",
        "license",
        "Licenses as people paste, mail and save them (FORMAT.md, section 5)",
    );
    book.trust("issuing", jwks(&[ISSUING.jwk(&["license+jwt"])]));
    let license = ISSUING.license(&Claims::license());
    strings(&mut book, &license);
    broken_strings(&mut book, &license);
    files(&mut book, &license);
    broken_files(&mut book, &license);
    book
}

fn utf16(text: &str, mark: bool, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mark = mark.then_some(0xfeff);
    mark.into_iter().chain(text.encode_utf16()).flat_map(unit).collect()
}

fn strings(book: &mut Book, license: &str) {
    let lines = |end| wrapped(license, 72, end);
    for (comment, text) in [
        ("a line end behind", format!("{license}\n")),
        ("CR LF behind", format!("{license}\r\n")),
        ("blank lines and spaces around", format!("\n\n   {license}  \n\n")),
        ("wrapped by LF", lines("\n")),
        ("wrapped by CR LF", lines("\r\n")),
        ("wrapped by CR alone", lines("\r")),
        ("wrapped with blank lines between", lines("\r\n\r\n")),
        ("wrapped and indented by tabs", lines("\n\t")),
        ("wrapped and indented by full-width spaces", lines("\n\u{3000}\u{3000}")),
        ("no-break spaces inside", lines("\u{a0}")),
        ("zero-width spaces inside", lines("\u{200b}")),
        ("a zero-width joiner and a word joiner inside", lines("\u{200d}\u{2060}")),
        ("a byte order mark inside", lines("\u{feff}")),
        ("soft hyphens at the line ends", lines("\u{ad}\n")),
        ("a line separator", lines("\u{2028}")),
        ("a byte order mark before", format!("\u{feff}{license}")),
        ("in quotes", format!("\"{license}\"")),
        ("in single quotes", format!("'{license}'\n")),
        ("in typographic quotes", format!("“{license}”")),
        ("in corner brackets", format!("「{license}」")),
        ("quoted line by line", format!("\"{}\"", lines("\"\n\""))),
        ("text before it", format!("Dear customer,\nthis is your license:\n\n{license}")),
        ("Chinese text before and after it", format!("您的许可证：\n{license}\n请妥善保管。")),
        ("text before it in its line", format!("License: {license}")),
        ("text behind it", format!("{license}\n\nBest regards, the team.")),
        ("a greeting below it, of letters alone", format!("{license}\n\nBest regards\nTom\n")),
        ("text behind it in its line", format!("{license}, thank you")),
        ("a full-width full stop behind it", format!("{license}。")),
        ("a configuration's line", format!("license = \"{license}\";")),
        ("in a tag", format!("<license>{license}</license>")),
        ("with the padding that somebody added", format!("{license}==")),
    ] {
        book.add("OK", comment, text);
    }
    book.add(
        "OK",
        "UTF-16LE with its mark, from Notepad",
        utf16(&lines("\r\n"), true, u16::to_le_bytes),
    );
    book.add("OK", "UTF-16BE with its mark", utf16(license, true, u16::to_be_bytes));
    book.add("OK", "UTF-16LE without a mark", utf16(license, false, u16::to_le_bytes));
    let gbk = b"\xc4\xfa\xb5\xc4\xd0\xed\xbf\xc9\xd6\xa4\xa3\xba\r\n";
    book.add("OK", "text before it in GBK", [gbk, license.as_bytes()].concat());
}

fn broken_strings(book: &mut Book, license: &str) {
    let middle = license.len() / 2;
    let (head, payload, signature) = parts(license);
    for (code, comment, text) in [
        (
            MALFORMED,
            "a mail program put ! into the payload",
            format!("{head}.{}!\n{}.{signature}", &payload[..60], &payload[60..]),
        ),
        (MALFORMED, "the second half alone", license[middle..].to_owned()),
        (MALFORMED, "quoted in a reply: the second line ends it", wrapped(license, 72, "\n> ")),
        (
            MALFORMED,
            "an ellipsis in the middle",
            format!("{}…{}", &license[..40], &license[license.len() - 40..]),
        ),
        (MALFORMED, "full-width letters", license.replace('e', "ｅ")),
        (MALFORMED, "all in upper case", license.to_uppercase()),
        (MALFORMED, "two licenses, one a line", format!("{license}\n{license}\n")),
        (
            INVALID,
            "a line of the payload is missing",
            format!("{head}.{}{}.{signature}", &payload[..40], &payload[104..]),
        ),
        (INVALID, "two characters of the signature swapped", swapped(license)),
    ] {
        book.add(code, comment, text);
    }
}

/// Swaps two neighbours of the signature that differ, away from its last character.
fn swapped(license: &str) -> String {
    let mut bytes = license.as_bytes().to_vec();
    let last = bytes.len() - 2;
    let at = (0..last).rev().find(|at| bytes[*at] != bytes[*at + 1]).expect("they differ");
    bytes.swap(at, at + 1);
    String::from_utf8(bytes).expect("ASCII")
}

fn files(book: &mut Book, license: &str) {
    let people = "Customer: 某某科技有限公司\nProduct:  flowsim        Valid until: 2027-11-11\n";
    let file = format!("{people}{}", armoured("LICENSE", license));
    book.add("OK", "a license file", &*file);
    book.add("OK", "a file with CR LF", file.replace('\n', "\r\n"));
    book.add("OK", "a file with a byte order mark", format!("\u{feff}{file}"));
    book.add(
        "OK",
        "a file in UTF-16LE, from Notepad",
        utf16(&file.replace('\n', "\r\n"), true, u16::to_le_bytes),
    );
    book.add("OK", "without lines for people", armoured("LICENSE", license));
    book.add(
        "OK",
        "the lines for people say something else: nobody reads them",
        format!("Customer: Somebody\nValid until: 2099-01-01\n{}", armoured("LICENSE", license)),
    );
    book.add("OK", "text behind the block", format!("{file}\nBest regards, the team.\n"));
    book.add("OK", "indented by a full-width space", file.replace('\n', "\n\u{3000}"));
    book.add("OK", "wrapped anew at 40 characters", {
        let checksum = crc32fast::hash(license.as_bytes());
        let lines = wrapped(license, 40, "\n");
        format!("-----BEGIN LICENSE-----\n{lines}\n={checksum:08x}\n-----END LICENSE-----\n")
    });
    book.add("OK", "the checksum in upper case", {
        let checksum = format!("{:08x}", crc32fast::hash(license.as_bytes()));
        file.replace(&checksum, &checksum.to_uppercase())
    });
    book.add(
        "OK",
        "a block of the future beside",
        format!("{}{file}", armoured("LICENSE POLICY", "eyJ9.eyJ9.AAAA")),
    );
    book.add(
        "OK",
        "a block with another document beside",
        format!("{}{file}", armoured("LEASE", license)),
    );
    let strange = STRANGER.license(&Claims::license());
    book.add(
        "OK",
        "two licenses: the second is good",
        format!("{}{file}", armoured("LICENSE", &strange)),
    );
    book.add(
        "KEY_UNKNOWN",
        "two licenses: none is good, the first one's code",
        format!(
            "{}{}",
            armoured("LICENSE", &strange),
            armoured("LICENSE", &license[..license.len() - 2]),
        ),
    );
}

fn broken_files(book: &mut Book, license: &str) {
    let file = armoured("LICENSE", license);
    let checksum = crc32fast::hash(license.as_bytes());
    let (head, payload, signature) = parts(license);
    let changed = format!("{head}.{}{}.{signature}", other(&payload[..1]), &payload[1..]);
    for (code, comment, text) in [
        (
            DAMAGED,
            "one character changed: the checksum tells",
            armoured_with("LICENSE", &changed, checksum),
        ),
        (
            INVALID,
            "one character changed, and the checksum with it: a forgery",
            armoured("LICENSE", &changed),
        ),
        (DAMAGED, "another checksum", armoured_with("LICENSE", license, checksum ^ 1)),
        (DAMAGED, "no checksum", file.replace('=', "")),
        (DAMAGED, "a checksum that is none", file.replace('=', "=x")),
        (DAMAGED, "cut before its end", file[..file.len() - 40].to_owned()),
        (DAMAGED, "nothing but the begin", "-----BEGIN LICENSE-----\n".to_owned()),
        (DAMAGED, "the end of another block", file.replace("END LICENSE", "END LEASE")),
        (
            DAMAGED,
            "a mail program put ! at the line ends",
            file.replacen('\n', "!\n", 4).replacen("-----!", "-----", 1),
        ),
        (DAMAGED, "a line is missing", without_line(&file, 2)),
        (DAMAGED, "a line stands twice", twice_line(&file, 2)),
        (DAMAGED, "an empty block", "-----BEGIN LICENSE-----\n-----END LICENSE-----\n".to_owned()),
        (
            MALFORMED,
            "a block that is cut, with a good checksum",
            armoured("LICENSE", &license[..60]),
        ),
        (MALFORMED, "a license request", armoured("LICENSE REQUEST", license)),
        (MALFORMED, "a trust list alone", armoured("TRUST LIST", license)),
        (
            INVALID,
            "two characters of the signature lost, with a good checksum",
            armoured("LICENSE", &license[..license.len() - 2]),
        ),
    ] {
        book.add(code, comment, text);
    }
}

fn other(letter: &str) -> &'static str {
    if letter == "A" { "B" } else { "A" }
}

fn without_line(file: &str, at: usize) -> String {
    let lines = file.split_inclusive('\n').enumerate();
    lines.filter(|(i, _)| *i != at).map(|(_, line)| line).collect()
}

fn twice_line(file: &str, at: usize) -> String {
    let lines = file.lines().enumerate();
    lines.map(|(i, line)| format!("{line}\n").repeat(1 + usize::from(i == at))).collect()
}
