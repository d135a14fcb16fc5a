//! What is sent, byte by byte, and read as the marketplace reads it.

use proptest::prelude::*;

use super::*;
use crate::failure::Remedy;

fn file(name: &str, bytes: &[u8]) -> Content {
    Content::File { name: name.to_owned(), bytes: bytes.to_vec() }
}

const LICENSE_HASH: &str = "cc1d3b0234846714b0aeda6cc34b057b4305bb83dd447fb88f816efeb59a4e96";

#[test]
fn a_file_is_sent_in_two_parts() {
    let (content_type, body) = multipart(&file("许可证\"\r\n.lic", b"license"), "b");
    assert_eq!(content_type, "multipart/form-data; boundary=b");
    assert_eq!(
        String::from_utf8(body).unwrap(),
        format!(
            "--b\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"许可证%22%0D%0A.lic\"\r\n\
             Content-Type: application/octet-stream\r\n\
             \r\n\
             license\r\n\
             --b\r\n\
             Content-Disposition: form-data; name=\"isvUpdateFileReq\"\r\n\
             Content-Type: application/json\r\n\
             \r\n\
             {{\"type\":\"FILE\",\"file_name\":\"许可证\\\"\\r\\n.lic\",\"sha256\":\"{LICENSE_HASH}\"}}\r\n\
             --b--\r\n"
        )
    );
    assert_eq!(file("x", b"license").sha256(), LICENSE_HASH);
    assert_eq!(Content::Characters("license".into()).sha256(), LICENSE_HASH);
}

#[test]
fn characters_are_sent_in_one() {
    let (_, body) = multipart(&Content::Characters("许可\"证".into()), "b");
    assert_eq!(
        String::from_utf8(body).unwrap(),
        "--b\r\n\
         Content-Disposition: form-data; name=\"isvUpdateFileReq\"\r\n\
         Content-Type: application/json\r\n\
         \r\n\
         {\"type\":\"CHARACTERS\",\"characters\":\"许可\\\"证\"}\r\n\
         --b--\r\n"
    );
}

#[test]
fn the_path_holds_the_event_whatever_it_is() {
    for event in ["e-1", "a b/中?#%2F", "~._-"] {
        let path = path(event);
        assert!(path.is_ascii() && path.matches('/').count() == 7, "{path}");
        assert_eq!(event_of(&path).as_deref(), Some(event));
    }
    assert_eq!(path("e-1"), "/api/mkp-openapi-public/global/v1/market-event/e-1/file");
    for path in [
        "/api/mkp-openapi-public/global/v1/market-event//file",
        "/api/mkp-openapi-public/global/v1/market-event/a/b/file",
        "/api/mkp-openapi-public/global/v1/market-event/e-1",
        "/api/mkp-openapi-public/global/v1/market-event/%ff/file",
        "/file",
    ] {
        assert_eq!(event_of(path), None, "{path}");
    }
}

#[test]
fn the_boundary_comes_from_the_content() {
    let (a, b) = (file("x", b"license"), file("x", b"licensf"));
    assert_eq!(boundary(&a), boundary(&a));
    assert_ne!(boundary(&a), boundary(&b));
    assert!(boundary(&a).len() <= 70);
}

/// The vendor's sample: no name in the JSON, a type of its own on the file's part.
fn vendor_sample(description: &str) -> Vec<u8> {
    format!(
        "preamble\r\n--X\r\ncontent-disposition: form-data; filename=license.lic; name=file\r\n\
         Content-Type: multipart/form-data\r\n\r\nlicense\r\n--X\r\n\
         Content-Disposition:form-data;name=\"isvUpdateFileReq\"\r\n\
         Content-Type: application/json\r\n\r\n{description}\r\n--X--\r\nepilogue"
    )
    .into_bytes()
}

