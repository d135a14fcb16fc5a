//! Reads a Windows machine: one PowerShell question answered as JSON, `wmic` where PowerShell is
//! turned off, and the registry's machine id. The parsers are pure; only `read` runs anything.

use serde::Deserialize;
use serde_json::Value;

use super::{MachineKind, Parts, Steadiness};

/// What `wmic` is asked for, one class after the other.
#[cfg(windows)]
const CLASSES: [(&str, &str); 5] = [
    ("Win32_BaseBoard", "SerialNumber"),
    ("Win32_ComputerSystemProduct", "UUID,Vendor,Name"),
    ("Win32_DiskDrive", "SerialNumber,InterfaceType,MediaType"),
    ("Win32_NetworkAdapter", "MACAddress,PNPDeviceID,PhysicalAdapter"),
    ("Win32_Processor", "ProcessorId"),
];

/// One answer for everything: each start of PowerShell costs half a second.
#[cfg(windows)]
const SCRIPT: &str = "[Console]::OutputEncoding=[Text.Encoding]::UTF8;\
$q={param($c,$p) @(Get-CimInstance -ClassName $c -Property $p | Select-Object $p)};\
ConvertTo-Json -Compress -Depth 3 @{\
Board=&$q Win32_BaseBoard SerialNumber;\
System=&$q Win32_ComputerSystemProduct UUID,Vendor,Name;\
Disk=&$q Win32_DiskDrive SerialNumber,InterfaceType,MediaType;\
Network=&$q Win32_NetworkAdapter MACAddress,PNPDeviceID,PhysicalAdapter;\
Processor=&$q Win32_Processor ProcessorId}";

#[cfg(windows)]
pub(super) fn read(cpu: Option<String>) -> Parts {
    use std::{process::Command, time::Duration};

    use super::tool;

    let asked = tool::output(
        Command::new("powershell.exe").args(["-NoProfile", "-NonInteractive", "-Command", SCRIPT]),
        Duration::from_secs(8),
    );
    let mut parts = asked.and_then(|bytes| from_json(&tool::text(&bytes))).unwrap_or_else(|| {
        let mut inventory = Inventory::default();
        for (class, properties) in CLASSES {
            let printed = tool::output(
                Command::new("wmic.exe").args(["path", class, "get", properties, "/format:list"]),
                Duration::from_secs(4),
            );
            inventory.add(class, &tool::text(&printed.unwrap_or_default()));
        }
        inventory.into_parts()
    });
    // The firmware's tables need no tool at all.
    parts.board =
        parts.board.or_else(|| sysinfo::Motherboard::new().ok().and_then(|b| b.serial_number()));
    parts.system = parts.system.or_else(|| sysinfo::Product::uuid().ok());
    if parts.macs.is_empty() {
        let networks = sysinfo::Networks::new_with_refreshed_list().ok();
        for data in networks.iter().flat_map(|networks| networks.values()) {
            parts.add_mac(&data.mac_address().to_string(), Steadiness::Fixed);
        }
    }
    parts.os = tool::output(
        Command::new("reg.exe").args([
            "query",
            r"HKLM\SOFTWARE\Microsoft\Cryptography",
            "/v",
            "MachineGuid",
        ]),
        Duration::from_secs(2),
    )
    .and_then(|bytes| machine_guid(&tool::text(&bytes)));
    // The processor's own answer costs nothing and needs no service.
    parts.cpu = cpu.or(parts.cpu);
    parts
}

