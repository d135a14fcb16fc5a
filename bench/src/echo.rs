//! A bare axum answer: reads a small JSON body and gives a small JSON answer, with nothing behind
//! it. What any server of this kind cannot exceed here.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::load::Load;
use crate::output;

/// Serves until it is killed; its address is the first line of its output.
pub(crate) fn serve() -> Result<()> {
    // As licd's own runtime.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        output::line(&listener.local_addr()?.to_string());
        let routes = Router::new().route("/koogallery", post(answer));
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, routes).await?;
        Ok(())
    })
}

async fn answer(Json(asked): Json<Value>) -> Json<Value> {
    let known = asked["activity"].is_string();
    let code = if known { "000004" } else { "000002" };
    Json(json!({ "resultCode": code, "resultMsg": "in progress" }))
}

/// The same in a process of its own, ended when dropped.
pub(crate) struct Echo {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Echo {
    pub(crate) fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg("echo").stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("its output is piped")?;
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(Self { child, address: line.trim().parse().context("the echo's address")? })
    }
}

impl Echo {
    /// A load on it.
    pub(crate) fn load(&self, connections: usize, lasting: Duration) -> Load {
        Load { address: self.address, connections, lasting, server: self.child.id() }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
