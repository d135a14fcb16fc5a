//! Builds the application from its configuration: data folder, lock, database, keys, and the first
//! admin token.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use anyhow::{Context as _, bail};
use tokio::sync::Mutex;

use super::GuessLimiter;
use super::accepted_lookup::AcceptedLookup;
use super::access_keys::AccessKeys;
use super::audit::chain;
use super::audit::entry::Actor;
use super::context::{Context, Wakeups};
use super::delivery_waiters::DeliveryWaiters;
use super::in_flight::InFlight;
use super::login::setup::LoginSetup;
use super::transaction::UnitOfWork;
use super::writer::Writer;
use super::{App, Inner, MadeFiles, marketplace_health, restore_hold, tokens};
use crate::alerts::{AlertKind, AlertQueue};
use crate::app::clock_change::clamp_due_times;
use crate::config::{Config, Database};
use crate::data_dir;
use crate::data_dir::write_secret;
use crate::environment::Environment;
use crate::keys::sealing::{KitKeys, ServerSecret};
use crate::keys::signing::Keyring;
use crate::outbound::circuit_breaker::CircuitBreaker;
use crate::outbound::marketplace::Marketplace;
use crate::outbound::notifier::Notifier;
use crate::store::{Footprint, Queue, Role, Store};

/// Opens the data folder, making and migrating what is needed, and keeps others out of it.
pub(crate) async fn open(config: &Config, environment: Environment) -> anyhow::Result<App> {
    let folder = &config.data_dir;
    data_dir::make_folder(folder)?;
    let lock = data_dir::lock(folder)?;
    refuse_lost(config).await?;
    if config.database == Database::Sqlite {
        data_dir::owner_only(&folder.join("licd.db"))?;
    }
    let store = Store::open(&config.database, folder).await.with_context(|| database(config))?;
    let keys = Keyring::open(config, &environment)?;
    let app = assemble(config, environment, store, keys, Some(lock)).await?;
    recover(&app).await?;
    restore_hold::remind(&app).await?;
    Ok(app)
}

/// Opens the folder of a `licd` that may be serving it: nothing is migrated or started.
pub(crate) async fn open_beside(config: &Config, environment: Environment) -> anyhow::Result<App> {
    let folder = &config.data_dir;
    if config.database == Database::Sqlite && !folder.join("licd.db").exists() {
        bail!(
            "{} holds no licd database yet: start `licd serve` once, or name its folder with \
                 --data-dir",
            folder.display()
        );
    }
    let store =
        Store::open_beside(&config.database, folder).await.with_context(|| database(config))?;
    let keys = Keyring::open(config, &environment)?;
    assemble(config, environment, store, keys, None).await
}

async fn assemble(
    config: &Config,
    environment: Environment,
    store: Store,
    keys: Keyring,
    lock: Option<File>,
) -> anyhow::Result<App> {
    let own = keys.public().map(|key| (key.key.kid(), key.to_jwk()));
    let secret = secret(&store, &environment).await?;
    let mut server = [0; 16];
    environment.entropy.fill(&mut server);
    let chain = data_dir::server_id(&config.data_dir, &environment)?;
    let context = Arc::new(Context {
        environment,
        server: hex::encode(server),
        chain,
        audit_head: std::sync::Mutex::new(None),
        unwritable: std::sync::Mutex::new(None),
        issuer: config.issuer.clone(),
        issuing: keys.issuing,
        release: keys.release,
        secret: ServerSecret::new(secret),
        window_ms: i64::from(config.koogallery.clock_skew_seconds) * 1000,
        public_keys: RwLock::new(own.iter().map(|(_, jwk)| jwk.clone()).collect()),
        products: std::sync::Mutex::default(),
        last_id: std::sync::Mutex::new(0),
        notifier: Notifier::new(&config.alerts)?,
        usage_edition: config.koogallery.usage_edition,
        order_lookups: InFlight::default(),
        code_lookups: InFlight::default(),
        alerts: AlertQueue::default(),
        delivery_waiters: DeliveryWaiters::default(),
        wakeups: Wakeups::default(),
    });
    let known = store.read().await?.public_keys().await?;
    if !known.is_empty() && !keys.made.is_empty() {
        let made: Vec<_> = keys.made.iter().map(|path| path.display().to_string()).collect();
        context.raise(AlertKind::KeyFileMade.about("").with("files", made.join(", ")));
    }
    for (_, jwk) in known {
        context.learn(serde_json::from_str(&jwk).context("a public key in the database")?);
    }
    let mut made = None;
    if lock.is_some() {
        // What a key has signed is verified for longer than its file is named here.
        let mut tx = store.write().await?;
        for (kid, jwk) in &own {
            let now = context.now().as_secs();
            tx.put_public_key(kid.as_str(), &jwk.to_string(), now).await?;
        }
        tx.commit().await?;
        made = first_token(config, &context, &store, keys.made).await?;
    }
    let marketplace = Marketplace::new(&config.koogallery)?.map(Arc::new);
    let breaker = Arc::new(CircuitBreaker::default());
    let paused = store.read().await?.meta(marketplace_health::PAUSE_META_KEY).await?;
    let same = marketplace.as_ref().is_some_and(|m| {
        paused.as_deref() == Some(&marketplace_health::fingerprint(m, &context)[..])
    });
    if same {
        breaker.refuse_credentials();
        context.order_lookups.rest(true);
    }
    let (writer, writing) = Writer::start(store.clone(), Arc::clone(&context));
    Ok(App(Arc::new(Inner {
        context,
        accepted: AcceptedLookup::start(store.clone()),
        store,
        writer,
        breaker,
        marketplace,
        retention: config.retention,
        access_keys: AccessKeys::new(&config.koogallery)?,
        synchronous: config.koogallery.synchronous,
        code_prefixes: config.koogallery.license_code_prefix.clone(),
        kit_keys: Arc::new(KitKeys::open(&config.koogallery)?),
        logins: LoginSetup::new(config)?,
        guess_limiter: GuessLimiter::default(),
        made,
        writing: Mutex::new(Some(writing)),
        _lock: lock,
    })))
}