#[test]
fn the_vendors_own_form_is_read() {
    let upper = LICENSE_HASH.to_uppercase();
    for content_type in [
        "multipart/form-data; boundary=X",
        "Multipart/Form-Data;charset=utf-8;boundary=\"X\"",
        "multipart/form-data ; BOUNDARY = X",
    ] {
        let body =
            vendor_sample(&format!(r#"{{"type":"FILE","sha256":"{upper}","characters":null}}"#));
        assert_eq!(
            read_multipart(content_type, &body),
            Ok(file("license.lic", b"license")),
            "{content_type}"
        );
    }
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    let kind = "multipart/form-data; boundary=X";
    for (description, reason) in [
        ("", "isvUpdateFileReq is not its JSON"),
        ("[1]", "isvUpdateFileReq is not its JSON"),
        ("{}", "type is neither"),
        (r#"{"type":"file"}"#, "type is neither"),
        (r#"{"type":"FILE"}"#, "sha256 is missing"),
        (r#"{"type":"FILE","file_name":"","sha256":"x"}"#, "file_name is missing"),
        (r#"{"type":"FILE","sha256":"00"}"#, "sha256 is not that"),
        (r#"{"type":"CHARACTERS"}"#, "characters is missing"),
        (r#"{"type":"CHARACTERS","characters":""}"#, "characters is missing"),
    ] {
        let error = read_multipart(kind, &vendor_sample(description)).unwrap_err();
        assert!(error.to_string().contains(reason), "{description}: {error}");
    }

    let characters = |n: usize| {
        let (_, body) = multipart(&Content::Characters("字".repeat(n)), "X");
        read_multipart(kind, &body)
    };
    assert!(characters(CHARACTERS_LIMIT).is_ok());
    assert!(characters(CHARACTERS_LIMIT + 1).unwrap_err().to_string().contains("longer than"));

    let (_, body) = multipart(&file("x", b"y"), "X");
    for (content_type, reason) in [
        ("", "not multipart/form-data"),
        ("application/json", "not multipart/form-data"),
        ("multipart/form-data", "no boundary"),
        ("multipart/form-data; boundary=", "no boundary"),
        ("multipart/form-data; boundary=Y", "no boundary"),
    ] {
        let error = read_multipart(content_type, &body).unwrap_err();
        assert!(error.to_string().contains(reason), "{content_type}: {error}");
    }
    let many =
        format!("{}--X--", "--X\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n".repeat(9));
    assert!(read_multipart(kind, many.as_bytes()).unwrap_err().to_string().contains("too many"));
    let no_file = b"--X\r\nContent-Disposition: form-data; name=isvUpdateFileReq\r\n\r\n{\"type\":\"FILE\"}\r\n--X--";
    assert!(read_multipart(kind, no_file).unwrap_err().to_string().contains("no part file"));
}

#[test]
fn every_cut_of_an_upload_is_refused() {
    let content = file("license.lic", b"line\r\n--line\r\n");
    let (content_type, body) = multipart(&content, "X");
    assert_eq!(read_multipart(&content_type, &body), Ok(content.clone()));
    // The last line break, and the dashes' second half, say nothing that is not known before.
    for end in 0..body.len() - 2 {
        assert!(read_multipart(&content_type, &body[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn the_answer_is_its_code_not_its_status() {
    assert_eq!(read_answer(200, &answer("CBC.0000", "Success")), Ok(()));
    let failure = read_answer(200, &answer("91381037", "Invalid license format.")).unwrap_err();
    assert_eq!((failure.status, failure.code.as_str()), (Some(200), "91381037"));
    assert_eq!(failure.remedy, Remedy::GiveUp);
    assert_eq!(failure.message, "Invalid license format.");
    assert_eq!(failure.meaning_zh, "License格式不正确");
}

proptest! {
    #[test]
    fn what_is_sent_is_read(
        // What a browser would escape stands in the JSON as it is.
        name in "\\PC{1,20}",
        bytes: Vec<u8>,
        lines in prop::collection::vec("(\r\n)?-{0,3}[a-z]{0,3}", 0..20),
        text in "\\PC{1,40}",
    ) {
        let mut content = bytes;
        content.extend_from_slice(lines.concat().as_bytes());
        for content in [file(&name, &content), Content::Characters(text)] {
            let (content_type, body) = multipart(&content, &boundary(&content));
            prop_assert_eq!(read_multipart(&content_type, &body), Ok(content));
        }
    }

    #[test]
    fn nothing_makes_it_panic(
        content_type in "\\PC{0,40}",
        body: Vec<u8>,
        pieces in prop::collection::vec(
            prop_oneof!["--X", "\r\n", "--", "Content-Disposition: form-data; name=", "\"", "file",
                "isvUpdateFileReq", ";", "=", "\\{\\}", "filename"],
            0..24,
        ),
    ) {
        let _ = read_multipart(&content_type, &body);
        let _ = read_multipart(&format!("multipart/form-data;{content_type}"), &body);
        let _ = read_multipart("multipart/form-data; boundary=X", pieces.concat().as_bytes());
    }
}
