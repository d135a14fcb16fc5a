//! `licctl`, the issuer's and operator's tool: the commands' names, and the only place that reads
//! the clock and makes randomness.

mod admin;
mod commands;
mod environment;
mod failure;
mod input;
mod keyfile;
mod license_text;
mod messages;
mod output;
mod passphrase;
mod resources;
mod secret_arg;
mod table;
mod trust;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::environment::Environment;
use crate::output::{Output, OutputArgs};

const AFTER_HELP: &str = "\
Try it, offline:
  licctl key generate --out issuing.key --issuer \"FlowSim Ltd\"
  licctl devinfo > machine.txt
  licctl issue --key issuing.key --product flowsim --customer \"某某科技有限公司\" \\
         --dev-info @machine.txt --days 365 --form file --out customer.lic
  licctl key export --key issuing.key > trust.json
  licctl verify customer.lic --trust trust.json --dev-info @machine.txt

Exit codes: 0 done or valid, 1 refused (the code is printed), 2 wrong usage or anything else.";

/// Make keys, issue licenses and verify them, offline; look after a license server.
#[derive(Parser)]
#[command(name = "licctl", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Alert(commands::alert::Args),
    Application(commands::joint_kit::ApplicationArgs),
    Audit(commands::audit::Args),
    Code(commands::authorization_code::Args),
    Completions(commands::completions::Args),
    Department(commands::joint_kit::DepartmentArgs),
    Devinfo(commands::devinfo::Args),
    Instance(commands::instance::Args),
    Issue(Box<commands::issue::Args>),
    Key(commands::key::Args),
    License(commands::license::Args),
    Machine(commands::machine::Args),
    Market(commands::market::Args),
    Notice(commands::notice::Args),
    Product(commands::product::Args),
    Release(commands::release::Args),
    Show(commands::show::Args),
    Tenant(commands::joint_kit::TenantArgs),
    Token(commands::token::Args),
    Upload(commands::upload::Args),
    Usage(commands::usage::Args),
    User(commands::joint_kit::UserArgs),
    Verify(Box<commands::verify::Args>),
}

impl Command {
    fn run(self, environment: &Environment, out: &mut Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Alert(args) => args.run(out),
            Self::Application(args) => args.run(out),
            Self::Audit(args) => args.run(out),
            Self::Code(args) => args.run(out),
            Self::Completions(args) => args.run(Cli::command(), out),
            Self::Department(args) => args.run(out),
            Self::Devinfo(args) => args.run(out),
            Self::Instance(args) => args.run(out),
            Self::Issue(args) => args.run(environment, out),
            Self::Key(args) => args.run(environment, out),
            Self::License(args) => args.run(out),
            Self::Machine(args) => args.run(out),
            Self::Market(args) => args.run(environment, out),
            Self::Notice(args) => args.run(out),
            Self::Product(args) => args.run(out),
            Self::Release(args) => args.run(environment, out),
            Self::Show(args) => args.run(environment, out),
            Self::Tenant(args) => args.run(out),
            Self::Token(args) => args.run(out),
            Self::Upload(args) => args.run(out),
            Self::Usage(args) => args.run(environment, out),
            Self::User(args) => args.run(out),
            Self::Verify(args) => args.run(environment, out),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "made here and passed on")]
fn main() -> ExitCode {
    let environment = Environment {
        now_ms: || jiff::Timestamp::now().as_millisecond(),
        fill: |bytes| getrandom::fill(bytes).map_err(std::io::Error::other),
    };
    let cli = Cli::parse();
    let mut out = Output::new(cli.output);
    match cli.command.run(&environment, &mut out) {
        Ok(code) => code,
        Err(error) => out.error(&error),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_of_every_command_are_coherent() {
        super::Cli::command().debug_assert();
    }
}
