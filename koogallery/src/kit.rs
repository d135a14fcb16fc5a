//! The joint-operation kit (联营Kit): tenants, applications, users and organisations of a buyer,
//! told to the seller under fixed paths below its production address. Every field's presence,
//! type and length is judged here; what follows from a call is not.

mod organisation;
mod secret;
pub mod signature;
#[cfg(test)]
mod tests;
mod users;

use crate::body::Body;
use crate::call::fields::{Fields, refused};
use crate::code::Rejection;
use crate::edition::Edition;
use crate::oauth::{CenterUrl, InvalidCenterUrl};

pub use organisation::OrganisationSync;
pub use secret::{CIPHERTEXT_LIMIT, Ciphertext};
pub use users::{AuthSync, Extension, Role, USERS_LIMIT, User};

/// The most a kit call may hold, in bytes.
pub const LIMIT: usize = 1024 * 1024;

/// The path of a V2 call below the production address ends with the interface's name.
pub const V2_PATH: &str = "/produceAPI/v2/";

/// The path of a V1 call below the production address ends with the interface's name.
pub const V1_PATH: &str = "/produceAPI/";

/// One interface of the kit.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum KitInterface {
    /// 企业同步.
    TenantSync,
    /// 应用同步.
    ApplicationSync,
    /// 用户授权同步.
    AuthSync,
    /// 部门增量同步.
    SingleOrgSync,
    /// 部门全量同步.
    AllOrgSync,
}

impl KitInterface {
    /// Every interface.
    pub const ALL: &[Self] = &[
        Self::TenantSync,
        Self::ApplicationSync,
        Self::AuthSync,
        Self::SingleOrgSync,
        Self::AllOrgSync,
    ];

    /// The last segment of its path.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TenantSync => "tenantSync",
            Self::ApplicationSync => "applicationSync",
            Self::AuthSync => "authSync",
            Self::SingleOrgSync => "singleOrgSync",
            Self::AllOrgSync => "allOrgSync",
        }
    }

    /// The interface of a path's last segment.
    #[must_use]
    pub fn from_segment(segment: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|interface| interface.as_str() == segment)
    }

    /// Its path below the production address.
    #[must_use]
    pub fn path(self, edition: Edition) -> String {
        let start = match edition {
            Edition::V1 => V1_PATH,
            Edition::V2 => V2_PATH,
        };
        format!("{start}{}", self.as_str())
    }
}

/// What is to happen with what a call names (`flag`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SyncAction {
    /// 0.
    Delete,
    /// 1.
    Add,
    /// 2.
    Update,
}

impl SyncAction {
    /// The number that is sent.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Delete => 0,
            Self::Add => 1,
            Self::Update => 2,
        }
    }
}

/// One call, its fields judged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KitCall {
    /// `tenantSync`.
    Tenant(TenantSync),
    /// `applicationSync`.
    Application(ApplicationSync),
    /// `authSync`.
    Users(AuthSync),
    /// `singleOrgSync` and `allOrgSync`.
    Organisation(OrganisationSync),
}

/// 企业同步. Its key is the instance and the tenant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TenantSync {
    /// The seller's instance; empty while the seller applies for an application's credentials.
    pub instance_id: String,
    /// The order; empty as the instance is.
    pub order_id: String,
    /// The buyer's enterprise.
    pub tenant_id: String,
    /// Selects the buyer's login domain.
    pub tenant_code: String,
    /// The enterprise's name.
    pub name: String,
    /// The authentication center's address, with its scheme.
    pub domain_name: String,
    /// What is to happen.
    pub change: SyncAction,
    /// A call of the console's debugging.
    pub test: bool,
    /// When it was sent, as it was sent (UTC+8); judges nothing.
    pub time_stamp: String,
}

/// 应用同步. Its key is the instance, the tenant and the application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApplicationSync {
    /// The seller's instance.
    pub instance_id: String,
    /// The buyer's enterprise.
    pub tenant_id: String,
    /// The application.
    pub app_id: String,
    /// Its name at the authentication center.
    pub client_id: String,
    /// Its secret there, encrypted for the seller.
    pub client_secret: Ciphertext,
    /// What is to happen.
    pub change: SyncAction,
    /// A call of the console's debugging.
    pub test: bool,
    /// When it was sent, as it was sent (UTC+8); judges nothing.
    pub time_stamp: String,
}

