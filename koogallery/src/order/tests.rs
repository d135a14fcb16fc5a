//! The printed sample, what else the marketplace may answer, and both ways round.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::failure::Remedy;

/// 2024-11-21 09:08:46, the sample's time of ordering.
const NOW: i64 = 1_732_180_126;

fn sample() -> Value {
    json!({"resultCode": "MKT.0000", "resultMsg": "Success", "orderInfo": {
        "orderId": "MOCKPERIODYEARNEW", "orderType": "NEW", "createTime": "20241121090846",
        "orderLine": [{"orderLineId": "MOCKPERIODYEARNEW-000001", "chargingMode": "PERIOD",
            "periodType": "year", "periodNumber": 1, "expireTime": "20251121235959",
            "productInfo": [{"productId": "OFFI846204237451911168",
                "skuCode": "0a4d1578-5295-46a7-92d4-7c803dccc51d", "linearValue": 50,
                "productName": "mock product"}],
            "extendParams": [{"name": "emailDomainName", "value": "test.xxxx.com"},
                {"name": "ip", "value": "127.0.0.1"}],
            "currency": "100", "currencyAfterDiscount": "100"}],
        "buyerInfo": {"mobilePhone": null, "email": null, "customerId": "mock_customer_01",
            "customerName": "mock_user_01", "customerRealName": null, "customerType": 0,
            "userId": null, "userName": null},
        "extendParams": []}})
}

fn read(answer: &Value) -> Result<Order, Failure> {
    read_answer(200, answer.to_string().as_bytes())
}

#[test]
fn the_request_names_order_and_line() {
    assert_eq!(
        query_path("CS1", None),
        "/api/mkp-openapi-public/global/v1/order/query?orderId=CS1"
    );
    assert_eq!(
        query_path("a b&c", Some("中")),
        "/api/mkp-openapi-public/global/v1/order/query?orderId=a%20b%26c&orderLineId=%E4%B8%AD"
    );
}

#[test]
fn the_printed_sample_is_the_mock_order_of_that_day() {
    let order = read(&sample()).unwrap();
    let mut expected = mock("MOCKPERIODYEARNEW", NOW).unwrap();
    expected.lines[0].extend_params = vec![
        ExtendParam { name: "emailDomainName".into(), value: "test.xxxx.com".into() },
        ExtendParam { name: "ip".into(), value: "127.0.0.1".into() },
    ];
    assert_eq!(order, expected);

    let line = order.line("MOCKPERIODYEARNEW-000001").unwrap();
    assert!(line.is_period() && !order.is_trial());
    assert_eq!(line.products[0].quantity(), 50);
    assert_eq!(line.expire_time, Some(1_763_769_599));
    assert_eq!(order.line("MOCKPERIODYEARNEW-000002"), None);
}

#[test]
fn an_order_that_is_written_reads_back() {
    for id in MOCK_ORDERS {
        let order = mock(id, NOW).unwrap();
        assert_eq!(read_answer(200, &answer(&order)), Ok(order));
    }
    let written: Value = serde_json::from_slice(&answer(&read(&sample()).unwrap())).unwrap();
    assert_eq!(written, sample());
}

#[test]
fn every_mock_order_is_what_its_name_says() {
    let kinds: Vec<_> = MOCK_ORDERS
        .iter()
        .map(|id| {
            let order = mock(id, NOW).unwrap();
            let line = &order.lines[0];
            assert_eq!(line.id, format!("{id}-000001"));
            assert_eq!(order.create_time, Some(NOW));
            let days = line.expire_time.map(|end| (end - NOW) / 86_400);
            let word = line.charging_mode.as_str().to_owned();
            (order.order_type.as_str().to_owned(), word, days)
        })
        .collect();
    let kinds: Vec<_> = kinds.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), *c)).collect();
    assert_eq!(
        kinds,
        [
            ("NEW", "PERIOD", Some(365)),
            ("NEW", "ONE_TIME", None),
            ("NEW", "ON_DEMAND", None),
            ("NEW", "ON_DEMAND_PKG", Some(365)),
            ("TRIAL", "PERIOD", Some(7)),
            ("TRIAL_TO_FORMAL", "PERIOD", Some(30)),
            ("UNSUBSCRIBE", "PERIOD", Some(30)),
            ("RENEW", "PERIOD", Some(30)),
            ("CHANGE", "PERIOD", Some(30)),
        ]
    );
    assert!(mock("MOCKPERIODDAYTRIAL", NOW).unwrap().is_trial());
    assert_eq!(mock("CS1", NOW), None);
    assert!(mock("MOCKPERIODYEARNEW", i64::MAX).is_some());
}

