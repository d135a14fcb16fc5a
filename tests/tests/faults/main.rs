//! What must not go wrong when something does: random `kill -9` under load, and a disk that is
//! lost; on both databases.
#![expect(clippy::unwrap_used, reason = "a surprise is the failure of the test")]

#[path = "../../../server/src/store/cluster.rs"]
mod cluster;

mod backup;
mod load;
mod rounds;

use license_tests::server::Site;

/// A site with a new database on PostgreSQL, unless the run is to do without.
fn on_postgres(site: Site) -> Option<Site> {
    let Some(cluster) = cluster::Cluster::shared() else {
        eprintln!("LICD_TEST_POSTGRES=skip: this was left out");
        return None;
    };
    Some(site.with("LICD_DATABASE", &cluster.database()))
}
