//! The header `Body-Sign`, which every answer of V1 carries ("HTTP Body signature").

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq;

use crate::mac::hmac;
use crate::signature::AccessKey;

/// The header's name; HTTP does not tell the cases apart.
pub const BODY_SIGN: &str = "Body-Sign";

/// The header's value for an answer. The quotes round both values belong to it.
#[must_use]
pub fn body_sign(key: &AccessKey, body: &[u8]) -> String {
    let signature = STANDARD.encode(hmac(key.bytes(), &[body]));
    format!("sign_type=\"HMAC-SHA256\", signature=\"{signature}\"")
}

/// Whether a header's value signs this answer, with blanks wherever public samples have or lack
/// them.
#[must_use]
pub fn verify_body_sign(header: &str, body: &[u8], key: &AccessKey) -> bool {
    let Some((kind, signature)) = header.split_once(',') else { return false };
    let quoted = |text: &'_ str, name: &str| -> Option<String> {
        let (found, value) = text.split_once('=')?;
        let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
        (found.trim() == name).then(|| value.to_owned())
    };
    let kind = quoted(kind, "sign_type");
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("HMAC-SHA256")) {
        return false;
    }
    let Some(signature) = quoted(signature, "signature") else { return false };
    let Ok(presented) = STANDARD_NO_PAD.decode(signature.trim_end_matches('=')) else {
        return false;
    };
    hmac(key.bytes(), &[body]).ct_eq(presented.as_slice()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"resultCode":"000000","resultMsg":"success."}"#;
    const SIGNATURE: &str = "6STdxMJ88oxoQNgz4X5azo1fqs+L2AhMbWLH3NA4Mtc=";

    #[test]
    fn the_vector_is_made_and_read_in_every_spelling() {
        let key = AccessKey::of_vector("demo-key");
        assert_eq!(
            body_sign(&key, BODY),
            format!("sign_type=\"HMAC-SHA256\", signature=\"{SIGNATURE}\"")
        );
        for header in [
            format!("sign_type=\"HMAC-SHA256\", signature= \"{SIGNATURE}\""),
            format!("sign_type=\"HMAC-SHA256\",signature=\"{SIGNATURE}\""),
            format!(" sign_type = \"HMAC-SHA256\" , signature = \"{SIGNATURE}\" "),
        ] {
            assert!(verify_body_sign(&header, BODY, &key), "{header}");
            assert!(!verify_body_sign(&header, b"{}", &key));
            assert!(!verify_body_sign(&header, BODY, &AccessKey::of_vector("other")));
        }
        for header in [
            String::new(),
            SIGNATURE.to_owned(),
            format!("sign_type=\"HMAC-SHA1\", signature=\"{SIGNATURE}\""),
            format!("sign_type=HMAC-SHA256, signature={SIGNATURE}"),
            format!("signature=\"{SIGNATURE}\", sign_type=\"HMAC-SHA256\""),
            "sign_type=\"HMAC-SHA256\", signature=\"\"".to_owned(),
            "sign_type=\"HMAC-SHA256\", signature=\"".to_owned(),
        ] {
            assert!(!verify_body_sign(&header, BODY, &key), "{header}");
        }
    }
}
