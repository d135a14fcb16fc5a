//! What one transaction has read ahead and has not written yet: requests that share a transaction
//! share its statements. Whatever is not known here is asked of the database, after everything
//! that waits was written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::{
    Application, AuditRow, Footprint, Instance, LicenseRow, Machine, Parcel, ProductRow,
    StoreError, UploadRow,
};

/// Machines are looked at one by one; more than this many alike are clones of one image.
pub(super) const ALIKE: usize = 64;
/// Machines that are read ahead for a whole batch; beyond that each wish asks by itself.
pub(super) const MAX_PREFETCHED_MACHINES: usize = 4096;

/// Rows to be written, in an order that foreign keys allow.
#[derive(Default)]
pub(super) struct PendingWrites {
    pub(super) machines: Vec<Machine>,
    /// Instance, digest, machine.
    pub(super) digests: Vec<(String, String, String)>,
    pub(super) licenses: Vec<LicenseRow>,
    pub(super) uploads: Vec<UploadRow>,
    /// Uploads that were queued before, as they are now.
    pub(super) sent: Vec<UploadRow>,
    pub(super) applications: Vec<Application>,
    /// By how much the number of places taken changes, by instance.
    pub(super) places: BTreeMap<String, i64>,
    pub(super) links: Vec<AuditRow>,
}

impl PendingWrites {
    /// Whether `many` rows of one kind wait: it is time to write, whoever comes next.
    pub(super) fn holds(&self, many: usize) -> bool {
        let rows =
            [self.licenses.len(), self.applications.len(), self.places.len(), self.sent.len()];
        rows.iter().any(|rows| *rows >= many)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.machines.is_empty()
            && self.digests.is_empty()
            && self.licenses.is_empty()
            && self.uploads.is_empty()
            && self.sent.is_empty()
            && self.applications.is_empty()
            && self.places.is_empty()
            && self.links.is_empty()
    }
}

/// A table whose rows may be cached, and that statements beside the cache change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cached {
    Instances,
    Machines,
    Products,
    Uploads,
}

/// One row that was read ahead.
pub(super) enum Prefetched {
    Instance(Instance),
    Product(ProductRow),
    Application(Application),
    Upload(UploadRow),
    /// A machine in use, and a digest that found it.
    Machine(String, Machine),
}

/// The rows of one transaction, as they are once everything is written.
#[derive(Default)]
pub(super) struct RowCache {
    pub(super) pending: PendingWrites,
    instances: HashMap<String, Option<Instance>>,
    codes: HashMap<String, Option<String>>,
    products: HashMap<String, ProductRow>,
    applications: HashMap<String, Vec<Application>>,
    uploads: HashMap<String, Option<UploadRow>>,
    /// Machines in use by instance and digest; a digest that is absent was not asked for.
    machines: HashMap<String, HashMap<String, Vec<Arc<Machine>>>>,
}

impl RowCache {
    /// Takes what was read for `locks`: what of it has no row is known to have none.
    pub(super) fn learn(&mut self, footprint: &Footprint, rows: Vec<Prefetched>) {
        for id in &footprint.instances {
            self.instances.insert(id.clone(), None);
        }
        for code in &footprint.codes {
            self.codes.insert(code.clone(), None);
        }
        for wanted in &footprint.applications {
            self.applications.insert(wanted.event.clone(), Vec::new());
        }
        for id in &footprint.uploads {
            self.uploads.insert(id.clone(), None);
        }
        let found = rows.iter().filter(|row| matches!(row, Prefetched::Machine(..))).count();
        for row in rows {
            match row {
                Prefetched::Instance(instance) => {
                    if let Some(id) = self.codes.get_mut(&instance.activation_code) {
                        *id = Some(instance.id.clone());
                    }
                    self.instances.insert(instance.id.clone(), Some(instance));
                }
                Prefetched::Product(product) => {
                    self.products.insert(product.id.clone(), product);
                }
                Prefetched::Application(application) => {
                    self.applications
                        .entry(application.event_id.clone())
                        .or_default()
                        .push(application);
                }
                Prefetched::Upload(upload) => {
                    self.uploads.insert(upload.id.clone(), Some(upload));
                }
                Prefetched::Machine(digest, machine) if found < MAX_PREFETCHED_MACHINES => {
                    let known = self.machines.entry(machine.instance_id.clone()).or_default();
                    let known = known.entry(digest).or_default();
                    // Two requests of one batch may have asked for the same.
                    if known.iter().all(|known| known.id != machine.id) {
                        known.push(Arc::new(machine));
                    }
                }
                Prefetched::Machine(..) => {}
            }
        }
        if found < MAX_PREFETCHED_MACHINES {
            for wanted in &footprint.applications {
                // What an application was found for was not asked for.
                if self.applications.get(&wanted.event).is_some_and(Vec::is_empty) {
                    let known = self.machines.entry(wanted.instance.clone()).or_default();
                    for digest in &wanted.digests {
                        known.entry(digest.clone()).or_default();
                    }
                }
            }
        }
    }

