//! Why a program gets no license: the errors that several use cases share.

use license_core::issuing_rules::Denial;
use license_core::{Code, Lang};

use crate::error::ApiError;

/// Seconds after which a program may ask again while the order is being read.
const ORDER_RETRY_AFTER: u32 = 10;

/// No instance has this activation code.
pub(crate) fn code_unknown() -> ApiError {
    ApiError::new(
        Code::ActivationCodeUnknown,
        "this activation code is not known: copy it again from the marketplace's order page",
        "激活码无效：请从云商店订单页面重新复制",
    )
    .with_status(403)
}

/// The order is not read yet.
pub(crate) fn order_pending() -> ApiError {
    ApiError::new(
        Code::OrderPending,
        "the order behind this activation code is still being read: try again in a moment",
        "该激活码对应的订单正在读取：请稍后重试",
    )
    .with_status(503)
    .retry_after(ORDER_RETRY_AFTER)
}

/// An operator stopped the machine's license.
pub(crate) fn suspended() -> ApiError {
    ApiError::new(
        Code::LicenseSuspended,
        "the seller suspended this license: ask the seller",
        "卖家已暂停该许可证：请联系卖家",
    )
    .with_status(403)
}

/// A rule of `license_core` denies it.
pub(crate) fn deny(denial: Denial) -> ApiError {
    let status = match denial {
        Denial::MachinesExhausted { .. } => 409,
        Denial::DeviceMissing | Denial::DeviceUnreadable => 422,
        _ => 403,
    };
    ApiError::new(denial.code(), denial.message(Lang::En), denial.message(Lang::Zh))
        .with_status(status)
}
