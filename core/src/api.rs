//! JSON bodies that server, SDK and tools exchange, beside the signed documents themselves.
//!
//! Their doc comments are published: the server renders those of its admin API in `/openapi.json`.

mod alerts;
mod codes;
mod instances;
mod kit;
mod licenses;
mod machines;
mod notices;
mod open_enum;
mod problem;
mod products;
mod releases;
mod tokens;
mod uploads;
mod usage;

pub use alerts::{AlertDelivery, AlertLevel, AlertView, DeliveryStatus, DeliveryTarget};
pub use codes::{CodeStatus, CodeView};
pub use instances::{
    ApplicationStatus, ApplicationView, InstanceDetail, InstanceView, OrderStatus, SeatCount,
};
pub use kit::{
    DepartmentView, LoginApplication, LoginRedeem, LoginView, SyncedUser, TenantApplicationView,
    TenantView, UserView,
};
pub use licenses::{IssuedLicenseStatus, LicenseAnswer, LicenseRequest, LicenseView};
pub use machines::{MachineReturn, MachineReturned, MachineView, SeatStatus};
pub use notices::{NoticeStatus, NoticeView};
pub use problem::Problem;
pub use products::ProductView;
pub use releases::{ReleaseInput, ReleasePublish, ReleaseView, ReleaseWithdraw};
pub use tokens::{TokenCreate, TokenCreated, TokenRole};
pub use uploads::{QueuesView, RestoreView, UploadStatus, UploadView};
pub use usage::{
    UsageAccepted, UsageAnswer, UsageInput, UsagePush, UsageRecord, UsageReport, UsageStatus,
    UsageView,
};
