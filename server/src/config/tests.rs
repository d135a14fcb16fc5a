//! Configurations that are read, warned about and refused.

use super::*;

const KEY: &str = "0123456789abcdef-basic";

/// What the command line gives: the address of a database is read as its driver does.
fn with_driver() -> Sources {
    Sources { check_database: Some(crate::store::Store::check_url), ..Sources::default() }
}

fn from_toml(text: &str) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("licd.toml");
    std::fs::write(&path, text).unwrap();
    let sources = Sources { file: Some(path.clone()), ..with_driver() };
    Config::load(&sources)
        .map_err(|problems| problems.to_string().replace(&path.display().to_string(), "licd.toml"))
}

fn refusal(text: &str) -> String {
    from_toml(text).err().unwrap_or_else(|| panic!("accepted: {text}"))
}

fn with_variables(variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Config::load(&Sources { variables, ..with_driver() }).map_err(|problems| problems.to_string())
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let loaded = Config::load(&Sources::default()).unwrap();
    assert_eq!(loaded.config.data_dir, PathBuf::from("./licd-data"));
    assert_eq!(loaded.config.http.listen, "127.0.0.1:8470".parse().unwrap());
    assert_eq!(loaded.config.http.admin_listen, Some("127.0.0.1:8471".parse().unwrap()));
    assert_eq!(loaded.config.koogallery.base_urls, ["https://mkt.myhuaweicloud.com"]);
    assert_eq!(loaded.config.koogallery.clock_skew_seconds, 60);
    assert!(!loaded.config.koogallery.synchronous);
    let keys: Vec<&str> = loaded.warnings.iter().map(|warning| warning.key).collect();
    assert_eq!(keys, ["koogallery.access_key", "koogallery.ak"]);
}

#[test]
fn unknown_keys_name_the_nearest_one_and_their_source() {
    for (text, message) in [
        (
            "[http]\nlistne = \"x\"",
            "http.listne in licd.toml: there is no such key; did you mean http.listen?",
        ),
        ("listen = \"x\"", "listen in licd.toml: there is no such key; did you mean http.listen?"),
        (
            "[koogallery]\naccess_kye = \"x\"",
            "koogallery.access_kye in licd.toml: there is no such key; did you mean koogallery.access_key?",
        ),
        ("[smtp]\nhost = \"x\"", "smtp in licd.toml: there is no such key; remove it"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.starts_with(message), "{refusal}");
    }
    let refusal = with_variables(&[("LICD_HTTP__LISTNE", "x")]).err().unwrap();
    assert_eq!(refusal, "LICD_HTTP__LISTNE: there is no such key; did you mean http.listen?");
}

#[test]
fn wrong_types_name_key_value_and_remedy() {
    assert_eq!(
        refusal("[http]\nlisten = 8470"),
        "http.listen in licd.toml: 8470 is not a text in quotes; write listen = \"127.0.0.1:8470\""
    );
    assert_eq!(
        refusal("[koogallery]\nclock_skew_seconds = \"soon\"").lines().next().unwrap(),
        "koogallery.clock_skew_seconds in licd.toml: \"soon\" is not a whole number; write \
         clock_skew_seconds = 60"
    );
}

#[test]
fn a_wrong_secret_is_never_repeated() {
    let refusal = refusal("[koogallery]\nsk = 123456789012345678");
    assert!(refusal.contains("koogallery.sk in licd.toml: the value is not"), "{refusal}");
    assert!(!refusal.contains("123456"), "{refusal}");
}

