//! A stored record of usage as the marketplace's message.

use koogallery::usage::Record;

use crate::store::{StoreError, UsageRow};

/// A row as the marketplace's message.
pub(super) fn record(row: &UsageRow) -> Result<Record, StoreError> {
    let amount = row.usage_value.parse();
    Ok(Record {
        instance_id: row.instance_id.clone(),
        begin_time: row.begin_time,
        end_time: row.end_time,
        record_time: row.record_time,
        amount: amount.map_err(|_| StoreError::Broken("an amount that is none".to_owned()))?,
        number: row.metering_sn.clone(),
        product_id: row.product_id.clone(),
        package: row.package.clone(),
    })
}
