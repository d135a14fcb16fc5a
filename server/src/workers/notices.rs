//! Reads the orders that the marketplace notified us of.

use std::pin::Pin;
use std::sync::Arc;

use koogallery::Remedy;
use tokio::task::JoinSet;

use super::claim::{claim, finish};
use super::idle::{MAX_IDLE, Shutdown, rest};
use super::orders::of_order;
use crate::app::App;
use crate::app::marketplace_health;
use crate::app::notices::{ClaimNotices, FinishNotice};
use crate::outbound::backoff;
use crate::outbound::marketplace::Marketplace;
use crate::store::NoticeRow;
use crate::store::Queue;

/// Questions at the same time.
const MAX_PARALLEL: usize = 4;

pub(super) fn run(
    app: App,
    marketplace: Arc<Marketplace>,
    shutdown: Shutdown,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(serve(app, marketplace, shutdown))
}

async fn serve(app: App, marketplace: Arc<Marketplace>, mut shutdown: Shutdown) {
    loop {
        let taken = if due(&app).await {
            claim(&app, MAX_PARALLEL, |limit| ClaimNotices { limit }).await
        } else {
            Vec::new()
        };
        if taken.is_empty() {
            if rest(&app.context.wakeups.notices, &mut shutdown, MAX_IDLE).await {
                return;
            }
            continue;
        }
        let mut asked = JoinSet::new();
        for row in taken {
            asked.spawn(ask(app.clone(), marketplace.clone(), shutdown.clone(), row));
        }
        while asked.join_next().await.is_some() {}
        if *shutdown.borrow() {
            return;
        }
    }
}

/// Looks before it writes: an idle server leaves the writer alone.
async fn due(app: &App) -> bool {
    let next = async { app.store.read().await?.next_due(Queue::Notices).await };
    let next: Result<Option<i64>, crate::store::StoreError> = next.await;
    next.ok().flatten().is_some_and(|at| at <= app.context.now().as_secs())
}

async fn ask(app: App, marketplace: Arc<Marketplace>, shutdown: Shutdown, row: NoticeRow) {
    let now = app.context.now().as_secs();
    let asked = marketplace.order(&row.order_id, &row.line_id, now).await;
    let mut outcome = asked.map_err(|error| error.failure);
    marketplace_health::record_outcome(&app, outcome.as_ref().err().map(of_order)).await;
    if let Err(failure) = &mut outcome {
        failure.remedy = of_order(failure);
        tracing::warn!(
            order.id = row.order_id,
            code = failure.code,
            attempts = row.attempts,
            "the order of a notification could not be read"
        );
    } else {
        tracing::info!(order.id = row.order_id, "the order of a notification was read");
    }
    let environment = &app.context.environment;
    let wait = match &outcome {
        Ok(_) => 0,
        Err(failure) if failure.remedy == Remedy::FixCredentials => backoff::longest(environment),
        Err(_) => backoff::seconds(row.attempts, environment),
    };
    let next_at = app.context.now().as_secs() + wait;
    finish(&app, FinishNotice { row, outcome, next_at }, &shutdown).await;
}
