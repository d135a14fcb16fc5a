//! The marketplace's access keys, by interface type: what its calls are signed with.

use koogallery::{AccessKey, InterfaceType};

use crate::config::{Koogallery, Secret};

/// What the marketplace signs with, by interface type.
pub(crate) struct AccessKeys {
    basic: Vec<AccessKey>,
    license_code: Vec<AccessKey>,
    general: Vec<AccessKey>,
    kit: Vec<AccessKey>,
}

impl AccessKeys {
    pub(crate) fn new(config: &Koogallery) -> anyhow::Result<Self> {
        let keys = |secrets: &[Secret]| {
            secrets.iter().map(|secret| AccessKey::new(secret.expose())).collect::<Result<_, _>>()
        };
        Ok(Self {
            basic: keys(&config.access_key)?,
            license_code: keys(&config.license_code_access_key)?,
            general: keys(&config.general_access_key)?,
            kit: keys(&config.kit_access_key)?,
        })
    }

    pub(super) fn of(&self, interface: InterfaceType) -> &[AccessKey] {
        match interface {
            InterfaceType::Basic => &self.basic,
            InterfaceType::LicenseCode => &self.license_code,
            InterfaceType::General => &self.general,
            InterfaceType::Kit => &self.kit,
        }
    }
}
