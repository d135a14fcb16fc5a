//! Outcome codes as numbers, words and reports for C and C++.

use license_core::{Code, Lang};
use serde_json::{Value, json};

/// The number of a code as the C interface has it.
pub(crate) fn number(code: Code) -> i32 {
    i32::from(code.number())
}

fn known(code: i32) -> Option<Code> {
    Code::ALL.iter().copied().find(|known| number(*known) == code)
}

/// `LICENSE_EXPIRED`; a number that a newer library may know keeps its number.
pub(crate) fn code_name(code: i32) -> String {
    known(code).map_or_else(|| format!("UNKNOWN_{code}"), |code| code.as_str().to_owned())
}

/// The number of a code's word; -1 for a word that only a newer library may know.
pub(crate) fn code_number(name: &[u8]) -> i32 {
    let name = str::from_utf8(name).unwrap_or_default();
    Code::ALL.iter().find(|code| code.as_str() == name).map_or(-1, |code| number(*code))
}

/// One sentence for people.
pub(crate) fn code_message(code: i32, chinese: bool) -> String {
    let lang = if chinese { Lang::Zh } else { Lang::En };
    known(code).map_or_else(|| code_name(code), |code| code.message(lang).to_owned())
}

/// The explanation of a refusal that comes without one: its code in words and what is known beside.
pub(crate) fn report(code: i32, detail: &str) -> String {
    let mut report = json!({
        "code": code_name(code),
        "message": code_message(code, false),
        "message_zh": code_message(code, true),
    });
    if !detail.is_empty() {
        report["detail"] = Value::from(detail);
    }
    report.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers in the header are the numbers in core, and no code is missing on either side.
    #[test]
    fn the_headers_hold_every_code() {
        let c = include_str!("../include/licsdk/licsdk.h");
        let cpp = include_str!("../include/licsdk/SdkInvoker.h");
        let mut listed: Vec<(String, i32)> = c
            .split_once("typedef enum licsdk_code {")
            .and_then(|(_, rest)| rest.split_once('}'))
            .unwrap()
            .0
            .split(',')
            .map(|line| line.trim().split_once(" = ").unwrap())
            .map(|(name, number)| (name.replacen("LICSDK_", "", 1), number.parse().unwrap()))
            .collect();
        listed.sort_by_key(|(_, number)| *number);

        let ours: Vec<(String, i32)> =
            Code::ALL.iter().map(|code| (code.as_str().to_owned(), number(*code))).collect();
        assert_eq!(listed, ours);
        for (name, _) in ours {
            let spelled = if name == "OK" { "SUCCESS" } else { &name };
            let entry = format!("    {spelled} = LICSDK_{name}");
            assert!(cpp.lines().any(|line| line.trim_end_matches(',') == entry), "{entry}");
        }
    }

    #[test]
    fn numbers_that_are_no_code() {
        assert_eq!(code_name(200), "UNKNOWN_200");
        assert_eq!(code_message(-1, true), "UNKNOWN_-1");
        assert_eq!(code_number(b"LICENSE_EXPIRED"), 11);
        assert_eq!(code_number(b"LICENSE"), -1);
        assert_eq!(code_number(b"\xff"), -1);
    }
}
