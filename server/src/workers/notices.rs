//! Reads the orders that the marketplace notified us of.

use std::sync::Arc;

use koogallery::Remedy;
use tokio::sync::Notify;

use super::idle::Shutdown;
use super::orders::of_order;
use super::queue::{JobQueue, claim, finish};
use crate::app::App;
use crate::app::marketplace_health;
use crate::app::notices::{ClaimNotices, FinishNotice};
use crate::outbound::backoff;
use crate::outbound::marketplace::Marketplace;
use crate::store::NoticeRow;
use crate::store::Queue;

/// The queue of notifications whose order is to be read.
#[derive(Clone)]
pub(super) struct NoticeQueue {
    pub(super) app: App,
    pub(super) marketplace: Arc<Marketplace>,
}

impl JobQueue for NoticeQueue {
    type Job = NoticeRow;

    const QUEUE: Queue = Queue::Notices;
    const JOBS: (&'static str, &'static str) = ("notifications", "are");
    const MAX_JOBS: usize = 4;

    fn app(&self) -> &App {
        &self.app
    }

    fn wakeup(&self) -> &Notify {
        &self.app.context.wakeups.notices
    }

    /// A claimed notification has a due time instead of a lease, and could be claimed again while a
    /// slow answer is awaited: none is claimed before the last ones have ended.
    fn free(under_way: usize) -> usize {
        if under_way == 0 { Self::MAX_JOBS } else { 0 }
    }

    async fn claim(&self, limit: usize) -> Vec<NoticeRow> {
        claim(&self.app, limit, |limit| ClaimNotices { limit }).await
    }

    fn ids(job: &NoticeRow) -> Vec<String> {
        vec![format!("{}/{}", job.order_id, job.line_id)]
    }

    async fn run(self, job: NoticeRow, shutdown: Shutdown) {
        ask(self.app, self.marketplace, shutdown, job).await;
    }
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
