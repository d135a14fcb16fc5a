//! Addresses, forms and answers of the joint-operation login.

use proptest::prelude::*;

use super::*;

fn centre() -> CenterUrl {
    CenterUrl::parse("https://sso.example.com/").unwrap()
}

#[test]
fn a_centre_is_https_or_on_this_machine() {
    for (text, base, host) in [
        ("https://sso.example.com", "https://sso.example.com", "sso.example.com"),
        ("HTTPS://sso.example.com:8443/a/", "https://sso.example.com:8443/a", "sso.example.com"),
        ("https://[2001:db8::1]:443", "https://[2001:db8::1]:443", "2001:db8::1"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1"),
        ("http://localhost", "http://localhost", "localhost"),
        ("http://[::1]/x", "http://[::1]/x", "::1"),
    ] {
        let centre = CenterUrl::parse(text).unwrap();
        assert_eq!((centre.to_string().as_str(), centre.host()), (base, host), "{text}");
    }
    for text in [
        "sso.example.com",
        "https://",
        "https:///path",
        "https://:443",
        "https://user@sso.example.com",
        "https://sso.example.com?a=b",
        "https://sso.example.com#a",
        "https://sso.example.com\\@evil.example.com",
        "https://sso example.com",
        "https://sso.example.com:0",
        "https://sso.example.com:99999",
        "https://[2001:db8::1",
        "https://[name]",
        "https://单点.example.com",
        "ftp://sso.example.com",
        "javascript://sso.example.com",
        "",
    ] {
        assert_eq!(CenterUrl::parse(text), Err(InvalidCenterUrl::NoAddress), "{text}");
    }
    for text in ["http://sso.example.com", "http://10.0.0.1", "http://127.0.0.1.example.com"] {
        assert_eq!(CenterUrl::parse(text), Err(InvalidCenterUrl::NotEncrypted), "{text}");
    }
}

#[test]
fn addresses_hold_what_the_guide_names() {
    assert_eq!(
        centre().authorize_address("c 1", "https://a.example.com/cb", "s&t", Some("ch")),
        "https://sso.example.com/api/v1/oauth2/authorize?response_type=code&client_id=c+1\
         &redirect_uri=https%3A%2F%2Fa.example.com%2Fcb&scope=get_user_info&state=s%26t\
         &code_challenge=ch&code_challenge_method=S256"
    );
    let without = centre().authorize_address("c", "r", "s", None);
    assert!(without.ends_with("&state=s"), "{without}");
    assert_eq!(centre().token_address(), "https://sso.example.com/api/v1/oauth2/token");
    assert_eq!(centre().user_info_address(), "https://sso.example.com/api/v1/oauth2/userinfo");
    assert_eq!(
        centre().logout_address("c", "https://a.example.com/?b=c"),
        "https://sso.example.com/api/v1/oauth2/logout?client_id=c\
         &redirect_url=https%3A%2F%2Fa.example.com%2F%3Fb%3Dc"
    );
}

/// RFC 7636, appendix B.
#[test]
fn the_challenge_is_that_of_the_rfc() {
    assert_eq!(
        challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
}

#[test]
fn forms_hold_what_the_guide_names() {
    assert_eq!(
        *token_form("c", "s&=+", "k", "https://a.example.com/cb", Some("v")),
        "grant_type=authorization_code&client_id=c&client_secret=s%26%3D%2B&code=k\
         &redirect_uri=https%3A%2F%2Fa.example.com%2Fcb&code_verifier=v"
    );
    assert!(!token_form("c", "s", "k", "r", None).contains("code_verifier"));
    assert_eq!(
        *refresh_form("c", "s", &OauthToken::new("r/1")),
        "grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=r%2F1"
    );
    assert_eq!(*authorization(&OauthToken::new("t1")), "Bearer t1");
}

#[test]
fn tokens_are_read_and_not_shown() {
    let body = br#"{"access_token":"at-1","token_type":"bearer","expires_in":7200,
        "scope":"get_user_info","refresh_token":"rt-1","later":{}}"#;
    let tokens = read_tokens(200, body).unwrap();
    assert_eq!(tokens.access_token.expose(), "at-1");
    assert_eq!(tokens.refresh_token.as_ref().unwrap().expose(), "rt-1");
    assert_eq!((tokens.expires_in, tokens.scope.as_deref()), (Some(7200), Some("get_user_info")));
    let shown = format!("{tokens:?}");
    assert!(!shown.contains("at-1") && !shown.contains("rt-1"), "{shown}");

    let least = read_tokens(200, br#"{"access_token":"a","expires_in":"60"}"#).unwrap();
    assert_eq!((least.expires_in, least.refresh_token), (Some(60), None));
}

#[test]
fn errors_are_read_whatever_their_status() {
    for status in [200, 400, 401, 500] {
        let body = br#"{"error":"invalid_grant","error_description":"code was used"}"#;
        let expected = OauthError::Refused {
            status,
            error: "invalid_grant".into(),
            description: "code was used".into(),
        };
        assert_eq!(read_tokens(status, body), Err(expected.clone()));
        assert_eq!(read_user_info(status, body), Err(expected));
    }
    for (status, body) in [
        (200, &b""[..]),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, br#"{"access_token":""}"#),
        (200, br#"{"access_token":"a","token_type":"mac"}"#),
        (200, br#"{"access_token":"a\r\nX: y"}"#),
        (302, br#"{"access_token":"a"}"#),
        (503, br#"{"access_token":"a"}"#),
    ] {
        let unreadable = read_tokens(status, body);
        assert!(matches!(unreadable, Err(OauthError::Unreadable { .. })), "{status} {body:?}");
    }
    assert!(read_user_info(200, br#"{"name":"n"}"#).is_err(), "nobody is named");
}

#[test]
fn a_user_is_read_whole_and_not_shown() {
    let body = r#"{"userName":"zs","userId":7,"name":"张三","email":"zs@example.com",
        "mobile":"","role":"admin","organizationName":"某某","tenant":"d1","error":null,
        "error_description":"","later":[1]}"#;
    let user = read_user_info(200, body.as_bytes()).unwrap();
    assert_eq!(user.user_name.as_deref(), Some("zs"));
    assert_eq!(user.user_id.as_deref(), Some("7"));
    assert_eq!((user.mobile.as_deref(), user.role.as_deref()), (None, Some("admin")));
    assert_eq!(user.raw["later"], serde_json::json!([1]));
    assert!(!user.raw.contains_key("error"));
    assert_eq!(format!("{user:?}"), "UserInfo(..)");
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(status: u16, body: Vec<u8>, text in "\\PC{0,40}") {
        let _ = read_tokens(status, &body);
        let _ = read_user_info(status, &body);
        let _ = CenterUrl::parse(&text);
        let _ = CenterUrl::parse(&format!("https://{text}"));
    }
}
