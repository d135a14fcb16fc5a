//! `licctl tenant`, `application`, `user` and `department`: list what the marketplace sent through
//! its joint-operation kit.

use std::process::ExitCode;

use license_core::api::{DepartmentView, TenantApplicationView, TenantView, UserView};

use crate::admin::ServerArgs;
use crate::output::Output;
use crate::resources::{self, Listed};

/// See the enterprises of buyers that the marketplace told of.
#[derive(clap::Args)]
pub(crate) struct TenantArgs {
    #[command(subcommand)]
    command: Command,
}

/// See the applications of buyers' enterprises; their secrets are never shown.
#[derive(clap::Args)]
pub(crate) struct ApplicationArgs {
    #[command(subcommand)]
    command: Command,
}

/// See who of a buyer's enterprise may use an application.
#[derive(clap::Args)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    command: Command,
}

/// See the calls that told of departments.
#[derive(clap::Args)]
pub(crate) struct DepartmentArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// List them.
    List {
        /// Only of this instance.
        #[arg(long, value_name = "ID")]
        instance: Option<String>,
        /// Only of this enterprise.
        #[arg(long, value_name = "ID")]
        tenant: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl TenantArgs {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        self.command.run::<TenantView>(out)
    }
}

impl ApplicationArgs {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        self.command.run::<TenantApplicationView>(out)
    }
}

impl UserArgs {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        self.command.run::<UserView>(out)
    }
}

impl DepartmentArgs {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        self.command.run::<DepartmentView>(out)
    }
}

impl Command {
    fn run<T: Listed>(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let Self::List { instance, tenant, server } = self;
        let filters = [("instance_id", instance.as_deref()), ("tenant_id", tenant.as_deref())];
        resources::list::<T>(&server.connect(out)?, &filters, out)
    }
}
