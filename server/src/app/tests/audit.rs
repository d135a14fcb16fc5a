//! The audit chain: what leaves a link, what does not, and that it verifies.

use license_core::Code;
use license_core::audit::{Auditor, Link, Report};
use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _};

use super::fixture::{DAY, Fixture, NOW, apply, device, flowsim, new_instance};
use crate::app::audit;
use crate::app::audit::AuditFilter;
use crate::app::audit::chain::append;
use crate::app::audit::entry::on_behalf_of;
use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::command::failing::Fail;
use crate::app::licenses;
use crate::app::market::create::CreateInstance;
use crate::app::open;
use crate::app::products;
use crate::app::tokens;
use crate::app::transaction::UnitOfWork;
use crate::app::uploads;
use crate::app::writer::{Pending, pending, write_all};
use crate::config::Database;
use crate::store::Role;
use crate::store::StoreError;

impl Fixture {
    pub(super) async fn links(&self) -> Vec<Link> {
        let filter = AuditFilter { limit: Some(1000), ..AuditFilter::default() };
        audit::list(&self.app, &filter).await.unwrap()
    }

    /// Every entry, as `action outcome by`.
    async fn done(&self) -> Vec<String> {
        let links = self.links().await;
        let entries = links.iter().flat_map(|link| &link.entries);
        entries.map(|e| format!("{} {} {}", e["action"], e["outcome"], e["by"])).collect()
    }
}

pub(super) fn verified(links: &[Link]) -> Report {
    let mut auditor = Auditor::new(Vec::new());
    for link in links {
        auditor.take(link);
    }
    let report = auditor.finish().unwrap();
    assert_eq!(report.breaks, []);
    report
}

#[tokio::test]
async fn what_was_done_is_there_with_whom_it_concerned_and_nothing_of_him() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 2).await;
    let call = apply(&instance, "e-1", &device(1));
    assert_eq!(fixture.code(call.clone()).await, "000004");
    fixture.upload_is("delivered").await;
    fixture.ask(&instance, &device(2)).await.unwrap();
    let status = |status| json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": status});
    fixture.code(status("FREEZE")).await;
    fixture.code(status("UNFREEZE")).await;
    let refresh = json!({
        "activity": "refreshInstance", "scene": "RENEWAL", "orderId": "CS1",
        "orderLineId": "CS1-000001", "instanceId": instance,
        "expireTime": koogallery::time::compact(NOW + 300 * DAY),
    });
    assert_eq!(fixture.code(refresh).await, "000000");
    fixture.code(json!({"activity": "releaseInstance", "instanceId": instance})).await;

    let done = fixture.done().await;
    for one in [
        "token.create done server",
        "product.apply done server",
        "instance.create done marketplace",
        "order.read done server",
        "application.accept served marketplace",
        "upload.end delivered server",
        "license.issue done program",
        "instance.status frozen marketplace",
        "instance.status active marketplace",
        "instance.refresh done marketplace",
        "instance.release done marketplace",
    ] {
        assert!(done.iter().any(|entry| entry == one), "{one} is missing in {done:#?}");
    }
    let links = fixture.links().await;
    let report = verified(&links);
    assert_eq!((report.chains.len(), report.chains[0].first), (1, 1));

    let accepted = links.iter().flat_map(|link| &link.entries).find(|e| e["outcome"] == "served");
    let accepted = accepted.unwrap();
    assert_eq!((&*accepted["instance"], &*accepted["event"]), (&*instance, "e-1"));
    let license = licenses::find(&fixture.app, &accepted["license"]).await.unwrap();
    assert_eq!(license.event_id.as_deref(), Some("e-1"));
    let detail = fixture.detail(&instance).await;
    let text = serde_json::to_string(&links).unwrap();
    for secret in ["DISK1", "某某", &detail.instance.activation_code, &license.document.unwrap()]
    {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn looks_refusals_and_resends_leave_no_trace() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let call = apply(&instance, "e-1", &device(1));
    fixture.code(call.clone()).await;
    fixture.upload_is("delivered").await;
    let code = fixture.detail(&instance).await.instance.activation_code;
    fixture.ask_with(super::fixture::request(&code, &device(1))).await.unwrap();
    let before = fixture.links().await;

    assert_eq!(fixture.code(call.clone()).await, "000004");
    assert_eq!(fixture.code(new_instance("CS1")).await, "000000");
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000900");
    assert_eq!(fixture.code(apply("nothing", "e-3", &device(2))).await, "000003");
    fixture.ask_with(super::fixture::request(&code, &device(1))).await.unwrap();
    fixture.ask_with(super::fixture::request(&code, &device(9))).await.unwrap_err();
    fixture.code(json!({"activity": "queryInstance", "instanceId": instance})).await;
    let unfreeze =
        json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": "UNFREEZE"});
    assert_eq!(fixture.code(unfreeze).await, "000000");
    let mut test = new_instance("CS9");
    test["testFlag"] = json!("1");
    assert_eq!(fixture.code(test).await, "000000");
    uploads::retry(&fixture.app, "nothing").await.unwrap_err();
    assert_eq!(fixture.links().await, before);
}