#[test]
fn refuses_what_would_be_unsafe() {
    for (text, part) in [
        ("[koogallery]\naccess_key = \"short\"", "fewer than 16 characters"),
        (
            "[koogallery]\naccess_key = [\"0123456789abcdef\", \"short\"]",
            "fewer than 16 characters",
        ),
        (
            "[koogallery]\naccess_key = \"0123456789abcdef\"\nkit_access_key = \"0123456789abcdef\"",
            "koogallery.kit_access_key in licd.toml: it holds the same value as koogallery.access_key",
        ),
        (
            "[koogallery]\nbase_url = \"http://mkt.example.com\"",
            "plain http is allowed to a loopback",
        ),
        ("[koogallery]\nbase_url = \"http://127.0.0.1.example.com\"", "plain http is allowed"),
        ("[koogallery]\nbase_url = \"https://u:p@mkt.example.com\"", "user name"),
        ("[koogallery]\nbase_url = \"ftp://mkt.example.com\"", "scheme is not https"),
        ("[koogallery]\nbase_url = \"\"", "it is empty"),
        ("[koogallery]\nak = \"only-half\"", "ak without sk"),
        ("[koogallery]\nclock_skew_seconds = 0", "0 is not between 1 and 600"),
        ("[koogallery]\nsynchronous = \"maybe\"", "\"maybe\" is not true or false"),
        ("[http]\nlisten = \"8470\"", "\"8470\" is no address with a port"),
        ("[http]\nlisten = \"example.com:8470\"", "is no address with a port"),
        ("[http]\nadmin_listen = \"127.0.0.1:8470\"", "same address as http.listen"),
        ("[http]\ntls_cert = \"cert.pem\"", "certificate without its key"),
        ("[http]\ntls_key = \"key.pem\"", "key without its certificate"),
        ("[http]\ntrusted_proxies = [\"10.0.0.0/99\"]", "no address and no network"),
        ("database = \"postgres://u:hunter2/x@h/db\"", "no PostgreSQL address"),
        ("database = \"postgres://u:hunter2@h/db?sslmod=require\"", "`sslmod` that is not known"),
        ("database = \"postgres://u@h/db?sslmode=require&pasword=x\"", "`pasword` that is not"),
        ("database = \"\"", "database in"),
        ("database = \"mysql\"", "no known database"),
        ("data_dir = \"\"", "data_dir in licd.toml: it is empty"),
        ("issuer = \"\"", "name of 1 to 128 bytes"),
        ("issuer = ", "this is not TOML"),
        (
            "[keys]\nissuing = \"/nonexistent.pem\"",
            "keys.issuing in licd.toml: /nonexistent.pem cannot",
        ),
        ("[koogallery]\nca_file = \"/nonexistent.pem\"", "cannot be read"),
        ("[koogallery]\nkit_key = \"/nonexistent.pem\"", "kit_key in licd.toml: /nonexistent.pem"),
        ("[koogallery]\nkit_key = [\"/nonexistent.pem\"]", "cannot be read"),
        ("[login]\npublic_url = \"https://a.example.com\"", "login.return_urls"),
        ("[login]\nreturn_urls = [\"https://a.example.com\"]", "login.public_url"),
        ("[login]\nreturn_urls = [\"http://a.example.com\"]", "plain http is allowed"),
        ("[login]\nreturn_urls = [\"https://a.example.com/#x\"]", "holds a fragment"),
        ("[login]\nreturn_urls = [\"https://u:hunter2@a.example.com\"]", "user name"),
        ("[login]\npublic_url = \"ftp://a.example.com\"", "scheme is not https"),
        ("[login]\npublic_url = \"https://a.example.com/?b=c\"", "holds a query"),
        ("[login]\nprivate_centres = [\"inside\"]", "no address and no network"),
        ("[login]\npkce = \"yes\"", "is not true or false"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(part), "{text}: {refusal}");
        assert!(!refusal.contains("hunter2"), "{refusal}");
    }
}

#[test]
fn says_everything_that_is_wrong_at_once() {
    let refusal = refusal("databse = \"sqlite\"\n[http]\nlisten = \"x\"\ntls_cert = \"c.pem\"");
    assert_eq!(refusal.lines().count(), 3, "{refusal}");
}

#[test]
fn an_address_and_a_file_with_one_are_one_complaint() {
    let refusal = refusal("database = \"sqlite\"\ndatabase_file = \"/nonexistent\"");
    assert_eq!(refusal.lines().count(), 1, "{refusal}");
    assert!(refusal.contains("database_file"), "{refusal}");
}

