//! The command that stores a call of the kit. Every change is idempotent by its key: an addition of what is
//! there and a deletion of what is not are successes.

use std::collections::BTreeMap;

use koogallery::kit::{ApplicationSync, AuthSync, OrganisationSync, SyncAction, TenantSync, User};
use sha2::{Digest, Sha256};

use crate::app::audit::entry::{Actor, AuditEntry};
use crate::app::command::Command;
use crate::app::transaction::UnitOfWork;
use crate::store::{
    Footprint, KitApplication, KitOrganisation, KitTenant, KitUser, StoreError, Tx,
};

/// One call, verified and judged.
pub(crate) enum SyncKit {
    Tenant(TenantSync),
    Application {
        call: ApplicationSync,
        /// Sealed.
        secret: Vec<u8>,
    },
    Users(AuthSync),
    Organisation {
        call: OrganisationSync,
        /// As it was received.
        body: String,
    },
}

impl Command for SyncKit {
    type Output = ();
    type Error = StoreError;

    fn footprint(&self, footprint: &mut Footprint) {
        let (instance, tenant) = match self {
            Self::Tenant(call) => (&call.instance_id, &call.tenant_id),
            Self::Application { call, .. } => (&call.instance_id, &call.tenant_id),
            Self::Users(call) => (&call.instance_id, &call.tenant_id),
            Self::Organisation { call, .. } => (&call.instance_id, &call.tenant_id),
        };
        footprint.name("kit", &format!("{instance}/{tenant}"));
    }

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        work.audit(self.entry());
        match self {
            Self::Tenant(call) => tenant(tx, work, call).await,
            Self::Application { call, secret } => application(tx, work, call, secret).await,
            Self::Users(call) => users(tx, work, call).await,
            Self::Organisation { call, body } => organisation(tx, work, call, body).await,
        }
    }
}

impl SyncKit {
    /// The audit entry: ids and numbers, never names of persons.
    fn entry(&self) -> AuditEntry {
        let told = |action, instance: &str, tenant: &str, outcome| {
            let told = AuditEntry::new(action, &Actor::Marketplace).outcome(outcome);
            let told = told.about("tenant", tenant);
            // The seller asks for an application's credentials before there is an instance.
            if instance.is_empty() { told } else { told.about("instance", instance) }
        };
        match self {
            Self::Tenant(call) => {
                told("kit.tenant", &call.instance_id, &call.tenant_id, word(call.change))
            }
            Self::Application { call, .. } => {
                told("kit.application", &call.instance_id, &call.tenant_id, word(call.change))
                    .about("application", &call.app_id)
            }
            Self::Users(call) => {
                told("kit.users", &call.instance_id, &call.tenant_id, word(call.change))
                    .about("application", &call.app_id)
                    .about("count", call.users.len().to_string())
            }
            Self::Organisation { call, .. } => {
                let outcome = if call.all { "all" } else { "one" };
                told("kit.organisation", &call.instance_id, &call.tenant_id, outcome)
            }
        }
    }
}

const fn word(change: SyncAction) -> &'static str {
    match change {
        SyncAction::Add => "added",
        SyncAction::Delete => "deleted",
        SyncAction::Update => "changed",
    }
}

async fn tenant(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    call: &TenantSync,
) -> Result<(), StoreError> {
    if call.change == SyncAction::Delete {
        return tx.delete_kit_tenant(&call.instance_id, &call.tenant_id).await;
    }
    let now = work.now.as_secs();
    let row = KitTenant {
        id: work.context.id(),
        instance_id: call.instance_id.clone(),
        tenant_id: call.tenant_id.clone(),
        order_id: call.order_id.clone(),
        tenant_code: call.tenant_code.clone(),
        name: call.name.clone(),
        domain_name: call.domain_name.clone(),
        created_at: now,
        changed_at: now,
    };
    // An update changes name and domain only; a tenant that is not there yet is added whole.
    tx.put_kit_tenant(&row, call.change == SyncAction::Update).await
}

async fn application(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    call: &ApplicationSync,
    secret: &[u8],
) -> Result<(), StoreError> {
    if call.change == SyncAction::Delete {
        return tx.delete_kit_application(&call.instance_id, &call.tenant_id, &call.app_id).await;
    }
    let now = work.now.as_secs();
    tx.put_kit_application(&KitApplication {
        id: work.context.id(),
        instance_id: call.instance_id.clone(),
        tenant_id: call.tenant_id.clone(),
        app_id: call.app_id.clone(),
        client_id: call.client_id.clone(),
        client_secret: secret.to_vec(),
        created_at: now,
        changed_at: now,
    })
    .await
}

async fn users(tx: &mut dyn Tx, work: &UnitOfWork<'_>, call: &AuthSync) -> Result<(), StoreError> {
    // Of several with one name the last counts, and rows are changed in one order everywhere.
    let users: BTreeMap<&str, &User> =
        call.users.iter().map(|user| (user.user_name.as_str(), user)).collect();
    if users.is_empty() {
        return Ok(());
    }
    if call.change == SyncAction::Delete {
        let names: Vec<String> = users.into_keys().map(str::to_owned).collect();
        return tx.delete_kit_users(&call.instance_id, &call.tenant_id, &call.app_id, &names).await;
    }
    let rows: Vec<KitUser> = users.into_values().map(|user| row(work, call, user)).collect();
    tx.put_kit_users(&rows).await
}

fn row(work: &UnitOfWork<'_>, call: &AuthSync, user: &User) -> KitUser {
    let extension = user.extension.clone().unwrap_or_default();
    let now = work.now.as_secs();
    KitUser {
        id: work.context.id(),
        instance_id: call.instance_id.clone(),
        tenant_id: call.tenant_id.clone(),
        app_id: call.app_id.clone(),
        user_name: user.user_name.clone(),
        name: user.name.clone(),
        position: user.position.clone(),
        org_code: user.org_code.clone(),
        role: user.role.as_str().to_owned(),
        enabled: user.enable,
        employee_code: user.employee_code.clone(),
        mobile: user.mobile.clone(),
        email: user.email.clone(),
        entry_date: extension.entry_date,
        employee_type: extension.employee_type.map(i64::from),
        work_place: extension.work_place,
        created_at: now,
        changed_at: now,
    }
}

async fn organisation(
    tx: &mut dyn Tx,
    work: &UnitOfWork<'_>,
    call: &OrganisationSync,
    body: &str,
) -> Result<(), StoreError> {
    tx.put_kit_organisation(&KitOrganisation {
        id: work.context.id(),
        instance_id: call.instance_id.clone(),
        tenant_id: call.tenant_id.clone(),
        whole: call.all,
        digest: Sha256::digest(body).to_vec(),
        body: body.to_owned(),
        received_at: work.now.as_secs(),
    })
    .await
}
