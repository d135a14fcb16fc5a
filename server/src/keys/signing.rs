//! The server's signing keys on disk: read from the files that the configuration names, or made in
//! the data folder.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use license_core::issue::Signer as _;
use license_core::issue::{Encrypt, KeyFile, KeyFileError, SigningKey};
use license_core::jws::DocType;
use license_core::trust::TrustedKey;
use zeroize::Zeroizing;

use crate::config::{Config, Problems};
use crate::data_dir::write_secret;
use crate::environment::Environment;

/// What the issuing key signs.
const ISSUING: [DocType; 5] =
    [DocType::License, DocType::Lease, DocType::Receipt, DocType::Revocation, DocType::Clock];
/// What the release key signs, and nothing else does.
const RELEASE: [DocType; 1] = [DocType::Release];

/// Their files in the data folder, where the configuration names no others.
const ISSUING_FILE: &str = "issuing-key.pem";
const RELEASE_FILE: &str = "release-key.pem";

/// Both keys of a server.
pub(crate) struct Keyring {
    pub(crate) issuing: SigningKey,
    pub(crate) release: SigningKey,
    /// Key files that were made just now.
    pub(crate) made: Vec<PathBuf>,
}

impl Keyring {
    /// Reads both keys; a file that is not named is made in the data folder if it is missing.
    pub(crate) fn open(config: &Config, environment: &Environment) -> anyhow::Result<Self> {
        let mut made = Vec::new();
        let places = places(config)?;
        for place in places.iter().filter(|place| place.may_be_made()) {
            let passphrase = place.passphrase.as_ref().map(|text| text.as_str());
            make(&place.path, passphrase, &config.issuer, place.purposes, environment)?;
            made.push(place.path.clone());
        }
        let [issuing, release] = &places;
        let (issuing, release) = (issuing.key()?, release.key()?);
        told_apart(&issuing, &release)?;
        Ok(Self { issuing, release, made })
    }

    /// Reads what [`Keyring::open`] would, and makes nothing.
    pub(crate) fn check(config: &Config) -> Result<(), Problems> {
        let places = places(config)?;
        let [issuing, release] = &places;
        let key = |place: &KeyPlace| {
            if place.may_be_made() { Ok(None) } else { place.key().map(Some) }
        };
        match (key(issuing)?, key(release)?) {
            (Some(issuing), Some(release)) => told_apart(&issuing, &release),
            _ => Ok(()),
        }
    }

    /// The public halves with what each may sign.
    pub(crate) fn public(&self) -> [TrustedKey; 2] {
        [
            TrustedKey::new(self.issuing.public().clone(), ISSUING.to_vec()),
            TrustedKey::new(self.release.public().clone(), RELEASE.to_vec()),
        ]
    }
}