#[test]
fn variables_win_over_the_file_and_arguments_over_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("licd.toml");
    std::fs::write(&path, "issuer = \"file\"\n[http]\nlisten = \"127.0.0.1:1\"").unwrap();
    let sources = Sources {
        file: Some(path),
        variables: vec![
            ("LICD_ISSUER".to_owned(), "variable".to_owned()),
            ("LICD_HTTP__LISTEN".to_owned(), "127.0.0.1:2".to_owned()),
            ("LICD_LOG".to_owned(), "debug".to_owned()),
            ("PATH".to_owned(), "/bin".to_owned()),
        ],
        arguments: vec![("http.listen", "127.0.0.1:3".to_owned())],
        ..Sources::default()
    };
    let config = Config::load(&sources).unwrap().config;
    assert_eq!(config.issuer, "variable");
    assert_eq!(config.http.listen.port(), 3);
}

#[test]
fn variables_are_read_by_the_shape_of_their_key() {
    let loaded = with_variables(&[
        ("LICD_KOOGALLERY__ACCESS_KEY", "1234567890123456"),
        ("LICD_KOOGALLERY__KIT_ACCESS_KEY", "[\"abcdefghijklmnop\", \"qrstuvwxyz012345\"]"),
        ("LICD_KOOGALLERY__CLOCK_SKEW_SECONDS", "30"),
        ("LICD_KOOGALLERY__SYNCHRONOUS", "true"),
        ("LICD_HTTP__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("LICD_HTTP__ADMIN_LISTEN", ""),
    ])
    .unwrap();
    let config = loaded.config;
    assert_eq!(config.koogallery.access_key[0].expose(), "1234567890123456");
    assert_eq!(config.koogallery.kit_access_key.len(), 2);
    assert_eq!(config.koogallery.clock_skew_seconds, 30);
    assert!(config.koogallery.synchronous);
    assert_eq!(config.http.trusted_proxies.len(), 2);
    assert_eq!(config.http.admin_listen, None);
}

#[test]
fn secrets_come_from_files_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access-key");
    std::fs::write(&path, format!("{KEY}\nanother-key-0123456789\n")).unwrap();
    let text = format!("[koogallery]\naccess_key_file = {:?}", path.display().to_string());
    let loaded = from_toml(&text).unwrap();
    let keys: Vec<&str> = loaded.config.koogallery.access_key.iter().map(Secret::expose).collect();
    assert_eq!(keys, [KEY, "another-key-0123456789"]);

    let both = format!("{text}\naccess_key = \"{KEY}\"");
    assert!(refusal(&both).contains("gives the value itself as well"));
    let missing = refusal("[koogallery]\naccess_key_file = \"/nonexistent/key\"");
    assert!(missing.contains("the file /nonexistent/key cannot be read"), "{missing}");
}

#[test]
fn the_effective_configuration_can_be_read_again_and_holds_no_secret() {
    let text =
        format!("[koogallery]\naccess_key = [\"{KEY}\"]\nak = \"AKEXAMPLE\"\nsk = \"{KEY}2\"");
    let loaded = from_toml(&text).unwrap();
    let debug = format!("{:?}", loaded.config);
    for shown in [&loaded.effective, &debug] {
        assert!(!shown.contains(KEY) && !shown.contains("AKEXAMPLE"), "{shown}");
    }
    let table: toml::Table = loaded.effective.parse().unwrap();
    assert_eq!(table["http"]["listen"].as_str(), Some("127.0.0.1:8470"));
    assert_eq!(table["koogallery"]["synchronous"].as_bool(), Some(false));
    assert_eq!(table["koogallery"]["access_key"][0].as_str(), Some("(set)"));
    assert!(loaded.effective.contains("# default"));
}

#[test]
fn warns_about_what_is_probably_not_meant() {
    let loaded = from_toml("[http]\nadmin_listen = \"0.0.0.0:8471\"").unwrap();
    let texts: Vec<String> = loaded.warnings.into_iter().map(|warning| warning.text).collect();
    let warnings = texts.join("\n");
    for part in ["answered 000001", "orders cannot be read", "tokens travel in clear text"] {
        assert!(warnings.contains(part), "{warnings}");
    }
    assert!(!warnings.contains("kit_key"), "{warnings}");
    let kit = from_toml(&format!("[koogallery]\nkit_access_key = \"{KEY}\"")).unwrap();
    let keyless = |warning: &Warning| warning.key == "koogallery.kit_key";
    assert!(kit.warnings.iter().any(keyless), "its applications' secrets cannot be opened");
}
