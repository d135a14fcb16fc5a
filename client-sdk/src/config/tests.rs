//! What may come from outside of the program, in which order, and what never may.

use std::{collections::HashMap, sync::Arc};

use license_core::{
    issue::{Signer, SigningKey},
    jws::DocType,
    trust::{KeyRing, TrustedKey},
};

use super::*;

fn jwks(seed: u8) -> String {
    let key = SigningKey::ed25519_from_seed([seed; 32]);
    let keys = vec![TrustedKey::new(key.public().clone(), vec![DocType::License])];
    KeyRing::new(keys).unwrap().to_jwks().to_string()
}

fn program() -> Config {
    Config {
        product: "flowsim".to_owned(),
        version: "2.0.0".to_owned(),
        trust: jwks(1),
        server: "https://program.example.com".to_owned(),
        activation_code: "PROGRAM".to_owned(),
        channel: "program".to_owned(),
        development: false,
        ..Config::default()
    }
}

struct Outside {
    root: tempfile::TempDir,
    env: HashMap<&'static str, String>,
}

impl Outside {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), env: HashMap::new() }
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.root.path().join(name).join("licsdk.toml");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn resolve(&self, config: &Config) -> Result<Settings, ConfigError> {
        let env = self.env.clone();
        let at = |name: &str| self.root.path().join(name);
        let host = Platform {
            env: Arc::new(move |name| env.get(name).cloned()),
            config_files: vec![at("beside/licsdk.toml"), at("user/licsdk.toml")],
            state_home: Some(at("state")),
            floor_home: None,
            ..Platform::real()
        };
        Settings::resolve(config, &host)
    }
}

#[test]
fn environment_then_files_then_the_program() {
    let mut outside = Outside::new();
    let settings = outside.resolve(&program()).unwrap();
    assert_eq!(settings.server.as_deref(), Some("https://program.example.com"));
    assert_eq!(settings.channel, "program");

    outside.file("state/flowsim", "server = 'https://state.example.com'\nchannel = 'state'\n");
    outside.file("user", "server = 'https://user.example.com'\n");
    let settings = outside.resolve(&program()).unwrap();
    assert_eq!(settings.server.as_deref(), Some("https://user.example.com"));
    assert_eq!(settings.channel, "state");

    outside.file("beside", "\u{feff}server = 'https://beside.example.com/'\n");
    let settings = outside.resolve(&program()).unwrap();
    assert_eq!(settings.server.as_deref(), Some("https://beside.example.com"));

    outside.env.insert("LICSDK_SERVER", "https://env.example.com".to_owned());
    outside.env.insert("LICSDK_ACTIVATION_CODE", " ENV ".to_owned());
    outside.env.insert("LICSDK_PROXY", "http://proxy.example.com:3128".to_owned());
    outside.env.insert("LICSDK_CHANNEL", String::new());
    let settings = outside.resolve(&program()).unwrap();
    assert_eq!(settings.server.as_deref(), Some("https://env.example.com"));
    assert_eq!(settings.activation_code, "ENV");
    assert_eq!(settings.proxy, "http://proxy.example.com:3128");
    assert_eq!(settings.channel, "state", "an empty variable is none");
    assert_eq!(settings.warnings, Vec::<String>::new());
}

#[test]
fn an_administrator_can_turn_the_server_off() {
    let outside = Outside::new();
    outside.file("beside", "server = ''\n");
    assert_eq!(outside.resolve(&program()).unwrap().server, None);
}

#[test]
fn nothing_outside_of_the_program_adds_trust_or_changes_what_it_is() {
    let mut outside = Outside::new();
    let foreign = jwks(2);
    for (name, value) in [
        ("LICSDK_TRUST", foreign.as_str()),
        ("LICSDK_PRODUCT", "other"),
        ("LICSDK_VERSION", "9.9.9"),
        ("LICSDK_RELEASE_DATE", "2000-01-01"),
    ] {
        outside.env.insert(name, value.to_owned());
    }
    let text = format!("trust = '{foreign}'\nproduct = 'other'\nversion = '9.9.9'\n");
    for place in ["beside", "user", "state/flowsim"] {
        outside.file(place, &text);
    }
    let settings = outside.resolve(&program()).unwrap();
    assert_eq!(settings.product, "flowsim");
    assert_eq!(settings.version.unwrap().to_string(), "2.0.0");
    assert_eq!(settings.release_date, None);
    assert_eq!(settings.anchors.digest(), TrustAnchors::read(&jwks(1), false).unwrap().digest());
    assert_eq!(settings.warnings.len(), 9, "{:?}", settings.warnings);
    assert!(settings.warnings[0].contains("`product` cannot be set here"));

    let without = Config { trust: String::new(), ..program() };
    assert!(outside.resolve(&without).unwrap_err().to_string().contains("trust"));
}

#[test]
fn a_path_to_keys_is_for_development_only() {
    let outside = Outside::new();
    let path = outside.root.path().join("keys.json");
    fs::write(&path, jwks(3)).unwrap();
    let config = Config { trust: path.display().to_string(), ..program() };
    let error = outside.resolve(&config).unwrap_err().to_string();
    assert!(error.contains("development"), "{error}");
    let config = Config { development: true, ..config };
    let settings = outside.resolve(&config).unwrap();
    assert_eq!(settings.anchors.digest(), TrustAnchors::read(&jwks(3), false).unwrap().digest());
}

#[test]
fn a_broken_file_is_told_of_and_stops_nothing() {
    let outside = Outside::new();
    outside.file("beside", "server = \n");
    outside.file("user", "server = 7\n");
    let settings = outside.resolve(&program()).unwrap();
    assert_eq!(settings.server.as_deref(), Some("https://program.example.com"));
    assert_eq!(settings.warnings.len(), 2);
}

#[test]
fn an_administrators_wrong_address_does_not_stop_the_program() {
    let mut outside = Outside::new();
    outside.env.insert("LICSDK_SERVER", "http://license.example.com".to_owned());
    let settings = outside.resolve(&program()).unwrap();
    assert_eq!(settings.server.as_deref(), Some("https://program.example.com"));
    assert_eq!(settings.warnings.len(), 1);
    assert!(settings.warnings[0].contains("https"), "{:?}", settings.warnings);
}

#[test]
fn what_cannot_be_used_is_named() {
    let outside = Outside::new();
    for (config, word) in [
        (Config { product: " ".to_owned(), ..program() }, "product"),
        (Config { version: "two".to_owned(), ..program() }, "version"),
        (Config { release_date: "soon".to_owned(), ..program() }, "release_date"),
        (Config { server: "http://license.example.com".to_owned(), ..program() }, "https"),
        (Config { trust: "{}".to_owned(), ..program() }, "trust"),
        (Config { trust: jwks(1).replace("OKP", "oct"), ..program() }, "trust"),
    ] {
        let error = outside.resolve(&config).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn credentials_are_not_printed() {
    let config = Config { proxy: "http://u:secret@proxy:1".to_owned(), ..program() };
    let text = format!("{config:?}");
    assert!(!text.contains("PROGRAM") && !text.contains("secret"), "{text}");
}

#[test]
fn products_have_folders_of_their_own() {
    let outside = Outside::new();
    let dir = |product: &str| {
        let config = Config { product: product.to_owned(), ..program() };
        outside.resolve(&config).unwrap().state_dir.unwrap()
    };
    assert!(dir("flowsim").ends_with("state/flowsim"));
    assert!(dir("../../etc").ends_with("state/______etc"));
}
