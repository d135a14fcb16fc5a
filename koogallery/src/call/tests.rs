//! Every field of every call: present, absent, empty, too long, of a wrong type.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(value: &Value) -> Result<Call, Rejection> {
    Call::read(&Body::parse(value.to_string().as_bytes()).unwrap())
}

fn refusal(value: &Value) -> String {
    let rejection = read(value).expect_err(&value.to_string());
    assert_eq!(rejection.code, ResultCode::BadParameter, "{value}");
    assert!(rejection.message.contains(" / "), "one language: {}", rejection.message);
    assert!(rejection.message.chars().count() <= 255);
    rejection.message
}

fn with(value: &Value, name: &str, member: Value) -> Value {
    let mut value = value.clone();
    value[name] = member;
    value
}

fn without(value: &Value, name: &str) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().remove(name);
    value
}

struct Table {
    sample: Value,
    /// Name and length of the fields that must be there.
    mandatory: &'static [(&'static str, usize)],
    /// Name and length of those that may.
    optional: &'static [(&'static str, usize)],
}

fn tables() -> Vec<Table> {
    vec![
        Table {
            sample: json!({"activity": "newInstance", "orderId": "CS1", "orderLineId": "CS1-000001",
                "businessId": "b-1"}),
            mandatory: &[("orderId", 64), ("orderLineId", 64), ("businessId", 64)],
            optional: &[],
        },
        Table {
            sample: json!({"activity": "refreshInstance", "scene": "RENEWAL", "orderId": "CS2",
                "orderLineId": "CS2-000001", "instanceId": "i-1", "productId": "OFFI1",
                "expireTime": "20221124023618256"}),
            mandatory: &[("scene", 64), ("orderId", 64), ("orderLineId", 64), ("instanceId", 64)],
            optional: &[("productId", 64)],
        },
        Table {
            sample: json!({"activity": "updateInstanceStatus", "instanceId": "i-1",
                "status": "FREEZE"}),
            mandatory: &[("instanceId", 64)],
            optional: &[],
        },
        Table {
            sample: json!({"activity": "releaseInstance", "instanceId": "i-1", "orderId": "CS3",
                "orderLineId": "CS3-000001"}),
            mandatory: &[("instanceId", 64)],
            optional: &[("orderId", 64), ("orderLineId", 64)],
        },
        Table {
            sample: json!({"activity": "getLicenseAsync", "instanceId": "i-1", "eventId": "e-1",
                "effectiveTime": "2023-10-27 10:30:15 z", "expireTime": "2024-10-27 10:30:15 z",
                "deviceFingerprint": "04:7C:16:5E:E3:5D|001B_444A_488B_5CEC.||BFEBFBFF00090672"}),
            mandatory: &[("instanceId", 64), ("eventId", 64)],
            optional: &[],
        },
        Table {
            sample: json!({"activity": "queryInstance", "instanceId": "i-1,i-2"}),
            mandatory: &[],
            optional: &[],
        },
        Table {
            sample: json!({"activity": "upgradeInstance", "instanceId": "i-1", "orderId": "CS4",
                "orderLineId": "CS4-000001"}),
            mandatory: &[("instanceId", 64), ("orderId", 64), ("orderLineId", 64)],
            optional: &[],
        },
        Table {
            sample: json!({"activity": "changeInstanceCheck", "instanceId": "i-1",
                "productInfo": {"productId": "OFFI1", "skuCode": "s-1", "linearValue": 3}}),
            mandatory: &[("instanceId", 64)],
            optional: &[],
        },
        Table {
            sample: json!({"activity": "refreshLicenseCode", "scene": "RENEWAL", "orderId": "CS5",
                "orderLineId": "CS5-000001", "license": "PL1", "productId": "OFFI1",
                "expireTime": "20221124023618"}),
            mandatory: &[("scene", 64), ("orderId", 64), ("orderLineId", 64), ("license", 64)],
            optional: &[("productId", 64)],
        },
        Table {
            sample: json!({"activity": "updateLicenseCodeStatus", "license": "PL1",
                "status": "UNFREEZE"}),
            mandatory: &[("license", 64)],
            optional: &[],
        },
        Table {
            sample: json!({"activity": "releaseLicenseCode", "license": "PL1", "orderId": "CS6",
                "orderLineId": "CS6-000001"}),
            mandatory: &[("license", 64)],
            optional: &[("orderId", 64), ("orderLineId", 64)],
        },
        Table {
            sample: json!({"activity": "orderNotify", "orderId": "CS7",
                "orderLineId": "CS7-000001", "testFlag": "0"}),
            mandatory: &[("orderId", 64), ("orderLineId", 64)],
            optional: &[],
        },
    ]
}

