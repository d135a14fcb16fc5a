//! `licctl issue`: signs one license, or one for each row of a file, offline.

mod batch;
mod terms;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use license_core::binding::{Binding, Enrolled, Enrollment};
use license_core::device::DeviceInfo;
use license_core::issue::{self, KeyFile};
use license_core::jws::DocType;
use license_core::license::License;
use license_core::trust::KeyRing;
use license_core::verify::{self, Verified, VerifyContext, Warning};
use license_core::{Code, armor};
use license_core::{Lang, Refusal};
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::{GOOD, Output};
use crate::passphrase::PassphraseArgs;
use crate::{input, keyfile, license_text, messages};

const AFTER_HELP: &str = "\
Examples:
  licctl issue --key issuing.key --product flowsim --customer \"某某科技有限公司\" \\
         --dev-info @machine.txt --expires 2027-11-20 --out customer.lic
  licctl devinfo | licctl issue --key issuing.key --product flowsim --customer Me \\
         --dev-info - --days 30 --trial
  licctl issue --key issuing.key --product flowsim --customer \"Site\" --unbound --perpetual \\
         --maintenance-until 2027-11-20 --entitlement mesh --entitlement solver-cores=64
  licctl issue --key issuing.key --product flowsim --days 365 --batch machines.csv --out-dir out

Dates are in UTC and the day itself counts: --expires 2027-11-20 is valid until 23:59:59 of that day.
--dev-info is what `licctl devinfo` prints on the customer's machine: MAC|DISK|BOARD|CPU.

A batch is CSV in UTF-8 whose header names its columns: customer, product, dev_info, expires,
days, perpetual, trial, entitlements (`mesh; solver-cores=64`), maintenance_until, versions, file
(the name in --out-dir). Options are for columns that are absent and for cells that are empty.
Nothing is issued unless every row can be, and nothing twice when it is started again.";

/// Issue one license for a machine, or one for each row of a file.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
#[command(group(clap::ArgGroup::new("machine").required(true)))]
pub(crate) struct Args {
    /// File of the private issuing key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    terms: terms::TermsArgs,
    /// Device text of the machine: the text, a file with it, or - for standard input.
    #[arg(long, value_name = "TEXT|@FILE|-", group = "machine")]
    dev_info: Option<String>,
    /// Bind the license to no machine: whoever has it can use it.
    #[arg(long, group = "machine")]
    unbound: bool,
    /// CSV file with a row for each machine.
    #[arg(long, value_name = "FILE.csv", group = "machine")]
    batch: Option<PathBuf>,
    /// Folder that gets one .lic for each row of the batch.
    #[arg(long, value_name = "DIR", requires = "batch", conflicts_with_all = ["out", "form"])]
    out_dir: Option<PathBuf>,
    /// A line to paste, or a file; by default a file where --out ends in .lic.
    #[arg(long, value_enum)]
    form: Option<OutputForm>,
    /// Where to write the license; otherwise standard output. Of a batch: JSON lines.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, Eq, PartialEq)]
enum OutputForm {
    /// The document alone, at most 1,024 characters
    String,
    /// A .lic file with a checksum and lines for people
    File,
}

/// The machine that the license is for.
struct BoundMachine {
    text: String,
    enrolled: Enrolled,
}

impl BoundMachine {
    /// Binds a license to the machine that a device text names.
    fn enroll(
        text: String,
        info: Result<DeviceInfo, Refusal>,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let info = info.map_err(|refusal| {
            Failure::refused(refusal.code(), format!("--dev-info: {refusal}"))
                .advise("ask for the output of `licctl devinfo` on the customer's machine")
                .chinese(
                    format!("--dev-info：{}", refusal.message(Lang::Zh)),
                    "请索取在客户机器上运行 licctl devinfo 的输出",
                )
        })?;
        let salt = URL_SAFE_NO_PAD.encode(environment.random::<12>()?);
        let enrolled =
            Binding::enroll(&info, &salt, &Enrollment::default()).map_err(|refusal| {
                let cause = "the processor model alone is the same on every machine of its series";
                let failure = Failure::refused(refusal.code(), format!("--dev-info: {cause}"));
                failure
                    .advise("ask for a text with a disk, board or network address in it")
                    .chinese(
                        "--dev-info：仅有处理器型号，无法区分同系列的机器",
                        "请索取包含硬盘、主板或网卡地址的设备信息",
                    )
            })?;
        Ok(Self { text, enrolled })
    }
}

fn seal(license: &License, file: &KeyFile) -> anyhow::Result<String> {
    issue::seal(DocType::License, license, &file.key).map_err(|error| {
        Failure::new(Code::PayloadTooLarge, error.to_string())
            .advise("shorten the names, or leave entitlements out")
            .chinese("许可证内容过长", "请缩短名称或减少授权项")
            .into()
    })
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        let file = keyfile::open_for(DocType::License, &self.key, &self.passphrase)?;
        if let Some(rows) = &self.batch {
            return batch::issue(&self, rows, &file, environment, out);
        }
        let machine = self.enroll(environment, out)?;
        let binding = machine.as_ref().map(|machine| machine.enrolled.binding.clone());
        let license = self.terms.license(file.issuer.as_deref(), binding, environment)?;

        let document = seal(&license, &file)?;
        let form = self.form(&document, out)?;
        let text = match form {
            OutputForm::String => format!("{document}\n"),
            OutputForm::File => armor::license_file(&document, &license),
        };
        // Programs verify by the same rules: a license that fails here fails there.
        let ring = KeyRing::new(vec![keyfile::trusted(&file)])?;
        let device = machine.as_ref().map(|machine| machine.text.as_str());
        let question = VerifyContext { device, ..VerifyContext::at(license.issued_at) };
        let verified = verify::license(text.as_bytes(), &ring, &question)
            .with_context(|| "the license that was just made does not verify")?;

        if self.terms.is_silent_on_validity() {
            let note = out.pick(
                "note: no --expires and no --days: the license is perpetual",
                "注意：未给出 --expires 或 --days，许可证永久有效",
            );
            out.note(note.to_owned())?;
        }
        if let Some(path) = &self.out {
            fs::write(path, &text).with_context(|| format!("writing {}", path.display()))?;
        }
        let weak = machine.is_some_and(|machine| machine.enrolled.weak);
        self.print(&verified, form, &text, weak, out)?;
        Ok(ExitCode::SUCCESS)
    }

