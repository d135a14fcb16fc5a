//! Private key files on disk: opened with a passphrase where they have one, made readable by their
//! owner only, never overwritten.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, bail};
use license_core::Code;
use license_core::decryption_key::DecryptionKey;
use license_core::issue::{Encrypt, KeyFile, KeyFileError, Signer};
use license_core::jws::DocType;
use license_core::trust::TrustedKey;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::failure::Failure;
use crate::input;
use crate::passphrase::PassphraseArgs;

/// Reads a private key; asks for its passphrase only where it has one.
pub(crate) fn open(path: &Path, passphrase: &PassphraseArgs) -> anyhow::Result<KeyFile> {
    let bytes = Zeroizing::new(input::file(path)?);
    let explain = |error| explain(path, &error);
    let text = std::str::from_utf8(&bytes).map_err(|_| explain(KeyFileError::NotAKey))?;
    if DecryptionKey::is_in(text) {
        let path = path.display();
        let message = format!("{path} opens what others encrypt, and signs nothing");
        bail!(
            Failure::refused(Code::KeyNotAllowed, message)
                .advise("use a signing key: licctl key generate --out FILE")
                .chinese(
                    format!("{path} 只用于解密，不能签名"),
                    "请使用签名密钥：licctl key generate --out FILE",
                )
        );
    }
    match KeyFile::from_pem(text, None) {
        Err(KeyFileError::PassphraseNeeded) => {
            let passphrase = passphrase.existing(path)?;
            Ok(KeyFile::from_pem(text, Some(&passphrase)).map_err(explain)?)
        }
        read => Ok(read.map_err(explain)?),
    }
}

/// As [`open`], for a key that signs `doc`. Another key is refused here, because verifiers refuse
/// what it signs.
pub(crate) fn open_for(
    doc: DocType,
    path: &Path,
    passphrase: &PassphraseArgs,
) -> anyhow::Result<KeyFile> {
    let file = open(path, passphrase)?;
    if purposes(&file).contains(&doc) {
        return Ok(file);
    }
    let meant: Vec<&str> = purposes(&file).iter().map(|doc| doc.purpose()).collect();
    let (path, meant, wanted) = (path.display(), meant.join(", "), doc.purpose());
    let purpose = if doc == DocType::Release { "release" } else { "license" };
    let make = format!("licctl key generate --purpose {purpose} --out FILE");
    let message = format!("{path} signs {meant}, not a {wanted}");
    bail!(
        Failure::refused(Code::KeyNotAllowed, message)
            .advise(format!("use another key: {make}"))
            .chinese(
                format!("{path} 用于签发 {meant}，不能签发 {wanted}"),
                format!("请使用其他密钥：{make}"),
            )
    );
}

/// What the key may sign; a key made elsewhere signs licenses, as a JWK without `lic_typ` does.
pub(crate) fn purposes(file: &KeyFile) -> Vec<DocType> {
    if file.purposes.is_empty() { vec![DocType::License] } else { file.purposes.clone() }
}

/// The public half, as verifiers are to trust it.
pub(crate) fn trusted(file: &KeyFile) -> TrustedKey {
    TrustedKey::new(file.key.public().clone(), purposes(file))
}

/// Writes a private key where no file is yet.
pub(crate) fn create(
    file: &KeyFile,
    path: &Path,
    passphrase: Option<&str>,
    environment: &Environment,
) -> anyhow::Result<()> {
    let encrypt = encryption(passphrase, environment)?;
    create_file(path, &file.to_pem(encrypt.as_ref())?)
}

/// How a new key is encrypted, if it is.
pub(crate) fn encryption<'a>(
    passphrase: Option<&'a str>,
    environment: &Environment,
) -> anyhow::Result<Option<Encrypt<'a>>> {
    let Some(passphrase) = passphrase else { return Ok(None) };
    let (salt, iv) = (environment.random()?, environment.random()?);
    Ok(Some(Encrypt { passphrase, salt, iv }))
}

/// Writes the text of a private key where no file is yet.
pub(crate) fn create_file(path: &Path, pem: &str) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut created = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let path = path.display();
            let failure = Failure::new(Code::Conflict, format!("{path} exists already"));
            bail!(
                failure
                    .advise(
                        "choose another name: an overwritten key is lost, and with it every way to \
                         issue for the programs that trust it"
                    )
                    .chinese(
                        format!("{path} 已存在"),
                        "请换一个文件名：密钥一旦被覆盖便无法找回，信任它的程序将无法再获得许可证",
                    )
            );
        }
        opened => opened.with_context(|| format!("writing {}", path.display()))?,
    };
    created
        .write_all(pem.as_bytes())
        .and_then(|()| created.sync_all())
        .with_context(|| format!("writing {}", path.display()))
}

pub(crate) fn explain(path: &Path, error: &KeyFileError) -> Failure {
    let path = path.display();
    let failure = Failure::new(Code::RequestInvalid, format!("{path}: {error}"));
    match error {
        KeyFileError::PassphraseWrong => failure
            .advise("check the passphrase, and which file it belongs to")
            .chinese(format!("{path}：口令错误"), "请检查口令以及它所属的文件"),
        _ => failure.advise("make a key with `licctl key generate --out FILE`").chinese(
            format!("{path}：不是可用的私钥（PKCS#8 PEM）"),
            "请用 licctl key generate --out FILE 生成密钥",
        ),
    }
}
