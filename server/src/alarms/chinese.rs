//! What each alert says in Chinese: a sentence for each word, whatever the case; ids and codes stand
//! in the alert's fields.

/// The sentence of an alert's word.
pub(crate) fn chinese(word: &str) -> Option<&'static str> {
    Some(match word {
        "application_held" => "已受理的许可证申请暂时无法签发；订单或实例状态允许后将自动签发",
        "key_file_made" => {
            "密钥文件缺失，已生成新密钥；数据库中已有更早的密钥，不认识新密钥的程序将拒绝其签名。\
             请放回原密钥文件，或在[keys]中为各服务器指定相同的文件"
        }
        "kit_secret_unreadable" => {
            "无法解密应用的clientSecret，其用户不能登录；请将koogallery.kit_key设为与卖家中心公钥对应的\
             私钥，并让云商店重新同步该应用"
        }
        "marketplace_credentials" => {
            "云商店拒绝了koogallery.ak和koogallery.sk：在修改配置或执行 licctl upload retry 之前，不再发送任何内容"
        }
        "marketplace_not_configured" => {
            "未配置AK/SK：订单不会被读取，许可证不会上传；请设置koogallery.ak和koogallery.sk"
        }
        "marketplace_unreachable" => "云商店连续多次未正常应答，队列已暂停，每次只试探一个请求",
        "product_unknown" => {
            "没有产品对应该productId，许可证申请被拒绝；云商店三小时内每小时重试一次，请用licctl product \
             apply配置产品"
        }
        "refund_nearing" => "订单仍未能读取：云商店即将放弃并自动退款",
        "restored" => {
            "数据库由备份恢复，上传已暂停；请用licctl upload list查看，并用licctl upload \
             confirm-restore确认"
        }
        "test" => "测试：本服务器的告警可以送达此处",
        "upload_refused" => "云商店拒绝了该许可证的上传，不再重试；原因见licctl upload list",
        "upload_unclear" => {
            "许可证上传被拒绝，但此前一次未收到应答的上传可能已送达；请在卖家中心核对"
        }
        "usage_refused" => "一条使用量记录被拒绝，不会计费；见licctl usage list",
        "usage_signature" => {
            "云商店拒绝了使用量的签名：koogallery.access_key须为基础接口的密钥；许可证不受影响"
        }
        "usage_unclear" => "一条使用量记录可能被重复计量，或虽被拒绝但已计量；请与卖家中心核对",
        "worker_failed" => "一个后台任务因程序缺陷中断，已重新启动；请将此前的日志反馈给开发者",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The words of every alert in the sources, as they are written in a log line or an alarm.
    fn words(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tests") {
                words(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap();
                for part in text.split("alert = \"").skip(1) {
                    found.push(part.split('"').next().unwrap().to_owned());
                }
            }
        }
    }

    #[test]
    fn every_alert_speaks_chinese() {
        let mut found = vec!["test".to_owned()];
        found.extend(super::super::WITH_THEIR_CAUSE.map(str::to_owned));
        words(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert!(found.len() > 15, "{found:?}");
        for word in found {
            let sentence = chinese(&word).unwrap_or_else(|| panic!("{word} has no Chinese"));
            assert!(!sentence.is_ascii(), "{word}");
        }
        assert_eq!(chinese("storm"), None);
    }
}