#[test]
fn what_may_differ_is_taken() {
    let order = read(&json!({"resultCode": "MKT.0000", "orderInfo": {
        "orderId": 12345, "orderType": "GIFT", "later": {"a": []},
        "orderLine": {"orderLineId": "12345-000001", "chargingMode": null, "expireTime": "",
            "periodNumber": "2", "productInfo": [{"productId": "P1", "linearValue": "3.0"},
                {"productId": "P2", "linearValue": 4.0, "skuCode": null}, {"productId": "P3"},
                {"skuCode": "no product"}, null, {"productId": "P4", "linearValue": -1},
                {"productId": "P5", "linearValue": 1e300}],
            "extendParams": [{"key": "k", "value": 1}], "currency": 99.5}}}))
    .unwrap();
    assert_eq!(order.order_id, "12345");
    assert_eq!(order.order_type, OrderType::Other("GIFT".into()));
    assert_eq!((order.create_time, &order.buyer), (None, &None));
    let line = &order.lines[0];
    assert_eq!(line.charging_mode, ChargingMode::Other(String::new()));
    assert_eq!((line.expire_time, line.period_number), (None, Some(2)));
    let products: Vec<_> =
        line.products.iter().map(|p| (p.product_id.as_str(), p.quantity())).collect();
    assert_eq!(products, [("P1", 3), ("P2", 4), ("P3", 1), ("P4", 1), ("P5", 1)]);
    assert_eq!(line.extend_params, [ExtendParam { name: "k".into(), value: "1".into() }]);
    assert_eq!(line.currency.as_deref(), Some("99.5"));

    let many = OrderProduct {
        product_id: String::new(),
        sku_code: None,
        linear_value: Some(i64::MAX),
        product_name: None,
    };
    assert_eq!(many.quantity(), u32::MAX);
}

#[test]
fn an_answer_without_a_usable_order_is_asked_for_again() {
    let mut unreadable = vec![
        json!({"resultCode": "MKT.0000"}),
        json!({"resultCode": "MKT.0000", "orderInfo": null}),
        json!({"resultCode": "MKT.0000", "orderInfo": []}),
        json!({"resultCode": "MKT.0000", "orderInfo": {"orderType": "NEW"}}),
        json!({"resultCode": "MKT.0000", "orderInfo": {"orderId": "CS1", "orderLine": [{}]}}),
    ];
    for (pointer, value) in [
        ("/orderInfo/createTime", json!("yesterday")),
        ("/orderInfo/orderLine/0/expireTime", json!("20251321235959")),
    ] {
        let mut answer = sample();
        *answer.pointer_mut(pointer).unwrap() = value;
        unreadable.push(answer);
    }
    for answer in unreadable {
        let failure = read(&answer).expect_err(&answer.to_string());
        assert_eq!((failure.code.as_str(), failure.remedy), ("ANSWER_INVALID", Remedy::TryAgain));
    }
}

#[test]
fn a_refusal_is_passed_on() {
    for (code, remedy) in [
        ("MKT.0101", Remedy::GiveUp),
        ("CBC.0101", Remedy::GiveUp),
        ("MKT.0150", Remedy::FixCredentials),
        ("CBC.0999", Remedy::TryAgain),
    ] {
        let failure = read_answer(200, &refusal(code, "words")).unwrap_err();
        assert_eq!((failure.code.as_str(), failure.remedy), (code, remedy));
        assert_eq!(failure.message, "words");
    }
}

#[test]
fn a_buyer_is_not_shown() {
    let buyer = Buyer { mobile_phone: Some("13800000000".into()), ..Buyer::default() };
    assert!(!format!("{buyer:?}").contains("13800000000"));
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(body: Vec<u8>, id: String, number in any::<f64>(), text: String) {
        let _ = read_answer(200, &body);
        let mut answer = sample();
        let info = &mut answer["orderInfo"];
        info["orderId"] = json!(id);
        info["orderLine"][0]["periodNumber"] = json!(number);
        info["orderLine"][0]["productInfo"][0]["linearValue"] = json!(text);
        info["orderLine"][0]["expireTime"] = json!(number);
        let _ = read(&answer);
    }

    #[test]
    fn a_mock_order_takes_any_clock(now: i64) {
        for id in MOCK_ORDERS {
            let order = mock(id, now).unwrap();
            let _ = answer(&order);
        }
    }
}
