//! Reads a Linux machine from its `/sys`, `/proc`, `/run` and `/etc`, under any root folder, so
//! that recorded trees can be read in tests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{MachineKind, Parts, Steadiness};

/// Names of block devices that are no hardware of this machine.
const NOT_DISKS: [&str; 9] = ["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "drbd"];

/// The bits of EDX in CPUID leaf 1, as `/proc/cpuinfo` names them.
const EDX: [&str; 32] = [
    "fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", "", "sep", "mtrr", "pge",
    "mca", "cmov", "pat", "pse36", "pn", "clflush", "", "dts", "acpi", "mmx", "fxsr", "sse",
    "sse2", "ss", "ht", "tm", "ia64", "pbe",
];

/// Words by which the firmware of a virtual machine gives itself away.
const HYPERVISORS: [&str; 12] = [
    "QEMU",
    "KVM",
    "VMWARE",
    "VIRTUALBOX",
    "INNOTEK",
    "XEN",
    "BOCHS",
    "OPENSTACK",
    "HUAWEICLOUD",
    "ALIBABA CLOUD",
    "AMAZON EC2",
    "VIRTUAL MACHINE",
];

/// Everything that can be read below `root`; `cpu` is the processor's own answer, where it has one.
pub(super) fn read(root: &Path, cpu: Option<String>) -> Parts {
    let tree = Tree(root);
    let cpuinfo = tree.text("proc/cpuinfo").unwrap_or_default();
    let mut parts = Parts {
        disks: tree.disks(),
        board: tree
            .text("sys/class/dmi/id/board_serial")
            .or_else(|| tree.text("sys/firmware/devicetree/base/serial-number")),
        system: tree.text("sys/class/dmi/id/product_uuid"),
        os: ["etc/machine-id", "var/lib/dbus/machine-id"]
            .into_iter()
            .filter_map(|path| tree.text(path))
            .find(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())),
        cpu: cpu.or_else(|| processor(&cpuinfo)),
        hint: tree.surroundings(&cpuinfo),
        ..Parts::default()
    };
    tree.add_macs(&mut parts);
    parts
}

struct Tree<'a>(&'a Path);

