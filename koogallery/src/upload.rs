//! "Upload a string or file": how a License reaches the marketplace, and the same read back for
//! a simulated marketplace.

mod multipart;

use percent_encoding::{percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::RESERVED;
use crate::failure::{self, Failure};
use crate::mac::sha256_hex;

pub use multipart::InvalidUpload;

/// What the field `characters` may hold, in characters. A longer License travels as a file.
pub const CHARACTERS_LIMIT: usize = 1024;

const PREFIX: &str = "/api/mkp-openapi-public/global/v1/market-event/";
const SUFFIX: &str = "/file";

/// What is uploaded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Content {
    /// `CHARACTERS`: at most [`CHARACTERS_LIMIT`].
    Characters(String),
    /// `FILE`.
    File {
        /// `file_name`.
        name: String,
        /// All of it.
        bytes: Vec<u8>,
    },
}

impl Content {
    /// SHA-256 of the content in lower-case hex, as the field `sha256` has it.
    #[must_use]
    pub fn sha256(&self) -> String {
        match self {
            Self::Characters(text) => sha256_hex(text.as_bytes()),
            Self::File { bytes, .. } => sha256_hex(bytes),
        }
    }
}

/// The JSON part `isvUpdateFileReq`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Description {
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    characters: Option<String>,
}

/// The path for the event that asked for the License.
#[must_use]
pub fn path(event_id: &str) -> String {
    format!("{PREFIX}{}{SUFFIX}", utf8_percent_encode(event_id, RESERVED))
}

/// The event that a path names, for a simulated marketplace.
#[must_use]
pub fn event_of(path: &str) -> Option<String> {
    let event = path.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    if event.is_empty() || event.contains('/') {
        return None;
    }
    percent_decode_str(event).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// A boundary that the content cannot hold, being made from its hash: the same upload is the
/// same bytes each time it is tried.
#[must_use]
pub fn boundary(content: &Content) -> String {
    format!("licd-{}", &content.sha256()[..40])
}

/// The body of the request and its `Content-Type`: the part `file` where there is one, then the
/// part `isvUpdateFileReq`.
#[must_use]
pub fn multipart(content: &Content, boundary: &str) -> (String, Vec<u8>) {
    let (description, file) = match content {
        Content::Characters(text) => (
            Description {
                kind: "CHARACTERS".to_owned(),
                characters: Some(text.clone()),
                ..Description::default()
            },
            None,
        ),
        Content::File { name, bytes } => (
            Description {
                kind: "FILE".to_owned(),
                file_name: Some(name.clone()),
                sha256: Some(sha256_hex(bytes)),
                characters: None,
            },
            Some((name.as_str(), bytes.as_slice())),
        ),
    };
    let description = serde_json::to_vec(&description).expect("texts always serialize");
    (
        format!("multipart/form-data; boundary={boundary}"),
        multipart::write(boundary, file, &description),
    )
}

/// Reads an upload as the marketplace does, for a simulated one: a `FILE` needs its part and the
/// hash of it; its name may come from the part, as in the vendor's sample.
///
/// # Errors
///
/// What is missing or wrong.
pub fn read_multipart(content_type: &str, body: &[u8]) -> Result<Content, InvalidUpload> {
    let parts = multipart::read(content_type, body)?;
    let part = |name: &str| parts.iter().find(|part| part.name == name);

    let request = part("isvUpdateFileReq").ok_or(InvalidUpload("no part isvUpdateFileReq"))?;
    let description: Description = serde_json::from_slice(request.content)
        .map_err(|_| InvalidUpload("isvUpdateFileReq is not its JSON"))?;
    match description.kind.as_str() {
        "CHARACTERS" => {
            let text = description.characters.filter(|text| !text.is_empty());
            let text = text.ok_or(InvalidUpload("characters is missing"))?;
            if text.chars().count() > CHARACTERS_LIMIT {
                return Err(InvalidUpload("characters is longer than 1,024 characters"));
            }
            Ok(Content::Characters(text))
        }
        "FILE" => {
            let file = part("file").ok_or(InvalidUpload("no part file"))?;
            let name = description.file_name.or_else(|| file.file_name.clone());
            let name = name.filter(|name| !name.is_empty());
            let name = name.ok_or(InvalidUpload("file_name is missing"))?;
            let hash = description.sha256.ok_or(InvalidUpload("sha256 is missing"))?;
            if !hash.eq_ignore_ascii_case(&sha256_hex(file.content)) {
                return Err(InvalidUpload("sha256 is not that of the file"));
            }
            Ok(Content::File { name, bytes: file.content.to_vec() })
        }
        _ => Err(InvalidUpload("type is neither CHARACTERS nor FILE")),
    }
}

/// Reads the marketplace's answer. Business failures come with HTTP 200.
///
/// # Errors
///
/// What the marketplace said instead of success.
pub fn read_answer(status: u16, body: &[u8]) -> Result<(), Failure> {
    failure::read(status, body).map(drop)
}

/// The marketplace's answer, for a simulated one: `CBC.0000`, or a code of the upload's table.
#[must_use]
pub fn answer(code: &str, message: &str) -> Vec<u8> {
    json!({ "error_code": code, "error_msg": message }).to_string().into_bytes()
}

#[cfg(test)]
mod tests;
