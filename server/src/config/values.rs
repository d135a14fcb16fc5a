//! Values that several sections have: addresses, files, networks, days.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::reader::Reader;
use crate::net::Network;

/// In place of an address that was refused; never listened on.
pub(super) const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

pub(super) fn address(reader: &mut Reader<'_>, path: &str) -> Option<SocketAddr> {
    let text = reader.text(path);
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let address = numeric.as_deref().unwrap_or(&text).parse::<SocketAddr>().ok();
    if address.is_none() {
        reader.problem(
            path,
            &format!("{text:?} is no address with a port"),
            "write an IP address and a port, as in \"127.0.0.1:8470\" or \"0.0.0.0:8470\"",
        );
    }
    address
}

/// A file that must exist where it is named: licd makes none.
pub(super) fn file(reader: &mut Reader<'_>, key: &str) -> Option<PathBuf> {
    let path = reader.path(key)?;
    check_readable(reader, key, &path);
    Some(path)
}

/// Files that must exist.
pub(super) fn files(reader: &mut Reader<'_>, key: &str) -> Vec<PathBuf> {
    let paths: Vec<PathBuf> = reader.texts(key).into_iter().map(PathBuf::from).collect();
    for path in &paths {
        check_readable(reader, key, path);
    }
    paths
}

fn check_readable(reader: &mut Reader<'_>, key: &str, path: &Path) {
    if let Err(error) = std::fs::File::open(path) {
        let cause = format!("{} cannot be read ({error})", path.display());
        reader.problem(key, &cause, "name a file that licd may read, or leave the key out");
    }
}

pub(super) fn networks(reader: &mut Reader<'_>, key: &str) -> Vec<Network> {
    let mut networks = Vec::new();
    for text in reader.texts(key) {
        match text.parse::<Network>() {
            Ok(network) => networks.push(network),
            Err(what) => {
                let remedy = "write addresses or networks, as in [\"10.0.0.0/8\", \"::1\"]";
                reader.problem(key, &what, remedy);
            }
        }
    }
    networks
}

/// Days that something is kept; 0 for ever.
pub(super) fn days(reader: &mut Reader<'_>, path: &str) -> u32 {
    const MOST: u32 = 36_500;
    let days = reader.number(path);
    u32::try_from(days).ok().filter(|days| *days <= MOST).unwrap_or_else(|| {
        let what = format!("{days} is not between 0 (for ever) and {MOST} days");
        reader.problem(path, &what, "write the days as a whole number: 90");
        0
    })
}
