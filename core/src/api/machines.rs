//! Machines: how one gives its seat back, and how they are listed.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use crate::{
    Timestamp,
    id::{InstanceId, LicenseId, MachineId},
};

/// `POST /v1/client/machines/release`: a machine gives its own place back.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineReturn {
    /// The machine's license, as text or as the whole text of its file: the proof.
    pub license: String,
    /// 1 to 128 characters that the receipt must repeat.
    pub nonce: String,
}

impl std::fmt::Debug for MachineReturn {
    /// Without the license, which is a proof.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MachineReturn").finish_non_exhaustive()
    }
}

/// The answer to [`MachineReturn`]: the place is free, and the machine's licenses are revoked.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineReturned {
    /// The license that proved it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub license_id: LicenseId,
    /// The signed answer to the nonce, over the license as it was sent.
    pub receipt: String,
}

/// A machine that holds a place of an instance.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineView {
    /// Its id here; what it is made of is not kept.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub machine_id: MachineId,
    /// The instance.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub instance_id: InstanceId,
    /// `held`, or `free` since it was released.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub state: SeatStatus,
    /// Which of its parts were enrolled: `board`, `disk`, `os`, `mac`, `cpu`.
    pub parts: Vec<String>,
    /// A program enrolled it with the activation code; else the marketplace's application did.
    pub by_code: bool,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
}

open_enum! {
    /// Whether a machine holds its seat.
    SeatStatus {
        /// It holds it.
        Held = "held",
        /// It was released.
        Free = "free",
    }
}
