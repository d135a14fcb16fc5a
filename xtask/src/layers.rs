//! The order of the layers, for every member: which module may import which. An arrow upwards,
//! and files that import each other in a loop, fail the lint.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::imports::Graph;

/// A member: its folder, its layers from the top down, each a list of modules of its root, and
/// files that may import each other. A module may import what stands below it, and itself.
struct Member {
    folder: &'static str,
    layers: &'static [&'static [&'static str]],
    /// Whether a module and its own submodules may name each other. In the server and in the core
    /// what both need is a leaf of its own.
    nests: bool,
    /// Loops that another tool demands.
    circles: &'static [&'static [&'static str]],
}

const MEMBERS: [Member; 11] = [
    Member {
        folder: "server",
        layers: &[
            &["main"],
            &["cli"],
            &["http", "workers", "backup"],
            &["app"],
            &["outbound", "keys", "store"],
            &["config", "data_dir"],
            &["alerts", "environment", "error", "json_nul", "logging", "net", "output"],
        ],
        nests: false,
        circles: &[],
    },
    Member {
        folder: "core",
        layers: &[
            &["issue", "verify"],
            &["armor", "release"],
            &["license", "revocation"],
            &["binding", "trust"],
            &["device", "jws"],
            &["decryption_key", "refusal"],
            &["api", "keyfile", "match_report", "metering"],
            &["audit", "clock", "component", "issuing_rules", "product", "signer"],
            &[
                "activation_code",
                "doc_type",
                "entitlement",
                "host",
                "id",
                "json",
                "key",
                "lib",
                "outcome",
                "time",
                "version",
            ],
        ],
        nests: false,
        circles: &[],
    },
    Member {
        folder: "koogallery",
        layers: &[
            &["kit", "v1"],
            &["auth_token", "usage"],
            &["call", "license_code", "signature"],
            &["aksk", "answer", "body", "oauth", "order", "retry", "upload"],
            &["code", "edition", "failure", "lib", "mac", "time"],
        ],
        nests: true,
        circles: &[],
    },
    Member {
        folder: "koogallery-sim",
        layers: &[
            &["lib"],
            &["server", "scenario", "fast"],
            &["open_api", "conformance"],
            &["simulator", "endpoint"],
            &["request_log", "events"],
            &["api_message", "codes", "faults", "message", "oauth", "orders"],
            &["received_uploads", "sold_order", "usage"],
            &["language", "lock", "rng", "sources", "time"],
        ],
        nests: true,
        circles: &[],
    },
    Member {
        folder: "vectors",
        layers: &[
            &["lib"],
            &["key"],
            &["algorithm", "binding", "document", "lists", "payload", "terms", "text"],
            &["book"],
            &["forge"],
        ],
        nests: false,
        circles: &[],
    },
    Member {
        folder: "client-sdk",
        layers: &[
            &["sdk"],
            &["engine"],
            &["cache", "verify"],
            &["config", "dispatcher"],
            &["event", "outcome", "platform", "transport"],
            &["error", "lib", "machine", "state_dir", "trust_anchors", "usage", "worker"],
        ],
        nests: true,
        circles: &[],
    },
    Member {
        folder: "ffi",
        layers: &[&["lib"], &["bridge", "engine", "reply"], &["codes", "text"]],
        nests: true,
        // cxx: the bridge names the engine that it exports, the engine the structs of the bridge.
        circles: &[&["bridge.rs", "engine.rs", "reply.rs"]],
    },
    Member {
        folder: "cli",
        layers: &[
            &["main"],
            &["commands"],
            &["resources"],
            &["admin"],
            &["keyfile", "license_text", "secret_arg", "trust"],
            &["input", "output", "passphrase"],
            &["environment", "failure", "messages", "table"],
        ],
        nests: true,
        circles: &[],
    },
    Member {
        folder: "tests",
        layers: &[
            &["kit", "license", "query"],
            &["server"],
            &["call"],
            &["market"],
            &["http", "lib", "program", "time"],
        ],
        nests: true,
        circles: &[],
    },
    Member {
        folder: "bench",
        layers: &[
            &["main"],
            &["growth", "storm"],
            &["figures"],
            &["ask"],
            &["shop"],
            &["echo", "limits", "market", "postgres", "site"],
            &["calls", "load", "table"],
            &["clock", "latencies", "output", "process"],
        ],
        nests: true,
        circles: &[],
    },
    Member {
        folder: "xtask",
        layers: &[
            &["main"],
            &["bench", "test"],
            &["demo", "lint"],
            &["run", "sources", "system"],
            &["layers", "process", "vectors"],
            &["count", "imports", "terminal"],
        ],
        nests: true,
        circles: &[],
    },
];

/// Holds each member against its layers.
pub(crate) fn arrows_point_down(root: &Path) -> Result<()> {
    let mut wrong = Vec::new();
    for member in MEMBERS {
        let graph = Graph::read(&root.join(member.folder).join("src"))?;
        wrong.extend(violations(&member, &graph));
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn violations(member: &Member, graph: &Graph) -> Vec<String> {
    let name = |file: usize| format!("{}/src/{}", member.folder, graph.files[file].display());
    let layer = |file: usize| {
        let module = module_of(&graph.files[file]);
        member.layers.iter().position(|layer| layer.contains(&module.as_str()))
    };
    let mut wrong: Vec<_> = (0..graph.files.len())
        .filter(|file| layer(*file).is_none())
        .map(|file| format!("{} stands on no layer: name it in xtask/src/layers.rs", name(file)))
        .collect();
    for ((from, to), names) in &graph.arrows {
        let same = module_of(&graph.files[*from]) == module_of(&graph.files[*to]);
        let (Some(above), Some(below)) = (layer(*from), layer(*to)) else { continue };
        let known = |file: &usize| graph.files[*file].to_string_lossy().into_owned();
        let accepted = member.circles.iter().any(|circle| {
            circle.contains(&known(from).as_str()) && circle.contains(&known(to).as_str())
        });
        if !same && !accepted && above >= below {
            let names = names.iter().cloned().collect::<Vec<_>>().join(", ");
            wrong.push(format!("{} must not import {} ({names})", name(*from), name(*to)));
        }
    }
    for circle in graph.circles(member.nests) {
        let files: Vec<_> =
            circle.iter().map(|file| graph.files[*file].display().to_string()).collect();
        let allowed = |known: &&[&str]| files.iter().all(|file| known.contains(&file.as_str()));
        if member.circles.iter().any(allowed) {
            continue;
        }
        let ties = graph
            .arrows
            .iter()
            .filter(|((from, to), _)| circle.contains(from) && circle.contains(to));
        let ties = ties.map(|((from, to), names)| {
            let names = names.iter().cloned().collect::<Vec<_>>().join(", ");
            format!("  {} imports {} ({names})", name(*from), name(*to))
        });
        wrong.push("these files import each other in a loop:".to_owned());
        wrong.extend(ties);
    }
    wrong
}

/// The module of the root that a file belongs to; the root file is `main` or `lib`.
fn module_of(file: &Path) -> String {
    let first =
        file.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let first = first.unwrap_or_default();
    first.strip_suffix(".rs").unwrap_or(&first).to_owned()
}
