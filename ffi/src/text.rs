//! Texts that cross the boundary: UTF-8 from the program, codes in words, members of JSON.

use license_core::{Code, Lang};
use serde_json::{Value, json};

use crate::{
    bridge::Reply,
    reply::{guard, number},
};

/// The program's text, or why it cannot be used. Text in the system's code page is the usual cause.
pub(crate) fn utf8<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, String> {
    str::from_utf8(bytes).map_err(|error| {
        format!("`{name}` is not UTF-8 (byte {}); on Windows convert it first", error.valid_up_to())
    })
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

/// The member at a JSON pointer: a string without its quotes, anything else as JSON.
pub(crate) fn json_text(json: &[u8], pointer: &[u8]) -> Reply {
    guard(|| {
        let (Ok(value), Ok(pointer)) =
            (serde_json::from_slice::<Value>(json), str::from_utf8(pointer))
        else {
            return Reply::explained(Code::RequestInvalid, "not JSON, or no JSON pointer");
        };
        match value.pointer(pointer) {
            None => Reply::of(Code::NotFound),
            Some(Value::String(text)) => Reply::give(text.as_str()),
            Some(other) => Reply::give(other.to_string()),
        }
    })
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
    fn members_of_json() {
        let json = r#"{"params":{"Status":"成功","n":64,"list":["a"],"none":null}}"#.as_bytes();
        let cases = [
            ("/params/Status", 0, "成功"),
            ("/params/n", 0, "64"),
            ("/params/list/0", 0, "a"),
            ("/params/list", 0, r#"["a"]"#),
            ("/params/none", 0, "null"),
        ];
        for (pointer, code, text) in cases {
            let got = json_text(json, pointer.as_bytes());
            assert_eq!((got.code, got.text.as_str()), (code, text), "{pointer}");
        }
        assert_eq!(json_text(json, b"/params/other").code, number(Code::NotFound));
        assert_eq!(json_text(b"{", b"/params").code, number(Code::RequestInvalid));
    }

    #[test]
    fn text_in_another_encoding_is_named() {
        let error = utf8("dev_info", b"\xd5\xc5\xc8\xfd").unwrap_err();
        assert!(error.contains("`dev_info` is not UTF-8"), "{error}");
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
