//! `licctl product apply`: reads a product file, names mistakes in it, and sends it to the server.

use std::path::Path;
use std::process::ExitCode;

use license_core::Code;
use license_core::product::Product;
use serde_json::{Value, json};

use crate::admin::{ServerArgs, escape};
use crate::failure::Failure;
use crate::input::{self, Input};
use crate::output::{GOOD, Output};

const EXAMPLE: &str = r#"A product's file:
  id = "flowsim"
  name = "FlowSim 流体仿真"
  koogallery = [{ product_id = "OFFI846204237451911168" }]

  [license]
  kind = "node-locked"          # floating, unbound
  machines = "order"            # the order's quantity, or a number
  form = "string"               # file
  entitlements = { mesh = true, solver-cores = 64 }
  grace_days = 7
  maintenance_days = 365        # perpetual licenses: releases up to then
  metered = "core-hours"        # paid by use: programs report how much of it"#;

/// Make a product known to the server, or replace it.
///
/// The file is TOML; `licctl product show` prints one that is in force.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Args {
    /// The product's file, `-` for standard input.
    #[arg(value_name = "FILE|-")]
    file: String,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    pub(crate) fn run(self, out: &mut Output) -> anyhow::Result<ExitCode> {
        let bytes = if self.file == "-" {
            Input::open("-")?.bytes
        } else {
            input::file(Path::new(&self.file))?
        };
        let product = read(&bytes).map_err(|(wrong, hint)| {
            let name = if self.file == "-" { "stdin" } else { self.file.as_str() };
            let failure = Failure::new(Code::ConfigInvalid, format!("{name}: {wrong}"));
            match (hint, out.lang()) {
                (Some(near), license_core::Lang::En) => {
                    failure.advise(format!("did you mean `{near}`?"))
                }
                (Some(near), license_core::Lang::Zh) => {
                    failure.advise(format!("是否应为 `{near}`?"))
                }
                (None, _) => failure,
            }
        })?;

        let admin = self.server.connect(out)?;
        let known =
            admin.find::<Value>(&format!("/api/v1/products/{}", escape(&product.id)))?.is_some();
        admin.post::<Value>("/api/v1/products", &product)?;
        let word = if known {
            out.pick("replaced", "已更新")
        } else {
            out.pick("applied", "已应用")
        };
        let text = out.pick("orders that waited for it are served now", "等待该产品的订单随即处理");
        let line = format!("{GOOD}{word}{GOOD:#} {} ({}); {text}", product.id, product.name);
        out.done(json!({ "product": product }), line)
    }
}

/// The product, or what is wrong and where, and the name that was probably meant.
fn read(bytes: &[u8]) -> Result<Product, (String, Option<String>)> {
    let text = std::str::from_utf8(bytes).map_err(|_| ("no UTF-8 text".to_owned(), None))?;
    let text = text.trim_start_matches('\u{feff}');
    let product: Product = toml::from_str(text).map_err(|error| {
        let hint = nearest(error.message());
        (error.to_string().trim_end().to_owned(), hint)
    })?;
    product.validate().map_err(|wrong| (wrong, None))?;
    Ok(product)
}

/// Of ``unknown field `x`, expected one of `a`, `b` `` the one that is closest to `x`.
fn nearest(message: &str) -> Option<String> {
    let mut names = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown ") {
        return None;
    }
    let wrong = names.next()?;
    let scored = names.map(|name| (strsim::damerau_levenshtein(wrong, name), name));
    let (distance, name) = scored.min()?;
    (distance <= 3.max(wrong.len() / 2)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOWSIM: &str = r#"
id = "flowsim"
name = "FlowSim 流体仿真"
koogallery = [{ product_id = "OFFI846204237451911168", sku_code = "0a4d1578-5295-46a7-92d4-7c803dccc51d" }]

[license]
kind = "node-locked"
machines = "order"
form = "string"
entitlements = { mesh = true, solver-cores = 64 }
grace_days = 7
maintenance_days = 365
"#;

    #[test]
    fn a_product_is_read() {
        let product = read(FLOWSIM.as_bytes()).unwrap();
        assert_eq!((product.id.as_str(), product.license.grace_days), ("flowsim", 7));
    }

    #[test]
    fn mistakes_are_named_with_their_line_and_the_nearest_name() {
        for (from, to, line, near) in [
            ("grace_days", "grace_day", "line 11", Some("grace_days")),
            ("sku_code", "skucode", "line 4", Some("sku_code")),
            ("[license]", "[licence]", "line 6", Some("license")),
            ("node-locked", "node-lockd", "line 7", Some("node-locked")),
            ("= 7", "= \"seven\"", "line 11", None),
            ("= \"order\"", "= 0", "line 8", None),
        ] {
            let (wrong, hint) = read(FLOWSIM.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(wrong.contains(line), "{to}: {wrong}");
            assert_eq!(hint.as_deref(), near, "{to}: {wrong}");
        }
    }

    #[test]
    fn what_the_rules_refuse_is_refused_here_already() {
        let (wrong, _) = read(FLOWSIM.replacen("\"flowsim\"", "\"\"", 1).as_bytes()).unwrap_err();
        assert!(!wrong.is_empty());
    }
}
