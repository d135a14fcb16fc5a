//! This machine's device text, `MAC|DISK|BOARD|CPU`, and the kind of machine.
//!
//! The readers only find raw values. `license_core::device` decides what a placeholder is, and
//! `license_core::binding` how values count.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(target_os = "macos", test))]
mod macos;
#[cfg(any(windows, target_os = "macos", test))]
mod tool;
#[cfg(any(windows, test))]
mod windows;

use std::sync::OnceLock;

use license_core::device::{DeviceInfo, is_virtual_mac};
use serde::Serialize;

/// At most this many network cards or disks are named: the text is limited to 5,120 bytes, and a
/// binding enrolls four of a kind.
const PARTS_LIMIT: usize = 16;

/// The kind of a machine whose device text is less steady than that of a plain computer.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MachineKind {
    /// A container: a new one has a new identity, so a floating license fits better.
    Container,
    /// The Windows Subsystem for Linux: its network card changes at every start.
    Wsl,
    /// A virtual machine: a copy of it has the same identity.
    VirtualMachine,
}

impl MachineKind {
    /// One sentence of advice for people.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Container => {
                "this is a container: each new container is a new machine, a floating license fits better"
            }
            Self::Wsl => {
                "this is WSL: its network card changes at every start, bind the license on Windows or use a floating license"
            }
            Self::VirtualMachine => {
                "this is a virtual machine: cloned machines may look alike and resumed ones may change"
            }
        }
    }
}

/// What was read of this machine.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Machine {
    /// `MAC|DISK|BOARD|CPU` in upper case; absent parts are empty.
    pub text: String,
    /// Set where the text is less steady than a plain computer's.
    pub hint: Option<MachineKind>,
}

impl Machine {
    /// Reads this machine once; later calls answer from memory.
    #[must_use]
    pub fn local() -> &'static Self {
        static LOCAL: OnceLock<Machine> = OnceLock::new();
        LOCAL.get_or_init(|| read().into_machine())
    }
}

#[cfg(target_os = "linux")]
fn read() -> Parts {
    linux::read(std::path::Path::new("/"), cpu_signature())
}

#[cfg(target_os = "macos")]
fn read() -> Parts {
    macos::read(cpu_signature())
}

#[cfg(windows)]
fn read() -> Parts {
    windows::read(cpu_signature())
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn read() -> Parts {
    Parts { cpu: cpu_signature(), ..Parts::default() }
}

/// The CPUID signature as the marketplace's own client prints it: EDX then EAX of leaf 1.
#[cfg(target_arch = "x86_64")]
#[expect(clippy::unnecessary_wraps, reason = "other processors have no such signature")]
fn cpu_signature() -> Option<String> {
    let leaf = core::arch::x86_64::__cpuid(1);
    Some(format!("{:08X}{:08X}", leaf.edx, leaf.eax))
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_signature() -> Option<String> {
    None
}

/// How steady a network card's address is, the steadiest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Steadiness {
    /// Burnt into a card inside of the machine.
    Fixed,
    /// On a dock or a stick that is pulled out.
    Removable,
    /// Made up by software for a card that is there.
    Soft,
    /// Of a card that software made up: a bridge, a tunnel, a container's end of a cable.
    Virtual,
}

/// The raw values of one machine, before they become its text.
#[derive(Debug, Default, Eq, PartialEq)]
struct Parts {
    macs: Vec<(Steadiness, String)>,
    disks: Vec<String>,
    board: Option<String>,
    system: Option<String>,
    os: Option<String>,
    cpu: Option<String>,
    hint: Option<MachineKind>,
}

impl Parts {
    /// Adds a network card; addresses that are none are left out.
    fn add_mac(&mut self, address: &str, steadiness: Steadiness) {
        let address = address.trim().to_uppercase().replace('-', ":");
        let octets: Option<Vec<u8>> = address
            .split(':')
            .map(|octet| (octet.len() == 2).then(|| u8::from_str_radix(octet, 16).ok()).flatten())
            .collect();
        let Some(octets) = octets.filter(|octets| octets.len() == 6) else { return };
        if octets.iter().all(|octet| *octet == 0) || octets.iter().all(|octet| *octet == 0xFF) {
            return;
        }
        // The local bit marks addresses that software chose.
        let made_up = octets[0] & 0b10 != 0 || is_virtual_mac(&address);
        let steadiness = if made_up { steadiness.max(Steadiness::Soft) } else { steadiness };
        self.macs.push((steadiness, address));
    }

    fn into_machine(self) -> Machine {
        Machine { text: self.text(), hint: self.hint }
    }

    /// The device text: the steadiest network cards only, and the best value that names the board.
    fn text(&self) -> String {
        let disks = joined(self.disks.iter());
        let board = [&self.board, &self.system].into_iter().flatten().find(|value| usable(value));
        let anchored = board.is_some() || !disks.is_empty();
        let best = self.macs.iter().map(|(steadiness, _)| *steadiness).min();
        // A made-up address says little and moves: it counts only where there is nothing else.
        let best = best.filter(|best| *best == Steadiness::Fixed || !anchored);
        let macs = joined(
            self.macs
                .iter()
                .filter(|(steadiness, _)| Some(*steadiness) == best)
                .map(|(_, mac)| mac),
        );
        let board = match (board, &self.os) {
            (Some(board), _) => clean(board),
            (None, Some(os)) => format!("OS:{}", clean(os)),
            (None, None) => String::new(),
        };
        let cpu = self.cpu.as_deref().map(clean).unwrap_or_default();
        format!("{macs}|{disks}|{board}|{cpu}")
    }
}

/// Whether the value is more than a placeholder that the maker left in.
fn usable(value: &str) -> bool {
    let value = clean(value);
    !value.is_empty() && DeviceInfo::parse(&format!("||{value}|")).is_ok()
}

/// Upper case, without the characters that separate parts.
fn clean(value: &str) -> String {
    value
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '|' | ','))
        .collect::<String>()
        .trim()
        .to_uppercase()
}

