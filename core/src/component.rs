//! The components that identify a machine: their kinds, what a match of each kind counts, and values
//! that identify no machine.

use serde::{Deserialize, Serialize};

use crate::Lang;

/// A kind of a machine's part.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ComponentKind {
    /// Main board serial, else the system's UUID.
    Board,
    /// Disk serial.
    Disk,
    /// The operating system's machine id.
    Os,
    /// Network address.
    Mac,
    /// Processor signature or model.
    Cpu,
}

impl ComponentKind {
    /// Every kind, heaviest first.
    pub const ALL: [Self; 5] = [Self::Board, Self::Disk, Self::Os, Self::Mac, Self::Cpu];

    /// The word in documents and digests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Disk => "disk",
            Self::Os => "os",
            Self::Mac => "mac",
            Self::Cpu => "cpu",
        }
    }

    /// What a match of this kind counts.
    #[must_use]
    pub const fn weight(self) -> u32 {
        match self {
            Self::Board => 4,
            Self::Disk => 3,
            Self::Os => 2,
            Self::Mac | Self::Cpu => 1,
        }
    }

    /// The word for people.
    pub(crate) const fn label(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Board, Lang::En) => "main board",
            (Self::Disk, Lang::En) => "disk",
            (Self::Os, Lang::En) => "system id",
            (Self::Mac, Lang::En) => "network address",
            (Self::Cpu, Lang::En) => "processor",
            (Self::Board, Lang::Zh) => "主板",
            (Self::Disk, Lang::Zh) => "硬盘",
            (Self::Os, Lang::Zh) => "系统标识",
            (Self::Mac, Lang::Zh) => "网卡地址",
            (Self::Cpu, Lang::Zh) => "处理器",
        }
    }
}

/// Why a value of a device text was left out.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DropReason {
    /// A value that many machines share.
    Placeholder,
    /// Not a hardware address.
    NotAMac,
    /// An address that software chose; left out because something better is there.
    LocalMac,
    /// An address of a virtual adapter; left out because something better is there.
    VirtualMac,
}

/// A value that was left out, for the answer to name.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Dropped {
    /// The kind of the value.
    pub kind: ComponentKind,
    /// The value, normalized.
    pub value: String,
    /// Why it does not count.
    pub reason: DropReason,
}
