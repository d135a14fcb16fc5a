//! `licctl verify`: verifies a license and prints what it grants, or why it is refused.

use std::process::ExitCode;

use anyhow::bail;
use license_core::armor::{self, Label};
use license_core::revocation::Revocations;
use license_core::trust::KeyRing;
use license_core::verify::{self, ValidityState, Verified, VerifyContext};
use license_core::version::Version;
use license_core::{Code, Refusal, Timestamp};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::input::{self, Input, Origin};
use crate::output::{GOOD, Output};
use crate::trust::TrustArgs;
use crate::{license_text, messages};

const AFTER_HELP: &str = "\
Examples:
  licctl verify customer.lic --trust trust.json
  licctl verify customer.lic --trust https://license.example.com --dev-info @machine.txt
  pbpaste | licctl verify - --trust trust.json --product flowsim --version 2.1 --json
  licctl verify customer.lic --trust trust.json --at 2028-01-01

Reads what people paste: any line ends, quotes, text before and after, UTF-16 from Notepad.
Exit codes: 0 valid, 1 refused (the code is printed), 2 wrong usage or anything else.";

/// Check a license and say what it grants, or why it is refused.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The license: a file, the text itself, or - for standard input.
    #[arg(value_name = "PATH|TEXT|-")]
    license: String,
    #[command(flatten)]
    trust: TrustArgs,
    /// The license has to be for this product.
    #[arg(long, value_name = "ID")]
    product: Option<String>,
    /// The license has to cover this version of the program.
    #[arg(long, value_name = "V")]
    version: Option<Version>,
    /// Date of that version's release, for the maintenance window.
    #[arg(long, value_name = "DATE")]
    release_date: Option<Timestamp>,
    /// Device text of the machine (licctl devinfo); otherwise the binding is not checked.
    #[arg(long, value_name = "TEXT|@FILE|-")]
    dev_info: Option<String>,
    /// Check as of this date or time (UTC) instead of now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        if self.license == "-" && self.dev_info.as_deref() == Some("-") {
            let message = "the license and --dev-info cannot both be standard input";
            bail!(
                Failure::new(Code::RequestInvalid, message)
                    .advise("give one of them as a file")
                    .chinese("许可证和 --dev-info 不能同时来自标准输入", "请将其中之一改为文件")
            );
        }
        let now = self.at.unwrap_or_else(|| environment.now());
        let Some(keys) = self.trust.open(now)? else {
            let failure = Failure::new(Code::RequestInvalid, "whom to trust? --trust is missing");
            bail!(
                failure
                    .advise(
                        "give --trust FILE with the seller's public keys (licctl key export), or \
                         the server's address; `licctl show` prints a license without checking it"
                    )
                    .chinese(
                        "缺少 --trust：不知道信任谁",
                        "请用 --trust 指定销售方的公钥文件（licctl key export）或服务器地址；\
                         licctl show 可在不检查的情况下显示许可证",
                    )
            );
        };
        let input = Input::open(&self.license)?;
        let device = self.dev_info.as_deref().map(input::text_argument).transpose()?;
        let online = self.trust.revocation_list();
        let verdict =
            revocations(&input.bytes, online.as_deref(), &keys, now).and_then(|revocations| {
                let question = VerifyContext {
                    now,
                    product: self.product.as_deref(),
                    version: self.version.as_ref(),
                    release_date: self.release_date,
                    device: device.as_deref(),
                    revocations: &revocations,
                    floor: None,
                };
                verify::license(&input.bytes, &keys, &question)
            });
        match verdict {
            Ok(verified) => {
                grant(&verified, out)?;
                Ok(ExitCode::SUCCESS)
            }
            Err(refusal) => {
                if refusal.code() == Code::LicenseMalformed && input.origin == Origin::Argument {
                    out.note(
                        out.pick(
                            "note: no file has this name, so it was read as the license itself",
                            "注意：没有此名称的文件，因此将其作为许可证文本读取",
                        )
                        .to_owned(),
                    )?;
                }
                out.refuse(&refusal)?;
                Ok(ExitCode::from(1))
            }
        }
    }
}

/// The revocation lists that travel with a license into an air-gapped site, and the server's own.
fn revocations(
    text: &[u8],
    online: Option<&str>,
    keys: &KeyRing,
    now: Timestamp,
) -> Result<Vec<Revocations>, Refusal> {
    let blocks = armor::read(text)?;
    let carried = blocks.iter().filter(|block| block.label == Label::RevocationList);
    carried
        .map(|block| block.document.as_str())
        .chain(online.map(str::trim))
        .map(|document| Revocations::open(document, keys, now))
        .collect()
}

fn grant(verified: &Verified, out: &mut Output) -> anyhow::Result<()> {
    if out.is_json() {
        return out.value(&verified.to_json());
    }
    let lang = out.lang();
    out.line(format!("{GOOD}{}{GOOD:#}", messages::state(verified.state, lang)))?;
    let days_left = verified.days_left.filter(|_| verified.state != ValidityState::Grace);
    license_text::license(&verified.claims, days_left, out)?;
    license_text::row(out, ("key", "密钥"), verified.kid)?;
    let machine = match (&verified.binding, &verified.claims.binding) {
        (Some(compared), _) => Some(compared.summary(lang)),
        (None, Some(_)) => Some(out.pick("not checked", "未检查").to_owned()),
        (None, None) => None,
    };
    if let Some(machine) = machine {
        license_text::row(out, ("machine", "机器"), machine)?;
    }
    for warning in &verified.warnings {
        out.warn(warning.as_str(), messages::warning(*warning, lang))?;
    }
    Ok(())
}
