//! Other encodings of the same call, each of which an endpoint must accept.

use super::expectation::Rule;
use super::suite::{Conformance, MAX_BODY_LEN};
use crate::endpoint::EndpointError;
use crate::time::stamp;

const SAME: (&str, &str) = ("another spelling of the same call", "同一调用的另一种写法");

pub(super) fn run(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    bodies(suite)?;
    signatures(suite)?;
    times(suite)
}

fn same(suite: &Conformance<'_>) -> Rule {
    Rule::instance(&suite.instance, SAME.0, SAME.1)
}

fn bodies(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let rule = same(suite);
    let message = suite.create()?;
    let sent = "newInstance, members in descending order";
    let request = suite.endpoint.sign(message.json_reversed())?;
    suite.send_raw("reordered", format!("{sent}, signed as sent"), &request, &rule);
    let request = suite.endpoint.sign_as(&message.json_reversed(), &message.json())?;
    suite.send_raw(
        "reordered-canonical",
        format!("{sent}, signed in ascending order"),
        &request,
        &rule,
    );

    let message = suite.create()?;
    let spaced = message.json().replace(",\"", " ,\n  \"");
    let request = suite.endpoint.sign_as(&spaced, &message.json())?;
    suite.send_raw("blanks", "newInstance with blanks and line ends".to_owned(), &request, &rule);

    let message = suite.create()?;
    let escaped = message.json().replace("newInstance", "\\u006eewInstance");
    let request = suite.endpoint.sign_as(&escaped, &message.json())?;
    suite.send_raw("escaped", "newInstance with a \\u escape".to_owned(), &request, &rule);

    let message = suite.create()?;
    let with_null = message.json().replacen('{', "{\"aNull\":null,", 1);
    let request = suite.endpoint.sign_as(&with_null, &message.json())?;
    suite.send_raw(
        "null-member",
        "newInstance with a member that is null".to_owned(),
        &request,
        &rule,
    );

    let message = suite.create()?.with("aMemberOfTomorrow", "云商店 𠮷");
    suite.call("unknown-member", &message, &rule)?;

    let message = suite.create_padded(MAX_BODY_LEN)?;
    suite.call(
        "body-64-kib",
        &message,
        &Rule::instance(
            &suite.instance,
            "a body of exactly 64 KiB is read",
            "恰好 64 KiB 的请求体可以读取",
        ),
    )
}

fn signatures(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let rule = same(suite);
    for (case, upper) in [("signature-upper-case", true), ("signature-lower-case", false)] {
        let mut request = suite.endpoint.sign(suite.create()?.json())?;
        request.query = recase(&request.query, upper);
        suite.send_raw(case, "newInstance".to_owned(), &request, &rule);
    }
    let mut request = suite.endpoint.sign(suite.create()?.json())?;
    request.query = suite.endpoint.query(&request.body, suite.endpoint.now_ms() / 1000)?;
    let rule = Rule::instance(
        &suite.instance,
        "ten digits of timestamp are seconds",
        "十位 timestamp 为秒",
    );
    suite.send_raw("timestamp-seconds", "newInstance".to_owned(), &request, &rule);
    Ok(())
}

/// The query with the hexadecimal digits of its signature in upper or lower case.
fn recase(query: &str, upper: bool) -> String {
    let Some((signature, rest)) = query.split_once('&') else { return query.to_owned() };
    let value = signature.trim_start_matches("signature=");
    let value = if upper { value.to_uppercase() } else { value.to_lowercase() };
    format!("signature={value}&{rest}")
}

fn times(suite: &mut Conformance<'_>) -> Result<(), EndpointError> {
    let rule = Rule::done("14 or 17 digits", "14 位或 17 位数字");
    let seventeen = suite.stamp("%Y%m%d%H%M%S", 365) + "256";
    let sent = format!("refreshInstance, expireTime {seventeen}");
    let message = suite.update("RENEWAL").with("expireTime", seventeen);
    let request = suite.endpoint.sign(message.json())?;
    suite.send_raw("expire-17-digits", sent, &request, &rule);

    let now = suite.endpoint.now_ms() / 1000;
    let rule = Rule::accepted(
        "effectiveTime and expireTime as `… z`, `…z`, `… Z` or ISO 8601",
        "effectiveTime、expireTime 可写作「… z」「…z」「… Z」或 ISO 8601",
    );
    for format in ["%Y-%m-%d %H:%M:%SZ", "%Y-%m-%d %H:%M:%S Z", "%Y-%m-%dT%H:%M:%SZ"] {
        let (effective, expires) = (stamp(format, now), stamp(format, now + 365 * 86_400));
        let sent = format!("getLicenseAsync, effectiveTime {effective}");
        let message = suite.license().with("effectiveTime", effective).with("expireTime", expires);
        let request = suite.endpoint.sign(message.json())?;
        suite.send_raw("license-time", sent, &request, &rule);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_signature_changes_its_case() {
        assert_eq!(recase("signature=aB&nonce=cD", true), "signature=AB&nonce=cD");
        assert_eq!(recase("signature=aB&nonce=cD", false), "signature=ab&nonce=cD");
    }
}
