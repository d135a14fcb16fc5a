//! How the marketplace's calls are judged: each sentence of that rule, asked through the real
//! listener of a real server.
#![expect(clippy::unwrap_used, reason = "a surprise is the failure of the test")]

mod changes;
mod codes;
mod debugging;
mod first_edition;
mod judgement;
mod metered;
mod repeats;
mod shared;
mod signatures;
mod states;
mod uploads;
mod usage;
