//! The server's private keys: read from the files that are named, or made in the data folder.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use license_core::issue::Signer as _;
use license_core::issue::{Encrypt, KeyFile, KeyFileError, SigningKey};
use license_core::jws::DocType;
use license_core::trust::TrustedKey;
use zeroize::Zeroizing;

use crate::config::Config;
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
        let passphrase = passphrase(config)?;
        let mut made = Vec::new();
        let mut key = |named: &Option<PathBuf>, own: &str, purposes: &[DocType]| {
            let passphrase = passphrase.as_ref().map(|text| text.as_str());
            if let Some(path) = named {
                return read(path, passphrase, purposes);
            }
            let path = config.data_dir.join(own);
            if !path.exists() {
                make(&path, passphrase, &config.issuer, purposes, environment)?;
                made.push(path.clone());
            }
            read(&path, passphrase, purposes)
        };
        let issuing = key(&config.keys.issuing, ISSUING_FILE, &ISSUING)?;
        let release = key(&config.keys.release, RELEASE_FILE, &RELEASE)?;
        if issuing.kid() == release.kid() {
            bail!(
                "keys.issuing and keys.release are the same key: a release key is never an \
                 issuing key; make another one with `licctl key generate`"
            );
        }
        Ok(Self { issuing, release, made })
    }

    /// The public halves with what each may sign.
    pub(crate) fn public(&self) -> [TrustedKey; 2] {
        [
            TrustedKey::new(self.issuing.public().clone(), ISSUING.to_vec()),
            TrustedKey::new(self.release.public().clone(), RELEASE.to_vec()),
        ]
    }
}

/// Where one of the keys is kept.
pub(crate) struct Place {
    /// `issuing` or `release`.
    pub(crate) role: &'static str,
    pub(crate) path: PathBuf,
    purposes: &'static [DocType],
    passphrase: Option<Zeroizing<String>>,
}

/// Where the keys are kept, whether they are there or not.
pub(crate) fn places(config: &Config) -> anyhow::Result<[Place; 2]> {
    let passphrase = passphrase(config)?;
    let place = |role, named: &Option<PathBuf>, own: &str, purposes| Place {
        role,
        path: named.clone().unwrap_or_else(|| config.data_dir.join(own)),
        purposes,
        passphrase: passphrase.clone(),
    };
    Ok([
        place("issuing", &config.keys.issuing, ISSUING_FILE, &ISSUING[..]),
        place("release", &config.keys.release, RELEASE_FILE, &RELEASE[..]),
    ])
}

impl Place {
    /// The key, if its file is there.
    pub(crate) fn read(&self) -> anyhow::Result<Option<KeyFile>> {
        if !self.path.exists() {
            return Ok(None);
        }
        read_file(&self.path, self.passphrase.as_ref().map(|text| text.as_str()), self.purposes)
            .map(Some)
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

fn read(path: &Path, passphrase: Option<&str>, purposes: &[DocType]) -> anyhow::Result<SigningKey> {
    read_file(path, passphrase, purposes).map(|file| file.key)
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

/// Writes a file that only its owner may read: whole or not at all, also when the power fails.
pub(crate) fn write_secret(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let written = || -> std::io::Result<()> {
        let beside = path.with_extension("new");
        let _ = std::fs::remove_file(&beside);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        // The name is on the disk only once its folder is; elsewhere a folder cannot be opened.
        #[cfg(unix)]
        if let Some(folder) = path.parent() {
            std::fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    written().with_context(|| format!("{} cannot be written", path.display()))
}
