//! `licctl issue --batch`: one license for each row of a CSV file. All rows are checked before the
//! first license is signed, and a run that was interrupted is continued by the same command.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use indicatif::ProgressBar;
use license_core::Code;
use license_core::device::DeviceInfo;
use license_core::issue::KeyFile;
use license_core::license::License;
use license_core::trust::KeyRing;
use license_core::verify::{self, Verified, VerifyContext, Warning};
use license_core::{Lang, Refusal, Timestamp, armor};
use serde::Serialize;
use serde_json::{Value, json};

use super::terms::{TermsArgs, end_of, entitlement};
use super::{Args, BoundMachine, OutputForm, seal};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::{GOOD, Output, progress_bar};
use crate::{input, keyfile, messages};

const COLUMNS: [&str; 11] = [
    "customer",
    "product",
    "dev_info",
    "expires",
    "days",
    "perpetual",
    "trial",
    "entitlements",
    "maintenance_until",
    "versions",
    "file",
];
/// Mistakes that are shown; a wrong column makes one of every row.
const MAX_MISTAKES_SHOWN: usize = 20;

/// A row that can be issued.
struct BatchRow {
    terms: TermsArgs,
    machine: BoundMachine,
    /// Of the file in the folder.
    name: String,
}

/// Issues them all.
pub(super) fn issue(
    args: &Args,
    rows: &Path,
    file: &KeyFile,
    environment: &Environment,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let (Some(target), in_folder) = (match (&args.out_dir, &args.out) {
        (Some(folder), _) => (Some(folder), true),
        (None, path) => (path.as_ref(), false),
    }) else {
        return Err(no_target().into());
    };
    let rows = read(args, rows, file, environment)?;
    let weak = rows.iter().filter(|row| row.machine.enrolled.weak).count();
    if weak > 0 {
        let warning = Warning::BindingWeak;
        let text = messages::warning(warning, out.lang());
        let rows = out.pick("rows", "行");
        out.warn(warning.as_str(), format!("{text} ({weak} {rows})"))?;
    }
    let batch =
        BatchSigner { file, ring: KeyRing::new(vec![keyfile::trusted(file)])?, environment };
    let bar = progress_bar(rows.len() as u64, "{bar:40} {pos}/{len} {eta}");
    let issued = if in_folder {
        batch.fill_folder(target, &rows, &bar)?
    } else {
        batch.add_lines(target, &rows, args.form.unwrap_or(OutputForm::String), &bar)?
    };
    bar.finish_and_clear();

    let (before, path) = (rows.len() - issued, target.display());
    let line = match (out.lang(), before) {
        (Lang::En, 0) => format!("{GOOD}Issued{GOOD:#} {issued} licenses, {path}"),
        (Lang::En, _) => {
            format!("{GOOD}Issued{GOOD:#} {issued} licenses, {path}; {before} were there already")
        }
        (Lang::Zh, 0) => format!("{GOOD}已签发{GOOD:#} {issued} 个许可证：{path}"),
        (Lang::Zh, _) => {
            format!("{GOOD}已签发{GOOD:#} {issued} 个许可证：{path}；另有 {before} 个此前已签发")
        }
    };
    let result = json!({ "issued": issued, "issued_before": before, "out": path.to_string() });
    out.done(result, line)
}

fn no_target() -> Failure {
    let message = "a batch needs --out-dir DIR, or --out FILE.jsonl";
    Failure::new(Code::RequestInvalid, message)
        .advise("--out-dir gets one .lic a row, --out one line of JSON a row")
        .chinese(
            "批量签发需要 --out-dir DIR 或 --out FILE.jsonl",
            "--out-dir 每行生成一个 .lic 文件，--out 每行生成一行 JSON",
        )
}

