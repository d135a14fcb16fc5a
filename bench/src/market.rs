//! What the marketplace of a run sells, and waiting until it has received everything.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use koogallery_sim::SoldOrder;
use koogallery_sim::fast::FastMarketplace;

use crate::clock;
use crate::output::note;

/// Machines of an order.
pub(crate) const QUANTITY: u64 = 1000;

/// Every order is one of a thousand machines for a year.
pub(crate) fn start() -> Result<FastMarketplace> {
    Ok(FastMarketplace::start(|id| SoldOrder {
        id: id.to_owned(),
        kind: "NEW",
        charging: "PERIOD",
        product_id: "OFFI846204237451911168".to_owned(),
        sku_code: "sku-of-the-bench".to_owned(),
        quantity: u32::try_from(QUANTITY).unwrap_or(u32::MAX),
        expires: Some(clock::now() + 366 * 86_400),
        created: clock::now() - 120,
        customer: "示例工业软件（深圳）有限公司".to_owned(),
    })?)
}

/// Waits until no more uploads come: whatever is measured next is measured alone.
pub(crate) fn settle(marketplace: &FastMarketplace) {
    note("  waiting until what was signed has arrived …");
    let (began, first) = (Instant::now(), marketplace.uploads());
    let mut last = first;
    loop {
        thread::sleep(Duration::from_secs(1));
        let now = marketplace.uploads();
        if now == last {
            break;
        }
        last = now;
    }
    // The last second brought nothing.
    let seconds = began.elapsed().as_secs().saturating_sub(1).max(1);
    note(&format!("  {} uploads, {} a second", last - first, (last - first) / seconds));
}