/// The classes and members of Windows Management Instrumentation that name hardware.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Inventory {
    #[serde(deserialize_with = "one_or_many")]
    board: Vec<Entry>,
    #[serde(deserialize_with = "one_or_many")]
    system: Vec<Entry>,
    #[serde(deserialize_with = "one_or_many")]
    disk: Vec<Entry>,
    #[serde(deserialize_with = "one_or_many")]
    network: Vec<Entry>,
    #[serde(deserialize_with = "one_or_many")]
    processor: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    #[serde(rename = "SerialNumber")]
    serial: Option<String>,
    #[serde(rename = "UUID")]
    uuid: Option<String>,
    #[serde(rename = "Vendor")]
    vendor: Option<String>,
    #[serde(rename = "Name")]
    name: Option<String>,
    #[serde(rename = "InterfaceType")]
    interface: Option<String>,
    #[serde(rename = "MediaType")]
    media: Option<String>,
    #[serde(rename = "MACAddress")]
    mac: Option<String>,
    #[serde(rename = "PNPDeviceID")]
    place: Option<String>,
    #[serde(rename = "PhysicalAdapter")]
    physical: Option<bool>,
    #[serde(rename = "ProcessorId")]
    processor: Option<String>,
}

/// Older PowerShell writes a list of one as the one.
fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Entry>, D::Error> {
    let values = match Value::deserialize(deserializer)? {
        Value::Null => Vec::new(),
        Value::Array(values) => values,
        value => vec![value],
    };
    // An entry of an unexpected shape must not hide the others.
    Ok(values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect())
}

/// Reads PowerShell's answer.
fn from_json(text: &str) -> Option<Parts> {
    Some(serde_json::from_str::<Inventory>(text.trim()).ok()?.into_parts())
}

impl Inventory {
    /// Adds what `wmic … /format:list` printed: `Name=value` lines, entries apart by empty lines.
    fn add(&mut self, class: &str, printed: &str) {
        let entries = match class {
            "Win32_BaseBoard" => &mut self.board,
            "Win32_ComputerSystemProduct" => &mut self.system,
            "Win32_DiskDrive" => &mut self.disk,
            "Win32_NetworkAdapter" => &mut self.network,
            _ => &mut self.processor,
        };
        let mut entry = Entry::default();
        let mut filled = false;
        // wmic ends its lines with CR CR LF.
        for line in printed.split('\n').map(str::trim) {
            let Some((name, value)) = line.split_once('=') else {
                if filled {
                    entries.push(std::mem::take(&mut entry));
                    filled = false;
                }
                continue;
            };
            filled = true;
            let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
            match name {
                "SerialNumber" => entry.serial = value,
                "UUID" => entry.uuid = value,
                "Vendor" => entry.vendor = value,
                "Name" => entry.name = value,
                "InterfaceType" => entry.interface = value,
                "MediaType" => entry.media = value,
                "MACAddress" => entry.mac = value,
                "PNPDeviceID" => entry.place = value,
                "PhysicalAdapter" => {
                    entry.physical = value.map(|value| value.eq_ignore_ascii_case("true"));
                }
                "ProcessorId" => entry.processor = value,
                _ => {}
            }
        }
        if filled {
            entries.push(entry);
        }
    }

    fn into_parts(self) -> Parts {
        let makers = self.system.iter().flat_map(|system| [&system.vendor, &system.name]);
        let maker = makers.flatten().cloned().collect::<Vec<_>>().join(" ").to_uppercase();
        let virtual_machine = [
            "VMWARE",
            "VIRTUALBOX",
            "INNOTEK",
            "QEMU",
            "KVM",
            "XEN",
            "OPENSTACK",
            "VIRTUAL MACHINE",
        ];
        let mut parts = Parts {
            board: self.board.into_iter().find_map(|board| board.serial),
            system: self.system.into_iter().find_map(|system| system.uuid),
            disks: self
                .disk
                .into_iter()
                .filter(|disk| disk.interface.as_deref() != Some("USB"))
                .filter(|disk| !disk.media.as_deref().is_some_and(|m| m.starts_with("Removable")))
                .filter_map(|disk| disk.serial)
                .collect(),
            cpu: self.processor.into_iter().find_map(|processor| processor.processor),
            hint: virtual_machine
                .iter()
                .any(|word| maker.contains(word))
                .then_some(MachineKind::VirtualMachine),
            ..Parts::default()
        };
        for card in self.network {
            let place = card.place.unwrap_or_default().to_uppercase();
            let steadiness = if place.starts_with("USB") {
                Steadiness::Removable
            } else if card.physical == Some(true) && place.starts_with("PCI") {
                Steadiness::Fixed
            } else if card.physical == Some(true) && !place.starts_with("ROOT") {
                Steadiness::Soft
            } else {
                Steadiness::Virtual
            };
            if let Some(mac) = card.mac {
                parts.add_mac(&mac, steadiness);
            }
        }
        parts
    }
}