    /// Forgets the rows of tables that a statement changes beside the cache.
    pub(super) fn forget(&mut self, changed: &[Cached]) {
        for cached in changed {
            match cached {
                Cached::Instances => {
                    self.instances.clear();
                    self.codes.clear();
                }
                Cached::Machines => self.machines.clear(),
                Cached::Products => self.products.clear(),
                Cached::Uploads => self.uploads.clear(),
            }
        }
    }

    #[expect(clippy::option_option, reason = "not known here, or known not to exist")]
    pub(super) fn instance(&self, id: &str) -> Option<Option<Instance>> {
        self.instances.get(id).cloned()
    }

    #[expect(clippy::option_option, reason = "not known here, or known not to exist")]
    pub(super) fn instance_of_code(&self, code: &str) -> Option<Option<Instance>> {
        match self.codes.get(code)? {
            Some(id) => self.instance(id),
            None => Some(None),
        }
    }

    pub(super) fn product(&self, id: &str) -> Option<ProductRow> {
        self.products.get(id).cloned()
    }

    pub(super) fn applications_of_event(&self, event: &str) -> Option<Vec<Application>> {
        self.applications.get(event).cloned()
    }

    #[expect(clippy::option_option, reason = "not known here, or known not to exist")]
    pub(super) fn upload(&self, id: &str) -> Option<Option<UploadRow>> {
        self.uploads.get(id).cloned()
    }

    /// Keeps what became of an upload that was read ahead; false if it was not.
    pub(super) fn put_upload(&mut self, upload: &UploadRow) -> bool {
        let Some(known) = self.uploads.get_mut(&upload.id) else { return false };
        *known = Some(upload.clone());
        self.pending.sent.retain(|earlier| earlier.id != upload.id);
        self.pending.sent.push(upload.clone());
        true
    }

    /// What was taken is no longer as it was read ahead.
    pub(super) fn took(&mut self, parcels: &[Parcel]) {
        for Parcel { row, .. } in parcels {
            if let Some(known) = self.uploads.get_mut(&row.id) {
                *known = Some(row.clone());
            }
        }
    }

    /// Machines that share any of `digests`, those with most of them first.
    pub(super) fn machines_like(&self, instance: &str, digests: &[String]) -> Option<Vec<Machine>> {
        let known = self.machines.get(instance)?;
        let mut shared: BTreeMap<&str, (usize, &Arc<Machine>)> = BTreeMap::new();
        for digest in digests.iter().collect::<BTreeSet<_>>() {
            for machine in known.get(digest)? {
                shared.entry(&machine.id).or_insert((0, machine)).0 += 1;
            }
        }
        // Ids are in order already, and a stable sort leaves them so.
        let mut found: Vec<_> = shared.into_values().collect();
        found.sort_by_key(|(shared, _)| std::cmp::Reverse(*shared));
        Some(found.into_iter().take(ALIKE).map(|(_, machine)| Machine::clone(machine)).collect())
    }

    pub(super) fn add_machine(&mut self, machine: &Machine, digests: &[String]) {
        let shared = Arc::new(machine.clone());
        let mut known = self.machines.get_mut(&machine.instance_id);
        for digest in digests.iter().collect::<BTreeSet<_>>() {
            let row = (machine.instance_id.clone(), digest.clone(), machine.id.clone());
            self.pending.digests.push(row);
            // Others that may have it were not looked for: then it stays unknown.
            if let Some(known) = known.as_mut().and_then(|known| known.get_mut(digest)) {
                known.push(Arc::clone(&shared));
            }
        }
        self.pending.machines.push(machine.clone());
    }

    pub(super) fn add_places(&mut self, instance: &str, by: i64) {
        *self.pending.places.entry(instance.to_owned()).or_default() += by;
        if let Some(Some(known)) = self.instances.get_mut(instance) {
            known.machines_used += by;
        }
    }

    /// One row for each key: a statement may not name the same twice.
    pub(super) fn put_application(&mut self, application: &Application) {
        put(&mut self.pending.applications, application);
        if let Some(known) = self.applications.get_mut(&application.event_id) {
            put(known, application);
        }
    }
}

fn put(rows: &mut Vec<Application>, row: &Application) {
    let same = |known: &&mut Application| {
        known.event_id == row.event_id && known.fingerprint == row.fingerprint
    };
    match rows.iter_mut().find(same) {
        Some(known) => known.clone_from(row),
        None => rows.push(row.clone()),
    }
}

/// What it means that rows could not be written together. New rows have ids of their own: what is
/// there already, another process wrote.
pub(super) fn write_error(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => {
            StoreError::Contended(error.to_string())
        }
        _ => error.into(),
    }
}
