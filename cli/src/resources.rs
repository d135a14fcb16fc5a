//! Resources of the admin API: fetched as the server sends them, printed as that JSON or as the
//! columns of their typed view.

mod alert;
mod authorization_code;
mod instance;
mod joint_kit;
mod license;
mod machine;
mod notice;
mod product;
mod release;
mod upload;
mod usage;

use std::process::ExitCode;

use license_core::Lang;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::admin::{self, Admin, ServerArgs, escape};
use crate::messages;
use crate::output::{BOLD, GOOD, Output};
use crate::table;

/// A text in English and Chinese.
pub(crate) type Bilingual = (&'static str, &'static str);

/// A name in English and Chinese, and the value of a row under it.
pub(crate) type ViewColumn<T> = (&'static str, &'static str, fn(&T, Lang) -> String);

/// A resource that is printed as a row of a table.
pub(crate) trait Listed: DeserializeOwned + 'static {
    const PATH: &'static str;
    /// Member that the next page of the list starts after. A change prints the resource under this
    /// name without `_id`.
    const KEY: &'static str;
    const COLUMNS: &'static [ViewColumn<Self>];
    /// Printed instead of a table without rows.
    const EMPTY: Bilingual;
    /// As `EMPTY`, where the list was filtered.
    const NO_MATCH: Bilingual = Self::EMPTY;
}

/// A resource of which one is printed with all its fields.
pub(crate) trait Shown: DeserializeOwned + 'static {
    /// Path of the collection.
    const PATH: &'static str;
    const FIELDS: &'static [ViewColumn<Self>];

    /// Prints what no single line holds.
    fn details(&self, _out: &mut Output) -> anyhow::Result<()> {
        Ok(())
    }
}

// One resource of a server. No doc comment: clap would print it as help.
#[derive(clap::Args)]
pub(crate) struct ById {
    /// Its id.
    id: String,
    #[command(flatten)]
    server: ServerArgs,
}

impl ById {
    pub(crate) fn show<T: Shown>(&self, out: &mut Output) -> anyhow::Result<ExitCode> {
        show::<T>(&self.server.connect(out)?, &self.id, out)
    }

    pub(crate) fn change<T: Listed>(
        &self,
        action: &str,
        said: impl FnOnce(&Admin, &Value, &Output) -> anyhow::Result<String>,
        out: &mut Output,
    ) -> anyhow::Result<ExitCode> {
        change::<T>(&self.server.connect(out)?, &self.id, action, said, out)
    }
}

/// Query parameters of a list; those without a value are left out.
pub(crate) type Filters<'a> = &'a [(&'static str, Option<&'a str>)];

/// Prints every page of a list.
pub(crate) fn list<T: Listed>(
    admin: &Admin,
    filters: Filters<'_>,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let rows: Vec<Value> = admin.list(T::PATH, filters, |row: &Value| table::text(&row[T::KEY]))?;
    print::<T>(admin, &rows, filters.iter().any(|(_, value)| value.is_some()), out)
}

/// Prints a list that the server answers with as a whole.
pub(crate) fn list_unpaged<T: Listed>(
    admin: &Admin,
    filters: Filters<'_>,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let rows: Vec<Value> = admin.get(&admin::with_query(T::PATH, filters.iter().copied()))?;
    print::<T>(admin, &rows, filters.iter().any(|(_, value)| value.is_some()), out)
}

/// Prints a list that was fetched: the views are made for a table only, so that `--json` passes on
/// whatever a newer server says.
fn print<T: Listed>(
    admin: &Admin,
    rows: &[Value],
    filtered: bool,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    if out.is_json() {
        out.value(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    let views: Vec<T> = rows.iter().map(|row| admin.view(row)).collect::<anyhow::Result<_>>()?;
    print_views(&views, filtered, out)
}

pub(crate) fn print_views<T: Listed>(
    views: &[T],
    filtered: bool,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let (en, zh) = if filtered { T::NO_MATCH } else { T::EMPTY };
    match table(views, T::COLUMNS, out.lang()) {
        Some(table) => out.line(table)?,
        None => out.line(out.pick(en, zh))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A table of these columns, none without rows.
fn table<T>(views: &[T], columns: &[ViewColumn<T>], lang: Lang) -> Option<String> {
    let head = columns.iter().map(|(en, zh, _)| messages::pick(lang, en, zh));
    let mut table = table::new(head);
    for view in views {
        table.add_row(columns.iter().map(|(_, _, cell)| cell(view, lang)));
    }
    (!views.is_empty()).then(|| table.trim_fmt())
}

/// Prints one.
pub(crate) fn show<T: Shown>(
    admin: &Admin,
    id: &str,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let raw: Value = admin.get(&format!("{}/{}", T::PATH, escape(id)))?;
    if out.is_json() {
        out.value(&raw)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (view, lang): (T, Lang) = (admin.view(&raw)?, out.lang());
    for (en, zh, field) in T::FIELDS {
        out.line(format!("{BOLD}{}{BOLD:#}: {}", out.pick(en, zh), field(&view, lang)))?;
    }
    view.details(out)?;
    Ok(ExitCode::SUCCESS)
}

/// Has the server change one, and prints what it then says about it.
pub(crate) fn change<T: Listed>(
    admin: &Admin,
    id: &str,
    action: &str,
    said: impl FnOnce(&Admin, &Value, &Output) -> anyhow::Result<String>,
    out: &mut Output,
) -> anyhow::Result<ExitCode> {
    let path = format!("{}/{}/{action}", T::PATH, escape(id));
    let answer: Value = admin.post(&path, &json!({}))?;
    let line = format!("{GOOD}{id}{GOOD:#} {}", said(admin, &answer, out)?);
    out.done(json!({ T::KEY.trim_end_matches("_id"): answer }), line)
}

/// What [`change`] prints after the id, whatever the server answered.
pub(crate) fn said(
    en: &'static str,
    zh: &'static str,
) -> impl FnOnce(&Admin, &Value, &Output) -> anyhow::Result<String> {
    move |_, _, out| Ok(out.pick(en, zh).to_owned())
}
