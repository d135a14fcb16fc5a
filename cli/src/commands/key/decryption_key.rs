//! `licctl key` for RSA keys, which decrypt what the marketplace encrypts for the seller.

use std::path::Path;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use license_core::decryption_key::DecryptionKey;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::output::{BOLD, Output};
use crate::passphrase::PassphraseArgs;
use crate::{keyfile, license_text};

/// Makes one.
pub(super) fn generate(
    path: &Path,
    passphrase: Option<&str>,
    environment: &Environment,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let seed = Zeroizing::new(environment.random()?);
    let key = DecryptionKey::generate(*seed)?;
    let encrypt = keyfile::encryption(passphrase, environment)?;
    keyfile::create_file(path, &key.to_pem(encrypt.as_ref())?)?;
    if out.is_json() {
        let mut object = describe(&key, passphrase.is_some())?;
        object["file"] = path.display().to_string().into();
        out.value(&object)?;
        return Ok(ExitCode::SUCCESS);
    }
    let made = out.pick("Made a private key", "已生成私钥");
    out.line(format!("{BOLD}{made}: {}{BOLD:#}", path.display()))?;
    print(&key, passphrase.is_some(), out)?;
    let next = out.pick(
        "Next: name the file in koogallery.kit_key, and give the seller console the public key",
        "下一步：在 koogallery.kit_key 中填写该文件，并将公钥填入卖家中心",
    );
    out.line(format!("\n{next}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Shows one.
pub(super) fn show(
    path: &Path,
    text: &str,
    passphrase: &PassphraseArgs,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let encrypted = text.contains("BEGIN ENCRYPTED PRIVATE KEY");
    let passphrase = if encrypted { Some(passphrase.existing(path)?) } else { None };
    let key = DecryptionKey::from_pem(text, passphrase.as_ref().map(|text| text.as_str()))
        .map_err(|error| keyfile::explain(path, &error))?;
    if out.is_json() {
        out.value(&describe(&key, encrypted)?)?;
    } else {
        print(&key, encrypted, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(key: &DecryptionKey, encrypted: bool) -> anyhow::Result<Value> {
    Ok(json!({
        "code": "OK",
        "alg": "RSA-OAEP",
        "bits": key.bits(),
        "public_key": STANDARD.encode(key.public_der()?),
        "public_key_pem": key.public_pem()?,
        "encrypted": encrypted,
    }))
}

fn print(key: &DecryptionKey, encrypted: bool, out: &mut Output) -> anyhow::Result<()> {
    let opens = out.pick("clientSecret of the kit", "联营Kit的clientSecret");
    let stored = super::stored(encrypted, out);
    license_text::row(out, ("alg", "算法"), format!("RSA-OAEP, {} bit", key.bits()))?;
    license_text::row(out, ("opens", "用途"), opens)?;
    license_text::row(out, ("stored", "存储"), stored)?;
    let title =
        out.pick("Public key (base64, then the same as PEM):", "公钥（base64，其后为PEM）：");
    out.line(format!("\n{title}\n{}", STANDARD.encode(key.public_der()?)))?;
    out.line(key.public_pem()?.trim_end())?;
    Ok(())
}
