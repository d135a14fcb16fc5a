//! Asks the marketplace for orders.

use std::pin::Pin;
use std::sync::Arc;

use koogallery::{Failure, Remedy};

use super::flight::Flight;
use super::marketplace::{Marketplace, Miss};
use super::{LOOK, Shutdown, Woken, delay, take, uploads, wait};
use crate::desk::{Desk, EndOrder, KeepOrders, TakeOrders};
use crate::store::OrderRow;

/// Questions at the same time.
const PARALLEL: usize = 16;

pub(super) fn run(
    desk: Desk,
    marketplace: Arc<Marketplace>,
    shutdown: Shutdown,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(serve(desk, marketplace, shutdown))
}

async fn serve(desk: Desk, marketplace: Arc<Marketplace>, mut shutdown: Shutdown) {
    let mut flight = Flight::new();
    // Whether something may be due.
    let mut waiting = true;
    loop {
        if let Some(held) = flight.keep_now() {
            keep(&desk, held).await;
        }
        let free = PARALLEL - flight.count();
        let taken = if waiting && free > 0 {
            take(&desk, free, |limit| TakeOrders { limit }).await
        } else {
            Vec::new()
        };
        if free > 0 {
            waiting = taken.len() == free;
        }
        if taken.is_empty() {
            tokio::select! {
                woken = wait(&desk.context.bells.orders, &mut shutdown, LOOK) => match woken {
                    Woken::ToStop => break,
                    Woken::ByBell => waiting = true,
                    Woken::ToLook => waiting = due(&desk).await,
                },
                true = flight.ended() => {}
            }
            continue;
        }
        for row in taken {
            flight.start(row.id, ask(desk.clone(), marketplace.clone(), shutdown.clone(), row));
        }
        if *shutdown.borrow() {
            break;
        }
    }
    while flight.ended().await {}
}

/// Says that those are still under way, and takes up what a server that died left behind.
async fn keep(desk: &Desk, held: Vec<i64>) {
    let kept = async {
        let in_flight = desk.store.read().await?.orders_in_flight().await?;
        // An idle server leaves the writer alone.
        if in_flight == 0 { Ok(0) } else { desk.writer.write(KeepOrders { held }).await }
    };
    match kept.await {
        Ok(0) => {}
        Ok(count) => tracing::warn!(count, "orders of a server that stopped are taken over"),
        Err(error) => tracing::error!(error = %error, "orders cannot be held"),
    }
}

/// Looks before it writes: an idle server leaves the writer alone.
async fn due(desk: &Desk) -> bool {
    let next = async { desk.store.read().await?.next_order().await };
    next.await.ok().flatten().is_some_and(|at| at <= desk.context.now().as_secs())
}

async fn ask(desk: Desk, marketplace: Arc<Marketplace>, shutdown: Shutdown, row: OrderRow) {
    desk.context.reading.begin(&row.instance_id);
    let now = desk.context.now().as_secs();
    let (order, line) = (row.order_id.clone(), row.line_id.clone());
    let asked = tokio::task::spawn_blocking(move || marketplace.order(&order, &line, now)).await;
    let outcome = asked.unwrap_or_else(|error| {
        Err(Miss { failure: Failure::unanswered(&error.to_string()), unsent: false })
    });
    let outcome = outcome.map_err(|miss| miss.failure);
    uploads::tell_gate(&desk, outcome.as_ref().err().map(of_order)).await;

    let environment = &desk.context.environment;
    let wait = match &outcome {
        Ok(_) => 0,
        // Somebody has to do something first: the order may appear, or the keys be changed.
        Err(failure) if of_order(failure) != Remedy::TryAgain => delay::longest(environment),
        Err(_) => delay::seconds(row.attempts, environment),
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
    let next_at = desk.context.now().as_secs() + wait;
    let instance = row.instance_id.clone();
    let ended = EndOrder { id: row.id, instance: row.instance_id, outcome, next_at };
    uploads::write_down(&desk, ended, &shutdown).await;
    desk.context.reading.end(&instance);
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