/// Takes up what a crash left in the middle.
async fn recover(app: &App) -> anyhow::Result<()> {
    let mut tx = app.store.write().await?;
    let orders = tx.requeue(Queue::Orders, &[]).await?;
    let uploads = tx.requeue(Queue::Uploads, &[]).await?;
    tx.interrupt_codes().await?;
    // The clock may have been set back while the server was stopped.
    let now = app.context.now().as_secs();
    clamp_due_times(&mut *tx, now).await?;
    // Another configuration was refused: this one is tried, and that one is forgotten.
    if !app.breaker.are_credentials_refused()
        && marketplace_health::open_queues(&mut *tx, now).await?
    {
        app.breaker.doubt_credentials();
    }
    tx.commit().await?;
    if orders + uploads > 0 {
        tracing::info!(orders, uploads, "taken up again what the last run left unfinished");
    }
    Ok(())
}

/// A folder that has served with a database before does not begin anew with an empty one: whatever
/// the marketplace and programs ask for would be unknown, which they take for an answer.
async fn refuse_lost(config: &Config) -> anyhow::Result<()> {
    let folder = &config.data_dir;
    if !data_dir::has_served(folder) {
        return Ok(());
    }
    if !Store::is_made(&config.database, folder).await.with_context(|| database(config))? {
        bail!(
            "{}: it is empty, although this data folder has served before: put the database back, \
             or fill this one with `licd restore`; to begin anew, name another folder with \
             --data-dir",
            database(config)
        );
    }
    Ok(())
}

fn database(config: &Config) -> String {
    match &config.database {
        Database::Sqlite => {
            format!("the database {} cannot be opened", config.data_dir.join("licd.db").display())
        }
        shared @ Database::Postgres(_) => format!("the database {shared} cannot be opened"),
    }
}

/// Servers that start together fill an empty database one after the other.
fn founding() -> Footprint {
    let mut footprint = Footprint::default();
    footprint.name("database", "founding");
    footprint
}

/// The key of the indexes by digest, made with the database.
async fn secret(store: &Store, environment: &Environment) -> anyhow::Result<[u8; 32]> {
    const META_KEY: &str = "secret";

    let known = store.read().await?.meta(META_KEY).await?;
    if let Some(known) = known {
        return known.try_into().map_err(|_| anyhow::anyhow!("the database's secret is damaged"));
    }
    let mut secret = [0; 32];
    environment.entropy.fill(&mut secret);
    let mut tx = store.write().await?;
    tx.prepare(&founding()).await?;
    // Servers that start together make one.
    if let Some(known) = tx.meta(META_KEY).await? {
        tx.rollback().await;
        return known.try_into().map_err(|_| anyhow::anyhow!("the database's secret is damaged"));
    }
    tx.put_meta(META_KEY, Some(&secret)).await?;
    tx.commit().await?;
    Ok(secret)
}

/// Makes an admin token where the database has none, so that there is no default password.
async fn first_token(
    config: &Config,
    context: &Arc<Context>,
    store: &Store,
    key_files: Vec<PathBuf>,
) -> anyhow::Result<Option<MadeFiles>> {
    let mut tx = store.write().await?;
    tx.prepare(&founding()).await?;
    if !tx.tokens().await?.is_empty() {
        tx.rollback().await;
        return Ok(None);
    }
    let (token, row) = tokens::make(context, Role::Admin, "first admin token");
    let admin_token_file = config.data_dir.join("admin-token");
    // Before the commit: a token that was committed and lost would lock everybody out.
    write_secret(&admin_token_file, format!("{token}\n").as_bytes())?;
    tx.add_token(&row).await?;
    let mut work = UnitOfWork::new(context);
    work.audit(tokens::made(&row, &Actor::Server));
    chain::append(&mut *tx, &mut work).await?;
    tx.commit().await?;
    Ok(Some(MadeFiles { admin_token_file, key_files }))
}
