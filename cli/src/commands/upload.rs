//! `licctl upload`.

use std::process::ExitCode;

use license_core::{Code, Lang};
use serde_json::{Value, json};

use crate::admin::{Admin, ServerArgs, escape};
use crate::output::{GOOD, Output};
use crate::table::{self, text, time};

/// See which licenses are on their way to the marketplace, and send one again.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List uploads: delivered, waiting, refused.
    List {
        /// Only in this state.
        #[arg(
            long, value_name = "STATE",
            value_parser = ["queued", "delivered", "refused", "unclear", "superseded"]
        )]
        state: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// After a restore from a backup uploads wait: let them go.
    ConfirmRestore {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Send an upload again that was refused or is unclear.
    ///
    /// Without an id: the marketplace refused AK/SK and nothing is sent; ask it once more.
    Retry {
        /// Its id.
        id: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List { state, server } => {
                let admin = server.connect(out)?;
                let rows: Vec<Value> = admin.list(
                    "/api/v1/uploads",
                    &[("state", state.as_deref())],
                    |row: &Value| text(row, "/upload_id"),
                )?;
                warn_of_restore(&admin, out)?;
                list(&rows, out)
            }
            Command::ConfirmRestore { server } => {
                let admin = server.connect(out)?;
                let before = admin.find::<Value>("/api/v1/restore")?;
                let waited = before.is_some_and(|before| before["uploads_wait"] == true);
                let restore: Value = admin.post("/api/v1/restore/confirm", &json!({}))?;
                if out.is_json() {
                    out.value(&json!({ "code": Code::Ok.as_str(), "restore": restore }))?;
                } else {
                    let text = if waited {
                        let text = out.pick("uploads go on", "上传已继续");
                        format!("{GOOD}{text}{GOOD:#}")
                    } else {
                        let text = out.pick(
                            "nothing to confirm: no restore, or one that was confirmed before",
                            "无需确认:数据库未经恢复,或此前已确认",
                        );
                        text.to_owned()
                    };
                    out.line(text)?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Command::Retry { id: None, server } => {
                let admin = server.connect(out)?;
                let queues: Value = admin.post("/api/v1/uploads/retry", &json!({}))?;
                if out.is_json() {
                    out.value(&json!({ "code": Code::Ok.as_str(), "queues": queues }))?;
                } else {
                    let text = if queues["were_closed"] == true {
                        out.pick(
                            "the marketplace is asked once; everything goes on if it takes AK/SK",
                            "将向云商店试探一次;若AK/SK被接受,队列将继续",
                        )
                    } else {
                        out.pick(
                            "AK/SK were not refused; name an upload to send that one again",
                            "AK/SK未被拒绝;如需重新上传,请指定上传任务",
                        )
                    };
                    let text = text.to_owned();
                    out.line(format!("{GOOD}{text}{GOOD:#}"))?;
                }
                Ok(ExitCode::SUCCESS)
            }
            Command::Retry { id: Some(id), server } => {
                let admin = server.connect(out)?;
                let upload: Value =
                    admin.post(&format!("/api/v1/uploads/{}/retry", escape(&id)), &json!({}))?;
                if out.is_json() {
                    out.value(&json!({ "code": Code::Ok.as_str(), "upload": upload }))?;
                } else {
                    let text = out.pick("is sent again", "将重新上传").to_owned();
                    out.line(format!("{GOOD}{id}{GOOD:#} {text}"))?;
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// Says why nothing is sent, where the server was restored from a backup.
fn warn_of_restore(admin: &Admin, out: &mut Output) -> anyhow::Result<()> {
    // An older server does not know the question.
    let Some(restore) = admin.find::<Value>("/api/v1/restore")? else { return Ok(()) };
    if restore["uploads_wait"] == true {
        let made = time(&restore, "/backup_at");
        let text = match out.lang() {
            Lang::En => format!(
                "restored from a backup of {made}: uploads wait. What the marketplace got since \
                 then is not known here; confirm with `licctl upload confirm-restore`"
            ),
            Lang::Zh => format!(
                "已从 {made} 的备份恢复:上传暂停。此后云商店收到的内容在此未知;\
                 请用 licctl upload confirm-restore 确认"
            ),
        };
        out.warn("RESTORE_UNCONFIRMED", text)?;
    }
    Ok(())
}

fn list(rows: &[Value], out: &mut Output) -> anyhow::Result<ExitCode> {
    if out.is_json() {
        out.value(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        let empty = out.pick(
            "no uploads; one is made for each license that the marketplace asked for",
            "没有上传任务;云商店申请的每个 License 会产生一个",
        );
        let empty = empty.to_owned();
        out.line(empty)?;
        return Ok(ExitCode::SUCCESS);
    }
    let lang = out.lang();
    let mut table = table::new(match lang {
        Lang::En => ["upload", "event", "license", "state", "attempts", "next", "marketplace said"],
        Lang::Zh => ["上传", "事件", "License", "状态", "次数", "下次", "云商店应答"],
    });
    for row in rows {
        let said = match text(row, "/error_code").as_str() {
            "-" => "-".to_owned(),
            code => {
                let meaning = text(row, if lang == Lang::Zh { "/error_zh" } else { "/error" });
                format!("{code}: {meaning}")
            }
        };
        table.add_row([
            text(row, "/upload_id"),
            text(row, "/event_id"),
            text(row, "/license_id"),
            text(row, "/state"),
            text(row, "/attempts"),
            time(row, "/next_at"),
            said,
        ]);
    }
    out.line(table.trim_fmt())?;
    Ok(ExitCode::SUCCESS)
}
