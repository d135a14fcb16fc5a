//! Appends to this server's audit chain: one link for each transaction, written in it.

use license_core::audit::{self, LinkHash};

use super::entry::ChainHead;
use crate::app::event::Event;
use crate::app::transaction::UnitOfWork;
use crate::store::{AuditRow, StoreError, Tx};

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
            Some((seq, hash)) => ChainHead { seq, hash: digest(hash)? },
            None => ChainHead::NONE,
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
    work.publish(Event::Linked(ChainHead { seq, hash }));
    Ok(())
}

/// The hash as it is stored.
pub(super) fn digest(bytes: Vec<u8>) -> Result<LinkHash, StoreError> {
    let bytes: Result<[u8; 32], _> = bytes.try_into();
    bytes.map(LinkHash::from).map_err(|_| StoreError::Broken("a hash of another length".to_owned()))
}
