//! Tests that speak to the server through its real listeners.

mod access;
mod bad_input;
mod client;
mod documents;
mod kit;
mod login;
mod server;
mod tls;
mod usage;

use client::Answer;
use server::Server;
