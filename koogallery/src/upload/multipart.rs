//! `multipart/form-data` (RFC 7578), written for one upload and read leniently.

/// A body that is no upload.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUpload(pub &'static str);

/// The most parts that are looked at.
const PARTS: usize = 8;

pub(super) struct MultipartPart<'a> {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) content: &'a [u8],
}

/// Writes the file, where there is one, and the description.
pub(super) fn write(boundary: &str, file: Option<(&str, &[u8])>, description: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(file.map_or(0, |(_, b)| b.len()) + description.len() + 512);
    if let Some((name, bytes)) = file {
        // The vendor's sample says `multipart/form-data` here, which without a boundary of its
        // own leads some parsers to take the file apart.
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            escape(name)
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"isvUpdateFileReq\"\r\n\
         Content-Type: application/json\r\n\r\n"
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(description);
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    out
}

/// As browsers do it (RFC 7578, section 4.2 and the HTML standard).
fn escape(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// Splits a body into its parts.
pub(super) fn read<'a>(
    content_type: &str,
    body: &'a [u8],
) -> Result<Vec<MultipartPart<'a>>, InvalidUpload> {
    const CUT: InvalidUpload = InvalidUpload("the body ends before its last boundary");

    let kind = content_type.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("multipart/form-data") {
        return Err(InvalidUpload("Content-Type is not multipart/form-data"));
    }
    let boundary = parameter(content_type, "boundary")
        .filter(|b| (1..=70).contains(&b.len()))
        .ok_or(InvalidUpload("Content-Type has no boundary"))?;

    let first = format!("--{boundary}");
    let next = format!("\r\n--{boundary}");
    let start = if body.starts_with(first.as_bytes()) {
        first.len()
    } else {
        find(body, next.as_bytes()).ok_or(InvalidUpload("the body has no boundary"))? + next.len()
    };

    let mut rest = &body[start..];
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        if parts.len() == PARTS {
            return Err(InvalidUpload("the body has too many parts"));
        }
        let line = find(rest, b"\r\n").ok_or(CUT)?;
        rest = &rest[line + 2..];
        let end = find(rest, next.as_bytes()).ok_or(CUT)?;
        parts.push(part(&rest[..end])?);
        rest = &rest[end + next.len()..];
    }
    Ok(parts)
}

fn part(bytes: &[u8]) -> Result<MultipartPart<'_>, InvalidUpload> {
    const HEAD: InvalidUpload = InvalidUpload("a part has no readable head");

    let split = find(bytes, b"\r\n\r\n").ok_or(HEAD)?;
    let head = std::str::from_utf8(&bytes[..split]).map_err(|_| HEAD)?;
    let disposition = head
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))
        .map(|(_, value)| value)
        .ok_or(HEAD)?;
    Ok(MultipartPart {
        name: parameter(disposition, "name").ok_or(HEAD)?,
        file_name: parameter(disposition, "filename"),
        content: &bytes[split + 4..],
    })
}

/// The parameter of a header's value, quoted or not.
fn parameter(value: &str, name: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let (found, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (text, remaining) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (text, remaining) = quoted.split_once('"')?;
                (text, remaining.split_once(';').map_or("", |(_, r)| r))
            }
            None => after.split_once(';').map_or((after, ""), |(text, r)| (text, r)),
        };
        if found.trim().eq_ignore_ascii_case(name) {
            return Some(text.trim().to_owned());
        }
        rest = remaining;
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
