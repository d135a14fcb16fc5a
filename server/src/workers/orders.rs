//! Reads orders from the marketplace.

use std::sync::Arc;

use koogallery::{Failure, Remedy};
use tokio::sync::Notify;

use super::idle::Shutdown;
use super::queue::{JobQueue, claim, finish};
use crate::app::App;
use crate::app::marketplace_health;
use crate::app::orders::{ClaimOrders, FinishOrder};
use crate::outbound::backoff;
use crate::outbound::marketplace::Marketplace;
use crate::store::OrderRow;
use crate::store::Queue;

/// The queue of orders to be read.
#[derive(Clone)]
pub(super) struct OrderQueue {
    pub(super) app: App,
    pub(super) marketplace: Arc<Marketplace>,
}

impl JobQueue for OrderQueue {
    type Job = OrderRow;

    const QUEUE: Queue = Queue::Orders;
    const JOBS: (&'static str, &'static str) = ("orders", "are");
    const MAX_JOBS: usize = 16;
    const LOOKS_FIRST: bool = false;

    fn app(&self) -> &App {
        &self.app
    }

    fn wakeup(&self) -> &Notify {
        &self.app.context.wakeups.orders
    }

    async fn claim(&self, limit: usize) -> Vec<OrderRow> {
        claim(&self.app, limit, |limit| ClaimOrders { limit }).await
    }

    fn ids(job: &OrderRow) -> Vec<String> {
        vec![job.id.to_string()]
    }

    async fn run(self, job: OrderRow, shutdown: Shutdown) {
        ask(self.app, self.marketplace, shutdown, job).await;
    }
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
