//! The marketplace to play against: its open interfaces on loopback with faults on demand, the
//! conformance cases of its console, and a buyer's whole month. It prints nothing and knows no
//! particular seller: everything goes through the documented interfaces.

mod api_message;
mod codes;
pub mod conformance;
pub mod endpoint;
mod events;
pub mod fast;
pub mod faults;
mod language;
mod lock;
pub mod message;
pub mod oauth;
mod open_api;
pub mod orders;
pub mod received_uploads;
mod request_log;
mod rng;
pub mod scenario;
pub mod server;
mod simulator;
mod sold_order;
mod sources;
pub mod time;
mod usage;

pub use codes::{CodeChange, CodePurchase};
pub use events::MarketEvent;
pub use language::Language;
pub use request_log::RequestRecord;
pub use simulator::{Setup, Simulator, Totals};
pub use sold_order::SoldOrder;
pub use sources::SimSources;
