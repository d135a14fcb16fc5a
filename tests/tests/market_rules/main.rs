//! How the marketplace's calls are judged: each sentence of that rule, asked through the real
//! listener of a real server.

mod changes;
mod codes;
mod debugging;
mod first_edition;
mod judgement;
mod repeats;
mod shared;
mod signatures;
mod states;
mod uploads;