#[tokio::test]
async fn a_batch_is_one_link_and_one_that_is_redone_is_one_a_command() {
    let fixture = Fixture::bare().await;
    let create = |order: &str| {
        let raw = new_instance(order).to_string();
        let body = koogallery::Body::parse(raw.as_bytes()).unwrap();
        match koogallery::call::Call::read(&body).unwrap() {
            koogallery::call::Call::NewInstance(call) => pending(CreateInstance(call)),
            _ => unreachable!(),
        }
    };
    let run = async |mut batch: Vec<Box<dyn Pending>>| {
        let before = fixture.links().await.len();
        write_all(&fixture.app.store, &fixture.app.context, &mut batch).await;
        let sizes: Vec<usize> =
            fixture.links().await[before..].iter().map(|link| link.entries.len()).collect();
        sizes
    };
    assert_eq!(run(vec![create("A"), create("B"), create("C")]).await, [3]);
    let fail = pending(Fail::Breaks);
    assert_eq!(run(vec![create("D"), fail, create("E")]).await, [1, 1]);
    let fail = pending(Fail::Panics);
    assert_eq!(run(vec![fail, create("F")]).await, [1]);
    assert_eq!(run(vec![create("A"), create("F")]).await, [0; 0]);
    verified(&fixture.links().await);
}

#[tokio::test]
async fn the_chain_goes_on_after_a_crash_and_beside_another_process() {
    let fixture = Fixture::bare().await;
    products::apply(&fixture.app, flowsim()).await.unwrap();
    let chain = fixture.app.context.chain.clone();
    let fixture = fixture.crash().await;
    assert_eq!(fixture.app.context.chain, chain);
    products::apply(&fixture.app, flowsim()).await.unwrap();

    // `licd token create` does not know what the server has in its memory, and the server does
    // not know of it.
    for _ in 0..2 {
        let beside = open::open_beside(&fixture.config, fixture.environment.clone()).await.unwrap();
        tokens::create(&beside, Role::Viewer, "report").await.unwrap();
        products::apply(&fixture.app, flowsim()).await.unwrap();
    }
    let links = fixture.links().await;
    let report = verified(&links);
    assert_eq!(report.chains.len(), 1);
    assert_eq!((report.chains[0].first, report.chains[0].last), (1, 7));
    assert_eq!(links.len(), 7);
}

