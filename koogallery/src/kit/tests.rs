//! Every field of every kit call: present, absent, empty, too long, of a wrong type.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::code::ResultCode;

const NUMBERS: [&str; 2] = ["flag", "testFlag"];

struct Table {
    interface: KitInterface,
    sample: Value,
    /// Name and length of the texts that must be there.
    mandatory: &'static [(&'static str, usize)],
    /// Those of them that may be empty.
    maybe_empty: &'static [&'static str],
}

fn user() -> Value {
    json!({"userName": "zhang.san", "name": "张三", "position": "工程师", "orgCode": "D01",
        "role": "user", "enable": "true", "employeeCode": "E1", "mobile": "13800000000",
        "email": "zs@example.com", "extension": {"entryDate": "2020-01-01", "employeeType": 1,
        "workPlace": "深圳"}})
}

fn tables() -> Vec<Table> {
    vec![
        Table {
            interface: KitInterface::TenantSync,
            sample: json!({"instanceId": "i-1", "orderId": "CS1", "tenantId": "t1",
                "tenantCode": "code", "name": "企业", "domainName": "https://sso.example.com",
                "flag": 1, "testFlag": 0, "timeStamp": "20240101080000123"}),
            mandatory: &[
                ("instanceId", 64),
                ("orderId", 64),
                ("tenantId", 64),
                ("tenantCode", 64),
                ("name", 255),
            ],
            maybe_empty: &["instanceId", "orderId"],
        },
        Table {
            interface: KitInterface::ApplicationSync,
            sample: json!({"instanceId": "i-1", "tenantId": "t1", "appId": "a1", "clientId": "c1",
                "clientSecret": "c2VjcmV0", "flag": 1, "testFlag": 0,
                "timeStamp": "20240101080000123"}),
            mandatory: &[("instanceId", 64), ("tenantId", 64), ("appId", 64), ("clientId", 64)],
            maybe_empty: &[],
        },
        Table {
            interface: KitInterface::AuthSync,
            sample: json!({"instanceId": "i-1", "tenantId": "t1", "appId": "a1",
                "userList": json!([user()]).to_string(), "currentSyncTime": "20240101080000123",
                "flag": 1, "testFlag": 0, "timeStamp": "20240101080000123"}),
            mandatory: &[
                ("instanceId", 64),
                ("tenantId", 64),
                ("appId", 64),
                ("currentSyncTime", 64),
            ],
            maybe_empty: &[],
        },
    ]
}

fn read(interface: KitInterface, value: &Value) -> Result<KitCall, Rejection> {
    read_as(interface, Edition::V2, value)
}

fn read_as(interface: KitInterface, edition: Edition, value: &Value) -> Result<KitCall, Rejection> {
    let body = Body::parse_within(value.to_string().as_bytes(), LIMIT).unwrap();
    KitCall::read(interface, edition, &body)
}

