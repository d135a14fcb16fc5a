//! Serves a simulator over HTTP, as a task of the caller's runtime or on a thread of its own.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use tokio::net::TcpListener;

use crate::open_api::connection::{ConnectionCut, CuttableListener};
use crate::open_api::router;
use crate::simulator::Simulator;

/// Answers until `stop` is ready; requests under way are answered first.
///
/// # Errors
///
/// Where connections cannot be accepted.
pub async fn serve(
    listener: TcpListener,
    simulator: Arc<Simulator>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let service = router(simulator).into_make_service_with_connect_info::<ConnectionCut>();
    axum::serve(CuttableListener(listener), service).with_graceful_shutdown(stop).await
}

/// Listens on a free port of loopback, on a thread that ends with the process.
///
/// # Errors
///
/// Where there is no port, or no thread.
pub fn spawn(simulator: Arc<Simulator>) -> io::Result<SocketAddr> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    thread::Builder::new().name("koogallery-sim".to_owned()).spawn(move || {
        // Whether the process is still interested is not known here: failures end the thread.
        let _ = runtime.block_on(serve(listener, simulator, std::future::pending()));
    })?;
    Ok(address)
}
