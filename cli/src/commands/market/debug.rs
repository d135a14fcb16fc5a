//! `licctl market debug`: what the console's debugging page would say of an endpoint.

use std::process::ExitCode;

use license_core::Lang;

use super::{SigningKey, doubt_key};
use crate::environment::Environment;
use crate::input;
use crate::market::console::{Console, Row, Subject, Verdict};
use crate::market::seller::Seller;
use crate::output::{BAD, GOOD, Output};
use crate::table;

const EXAMPLES: &str = "\
Examples:
  licctl market debug http://127.0.0.1:8470/koogallery --access-key-file access-key.txt
  licctl market debug https://license.example.com/koogallery --access-key-file access-key.txt --json";

/// Play the console's debugging against a seller's endpoint and judge every answer.
///
/// The five cases (create, update, status, release, license), their re-sends, other orders of them,
/// other spellings, and everything that must be refused. Every call carries testFlag 1, so an
/// endpoint in production counts none of them. Exit code 1 when an answer breaks a rule.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The seller's endpoint, for example `http://127.0.0.1:8470/koogallery`.
    url: String,
    #[command(flatten)]
    key: SigningKey,
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
        let seller = Seller::new(&self.url, key, environment, out)?;
        let subject = Subject {
            line: format!("{}-000001", self.order),
            order: self.order,
            product: self.product,
            device: input::text_argument(&self.dev_info)?.trim().to_owned(),
        };
        let rows = Console::run(&seller, subject, out)?;
        let failed = rows.iter().filter(|row| row.verdict == Verdict::Fail).count();
        if out.is_json() {
            out.value(&rows)?;
        } else {
            print(&rows, failed, seller.url(), out)?;
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
        };
        let verdict = match &row.why {
            Some(why) => format!("{verdict}: {why}"),
            None => verdict.to_owned(),
        };
        let rule = if lang == Lang::Zh { &row.rule_zh } else { &row.rule };
        table.add_row([&row.case, &row.sent, &row.answer, rule, &verdict]);
    }
    out.line(table.trim_fmt())?;
    let (total, passed) = (rows.len(), rows.len() - failed);
    let style = if failed == 0 { GOOD } else { BAD };
    match lang {
        Lang::En => out.line(format!(
            "{style}{passed} of {total} cases passed, {failed} failed{style:#} ({url})"
        ))?,
        Lang::Zh => out.line(format!(
            "{style}共 {total} 项,通过 {passed} 项,不通过 {failed} 项{style:#}({url})"
        ))?,
    }
    Ok(())
}