    fn enroll(
        &self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<Option<BoundMachine>> {
        let Some(argument) = &self.dev_info else { return Ok(None) };
        let text = input::text_argument(argument)?;
        let info = DeviceInfo::parse(&text);
        let dropped = match &info {
            Ok(info) => {
                info.dropped().iter().map(|one| messages::dropped(one, out.lang())).collect()
            }
            Err(refusal) => messages::dropped_of(refusal, out.lang()),
        };
        for line in dropped {
            out.note(line)?;
        }
        let machine = BoundMachine::enroll(text, info, environment)?;
        if machine.enrolled.weak {
            let warning = Warning::BindingWeak;
            out.warn(warning.as_str(), messages::warning(warning, out.lang()))?;
        }
        Ok(Some(machine))
    }

    /// A document that is too long for a text travels as a file, which is said.
    fn form(&self, document: &str, out: &mut Output) -> anyhow::Result<OutputForm> {
        let named = self.out.as_ref().and_then(|path| path.extension());
        let wanted = self.form.unwrap_or_else(|| {
            if named.is_some_and(|ending| ending.eq_ignore_ascii_case("lic")) {
                OutputForm::File
            } else {
                OutputForm::String
            }
        });
        if wanted == OutputForm::File || issue::fits_string(document) {
            return Ok(wanted);
        }
        let (length, limit) = (document.len(), armor::STRING_LIMIT);
        out.note(match out.lang() {
            Lang::En => format!(
                "note: the license has {length} characters, a string at most {limit}: it travels \
                 as a file"
            ),
            Lang::Zh => {
                format!("注意：许可证有 {length} 个字符，字符串形式最多 {limit} 个，改用文件形式")
            }
        })?;
        Ok(OutputForm::File)
    }

    fn print(
        &self,
        verified: &Verified,
        form: OutputForm,
        text: &str,
        weak: bool,
        out: &mut Output,
    ) -> anyhow::Result<()> {
        let path = self.out.as_ref().map(|path| path.display());
        if out.is_json() {
            let license = if form == OutputForm::String { text.trim_end() } else { text };
            let warnings = if weak { vec![Warning::BindingWeak] } else { Vec::new() };
            let mut object = json!({
                "code": "OK",
                "license_id": verified.claims.id,
                "kid": verified.kid,
                "form": if form == OutputForm::String { "string" } else { "file" },
                "license": license,
                "claims": verified.payload,
                "warnings": warnings,
            });
            if let Some(path) = path {
                object["out"] = Value::from(path.to_string());
            }
            return out.value(&object);
        }
        let Some(path) = path else {
            out.text(text)?;
            return Ok(());
        };
        let License { customer, product, id, .. } = &verified.claims;
        let lang = out.lang();
        out.line(match lang {
            Lang::En => format!("{GOOD}Issued{GOOD:#} {path}: {product} for {customer}"),
            Lang::Zh => format!("{GOOD}已签发{GOOD:#} {path}：{product}，客户 {customer}"),
        })?;
        license_text::row(out, ("license", "许可证"), id)?;
        license_text::row(out, ("valid", "有效期"), messages::validity(&verified.claims, lang))?;
        license_text::row(out, ("key", "密钥"), verified.kid)?;
        let next = out.pick("Next", "下一步");
        out.line(format!("\n{next}: licctl verify {path} --trust trust.json --dev-info …"))?;
        Ok(())
    }
}
