//! Debugging calls live apart, and each answers the same in any order for ever.

use serde_json::{Value, json};

use super::fixture::{DAY, Fixture, NOW, apply, device, new_instance};

fn test(mut call: Value) -> Value {
    call["testFlag"] = json!("1");
    call
}

fn cases(instance: &str) -> Vec<(Value, &'static str)> {
    let status = |status| json!({"activity": "updateInstanceStatus", "instanceId": instance, "status": status});
    let refresh = json!({
        "activity": "refreshInstance", "scene": "RENEWAL", "orderId": "CS9",
        "orderLineId": "CS9-000001", "instanceId": instance, "expireTime": "20200101000000",
    });
    let mut no_device = apply(instance, "probe", "");
    no_device["expireTime"] = json!("2020-01-01 00:00:00 z");
    vec![
        (json!({"activity": "releaseInstance", "instanceId": instance}), "000000"),
        (status("FREEZE"), "000000"),
        (apply(instance, "probe", &device(1)), "000004"),
        (no_device, "000004"),
        (refresh, "000000"),
        (status("UNFREEZE"), "000000"),
        (json!({"activity": "queryInstance", "instanceId": instance}), "000000"),
        (
            json!({"activity": "upgradeInstance", "instanceId": instance, "orderId": "CS9",
                "orderLineId": "CS9-000001"}),
            "000000",
        ),
        (
            json!({"activity": "changeInstanceCheck", "instanceId": instance,
                "productInfo": {"productId": "none of ours"}}),
            "000000",
        ),
    ]
}

#[tokio::test]
async fn each_case_answers_the_same_in_any_order_for_years() {
    let fixture = Fixture::new().await;
    let made = fixture.call(test(new_instance("MOCKPERIODYEARNEW"))).await;
    assert_eq!(made.result_code.as_str(), "000000");
    let instance = made.instance_id.unwrap();
    let mut all = cases(&instance);
    for round in 0..6 {
        for (call, code) in &all {
            assert_eq!(fixture.code(test(call.clone())).await, *code, "round {round}: {call}");
        }
        let again = fixture.call(test(new_instance("MOCKPERIODYEARNEW"))).await;
        assert_eq!(again.instance_id.as_deref(), Some(instance.as_str()));
        all.reverse();
        all.rotate_left(round);
        fixture.forward(400 * DAY).await;
    }
    // A case is signed anew each time; the very bytes of a call with an effect are a replay.
    for (call, code) in cases(&instance) {
        let (query, raw) = fixture.sign(&test(call.clone()));
        assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), code, "{call}");
        let repeated = match call["activity"].as_str().unwrap() {
            "getLicenseAsync" | "queryInstance" | "changeInstanceCheck" => code,
            _ => "000002",
        };
        assert_eq!(fixture.raw(&query, &raw).await.result_code.as_str(), repeated, "{call}");
    }

    for (call, _) in cases("unknown") {
        assert_eq!(fixture.code(test(call.clone())).await, "000003", "{call}");
    }
    let mut wrong = test(apply(&instance, "probe", ""));
    wrong["effectiveTime"] = json!("soon");
    assert_eq!(fixture.code(wrong).await, "000002");
    assert!(fixture.market.uploads().is_empty() && fixture.market.state().asked.is_empty());
}

#[tokio::test]
async fn nothing_that_counts_is_made_of_a_real_instance() {
    let fixture = Fixture::new().await;
    let instance = fixture.buy("CS1", 1).await;
    let before = fixture.detail(&instance).await;
    for (call, code) in cases(&instance) {
        assert_eq!(fixture.code(test(call.clone())).await, code, "{call}");
    }
    let after = fixture.detail(&instance).await;
    assert_eq!(serde_json::to_value(&before).unwrap(), serde_json::to_value(&after).unwrap());
    assert!(fixture.market.uploads().is_empty());

    // A debugging call for a real order makes an instance of its own.
    let apart = fixture.call(test(new_instance("CS1"))).await.instance_id.unwrap();
    assert_ne!(apart, instance);
}

#[tokio::test]
async fn real_calls_do_not_know_test_instances() {
    let fixture = Fixture::new().await;
    let instance = fixture.call(test(new_instance("MOCKONETIMENEW"))).await.instance_id.unwrap();
    for (call, _) in cases(&instance).into_iter().filter(|(c, _)| c["activity"] != "queryInstance")
    {
        assert_eq!(fixture.code(call.clone()).await, "000003", "{call}");
    }
    // "0", "" and absence are all real.
    let mut call = apply(&instance, "e-1", &device(1));
    for flag in ["0", ""] {
        call["testFlag"] = json!(flag);
        assert_eq!(fixture.code(call.clone()).await, "000003");
    }
    // An id that debugging took is not given to a real order.
    let mut real = new_instance("CS1");
    real["businessId"] = json!(instance);
    assert_ne!(fixture.call(real).await.instance_id.unwrap(), instance);
    assert_eq!(fixture.now(), NOW);
}
