//! Reads orders from the marketplace.

use std::pin::Pin;
use std::sync::Arc;

use koogallery::{Failure, Remedy};

use super::claim::{claim, finish};
use super::idle::{MAX_IDLE, Shutdown, WakeReason, wait};
use super::leased_jobs::LeasedJobs;
use crate::app::App;
use crate::app::marketplace_health;
use crate::app::orders::{ClaimOrders, FinishOrder, RenewOrders};
use crate::outbound::backoff;
use crate::outbound::marketplace::Marketplace;
use crate::store::OrderRow;
use crate::store::Queue;

/// Questions at the same time.
const MAX_PARALLEL: usize = 16;

pub(super) fn run(
    app: App,
    marketplace: Arc<Marketplace>,
    shutdown: Shutdown,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(serve(app, marketplace, shutdown))
}

async fn serve(app: App, marketplace: Arc<Marketplace>, mut shutdown: Shutdown) {
    let mut jobs = LeasedJobs::new();
    // Whether something may be due.
    let mut waiting = true;
    loop {
        if let Some(held) = jobs.renewal_due() {
            keep(&app, held).await;
        }
        let free = MAX_PARALLEL - jobs.count();
        let taken = if waiting && free > 0 {
            claim(&app, free, |limit| ClaimOrders { limit }).await
        } else {
            Vec::new()
        };
        if free > 0 {
            waiting = taken.len() == free;
        }
        if taken.is_empty() {
            tokio::select! {
                woken = wait(&app.context.wakeups.orders, &mut shutdown, MAX_IDLE) => match woken {
                    WakeReason::Stopping => break,
                    WakeReason::Notified => waiting = true,
                    WakeReason::Elapsed => waiting = due(&app).await,
                },
                true = jobs.ended() => {}
            }
            continue;
        }
        for row in taken {
            jobs.start(
                row.id.to_string(),
                ask(app.clone(), marketplace.clone(), shutdown.clone(), row),
            );
        }
        if *shutdown.borrow() {
            break;
        }
    }
    while jobs.ended().await {}
}

/// Says that those are still under way, and takes up what a server that died left behind.
async fn keep(app: &App, held: Vec<String>) {
    let kept = async {
        let in_flight = app.store.read().await?.in_flight(Queue::Orders).await?;
        // An idle server leaves the writer alone.
        if in_flight == 0 { Ok(0) } else { app.writer.write(RenewOrders { held }).await }
    };
    match kept.await {
        Ok(0) => {}
        Ok(count) => tracing::warn!(count, "orders of a server that stopped are taken over"),
        Err(error) => tracing::error!(error = %error, "orders cannot be held"),
    }
}

/// Looks before it writes: an idle server leaves the writer alone.
async fn due(app: &App) -> bool {
    let next = async { app.store.read().await?.next_due(Queue::Orders).await };
    next.await.ok().flatten().is_some_and(|at| at <= app.context.now().as_secs())
}

async fn ask(app: App, marketplace: Arc<Marketplace>, shutdown: Shutdown, row: OrderRow) {
    app.context.order_lookups.begin(&row.instance_id);
    let now = app.context.now().as_secs();
    let asked = marketplace.order(&row.order_id, &row.line_id, now).await;
    let outcome = asked.map_err(|error| error.failure);
    marketplace_health::record_outcome(&app, outcome.as_ref().err().map(of_order)).await;

    let environment = &app.context.environment;
    let wait = match &outcome {
        Ok(_) => 0,
        // The order may appear later, or an operator has to change the keys.
        Err(failure) if of_order(failure) != Remedy::TryAgain => backoff::longest(environment),
        Err(_) => backoff::seconds(row.attempts, environment),
    };
    match &outcome {
        Ok(_) => tracing::info!(
            instance.id = row.instance_id,
            attempts = row.attempts,
            "the marketplace answered for an order"
        ),
        Err(failure) => tracing::warn!(
            instance.id = row.instance_id,
            code = failure.code,
            attempts = row.attempts,
            retry_in_s = wait,
            "an order could not be read"
        ),
    }
    metrics::counter!("licd_order_reads_total", "result" => result(&outcome)).increment(1);
    let next_at = app.context.now().as_secs() + wait;
    let instance = row.instance_id.clone();
    let ended = FinishOrder { id: row.id, instance: row.instance_id, outcome, next_at };
    finish(&app, ended, &shutdown).await;
    app.context.order_lookups.end(&instance);
}

fn result<T>(outcome: &Result<T, Failure>) -> &'static str {
    outcome.as_ref().err().map_or("ok", |failure| failure.remedy.as_str())
}

/// An order of another seller is refused with the words of wrong keys; only that order waits.
pub(super) fn of_order(failure: &Failure) -> Remedy {
    match failure.code.as_str() {
        "MKT.0150" | "CBC.0150" => Remedy::GiveUp,
        _ => failure.remedy,
    }
}
