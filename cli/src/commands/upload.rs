//! `licctl upload`: lists uploads, sends one again, and confirms a restore.

use std::process::ExitCode;

use license_core::Lang;
use license_core::api::{QueuesView, RestoreView, UploadView};
use serde_json::{Value, json};

use crate::admin::{Admin, ServerArgs};
use crate::output::{GOOD, Output};
use crate::resources::{self, said};
use crate::table::time;

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
                warn_of_restore(&admin, out)?;
                resources::list::<UploadView>(&admin, &[("state", state.as_deref())], out)
            }
            Command::ConfirmRestore { server } => {
                let admin = server.connect(out)?;
                let before: Option<RestoreView> = admin.find("/api/v1/restore")?;
                let restore: Value = admin.post("/api/v1/restore/confirm", &json!({}))?;
                let line = if before.is_some_and(|before| before.uploads_wait) {
                    format!("{GOOD}{}{GOOD:#}", out.pick("uploads go on", "上传已继续"))
                } else {
                    let text = out.pick(
                        "nothing to confirm: no restore, or one that was confirmed before",
                        "无需确认:数据库未经恢复,或此前已确认",
                    );
                    text.to_owned()
                };
                out.done(json!({ "restore": restore }), line)
            }
            Command::Retry { id: None, server } => {
                let admin = server.connect(out)?;
                let queues: Value = admin.post("/api/v1/uploads/retry", &json!({}))?;
                let text = if admin.view::<QueuesView>(&queues)?.were_closed {
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
                out.done(json!({ "queues": queues }), format!("{GOOD}{text}{GOOD:#}"))
            }
            Command::Retry { id: Some(id), server } => {
                let said = said("is sent again", "将重新上传");
                resources::change::<UploadView>(&server.connect(out)?, &id, "retry", said, out)
            }
        }
    }
}

/// Warns that nothing is sent until an operator confirms the restore from a backup.
fn warn_of_restore(admin: &Admin, out: &mut Output) -> anyhow::Result<()> {
    // An older server has no such path.
    let Some(restore) = admin.find::<RestoreView>("/api/v1/restore")? else { return Ok(()) };
    if restore.uploads_wait {
        let made = time(restore.backup_at);
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