impl KitCall {
    /// Reads a verified body. Members that no table names are tolerated.
    ///
    /// # Errors
    ///
    /// `000002` naming the field.
    pub fn read(interface: KitInterface, edition: Edition, body: &Body) -> Result<Self, Rejection> {
        let fields = Fields(body);
        match interface {
            KitInterface::TenantSync => TenantSync::read(fields, edition).map(Self::Tenant),
            KitInterface::ApplicationSync => {
                ApplicationSync::read(fields, edition).map(Self::Application)
            }
            KitInterface::AuthSync => AuthSync::read(fields).map(Self::Users),
            KitInterface::SingleOrgSync => {
                Ok(Self::Organisation(OrganisationSync::read(body, false)))
            }
            KitInterface::AllOrgSync => Ok(Self::Organisation(OrganisationSync::read(body, true))),
        }
    }

    /// Whether the console's debugging or probing sent it (`testFlag` 1).
    #[must_use]
    pub fn test(&self) -> bool {
        match self {
            Self::Tenant(call) => call.test,
            Self::Application(call) => call.test,
            Self::Users(call) => call.test,
            Self::Organisation(call) => call.test,
        }
    }
}

impl TenantSync {
    fn read(fields: Fields<'_>, edition: Edition) -> Result<Self, Rejection> {
        Ok(Self {
            instance_id: fields.present("instanceId", 64)?,
            order_id: fields.present("orderId", 64)?,
            tenant_id: fields.required("tenantId", 64)?,
            tenant_code: fields.required("tenantCode", 64)?,
            name: fields.required("name", 255)?,
            domain_name: fields.address("domainName", 255)?,
            change: fields.change(edition == Edition::V2)?,
            test: fields.test()?,
            time_stamp: fields.time_stamp("timeStamp")?,
        })
    }
}

impl ApplicationSync {
    fn read(fields: Fields<'_>, edition: Edition) -> Result<Self, Rejection> {
        Ok(Self {
            instance_id: fields.required("instanceId", 64)?,
            tenant_id: fields.required("tenantId", 64)?,
            app_id: fields.required("appId", 64)?,
            client_id: fields.required("clientId", 64)?,
            client_secret: Ciphertext::read(fields)?,
            change: fields.change(edition == Edition::V2)?,
            test: fields.test()?,
            time_stamp: fields.time_stamp("timeStamp")?,
        })
    }
}

/// Fields that only the kit has.
impl Fields<'_> {
    /// A text that must be there but may be empty.
    fn present(self, name: &str, max: usize) -> Result<String, Rejection> {
        match self.optional(name, max)? {
            Some(text) => Ok(text),
            None if self.0.kind(name).is_some() => Ok(String::new()),
            None => Err(refused(name, "is missing", "缺失")),
        }
    }

    /// `flag`, a number or its text; only V2 changes tenants and applications.
    fn change(self, may_update: bool) -> Result<SyncAction, Rejection> {
        match (self.required("flag", 2)?.as_str(), may_update) {
            ("0", _) => Ok(SyncAction::Delete),
            ("1", _) => Ok(SyncAction::Add),
            ("2", true) => Ok(SyncAction::Update),
            (_, true) => Err(refused("flag", "is none of 0, 1 and 2", "应为0、1或2")),
            (_, false) => Err(refused("flag", "is neither 0 nor 1", "应为0或1")),
        }
    }

    /// `yyyyMMddHHmmss` and up to three digits of a fraction, of a day that exists. Samples have
    /// fewer than the printed three.
    fn time_stamp(self, name: &str) -> Result<String, Rejection> {
        let text = self.required(name, 17)?;
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        if !digits || text.get(..14).and_then(crate::time::parse).is_none() {
            return Err(refused(name, "is not yyyyMMddHHmmssSSS", "应为yyyyMMddHHmmssSSS格式"));
        }
        Ok(text)
    }

    /// The authentication center's address "includes https://"; to this machine alone it may be
    /// plain http.
    fn address(self, name: &str, max: usize) -> Result<String, Rejection> {
        let text = self.required(name, max)?;
        match CenterUrl::parse(&text) {
            Ok(_) => Ok(text),
            Err(InvalidCenterUrl::NoAddress) => {
                Err(refused(name, "is not an https address", "应为https地址"))
            }
            Err(InvalidCenterUrl::NotEncrypted) => Err(refused(
                name,
                "is plain http, which is allowed to a loopback address only",
                "为http地址，仅允许用于环回地址",
            )),
        }
    }
}
