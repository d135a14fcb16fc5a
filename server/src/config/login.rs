//! `[login]`: this server's address for browsers, and the pages that a login may return to.

use axum::http::Uri;
use license_core::host::is_loopback;

use super::reader::Reader;
use super::values;
use crate::net::Network;

/// `[login]`
#[derive(Clone, Debug, Default)]
pub(crate) struct Login {
    /// This server as browsers reach it, without a slash at the end; `None` turns logins off.
    pub(crate) public_url: Option<String>,
    /// The seller's pages that a browser may be sent to; the first where none is asked for.
    pub(crate) return_urls: Vec<String>,
    /// Where authentication centres may be although the address is not public.
    pub(crate) private_centres: Vec<Network>,
    /// Whether a code is bound to who asked for it (RFC 7636).
    pub(crate) pkce: bool,
}

impl Login {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let login = Self {
            public_url: address(
                reader,
                "login.public_url",
                "write public_url = \"https://license.example.com\"",
            )
            .map(|url| url.trim_end_matches('/').to_owned()),
            return_urls: return_urls(reader),
            private_centres: values::networks(reader, "login.private_centres"),
            pkce: reader.flag("login.pkce"),
        };
        match (&login.public_url, login.return_urls.is_empty()) {
            (Some(url), _) if url.contains('?') => reader.problem(
                "login.public_url",
                "it holds a query, which a base URL cannot have",
                "write public_url = \"https://license.example.com\"",
            ),
            (Some(_), true) => reader.problem(
                "login.return_urls",
                "it is empty, although login.public_url is set",
                "name the page of yours that buyers come back to",
            ),
            (None, false) => reader.problem(
                "login.public_url",
                "it is empty, although login.return_urls is set",
                "write how browsers reach this server",
            ),
            _ => {}
        }
        login
    }
}

fn address(reader: &mut Reader<'_>, key: &str, remedy: &str) -> Option<String> {
    let text = reader.text(key);
    if text.is_empty() {
        return None;
    }
    if let Some(fault) = fault(&text) {
        reader.problem(key, fault, remedy);
    }
    Some(text)
}

fn return_urls(reader: &mut Reader<'_>) -> Vec<String> {
    const KEY: &str = "login.return_urls";
    let urls = reader.texts(KEY);
    for url in &urls {
        if let Some(fault) = fault(url) {
            let remedy = "write return_urls = [\"https://shop.example.com/login\"]";
            reader.problem(KEY, fault, remedy);
        }
    }
    urls
}

fn fault(url: &str) -> Option<&'static str> {
    if url.contains(['#', '\\']) || url.contains(char::is_whitespace) {
        return Some("it holds a fragment or a character that no address has");
    }
    let Ok(uri) = url.parse::<Uri>() else { return Some("it is no URL") };
    let (Some(scheme), Some(authority), Some(host)) =
        (uri.scheme_str(), uri.authority(), uri.host())
    else {
        return Some("it is no URL with a scheme and a host");
    };
    match scheme {
        _ if authority.as_str().contains('@') => Some("it holds a user name"),
        "https" => None,
        "http" if is_loopback(host) => None,
        "http" => Some("plain http is allowed to a loopback address only, anyone could listen"),
        _ => Some("its scheme is not https"),
    }
}