impl Tree<'_> {
    /// The trimmed text of a small file; absent, unreadable and empty are the same here.
    fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let bytes = fs::read(self.0.join(path)).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.0.join(folder)).into_iter().flatten().flatten();
        let mut names: Vec<_> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Where the device behind an entry of `/sys/class` or `/sys/block` sits.
    fn place(&self, entry: &str) -> Option<PathBuf> {
        fs::canonicalize(self.0.join(entry).join("device")).ok()
    }

    fn add_macs(&self, parts: &mut Parts) {
        for name in self.names("sys/class/net") {
            let entry = format!("sys/class/net/{name}");
            if self.text(format!("{entry}/type")).as_deref() != Some("1") {
                continue;
            }
            // The members of a bond all show the bond's address; their own is kept aside.
            let own = self.text(format!("{entry}/bonding_slave/perm_hwaddr"));
            let assigned = self.text(format!("{entry}/addr_assign_type"));
            let burnt_in = own.is_some() || assigned.as_deref().unwrap_or("0") == "0";
            let steadiness = match self.place(&entry) {
                Some(place) if on_usb(&place) => Steadiness::Removable,
                Some(_) if burnt_in => Steadiness::Fixed,
                Some(_) => Steadiness::Soft,
                None => Steadiness::Virtual,
            };
            if let Some(address) = own.or_else(|| self.text(format!("{entry}/address"))) {
                parts.add_mac(&address, steadiness);
            }
        }
    }

    fn disks(&self) -> Vec<String> {
        self.names("sys/block").iter().filter_map(|name| self.disk(name)).collect()
    }

    /// The serial number of one disk that stays in the machine.
    fn disk(&self, name: &str) -> Option<String> {
        if NOT_DISKS.iter().any(|prefix| name.starts_with(prefix))
            || name.contains("boot")
            || name.contains("rpmb")
        {
            return None;
        }
        let entry = format!("sys/block/{name}");
        let fixed = self.text(format!("{entry}/removable")).as_deref() != Some("1")
            && self.text(format!("{entry}/device/type")).as_deref() != Some("SD")
            && !self.place(&entry).is_some_and(|place| on_usb(&place));
        if !fixed {
            return None;
        }
        self.text(format!("{entry}/device/serial"))
            .or_else(|| self.text(format!("{entry}/serial")))
            .or_else(|| self.page_80(&entry))
            .or_else(|| self.udev_serial(&entry))
            .or_else(|| self.by_id(name))
            .or_else(|| self.text(format!("{entry}/device/wwid")))
            .or_else(|| self.text(format!("{entry}/wwid")))
    }

    /// The unit serial number that a SCSI or SATA disk reports: four bytes of header, then text.
    fn page_80(&self, entry: &str) -> Option<String> {
        let page = fs::read(self.0.join(entry).join("device/vpd_pg80")).ok()?;
        let serial = String::from_utf8_lossy(page.get(4..)?).trim_matches(['\0', ' ']).to_owned();
        (!serial.is_empty()).then_some(serial)
    }

    fn udev_serial(&self, entry: &str) -> Option<String> {
        let number = self.text(format!("{entry}/dev"))?;
        let record = self.text(format!("run/udev/data/b{number}"))?;
        let serial = record.lines().find_map(|line| line.strip_prefix("E:ID_SERIAL_SHORT="))?;
        (!serial.is_empty()).then(|| serial.to_owned())
    }

    /// `/dev/disk/by-id/ata-MODEL_SERIAL` points to the disk.
    fn by_id(&self, name: &str) -> Option<String> {
        self.names("dev/disk/by-id").into_iter().find_map(|id| {
            let target = fs::read_link(self.0.join("dev/disk/by-id").join(&id)).ok()?;
            let known = ["ata-", "nvme-", "scsi-", "virtio-"].iter().any(|p| id.starts_with(p));
            if !known || target.file_name()?.to_str()? != name {
                return None;
            }
            let (_, rest) = id.split_once('-')?;
            Some(rest.rsplit_once('_').map_or(rest, |(_, serial)| serial).to_owned())
        })
    }

    fn surroundings(&self, cpuinfo: &str) -> Option<MachineKind> {
        let release = self
            .text("proc/sys/kernel/osrelease")
            .or_else(|| self.text("proc/version"))
            .unwrap_or_default()
            .to_lowercase();
        if release.contains("microsoft") {
            return Some(MachineKind::Wsl);
        }
        let groups = self.text("proc/1/cgroup").unwrap_or_default();
        let marks = ["docker", "kubepods", "containerd", "lxc", "libpod"];
        if self.0.join(".dockerenv").exists()
            || self.0.join("run/.containerenv").exists()
            || marks.iter().any(|mark| groups.contains(mark))
        {
            return Some(MachineKind::Container);
        }
        let firmware = ["sys_vendor", "product_name", "bios_vendor"]
            .into_iter()
            .filter_map(|name| self.text(format!("sys/class/dmi/id/{name}")))
            .collect::<Vec<_>>()
            .join(" ")
            .to_uppercase();
        let virtual_machine = HYPERVISORS.iter().any(|word| firmware.contains(word))
            || field(cpuinfo, "flags").is_some_and(|f| f.split(' ').any(|f| f == "hypervisor"));
        virtual_machine.then_some(MachineKind::VirtualMachine)
    }
}

fn on_usb(place: &Path) -> bool {
    place.components().any(|part| {
        part.as_os_str().to_str().is_some_and(|name| {
            name.strip_prefix("usb").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
        })
    })
}

fn field<'a>(cpuinfo: &'a str, name: &str) -> Option<&'a str> {
    cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// The processor's signature out of `/proc/cpuinfo`: EDX and EAX of CPUID leaf 1 on x86,
/// implementer, part, variant and revision on ARM, else the model's name.
fn processor(cpuinfo: &str) -> Option<String> {
    x86(cpuinfo).or_else(|| arm(cpuinfo)).or_else(|| {
        ["model name", "cpu model", "Model Name", "cpu"]
            .into_iter()
            .find_map(|name| field(cpuinfo, name))
            .map(str::to_owned)
    })
}

fn x86(cpuinfo: &str) -> Option<String> {
    let number = |name| field(cpuinfo, name)?.parse::<u32>().ok();
    let (family, model, stepping) = (number("cpu family")?, number("model")?, number("stepping")?);
    let (base, extended) = if family > 0xF { (0xF, family - 0xF) } else { (family, 0) };
    let eax = extended << 20 | (model >> 4) << 16 | base << 8 | (model & 0xF) << 4 | stepping;
    let flags: Vec<_> = field(cpuinfo, "flags")?.split_whitespace().collect();
    let edx =
        (0..32).filter(|bit| flags.contains(&EDX[*bit])).fold(0u32, |edx, bit| edx | 1 << bit);
    Some(format!("{edx:08X}{eax:08X}"))
}

fn arm(cpuinfo: &str) -> Option<String> {
    let names = ["CPU implementer", "CPU part", "CPU variant", "CPU revision"];
    let values: Option<Vec<_>> = names.iter().map(|name| field(cpuinfo, name)).collect();
    Some(values?.join("-"))
}

#[cfg(test)]
mod tests;
