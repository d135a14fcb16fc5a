//! The machine that an application or a program presents: its device text, read once, and the
//! digests that it is looked up by.

use license_core::binding::index_digests;
use license_core::component::ComponentKind;
use license_core::device::DeviceInfo;

/// The device text of a request, read once.
#[derive(Clone, Debug)]
pub(crate) enum PresentedMachine {
    /// There is none.
    Missing,
    /// Nothing of it names a machine.
    Unreadable,
    /// A machine, and what it is found by.
    Machine { info: DeviceInfo, digests: Vec<String> },
}

impl PresentedMachine {
    pub(crate) fn read(text: Option<&str>, secret: &[u8]) -> Self {
        match text.filter(|text| !text.trim().is_empty()).map(DeviceInfo::parse) {
            None => Self::Missing,
            Some(Err(_)) => Self::Unreadable,
            Some(Ok(info)) => Self::Machine { digests: index(&info, secret), info },
        }
    }

    /// What it is found by.
    pub(crate) fn digests(&self) -> &[String] {
        match self {
            Self::Machine { digests, .. } => digests,
            Self::Missing | Self::Unreadable => &[],
        }
    }
}

/// What a machine is found by. Processors are not: many machines have the same one, and it never
/// decides alone.
fn index(info: &DeviceInfo, secret: &[u8]) -> Vec<String> {
    let parts =
        index_digests(info, secret).into_iter().filter(|(kind, _)| *kind != ComponentKind::Cpu);
    parts.map(|(kind, digest)| format!("{}:{digest}", kind.as_str())).collect()
}
