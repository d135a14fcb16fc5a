//! `licctl machine`: lists machines that hold a seat, and releases one.

use std::process::ExitCode;

use license_core::api::MachineView;

use crate::admin::ServerArgs;
use crate::output::Output;
use crate::resources::{self, ById, said};

/// See which machines hold a place, and give one back.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List the machines that hold a place of what was bought.
    List {
        /// Only of this instance.
        #[arg(long, value_name = "ID")]
        instance: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Give a machine's place back: it was lost, sold, or set up anew beyond recognition.
    ///
    /// Its licenses are revoked, and an application that waited for a place is served. A machine
    /// that never fetches the revocation list goes on until its license ends.
    Release(ById),
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List { instance, server } => {
                let filters = [("instance_id", instance.as_deref())];
                resources::list::<MachineView>(&server.connect(out)?, &filters, out)
            }
            Command::Release(one) => {
                let said = said(
                    "holds no place any more, and its licenses are revoked",
                    "已释放名额,其许可证已吊销",
                );
                one.change::<MachineView>("release", said, out)
            }
        }
    }
}
