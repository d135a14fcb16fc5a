//! What operators do about single licenses, machines and activation codes.

use license_core::api::MachineReturn;
use license_core::issue::{SigningKey, seal};
use license_core::issuing_rules::OperatorAction::{Reinstate, Revoke, Suspend};
use license_core::jws::DocType;
use license_core::revocation::{RevocationStatus, Revocations};
use license_core::trust::document_digest;
use license_core::{Code, Timestamp};
use serde_json::json;

use super::fake_marketplace::Trick;
use super::fixture::{DAY, Fixture, apply, device, flowsim, new_instance};
use crate::app::instances;
use crate::app::licenses;
use crate::app::licenses::LicenseFilter;
use crate::app::machines;
use crate::app::machines::MachineFilter;
use crate::app::market;
use crate::app::products;
use crate::app::signed_lists;

impl Fixture {
    /// What the revocation list says of a license now.
    async fn listed(&self, license: &str) -> Option<RevocationStatus> {
        let document = signed_lists::revocation_list(&self.app).await.unwrap().document;
        let now = Timestamp::from_secs(self.now());
        Revocations::open(&document, &self.keys(), now).unwrap().status_of(license)
    }

    async fn of_instance(&self, instance: &str) -> Vec<license_core::api::MachineView> {
        let filter =
            MachineFilter { instance_id: Some(instance.to_owned()), ..MachineFilter::default() };
        machines::list(&self.app, &filter).await.unwrap()
    }

    /// The audit chain, a text a link.
    async fn written_down(&self) -> Vec<String> {
        let links = self.links().await;
        links.iter().map(|link| serde_json::to_string(link).unwrap()).collect()
    }

    async fn status(&self, instance: &str, status: &str) {
        let call = json!({"activity": "updateInstanceStatus", "instanceId": instance,
            "status": status});
        assert_eq!(self.code(call).await, "000000");
    }
}

#[tokio::test]
async fn a_license_is_suspended_and_reinstated() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 2).await;
    let license = fixture.ask(&instance, &device(1)).await.unwrap().license_id;
    assert_eq!(fixture.listed(&license).await, None);
    for _ in 0..2 {
        assert_eq!(
            licenses::change_status(&fixture.app, &license, Suspend).await.unwrap().state,
            "suspended"
        );
        assert_eq!(fixture.listed(&license).await, Some(RevocationStatus::Suspended));
    }

    // Its machine is given no other one, whatever its terms; others are not concerned.
    let error = fixture.ask(&instance, &device(1)).await.unwrap_err();
    assert_eq!((error.code, error.status), (Code::LicenseSuspended, 403));
    let mut product = flowsim();
    product.license.grace_days += 1;
    products::apply(&fixture.app, product).await.unwrap();
    let error = fixture.ask(&instance, &device(1)).await.unwrap_err();
    assert_eq!(error.code, Code::LicenseSuspended);
    products::apply(&fixture.app, flowsim()).await.unwrap();
    fixture.ask(&instance, &device(2)).await.unwrap();

    assert_eq!(
        licenses::change_status(&fixture.app, &license, Reinstate).await.unwrap().state,
        "active"
    );
    assert_eq!(fixture.listed(&license).await, None);
    assert_eq!(fixture.ask(&instance, &device(1)).await.unwrap().license_id, license);
    assert_eq!(
        licenses::change_status(&fixture.app, &license, Reinstate).await.unwrap().state,
        "active"
    );
}