/// Every row, or every mistake.
fn read(
    args: &Args,
    path: &Path,
    file: &KeyFile,
    environment: &Environment,
) -> anyhow::Result<Vec<BatchRow>> {
    let text = input::text_argument(&format!("@{}", path.display()))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let columns: Vec<String> =
        reader.headers().map_err(|error| unreadable(&error))?.iter().map(str::to_owned).collect();
    if let Some(unknown) = columns.iter().find(|column| !COLUMNS.contains(&column.as_str())) {
        return Err(unknown_column(unknown).into());
    }
    let mut rows: Vec<BatchRow> = Vec::new();
    let mut names: HashMap<String, u64> = HashMap::new();
    let mut mistakes = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells: BTreeMap<&str, &str> = columns
            .iter()
            .map(String::as_str)
            .zip(record.iter())
            .filter(|(_, cell)| !cell.is_empty())
            .collect();
        let number = rows.len() + mistakes.len() + 1;
        let row =
            BatchRow::read(args, &cells, number, file, environment).and_then(|row| {
                match names.insert(row.name.to_lowercase(), line) {
                    Some(other) => {
                        anyhow::bail!("file: {} is the name of line {other}, too", row.name)
                    }
                    None => Ok(row),
                }
            });
        match row {
            Ok(row) => rows.push(row),
            Err(error) => mistakes.push((line, error)),
        }
    }
    if !mistakes.is_empty() {
        return Err(refuse(&mistakes).into());
    }
    if rows.is_empty() {
        let failure = Failure::refused(Code::RequestInvalid, "the file holds no row");
        let failure = failure.advise("its first line names the columns, every other one a machine");
        let zh = ("文件中没有数据行", "首行为列名，其后每行一台机器");
        return Err(failure.chinese(zh.0, zh.1).into());
    }
    Ok(rows)
}

fn unreadable(error: &csv::Error) -> Failure {
    Failure::refused(Code::RequestInvalid, format!("the file is no CSV: {error}"))
        .advise("cells are parted by commas; a cell with a comma in it stands in quotes")
        .chinese(format!("文件不是有效的 CSV：{error}"), "单元格以逗号分隔，含逗号的单元格加引号")
}

fn unknown_column(column: &str) -> Failure {
    let known = COLUMNS.join(", ");
    Failure::refused(Code::RequestInvalid, format!("there is no column `{column}`"))
        .advise(format!("the columns are {known}"))
        .chinese(format!("没有名为 `{column}` 的列"), format!("可用的列：{known}"))
}

/// The mistakes by their lines.
fn refuse(mistakes: &[(u64, anyhow::Error)]) -> Failure {
    let list = |lang: Lang| {
        let shown = mistakes.iter().take(MAX_MISTAKES_SHOWN).map(|(line, error)| {
            let failure = error.downcast_ref::<Failure>();
            let chinese = failure.and_then(|failure| failure.chinese.as_ref());
            match (lang, chinese) {
                (Lang::Zh, Some((message, _))) => format!("\n  第 {line} 行：{message}"),
                (Lang::Zh, None) => format!("\n  第 {line} 行：{error}"),
                (Lang::En, _) => format!("\n  line {line}: {error}"),
            }
        });
        let more = mistakes.len().saturating_sub(MAX_MISTAKES_SHOWN);
        let rest = match lang {
            _ if more == 0 => String::new(),
            Lang::En => format!("\n  and {more} more"),
            Lang::Zh => format!("\n  另有 {more} 行"),
        };
        shown.collect::<String>() + &rest
    };
    let code = mistakes[0].1.downcast_ref::<Failure>().map_or(Code::RequestInvalid, |f| f.code);
    let count = mistakes.len();
    let message = format!("nothing was issued, {count} rows cannot be:{}", list(Lang::En));
    Failure::refused(code, message).advise("correct the file and start again").chinese(
        format!("未签发任何许可证，{count} 行有误：{}", list(Lang::Zh)),
        "请修正文件后重新运行",
    )
}

