//! What an endpoint must put up with: other spellings of the same call.

use super::{BODY_LIMIT, Console, Rule, stamp};

const SAME: (&str, &str) = ("another spelling of the same call", "同一调用的另一种写法");

pub(super) fn run(console: &mut Console<'_>) -> anyhow::Result<()> {
    bodies(console)?;
    signatures(console)?;
    times(console)
}

fn same(console: &Console<'_>) -> Rule {
    Rule::instance(&console.instance, SAME.0, SAME.1)
}

fn bodies(console: &mut Console<'_>) -> anyhow::Result<()> {
    let rule = same(console);
    let message = console.create()?;
    let sent = "newInstance, members in descending order";
    let shot = console.seller.sign(message.json_reversed())?;
    console.shoot("reordered", format!("{sent}, signed as sent"), &shot, &rule);
    let shot = console.seller.sign_as(&message.json_reversed(), &message.json())?;
    console.shoot(
        "reordered-canonical",
        format!("{sent}, signed in ascending order"),
        &shot,
        &rule,
    );

    let message = console.create()?;
    let spaced = message.json().replace(",\"", " ,\n  \"");
    let shot = console.seller.sign_as(&spaced, &message.json())?;
    console.shoot("blanks", "newInstance with blanks and line ends".to_owned(), &shot, &rule);

    let message = console.create()?;
    let escaped = message.json().replace("newInstance", "\\u006eewInstance");
    let shot = console.seller.sign_as(&escaped, &message.json())?;
    console.shoot("escaped", "newInstance with a \\u escape".to_owned(), &shot, &rule);

    let message = console.create()?;
    let with_null = message.json().replacen('{', "{\"aNull\":null,", 1);
    let shot = console.seller.sign_as(&with_null, &message.json())?;
    console.shoot("null-member", "newInstance with a member that is null".to_owned(), &shot, &rule);

    let message = console.create()?.with("aMemberOfTomorrow", "云商店 𠮷");
    console.call("unknown-member", &message, &rule)?;

    let message = console.create_padded(BODY_LIMIT)?;
    console.call(
        "body-64-kib",
        &message,
        &Rule::instance(
            &console.instance,
            "a body of exactly 64 KiB is read",
            "恰好 64 KiB 的请求体可以读取",
        ),
    )
}

fn signatures(console: &mut Console<'_>) -> anyhow::Result<()> {
    let rule = same(console);
    for (case, upper) in [("signature-upper-case", true), ("signature-lower-case", false)] {
        let mut shot = console.seller.sign(console.create()?.json())?;
        shot.query = recase(&shot.query, upper);
        console.shoot(case, "newInstance".to_owned(), &shot, &rule);
    }
    let mut shot = console.seller.sign(console.create()?.json())?;
    shot.query = console.seller.query(&shot.body, console.seller.now_ms() / 1000)?;
    let rule = Rule::instance(
        &console.instance,
        "ten digits of timestamp are seconds",
        "十位 timestamp 为秒",
    );
    console.shoot("timestamp-seconds", "newInstance".to_owned(), &shot, &rule);
    Ok(())
}

/// The query with the hexadecimal digits of its signature in upper or lower case.
fn recase(query: &str, upper: bool) -> String {
    let Some((signature, rest)) = query.split_once('&') else { return query.to_owned() };
    let value = signature.trim_start_matches("signature=");
    let value = if upper { value.to_uppercase() } else { value.to_lowercase() };
    format!("signature={value}&{rest}")
}

fn times(console: &mut Console<'_>) -> anyhow::Result<()> {
    let rule = Rule::done("14 or 17 digits", "14 位或 17 位数字");
    let seventeen = console.stamp("%Y%m%d%H%M%S", 365) + "256";
    let sent = format!("refreshInstance, expireTime {seventeen}");
    let message = console.update("RENEWAL").with("expireTime", seventeen);
    let shot = console.seller.sign(message.json())?;
    console.shoot("expire-17-digits", sent, &shot, &rule);

    let now = console.seller.now_ms() / 1000;
    let rule = Rule::accepted(
        "effectiveTime and expireTime as `… z`, `…z`, `… Z` or ISO 8601",
        "effectiveTime、expireTime 可写作「… z」「…z」「… Z」或 ISO 8601",
    );
    for format in ["%Y-%m-%d %H:%M:%SZ", "%Y-%m-%d %H:%M:%S Z", "%Y-%m-%dT%H:%M:%SZ"] {
        let (effective, expires) = (stamp(format, now), stamp(format, now + 365 * 86_400));
        let sent = format!("getLicenseAsync, effectiveTime {effective}");
        let message =
            console.license().with("effectiveTime", effective).with("expireTime", expires);
        let shot = console.seller.sign(message.json())?;
        console.shoot("license-time", sent, &shot, &rule);
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
