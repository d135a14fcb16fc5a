//! Every rule of how calls are judged, through the desk, on a real database, against a
//! marketplace on loopback.

mod admin;
mod applying;
pub(crate) mod bench;
mod client;
mod crash;
mod double;
mod faults;
mod instances;
mod queues;
mod testing;
mod trust;