#[test]
fn the_samples_are_read() {
    let calls: Vec<Call> = tables().iter().map(|table| read(&table.sample).unwrap()).collect();
    let expected = [
        Call::NewInstance(NewInstance {
            order_id: "CS1".into(),
            order_line_id: "CS1-000001".into(),
            business_id: "b-1".into(),
            test: false,
        }),
        Call::RefreshInstance(RefreshInstance {
            scene: Scene::Renewal,
            order_id: "CS2".into(),
            order_line_id: "CS2-000001".into(),
            instance_id: "i-1".into(),
            product_id: Some("OFFI1".into()),
            expires: 1_669_257_378,
            test: false,
        }),
        Call::UpdateInstanceStatus(UpdateInstanceStatus {
            instance_id: "i-1".into(),
            status: Status::Freeze,
            test: false,
        }),
        Call::ReleaseInstance(ReleaseInstance {
            instance_id: "i-1".into(),
            order_id: Some("CS3".into()),
            order_line_id: Some("CS3-000001".into()),
            test: false,
        }),
        Call::GetLicenseAsync(GetLicenseAsync {
            instance_id: "i-1".into(),
            effective: 1_698_402_615,
            expires: Some(1_730_025_015),
            event_id: "e-1".into(),
            device_fingerprint: Some(
                "04:7C:16:5E:E3:5D|001B_444A_488B_5CEC.||BFEBFBFF00090672".into(),
            ),
            test: false,
        }),
        Call::QueryInstance(QueryInstance {
            instance_ids: vec!["i-1".into(), "i-2".into()],
            test: false,
        }),
        Call::UpgradeInstance(UpgradeInstance {
            instance_id: "i-1".into(),
            order_id: "CS4".into(),
            order_line_id: "CS4-000001".into(),
            test: false,
        }),
        Call::ChangeInstanceCheck(ChangeInstanceCheck {
            instance_id: "i-1".into(),
            product_info: ProductInfo {
                product_id: "OFFI1".into(),
                sku_code: Some("s-1".into()),
                linear_value: Some(3),
            },
            test: false,
        }),
        Call::RefreshLicenseCode(RefreshLicenseCode {
            scene: Scene::Renewal,
            order_id: "CS5".into(),
            order_line_id: "CS5-000001".into(),
            license: "PL1".into(),
            product_id: Some("OFFI1".into()),
            expires: 1_669_257_378,
            test: false,
        }),
        Call::UpdateLicenseCodeStatus(UpdateLicenseCodeStatus {
            license: "PL1".into(),
            status: Status::Unfreeze,
            test: false,
        }),
        Call::ReleaseLicenseCode(ReleaseLicenseCode {
            license: "PL1".into(),
            order_id: Some("CS6".into()),
            order_line_id: Some("CS6-000001".into()),
            test: false,
        }),
        Call::OrderNotify(OrderNotify {
            order_id: "CS7".into(),
            order_line_id: "CS7-000001".into(),
            test: false,
        }),
    ];
    assert_eq!(calls, expected);
    for (call, table) in calls.iter().zip(tables()) {
        assert_eq!(table.sample["activity"], call.activity());
        assert!(interface(call.activity()).is_some());
    }
}

#[test]
fn every_mandatory_field_is_needed_and_named() {
    for table in tables() {
        let times = ["expireTime", "effectiveTime"].map(|name| (name, 0));
        let activity = table.sample["activity"].as_str().unwrap();
        let of_refresh = activity.starts_with("refresh");
        let of_license = table.sample["activity"] == "getLicenseAsync";
        let mut mandatory = table.mandatory.to_vec();
        mandatory.extend(of_refresh.then_some(times[0]));
        mandatory.extend(of_license.then_some(times[1]));
        mandatory.extend(activity.contains("Status").then_some(("status", 0)));
        mandatory.extend((activity == "changeInstanceCheck").then_some(("productInfo", 0)));
        mandatory.push(("activity", 0));

        for (name, _) in mandatory {
            for changed in [
                without(&table.sample, name),
                with(&table.sample, name, Value::Null),
                with(&table.sample, name, json!("")),
            ] {
                let message = refusal(&changed);
                assert!(message.contains(&format!("{name} is missing")), "{changed}: {message}");
                assert!(message.contains(&format!("参数{name}缺失")), "{message}");
            }
        }
    }
}

