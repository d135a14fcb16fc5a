//! The query of a call: a bounded parse into a flat map, decoded once. Fields are read in `call`.

use percent_encoding::percent_decode;

use crate::body::Body;
use crate::code::{Rejection, ResultCode};

/// The most that a query may hold, in bytes; the vendor's calls have some hundred.
pub const LIMIT: usize = 8 * 1024;

/// The most parameters; the longest table has some twenty.
const PARAMETERS: usize = 64;

/// Reads a URL's query, without the question mark, as a form: `+` is a blank, but in `authToken`,
/// whose base64 the vendor's sample puts into the URL as it is.
///
/// # Errors
///
/// `000002` for what is too long, has too many parameters, is not percent-encoded UTF-8, or names
/// a parameter twice: what was signed must be what is read.
pub fn parse(query: &str) -> Result<Body, Rejection> {
    if query.len() > LIMIT {
        return Err(refused("the query is too long", "请求参数过长"));
    }
    let pieces: Vec<&str> = query.split('&').filter(|piece| !piece.is_empty()).collect();
    if pieces.len() > PARAMETERS {
        return Err(refused("there are too many parameters", "请求参数过多"));
    }

    let mut parameters = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        let name = decode(name, true)?;
        let value = decode(value, name != "authToken")?;
        parameters.push((name, value));
    }

    let mut names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        let name: String = twice[0].chars().take(64).collect();
        return Err(refused(
            &format!("the parameter {name:?} stands twice"),
            &format!("参数{name:?}重复"),
        ));
    }
    Ok(Body::from_texts(parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
}

fn decode(text: &str, form: bool) -> Result<String, Rejection> {
    let malformed = || refused("the query is not percent-encoded UTF-8", "请求参数编码不合法");
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let digits = rest.get(at + 1..at + 3).ok_or_else(malformed)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(malformed());
        }
        rest = &rest[at + 3..];
    }
    let text = if form { text.replace('+', " ") } else { text.to_owned() };
    percent_decode(text.as_bytes())
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| malformed())
}

fn refused(english: &str, chinese: &str) -> Rejection {
    Rejection::new(ResultCode::BadParameter, english, chinese)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_decoded_once() {
        let body = parse("a=%E4%B8%AD+x&b=%2541&&c&d==&e=1%262&authToken=a+b%2Bc%3D").unwrap();
        for (name, text) in [
            ("a", "中 x"),
            ("b", "%41"),
            ("c", ""),
            ("d", "="),
            ("e", "1&2"),
            ("authToken", "a+b+c="),
        ] {
            assert_eq!(body.text(name), Some(text), "{name}");
        }
        assert_eq!(body.names().count(), 6);
        assert_eq!(parse("").unwrap().names().count(), 0);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let many = |n: usize| (0..n).map(|i| format!("p{i}=")).collect::<Vec<_>>().join("&");
        for query in [
            "a=1&a=1",
            "a=1&%61=2",
            "a=%",
            "a=%4",
            "a=%zz",
            "a=%+1",
            "a=%ff",
            "%ff=a",
            &many(PARAMETERS + 1),
            &format!("a={}", "x".repeat(LIMIT - 1)),
        ] {
            assert_eq!(parse(query).unwrap_err().code, ResultCode::BadParameter, "{query}");
        }
        assert!(parse(&many(PARAMETERS)).is_ok());
        assert!(parse(&format!("a={}", "x".repeat(LIMIT - 2))).is_ok());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(query in "[a-c=&%+0-9A-F中]{0,60}") {
            let _ = parse(&query);
        }
    }
}
