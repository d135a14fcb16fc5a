//! One running SDK behind a handle of the C interface.

use std::panic::{self, AssertUnwindSafe};

use cxx::UniquePtr;
use license_client::{Config, LicenseType, Outcome, Sdk, VerifyRequest};
use license_core::Code;
use serde_json::Value;

use crate::{
    bridge::{Bytes, Question, Receiver, Reply, Settings},
    codes::number,
    reply::guard,
    text::utf8,
};

/// The SDK, or why it could not be configured: `Init` is the first call that may say so.
pub(crate) struct Engine {
    sdk: Sdk,
    fault: Option<String>,
}

/// Takes the settings; whatever is wrong with them is kept for `Init`.
pub(crate) fn engine(settings: &Settings) -> Box<Engine> {
    let made = panic::catch_unwind(AssertUnwindSafe(|| match config(settings) {
        Ok(config) => Engine { sdk: Sdk::factory(config), fault: None },
        Err(fault) => Engine { sdk: Sdk::new(), fault: Some(fault) },
    }));
    Box::new(made.unwrap_or_else(|_| Engine {
        sdk: Sdk::new(),
        fault: Some("the configuration could not be read".to_owned()),
    }))
}

fn config(settings: &Settings) -> Result<Config, String> {
    let owned = |name: &str, bytes: &[u8]| utf8(name, bytes).map(str::to_owned);
    Ok(Config {
        server: owned("server", settings.server)?,
        product: owned("product", settings.product)?,
        version: owned("version", settings.version)?,
        release_date: owned("release_date", settings.release_date)?,
        activation_code: owned("activation_code", settings.activation_code)?,
        trust: owned("trust", settings.trust)?,
        state_dir: owned("state_dir", settings.state_dir)?,
        channel: owned("channel", settings.channel)?,
        platform: owned("platform", settings.platform)?,
        ..Config::default()
    })
}

/// The program's receiver, as the SDK's dispatcher thread holds it.
struct SharedReceiver(UniquePtr<Receiver>);

// SAFETY: a `Receiver` is never changed after it was made, and the C interface demands of the
// program that its function and `user` may be used from the SDK's thread.
#[expect(unsafe_code, reason = "cxx cannot know that the C++ type may change threads")]
unsafe impl Send for SharedReceiver {}
// SAFETY: as above; `deliver` is const, and the dispatcher calls it once at a time.
#[expect(unsafe_code, reason = "cxx cannot know that the C++ type may be shared")]
unsafe impl Sync for SharedReceiver {}

impl SharedReceiver {
    fn deliver(&self, event: i32, message: &str) {
        if let Some(receiver) = self.0.as_ref() {
            receiver.deliver(event, message);
        }
    }
}

impl Engine {
    pub(crate) fn init(&self) -> Reply {
        guard(|| match &self.fault {
            Some(fault) => Reply::explained(Code::ConfigInvalid, fault),
            None => match self.sdk.init() {
                Code::ConfigInvalid => {
                    Reply::explained(Code::ConfigInvalid, &self.sdk.explain().unwrap_or_default())
                }
                code => Reply::of(code),
            },
        })
    }

    pub(crate) fn on_event(&self, receiver: UniquePtr<Receiver>) -> Reply {
        guard(|| {
            let shared = SharedReceiver(receiver);
            Reply::of(self.sdk.register_event_recall(move |event, message| {
                shared.deliver(event.number(), message);
            }))
        })
    }

    pub(crate) fn shut_out(&self) -> Reply {
        guard(|| Reply::of(self.sdk.shut_out()))
    }

    pub(crate) fn license_string(&self, dev_info: &[u8]) -> Reply {
        with("devInfo", dev_info, |dev_info| self.sdk.license_string_request(dev_info))
    }

    pub(crate) fn license_file(&self, file_name: &[u8], dev_info: &[u8]) -> Reply {
        with_two(("fileName", file_name), ("devInfo", dev_info), |file_name, dev_info| {
            self.sdk.license_file_request(file_name, dev_info)
        })
    }

    pub(crate) fn verify_notify(&self, verified: bool, message: &[u8]) -> Reply {
        with("errorMsg", message, |message| self.sdk.license_verify_notify(verified, message))
    }

    pub(crate) fn trial_over(&self, kind: i32, dev_info: &[u8], file_name: &[u8]) -> Reply {
        let kind = match kind {
            0 => LicenseType::String,
            1 => LicenseType::File,
            _ => return Reply::explained(Code::RequestInvalid, "no such license type"),
        };
        with_two(("devInfo", dev_info), ("fileName", file_name), |dev_info, file_name| {
            self.sdk.trial_expiration_and_license(kind, dev_info, file_name)
        })
    }

    pub(crate) fn check_new_versions(&self) -> Reply {
        guard(|| Reply::of(self.sdk.check_new_versions()))
    }

    pub(crate) fn upgrade_notify(&self, upgrade: bool) -> Reply {
        guard(|| Reply::of(self.sdk.upgrade_notify(upgrade)))
    }

