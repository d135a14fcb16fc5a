//! Plays the marketplace: its open interfaces on loopback, its console's debugging, its buyer.

pub(crate) mod centre;
pub(crate) mod code_book;
pub(crate) mod connection;
pub(crate) mod console;
pub(crate) mod dice;
pub(crate) mod faults;
pub(crate) mod ledger;
pub(crate) mod message;
pub(crate) mod open_api;
pub(crate) mod orders;
pub(crate) mod scenario;
pub(crate) mod seller;
pub(crate) mod usage_book;