impl BatchRow {
    /// The row's cells, and the options where it has none.
    fn read(
        args: &Args,
        cells: &BTreeMap<&str, &str>,
        number: usize,
        file: &KeyFile,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let mut terms = args.terms.clone();
        let text = |column: &str| cells.get(column).map(|cell| (*cell).to_owned());
        terms.customer = text("customer").or(terms.customer);
        terms.product = text("product").or(terms.product);
        if ["expires", "days", "perpetual"].iter().any(|column| cells.contains_key(column)) {
            terms.expires = cell(cells, "expires", end_of)?;
            terms.days = cell(cells, "days", str::parse)?;
            terms.perpetual = cell(cells, "perpetual", str::parse)?.unwrap_or_default();
            let said = [terms.expires.is_some(), terms.days.is_some(), terms.perpetual];
            if said.iter().filter(|said| **said).count() > 1 {
                anyhow::bail!("expires, days, perpetual: one of them ends a license");
            }
            if terms.days.is_some_and(|days| !(1..=36_500).contains(&days)) {
                anyhow::bail!("days: a number from 1 to 36500");
            }
        }
        terms.trial = cell(cells, "trial", str::parse)?.unwrap_or(terms.trial);
        terms.maintenance_until =
            cell(cells, "maintenance_until", end_of)?.or(terms.maintenance_until);
        terms.versions = cell(cells, "versions", str::parse)?.or(terms.versions);
        if let Some(list) = cells.get("entitlements") {
            let parts = list.split(';').map(str::trim).filter(|part| !part.is_empty());
            terms.entitlement = parts
                .map(|part| {
                    entitlement(part).map_err(|why| anyhow::anyhow!("entitlements: {part}: {why}"))
                })
                .collect::<anyhow::Result<_>>()?;
        }
        let Some(device) = cells.get("dev_info") else {
            anyhow::bail!("dev_info: a batch is for machines; each has its device text");
        };
        let machine =
            BoundMachine::enroll((*device).to_owned(), DeviceInfo::parse(device), environment)?;
        let name = text("file").unwrap_or_else(|| format!("{number:04}.lic"));
        let plain = !name.starts_with('.') && !name.contains(['/', '\\', ':']) && name.len() <= 200;
        if !plain || !input::is_one_line(&name) {
            anyhow::bail!("file: a plain name, without a folder");
        }
        let row = Self { terms, machine, name };
        // Checked here, so that a refusal comes before any license is signed.
        row.license(file, environment)?;
        Ok(row)
    }

    fn license(&self, file: &KeyFile, environment: &Environment) -> anyhow::Result<License> {
        let binding = self.machine.enrolled.binding.clone();
        self.terms.license(file.issuer.as_deref(), Some(binding), environment)
    }
}

/// A cell as what it is.
fn cell<T, E: std::fmt::Display>(
    cells: &BTreeMap<&str, &str>,
    column: &str,
    read: impl Fn(&str) -> Result<T, E>,
) -> anyhow::Result<Option<T>> {
    let Some(text) = cells.get(column) else { return Ok(None) };
    read(text).map(Some).map_err(|error| anyhow::anyhow!("{column}: `{text}`: {error}"))
}

/// One line of JSON, in this order.
#[derive(Serialize)]
struct JsonLine<'a> {
    row: usize,
    license_id: &'a str,
    product: &'a str,
    customer: &'a str,
    form: &'a str,
    license: &'a str,
}

/// Signs rows.
struct BatchSigner<'a> {
    file: &'a KeyFile,
    ring: KeyRing,
    environment: &'a Environment,
}

