//! `licctl market debug`: what the console's debugging page would say of an endpoint.

use std::process::ExitCode;

use std::path::PathBuf;

use license_core::Lang;
use license_core::code::Code;

use super::{SigningKey, doubt_key, key_of};
use crate::environment::Environment;
use crate::input;
use crate::market::console::{Console, Row, Subject, Verdict};
use crate::market::seller::{Seller, Sellers};
use crate::output::{BAD, GOOD, Output};
use crate::table;

const EXAMPLES: &str = "\
Examples:
  licctl market debug http://127.0.0.1:8470/koogallery --access-key-file access-key.txt
  licctl market debug https://license.example.com/koogallery --access-key-file access-key.txt \\
         --license-code-key-file code-key.txt --general-key-file general-key.txt \\
         --kit-key-file kit-key.txt --json";

/// Play the console's debugging against a seller's endpoint and judge every answer.
///
/// Every activity, good and bad: the five cases of the page, upgrades, queries, authorization codes,
/// order notification, the eleven GET calls of V1 and the kit's ten paths; re-sends, other orders and
/// spellings, stale and replayed calls, the keys of other interface types. Every call carries
/// testFlag 1, so an endpoint in production counts none of them. Interfaces whose key is not given
/// are skipped, which is said. Exit code 1 when an answer breaks a rule.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The seller's endpoint, for example `http://127.0.0.1:8470/koogallery`.
    url: String,
    #[command(flatten)]
    key: SigningKey,
    /// Key of the authorization-code interfaces (License授权码交付接口); without it they are skipped.
    #[arg(long, value_name = "FILE")]
    license_code_key_file: Option<PathBuf>,
    /// Key of the general interfaces (通用接口: order notification); without it they are skipped.
    #[arg(long, value_name = "FILE")]
    general_key_file: Option<PathBuf>,
    /// Key of the kit (联营SaaS同步接口); without it its ten paths are skipped.
    #[arg(long, value_name = "FILE")]
    kit_key_file: Option<PathBuf>,
    /// Authorization code that the calls are about.
    #[arg(long, value_name = "CODE", default_value = "PLMOCKDEBUG0000000001")]
    code: String,
    /// Order that the calls are about.
    #[arg(long, value_name = "ID", default_value = "MOCKPERIODYEARNEW")]
    order: String,
    /// Product of the marketplace that updates carry.
    #[arg(long, value_name = "ID")]
    product: Option<String>,
    /// Fingerprint that the license is asked for.
    #[arg(
        long,
        value_name = "TEXT|@FILE|-",
        default_value = "04:7C:16:5E:E3:5D|001B_444A_488B_5CEC.|PF3N9Q0D|BFEBFBFF00090672"
    )]
    dev_info: String,
}

impl Args {
    pub(crate) fn run(
        self,
        environment: &Environment,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        let key = self.key.read(out)?;
        let open = |file: &Option<PathBuf>| {
            let file = file.as_deref();
            file.map(|file| Seller::new(&self.url, key_of(file)?, environment, out)).transpose()
        };
        let sellers = Sellers {
            basic: Seller::new(&self.url, key, environment, out)?,
            license_code: open(&self.license_code_key_file)?,
            general: open(&self.general_key_file)?,
            kit: open(&self.kit_key_file)?,
        };
        let subject = Subject {
            line: format!("{}-000001", self.order),
            order: self.order,
            product: self.product,
            device: input::text_argument(&self.dev_info)?.trim().to_owned(),
            code: self.code,
        };
        let rows = Console::run(&sellers, subject, out)?;
        let failed = rows.iter().filter(|row| row.verdict == Verdict::Fail).count();
        if out.is_json() {
            out.value(&rows)?;
        } else {
            print(&rows, failed, sellers.basic.url(), out)?;
        }
        for row in rows.iter().filter(|row| row.verdict == Verdict::Skipped) {
            let option = row.why.as_deref().unwrap_or_default();
            let text = match out.lang() {
                Lang::En => format!("NOT TRIED: {} ({}): give {option}", row.case, row.section),
                Lang::Zh => format!("未测试:{}({}),请提供 {option}", row.case, row.section),
            };
            out.warn(Code::ConfigInvalid, text)?;
        }
        if rows.first().is_some_and(|row| row.answer.starts_with("000001")) {
            doubt_key(out)?;
        }
        Ok(ExitCode::from(u8::from(failed > 0)))
    }
}

fn print(rows: &[Row], failed: usize, url: &str, out: &mut Output) -> anyhow::Result<()> {
    let lang = out.lang();
    let head = match lang {
        Lang::En => ["case", "sent", "answered", "rule", "verdict"],
        Lang::Zh => ["用例", "发送", "应答", "规则", "结论"],
    };
    let mut table = table::new(head);
    for row in rows {
        let verdict = match (row.verdict, lang) {
            (Verdict::Pass, Lang::En) => "pass",
            (Verdict::Pass, Lang::Zh) => "通过",
            (Verdict::Fail, Lang::En) => "FAIL",
            (Verdict::Fail, Lang::Zh) => "不通过",
            (Verdict::Skipped, Lang::En) => "NOT TRIED, give",
            (Verdict::Skipped, Lang::Zh) => "未测试,请提供",
        };
        let verdict = match &row.why {
            Some(why) => format!("{verdict}: {why}"),
            None => verdict.to_owned(),
        };
        let rule = if lang == Lang::Zh { &row.rule_zh } else { &row.rule };
        let rule = format!("{rule} ({})", row.section);
        table.add_row([&row.case, &row.sent, &row.answer, &rule, &verdict]);
    }
    out.line(table.trim_fmt())?;
    let skipped = rows.iter().filter(|row| row.verdict == Verdict::Skipped).count();
    let total = rows.len() - skipped;
    let passed = total - failed;
    let style = if failed == 0 { GOOD } else { BAD };
    match lang {
        Lang::En => out.line(format!(
            "{style}{passed} of {total} cases passed, {failed} failed{style:#}, \
             {skipped} interface types not tried ({url})"
        ))?,
        Lang::Zh => out.line(format!(
            "{style}共 {total} 项,通过 {passed} 项,不通过 {failed} 项{style:#},\
             {skipped} 类接口未测试({url})"
        ))?,
    }
    Ok(())
}
