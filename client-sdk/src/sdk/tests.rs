//! The SDK against a server on loopback, with a clock, a machine and folders of the test's own.

mod licenses;
mod lifecycle;
mod state;
mod trust;
mod upgrades;
mod usage;
mod world;
