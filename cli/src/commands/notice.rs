//! `licctl notice`: lists the notifications of orders.

use std::process::ExitCode;

use license_core::api::NoticeView;

use crate::admin::ServerArgs;
use crate::output::Output;
use crate::resources;

/// The most rows that a server answers with; it sends the newest.
const MAX_ROWS: &str = "1000";

/// See the orders that the marketplace notified a server of (`orderNotify`).
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the newest 1,000, the newest first.
    List {
        /// Only of this order.
        #[arg(long, value_name = "ORDER")]
        order: Option<String>,
        /// Only in this state.
        #[arg(long, value_name = "STATE", value_parser = ["queued", "read", "failed"])]
        state: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let Command::List { order, state, server } = self.command;
        let filters = [
            ("order_id", order.as_deref()),
            ("state", state.as_deref()),
            ("limit", Some(MAX_ROWS)),
        ];
        resources::list_unpaged::<NoticeView>(&server.connect(out)?, &filters, out)
    }
}