/// `    MachineGuid    REG_SZ    1b0c…`
fn machine_guid(printed: &str) -> Option<String> {
    let line = printed.lines().find(|line| line.trim_start().starts_with("MachineGuid"))?;
    line.split_whitespace().nth(2).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTEBOOK: &str = include_str!("../../testdata/windows/notebook.json");
    const VIRTUAL: &str = include_str!("../../testdata/windows/virtual-machine.json");

    #[test]
    fn a_notebook_is_read_without_its_dock_and_its_stick() {
        let parts = from_json(NOTEBOOK).unwrap();
        assert_eq!(
            parts.text(),
            "04:7C:16:5E:E3:5D,84:7B:57:11:22:33|001B_444A_488B_5CEC.|/7X2B0M3/CNWS2007/|BFEBFBFF00090672"
        );
        assert_eq!(parts.hint, None);
    }

    #[test]
    fn a_virtual_machine_is_told_and_keeps_what_it_has() {
        let parts = from_json(VIRTUAL).unwrap();
        assert_eq!(parts.hint, Some(MachineKind::VirtualMachine));
        assert_eq!(parts.text(), "||564D1C4E-8A3B-2D70-9F4E-0C29A1B2C3D4|0F8BFBFF000806EA");
    }

    #[test]
    fn wmic_tells_the_same() {
        let mut inventory = Inventory::default();
        inventory.add("Win32_BaseBoard", "\r\r\n\r\r\nSerialNumber=/7X2B0M3/CNWS2007/\r\r\n\r\r\n");
        inventory.add(
            "Win32_DiskDrive",
            "\r\r\nInterfaceType=SCSI\r\r\nMediaType=Fixed hard disk media\r\r\nSerialNumber=001B_444A_488B_5CEC.\r\r\n\r\r\n\r\r\nInterfaceType=USB\r\r\nMediaType=Removable Media\r\r\nSerialNumber=AA04012700013494\r\r\n",
        );
        inventory.add(
            "Win32_NetworkAdapter",
            "MACAddress=04:7C:16:5E:E3:5D\r\r\nPhysicalAdapter=TRUE\r\r\nPNPDeviceID=PCI\\VEN_8086&DEV_15FB\r\r\n\r\r\nMACAddress=\r\r\nPhysicalAdapter=FALSE\r\r\nPNPDeviceID=SWD\\MSRRAS\\MS_L2TPMINIPORT\r\r\n",
        );
        inventory.add("Win32_Processor", "ProcessorId=BFEBFBFF00090672\r\r\n");
        assert_eq!(
            inventory.into_parts().text(),
            "04:7C:16:5E:E3:5D|001B_444A_488B_5CEC.|/7X2B0M3/CNWS2007/|BFEBFBFF00090672"
        );
    }

    #[test]
    fn a_broken_answer_is_no_answer() {
        assert_eq!(from_json("Get-CimInstance : Access denied"), None);
        assert_eq!(from_json("{}").unwrap().text(), "|||");
        let odd = from_json(r#"{"Disk":[7,{"SerialNumber":"S1"}],"Board":null}"#).unwrap();
        assert_eq!(odd.text(), "|S1||");
    }

    #[test]
    fn the_registry_names_the_installation() {
        let printed = "\r\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography\r\n    MachineGuid    REG_SZ    1b0cbb6a-7d0e-4a3e-9a3b-2f1f6d1c0e55\r\n\r\n";
        assert_eq!(machine_guid(printed).unwrap(), "1b0cbb6a-7d0e-4a3e-9a3b-2f1f6d1c0e55");
        assert_eq!(machine_guid("ERROR: The system was unable to find the key."), None);
    }
}
