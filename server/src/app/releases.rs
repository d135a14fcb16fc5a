//! Releases: announced by the server's key, or by a list that was signed elsewhere.

use license_core::api::{self, ReleaseInput, ReleasePublish, ReleaseWithdraw};
use license_core::issue::Signer as _;
use license_core::jws::DocType;
use license_core::key::PublicKey;
use license_core::release::{Notes, Release, ReleaseList};
use license_core::trust::{KeyRing, TrustedKey};
use license_core::{Code, Lang};
use serde_json::Value;

use super::audit::entry::{Actor, AuditEntry};
use super::command::{Command, Failed};
use super::event::Event;
use super::transaction::UnitOfWork;
use super::{App, signed_lists, views};
use crate::error::ApiError;
use crate::store::{Footprint, ListKey, ListRow, ReleaseRow, StoreError, Tx};

/// Releases of one platform and channel that a list is signed of: what clients read at once.
const MAX_RELEASES: usize = 1000;

/// One release more, signed here.
pub(crate) struct PublishRelease {
    pub(crate) input: ReleaseInput,
    pub(crate) by: Actor,
}

impl Command for PublishRelease {
    type Output = Vec<ReleaseRow>;
    type Error = Failed;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.name("releases", &self.input.product);
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        let input = &self.input;
        if tx.product(&input.product).await?.is_none() {
            return Err(views::product_unknown(&input.product).into());
        }
        let key = ListKey::release(&input.product, &input.platform, &input.channel);
        if tx.list(&key).await?.is_some_and(|row| row.elsewhere) {
            return Err(signed_elsewhere().into());
        }
        let kept =
            tx.releases(Some(&input.product), Some(&input.platform), Some(&input.channel)).await?;
        let version = input.version.to_string();
        if kept.len() >= MAX_RELEASES && kept.iter().all(|row| row.version != version) {
            return Err(ApiError::new(
                Code::Conflict,
                format!(
                    "the list of this platform and channel holds {MAX_RELEASES} releases already: \
                     publish on another channel, or a list of your own with `--key`"
                ),
                format!(
                    "该平台与渠道的发布列表已有{MAX_RELEASES}个版本：请使用其他渠道，或用 --key 发布自己的列表"
                ),
            ).into());
        }
        let entry = Release {
            version: input.version.clone(),
            date: input.date,
            url: input.url.clone(),
            len: input.len,
            sha256: input.sha256.to_lowercase(),
            obliges: input.obliges.clone(),
            due: input.due,
            notes: Notes { zh: input.notes_zh.clone(), en: input.notes_en.clone() },
        };
        let row = row(work, &input.product, &input.platform, &input.channel, &entry)?;
        tx.put_release(&row).await?;
        sign_anew(tx, work, &key).await?;
        let published = AuditEntry::new("release.publish", &self.by).about("product", &row.product);
        let published = published.about("platform", &row.platform).about("channel", &row.channel);
        work.audit(published.about("version", &row.version));
        Ok(vec![row])
    }
}

/// Signs the list that changed, and has those signed that carry what is in it.
async fn sign_anew(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    key: &ListKey,
) -> Result<(), StoreError> {
    signed_lists::releases(tx, work, key).await?;
    if key.platform == "*" {
        // Lists of single platforms carry what is for every platform.
        tx.mark_releases(&key.product, &key.channel).await?;
    }
    Ok(())
}

fn signed_elsewhere() -> ApiError {
    ApiError::new(
        Code::Conflict,
        "this list is signed elsewhere: give `--key` with the key that signed it",
        "该发布列表由其他密钥签名：请使用同一密钥（--key）",
    )
}

/// One release less, signed here: its package is bad.
pub(crate) struct WithdrawRelease {
    pub(crate) release: ReleaseWithdraw,
    pub(crate) by: Actor,
}

impl Command for WithdrawRelease {
    type Output = ();
    type Error = Failed;