fn refusal(interface: KitInterface, value: &Value) -> String {
    let rejection = read(interface, value).expect_err(&value.to_string());
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

fn list(users: &Value) -> Value {
    with(&tables()[2].sample, "userList", json!(users.to_string()))
}

#[test]
fn the_samples_are_read() {
    let [tenant, application, users] = [0, 1, 2].map(|at| {
        let table = &tables()[at];
        read(table.interface, &table.sample).unwrap()
    });
    let expected = TenantSync {
        instance_id: "i-1".into(),
        order_id: "CS1".into(),
        tenant_id: "t1".into(),
        tenant_code: "code".into(),
        name: "企业".into(),
        domain_name: "https://sso.example.com".into(),
        change: SyncAction::Add,
        test: false,
        time_stamp: "20240101080000123".into(),
    };
    assert_eq!(tenant, KitCall::Tenant(expected));

    let KitCall::Application(call) = application else { panic!("no application") };
    assert_eq!((call.app_id.as_str(), call.client_id.as_str()), ("a1", "c1"));
    assert_eq!(call.client_secret.bytes(), b"secret");
    assert!(!format!("{call:?}").contains("secret\""));

    let KitCall::Users(call) = users else { panic!("no users") };
    assert_eq!(
        call.users,
        [User {
            user_name: "zhang.san".into(),
            name: "张三".into(),
            position: Some("工程师".into()),
            org_code: "D01".into(),
            role: Role::User,
            enable: true,
            employee_code: Some("E1".into()),
            mobile: Some("13800000000".into()),
            email: Some("zs@example.com".into()),
            extension: Some(Extension {
                entry_date: Some("2020-01-01".into()),
                employee_type: Some(1),
                work_place: Some("深圳".into()),
            }),
        }]
    );
}

#[test]
fn paths_name_their_interface() {
    for &interface in KitInterface::ALL {
        assert_eq!(KitInterface::from_segment(interface.as_str()), Some(interface));
        assert_eq!(interface.path(Edition::V2), format!("/produceAPI/v2/{}", interface.as_str()));
        assert_eq!(interface.path(Edition::V1), format!("/produceAPI/{}", interface.as_str()));
    }
    assert_eq!(KitInterface::from_segment("TenantSync"), None);
}

#[test]
fn every_mandatory_field_is_needed_and_named() {
    for table in tables() {
        let others: &[&str] = match table.interface {
            KitInterface::TenantSync => &["domainName", "flag", "timeStamp"],
            KitInterface::ApplicationSync => &["clientSecret", "flag", "timeStamp"],
            _ => &["userList", "flag", "timeStamp"],
        };
        let names = table.mandatory.iter().map(|(name, _)| *name).chain(others.iter().copied());
        for name in names {
            let mut changed =
                vec![without(&table.sample, name), with(&table.sample, name, Value::Null)];
            let empty = with(&table.sample, name, json!(""));
            if table.maybe_empty.contains(&name) {
                assert!(read(table.interface, &empty).is_ok(), "{name}");
            } else {
                changed.push(empty);
            }
            for changed in changed {
                let message = refusal(table.interface, &changed);
                assert!(message.contains(&format!("{name} is missing")), "{changed}: {message}");
            }
        }
    }
}

#[test]
fn lengths_are_counted_in_characters_and_the_field_is_named() {
    for table in tables() {
        for &(name, max) in table.mandatory {
            let fits = with(&table.sample, name, json!("字".repeat(max)));
            assert!(read(table.interface, &fits).is_ok(), "{name} of {max}");
            let long = with(&table.sample, name, json!("字".repeat(max + 1)));
            let message = refusal(table.interface, &long);
            assert!(message.contains(&format!("{name} is longer than {max}")), "{message}");
        }
    }
    let tenant = &tables()[0];
    let address = |n: usize| json!(format!("https://{}", "a".repeat(n - 8)));
    assert!(read(tenant.interface, &with(&tenant.sample, "domainName", address(255))).is_ok());
    let message = refusal(tenant.interface, &with(&tenant.sample, "domainName", address(256)));
    assert!(message.contains("domainName is longer than 255"), "{message}");

    let application = &tables()[1];
    let long = with(&application.sample, "clientSecret", json!("A".repeat(2049)));
    let message = refusal(application.interface, &long);
    assert!(message.contains("clientSecret is longer than 2048"), "{message}");
}

#[test]
fn wrong_types_are_refused_by_name_and_numbers_stand_for_their_text() {
    for table in tables() {
        let names = table.mandatory.iter().map(|(name, _)| *name).chain(NUMBERS);
        for name in names.chain(["timeStamp"]) {
            for wrong in [json!({"a": "b"}), json!(["CS1"]), json!(true), json!([])] {
                let message = refusal(table.interface, &with(&table.sample, name, wrong));
                assert!(message.contains(&format!("{name} is not a text")), "{message}");
            }
        }
        for &(name, _) in table.mandatory {
            assert!(read(table.interface, &with(&table.sample, name, json!(12345))).is_ok());
        }
        let time = with(&table.sample, "timeStamp", json!(20_240_101_080_000_123_u64));
        assert_eq!(read(table.interface, &time), read(table.interface, &table.sample));
        for (name, wrong) in [("userList", json!([])), ("clientSecret", json!({"a": 1}))] {
            if table.sample.get(name).is_some() {
                let message = refusal(table.interface, &with(&table.sample, name, wrong));
                assert!(message.contains(&format!("{name} is not a text")), "{message}");
            }
        }
    }
}

#[test]
fn control_characters_are_refused_by_name() {
    for table in tables() {
        for &(name, _) in table.mandatory {
            for text in ["a\u{0}", "a\nb", "\u{7f}"] {
                let message = refusal(table.interface, &with(&table.sample, name, json!(text)));
                assert!(message.contains(&format!("{name} has control characters")), "{message}");
            }
        }
    }
}

#[test]
fn flags_are_numbers_or_their_text() {
    for table in tables() {
        let change = |edition, flag: Value| {
            let call = read_as(table.interface, edition, &with(&table.sample, "flag", flag));
            call.map(|call| match call {
                KitCall::Tenant(call) => call.change,
                KitCall::Application(call) => call.change,
                KitCall::Users(call) => call.change,
                KitCall::Organisation(_) => panic!("no flag"),
            })
        };
        for edition in [Edition::V1, Edition::V2] {
            for (flag, expected) in [
                (json!(0), SyncAction::Delete),
                (json!("0"), SyncAction::Delete),
                (json!(1), SyncAction::Add),
                (json!("1"), SyncAction::Add),
            ] {
                assert_eq!(change(edition, flag), Ok(expected));
            }
            for flag in [json!(3), json!(-1), json!("00"), json!(1.0), json!("add"), json!("111")] {
                let message = change(edition, flag).unwrap_err().message;
                assert!(message.contains("flag"), "{message}");
            }
        }
        // V1 prints no change of tenants and applications.
        assert_eq!(change(Edition::V2, json!(2)), Ok(SyncAction::Update));
        let first = change(Edition::V1, json!("2"));
        assert_eq!(first.is_ok(), table.interface == KitInterface::AuthSync);

        for (flag, test) in [
            (Value::Null, false),
            (json!(""), false),
            (json!(0), false),
            (json!("1"), true),
            (json!(1), true),
        ] {
            let call = read(table.interface, &with(&table.sample, "testFlag", flag)).unwrap();
            assert_eq!(call.test(), test);
        }
        assert!(!read(table.interface, &without(&table.sample, "testFlag")).unwrap().test());
        let message = refusal(table.interface, &with(&table.sample, "testFlag", json!(2)));
        assert!(message.contains("testFlag is neither 0 nor 1"), "{message}");
    }
}

#[test]
fn a_time_stamp_has_a_form_and_no_meaning() {
    let table = &tables()[0];
    for text in ["20240101080000123", "19700101000000000", "99991231235959999", "201706211855321"] {
        assert!(read(table.interface, &with(&table.sample, "timeStamp", json!(text))).is_ok());
    }
    for text in ["now", "2024-01-01", "20241301080000123", "2024010108000", "2024010108000012x"] {
        let message = refusal(table.interface, &with(&table.sample, "timeStamp", json!(text)));
        assert!(message.contains("timeStamp is not yyyyMMddHHmmssSSS"), "{message}");
    }
    let long = with(&table.sample, "timeStamp", json!("202401010800001234"));
    assert!(refusal(table.interface, &long).contains("timeStamp is longer than 17"));
}

#[test]
fn an_authentication_centre_has_an_address() {
    let table = &tables()[0];
    for text in ["sso.example.com", "ftp://sso.example.com", "https://", "javascript:alert(1)"] {
        let message = refusal(table.interface, &with(&table.sample, "domainName", json!(text)));
        assert!(message.contains("domainName is not an https address"), "{message}");
    }
    let plain = with(&table.sample, "domainName", json!("http://sso.example.com"));
    let message = refusal(table.interface, &plain);
    assert!(message.contains("domainName is plain http"), "{message}");
    let local = with(&table.sample, "domainName", json!("http://127.0.0.1:8080"));
    assert!(read(table.interface, &local).is_ok());
}

#[test]
fn a_secret_is_base64_or_hex() {
    let table = &tables()[1];
    let bytes =
        |text: &str| match read(table.interface, &with(&table.sample, "clientSecret", json!(text)))
        {
            Ok(KitCall::Application(call)) => call.client_secret.bytes().to_vec(),
            other => panic!("{other:?}"),
        };
    assert_eq!(bytes("+/8="), [0xfb, 0xff]);
    assert_eq!(bytes("-_8"), [0xfb, 0xff]);
    assert_eq!(bytes("c2Vj\r\ncmV0\n"), b"secret");
    assert_eq!(bytes(&"ab".repeat(384)), [0xab; 384]);
    assert_eq!(bytes(&"abcd".repeat(128)).len(), 384);
    for text in ["秘密", "a b!", "="] {
        let message = refusal(table.interface, &with(&table.sample, "clientSecret", json!(text)));
        assert!(message.contains("clientSecret is neither base64 nor hex"), "{message}");
    }
}

#[test]
fn up_to_five_hundred_users_are_named() {
    let count = |value: &Value| match read(KitInterface::AuthSync, value) {
        Ok(KitCall::Users(call)) => call.users.len(),
        other => panic!("{other:?}"),
    };
    let users = |n: usize| {
        (0..n).map(|i| with(&user(), "userName", json!(format!("u{i}")))).collect::<Value>()
    };
    assert_eq!(count(&list(&json!([]))), 0);
    assert_eq!(count(&list(&users(500))), 500);
    let message = refusal(KitInterface::AuthSync, &list(&users(501)));
    assert!(message.contains("userList names more than 500 users"), "{message}");

    for text in ["{}", "users", "5", "null", "[1]", "[null]", "[[]]", "[{}", r#"["u1"]"#] {
        let changed = with(&tables()[2].sample, "userList", json!(text));
        assert!(refusal(KitInterface::AuthSync, &changed).contains("userList"), "{text}");
    }
}

#[test]
fn every_field_of_a_user_is_judged_and_the_user_named_by_place() {
    let second = |changed: Value| list(&json!([user(), changed]));
    for name in ["userName", "name", "orgCode", "role", "enable"] {
        for changed in [without(&user(), name), with(&user(), name, json!(""))] {
            let message = refusal(KitInterface::AuthSync, &second(changed));
            assert!(message.starts_with(&format!("userList[1]: {name} is missing")), "{message}");
        }
    }
    for name in ["userName", "name", "orgCode", "position", "employeeCode", "mobile", "email"] {
        assert!(
            read(KitInterface::AuthSync, &second(with(&user(), name, json!("字".repeat(255)))))
                .is_ok()
        );
        for (wrong, reason) in [
            (json!("字".repeat(256)), "is longer than 255"),
            (json!([1]), "is not a text"),
            (json!("a\u{0}"), "has control characters"),
        ] {
            let message = refusal(KitInterface::AuthSync, &second(with(&user(), name, wrong)));
            assert!(message.starts_with(&format!("userList[1]: {name} {reason}")), "{message}");
        }
    }
    for (name, wrong, reason) in [
        ("role", json!("root"), "role is neither user nor admin"),
        ("enable", json!("yes"), "enable is neither true nor false"),
        ("enable", json!(1), "enable is neither true nor false"),
        ("extension", json!("text"), "extension is not a JSON object"),
        ("extension", json!({"employeeType": 5}), "employeeType is none of 1 to 4"),
        ("extension", json!({"workPlace": [1]}), "workPlace is not a text"),
    ] {
        let message = refusal(KitInterface::AuthSync, &second(with(&user(), name, wrong)));
        assert!(message.starts_with(&format!("userList[1]: {reason}")), "{message}");
    }
}

#[test]
fn users_are_read_leniently() {
    let first = |user: &Value| match read(KitInterface::AuthSync, &list(&json!([user]))) {
        Ok(KitCall::Users(call)) => call.users[0].clone(),
        other => panic!("{other:?}"),
    };
    assert!(!first(&with(&user(), "enable", json!(false))).enable);
    assert_eq!(first(&with(&user(), "role", json!("admin"))).role, Role::Admin);
    let text = with(&user(), "extension", json!(r#"{"employeeType":"4"}"#));
    assert_eq!(first(&text).extension.unwrap().employee_type, Some(4));
    assert_eq!(first(&with(&user(), "extension", json!(""))).extension, None);
    assert_eq!(first(&with(&user(), "later", json!([1]))), first(&user()));

    // Who is deleted needs no more than a name.
    let short = json!([{"userName": "zhang.san"}]).to_string();
    let delete = with(&with(&tables()[2].sample, "userList", json!(short)), "flag", json!(0));
    assert!(read(KitInterface::AuthSync, &delete).is_ok());
    assert!(read(KitInterface::AuthSync, &with(&delete, "flag", json!(1))).is_err());
}

#[test]
fn organisations_are_taken_as_they_come() {
    for (interface, all) in [(KitInterface::SingleOrgSync, false), (KitInterface::AllOrgSync, true)]
    {
        let call = |value: Value| match read(interface, &value) {
            Ok(KitCall::Organisation(call)) => call,
            other => panic!("{other:?}"),
        };
        let named = call(json!({"instanceId": "i-1", "tenantId": 7, "testFlag": 1, "x": [1]}));
        assert_eq!((named.instance_id.as_str(), named.tenant_id.as_str()), ("i-1", "7"));
        assert!(named.test && named.all == all);
        let bare = call(json!({"instanceId": ["i"], "tenantId": "t".repeat(65)}));
        assert_eq!(
            (bare.instance_id, bare.tenant_id, bare.test),
            (String::new(), String::new(), false)
        );
    }
}

proptest! {
    #[test]
    fn no_list_makes_it_panic(text in "\\PC{0,60}", name in "\\PC{0,8}", member: Option<bool>) {
        let _ = read(KitInterface::AuthSync, &with(&tables()[2].sample, "userList", json!(text)));
        let _ = read(KitInterface::AuthSync, &list(&json!([{ name: member }])));
    }
}
