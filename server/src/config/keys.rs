//! Every key that can be configured, with its shape and its default. The one list from which
//! files, environment variables, `licd config check` and error messages are read.

/// What kind of value a key takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Shape {
    /// One text.
    Text,
    /// A whole number.
    Number,
    /// True or false.
    Flag,
    /// One text or a list of texts.
    TextOrList,
    /// A list of texts.
    List,
}

impl Shape {
    /// How an error message names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "a text in quotes",
            Self::Number => "a whole number",
            Self::Flag => "true or false",
            Self::TextOrList => "a text in quotes, or a list of them",
            Self::List => "a list of texts",
        }
    }
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// Where it stands: `http.listen`.
    pub(super) path: &'static str,
    pub(super) shape: Shape,
    /// Never shown, and also taken from a file named by `<key>_file`.
    pub(super) secret: bool,
    /// The default, as TOML.
    pub(super) default: &'static str,
    /// A value to show in error messages, as TOML.
    pub(super) example: &'static str,
}

const fn open(path: &'static str, shape: Shape, default: &'static str) -> Key {
    Key { path, shape, secret: false, default, example: default }
}

const fn empty(path: &'static str, example: &'static str) -> Key {
    Key { path, shape: Shape::Text, secret: false, default: r#""""#, example }
}

const fn secret(path: &'static str, shape: Shape) -> Key {
    Key { path, shape, secret: true, default: r#""""#, example: r#""the value from the console""# }
}

/// In the order in which the configuration is shown.
pub(super) const KEYS: &[Key] = &[
    open("data_dir", Shape::Text, r#""./licd-data""#),
    Key {
        path: "database",
        shape: Shape::Text,
        // Its address may hold a password.
        secret: true,
        default: r#""sqlite""#,
        example: r#""sqlite""#,
    },
    open("issuer", Shape::Text, r#""licd""#),
    open("http.listen", Shape::Text, r#""127.0.0.1:8470""#),
    open("http.admin_listen", Shape::Text, r#""127.0.0.1:8471""#),
    empty("http.tls_cert", r#""/etc/licd/fullchain.pem""#),
    empty("http.tls_key", r#""/etc/licd/key.pem""#),
    Key {
        path: "http.trusted_proxies",
        shape: Shape::List,
        secret: false,
        default: "[]",
        example: r#"["10.0.0.0/8"]"#,
    },
    empty("keys.issuing", r#""/etc/licd/issuing.pem""#),
    empty("keys.release", r#""/etc/licd/release.pem""#),
    empty("keys.passphrase_file", r#""/etc/licd/passphrase""#),
    open("koogallery.base_url", Shape::TextOrList, r#""https://mkt.myhuaweicloud.com""#),
    secret("koogallery.access_key", Shape::TextOrList),
    secret("koogallery.license_code_access_key", Shape::TextOrList),
    secret("koogallery.kit_access_key", Shape::TextOrList),
    Key {
        path: "koogallery.kit_key",
        shape: Shape::TextOrList,
        secret: false,
        default: r#""""#,
        example: r#""/etc/licd/kit-key.pem""#,
    },
    empty("koogallery.kit_key_passphrase_file", r#""/etc/licd/kit-key-passphrase""#),
    secret("koogallery.general_access_key", Shape::TextOrList),
    secret("koogallery.ak", Shape::Text),
    secret("koogallery.sk", Shape::Text),
    empty("koogallery.ca_file", r#""/etc/licd/extra-ca.pem""#),
    open("koogallery.clock_skew_seconds", Shape::Number, "60"),
    open("koogallery.license_code_prefix", Shape::TextOrList, r#""PL""#),
    open("koogallery.license_code_version", Shape::Number, "1"),
    open("koogallery.synchronous", Shape::Flag, "false"),
    empty("login.public_url", r#""https://license.example.com""#),
    Key {
        path: "login.return_urls",
        shape: Shape::TextOrList,
        secret: false,
        default: r#""""#,
        example: r#"["https://shop.example.com/login"]"#,
    },
    Key {
        path: "login.private_centres",
        shape: Shape::List,
        secret: false,
        default: "[]",
        example: r#"["10.0.0.0/8"]"#,
    },
    open("login.pkce", Shape::Flag, "true"),
    open("retention.audit_days", Shape::Number, "730"),
    open("retention.finished_uploads_days", Shape::Number, "90"),
    open("retention.orders_days", Shape::Number, "730"),
    open("retention.upload_files_days", Shape::Number, "7"),
];

/// The key with that path.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The secret key that `path` names a file for: `koogallery.sk_file`.
pub(super) fn find_file_twin(path: &str) -> Option<&'static Key> {
    find(path.strip_suffix("_file")?).filter(|key| key.secret)
}

/// Whether `path` is a table such as `http`.
pub(super) fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.path.split_once('.').is_some_and(|(section, _)| section == path))
}

/// The known key that `path` was most likely meant to be.
pub(super) fn nearest(path: &str) -> Option<String> {
    /// Below it two names have little in common, and a guess would only confuse.
    const ALIKE: f64 = 0.6;
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    KEYS.iter()
        .flat_map(|key| {
            let twin = key.secret.then(|| format!("{}_file", key.path));
            let table = key.path.split_once('.').map(|(table, _)| table.to_owned());
            [Some(key.path.to_owned()), twin, table].into_iter().flatten()
        })
        .map(|known| {
            let whole = strsim::normalized_damerau_levenshtein(path, &known);
            // A key put into the wrong table, or into none.
            let tail = strsim::normalized_damerau_levenshtein(&last(path), &last(&known));
            (whole.max(tail - 0.01), known)
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        for (written, meant) in [
            ("http.listne", Some("http.listen")),
            ("listen", Some("http.listen")),
            ("koogalery", Some("koogallery")),
            ("http.access_key", Some("koogallery.access_key")),
            ("koogallery.acess_key_file", Some("koogallery.access_key_file")),
            ("koogallery.clock_skew", Some("koogallery.clock_skew_seconds")),
            ("datadir", Some("data_dir")),
            ("smtp.host", None),
        ] {
            assert_eq!(nearest(written).as_deref(), meant, "{written}");
        }
    }

    #[test]
    fn operators_find_every_key_explained() {
        let page = include_str!("../../../docs/OPERATIONS.md");
        for key in KEYS {
            assert!(page.contains(&format!("`{}`", key.path)), "{} is missing", key.path);
        }
    }

    #[test]
    fn knows_tables_and_file_twins() {
        assert!(is_section("koogallery"));
        assert!(!is_section("data_dir"));
        assert_eq!(find_file_twin("koogallery.sk_file").map(|key| key.path), Some("koogallery.sk"));
        assert!(find_file_twin("keys.passphrase_file").is_none());
        assert!(find_file_twin("http.listen_file").is_none());
    }
}