#[tokio::test]
async fn neither_lifts_what_the_other_one_stopped() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 2).await;
    let mut licenses = Vec::new();
    for number in 1..=2 {
        licenses.push(fixture.ask(&instance, &device(number)).await.unwrap().license_id);
    }
    let (first, second) = (&licenses[0], &licenses[1]);
    licenses::change_status(&fixture.app, first, Suspend).await.unwrap();
    fixture.status(&instance, "FREEZE").await;
    assert_eq!(
        licenses::change_status(&fixture.app, second, Reinstate).await.unwrap().state,
        "suspended"
    );
    fixture.status(&instance, "UNFREEZE").await;
    assert_eq!(fixture.listed(first).await, Some(RevocationStatus::Suspended));
    assert_eq!(fixture.listed(second).await, None);

    fixture.status(&instance, "FREEZE").await;
    for _ in 0..2 {
        assert_eq!(
            licenses::change_status(&fixture.app, first, Reinstate).await.unwrap().state,
            "suspended"
        );
    }
    assert_eq!(fixture.listed(first).await, Some(RevocationStatus::Suspended));
    licenses::change_status(&fixture.app, second, Suspend).await.unwrap();
    fixture.status(&instance, "UNFREEZE").await;
    assert_eq!(fixture.listed(first).await, None);
    assert_eq!(fixture.listed(second).await, Some(RevocationStatus::Suspended));
}

#[tokio::test]
async fn a_revoked_license_stays_revoked_and_its_machine_gets_another() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let license = fixture.ask(&instance, &device(1)).await.unwrap().license_id;
    for _ in 0..2 {
        assert_eq!(
            licenses::change_status(&fixture.app, &license, Revoke).await.unwrap().state,
            "revoked"
        );
    }
    assert_eq!(fixture.listed(&license).await, Some(RevocationStatus::Revoked));
    for intervention in [Suspend, Reinstate] {
        let error =
            licenses::change_status(&fixture.app, &license, intervention).await.unwrap_err();
        assert_eq!(error.code, Code::Conflict);
    }
    let other = fixture.ask(&instance, &device(1)).await.unwrap().license_id;
    assert_ne!(other, license);
    assert_eq!(fixture.detail(&instance).await.instance.machines.used, 1);
    let error = licenses::change_status(&fixture.app, "unknown", Revoke).await.unwrap_err();
    assert_eq!((error.code, error.status), (Code::NotFound, 404));
}

#[tokio::test]
async fn a_released_machine_leaves_its_place_to_whoever_waits() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    assert_eq!(fixture.code(apply(&instance, "e-1", &device(1))).await, "000004");
    let machines = fixture.of_instance(&instance).await;
    assert_eq!(machines.len(), 1);
    let machine = machines[0].machine_id.clone();
    assert_eq!((machines[0].state.as_str(), machines[0].by_code), ("held", false));
    assert!(machines[0].parts.contains(&"board".to_owned()), "{machines:?}");
    assert_eq!(fixture.code(apply(&instance, "e-2", &device(2))).await, "000900");

    // One that was accepted before its order was read is held for a place.
    fixture.offer("CS2", 1, |_| ());
    fixture.market.state().always = Some(Trick::HangUp);
    let other = fixture.call(new_instance("CS2")).await.instance_id.unwrap();
    for (event, number) in [("e-3", 3), ("e-4", 4)] {
        assert_eq!(fixture.code(apply(&other, event, &device(number))).await, "000004");
    }
    fixture.market.state().always = None;
    fixture.forward(600).await;
    fixture.until(|detail| detail.applications.iter().any(|a| a.state == "held"), &other).await;
    let held = fixture.of_instance(&other).await.remove(0);
    machines::release(&fixture.app, &held.machine_id).await.unwrap();
    fixture.until(|detail| detail.applications.is_empty(), &other).await;
    assert_eq!(fixture.detail(&other).await.instance.machines.used, 1);
    assert_ne!(fixture.of_instance(&other).await[0].machine_id, held.machine_id);

    for _ in 0..2 {
        assert_eq!(machines::release(&fixture.app, &machine).await.unwrap().state, "free");
        assert_eq!(fixture.detail(&instance).await.instance.machines.used, 0);
    }
    assert!(fixture.of_instance(&instance).await.is_empty());
    let licenses = licenses::list(
        &fixture.app,
        &LicenseFilter { machine_id: Some(machine.clone().into()), ..LicenseFilter::default() },
    )
    .await
    .unwrap();
    assert_eq!(licenses.len(), 1);
    assert_eq!(licenses[0].state, "revoked");
    assert_eq!(fixture.listed(&licenses[0].license_id).await, Some(RevocationStatus::Revoked));
    // The machine itself is a new one when it comes back.
    fixture.ask(&instance, &device(1)).await.unwrap();
    assert_ne!(fixture.of_instance(&instance).await[0].machine_id, machine);
    assert_eq!(machines::release(&fixture.app, "unknown").await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn a_place_is_given_back_once_however_many_ask() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 3).await;
    for number in 1..=3 {
        fixture.ask(&instance, &device(number)).await.unwrap();
    }
    let machine = fixture.of_instance(&instance).await.remove(0).machine_id;
    let all: Vec<_> = (0..50)
        .map(|_| {
            let (app, machine) = (fixture.app.clone(), machine.clone());
            tokio::spawn(async move { machines::release(&app, &machine).await })
        })
        .collect();
    for one in all {
        one.await.unwrap().unwrap();
    }
    assert_eq!(fixture.detail(&instance).await.instance.machines.used, 2);
    let links = fixture.written_down().await;
    let released = links.iter().filter(|link| link.contains("machine.release"));
    assert_eq!(released.count(), 1);
}