fn told_apart(issuing: &SigningKey, release: &SigningKey) -> Result<(), Problems> {
    if issuing.kid() == release.kid() {
        return Err(Problems::one(
            "keys.issuing and keys.release are the same key: a release key is never an issuing \
             key; make another one with `licctl key generate`"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Where one of the keys is kept.
pub(crate) struct KeyPlace {
    /// `issuing` or `release`.
    pub(crate) role: &'static str,
    pub(crate) path: PathBuf,
    /// The configuration names it.
    named: bool,
    purposes: &'static [DocType],
    passphrase: Option<Zeroizing<String>>,
}

/// Where the keys are kept, whether they are there or not.
pub(crate) fn places(config: &Config) -> Result<[KeyPlace; 2], Problems> {
    let passphrase = passphrase(config).map_err(|error| Problems::one(format!("{error:#}")))?;
    let place = |role, named: &Option<PathBuf>, own: &str, purposes| KeyPlace {
        role,
        path: named.clone().unwrap_or_else(|| config.data_dir.join(own)),
        named: named.is_some(),
        purposes,
        passphrase: passphrase.clone(),
    };
    Ok([
        place("issuing", &config.keys.issuing, ISSUING_FILE, &ISSUING[..]),
        place("release", &config.keys.release, RELEASE_FILE, &RELEASE[..]),
    ])
}

impl KeyPlace {
    /// The key, if its file is there.
    pub(crate) fn read(&self) -> anyhow::Result<Option<KeyFile>> {
        if self.path.exists() { self.read_file().map(Some) } else { Ok(None) }
    }

    fn read_file(&self) -> anyhow::Result<KeyFile> {
        read_file(&self.path, self.passphrase.as_ref().map(|text| text.as_str()), self.purposes)
    }

    /// The key, which has to be there.
    fn key(&self) -> Result<SigningKey, Problems> {
        self.read_file()
            .map(|file| file.key)
            .map_err(|error| Problems::one(format!("keys.{}: {error:#}", self.role)))
    }

    /// Whether it is missing and nobody said that it is there.
    fn may_be_made(&self) -> bool {
        !self.named && !self.path.exists()
    }

    /// Puts a key there, encrypted if the configuration names a passphrase.
    pub(crate) fn write(&self, file: &KeyFile, environment: &Environment) -> anyhow::Result<()> {
        write(&self.path, self.passphrase.as_ref().map(|text| text.as_str()), file, environment)
    }
}

fn passphrase(config: &Config) -> anyhow::Result<Option<Zeroizing<String>>> {
    let Some(path) = &config.keys.passphrase_file else { return Ok(None) };
    passphrase_in(path, "keys.passphrase_file").map(Some)
}

/// The passphrase in a file; `named` says where the file was named.
pub(crate) fn passphrase_in(path: &Path, named: &str) -> anyhow::Result<Zeroizing<String>> {
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .with_context(|| format!("{named}: {} cannot be read", path.display()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        bail!("{named}: {} is empty", path.display());
    }
    Ok(Zeroizing::new(text.to_owned()))
}

fn read_file(
    path: &Path,
    passphrase: Option<&str>,
    purposes: &[DocType],
) -> anyhow::Result<KeyFile> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map(Zeroizing::new).with_context(|| {
        format!(
            "the key file {shown} cannot be read; check that it exists and that licd may read it"
        )
    })?;
    let file = match KeyFile::from_pem(&text, passphrase) {
        Ok(file) => file,
        Err(KeyFileError::PassphraseNeeded) => bail!(
            "the key file {shown} is encrypted: name the file with its passphrase in \
             keys.passphrase_file"
        ),
        Err(KeyFileError::PassphraseWrong) => {
            bail!("the passphrase in keys.passphrase_file does not open the key file {shown}")
        }
        Err(error) => bail!("the key file {shown} cannot be used: {error}"),
    };
    let wrong = !file.purposes.is_empty() && !purposes.iter().any(|p| file.purposes.contains(p));
    if wrong {
        bail!("the key file {shown} was made for another purpose; look at its first lines");
    }
    Ok(file)
}

fn make(
    path: &Path,
    passphrase: Option<&str>,
    issuer: &str,
    purposes: &[DocType],
    environment: &Environment,
) -> anyhow::Result<()> {
    let mut seed = Zeroizing::new([0; 32]);
    environment.entropy.fill(&mut *seed);
    let file = KeyFile {
        key: SigningKey::ed25519_from_seed(*seed),
        issuer: Some(issuer.to_owned()),
        purposes: purposes.to_vec(),
    };
    write(path, passphrase, &file, environment)
}

fn write(
    path: &Path,
    passphrase: Option<&str>,
    file: &KeyFile,
    environment: &Environment,
) -> anyhow::Result<()> {
    let encrypt = passphrase.map(|passphrase| {
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        environment.entropy.fill(&mut salt);
        environment.entropy.fill(&mut iv);
        Encrypt { passphrase, salt, iv }
    });
    let pem = file
        .to_pem(encrypt.as_ref())
        .with_context(|| format!("a key for {} cannot be made", path.display()))?;
    write_secret(path, pem.as_bytes())
}
