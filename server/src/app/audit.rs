//! The audit chain: what use cases did, written in the very transaction that did it. One chain a
//! server, one link a transaction; how a link is hashed stands in `license_core::audit`.

use std::collections::BTreeMap;

use license_core::audit::{self, Link, LinkHash};
use license_core::{Code, Timestamp};
use serde::Deserialize;

use super::event::Event;
use super::transaction::UnitOfWork;
use super::{App, paging};
use crate::error::ApiError;
use crate::store::{AuditQuery, AuditRow, StoreError, Tx};

tokio::task_local! {
    /// Whose token came with the request that this task answers.
    static TOKEN: String;
}

/// Answers a request on behalf of the holder of a token.
pub(crate) async fn on_behalf_of<F: Future>(token: String, answering: F) -> F::Output {
    TOKEN.scope(token, answering).await
}

/// Who had it done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum By {
    /// The marketplace, by a signed call.
    Marketplace,
    /// A customer's program, with its activation code.
    Program,
    /// The server itself, or somebody at its console.
    Server,
    /// The holder of an admin token, by the token's id.
    Token(String),
}

impl By {
    /// Whoever is answered just now: the holder of a token, or nobody in particular. To be asked
    /// before a command is queued; the writer answers nobody.
    pub(crate) fn caller() -> Self {
        TOKEN.try_with(|token| Self::Token(token.clone())).unwrap_or(Self::Server)
    }

    fn word(&self) -> String {
        match self {
            Self::Marketplace => "marketplace".to_owned(),
            Self::Program => "program".to_owned(),
            Self::Server => "server".to_owned(),
            Self::Token(id) => format!("token:{id}"),
        }
    }
}

/// One thing that was done: ids only, no names, no codes, no texts of customers.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Entry(BTreeMap<&'static str, String>);

impl Entry {
    /// `action` is a noun and a verb: `instance.create`.
    pub(crate) fn new(action: &str, by: &By) -> Self {
        let words =
            [("action", action.to_owned()), ("by", by.word()), ("outcome", "done".to_owned())];
        Self(words.into())
    }

    /// Whom it concerned: a kind, and the id.
    pub(crate) fn about(mut self, kind: &'static str, id: impl Into<String>) -> Self {
        self.0.insert(kind, id.into());
        self
    }

    /// How it ended, if not simply `done`.
    pub(crate) fn outcome(self, word: impl Into<String>) -> Self {
        self.about("outcome", word)
    }
}

/// The newest link of this server's chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Head {
    seq: i64,
    hash: LinkHash,
}

impl Head {
    /// Of a chain that has no link yet.
    const NONE: Self = Self { seq: 0, hash: LinkHash::NONE };
}

/// Appends the link of what was done in this transaction, if anything was: one statement, last
/// before the commit.
pub(crate) async fn append(tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
    if work.entries.is_empty() {
        return Ok(());
    }
    let app = work.context;
    // Put back once this is committed: after a failure the database is asked.
    let head = match app.take_audit_head() {
        Some(head) => head,
        None => match tx.audit_head(&app.chain).await? {
            Some((seq, hash)) => Head { seq, hash: digest(hash)? },
            None => Head::NONE,
        },
    };
    let seq = head.seq + 1;
    let number = u64::try_from(seq).map_err(|error| StoreError::Broken(error.to_string()))?;
    let entries = serde_json::to_string(&std::mem::take(&mut work.entries))
        .map_err(|error| StoreError::Broken(error.to_string()))?;
    let hash = audit::hash(&app.chain, number, work.now, &entries, &head.hash);
    let link = AuditRow {
        server: app.chain.clone(),
        seq,
        at: work.now.as_secs(),
        entries,
        previous: head.hash.as_bytes().to_vec(),
        hash: hash.as_bytes().to_vec(),
    };
    tx.add_link(link).await?;
    work.publish(Event::Linked(Head { seq, hash }));
    Ok(())
}

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

impl App {
    /// Links in the order of their numbers, one server's chain after the other.
    pub(crate) async fn audit(&self, filter: &AuditFilter) -> Result<Vec<Link>, ApiError> {
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
        let mut tx = self.store.read().await?;
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
}

fn digest(bytes: Vec<u8>) -> Result<LinkHash, StoreError> {
    let bytes: Result<[u8; 32], _> = bytes.try_into();
    bytes.map(LinkHash::from).map_err(|_| StoreError::Broken("a hash of another length".to_owned()))
}
