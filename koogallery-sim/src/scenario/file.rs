//! The file that describes a scenario.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("reading the scenario {}: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// It is no TOML, or has unknown keys.
    #[error("reading the scenario {}: {source}", file.display())]
    Toml {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: Box<toml::de::Error>,
    },
    /// A value lies outside of its range.
    #[error("reading the scenario {}: {problem}", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// Key, value and range.
        problem: String,
    },
}

/// The marketplace repeats a call that failed every two minutes for two hours.
const INTERVAL_SECONDS: f64 = 120.0;
pub(crate) const ATTEMPTS: u32 = 60;

/// How many orders, how fast, and what becomes of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// The same seed plans the same orders.
    pub seed: u64,
    /// How many.
    pub orders: u32,
    /// New orders a second.
    pub rate: f64,
    /// Calls under way at once, at most.
    pub callers: usize,
    /// How many times faster the marketplace's two minutes between attempts pass.
    pub time_factor: f64,
    /// Seconds between the steps of one order, on average.
    pub pause_seconds: f64,
    /// Seconds that a license, and the seller's state at the end, may take.
    pub patience_seconds: f64,
    /// Share of the open interfaces' answers that go wrong in passing.
    pub faults: f64,
    /// Share of answered calls that are sent again, as after a lost answer.
    pub resend: f64,
    /// Machines of an order, at most.
    pub machines: u32,
    /// The seller.
    pub seller: SellerConfig,
    /// What is sold.
    pub product: ScenarioProduct,
    /// What becomes of the orders.
    pub share: Shares,
}

/// Where the seller is, and the keys that sign what is sent to it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SellerConfig {
    /// The endpoint as in the console.
    pub url: String,
    /// Basic interfaces.
    pub access_key_file: Option<PathBuf>,
    /// Order notification; without it none is sent.
    pub general_access_key_file: Option<PathBuf>,
    /// Authorization codes; without it none are sold.
    pub license_code_access_key_file: Option<PathBuf>,
}

/// What is sold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScenarioProduct {
    /// The marketplace's product.
    #[serde(rename = "product_id")]
    pub market_id: String,
    /// Its SKU.
    pub sku_code: String,
    /// The seller's name of it, which programs ask for a license with.
    pub id: String,
}

/// How many of all orders see this happen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shares {
    /// An application for a license.
    pub license: f64,
    /// Bought once and for all.
    pub perpetual: f64,
    /// Begins as a trial.
    pub trial: f64,
    /// A renewal.
    pub renew: f64,
    /// Of the renewals.
    pub refund_renewal: f64,
    /// More machines.
    pub upgrade: f64,
    /// A suspension.
    pub freeze: f64,
    /// Of the frozen.
    pub unfreeze: f64,
    /// An end before its time.
    pub release: f64,
    /// Orders of authorization codes.
    pub code: f64,
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
            seller: SellerConfig::default(),
            product: ScenarioProduct::default(),
            share: Shares::default(),
        }
    }
}

impl Default for ScenarioProduct {
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
    /// Reads a scenario; the key files that it names lie beside it.
    ///
    /// # Errors
    ///
    /// Where it cannot be read, or makes no sense.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let file = || path.to_owned();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ScenarioError::File { file: file(), source })?;
        let mut scenario: Self = toml::from_str(&text)
            .map_err(|source| ScenarioError::Toml { file: file(), source: Box::new(source) })?;
        scenario.check().map_err(|problem| ScenarioError::Value { file: file(), problem })?;
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

    fn check(&self) -> Result<(), String> {
        let within = |fits: bool, problem: String| if fits { Ok(()) } else { Err(problem) };
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
            within(
                (0.0..=1.0).contains(&value),
                format!("{name} is {value}, not a share from 0 to 1"),
            )?;
        }
        for (name, value) in [("rate", self.rate), ("time_factor", self.time_factor)] {
            within(
                (0.01..=100_000.0).contains(&value),
                format!("{name} is {value}, not 0.01 to 100000"),
            )?;
        }
        for (name, value) in
            [("pause_seconds", self.pause_seconds), ("patience_seconds", self.patience_seconds)]
        {
            within(
                (0.0..=86_400.0).contains(&value),
                format!("{name} is {value}, not 0 to 86400"),
            )?;
        }
        let (callers, machines) = (self.callers, self.machines);
        within((1..=100).contains(&callers), format!("callers is {callers}, not 1 to 100"))?;
        within((1..=1_000).contains(&machines), format!("machines is {machines}, not 1 to 1000"))?;
        within(self.orders >= 1, "orders is 0".to_owned())
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
        Scenario::read(&path).map_err(|error| error.to_string())
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