fn joined<'a>(values: impl Iterator<Item = &'a String>) -> String {
    let mut values: Vec<_> = values.map(|value| clean(value)).filter(|v| !v.is_empty()).collect();
    values.sort();
    values.dedup();
    values.truncate(PARTS_LIMIT);
    values.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(macs: &[(&str, Steadiness)], disk: Option<&str>, board: Option<&str>) -> Parts {
        let mut parts = Parts {
            disks: disk.into_iter().map(str::to_owned).collect(),
            board: board.map(str::to_owned),
            os: Some("0f1e".to_owned()),
            ..Parts::default()
        };
        for (mac, steadiness) in macs {
            parts.add_mac(mac, *steadiness);
        }
        parts
    }

    #[test]
    fn only_the_steadiest_cards_are_named() {
        use Steadiness::{Fixed, Removable, Soft};
        for (macs, disk, expected) in [
            (
                vec![("04:7c:16:5e:e3:5d", Fixed), ("00:E0:4C:68:00:01", Removable)],
                None,
                "04:7C:16:5E:E3:5D||OS:0F1E|",
            ),
            (
                vec![("00-E0-4C-68-00-01", Removable), ("52:54:00:12:34:56", Fixed)],
                None,
                "00:E0:4C:68:00:01||OS:0F1E|",
            ),
            (vec![("00:E0:4C:68:00:01", Removable)], Some("s3"), "|S3|OS:0F1E|"),
            (vec![("52:54:00:12:34:56", Fixed)], None, "52:54:00:12:34:56||OS:0F1E|"),
            (vec![("00:15:5D:01:02:03", Fixed)], Some("s3"), "|S3|OS:0F1E|"),
            (
                vec![
                    ("00:00:00:00:00:00", Fixed),
                    ("FF:FF:FF:FF:FF:FF", Fixed),
                    ("", Soft),
                    ("1:2", Fixed),
                ],
                None,
                "||OS:0F1E|",
            ),
        ] {
            assert_eq!(parts(&macs, disk, None).text(), expected);
        }
    }

    #[test]
    fn a_placeholder_on_the_board_gives_way_to_the_system_and_then_to_the_os() {
        let mut machine = parts(&[], None, Some("To be filled by O.E.M."));
        assert_eq!(machine.text(), "||OS:0F1E|");
        machine.system = Some("4c4c4544-0042-3510-8052-b4c04f4d3732".to_owned());
        assert_eq!(machine.text(), "||4C4C4544-0042-3510-8052-B4C04F4D3732|");
        machine.board = Some("/7X2B0M3/CNWS2007/".to_owned());
        assert_eq!(machine.text(), "||/7X2B0M3/CNWS2007/|");
    }

    #[test]
    fn separators_inside_of_a_value_do_not_move_the_parts() {
        let mut machine = parts(&[], Some(" a|b,c "), None);
        machine.cpu = Some("x|y".to_owned());
        assert_eq!(machine.text(), "|ABC|OS:0F1E|XY");
    }

    #[test]
    fn many_parts_stay_under_the_limit_whatever_their_order() {
        let mut machine = Parts::default();
        for i in (0..200).rev() {
            machine.disks.push(format!("disk-{i:04}"));
        }
        let text = machine.text();
        assert!(text.len() < 5_120);
        assert!(text.starts_with("|DISK-0000,DISK-0001,"));
    }

    #[test]
    fn this_machine_is_read_once() {
        let first = Machine::local();
        assert_eq!(first.text.matches('|').count(), 3);
        assert!(std::ptr::eq(first, Machine::local()));
    }
}
