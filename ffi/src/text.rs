//! Text of the program: UTF-8, or why it is not.

/// The program's text, or why it cannot be used. Text in the system's code page is the usual cause.
pub(crate) fn utf8<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, String> {
    str::from_utf8(bytes).map_err(|error| {
        format!("`{name}` is not UTF-8 (byte {}); on Windows convert it first", error.valid_up_to())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_another_encoding_is_named() {
        let error = utf8("dev_info", b"\xd5\xc5\xc8\xfd").unwrap_err();
        assert!(error.contains("`dev_info` is not UTF-8"), "{error}");
    }
}