    fn footprint(&self, footprint: &mut Footprint) {
        footprint.name("releases", &self.release.product);
    }

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        let ReleaseWithdraw { product, channel, platform, version } = &self.release;
        let version = version.to_string();
        let key = ListKey::release(product, platform, channel);
        if tx.list(&key).await?.is_some_and(|row| row.elsewhere) {
            return Err(signed_elsewhere().into());
        }
        if !tx.remove_release(product, platform, channel, &version).await? {
            return Err(views::not_found("release", "版本").into());
        }
        sign_anew(tx, work, &key).await?;
        let withdrawn = AuditEntry::new("release.withdraw", &self.by).about("product", product);
        let withdrawn = withdrawn.about("platform", platform).about("channel", channel);
        work.audit(withdrawn.about("version", version));
        Ok(())
    }
}

fn row(
    work: &UnitOfWork<'_>,
    product: &str,
    platform: &str,
    channel: &str,
    entry: &Release,
) -> Result<ReleaseRow, StoreError> {
    Ok(ReleaseRow {
        product: product.to_owned(),
        platform: platform.to_owned(),
        channel: channel.to_owned(),
        version: entry.version.to_string(),
        entry: serde_json::to_string(entry)
            .map_err(|error| StoreError::Broken(error.to_string()))?,
        published_at: work.now.as_secs(),
    })
}

/// A whole list, signed elsewhere.
pub(crate) struct PublishList {
    pub(crate) document: String,
    pub(crate) key: PublicKey,
    pub(crate) by: Actor,
}

impl Command for PublishList {
    type Output = Vec<ReleaseRow>;
    type Error = Failed;

    async fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> Result<Self::Output, Failed> {
        let trusted = TrustedKey::new(self.key.clone(), vec![DocType::Release]);
        let key =
            tx.public_keys().await?.into_iter().find(|(kid, _)| kid == self.key.kid().as_str());
        let signs_licenses = key.is_some_and(|(_, jwk)| jwk.contains(DocType::License.typ()));
        if signs_licenses || self.key.kid() == work.context.issuing.kid() {
            return Err(ApiError::new(
                Code::KeyNotAllowed,
                "an issuing key never signs releases",
                "签发密钥不得用于发布版本",
            )
            .into());
        }
        let jwk = trusted.to_jwk();
        let opened = KeyRing::new(vec![trusted])
            .map_err(|error| StoreError::Broken(error.to_string()))
            .map(|ring| ReleaseList::open(&self.document, &ring, work.now))?;
        let (list, kid) = match opened {
            Ok(opened) => opened,
            Err(refusal) => {
                return Err(ApiError::new(
                    refusal.code(),
                    refusal.message(Lang::En),
                    refusal.message(Lang::Zh),
                )
                .into());
            }
        };
        if tx.product(&list.product).await?.is_none() {
            return Err(views::product_unknown(&list.product).into());
        }

        let key = ListKey::release(&list.product, &list.platform, &list.channel);
        let seq = i64::try_from(list.seq).unwrap_or(i64::MAX);
        if tx.list_to_sign(&key).await?.is_some_and(|row| row.seq >= seq) {
            return Err(ApiError::new(
                Code::Conflict,
                "a list with this sequence number or a higher one is in force: fetch it, add to \
                 it, sign again",
                "已有序号相同或更高的列表：请取回后重新签名",
            )
            .into());
        }
        tx.clear_releases(&list.product, &list.platform, &list.channel).await?;
        let mut rows = Vec::new();
        for entry in &list.releases {
            let row = row(work, &list.product, &list.platform, &list.channel, entry)?;
            tx.put_release(&row).await?;
            rows.push(row);
        }
        let signed_here = kid == work.context.release.kid();
        tx.put_list(
            &key,
            &ListRow {
                seq,
                document: self.document.clone(),
                issued_at: work.now.as_secs(),
                stale: false,
                elsewhere: !signed_here,
            },
        )
        .await?;
        if !signed_here {
            tx.put_public_key(kid.as_str(), &jwk.to_string(), work.now.as_secs()).await?;
            work.publish(Event::KeyLearned { jwk });
        }
        let published = AuditEntry::new("release.list", &self.by).about("product", list.product);
        let published = published.about("platform", list.platform).about("channel", list.channel);
        work.audit(published.about("seq", seq.to_string()).about("key", kid.as_str()));
        Ok(rows)
    }
}