    pub(crate) fn open_license(&self, sources: &[Bytes]) -> Reply {
        guard(|| match texts("source", sources) {
            Ok(sources) => outcome(
                &self.sdk.open_license(&sources.iter().map(String::as_str).collect::<Vec<_>>()),
            ),
            Err(fault) => Reply::explained(Code::RequestInvalid, &fault),
        })
    }

    pub(crate) fn verify_license(&self, license: &[u8], dev_info: &[u8]) -> Reply {
        guard(|| match given("devInfo", dev_info) {
            Ok(dev_info) => outcome(&self.sdk.verify(&VerifyRequest {
                license: license.to_vec(),
                dev_info,
                ..VerifyRequest::default()
            })),
            Err(fault) => Reply::explained(Code::RequestInvalid, &fault),
        })
    }

    pub(crate) fn entitlement(&self, name: &[u8]) -> Reply {
        guard(|| match utf8("name", name).map(|name| self.sdk.entitlement(name)) {
            Ok(Some(value)) => Reply::give(value),
            Ok(None) => Reply::of(Code::NotFound),
            Err(fault) => Reply::explained(Code::RequestInvalid, &fault),
        })
    }

    pub(crate) fn warnings(&self) -> Reply {
        guard(|| Reply::give(Value::from(self.sdk.warnings()).to_string()))
    }
}

/// A call with one text of the program.
fn with(name: &str, bytes: &[u8], call: impl FnOnce(&str) -> Code) -> Reply {
    guard(|| match utf8(name, bytes) {
        Ok(text) => Reply::of(call(text)),
        Err(fault) => Reply::explained(Code::RequestInvalid, &fault),
    })
}

/// A call with two of them.
fn with_two(
    (first_name, first): (&str, &[u8]),
    second: (&str, &[u8]),
    call: impl FnOnce(&str, &str) -> Code,
) -> Reply {
    guard(|| match utf8(first_name, first) {
        Ok(first) => with(second.0, second.1, |second| call(first, second)),
        Err(fault) => Reply::explained(Code::RequestInvalid, &fault),
    })
}

/// Verifies what the question holds, without a running SDK.
pub(crate) fn verify(question: &Question) -> Reply {
    guard(|| match request(question) {
        Ok(request) => outcome(&license_client::verify(&request)),
        Err(fault) => Reply::explained(Code::RequestInvalid, &fault),
    })
}

fn request(question: &Question) -> Result<VerifyRequest, String> {
    Ok(VerifyRequest {
        license: question.license.to_vec(),
        trust: Some(utf8("trust", question.trust)?.to_owned()),
        trust_lists: texts("trust_lists", &question.trust_lists)?,
        product: given("product", question.product)?,
        version: given("version", question.version)?,
        release_date: given("release_date", question.release_date)?,
        dev_info: if question.check_binding {
            Some(utf8("dev_info", question.dev_info)?.to_owned())
        } else {
            None
        },
        at: given("at", question.at)?,
        floor: given("floor", question.floor)?,
        revocations: texts("revocations", &question.revocations)?,
    })
}

/// This machine's text; no running SDK is needed for it.
pub(crate) fn device_info() -> Reply {
    guard(|| match Sdk::new().device_info() {
        text if text.is_empty() => Reply::of(Code::MachineUnreadable),
        text => Reply::give(text),
    })
}

/// The member at a JSON pointer: a string without its quotes, anything else as JSON.
pub(crate) fn json_text(json: &[u8], pointer: &[u8]) -> Reply {
    guard(|| {
        let (Ok(value), Ok(pointer)) =
            (serde_json::from_slice::<Value>(json), str::from_utf8(pointer))
        else {
            return Reply::explained(Code::RequestInvalid, "not JSON, or no JSON pointer");
        };
        match value.pointer(pointer) {
            None => Reply::of(Code::NotFound),
            Some(Value::String(text)) => Reply::give(text.as_str()),
            Some(other) => Reply::give(other.to_string()),
        }
    })
}

/// A defect on purpose: the C interface's `licsdk_test_panic`.
pub(crate) fn panic_inside() -> Reply {
    guard(|| panic!("licsdk_test_panic was called"))
}

fn outcome(outcome: &Outcome) -> Reply {
    Reply { code: number(outcome.code()), text: outcome.to_string() }
}

fn given(name: &str, bytes: &[u8]) -> Result<Option<String>, String> {
    let text = utf8(name, bytes)?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn texts(name: &str, list: &[Bytes]) -> Result<Vec<String>, String> {
    list.iter().map(|one| utf8(name, &one.bytes).map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_json() {
        let json = r#"{"params":{"Status":"成功","n":64,"list":["a"],"none":null}}"#.as_bytes();
        let cases = [
            ("/params/Status", 0, "成功"),
            ("/params/n", 0, "64"),
            ("/params/list/0", 0, "a"),
            ("/params/list", 0, r#"["a"]"#),
            ("/params/none", 0, "null"),
        ];
        for (pointer, code, text) in cases {
            let got = json_text(json, pointer.as_bytes());
            assert_eq!((got.code, got.text.as_str()), (code, text), "{pointer}");
        }
        assert_eq!(json_text(json, b"/params/other").code, number(Code::NotFound));
        assert_eq!(json_text(b"{", b"/params").code, number(Code::RequestInvalid));
    }
}
