//! Finds and removes `\u0000` in JSON: PostgreSQL's `TEXT` cannot hold the character NUL.

use std::borrow::Cow;

const ESCAPED: &[u8] = b"\\u0000";

/// Whether a text in this JSON holds a NUL.
pub(crate) fn is_in(json: &[u8]) -> bool {
    first(json, 0).is_some()
}

/// The same JSON without NUL.
pub(crate) fn removed(json: &str) -> Cow<'_, str> {
    let Some(mut at) = first(json.as_bytes(), 0) else { return json.into() };
    let mut out = json.to_owned();
    loop {
        out.replace_range(at..at + ESCAPED.len(), "");
        match first(out.as_bytes(), at) {
            Some(next) => at = next,
            None => return out.into(),
        }
    }
}

/// The first escaped NUL at or after `from`. A backslash that is itself escaped starts no escape,
/// hence the steps of two.
fn first(json: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(found) = json[at..].iter().position(|byte| *byte == b'\\') {
        at += found;
        if json[at..].starts_with(ESCAPED) {
            return Some(at);
        }
        at = (at + 2).min(json.len());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_escape_itself_counts() {
        for (json, without) in [
            (r#"["a\u0000b","\u0000\u0000"]"#, r#"["ab",""]"#),
            (r#"["a\\u0000","\\\u0000","\u0001\u00000"]"#, r#"["a\\u0000","\\","\u00010"]"#),
            (r#"["\"\u4e2d",0]"#, r#"["\"\u4e2d",0]"#),
            ("\\", "\\"),
            ("", ""),
        ] {
            assert_eq!(removed(json), without);
            assert_eq!(is_in(json.as_bytes()), json != without, "{json}");
        }
    }
}
