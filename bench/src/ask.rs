//! The other calls: what programs ask, and what the marketplace asks that writes nothing.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use crate::calls::{self, Signer};
use crate::clock;
use crate::load::{Source, find};
use crate::shop::{Shop, instance_of};
use crate::site::Server;

/// Machines whose programs ask again and again.
const PROGRAMS: u64 = 256;

/// One kind of request, as often as it is wanted.
pub(crate) struct Asking {
    signer: Signer,
    host: String,
    kind: Kind,
    next: u64,
}

enum Kind {
    /// An application for a license that nobody reads closely.
    Bare,
    /// Activation code and machine of each program.
    Programs(Vec<(String, String)>),
    /// Instances.
    Query(Vec<String>),
    /// Path of a document.
    Get(String),
}

impl Asking {
    /// An application to whoever answers at that address.
    pub(crate) fn bare(address: SocketAddr) -> Self {
        Self::of(address, Kind::Bare)
    }

    fn of(address: SocketAddr, kind: Kind) -> Self {
        let next = u64::try_from(clock::now_ms()).unwrap_or_default() << 20;
        Self { signer: Signer::new(address), host: address.to_string(), kind, next }
    }

    /// The requests of that figure.
    pub(crate) fn new(name: &str, server: &Server, shop: &Shop) -> Result<Self> {
        let kind = match name {
            "ask" => Kind::Programs(programs(server, shop)?),
            "query" => {
                Kind::Query((0..64).map(|number| shop.instance(number).to_owned()).collect())
            }
            "releases" => {
                server.admin_post("/api/v1/releases", &release())?;
                let path = "/v1/client/releases?product=flowsim&platform=linux-x86_64";
                Kind::Get(path.to_owned())
            }
            _ => bail!("nobody asks {name}"),
        };
        Ok(Self::of(server.listen, kind))
    }

    /// `GET` of this path on the operators' address.
    pub(crate) fn admin(server: &Server, path: String) -> Pages {
        Pages { host: server.admin.to_string(), token: server.token.clone(), path }
    }
}

/// Programs that hold a license already.
fn programs(server: &Server, shop: &Shop) -> Result<Vec<(String, String)>> {
    let known = (0..PROGRAMS.min(shop.sold)).map(|number| {
        let instance = shop.instance(instance_of(number));
        let seen = server.admin_get(&format!("/api/v1/instances/{instance}"))?;
        let code = seen["activation_code"].as_str().context("an activation code")?;
        Ok((code.to_owned(), calls::machine(number)))
    });
    known.collect()
}

fn release() -> serde_json::Value {
    json!({
        "product": "flowsim",
        "channel": "stable",
        "platform": "linux-x86_64",
        "version": "2.1.0",
        "date": clock::now() - 3600,
        "url": "https://example.com/flowsim-2.1.0.tar.gz",
        "len": 1_000_000,
        "sha256": "0".repeat(64),
    })
}

impl Source for Asking {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        let number = self.next;
        self.next += 1;
        let nth = |length: usize| usize::try_from(number % length as u64).unwrap_or_default();
        match &self.kind {
            Kind::Bare => {
                let (instance, event) = (calls::id(2, number % 64), calls::id(3, number));
                let machine = calls::machine(number & 0xffff_ffff);
                let body = calls::apply(&instance, &event, &machine, clock::now());
                self.signer.call(&body, request);
            }
            Kind::Programs(programs) => {
                let (code, machine) = &programs[nth(programs.len())];
                let body = calls::ask(code, machine, number);
                calls::post(&self.host, "/v1/client/licenses", &body, request);
            }
            Kind::Query(instances) => {
                let body = calls::query_instance(&instances[nth(instances.len())]);
                self.signer.call(&body, request);
            }
            Kind::Get(path) => calls::get(&self.host, path, None, request),
        }
        true
    }

    fn good(&self, body: &[u8]) -> bool {
        match self.kind {
            Kind::Bare => find(body, b"\"000004\"").is_some(),
            Kind::Programs(_) => find(body, b"\"receipt\"").is_some(),
            Kind::Query(_) => find(body, b"\"000000\"").is_some(),
            Kind::Get(_) => !body.is_empty(),
        }
    }
}

/// One page of an operator's list, again and again.
pub(crate) struct Pages {
    host: String,
    token: String,
    path: String,
}

impl Source for Pages {
    fn next(&mut self, request: &mut Vec<u8>) -> bool {
        calls::get(&self.host, &self.path, Some(&self.token), request);
        true
    }

    fn good(&self, body: &[u8]) -> bool {
        body.first() == Some(&b'[')
    }
}
