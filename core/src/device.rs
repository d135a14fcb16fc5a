//! Device information: the marketplace's text `MAC|DISK|BOARD|CPU`, read and normalized
//! (FORMAT.md, section 4).

use crate::{
    Refusal,
    component::{ComponentKind, DropReason, Dropped},
};

/// How many bytes a device text may have.
pub const TEXT_LIMIT: usize = 5_120;

/// What a machine says of itself, normalized; at least one value can be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeviceInfo {
    values: Vec<(ComponentKind, String)>,
    dropped: Vec<Dropped>,
    weak: bool,
}

/// Values that vendors leave in, in upper case.
const PLACEHOLDERS: [&str; 22] = [
    "TO BE FILLED BY O.E.M.",
    "TO BE FILLED BY O.E.M",
    "TO BE FILLED BY OEM",
    "DEFAULT STRING",
    "DEFAULT",
    "NONE",
    "NULL",
    "N/A",
    "NA",
    "NOT APPLICABLE",
    "NOT AVAILABLE",
    "NOT SPECIFIED",
    "NOT PRESENT",
    "UNKNOWN",
    "INVALID",
    "O.E.M.",
    "OEM",
    "SYSTEM SERIAL NUMBER",
    "BASE BOARD SERIAL NUMBER",
    "BOARD SERIAL NUMBER",
    "123456789",
    "0123456789",
];

/// First three bytes of hypervisors' adapters that do not carry the local bit.
const VIRTUAL_VENDORS: [&str; 8] = [
    "00:05:69", // VMware
    "00:0C:29", // VMware
    "00:1C:14", // VMware
    "00:50:56", // VMware
    "00:15:5D", // Hyper-V
    "00:16:3E", // Xen
    "08:00:27", // VirtualBox
    "00:1C:42", // Parallels
];

impl DeviceInfo {
    /// Reads a device text.
    ///
    /// # Errors
    /// [`Refusal::MachineUnreadable`] for a text over [`TEXT_LIMIT`] bytes or without anything
    /// that can be used; it names what was left out.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > TEXT_LIMIT {
            return Err(Refusal::MachineUnreadable { dropped: Vec::new() });
        }
        let text = text.trim().to_uppercase();
        let mut parts = text.splitn(4, '|');
        let mut part = || parts.next().unwrap_or_default();
        let (macs, disks, board, cpu) = (part(), part(), part(), part());

        let mut info = Self { values: Vec::new(), dropped: Vec::new(), weak: false };
        // A text without any bar that is no address is some program's own hardware id.
        if !text.contains('|') && mac(macs).is_none() {
            info.take(ComponentKind::Board, macs);
        } else {
            for disk in disks.split(',') {
                info.take(ComponentKind::Disk, disk);
            }
            match board.trim().strip_prefix("OS:") {
                Some(id) => info.take(ComponentKind::Os, id),
                None => info.take(ComponentKind::Board, board),
            }
            info.take_macs(macs);
            info.take(ComponentKind::Cpu, cpu);
        }
        if info.values.is_empty() {
            return Err(Refusal::MachineUnreadable { dropped: info.dropped });
        }
        info.values.sort();
        info.values.dedup();
        Ok(info)
    }

    fn take(&mut self, kind: ComponentKind, value: &str) {
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        if value.is_empty() {
            return;
        }
        if placeholder(&value) {
            self.dropped.push(Dropped { kind, value, reason: DropReason::Placeholder });
        } else {
            self.values.push((kind, value));
        }
    }

    fn take_macs(&mut self, macs: &str) {
        let strong = self
            .values
            .iter()
            .any(|(kind, _)| matches!(kind, ComponentKind::Board | ComponentKind::Disk));
        let mut doubtful = Vec::new();
        let mut physical = false;
        for text in macs.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            let mut drop = |value: String, reason| {
                self.dropped.push(Dropped { kind: ComponentKind::Mac, value, reason });
            };
            let Some(address) = mac(text) else {
                drop(text.to_owned(), DropReason::NotAMac);
                continue;
            };
            let bytes = octets(&address);
            if bytes.iter().all(|b| *b == 0) || bytes[0] & 1 == 1 {
                drop(address, DropReason::Placeholder);
            } else if bytes[0] & 2 == 2 {
                doubtful.push((address, DropReason::LocalMac));
            } else if is_virtual_mac(&address) {
                doubtful.push((address, DropReason::VirtualMac));
            } else {
                physical = true;
                self.values.push((ComponentKind::Mac, address));
            }
        }
        for (value, reason) in doubtful {
            if strong || physical {
                self.dropped.push(Dropped { kind: ComponentKind::Mac, value, reason });
            } else {
                self.weak = true;
                self.values.push((ComponentKind::Mac, value));
            }
        }
    }

    /// The usable values with their kinds, sorted.
    pub fn values(&self) -> impl Iterator<Item = (ComponentKind, &str)> {
        self.values.iter().map(|(kind, value)| (*kind, value.as_str()))
    }

    /// The usable values of one kind.
    pub fn of(&self, kind: ComponentKind) -> impl Iterator<Item = &str> {
        self.values().filter_map(move |(k, value)| (k == kind).then_some(value))
    }

    /// What was left out, with the reason.
    #[must_use]
    pub fn dropped(&self) -> &[Dropped] {
        &self.dropped
    }

    /// Whether only addresses that software chose tell this machine from others.
    #[must_use]
    pub const fn weak(&self) -> bool {
        self.weak
    }

    /// The text in its normal form: equal machines give equal text, whatever the order of parts.
    #[must_use]
    pub fn text(&self) -> String {
        let join = |kind| self.of(kind).collect::<Vec<_>>().join(",");
        let board = self.of(ComponentKind::Os).map(|id| format!("OS:{id}")).next();
        let board = board.unwrap_or_else(|| join(ComponentKind::Board));
        [join(ComponentKind::Mac), join(ComponentKind::Disk), board, join(ComponentKind::Cpu)]
            .join("|")
    }
}