impl BatchSigner<'_> {
    /// One file a row; those that are there already stay. How many were made.
    fn fill_folder(
        &self,
        folder: &Path,
        rows: &[BatchRow],
        bar: &ProgressBar,
    ) -> anyhow::Result<usize> {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        let mut issued = 0;
        for row in rows {
            let path = folder.join(&row.name);
            if path.exists() {
                let text = input::file(&path)?;
                if !self.is_issued(&text, row)? {
                    return Err(other(&path.display().to_string()).into());
                }
            } else {
                let (license, document) = self.sign(row)?;
                // Renamed once it is complete: an interrupted run must not leave half a license.
                let part = PathBuf::from(format!("{}.part", path.display()));
                fs::write(&part, armor::license_file(&document, &license))
                    .and_then(|()| fs::rename(&part, &path))
                    .with_context(|| format!("writing {}", path.display()))?;
                issued += 1;
            }
            bar.inc(1);
        }
        Ok(issued)
    }

    /// One line a row, behind those that are there already. How many were made.
    fn add_lines(
        &self,
        path: &Path,
        rows: &[BatchRow],
        form: OutputForm,
        bar: &ProgressBar,
    ) -> anyhow::Result<usize> {
        let writing = || format!("writing {}", path.display());
        let before = if path.exists() {
            fs::read_to_string(path).with_context(writing)?
        } else {
            String::new()
        };
        // A line without its end was interrupted; it is written again.
        let whole = before.rfind('\n').map_or(0, |end| end + 1);
        let lines: Vec<&str> = before[..whole].lines().collect();
        for (line, row) in lines.iter().zip(rows) {
            let value: Value = serde_json::from_str(line).unwrap_or_default();
            let license = value["license"].as_str().unwrap_or_default();
            if !self.is_issued(license.as_bytes(), row)? {
                return Err(other(&path.display().to_string()).into());
            }
        }
        // Truncates only what an earlier run of this batch began, never a foreign file.
        let (rest, begun) = (&before[whole..], format!("{{\"row\":{},", lines.len() + 1));
        if lines.len() > rows.len() || !(rest.starts_with(&begun) || begun.starts_with(rest)) {
            return Err(other(&path.display().to_string()).into());
        }
        bar.inc(lines.len() as u64);
        let mut out = File::options().create(true).append(true).open(path).with_context(writing)?;
        out.set_len(whole as u64).with_context(writing)?;
        for (number, row) in rows.iter().enumerate().skip(lines.len()) {
            let (license, document) = self.sign(row)?;
            let fits = license_core::issue::fits_string(&document);
            let (form, text) = match form {
                OutputForm::String if fits => ("string", document),
                _ => ("file", armor::license_file(&document, &license)),
            };
            let line = serde_json::to_string(&JsonLine {
                row: number + 1,
                license_id: &license.id,
                product: &license.product,
                customer: &license.customer,
                form,
                license: &text,
            })?;
            out.write_all(format!("{line}\n").as_bytes()).with_context(writing)?;
            bar.inc(1);
        }
        out.sync_all().with_context(writing)?;
        Ok(rows.len() - lines.len())
    }

    fn sign(&self, row: &BatchRow) -> anyhow::Result<(License, String)> {
        let license = row.license(self.file, self.environment)?;
        let document = seal(&license, self.file)?;
        // Programs verify by the same rules: a license that fails here fails there.
        self.verify(document.as_bytes(), row, license.issued_at)
            .with_context(|| "the license that was just made does not verify")?;
        Ok((license, document))
    }

    fn verify(&self, text: &[u8], row: &BatchRow, at: Timestamp) -> Result<Verified, Refusal> {
        let machine = Some(row.machine.text.as_str());
        verify::license(
            text,
            &self.ring,
            &VerifyContext { device: machine, ..VerifyContext::at(at) },
        )
    }

    /// Whether a text is a license of this key that grants what the row does, on its machine. With
    /// `days` every run has another end.
    fn is_issued(&self, text: &[u8], row: &BatchRow) -> anyhow::Result<bool> {
        let wanted = row.license(self.file, self.environment)?;
        let Ok(verified) = self.verify(text, row, wanted.issued_at) else { return Ok(false) };
        let found = verified.claims;
        let same_end = if row.terms.days.is_some() {
            found.expires.is_some()
        } else {
            found.expires == wanted.expires
        };
        Ok(same_end
            && found.issuer == wanted.issuer
            && found.product == wanted.product
            && found.customer == wanted.customer
            && found.kind == wanted.kind
            && found.trial == wanted.trial
            && found.entitlements == wanted.entitlements
            && found.versions == wanted.versions
            && found.maintenance_until == wanted.maintenance_until)
    }
}

fn other(path: &str) -> Failure {
    Failure::refused(Code::Conflict, format!("{path} holds something else than this batch makes"))
        .advise("nothing is overwritten: write to another place, or take it away")
        .chinese(
            format!("{path} 的内容与本次批量签发不符"),
            "不会覆盖已有文件：请另选位置或先移走该文件",
        )
}
