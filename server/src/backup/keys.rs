//! The private keys in a backup: each as a key file of its own, encrypted with a passphrase.

use std::path::Path;

use anyhow::Context as _;
use license_core::issue::{Encrypt, KeyFile, KeyFileError, Signer as _};
use zeroize::Zeroizing;

use super::format::{Header, SavedKey};
use super::{Refusal, damaged};
use crate::config::Config;
use crate::environment::Environment;
use crate::keys::signing::{self, KeyPlace};

/// Puts the ids of the keys into the header, and the keys where there is a passphrase.
pub(super) fn save(
    header: &mut Header,
    config: &Config,
    environment: &Environment,
    passphrase: Option<&str>,
) -> anyhow::Result<()> {
    for place in signing::places(config)? {
        let Some(file) = place.read()? else {
            if passphrase.is_some() {
                anyhow::bail!("the key file {} is not there", place.path.display());
            }
            continue;
        };
        header.key_ids.insert(place.role.to_owned(), file.key.kid().to_string());
        if let Some(passphrase) = passphrase {
            let pem = encrypted(&file, passphrase, environment);
            let pem = pem.with_context(|| format!("{} cannot be saved", place.path.display()))?;
            header.keys.push(SavedKey { role: place.role.to_owned(), pem: pem.to_string() });
        }
    }
    Ok(())
}

fn encrypted(
    file: &KeyFile,
    passphrase: &str,
    environment: &Environment,
) -> Result<Zeroizing<String>, KeyFileError> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    environment.entropy.fill(&mut salt);
    environment.entropy.fill(&mut iv);
    file.to_pem(Some(&Encrypt { passphrase, salt, iv }))
}

/// What to do with the keys of a backup: the files that are to be written.
pub(super) struct Plan {
    missing: Vec<(KeyPlace, KeyFile)>,
}

/// Opens the keys of a backup and compares them with those that are here; changes nothing.
pub(super) fn plan(
    header: &Header,
    config: &Config,
    passphrase: Option<&str>,
) -> anyhow::Result<Plan> {
    let places = signing::places(config)?;
    let mut missing = Vec::new();
    if header.keys.is_empty() {
        for place in places {
            if let Some(known) = header.key_ids.get(place.role)
                && let Some(here) = place.read()?
                && *known != here.key.kid().to_string()
            {
                return Err(differ(&place.path).into());
            }
        }
        return Ok(Plan { missing });
    }
    let Some(passphrase) = passphrase else {
        return Err(Refusal::new(
            "PASSPHRASE_NEEDED",
            "the backup holds the keys: name the file with its passphrase with --passphrase-file, \
             or leave the keys out with --without-keys",
            "备份中包含密钥：请用 --passphrase-file 指定口令文件，或用 --without-keys 不恢复密钥",
        )
        .into());
    };
    let mut saved: Vec<(String, KeyFile)> = Vec::new();
    for key in &header.keys {
        saved.push((key.role.clone(), open(key, passphrase)?));
    }
    for place in places {
        let Some(at) = saved.iter().position(|(role, _)| role == place.role) else { continue };
        let (_, key) = saved.swap_remove(at);
        match place.read()? {
            None => missing.push((place, key)),
            Some(here) if here.key.kid() == key.key.kid() => {}
            Some(_) => return Err(differ(&place.path).into()),
        }
    }
    Ok(Plan { missing })
}

fn open(key: &SavedKey, passphrase: &str) -> Result<KeyFile, Refusal> {
    KeyFile::from_pem(&key.pem, Some(passphrase)).map_err(|error| match error {
        KeyFileError::PassphraseWrong => Refusal::new(
            "PASSPHRASE_WRONG",
            "the passphrase does not open the keys of the backup",
            "口令无法打开备份中的密钥",
        ),
        error => damaged(&error.to_string()),
    })
}

fn differ(path: &Path) -> Refusal {
    let shown = path.display();
    Refusal::new(
        "KEYS_DIFFER",
        format!(
            "{shown} is another key than that of the backup: programs that do not know it refuse \
             what it signs. Move it away, or keep the keys that are here with --without-keys"
        ),
        format!(
            "{shown} 与备份中的密钥不同：不认识该密钥的程序会拒绝其签发的内容。\
             请移走该文件，或用 --without-keys 保留现有密钥"
        ),
    )
}

impl Plan {
    /// Writes the keys that are missing, as the configuration wants them kept.
    pub(super) fn carry_out(
        self,
        environment: &Environment,
    ) -> anyhow::Result<Vec<std::path::PathBuf>> {
        let mut written = Vec::new();
        for (place, key) in self.missing {
            place.write(&key, environment)?;
            written.push(place.path);
        }
        Ok(written)
    }
}
