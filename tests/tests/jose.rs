//! A JOSE library that knows nothing of us verifies what the marketplace received.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use license_tests::call;
use license_tests::market::{self, TestMarketplace};
use license_tests::server::Site;
use license_tests::{MACHINE, flowsim, program, time};
use serde_json::Value;

const VERIFY: &str = r#"
import json, sys, urllib.request
import jwt

jwks = jwt.PyJWKSet.from_json(urllib.request.urlopen(sys.argv[1]).read())
license = open(sys.argv[2]).read()
kid = jwt.get_unverified_header(license)["kid"]
key = next(key for key in jwks.keys if key.key_id == kid)
claims = jwt.decode(license, key, algorithms=["EdDSA"], options={"require": ["iss", "iat", "exp"]})

# The other keys of the set, and a changed claim, must not verify.
others = [key for key in jwks.keys if key.key_id != kid]
assert others, "a release key stands beside the issuing key"
for other in others:
    try:
        jwt.decode(license, other, algorithms=["EdDSA"])
    except jwt.InvalidSignatureError:
        continue
    sys.exit("another key verified it")
head, body, signature = license.split(".")
flipped = body[:-2] + ("A" if body[-2] != "A" else "B") + body[-1]
try:
    jwt.decode(".".join([head, flipped, signature]), key, algorithms=["EdDSA"])
except jwt.InvalidTokenError:
    print(json.dumps(claims, ensure_ascii=True))
else:
    sys.exit("a changed claim verified")
"#;

/// A Python with `PyJWT`, made once and kept in the target folder.
fn python() -> PathBuf {
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("jose-venv");
    let python = environment.join("bin/python");
    let ready = |python: &Path| {
        Command::new(python)
            .args(["-c", "import jwt, cryptography"])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if ready(&python) {
        return python;
    }
    let run = |command: &mut Command| {
        let output = program::run(command, Duration::from_mins(5));
        assert!(
            output.status.success(),
            "{command:?}\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    };
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment));
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "pyjwt", "cryptography"]));
    assert!(ready(&python), "pip installed PyJWT, but it cannot be imported");
    python
}

#[test]
fn pyjwt_verifies_the_uploaded_license_with_the_servers_jwks() {
    let python = python();
    let marketplace = TestMarketplace::start();
    let site = Site::towards(&marketplace);
    let server = site.start();
    server.apply_product(&flowsim());
    let order = market::period(1);
    marketplace.sell(&order);
    let instance = server.buy_and_read(&order.id);
    let event = format!("EV-{}", time::unique());
    assert_eq!(server.code(&call::apply(&instance, &event, MACHINE)), "000004");
    let delivery = marketplace.wait_for(&event, time::SOON);

    let license = site.folder().join("license.txt");
    std::fs::write(&license, &delivery.license).unwrap();
    let jwks = format!("{}/.well-known/jwks.json", server.listen);
    let output = program::run(
        Command::new(&python).args(["-c", VERIFY, &jwks]).arg(&license).env("no_proxy", "*"),
        Duration::from_mins(1),
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let claims: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(claims["sub"], instance.as_str());
    assert_eq!(claims["iss"], "FlowSim Ltd");
    assert_eq!(claims["cus"], order.customer.as_str(), "four-byte characters survive");
}