fn view(row: &ReleaseRow) -> Result<api::ReleaseView, StoreError> {
    let entry: Release =
        serde_json::from_str(&row.entry).map_err(|error| StoreError::Broken(error.to_string()))?;
    Ok(api::ReleaseView {
        product: row.product.clone(),
        channel: row.channel.clone(),
        platform: row.platform.clone(),
        version: entry.version,
        date: entry.date,
        url: entry.url,
        len: entry.len,
        sha256: entry.sha256,
        obliges: entry.obliges,
    })
}

fn invalid(en: impl Into<String>, zh: impl Into<String>) -> ApiError {
    ApiError::new(Code::RequestInvalid, en, zh)
}

/// What would make a list that no program accepts.
fn check(input: &ReleaseInput) -> Result<(), ApiError> {
    let name_ok = |name: &str| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.*".contains(&b))
    };
    if !name_ok(&input.platform) || !name_ok(&input.channel) {
        return Err(invalid(
            "`platform` and `channel` have 1 to 64 letters, digits, `-`, `_` or `.`",
            "platform 与 channel 须为 1 到 64 个字母、数字、-、_ 或 .",
        ));
    }
    let sha_ok = input.sha256.len() == 64 && input.sha256.bytes().all(|b| b.is_ascii_hexdigit());
    if !sha_ok {
        return Err(invalid("`sha256` has 64 hex digits", "sha256 须为 64 位十六进制"));
    }
    let url_ok = ["https://", "http://", "file:"].iter().any(|s| input.url.starts_with(s));
    if !url_ok || input.url.len() > 2048 {
        return Err(invalid(
            "`url` says where the package is: https://…",
            "url 须为软件包地址：https://…",
        ));
    }
    if input.notes_en.len() > 16 * 1024 || input.notes_zh.len() > 16 * 1024 {
        return Err(invalid("notes have at most 16 KiB", "说明最多 16 KiB"));
    }
    Ok(())
}

/// Announces a release, or takes over a list that was signed elsewhere.
pub(crate) async fn publish(
    app: &App,
    publish: ReleasePublish,
) -> Result<Vec<api::ReleaseView>, ApiError> {
    let rows = match publish {
        ReleasePublish::Release(input) => {
            check(&input)?;
            app.writer.write(PublishRelease { input: *input, by: Actor::caller() }).await?
        }
        ReleasePublish::Signed { document, key } => {
            let key = match &key {
                Value::Object(jwk) => PublicKey::from_jwk(jwk).map_err(|error| {
                    invalid(format!("`key` cannot be used: {error}"), "key 不是可用的公钥 JWK")
                })?,
                _ => return Err(invalid("`key` is a JWK", "key 须为 JWK")),
            };
            app.writer.write(PublishList { document, key, by: Actor::caller() }).await?
        }
    };
    Ok(rows.iter().map(view).collect::<Result<_, _>>()?)
}

/// Takes back a release whose list is signed here.
pub(crate) async fn withdraw(
    app: &App,
    release: ReleaseWithdraw,
) -> Result<ReleaseWithdraw, ApiError> {
    let withdraw = WithdrawRelease { release: release.clone(), by: Actor::caller() };
    app.writer.write(withdraw).await?;
    Ok(release)
}

/// Every announced release, of one product or of all.
pub(crate) async fn list(
    app: &App,
    product: Option<&str>,
) -> Result<Vec<api::ReleaseView>, ApiError> {
    let mut tx = app.store.read().await?;
    let rows = tx.releases(product, None, None).await?;
    Ok(rows.iter().map(view).collect::<Result<_, _>>()?)
}
