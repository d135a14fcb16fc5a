//! `authSync`: who of an enterprise may use an application, up to 500 at once.

use serde_json::value::RawValue;

use super::SyncAction;
use crate::body::{Body, ValueKind};
use crate::call::fields::{Fields, refused};
use crate::code::{Rejection, fit};

/// The most users that one call may name.
pub const USERS_LIMIT: usize = 500;

/// The longest text of a user: no page prints one.
const TEXT_LIMIT: usize = 255;

/// 用户授权同步. A user's key is the instance, the tenant, the application and the user's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthSync {
    /// The seller's instance.
    pub instance_id: String,
    /// The buyer's enterprise.
    pub tenant_id: String,
    /// The application.
    pub app_id: String,
    /// At most [`USERS_LIMIT`]; of several with one name the last counts.
    pub users: Vec<User>,
    /// The marketplace's mark of this synchronisation, as it was sent.
    pub current_sync_time: String,
    /// What is to happen.
    pub change: SyncAction,
    /// A call of the console's debugging.
    pub test: bool,
    /// When it was sent, as it was sent (UTC+8); judges nothing.
    pub time_stamp: String,
}

/// One user. Of one that is to be deleted only the name is needed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The name that the authentication center tells as well.
    pub user_name: String,
    /// The person's name.
    pub name: String,
    /// 职位.
    pub position: Option<String>,
    /// The department.
    pub org_code: String,
    /// What the user may do.
    pub role: Role,
    /// Whether the user may log in.
    pub enable: bool,
    /// 工号.
    pub employee_code: Option<String>,
    /// 手机号.
    pub mobile: Option<String>,
    /// 邮箱.
    pub email: Option<String>,
    /// More about the employment.
    pub extension: Option<Extension>,
}

/// The role of a user.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Role {
    /// `user`.
    #[default]
    User,
    /// `admin`.
    Admin,
}

impl Role {
    /// The marketplace's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

/// The member `extension` of a user.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Extension {
    /// 入职时间.
    pub entry_date: Option<String>,
    /// 1 to 4.
    pub employee_type: Option<u8>,
    /// 工作地点.
    pub work_place: Option<String>,
}

impl AuthSync {
    /// Both editions print 0, 1 and 2 for `flag`.
    pub(super) fn read(fields: Fields<'_>) -> Result<Self, Rejection> {
        let change = fields.change(true)?;
        Ok(Self {
            instance_id: fields.required("instanceId", 64)?,
            tenant_id: fields.required("tenantId", 64)?,
            app_id: fields.required("appId", 64)?,
            users: users(fields.long("userList")?, change)?,
            current_sync_time: fields.required("currentSyncTime", 64)?,
            change,
            test: fields.test()?,
            time_stamp: fields.time_stamp("timeStamp")?,
        })
    }
}

/// A JSON array in a text.
fn users(list: &str, change: SyncAction) -> Result<Vec<User>, Rejection> {
    const NAME: &str = "userList";
    let list: Vec<&RawValue> = serde_json::from_str(list)
        .map_err(|_| refused(NAME, "is not a JSON array", "不是JSON数组"))?;
    if list.len() > USERS_LIMIT {
        return Err(refused(NAME, "names more than 500 users", "超过500个用户"));
    }
    list.iter()
        .enumerate()
        .map(|(i, raw)| User::read(raw, change).map_err(|rejection| of_user(i, &rejection)))
        .collect()
}

/// Names the user by place: names of people do not travel back.
fn of_user(i: usize, rejection: &Rejection) -> Rejection {
    let message = fit(format!("userList[{i}]: {}", rejection.message));
    Rejection { code: rejection.code, message }
}

impl User {
    fn read(raw: &RawValue, change: SyncAction) -> Result<Self, Rejection> {
        let body = Body::parse(raw.get().as_bytes())?;
        let fields = Fields(&body);
        let needed = |name: &str| match fields.optional(name, TEXT_LIMIT)? {
            Some(text) => Ok(text),
            None if change == SyncAction::Delete => Ok(String::new()),
            None => fields.required(name, TEXT_LIMIT),
        };
        Ok(Self {
            user_name: fields.required("userName", TEXT_LIMIT)?,
            name: needed("name")?,
            position: fields.optional("position", TEXT_LIMIT)?,
            org_code: needed("orgCode")?,
            role: match needed("role")?.to_ascii_lowercase().as_str() {
                "" | "user" => Role::User,
                "admin" => Role::Admin,
                _ => return Err(refused("role", "is neither user nor admin", "应为user或admin")),
            },
            enable: fields.enable(change)?,
            employee_code: fields.optional("employeeCode", TEXT_LIMIT)?,
            mobile: fields.optional("mobile", TEXT_LIMIT)?,
            email: fields.optional("email", TEXT_LIMIT)?,
            extension: fields.extension()?,
        })
    }
}

impl Fields<'_> {
    /// `enable`: "true" or "false", or the boolean itself.
    fn enable(self, change: SyncAction) -> Result<bool, Rejection> {
        const NAME: &str = "enable";
        let text = match self.0.kind(NAME) {
            Some(ValueKind::Boolean) => self.0.text(NAME).unwrap_or_default().to_owned(),
            _ if change == SyncAction::Delete => {
                self.optional(NAME, 5)?.unwrap_or("false".to_owned())
            }
            _ => self.required(NAME, 5)?,
        };
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(refused(NAME, "is neither true nor false", "应为true或false")),
        }
    }

    /// `extension`: an object, or one in a text.
    fn extension(self) -> Result<Option<Extension>, Rejection> {
        const NAME: &str = "extension";
        let Some(text) = self.0.text(NAME).filter(|text| !text.is_empty()) else { return Ok(None) };
        let body = Body::parse(text.as_bytes())
            .map_err(|_| refused(NAME, "is not a JSON object", "不是JSON对象"))?;
        let fields = Fields(&body);
        Ok(Some(Extension {
            entry_date: fields.optional("entryDate", TEXT_LIMIT)?,
            employee_type: match fields.optional("employeeType", 2)?.as_deref() {
                None => None,
                Some("1") => Some(1),
                Some("2") => Some(2),
                Some("3") => Some(3),
                Some("4") => Some(4),
                Some(_) => {
                    return Err(refused("employeeType", "is none of 1 to 4", "应为1至4"));
                }
            },
            work_place: fields.optional("workPlace", TEXT_LIMIT)?,
        }))
    }
}