/// Whether a hardware address, as `04:7C:16:5E:E3:5D`, is of a virtual machine's adapter by its vendor.
#[must_use]
pub fn is_virtual_mac(address: &str) -> bool {
    VIRTUAL_VENDORS.iter().any(|vendor| address.starts_with(vendor))
}

/// Whether the value is one that many machines share.
fn placeholder(value: &str) -> bool {
    let bare: String = value.chars().filter(|c| c.is_alphanumeric()).collect();
    // All zeros, all F, or one character over and over.
    let uniform = bare.len() >= 3 && bare.chars().all(|c| bare.starts_with(c));
    PLACEHOLDERS.contains(&value) || bare.is_empty() || bare == "0" || uniform
}

/// A hardware address in the form `04:7C:16:5E:E3:5D`, from any of its spellings.
fn mac(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    if digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let pairs: Vec<&str> = (0..6).map(|i| &digits[2 * i..2 * i + 2]).collect();
    Some(pairs.join(":"))
}

fn octets(address: &str) -> [u8; 6] {
    let mut bytes = [0; 6];
    for (byte, pair) in bytes.iter_mut().zip(address.split(':')) {
        *byte = u8::from_str_radix(pair, 16).expect("`mac` let only hex digits through");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_marketplace_form() {
        let info = DeviceInfo::parse(" 04:7c:16:5e:e3:5d|001B_444A_488B_5CEC.||BFEBFBFF00090672 ")
            .unwrap();
        assert_eq!(info.text(), "04:7C:16:5E:E3:5D|001B_444A_488B_5CEC.||BFEBFBFF00090672");
        assert!(info.dropped().is_empty());
        assert!(!info.weak());
    }

    #[test]
    fn spelling_and_order_do_not_matter() {
        let a = DeviceInfo::parse("04-7c-16-5e-e3-5d,0C:9D:92:00:00:01|D2,D1|B 1|C").unwrap();
        let b = DeviceInfo::parse("0c9d92000001,047C.165E.E35D|d1, D2|b  1|c").unwrap();
        assert_eq!(a, b);
    }

    #[test]
    fn placeholders_are_dropped_and_named() {
        for text in [
            "00:00:00:00:00:00|NONE|To be filled by O.E.M.|",
            "FF:FF:FF:FF:FF:FF|00000000|Default string|N/A",
            "|||",
            "",
            "01:00:5E:00:00:01|0000_0000_0000.|XXXXXXXX|0",
            "none",
        ] {
            let refusal = DeviceInfo::parse(text).unwrap_err();
            assert_eq!(refusal.code(), crate::Code::MachineUnreadable, "{text}");
        }
        let info = DeviceInfo::parse("|D1|Default string|").unwrap();
        assert_eq!(info.dropped()[0].reason, DropReason::Placeholder);
    }

    #[test]
    fn chosen_addresses_count_only_where_nothing_better_is() {
        let docker = DeviceInfo::parse("02:42:AC:11:00:02|||").unwrap();
        assert!(docker.weak());
        let desk = DeviceInfo::parse("02:42:AC:11:00:02,00:50:56:00:00:01|D1||").unwrap();
        assert_eq!(desk.of(ComponentKind::Mac).count(), 0);
        assert_eq!(desk.dropped().len(), 2);
        let laptop = DeviceInfo::parse("02:42:AC:11:00:02,04:7C:16:5E:E3:5D|||").unwrap();
        assert_eq!(laptop.of(ComponentKind::Mac).collect::<Vec<_>>(), ["04:7C:16:5E:E3:5D"]);
    }

    #[test]
    fn the_system_id_stands_in_the_boards_place() {
        let info = DeviceInfo::parse("||OS:abc123def|").unwrap();
        assert_eq!(info.of(ComponentKind::Os).collect::<Vec<_>>(), ["ABC123DEF"]);
        assert_eq!(info.text(), "||OS:ABC123DEF|");
    }

    #[test]
    fn the_limit_is_a_number_of_bytes() {
        let fits = format!("|{}||", "D".to_owned() + &"1".repeat(TEXT_LIMIT - 4));
        assert_eq!(fits.len(), TEXT_LIMIT);
        assert!(DeviceInfo::parse(&fits).is_ok());
        assert!(DeviceInfo::parse(&format!("{fits}1")).is_err());
    }

    proptest! {
        #[test]
        fn never_panics_and_normal_form_is_stable(text in "\\PC{0,200}") {
            if let Ok(info) = DeviceInfo::parse(&text)
                && let Ok(again) = DeviceInfo::parse(&info.text())
            {
                prop_assert_eq!(again.text(), info.text());
            }
        }
    }
}
