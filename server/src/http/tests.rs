//! The server through its real listeners.

mod access;
mod bad_input;
mod client;
mod documents;
mod kit;
mod login;
mod server;
mod tls;

use client::Answer;
use server::Server;
