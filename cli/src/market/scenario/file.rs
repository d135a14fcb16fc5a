//! The file that describes a scenario.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;

/// The marketplace repeats a call that failed every two minutes for two hours.
const INTERVAL_SECONDS: f64 = 120.0;
pub(crate) const ATTEMPTS: u32 = 60;

/// How many orders, how fast, and what becomes of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Scenario {
    /// The same seed plans the same lives.
    pub(crate) seed: u64,
    pub(crate) orders: u32,
    /// New orders a second.
    pub(crate) rate: f64,
    /// Calls under way at once, at most.
    pub(crate) callers: usize,
    /// How many times faster the marketplace's two minutes between attempts pass.
    pub(crate) time_factor: f64,
    /// Seconds between the steps of one order, on average.
    pub(crate) pause_seconds: f64,
    /// Seconds that a license, and the seller's state at the end, may take.
    pub(crate) patience_seconds: f64,
    /// Share of the open interfaces' answers that go wrong in passing.
    pub(crate) faults: f64,
    /// Share of answered calls that are sent again, as after a lost answer.
    pub(crate) resend: f64,
    /// Machines of an order, at most.
    pub(crate) machines: u32,
    pub(crate) seller: SellerSide,
    pub(crate) product: Product,
    pub(crate) share: Shares,
}

/// Where the seller is, and the keys that sign what is sent to it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SellerSide {
    /// The endpoint as in the console.
    pub(crate) url: String,
    /// Basic interfaces.
    pub(crate) access_key_file: Option<PathBuf>,
    /// Order notification; without it none is sent.
    pub(crate) general_access_key_file: Option<PathBuf>,
    /// Authorization codes; without it none are sold.
    pub(crate) license_code_access_key_file: Option<PathBuf>,
}

/// What is sold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Product {
    #[serde(rename = "product_id")]
    pub(crate) market_id: String,
    pub(crate) sku_code: String,
    /// The seller's name of it, which programs ask for a license with.
    pub(crate) id: String,
}

/// How many of all orders see this happen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Shares {
    pub(crate) license: f64,
    pub(crate) perpetual: f64,
    pub(crate) trial: f64,
    pub(crate) renew: f64,
    /// Of the renewals.
    pub(crate) refund_renewal: f64,
    pub(crate) upgrade: f64,
    pub(crate) freeze: f64,
    /// Of the frozen.
    pub(crate) unfreeze: f64,
    pub(crate) release: f64,
    /// Orders of authorization codes.
    pub(crate) code: f64,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            seed: 1,
            orders: 100,
            rate: 10.0,
            callers: 8,
            time_factor: 120.0,
            pause_seconds: 0.2,
            patience_seconds: 60.0,
            faults: 0.0,
            resend: 0.1,
            machines: 5,
            seller: SellerSide::default(),
            product: Product::default(),
            share: Shares::default(),
        }
    }
}

impl Default for Product {
    /// What the MOCK orders name.
    fn default() -> Self {
        Self {
            market_id: "OFFI846204237451911168".to_owned(),
            sku_code: "0a4d1578-5295-46a7-92d4-7c803dccc51d".to_owned(),
            id: "flowsim".to_owned(),
        }
    }
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            license: 0.9,
            perpetual: 0.1,
            trial: 0.1,
            renew: 0.3,
            refund_renewal: 0.2,
            upgrade: 0.1,
            freeze: 0.15,
            unfreeze: 0.7,
            release: 0.1,
            code: 0.0,
        }
    }
}

impl Scenario {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let reading = || format!("reading the scenario {}", path.display());
        let text = std::fs::read_to_string(path).with_context(reading)?;
        let mut scenario: Self = toml::from_str(&text).with_context(reading)?;
        scenario.check().with_context(reading)?;
        // Keys lie beside the scenario, wherever the command is run.
        let folder = path.parent().unwrap_or(Path::new(""));
        let seller = &mut scenario.seller;
        for file in [
            &mut seller.access_key_file,
            &mut seller.general_access_key_file,
            &mut seller.license_code_access_key_file,
        ] {
            *file = file.take().map(|file| folder.join(file));
        }
        Ok(scenario)
    }

    fn check(&self) -> anyhow::Result<()> {
        let share = &self.share;
        for (name, value) in [
            ("faults", self.faults),
            ("resend", self.resend),
            ("share.license", share.license),
            ("share.perpetual", share.perpetual),
            ("share.trial", share.trial),
            ("share.renew", share.renew),
            ("share.refund_renewal", share.refund_renewal),
            ("share.upgrade", share.upgrade),
            ("share.freeze", share.freeze),
            ("share.unfreeze", share.unfreeze),
            ("share.release", share.release),
            ("share.code", share.code),
        ] {
            ensure!((0.0..=1.0).contains(&value), "{name} is {value}, not a share from 0 to 1");
        }
        for (name, value) in [("rate", self.rate), ("time_factor", self.time_factor)] {
            ensure!((0.01..=100_000.0).contains(&value), "{name} is {value}, not 0.01 to 100000");
        }
        for (name, value) in
            [("pause_seconds", self.pause_seconds), ("patience_seconds", self.patience_seconds)]
        {
            ensure!((0.0..=86_400.0).contains(&value), "{name} is {value}, not 0 to 86400");
        }
        ensure!((1..=100).contains(&self.callers), "callers is {}, not 1 to 100", self.callers);
        ensure!(
            (1..=1_000).contains(&self.machines),
            "machines is {}, not 1 to 1000",
            self.machines
        );
        ensure!(self.orders >= 1, "orders is 0");
        Ok(())
    }

    /// Between two attempts of one call.
    pub(crate) fn interval(&self) -> std::time::Duration {
        std::time::Duration::from_secs_f64(INTERVAL_SECONDS / self.time_factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Scenario, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("month.toml");
        std::fs::write(&path, text).unwrap();
        Scenario::read(&path).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let scenario = read("orders = 3\n[seller]\nurl = \"http://s\"\naccess_key_file = \"k\"");
        let scenario = scenario.unwrap();
        assert_eq!((scenario.orders, scenario.callers), (3, 8));
        assert_eq!(scenario.interval().as_millis(), 1_000);
        assert!(scenario.seller.access_key_file.unwrap().ends_with("k"));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, why) in [
            ("faults = 2", "faults is 2, not a share"),
            ("[share]\nrenew = -1", "share.renew is -1"),
            ("rate = 0", "rate is 0"),
            ("orders = 0", "orders is 0"),
            ("callers = 0", "callers is 0"),
            ("order = 1", "unknown field `order`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
