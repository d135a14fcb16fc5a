//! `queryInstance`: what the buyer is shown of his instances.

use koogallery::answer::{AppInfo, InstanceInfo};
use koogallery::call::QueryInstance;
use koogallery::{Answer, ResultCode};

use crate::store::{Store, StoreError};

/// 查询实例信息: the known ones of those asked for.
pub(crate) async fn instances(store: &Store, call: &QueryInstance) -> Result<Answer, StoreError> {
    let mut tx = store.read().await?;
    let mut found = Vec::new();
    for id in &call.instance_ids {
        if let Some(instance) = tx.instance(id).await? {
            let memo = format!("激活码 / Activation code: {}", instance.activation_code);
            let app_info = AppInfo { memo: Some(memo), ..AppInfo::default() };
            found.push(InstanceInfo { instance_id: instance.id, app_info, usage_info: None });
        } else if tx.is_test_instance(id).await? {
            let memo = "测试实例 / Test instance".to_owned();
            let app_info = AppInfo { memo: Some(memo), ..AppInfo::default() };
            found.push(InstanceInfo { instance_id: id.clone(), app_info, usage_info: None });
        }
    }
    Ok(if found.is_empty() {
        Answer::of(ResultCode::InstanceUnknown)
    } else {
        Answer::instances(found)
    })
}
