//! The signatures that both sides are checked against at build time.

use crate::{
    codes::{code_message, code_name, code_number, report},
    engine::{Engine, device_info, engine, json_text, panic_inside, verify},
};
pub(crate) use ffi::{Bytes, Question, Receiver, Reply, Settings};

#[cxx::bridge(namespace = "licsdk::bridge")]
mod ffi {
    /// Outcomes are data: cxx would turn a `Result` into a C++ exception without a code.
    struct Reply {
        /// The number of a stable code.
        code: i32,
        /// What there is to give, or the report of a refusal.
        text: String,
    }

    /// One text as the program gave it, not yet known to be UTF-8.
    struct Bytes {
        bytes: Vec<u8>,
    }

    /// The members of `licsdk_config`.
    struct Settings<'a> {
        server: &'a [u8],
        product: &'a [u8],
        version: &'a [u8],
        release_date: &'a [u8],
        activation_code: &'a [u8],
        trust: &'a [u8],
        state_dir: &'a [u8],
        channel: &'a [u8],
        platform: &'a [u8],
    }

    /// The members of `licsdk_question`; an empty slice is not asked.
    struct Question<'a> {
        license: &'a [u8],
        trust: &'a [u8],
        trust_lists: Vec<Bytes>,
        revocations: Vec<Bytes>,
        product: &'a [u8],
        version: &'a [u8],
        release_date: &'a [u8],
        check_binding: bool,
        dev_info: &'a [u8],
        at: &'a [u8],
        floor: &'a [u8],
    }

    unsafe extern "C++" {
        include!("receiver.h");

        type Receiver;
        fn deliver(self: &Receiver, event: i32, message: &str);
    }

    extern "Rust" {
        type Engine;
        fn engine(settings: &Settings) -> Box<Engine>;
        fn init(self: &Engine) -> Reply;
        fn on_event(self: &Engine, receiver: UniquePtr<Receiver>) -> Reply;
        fn shut_out(self: &Engine) -> Reply;
        fn license_string(self: &Engine, dev_info: &[u8]) -> Reply;
        fn license_file(self: &Engine, file_name: &[u8], dev_info: &[u8]) -> Reply;
        fn verify_notify(self: &Engine, verified: bool, message: &[u8]) -> Reply;
        fn trial_over(self: &Engine, kind: i32, dev_info: &[u8], file_name: &[u8]) -> Reply;
        fn check_new_versions(self: &Engine) -> Reply;
        fn upgrade_notify(self: &Engine, upgrade: bool) -> Reply;
        fn open_license(self: &Engine, sources: &[Bytes]) -> Reply;
        fn verify_license(self: &Engine, license: &[u8], dev_info: &[u8]) -> Reply;
        fn entitlement(self: &Engine, name: &[u8]) -> Reply;
        fn warnings(self: &Engine) -> Reply;

        fn verify(question: &Question) -> Reply;
        fn device_info() -> Reply;
        fn json_text(json: &[u8], pointer: &[u8]) -> Reply;
        fn code_name(code: i32) -> String;
        fn code_number(name: &[u8]) -> i32;
        fn code_message(code: i32, chinese: bool) -> String;
        /// The report of a refusal that has no text of its own.
        fn report(code: i32, detail: &str) -> String;
        fn panic_inside() -> Reply;
    }
}