#[test]
fn optional_fields_may_be_absent_or_empty() {
    for table in tables() {
        for (name, _) in table.optional {
            let absent = read(&without(&table.sample, name)).unwrap();
            assert_eq!(read(&with(&table.sample, name, json!(""))).unwrap(), absent, "{name}");
            assert_eq!(read(&with(&table.sample, name, Value::Null)).unwrap(), absent, "{name}");
        }
    }
    let sample = &tables()[4].sample;
    for name in ["expireTime", "deviceFingerprint"] {
        for changed in [without(sample, name), with(sample, name, json!(""))] {
            let Ok(Call::GetLicenseAsync(call)) = read(&changed) else { panic!("{changed}") };
            let given = [call.expires.is_some(), call.device_fingerprint.is_some()];
            assert_eq!(given, [name != "expireTime", name != "deviceFingerprint"]);
        }
    }
}

#[test]
fn lengths_are_counted_in_characters_and_the_field_is_named() {
    for table in tables() {
        for &(name, max) in table.mandatory.iter().chain(table.optional) {
            let fits = with(&table.sample, name, json!("字".repeat(max)));
            assert!(read(&fits).is_ok(), "{name} of {max}");
            let message = refusal(&with(&table.sample, name, json!("字".repeat(max + 1))));
            assert!(message.contains(&format!("{name} is longer than {max}")), "{message}");
        }
    }
}

#[test]
fn wrong_types_are_refused_by_name_and_numbers_stand_for_their_text() {
    for table in tables() {
        for &(name, _) in table.mandatory.iter().chain(table.optional) {
            for wrong in [json!({"a": "b"}), json!(["CS1"]), json!(true), json!([])] {
                let message = refusal(&with(&table.sample, name, wrong));
                assert!(message.contains(&format!("{name} is not a text")), "{message}");
            }
            assert!(read(&with(&table.sample, name, json!(12345))).is_ok(), "{name}");
        }
    }
    let Ok(Call::NewInstance(call)) = read(&with(&tables()[0].sample, "orderId", json!(12345)))
    else {
        panic!("no newInstance")
    };
    assert_eq!(call.order_id, "12345");
}

#[test]
fn control_characters_are_refused_by_name() {
    for table in tables() {
        for &(name, _) in table.mandatory.iter().chain(table.optional) {
            for text in ["a\u{0}", "a\nb", "\u{7f}"] {
                let message = refusal(&with(&table.sample, name, json!(text)));
                assert!(message.contains(&format!("{name} has control characters")), "{message}");
            }
        }
    }
}

#[test]
fn the_test_flag_has_two_values() {
    for table in tables() {
        for (flag, test) in [
            (Value::Null, false),
            (json!(""), false),
            (json!("0"), false),
            (json!(0), false),
            (json!("1"), true),
            (json!(1), true),
        ] {
            let call = read(&with(&table.sample, "testFlag", flag.clone())).unwrap();
            assert_eq!(call.test(), test, "{flag}");
        }
        for flag in [json!("2"), json!("true"), json!(true), json!("111"), json!(["1"])] {
            assert!(refusal(&with(&table.sample, "testFlag", flag)).contains("testFlag"));
        }
    }
}

#[test]
fn members_that_no_table_names_are_tolerated() {
    for table in tables() {
        let more = with(&table.sample, "later", json!({"deep": [1, {"x": null}]}));
        assert_eq!(read(&more), read(&table.sample));
    }
}

#[test]
fn times_are_read_in_every_printed_form_and_refused_by_name() {
    let refresh = &tables()[1].sample;
    let code = &tables()[8].sample;
    let expires = |text: &str| match read(&with(refresh, "expireTime", json!(text))) {
        Ok(Call::RefreshInstance(call)) => call.expires,
        other => panic!("{other:?}"),
    };
    assert_eq!(expires("20221124023618"), 1_669_257_378);
    assert_eq!(expires("20221124023618256"), 1_669_257_378);
    assert_eq!(expires("2022-11-24T02:36:18Z"), 1_669_257_378);

    for (sample, name) in [
        (refresh, "expireTime"),
        (code, "expireTime"),
        (&tables()[4].sample, "effectiveTime"),
        (&tables()[4].sample, "expireTime"),
    ] {
        for text in ["tomorrow", "20221324023618", "0", "2022112402361"] {
            let message = refusal(&with(sample, name, json!(text)));
            assert!(message.contains(&format!("{name} is not a time")), "{message}");
        }
        let message = refusal(&with(sample, name, json!("2".repeat(33))));
        assert!(message.contains(&format!("{name} is longer than 32")), "{message}");
    }
}

