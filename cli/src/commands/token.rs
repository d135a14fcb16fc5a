//! `licctl token`: creates a token for the admin API.

use std::process::ExitCode;

use license_core::api::{TokenCreate, TokenCreated};
use serde_json::json;

use crate::admin::ServerArgs;
use crate::output::Output;

/// Let others in: make tokens for the admin API.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a token; it is shown once and kept only as a hash.
    Create {
        /// What it may do: see, change, or everything.
        #[arg(long, value_name = "ROLE", value_parser = ["viewer", "operator", "admin"])]
        role: String,
        /// What it is for: a person, a script.
        #[arg(long, value_name = "NAME")]
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let Command::Create { role, name, server } = self.command;
        let admin = server.connect(out)?;
        let created: TokenCreated =
            admin.post("/api/v1/tokens", &TokenCreate { name, role: role.into() })?;
        // The token alone goes to standard output, so that it can be written to a file.
        let done = out.done(json!(created), &created.token)?;
        if !out.is_json() {
            out.note(out.pick(
                "keep it now: it is shown this once, the server knows only its hash",
                "请立即保存:仅显示这一次,服务器只保存其哈希",
            ))?;
        }
        Ok(done)
    }
}