#[tokio::test]
async fn an_activation_code_that_is_rotated_opens_nothing_any_more() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 2).await;
    let before = fixture.detail(&instance).await.instance.activation_code;
    let license = fixture.ask(&instance, &device(1)).await.unwrap().license_id;
    let after =
        instances::rotate_code(&fixture.app, &instance).await.unwrap().instance.activation_code;
    assert_ne!(before, after);
    let request = |code: &str| super::fixture::request(code, &device(1));
    let error = fixture.ask_with(request(&before)).await.unwrap_err();
    assert_eq!(error.code, Code::ActivationCodeUnknown);
    assert_eq!(fixture.ask_with(request(&after)).await.unwrap().license_id, license);
    // The buyer reads it at the marketplace.
    let query = json!({"activity": "queryInstance", "instanceId": instance});
    let (query, raw) = fixture.sign(&query);
    let answer = String::from_utf8(market::call(&fixture.app, &query, &raw).await).unwrap();
    assert!(answer.contains(&after) && !answer.contains(&before), "{answer}");
    let links = fixture.written_down().await;
    assert!(links.iter().any(|link| link.contains("instance.rotate-code")));
    assert!(links.iter().all(|link| !link.contains(&after)), "it is never written down");

    let release = json!({"activity": "releaseInstance", "instanceId": instance});
    assert_eq!(fixture.code(release).await, "000000");
    assert_eq!(
        instances::rotate_code(&fixture.app, &instance).await.unwrap_err().code,
        Code::Conflict
    );
    assert_eq!(
        instances::rotate_code(&fixture.app, "unknown").await.unwrap_err().code,
        Code::NotFound
    );
}

fn proof(license: &str) -> MachineReturn {
    MachineReturn { license: license.to_owned(), nonce: "n-1".to_owned() }
}

