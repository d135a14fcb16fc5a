//! What the suites share: real programs on free ports, the simulated marketplace,
//! and the marketplace's signed calls.
#![expect(clippy::unwrap_used, reason = "a surprise in here is the failure of the test")]
#![expect(clippy::missing_panics_doc, reason = "asserting is what these functions are for")]

pub mod call;
pub mod http;
pub mod kit;
pub mod license;
pub mod market;
pub mod program;
pub mod query;
pub mod server;
pub mod time;

/// The access key of the basic interface, which verifies almost every call here.
pub const KEY: &str = "basic-interface-key-of-the-tests";
/// The three other interface types' keys: each verifies its own calls only.
pub const LICENSE_CODE_KEY: &str = "license-code-key-of-the-tests";
/// See [`LICENSE_CODE_KEY`].
pub const KIT_KEY: &str = "kit-interface-key-of-the-tests";
/// See [`LICENSE_CODE_KEY`].
pub const GENERAL_KEY: &str = "general-interface-key-of-the-tests";
/// What `licd` signs its own calls with.
pub const AK: &str = "AKOFTHETESTS";
/// The secret half of [`AK`].
pub const SK: &str = "secret-key-of-the-tests";

/// The marketplace's product that `flowsim` is sold as; the mock orders name the same.
pub const MARKET_PRODUCT: &str = "OFFI846204237451911168";
/// Its SKU.
pub const MARKET_SKU: &str = "0a4d1578-5295-46a7-92d4-7c803dccc51d";

/// A machine with a board serial number.
pub const MACHINE: &str = "04:7C:16:5E:E3:5D|001B_444A_488B_5CEC.|PF3XK0TT|BFEBFBFF00090672";

/// The n-th machine of a customer who has many: nothing in common but the CPU model.
#[must_use]
pub fn machine(n: u32) -> String {
    format!(
        "04:7C:16:{:02X}:{:02X}:{:02X}|DISK-SERIAL-{n:06}|BOARD-SERIAL-{n:06}|BFEBFBFF00090672",
        (n >> 16) & 0xff,
        (n >> 8) & 0xff,
        n & 0xff
    )
}

/// `flowsim`, sold for the order's quantity of machines.
#[must_use]
pub fn flowsim() -> serde_json::Value {
    serde_json::json!({
        "id": "flowsim",
        "name": "FlowSim 流体仿真",
        "koogallery": [{ "product_id": MARKET_PRODUCT, "sku_code": MARKET_SKU }],
        "license": {
            "kind": "node-locked",
            "machines": "order",
            "form": "string",
            "entitlements": { "mesh": true, "solver-cores": 64 },
            "grace_days": 7,
            "maintenance_days": 365
        }
    })
}

/// Whether the run was asked to take hours (`cargo xtask test --long`).
#[must_use]
pub fn long() -> bool {
    std::env::var_os("LICENSE_TESTS_LONG").is_some_and(|value| value != "0")
}