#[test]
fn a_status_is_one_of_two() {
    let sample = &tables()[2].sample;
    let Ok(Call::UpdateInstanceStatus(call)) = read(&with(sample, "status", json!("UNFREEZE")))
    else {
        panic!("no status")
    };
    assert_eq!(call.status, Status::Unfreeze);
    for status in ["freeze", "NORMAL", "FREEZE "] {
        assert!(refusal(&with(sample, "status", json!(status))).contains("status is neither"));
    }
    assert!(refusal(&without(sample, "status")).contains("status is missing"));
}

#[test]
fn a_target_product_is_an_object_or_its_text() {
    let sample = &tables()[7].sample;
    let target = |info: Value| with(sample, "productInfo", info);
    let read_info = |info: Value| match read(&target(info.clone())) {
        Ok(Call::ChangeInstanceCheck(call)) => call.product_info,
        other => panic!("{info}: {other:?}"),
    };
    let whole = read_info(sample["productInfo"].clone());
    assert_eq!(read_info(json!(sample["productInfo"].to_string())), whole);
    assert_eq!(read_info(json!(format!(" {} ", sample["productInfo"]))), whole);
    let more = json!({"productId": 7, "skuCode": "", "linearValue": "12", "later": [{}]});
    let expected = ProductInfo { product_id: "7".into(), sku_code: None, linear_value: Some(12) };
    assert_eq!(read_info(more), expected);

    for (wrong, reason) in [
        (json!(""), "productInfo is missing"),
        (Value::Null, "productInfo is missing"),
        (json!("OFFI1"), "productInfo is not a JSON object"),
        (json!("[]"), "productInfo is not a JSON object"),
        (json!("{\"productId\":\"a\""), "productInfo is not a JSON object"),
        (json!("{\"productId\":\"a\",\"productId\":\"b\"}"), "productInfo is not a JSON object"),
        (json!([{"productId": "OFFI1"}]), "productInfo is not a JSON object"),
        (json!(7), "productInfo is not a JSON object"),
        (json!(true), "productInfo is not a JSON object"),
        (json!({}), "productId is missing"),
        (json!("{}"), "productId is missing"),
        (json!({"productId": ""}), "productId is missing"),
        (json!({"productId": {"a": 1}}), "productId is not a text"),
        (json!({"productId": "字".repeat(65)}), "productId is longer than 64"),
        (json!({"productId": "OFFI1", "skuCode": "s".repeat(65)}), "skuCode is longer than 64"),
        (json!({"productId": "OFFI1", "linearValue": "many"}), "linearValue is not a number"),
        (json!({"productId": "OFFI1", "linearValue": []}), "linearValue is not a text"),
    ] {
        let message = refusal(&target(wrong.clone()));
        assert!(message.contains(reason), "{wrong}: {message}");
    }
}

#[test]
fn every_scene_is_kept() {
    let sample = &tables()[1].sample;
    for (text, scene) in [
        ("TRIAL_TO_FORMAL", Scene::TrialToFormal),
        ("RENEWAL", Scene::Renewal),
        ("UNSUBSCRIBE_RENEWAL_PERIOD", Scene::UnsubscribeRenewalPeriod),
        ("RENEWAL_CHANGE", Scene::RenewalChange),
        ("SOMETHING_NEW", Scene::Other("SOMETHING_NEW".into())),
    ] {
        let Ok(Call::RefreshInstance(call)) = read(&with(sample, "scene", json!(text))) else {
            panic!("no refresh")
        };
        assert_eq!((call.scene.as_str(), &call.scene), (text, &scene));
    }
}

