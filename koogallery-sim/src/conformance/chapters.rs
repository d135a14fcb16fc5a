//! Where in the public guides a rule stands, by the interface that a call is about.

pub(super) const SIGNATURE: &str = "接口鉴权";
pub(super) const CODES: &str = "License授权码商品接入";
pub(super) const NOTIFY: &str = "订单通知接口";
pub(super) const KIT: &str = "联营Kit";
pub(super) const V1: &str = "V1.0 接口";

/// The chapter for a call, by the first word of what was sent.
pub(super) fn chapter(sent: &str) -> &'static str {
    match sent.split([' ', ',', ';']).next().unwrap_or_default() {
        "newInstance" => "创建实例",
        "refreshInstance" => "更新实例",
        "updateInstanceStatus" => "更新实例状态",
        "releaseInstance" => "释放实例",
        "getLicenseAsync" => "异步申请License",
        "queryInstance" => "查询实例信息",
        "upgradeInstance" => "实例升级",
        "changeInstanceCheck" => "续费变更校验",
        "refreshLicenseCode" => "更新授权码有效期",
        "updateLicenseCodeStatus" => "变更授权码状态",
        "releaseLicenseCode" => "释放授权码",
        "orderNotify" => NOTIFY,
        _ => SIGNATURE,
    }
}
