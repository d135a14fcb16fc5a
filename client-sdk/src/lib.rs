//! The SDK for Rust: asks for a license, verifies it offline, knows of newer versions.
//!
//! [`Sdk`] is what a program uses; [`verify`](verify()) verifies any license without it. There is no
//! async runtime and no local service: four threads at the most, each started when it is needed.
//!
//! A library cannot stop somebody who edits the program itself. It can make forging, sharing and
//! extending a license fail; ask for data ([`Sdk::entitlement`], [`Outcome::json`]) in several
//! places rather than for one yes or no.
#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

mod cache;
mod config;
mod dispatcher;
mod engine;
mod error;
mod event;
mod machine;
mod outcome;
mod platform;
mod sdk;
mod state_dir;
mod transport;
mod trust_anchors;
mod usage;
mod verify;
mod worker;

pub use config::{Config, platform};
pub use event::{EventType, LicenseType};
pub use license_core::Code;
pub use machine::{Machine, MachineKind};
pub use outcome::Outcome;
pub use sdk::Sdk;
pub use usage::Used;
pub use verify::{VerifyRequest, verify};
