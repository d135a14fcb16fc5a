//! Reads a Mac through `ioreg`, `networksetup`, `system_profiler` and `sysctl`. The parsers are
//! pure; only `read` runs anything.

use serde_json::Value;

use super::{MachineKind, Parts, Steadiness};

#[cfg(target_os = "macos")]
pub(super) fn read(cpu: Option<String>) -> Parts {
    use std::{process::Command, thread, time::Duration};

    use super::tool;

    let run = |program: &str, arguments: &[&str], secs| {
        tool::output(Command::new(program).args(arguments), Duration::from_secs(secs))
            .map(|bytes| tool::text(&bytes))
            .unwrap_or_default()
    };
    // The profiler takes seconds, so the others run beside it.
    let (storage, mut parts) = thread::scope(|scope| {
        let storage = scope.spawn(|| {
            run("/usr/sbin/system_profiler", &["-json", "SPNVMeDataType", "SPSerialATADataType"], 8)
        });
        let mut parts =
            platform(&run("/usr/sbin/ioreg", &["-rd1", "-c", "IOPlatformExpertDevice"], 3));
        ports(&run("/usr/sbin/networksetup", &["-listallhardwareports"], 3), &mut parts);
        parts.cpu = cpu.or_else(|| {
            let brand = run("/usr/sbin/sysctl", &["-n", "machdep.cpu.brand_string"], 2);
            Some(brand.trim().to_owned()).filter(|brand| !brand.is_empty())
        });
        (storage.join().unwrap_or_default(), parts)
    });
    parts.disks = disks(&storage);
    parts.board =
        parts.board.or_else(|| sysinfo::Motherboard::new().ok().and_then(|b| b.serial_number()));
    parts
}

/// The serial number and UUID of the machine, out of `ioreg -rd1 -c IOPlatformExpertDevice`.
fn platform(printed: &str) -> Parts {
    let value = |name: &str| {
        printed.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim().trim_matches('"') == name)
                .then(|| value.trim().trim_matches(['<', '>', '"']).to_owned())
        })
    };
    let model = value("model").unwrap_or_default();
    let virtual_machine = ["VirtualMac", "VMware", "Parallels"].iter().any(|m| model.contains(m));
    Parts {
        board: value("IOPlatformSerialNumber"),
        system: value("IOPlatformUUID"),
        hint: virtual_machine.then_some(MachineKind::VirtualMachine),
        ..Parts::default()
    }
}

/// The network cards out of `networksetup -listallhardwareports`.
fn ports(printed: &str, parts: &mut Parts) {
    let mut port = "";
    for line in printed.lines() {
        if let Some(name) = line.strip_prefix("Hardware Port: ") {
            port = name;
        } else if let Some(address) = line.strip_prefix("Ethernet Address: ") {
            let steadiness = if port.contains("USB") || port.contains("LAN") {
                Steadiness::Removable
            } else if port == "Wi-Fi" || port.starts_with("Ethernet") {
                Steadiness::Fixed
            } else {
                // Thunderbolt ports and bridges have made-up addresses.
                Steadiness::Virtual
            };
            parts.add_mac(address, steadiness);
        }
    }
}

/// The serial numbers of built-in disks out of `system_profiler -json`.
fn disks(printed: &str) -> Vec<String> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| walk(value, found)),
            Value::Object(members) => {
                let text = |name: &str| members.get(name).and_then(Value::as_str);
                if text("removable_media") == Some("yes") || text("detachable_drive") == Some("yes")
                {
                    return;
                }
                found.extend(text("device_serial").map(str::to_owned));
                members.values().for_each(|value| walk(value, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(&serde_json::from_str(printed).unwrap_or(Value::Null), &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notebook_is_read_without_its_adapter() {
        let mut parts = platform(include_str!("../../testdata/macos/ioreg.txt"));
        ports(include_str!("../../testdata/macos/networksetup.txt"), &mut parts);
        parts.disks = disks(include_str!("../../testdata/macos/system_profiler.json"));
        parts.cpu = Some("Apple M2".to_owned());
        assert_eq!(parts.text(), "F0:2F:4B:0A:11:22|0BA0123AC4D5E678|FVFXK0ABCDEF|APPLE M2");
        assert_eq!(parts.hint, None);
    }

    #[test]
    fn a_virtual_machine_is_told() {
        let parts = platform("      \"model\" = <\"VirtualMac2,1\">\n");
        assert_eq!(parts.hint, Some(MachineKind::VirtualMachine));
    }

    #[test]
    fn broken_output_gives_nothing() {
        assert_eq!(disks("not json"), Vec::<String>::new());
        let mut parts = platform("");
        ports("Ethernet Address: N/A\n", &mut parts);
        assert_eq!(parts.text(), "|||");
    }
}
