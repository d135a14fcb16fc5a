//! `licctl devinfo`: prints the device text of this machine.

use std::process::ExitCode;

use license_client::Machine;
use license_core::device::DeviceInfo;
use serde_json::json;

use crate::messages;
use crate::output::Output;

const AFTER_HELP: &str = "\
Examples:
  licctl devinfo > machine.txt
  licctl issue --key issuing.key --product flowsim --customer Me --dev-info @machine.txt

The text is MAC|DISK|BOARD|CPU; a part that cannot be read is empty. Standard error says what was
left out and why. The license holds digests of these values, not the values.";

/// Print this machine's device text, for a license to be bound to.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let Self {} = self;
        let machine = Machine::local();
        let read = DeviceInfo::parse(&machine.text);
        if out.is_json() {
            let mut object = match &read {
                Ok(info) => json!({ "code": "OK", "weak": info.weak(), "dropped": info.dropped() }),
                Err(refusal) => refusal.to_json(),
            };
            object["dev_info"] = machine.text.as_str().into();
            object["hint"] = json!(machine.hint);
            out.value(&object)?;
            return Ok(ExitCode::from(u8::from(read.is_err())));
        }
        let lang = out.lang();
        if let Some(hint) = machine.hint {
            out.note(format!("note: {}", hint.advice()))?;
        }
        match &read {
            Ok(info) => {
                for dropped in info.dropped() {
                    out.note(messages::dropped(dropped, lang))?;
                }
                out.line(&machine.text)?;
            }
            Err(refusal) => {
                for dropped in messages::dropped_of(refusal, lang) {
                    out.note(dropped)?;
                }
                out.refuse(refusal)?;
            }
        }
        Ok(ExitCode::from(u8::from(read.is_err())))
    }
}