#[test]
fn a_fingerprint_is_limited_in_bytes() {
    let sample = &tables()[4].sample;
    let fingerprint = |text: String| with(sample, "deviceFingerprint", json!(text));
    let Ok(Call::GetLicenseAsync(call)) = read(&fingerprint("A".repeat(5120))) else {
        panic!("5,120 bytes refused")
    };
    assert_eq!(call.device_fingerprint.unwrap().len(), 5120);
    for text in ["A".repeat(5121), "字".repeat(1707)] {
        let message = refusal(&fingerprint(text));
        assert!(message.contains("deviceFingerprint is longer than 5120 bytes"), "{message}");
    }
    assert!(refusal(&fingerprint("a\0b".into())).contains("deviceFingerprint"));
    assert!(refusal(&with(sample, "deviceFingerprint", json!({}))).contains("deviceFingerprint"));
    assert!(read(&fingerprint("tab\there".into())).is_ok());
}

#[test]
fn an_event_stays_inside_of_its_path() {
    let sample = &tables()[4].sample;
    for event in [".", ".."] {
        assert!(refusal(&with(sample, "eventId", json!(event))).contains("eventId"));
    }
    assert!(read(&with(sample, "eventId", json!("a/../b"))).is_ok());
}

#[test]
fn up_to_a_hundred_instances_are_asked_for() {
    let query = |ids: &str| json!({"activity": "queryInstance", "instanceId": ids});
    let ids = |n: usize| vec!["i"; n].join(",");
    let count = |value: &Value| match read(value) {
        Ok(Call::QueryInstance(call)) => call.instance_ids.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(count(&query("i-1")), 1);
    assert_eq!(count(&query(" i-1 , i-2 ")), 2);
    assert_eq!(count(&query(&ids(100))), 100);
    assert_eq!(count(&query(&vec!["i".repeat(64); 100].join(","))), 100);
    assert_eq!(count(&query("12")), 1);

    for (text, reason) in [
        (ids(101), "more than 100"),
        (",".repeat(60_000), "more than 100"),
        (String::new(), "is missing"),
        (",".into(), "empty ID"),
        ("i-1,".into(), "empty ID"),
        ("i-1,,i-2".into(), "empty ID"),
        (" ".into(), "empty ID"),
        ("i".repeat(65), "longer than 64"),
        ("i-1\u{1},i-2".into(), "control characters"),
    ] {
        let message = refusal(&query(&text));
        assert!(message.contains("instanceId") && message.contains(reason), "{message}");
    }
}

#[test]
fn activities_have_their_interface_type() {
    for (activity, expected) in [
        ("queryInstance", Some(InterfaceType::Basic)),
        ("upgradeInstance", Some(InterfaceType::Basic)),
        ("changeInstanceCheck", Some(InterfaceType::Basic)),
        ("refreshLicenseCode", Some(InterfaceType::LicenseCode)),
        ("updateLicenseCodeStatus", Some(InterfaceType::LicenseCode)),
        ("releaseLicenseCode", Some(InterfaceType::LicenseCode)),
        ("orderNotify", Some(InterfaceType::General)),
        ("newinstance", None),
        ("getLicense", None),
        ("", None),
    ] {
        assert_eq!(interface(activity), expected, "{activity}");
    }
}

#[test]
fn an_unknown_activity_is_refused() {
    for activity in ["newinstance", "deleteEverything", "getLicense", " newInstance"] {
        let message = refusal(&json!({"activity": activity, "orderId": "CS1"}));
        assert!(message.contains("is not known") && message.contains(activity), "{message}");
    }
    assert!(refusal(&json!({"activity": "x".repeat(10_000)})).contains("activity"));
    assert!(refusal(&json!({"activity": ["newInstance"]})).contains("activity is not a text"));
    assert!(refusal(&json!({"orderId": "CS1"})).contains("activity is missing"));
    assert!(unknown_activity(&"\u{1}".repeat(500)).message.chars().count() <= 255);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        activity in 0usize..12,
        members in prop::collection::btree_map(
            prop_oneof!["orderId", "orderLineId", "businessId", "instanceId", "scene", "status",
                "expireTime", "effectiveTime", "eventId", "deviceFingerprint", "testFlag",
                "license", "productInfo", "productId"],
            prop_oneof![
                any::<String>().prop_map(Value::from),
                "[0-9]{0,20}".prop_map(Value::from),
                any::<i64>().prop_map(Value::from),
                any::<bool>().prop_map(Value::from),
                Just(json!({})),
            ],
            0..8,
        ),
    ) {
        let mut value = tables()[activity].sample.clone();
        for (name, member) in members {
            value[name] = member;
        }
        if let Err(rejection) = read(&value) {
            prop_assert_eq!(rejection.code, ResultCode::BadParameter);
            prop_assert!(rejection.message.chars().count() <= 255);
        }
    }
}
