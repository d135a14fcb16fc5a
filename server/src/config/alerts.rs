//! `[alerts]`: the webhook and the program that get alerts.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use axum::http::Uri;

use super::reader::Reader;
use super::secret::Secret;
use super::values;
use crate::net;

const WEBHOOK: &str = "alerts.webhook";
const SECRET: &str = "alerts.webhook_secret";
const COMMAND: &str = "alerts.command";
/// A shorter secret could be found by trying, given one message.
const MIN_SECRET_LENGTH: usize = 16;

/// `[alerts]`
#[derive(Clone, Debug, Default)]
pub(crate) struct Alerts {
    /// An HTTPS address; it may hold a token, so that it is never shown.
    pub(crate) webhook: Option<Secret>,
    /// Signs what is sent there.
    pub(crate) webhook_secret: Option<Secret>,
    /// A program with its arguments; none when empty.
    pub(crate) command: Vec<String>,
    /// Whether the webhook may be in a private network.
    pub(crate) allow_private: bool,
    /// An extra CA for the webhook.
    pub(crate) ca_file: Option<PathBuf>,
}

impl Alerts {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let alerts = Self {
            webhook: reader.secret(WEBHOOK),
            webhook_secret: reader.secret(SECRET),
            command: reader.texts(COMMAND),
            allow_private: reader.flag("alerts.allow_private"),
            ca_file: values::file(reader, "alerts.ca_file"),
        };
        alerts.check(reader);
        alerts
    }

    fn check(&self, reader: &mut Reader<'_>) {
        if let Some(webhook) = &self.webhook {
            if let Some(fault) = fault(webhook.expose(), self.allow_private) {
                let remedy = "write webhook = \"https://alerts.example.com/licd\"";
                reader.problem(WEBHOOK, fault, remedy);
            }
            if self.webhook_secret.is_none() {
                let remedy = "give a secret of 16 characters or more that the receiver knows, too";
                reader.problem(SECRET, "it is empty, and there is a webhook", remedy);
            }
        }
        if let Some(secret) = &self.webhook_secret
            && secret.expose().len() < MIN_SECRET_LENGTH
        {
            let what = format!("it has fewer than {MIN_SECRET_LENGTH} characters");
            reader.problem(SECRET, &what, "make one with: openssl rand -hex 32");
        }
        if let Some(program) = self.command.first()
            && !Path::new(program).is_absolute()
        {
            let what = format!("{program:?} is no absolute path");
            reader.problem(COMMAND, &what, "write command = [\"/usr/local/bin/page-me\"]");
        }
    }
}

/// What is wrong with a webhook, without repeating it.
fn fault(url: &str, allow_private: bool) -> Option<&'static str> {
    let Ok(uri) = url.parse::<Uri>() else { return Some("it is no URL") };
    let (Some(scheme), Some(authority), Some(host)) =
        (uri.scheme_str(), uri.authority(), uri.host())
    else {
        return Some("it is no URL with a scheme and a host");
    };
    if scheme != "https" {
        return Some("its scheme is not https");
    }
    if authority.as_str().contains('@') {
        return Some("it holds a user name, which is never sent");
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().ok();
    if address.is_some_and(|address| !allow_private && net::is_internal(address)) {
        return Some("it is a private, local or reserved address, and allow_private is not set");
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Sources};

    fn problems(pairs: &[(&str, &str)]) -> String {
        let variables = pairs
            .iter()
            .map(|(name, value)| (format!("LICD_ALERTS__{name}"), (*value).to_owned()))
            .collect();
        match Config::load(&Sources { variables, ..Sources::default() }) {
            Ok(_) => String::new(),
            Err(problems) => problems.to_string(),
        }
    }

    const GOOD: (&str, &str) = ("WEBHOOK", "https://alerts.example.com/x?token=hunter2");
    const SECRET: (&str, &str) = ("WEBHOOK_SECRET", "0123456789abcdef");

    #[test]
    fn a_webhook_is_https_elsewhere_and_has_a_secret() {
        assert_eq!(problems(&[GOOD, SECRET]), "");
        assert_eq!(problems(&[]), "");
        assert!(problems(&[GOOD]).contains("webhook_secret"));
        assert!(problems(&[GOOD, ("WEBHOOK_SECRET", "short")]).contains("fewer than 16"));
        for url in [
            "http://alerts.example.com/",
            "https://user:pw@alerts.example.com/",
            "alerts.example.com",
            "https://169.254.169.254/latest",
            "https://[::ffff:10.0.0.1]/",
            "https://127.0.0.1:8443/",
            "https://",
        ] {
            let found = problems(&[("WEBHOOK", url), SECRET]);
            assert!(found.contains("LICD_ALERTS__WEBHOOK"), "{url}: {found}");
            assert!(!found.contains("user:pw"), "{found}");
        }
        let inside = [("WEBHOOK", "https://10.0.0.1/"), SECRET, ("ALLOW_PRIVATE", "true")];
        assert_eq!(problems(&inside), "");
        assert!(problems(&[("ALLOW_PRIVATE", "maybe")]).contains("true or false"));
    }

    #[test]
    fn a_command_is_named_by_its_whole_path() {
        assert_eq!(problems(&[("COMMAND", r#"["/bin/cat", "-"]"#)]), "");
        assert!(problems(&[("COMMAND", "page-me")]).contains("no absolute path"));
    }
}