#[tokio::test]
async fn a_machine_gives_its_own_place_back() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let license = fixture.ask(&instance, &device(1)).await.unwrap();
    assert!(fixture.ask(&instance, &device(2)).await.is_err());
    // Once more is a success as well: the first answer may have been lost.
    for _ in 0..2 {
        let answer = machines::return_seat(&fixture.app, &proof(&license.license)).await.unwrap();
        assert_eq!(answer.license_id, license.license_id);
        let now = Timestamp::from_secs(fixture.now());
        let receipt = fixture.keys().open(DocType::Receipt, &answer.receipt, now).unwrap().payload;
        assert_eq!(receipt["nonce"], "n-1");
        assert_eq!(receipt["sha"], json!(document_digest(&license.license)));
        assert_eq!(fixture.detail(&instance).await.instance.machines.used, 0);
    }
    assert_eq!(fixture.listed(&license.license_id).await, Some(RevocationStatus::Revoked));
    let second = fixture.ask(&instance, &device(2)).await.unwrap();
    // The old license proves nothing about who came after it.
    machines::return_seat(&fixture.app, &proof(&license.license)).await.unwrap();
    assert_eq!(fixture.detail(&instance).await.instance.machines.used, 1);

    let refused = async |license: &str| {
        let error = machines::return_seat(&fixture.app, &proof(license)).await.unwrap_err();
        (error.code, error.status)
    };
    licenses::change_status(&fixture.app, &second.license_id, Suspend).await.unwrap();
    assert_eq!(refused(&second.license).await, (Code::LicenseSuspended, 403));
    licenses::change_status(&fixture.app, &second.license_id, Revoke).await.unwrap();
    assert_eq!(refused(&second.license).await, (Code::LicenseRevoked, 403));
    assert_eq!(refused("nonsense").await.0, Code::LicenseMalformed);
    let third = fixture.ask(&instance, &device(2)).await.unwrap();
    // The same words under another key are not ours.
    let stranger = SigningKey::ed25519_from_seed([7; 32]);
    let forged = seal(DocType::License, &fixture.verify(&third.license).claims, &stranger).unwrap();
    assert_eq!(refused(&forged).await, (Code::SignatureInvalid, 403));
    let none = MachineReturn { nonce: String::new(), ..proof(&second.license) };
    let error = machines::return_seat(&fixture.app, &none).await.unwrap_err();
    assert_eq!(error.code, Code::RequestInvalid);
    assert_eq!(fixture.detail(&instance).await.instance.machines.used, 1);
}

#[tokio::test]
async fn no_other_license_of_a_machine_lifts_its_suspension() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let first = fixture.ask(&instance, &device(1)).await.unwrap();
    let mut product = flowsim();
    product.license.grace_days += 1;
    products::apply(&fixture.app, product).await.unwrap();
    let second = fixture.ask(&instance, &device(1)).await.unwrap();
    assert_ne!(first.license_id, second.license_id);
    licenses::change_status(&fixture.app, &first.license_id, Suspend).await.unwrap();
    let error = machines::return_seat(&fixture.app, &proof(&second.license)).await.unwrap_err();
    assert_eq!((error.code, error.status), (Code::LicenseSuspended, 403));
    assert_eq!(fixture.detail(&instance).await.instance.machines.used, 1);
    licenses::change_status(&fixture.app, &first.license_id, Reinstate).await.unwrap();
    machines::return_seat(&fixture.app, &proof(&second.license)).await.unwrap();
    assert_eq!(fixture.detail(&instance).await.instance.machines.used, 0);
}

#[tokio::test]
async fn a_license_without_a_machine_gives_nothing_back() {
    let fixture = Fixture::new().await;
    let mut product = flowsim();
    product.license.kind = license_core::entitlement::LicenseKind::Unbound;
    products::apply(&fixture.app, product).await.unwrap();
    let instance = fixture.buy("CS1", 1).await;
    let license = fixture.ask(&instance, "").await.unwrap();
    let error = machines::return_seat(&fixture.app, &proof(&license.license)).await.unwrap_err();
    assert_eq!(error.code, Code::RequestInvalid);
    assert_eq!(fixture.listed(&license.license_id).await, None);
}

#[tokio::test]
async fn places_move_by_themselves_a_few_times_a_year() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    for number in 1..=3 {
        let license = fixture.ask(&instance, &device(number)).await.unwrap();
        machines::return_seat(&fixture.app, &proof(&license.license)).await.unwrap();
        fixture.forward(DAY).await;
    }
    let last = fixture.ask(&instance, &device(4)).await.unwrap();
    let error = machines::return_seat(&fixture.app, &proof(&last.license)).await.unwrap_err();
    assert_eq!((error.code, error.status), (Code::RateLimited, 429));
    assert_eq!(error.retry_after, Some(u32::try_from(362 * DAY).unwrap()));
    assert_eq!(fixture.detail(&instance).await.instance.machines.used, 1);
    // An operator is not counted and counts nothing.
    let machine = fixture.of_instance(&instance).await.remove(0).machine_id;
    machines::release(&fixture.app, &machine).await.unwrap();
    assert_eq!(fixture.detail(&instance).await.instance.machines.used, 0);
}
