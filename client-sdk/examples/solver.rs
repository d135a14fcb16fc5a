//! A small solver that runs only with a license, says what it may do and explains a refusal.
//!
//! ```text
//! LICSDK_SERVER=https://license.example.com LICSDK_ACTIVATION_CODE=… \
//!     cargo run -p license-client --example solver -- keys.json
//! ```

use std::{env, fs, io, process::ExitCode, sync::mpsc, time::Duration};

use license_client::{Code, Config, EventType, Sdk};
use serde_json::Value;

fn main() -> io::Result<ExitCode> {
    // A real program has the keys inside: `include_str!("keys.json")`.
    let Some(keys) = env::args().nth(1) else {
        eprintln!("usage: solver KEYS.json [LICENSE]");
        return Ok(ExitCode::from(2));
    };
    let sdk = Sdk::factory(Config {
        product: "flowsim".to_owned(),
        version: "2.0.0".to_owned(),
        trust: fs::read_to_string(keys)?,
        ..Config::default()
    });
    if sdk.init() != Code::Ok {
        eprintln!("cannot start: {}", sdk.explain().unwrap_or_default());
        return Ok(ExitCode::from(2));
    }
    for warning in sdk.warnings() {
        eprintln!("warning: {warning}");
    }

    let allowed = match env::args().nth(2) {
        Some(source) => {
            let outcome = sdk.open_license(&[source.as_str()]);
            if !outcome.is_ok() {
                let said =
                    |name: &str| outcome.json()[name].as_str().unwrap_or_default().to_owned();
                eprintln!("refused: {}. {}", said("message"), said("remedy"));
            }
            outcome.is_ok()
        }
        None => ask(&sdk),
    };
    if allowed {
        let cores = sdk.entitlement("solver-cores").unwrap_or_else(|| "1".to_owned());
        eprintln!("solving on {cores} cores");
    } else {
        eprintln!("this machine: {}", sdk.device_info());
    }
    sdk.shut_out();
    Ok(ExitCode::from(u8::from(!allowed)))
}

/// Asks for the license and waits, which a program with a window would not do.
fn ask(sdk: &Sdk) -> bool {
    let (sender, events) = mpsc::channel();
    sdk.register_event_recall(move |kind, message| {
        if kind == EventType::LicenseVerify {
            // Nobody listens any more once the first answer was read.
            let _ = sender.send(message.to_owned());
        }
    });
    if sdk.license_string_request("") != Code::Ok {
        return false;
    }
    let answer = events.recv_timeout(Duration::from_secs(15)).unwrap_or_default();
    let params = serde_json::from_str::<Value>(&answer).unwrap_or_default()["params"].take();
    let success = params["Status"] == "success";
    if !success {
        eprintln!("refused: {}", params["ErrorMsg"].as_str().unwrap_or("no answer"));
    }
    sdk.license_verify_notify(success, "");
    success
}
