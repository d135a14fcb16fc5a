//! `licctl market debug`: what the console's debugging page would say of an endpoint.

use std::path::PathBuf;
use std::process::ExitCode;

use comfy_table::{ColumnConstraint, Table, Width};
use koogallery_sim::conformance::{self, CaseResult, CaseVerdict, Subject};
use koogallery_sim::endpoint::Endpoints;
use license_core::{Code, Lang};

use super::seller::{SigningKey, doubt_key, endpoint, failure, key_of, language};
use crate::environment::Environment;
use crate::input;
use crate::output::{BAD, GOOD, Output};
use crate::table;

/// The least width of the columns with names, where the terminal is narrow: that of most cases'
/// names, and of `updateInstanceStatus`.
const CASE: u16 = 18;
const ACTIVITY: u16 = 20;

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
            file.map(|file| endpoint(&self.url, key_of(file)?, environment, out)).transpose()
        };
        let endpoints = Endpoints {
            basic: endpoint(&self.url, key, environment, out)?,
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
        let rows = conformance::run(&endpoints, subject, language(out))
            .map_err(|error| failure(&self.url, error, out))?;
        let failed = rows.iter().filter(|row| row.verdict == CaseVerdict::Fail).count();
        if out.is_json() {
            out.value(&rows)?;
        } else {
            print(&rows, failed, endpoints.basic.url(), out)?;
        }
        for row in rows.iter().filter(|row| row.verdict == CaseVerdict::Skipped) {
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

fn print(rows: &[CaseResult], failed: usize, url: &str, out: &mut Output) -> anyhow::Result<()> {
    let lang = out.lang();
    out.line(table_of(rows, lang).trim_fmt())?;
    let skipped = rows.iter().filter(|row| row.verdict == CaseVerdict::Skipped).count();
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

fn table_of(rows: &[CaseResult], lang: Lang) -> Table {
    let head = match lang {
        Lang::En => ["case", "sent", "answered", "rule", "verdict"],
        Lang::Zh => ["用例", "发送", "应答", "规则", "结论"],
    };
    let mut table = table::new(head);
    for row in rows {
        let verdict = match (row.verdict, lang) {
            (CaseVerdict::Pass, Lang::En) => "pass",
            (CaseVerdict::Pass, Lang::Zh) => "通过",
            (CaseVerdict::Fail, Lang::En) => "FAIL",
            (CaseVerdict::Fail, Lang::Zh) => "不通过",
            (CaseVerdict::Skipped, Lang::En) => "NOT TRIED, give",
            (CaseVerdict::Skipped, Lang::Zh) => "未测试,请提供",
        };
        let verdict = match &row.why {
            Some(why) => format!("{verdict}: {why}"),
            None => verdict.to_owned(),
        };
        let rule = if lang == Lang::Zh { &row.rule_zh } else { &row.rule };
        let rule = format!("{rule} ({})", row.section);
        let (case, answer) = (folded(&row.case), in_one_tongue(&row.answer, lang));
        table.add_row([&case, &row.sent, &answer, &rule, &verdict]);
    }
    // A name that is looked for stands in one line, however narrow the terminal is.
    let contents = table.column_max_content_widths();
    for (column, least) in [(0, CASE), (1, ACTIVITY)] {
        let least = contents.get(column).map_or(least, |content| least.min(*content));
        if let Some(column) = table.column_mut(column) {
            let least = Width::Fixed(least + column.padding_width());
            column.set_constraint(ColumnConstraint::LowerBoundary(least));
        }
    }
    table
}

/// A case's name in lines of at most [`CASE`] characters, each but the last ending in a hyphen.
fn folded(case: &str) -> String {
    let (mut folded, mut length) = (String::new(), 0);
    for part in case.split_inclusive('-') {
        if length > 0 && length + part.len() > usize::from(CASE) {
            folded.push('\n');
            length = 0;
        }
        folded.push_str(part);
        length += part.len();
    }
    folded
}

/// `licd` answers in both languages, "000000 success. / 成功": people read the half that is theirs,
/// `--json` has both.
fn in_one_tongue(answer: &str, lang: Lang) -> String {
    let halves = answer.split_once(' ').and_then(|(code, text)| {
        let (english, chinese) = text.rsplit_once(" / ")?;
        (english.is_ascii() && !chinese.is_ascii()).then_some((code, english, chinese))
    });
    match (halves, lang) {
        (Some((code, english, _)), Lang::En) => format!("{code} {english}"),
        (Some((code, _, chinese)), Lang::Zh) => format!("{code} {chinese}"),
        (None, _) => answer.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(case: &str, sent: &str, answer: &str) -> CaseResult {
        CaseResult {
            case: case.to_owned(),
            sent: sent.to_owned(),
            status: Some(200),
            answer: answer.to_owned(),
            rule: "same order and line: the same instanceId, whatever the businessId".to_owned(),
            rule_zh: "同一订单和订单行:返回相同的 instanceId,与 businessId 无关".to_owned(),
            section: "更新实例状态",
            verdict: CaseVerdict::Pass,
            why: None,
            millis: 3,
        }
    }

    #[test]
    fn a_table_fits_narrow_terminals_and_keeps_names_whole() {
        let rows = [
            row("create-identical-again", "newInstance", "000000 success. / 成功"),
            row("freeze", "updateInstanceStatus FREEZE", "000000 success. / 成功"),
            row("code-renewal-after-release-again", "refreshLicenseCode RENEWAL", "HTTP 413"),
        ];
        for lang in [Lang::En, Lang::Zh] {
            for width in [80, 100, 120] {
                let mut table = table_of(&rows, lang);
                table.set_width(width);
                let text = table.trim_fmt();
                for line in text.lines() {
                    let wide = line.chars().map(|c| if c.is_ascii() || c == '─' { 1 } else { 2 });
                    assert!(wide.sum::<u16>() <= width, "{width}: {line}");
                }
                for name in ["create-identical-", "updateInstanceStatus", "refreshLicenseCode"] {
                    assert!(text.contains(name), "{width}: {name}\n{text}");
                }
                let (read, other) =
                    if lang == Lang::En { ("success.", "成功") } else { ("成功", "success.") };
                assert!(text.contains(read) && !text.contains(other), "{text}");
            }
        }
    }

    #[test]
    fn long_names_are_folded_at_their_hyphens() {
        assert_eq!(folded("create"), "create");
        assert_eq!(folded("create-identical-again"), "create-identical-\nagain");
        assert_eq!(
            folded("code-renewal-after-release-again"),
            "code-renewal-\nafter-release-\nagain"
        );
    }

    #[test]
    fn only_answers_in_two_languages_are_halved() {
        for (answer, en, zh) in [
            ("000000 success. / 成功", "000000 success.", "000000 成功"),
            ("000002 a / b", "000002 a / b", "000002 a / b"),
            ("000000", "000000", "000000"),
            ("HTTP 413", "HTTP 413", "HTTP 413"),
        ] {
            assert_eq!(
                (
                    in_one_tongue(answer, Lang::En).as_str(),
                    in_one_tongue(answer, Lang::Zh).as_str()
                ),
                (en, zh)
            );
        }
    }
}
