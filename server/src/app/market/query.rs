//! `queryInstance`: what the buyer is shown of his instances.

use koogallery::answer::{AppInfo, InstanceInfo, UsageInfo};
use koogallery::call::QueryInstance;
use koogallery::{Answer, ResultCode};

use crate::store::{Instance, Store, StoreError};

/// How an instance is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum InstanceDisplay {
    /// To the JSON interfaces.
    V2,
    /// To V1: with what is used, and the activation code where it will be
    /// encrypted.
    V1 {
        /// Whether the answer will be encrypted.
        secret: bool,
    },
}

/// 查询实例信息: the known ones of those asked for.
pub(crate) async fn instances(
    store: &Store,
    call: &QueryInstance,
    shown: InstanceDisplay,
) -> Result<Answer, StoreError> {
    let mut tx = store.read().await?;
    let mut found = Vec::new();
    for id in &call.instance_ids {
        if let Some(instance) = tx.instance(id).await? {
            let app_info = app_info(&instance, shown);
            let usage_info = (shown != InstanceDisplay::V2).then(|| usage(&instance));
            found.push(InstanceInfo { instance_id: instance.id, app_info, usage_info });
        } else if tx.is_test_instance(id).await? {
            let app_info = test_app_info();
            found.push(InstanceInfo { instance_id: id.clone(), app_info, usage_info: None });
        }
    }
    Ok(if found.is_empty() {
        Answer::of(ResultCode::InstanceUnknown)
    } else {
        Answer::instances(found)
    })
}

/// What the buyer is shown of an instance: its activation code.
pub(crate) fn app_info(instance: &Instance, shown: InstanceDisplay) -> AppInfo {
    let code = &instance.activation_code;
    if shown == (InstanceDisplay::V1 { secret: true }) {
        let memo = "激活码见密码 / The password is the activation code".to_owned();
        let password = Some(code.clone());
        return AppInfo { memo: Some(memo), password, ..AppInfo::default() };
    }
    let memo = format!("激活码 / Activation code: {code}");
    AppInfo { memo: Some(memo), ..AppInfo::default() }
}

/// What debugging is shown.
pub(crate) fn test_app_info() -> AppInfo {
    let memo = "测试实例 / Test instance".to_owned();
    AppInfo { memo: Some(memo), ..AppInfo::default() }
}

/// Places in use. An instance is one item: no package is sold.
fn usage(instance: &Instance) -> Vec<UsageInfo> {
    #[expect(clippy::cast_precision_loss, reason = "a number of machines")]
    let usage_value = instance.machines_used.max(0) as f64;
    vec![UsageInfo { related_instance_id: instance.id.clone(), usage_value }]
}
