//! Signed revocation and release lists: signed anew when their content changed, and before they age.

use license_core::Code;
use license_core::issue::{next_seq, seal};
use license_core::jws::DocType;
use license_core::release::ReleaseList;
use license_core::revocation::{self, RevocationStatus};
use license_core::time::DAY;
use license_core::trust::document_digest;

use super::command::Command;
use super::transaction::UnitOfWork;
use super::{App, views};
use crate::error::ApiError;
use crate::store::{LicenseState, ListKey, ListRow, StoreError, Tx};

/// A list is valid for so long; readers that fetch less often are warned.
const LIST_VALIDITY: i64 = 30 * DAY;
/// After so long it is signed anew although nothing changed.
const RESIGN_AFTER: i64 = DAY;

/// A signed list as it is served.
pub(crate) struct SignedDocument {
    /// The JWS.
    pub(crate) document: String,
    /// Changes with it; without quotes.
    pub(crate) etag: String,
}

impl SignedDocument {
    fn of(row: ListRow) -> Self {
        Self { etag: document_digest(&row.document), document: row.document }
    }
}

/// Signs a list anew if it has to be.
pub(crate) struct SignList(pub(crate) ListKey);

impl Command for SignList {
    type Output = Option<ListRow>;
    type Error = StoreError;

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, StoreError> {
        if self.0 == ListKey::revocation() {
            return revocations(tx, work).await.map(Some);
        }
        match tx.list_to_sign(&self.0).await? {
            Some(row) if stale(&row, work.now.as_secs()) => {
                releases(tx, work, &self.0).await.map(Some)
            }
            row => Ok(row),
        }
    }
}

fn stale(row: &ListRow, now: i64) -> bool {
    let age = now - row.issued_at;
    // A clock that was set back must not keep an old list alive.
    !row.elsewhere && (row.stale || row.document.is_empty() || !(0..RESIGN_AFTER).contains(&age))
}

/// The revocation list in force, signed anew in this transaction if something changed.
pub(crate) async fn revocations(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
) -> Result<ListRow, StoreError> {
    let key = ListKey::revocation();
    let fresh = |row: &ListRow| !stale(row, work.now.as_secs());
    if let Some(row) = tx.list(&key).await?.filter(fresh) {
        return Ok(row);
    }
    // Another server may have signed it while this one waited for its turn.
    let row = tx.list_to_sign(&key).await?;
    if let Some(row) = row.clone().filter(fresh) {
        return Ok(row);
    }
    let entries: Vec<(String, RevocationStatus)> = tx
        .listed_licenses(work.now.as_secs())
        .await?
        .into_iter()
        .map(|(id, state)| {
            let stop = if state == LicenseState::Suspended {
                RevocationStatus::Suspended
            } else {
                RevocationStatus::Revoked
            };
            (id, stop)
        })
        .collect();
    let seq = following(row.as_ref(), work);
    let payload = revocation::payload(
        &work.context.issuer,
        seq,
        work.now,
        work.now.plus(LIST_VALIDITY),
        &entries,
    );
    let document = seal(DocType::Revocation, &payload, &work.context.issuing)?;
    put(tx, work, &key, seq, document).await
}

/// Signs a release list anew, out of the releases for its platform and for every platform.
pub(crate) async fn releases(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    key: &ListKey,
) -> Result<ListRow, StoreError> {
    let row = tx.list_to_sign(key).await?;
    let mut entries = Vec::new();
    let platforms = if key.platform == "*" { vec!["*"] } else { vec!["*", &*key.platform] };
    for platform in platforms {
        for release in tx.releases(Some(&key.product), Some(platform), Some(&key.channel)).await? {
            let entry = serde_json::from_str(&release.entry)
                .map_err(|error| StoreError::Broken(error.to_string()))?;
            entries.push(entry);
        }
    }
    let seq = following(row.as_ref(), work);
    let list = ReleaseList {
        issuer: work.context.issuer.clone(),
        issued_at: work.now,
        product: key.product.clone(),
        channel: key.channel.clone(),
        platform: key.platform.clone(),
        seq,
        expires: work.now.plus(LIST_VALIDITY),
        min: None,
        releases: entries,
    };
    let document = seal(DocType::Release, &list, &work.context.release)?;
    put(tx, work, key, seq, document).await
}

fn following(row: Option<&ListRow>, work: &UnitOfWork<'_>) -> u64 {
    next_seq(row.and_then(|row| u64::try_from(row.seq).ok()), work.now)
}

async fn put(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    key: &ListKey,
    seq: u64,
    document: String,
) -> Result<ListRow, StoreError> {
    let row = ListRow {
        seq: i64::try_from(seq).map_err(|error| StoreError::Broken(error.to_string()))?,
        document,
        issued_at: work.now.as_secs(),
        stale: false,
        elsewhere: false,
    };
    tx.put_list(key, &row).await?;
    Ok(row)
}

/// The revocation list; a change shows at once.
pub(crate) async fn revocation_list(app: &App) -> Result<SignedDocument, ApiError> {
    current(app, ListKey::revocation()).await?.ok_or_else(|| views::not_found("list", "列表"))
}

/// The releases for a platform: its own list, else the one for every platform.
pub(crate) async fn release_list(
    app: &App,
    product: &str,
    platform: &str,
    channel: &str,
) -> Result<SignedDocument, ApiError> {
    if let Some(list) = current(app, ListKey::release(product, platform, channel)).await? {
        return Ok(list);
    }
    exact_release_list(app, product, "*", channel).await
}

/// The releases for exactly this platform, or for `*`.
pub(crate) async fn exact_release_list(
    app: &App,
    product: &str,
    platform: &str,
    channel: &str,
) -> Result<SignedDocument, ApiError> {
    current(app, ListKey::release(product, platform, channel)).await?.ok_or_else(|| {
        ApiError::new(
            Code::NotFound,
            format!("no release of {product} was published for channel {channel}"),
            format!("产品 {product} 在渠道 {channel} 尚未发布版本"),
        )
    })
}

/// There is no trust list as long as there is no root.
pub(crate) fn trust_list() -> Result<SignedDocument, ApiError> {
    Err(ApiError::new(
        Code::NotFound,
        "no trust list was published: the keys are in /.well-known/jwks.json",
        "尚未发布信任列表：公钥见 /.well-known/jwks.json",
    ))
}

/// Reads without waiting for anybody, unless the list has to be signed.
async fn current(app: &App, key: ListKey) -> Result<Option<SignedDocument>, ApiError> {
    let row = app.store.read().await?.list(&key).await?;
    let row = match row {
        Some(row) if !stale(&row, app.context.now().as_secs()) => Some(row),
        Some(row) if key.kind == "release" && row.document.is_empty() => None,
        None if key.kind == "release" => None,
        _ => app.writer.write(SignList(key)).await?,
    };
    Ok(row.map(SignedDocument::of))
}
