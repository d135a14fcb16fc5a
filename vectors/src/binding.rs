//! Vectors of FORMAT.md, section 4: device texts, and the machine that a license is bound to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::book::Book;
use super::forge::{AT, Claims, DAY, ISSUING, jwks};

const MALFORMED: &str = "LICENSE_MALFORMED";
const MISMATCH: &str = "MACHINE_MISMATCH";
const UNREADABLE: &str = "MACHINE_UNREADABLE";

const SALT: &str = "c2FsdCBvZiB0ZXN0";
const MAC_1: &str = "04:7C:16:5E:E3:5D";
const MAC_2: &str = "0C:9D:92:11:22:33";

/// FORMAT.md, section 4.4.
fn digest(kind: &str, value: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SALT.as_bytes()).expect("any length");
    mac.update(format!("{kind}\0{value}").as_bytes());
    B64.encode(&mac.finalize().into_bytes()[..12])
}

/// The text of `dev`: each kind with its weight and values.
fn dev(need: u32, parts: &[(&str, u32, &[&str])]) -> String {
    let kind = |(kind, weight, values): &(&str, u32, &[&str])| {
        let mut digests: Vec<String> = values.iter().map(|value| digest(kind, value)).collect();
        digests.sort();
        format!(r#""{kind}":[{weight},"{}"]"#, digests.join(r#"",""#))
    };
    let kinds: Vec<String> = parts.iter().map(kind).collect();
    format!(r#"{{"salt":"{SALT}","need":{need},{}}}"#, kinds.join(","))
}

fn bound(dev: impl ToString) -> String {
    ISSUING.license(&Claims::license().with("knd", r#""node-locked""#).with("dev", dev))
}

/// Board 4, two disks 3, two addresses 1, processor 1: 9, of which 6 are needed.
fn workstation(need: u32) -> String {
    dev(
        need,
        &[
            ("board", 4, &["PF2ABCDE"]),
            ("disk", 3, &["S4EVNX0R123456", "WD-WX11A1234567"]),
            ("mac", 1, &[MAC_1, MAC_2]),
            ("cpu", 1, &["BFEBFBFF00090672"]),
        ],
    )
}

pub(super) fn book() -> Book {
    let mut book = Book::new(
        "binding",
        "license",
        "The machine that a license is bound to: 60 % of the enrolled weight, counted over what was enrolled (FORMAT.md, section 4)",
    );
    book.trust("issuing", jwks(&[ISSUING.jwk(&["license+jwt"])]));
    scores(&mut book);
    spellings(&mut book);
    other_machines(&mut book);
    impossible(&mut book);
    book
}

fn scores(book: &mut Book) {
    let license = bound(workstation(6));
    for (code, comment, text) in [
        (
            "OK",
            "the machine itself: 9",
            "04:7C:16:5E:E3:5D,0C:9D:92:11:22:33|S4EVNX0R123456,WD-WX11A1234567|PF2ABCDE|BFEBFBFF00090672",
        ),
        ("OK", "board and disk: 7", "|S4EVNX0R123456|PF2ABCDE|"),
        (
            "OK",
            "board, address and processor: 6, at the need",
            "04:7C:16:5E:E3:5D||PF2ABCDE|BFEBFBFF00090672",
        ),
        (MISMATCH, "board and address: 5, one below the need", "04:7C:16:5E:E3:5D||PF2ABCDE|"),
        (
            MISMATCH,
            "board and processor: 5, the disk was replaced",
            "|NEWDISK01|PF2ABCDE|BFEBFBFF00090672",
        ),
        (
            MISMATCH,
            "everything but the board: 5",
            "04:7C:16:5E:E3:5D,0C:9D:92:11:22:33|S4EVNX0R123456,WD-WX11A1234567|OTHER|BFEBFBFF00090672",
        ),
        (
            MISMATCH,
            "everything but the board, which cannot be read: 5",
            "04:7C:16:5E:E3:5D|S4EVNX0R123456||BFEBFBFF00090672",
        ),
        (MISMATCH, "nothing in common", "0C:9D:92:99:99:99|D9|B9|C9"),
        (MISMATCH, "the processor alone: 1", "|||BFEBFBFF00090672"),
        ("OK", "one of two disks was taken out", "04:7C:16:5E:E3:5D|WD-WX11A1234567|PF2ABCDE|"),
        (
            "OK",
            "the dock with the second address was taken off",
            "04:7C:16:5E:E3:5D|S4EVNX0R123456|PF2ABCDE|BFEBFBFF00090672",
        ),
        (
            "OK",
            "another dock, more disks: what was not enrolled does not count",
            "04:7C:16:5E:E3:5D,0C:9D:92:77:77:77|S4EVNX0R123456,USB0001,USB0002|PF2ABCDE|BFEBFBFF00090672",
        ),
        (
            MISMATCH,
            "two disks that match score once: 3 + 1 + 1",
            "04:7C:16:5E:E3:5D,0C:9D:92:11:22:33|S4EVNX0R123456,WD-WX11A1234567||BFEBFBFF00090672",
        ),
        (
            MISMATCH,
            "the board's value in the disk's place, and the other way round",
            "|PF2ABCDE|S4EVNX0R123456|",
        ),
        (MISMATCH, "the board's value as the system's id", "|S4EVNX0R123456|OS:PF2ABCDE|"),
    ] {
        book.add(code, comment, &*license).device(text);
    }
    let text = "04:7C:16:5E:E3:5D|S4EVNX0R123456|PF2ABCDE|BFEBFBFF00090672";
    book.add("OK", "the issuer asks for all of it", bound(workstation(9))).device(text);
    book.add(
        MISMATCH,
        "the issuer asks for all of it, the processor is another",
        bound(workstation(9)),
    )
    .device("04:7C:16:5E:E3:5D|S4EVNX0R123456|PF2ABCDE|BFEBFBFF000A0671");
    book.add("OK", "the issuer asks for the board alone", bound(workstation(4)))
        .device("||PF2ABCDE|");
    book.add("OK", "no device text", &*license).warns(&["BINDING_NOT_CHECKED"]);
    let unbound = Claims::license().with("dev", workstation(6));
    book.add(
        MISMATCH,
        "an unbound license with a machine is compared all the same",
        ISSUING.license(&unbound),
    )
    .device("||OTHER|");
    let late = Claims::license().with("knd", r#""node-locked""#).with("dev", workstation(6));
    book.add(
        "LICENSE_EXPIRED",
        "expired comes before the machine",
        ISSUING.license(&late.with("exp", AT - DAY)),
    )
    .device("||OTHER|");
    book.add("CLOCK_ROLLED_BACK", "the clock comes before the machine", &*license)
        .device("||OTHER|")
        .floor(AT + 30 * DAY);
}

fn spellings(book: &mut Book) {
    let license = bound(workstation(6));
    for (comment, text) in [
        ("lower case", "04:7c:16:5e:e3:5d|s4evnx0r123456|pf2abcde|bfebfbff00090672"),
        (
            "spaces around the parts",
            "  04:7C:16:5E:E3:5D | S4EVNX0R123456 , X | PF2ABCDE | BFEBFBFF00090672\r\n",
        ),
        ("the address with dashes", "04-7C-16-5E-E3-5D||PF2ABCDE|BFEBFBFF00090672"),
        (
            "the address with dots, and bare",
            "047c.165e.e35d,0C9D92112233||PF2ABCDE|BFEBFBFF00090672",
        ),
        (
            "parts in another order",
            "0C:9D:92:11:22:33,04:7C:16:5E:E3:5D|WD-WX11A1234567,S4EVNX0R123456|PF2ABCDE|",
        ),
        (
            "placeholders beside",
            "00:00:00:00:00:00,04:7C:16:5E:E3:5D|NONE,S4EVNX0R123456|PF2ABCDE|N/A",
        ),
    ] {
        book.add("OK", comment, &*license).device(text);
    }
    let long = |bytes: usize| {
        let tail = "|PF2ABCDE|";
        format!(
            "|S4EVNX0R123456,{}{tail}",
            "X9".repeat(bytes)[..bytes - 16 - tail.len()].to_owned()
        )
    };
    book.add("OK", "a device text of 5,120 bytes", &*license).device(long(5120));
    book.add(UNREADABLE, "a device text of 5,121 bytes", &*license).device(long(5121));
    for (comment, text) in [
        ("nothing in it", "|||"),
        ("an empty text", ""),
        (
            "placeholders alone",
            "FF:FF:FF:FF:FF:FF,00:00:00:00:00:00|0000_0000|To Be Filled By O.E.M.|Default string",
        ),
    ] {
        book.add(UNREADABLE, comment, &*license).device(text);
    }
}

fn other_machines(book: &mut Book) {
    let notebook = bound(dev(
        3,
        &[("disk", 3, &["S4EVNX0R123456"]), ("mac", 1, &[MAC_1]), ("cpu", 1, &["C1"])],
    ));
    book.add("OK", "without a board: the disk reaches 3 of 5", &*notebook)
        .device("|S4EVNX0R123456||");
    book.add(MISMATCH, "without a board: address and processor do not", &*notebook)
        .device("04:7C:16:5E:E3:5D||PF2ABCDE|C1");
    let system =
        bound(dev(4, &[("disk", 3, &["D-1"]), ("os", 2, &["3F2A9C"]), ("mac", 1, &[MAC_1])]));
    book.add("OK", "disk and system id: 5 of 6", &*system).device("|D-1|OS:3f2a9c|");
    book.add("OK", "disk and address: 4, at the need", &*system)
        .device("04:7C:16:5E:E3:5D|D-1|OS:OTHER|");
    book.add(MISMATCH, "a cloned system on another disk: 3", &*system)
        .device("04:7C:16:5E:E3:5D|D-2|OS:3F2A9C|");
    let desktop = bound(dev(1, &[("mac", 1, &["02:42:AC:11:00:02"])]));
    book.add("OK", "a cloud desktop with nothing but a chosen address", &*desktop)
        .device("02:42:AC:11:00:02|||")
        .warns(&["BINDING_WEAK"]);
    book.add("OK", "the same, not compared", &*desktop)
        .warns(&["BINDING_NOT_CHECKED", "BINDING_WEAK"]);
    book.add(MISMATCH, "the same address beside a disk is left out", &*desktop)
        .device("02:42:AC:11:00:02|D-1||");
}

fn impossible(book: &mut Book) {
    let one = digest("board", "PF2ABCDE");
    let four = [one.as_str(); 4].join(r#"",""#);
    for (comment, text) in [
        ("a need of 0", workstation(0)),
        ("a need beyond the weight", workstation(10)),
        ("no need", format!(r#"{{"salt":"{SALT}","board":[4,"{one}"]}}"#)),
        ("no salt", format!(r#"{{"need":4,"board":[4,"{one}"]}}"#)),
        ("an empty salt", format!(r#"{{"salt":"","need":4,"board":[4,"{one}"]}}"#)),
        ("no kind at all", format!(r#"{{"salt":"{SALT}","need":1}}"#)),
        (
            "a kind that nobody knows",
            format!(r#"{{"salt":"{SALT}","need":4,"board":[4,"{one}"],"tpm":[4,"{one}"]}}"#),
        ),
        ("a kind without digests", format!(r#"{{"salt":"{SALT}","need":4,"board":[4]}}"#)),
        ("a kind without its weight", format!(r#"{{"salt":"{SALT}","need":4,"board":["{one}"]}}"#)),
        (
            "a weight of 0",
            format!(r#"{{"salt":"{SALT}","need":4,"board":[4,"{one}"],"cpu":[0,"{one}"]}}"#),
        ),
        (
            "five digests of a kind",
            format!(r#"{{"salt":"{SALT}","need":4,"board":[4,"{one}","{four}"]}}"#),
        ),
        (
            "a digest that was cut",
            format!(r#"{{"salt":"{SALT}","need":4,"board":[4,"{}"]}}"#, &one[..15]),
        ),
        ("a text", r#""04:7C:16:5E:E3:5D|||""#.to_owned()),
        ("null", "null".to_owned()),
    ] {
        book.add(MALFORMED, comment, bound(text)).device("||PF2ABCDE|");
    }
}

/// Device texts and their normal form.
pub(super) fn devices() -> Book {
    let mut book = Book::new(
        "device",
        "device",
        "Device texts and their normal form (FORMAT.md, sections 4.1 and 4.2)",
    );
    for (comment, text, normal, dropped) in [
        (
            "the marketplace's form",
            "04:7C:16:5E:E3:5D|S4EV|PF2A|BFEB",
            "04:7C:16:5E:E3:5D|S4EV|PF2A|BFEB",
            &[] as &[_],
        ),
        (
            "trimmed, upper case, sorted",
            " 0c-9d-92-11-22-33,047c.165e.e35d | d2 , d1 | pf2a | bfeb \n",
            "04:7C:16:5E:E3:5D,0C:9D:92:11:22:33|D1,D2|PF2A|BFEB",
            &[],
        ),
        (
            "white space inside becomes one space",
            "||PF  2\tA|Intel(R)  Xeon(R)",
            "||PF 2 A|INTEL(R) XEON(R)",
            &[],
        ),
        (
            "twice the same",
            "04:7C:16:5E:E3:5D,04-7c-16-5e-e3-5d|D1,d1||",
            "04:7C:16:5E:E3:5D|D1||",
            &[],
        ),
        ("fewer than four parts", "04:7C:16:5E:E3:5D|D1", "04:7C:16:5E:E3:5D|D1||", &[]),
        ("the system's id in the board's place", "|D1|os:3f2a9c|", "|D1|OS:3F2A9C|", &[]),
        ("a hardware id of some program, without bars", "hw-12345", "||HW-12345|", &[]),
        ("an address alone, without bars", "04:7c:16:5e:e3:5d", "04:7C:16:5E:E3:5D|||", &[]),
        (
            "a placeholder as board",
            "|D1|To be filled by O.E.M.|",
            "|D1||",
            &["TO BE FILLED BY O.E.M."],
        ),
        (
            "zero, broadcast and group addresses",
            "00:00:00:00:00:00,FF:FF:FF:FF:FF:FF,01:00:5E:00:00:01|D1||",
            "|D1||",
            &["00:00:00:00:00:00", "FF:FF:FF:FF:FF:FF", "01:00:5E:00:00:01"],
        ),
        ("what is no address", "eth0,04:7C:16:5E:E3:5D|D1||", "04:7C:16:5E:E3:5D|D1||", &["ETH0"]),
        (
            "a chosen address beside a disk",
            "02:42:AC:11:00:02|D1||",
            "|D1||",
            &["02:42:AC:11:00:02"],
        ),
        (
            "a hypervisor's address beside a board",
            "00:50:56:12:34:56||PF2A|",
            "||PF2A|",
            &["00:50:56:12:34:56"],
        ),
        ("a chosen address alone", "02:42:AC:11:00:02|||", "02:42:AC:11:00:02|||", &[]),
        ("disk serials of zeros", "|0000_0000_0000_0000.,D1||", "|D1||", &["0000_0000_0000_0000."]),
        ("letters beyond ASCII", "|磁盘-1|主板é|", "|磁盘-1|主板É|", &[]),
    ] {
        book.add("OK", comment, text).normalised(normal, dropped);
    }
    for (comment, text, dropped) in [
        ("nothing", "", &[] as &[_]),
        ("four empty parts", "|||", &[]),
        (
            "nothing but placeholders",
            "00:00:00:00:00:00|none|Default string|",
            &["NONE", "DEFAULT STRING", "00:00:00:00:00:00"],
        ),
    ] {
        book.add(UNREADABLE, comment, text).dropped(dropped);
    }
    book
}
