//! The audit chain as operators read it. One chain for each server, one link for each transaction;
//! `license_core::audit` says how a link is hashed.

pub(crate) mod chain;
pub(crate) mod entry;

use license_core::audit::Link;
use license_core::{Code, Timestamp};
use serde::Deserialize;

use super::{App, paging};
use crate::error::ApiError;
use crate::store::{AuditQuery, AuditRow, StoreError};

use chain::digest;

/// Which links to list, chain after chain.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AuditFilter {
    /// Only this server's chain.
    pub(crate) server: Option<String>,
    /// Made at this time or later.
    pub(crate) since: Option<i64>,
    /// Made before this time.
    pub(crate) until: Option<i64>,
    /// Behind this link: `SERVER:SEQ`.
    pub(crate) after: Option<String>,
    pub(crate) limit: Option<u32>,
}

/// A row that no server wrote is a break of the chain like any other: it is named.
fn link(row: AuditRow) -> Result<Link, ApiError> {
    let place = format!("{}:{}", row.server, row.seq);
    let read = || -> Result<Link, StoreError> {
        let broken = |error: &dyn std::fmt::Display| StoreError::Broken(error.to_string());
        Ok(Link {
            server: row.server,
            seq: u64::try_from(row.seq).map_err(|error| broken(&error))?,
            at: Timestamp::from_secs(row.at),
            entries: serde_json::from_str(&row.entries).map_err(|error| broken(&error))?,
            previous: digest(row.previous)?,
            hash: digest(row.hash)?,
        })
    };
    read().map_err(|error| {
        tracing::error!(link = place, error = %error, "a link of the audit chain was changed");
        ApiError::new(
            Code::AuditBroken,
            format!("the link {place} was changed: it cannot be read"),
            format!("链节 {place} 被修改，无法读取"),
        )
    })
}

/// Links in the order of their numbers, one server's chain after the other.
pub(crate) async fn list(app: &App, filter: &AuditFilter) -> Result<Vec<Link>, ApiError> {
    let limit = paging::limit(filter.limit)?;
    let after = match filter.after.as_deref().map(|after| after.rsplit_once(':')) {
        Some(Some((server, seq))) => seq.parse::<i64>().ok().map(|seq| (server, seq)),
        Some(None) | None => None,
    };
    if after.is_none() && filter.after.is_some() {
        return Err(ApiError::new(
            Code::RequestInvalid,
            "`after` is SERVER:SEQ, as the last link shown has them",
            "after 须为 SERVER:SEQ，取自上一页最后一条",
        ));
    }
    let mut tx = app.store.read().await?;
    let mut servers = tx.audit_servers().await?;
    servers.retain(|server| {
        filter.server.as_ref().is_none_or(|only| only == server)
            && after.is_none_or(|(last, _)| last <= server.as_str())
    });
    let mut links = Vec::new();
    for server in servers {
        let left = limit - i64::try_from(links.len()).unwrap_or(limit);
        if left <= 0 {
            break;
        }
        let query = AuditQuery {
            after: after.filter(|(last, _)| *last == server).map_or(0, |(_, seq)| seq),
            server,
            since: filter.since,
            until: filter.until,
            limit: left,
        };
        for row in tx.links(&query).await? {
            links.push(link(row)?);
        }
    }
    Ok(links)
}