#[tokio::test]
async fn what_was_not_committed_is_in_no_link() {
    let fixture = Fixture::bare().await;
    let before = fixture.links().await.len();
    let mut tx = fixture.app.store.write().await.unwrap();
    let mut work = UnitOfWork::new(&fixture.app.context);
    work.audit(AuditEntry::new("test.lost", &Actor::Server));
    append(&mut *tx, &mut work).await.unwrap();
    tx.rollback().await;
    products::apply(&fixture.app, flowsim()).await.unwrap();
    let links = fixture.links().await;
    verified(&links);
    assert_eq!(links.len(), before + 1);
    assert!(!serde_json::to_string(&links).unwrap().contains("test.lost"));

    // Whoever finds the number taken is told to try again, and then asks the database.
    let mut tx = fixture.app.store.write().await.unwrap();
    let mut first = UnitOfWork::new(&fixture.app.context);
    first.audit(AuditEntry::new("test.first", &Actor::Server));
    let head = fixture.app.context.audit_head.lock().unwrap().unwrap();
    append(&mut *tx, &mut first).await.unwrap();
    tx.commit().await.unwrap();
    *fixture.app.context.audit_head.lock().unwrap() = Some(head);
    let mut tx = fixture.app.store.write().await.unwrap();
    first.audit(AuditEntry::new("test.second", &Actor::Server));
    append(&mut *tx, &mut first).await.unwrap();
    let error = tx.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::Contended(_)), "{error}");
    products::apply(&fixture.app, flowsim()).await.unwrap();
    verified(&fixture.links().await);
}

#[tokio::test]
async fn an_operator_is_named_by_his_token() {
    let fixture = Fixture::bare().await;
    on_behalf_of("t-7".to_owned(), products::apply(&fixture.app, flowsim())).await.unwrap();
    assert_eq!(fixture.done().await.last().unwrap(), "product.apply done token:t-7");
}

#[tokio::test]
async fn links_are_listed_page_by_page() {
    let fixture = Fixture::bare().await;
    for _ in 0..5 {
        products::apply(&fixture.app, flowsim()).await.unwrap();
        fixture.forward(10).await;
    }
    let all = fixture.links().await;
    let mut seen: Vec<Link> = Vec::new();
    loop {
        let after = seen.last().map(|link| format!("{}:{}", link.server, link.seq));
        let filter = AuditFilter { limit: Some(2), after, ..AuditFilter::default() };
        let page = audit::list(&fixture.app, &filter).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen, all);
    let between =
        AuditFilter { since: Some(NOW + 10), until: Some(NOW + 30), ..AuditFilter::default() };
    assert_eq!(audit::list(&fixture.app, &between).await.unwrap().len(), 2);
    let other = AuditFilter { server: Some("other".to_owned()), ..AuditFilter::default() };
    assert_eq!(audit::list(&fixture.app, &other).await.unwrap(), []);
    for after in ["x", "x:y"] {
        let filter = AuditFilter { after: Some(after.to_owned()), ..AuditFilter::default() };
        assert!(audit::list(&fixture.app, &filter).await.is_err(), "{after}");
    }
}

#[tokio::test]
async fn a_link_that_no_server_wrote_is_named() {
    for (changed, lite, postgres) in [
        ("hash", "x'00'", "'\\x00'"),
        ("previous", "x''", "''"),
        ("entries", "'nojson'", "'nojson'"),
        ("entries", "'{}'", "'{}'"),
    ] {
        let fixture = Fixture::bare().await;
        let whole = fixture.links().await;
        let place = format!("{}:{}", whole[0].server, whole[0].seq);
        let sql = |value: &str| {
            let sql = format!("UPDATE audit SET {changed} = {value} WHERE seq = {}", whole[0].seq);
            sqlx::AssertSqlSafe(sql)
        };
        match &fixture.config.database {
            Database::Sqlite => {
                let path = fixture.folder().join("licd.db");
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut file = options.connect().await.unwrap();
                sqlx::query(sql(lite)).execute(&mut file).await.unwrap();
            }
            Database::Postgres(url) => {
                let mut server = sqlx::PgConnection::connect(url.expose()).await.unwrap();
                sqlx::query(sql(postgres)).execute(&mut server).await.unwrap();
            }
        }
        let filter = AuditFilter::default();
        let refused = audit::list(&fixture.app, &filter).await.unwrap_err();
        assert_eq!(refused.code, Code::AuditBroken);
        assert!(refused.detail.contains(&place), "{}", refused.detail);
    }
}
