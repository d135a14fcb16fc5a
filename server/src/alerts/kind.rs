//! Every kind of alert: its stable word, its level, and what it says in English and Chinese.
//! docs/OPERATIONS.md lists the words and what to do.

use license_core::api::AlertLevel;

macro_rules! alert_kinds {
    ($($(#[doc = $doc:literal])* $name:ident = $word:literal, $level:ident, $subject:literal, $en:expr, $zh:expr;)*) => {
        /// What an alert is about. Two kinds share a word where it covers two cases that differ in
        /// level or sentence.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(crate) enum AlertKind {
            $($(#[doc = $doc])* $name,)*
        }

        impl AlertKind {
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable word, in the log and in the database.
            pub(crate) const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            pub(crate) const fn level(self) -> AlertLevel {
                match self { $(Self::$name => AlertLevel::$level,)* }
            }

            /// The field of the log line that shows the subject; empty where none does.
            pub(crate) const fn subject_field(self) -> &'static str {
                match self { $(Self::$name => $subject,)* }
            }

            /// The sentence; `{name}` stands for the field of that name.
            pub(crate) const fn en(self) -> &'static str {
                match self { $(Self::$name => $en,)* }
            }

            /// The sentence in Chinese. It depends on the word only, so that a stored alert needs no
            /// column for it.
            pub(crate) const fn zh(self) -> &'static str {
                match self { $(Self::$name => $zh,)* }
            }
        }
    };
}

/// The two cases of `kit_secret_unreadable`.
const KIT_SECRET_ZH: &str = "无法解密应用的clientSecret，其用户不能登录；请将koogallery.kit_key设为与卖家中心公钥对应的\
     私钥，并让云商店重新同步该应用";
/// The two cases of `usage_unclear`.
const USAGE_UNCLEAR_ZH: &str = "一条使用量记录可能被重复计量，或虽被拒绝但已计量；请与卖家中心核对";

alert_kinds! {
    /// An accepted application is refused for now.
    ApplicationHeld = "application_held", Warn, "instance.id",
        "an accepted application cannot be served for now; it is served when its order or the \
         instance allows it",
        "已受理的许可证申请暂时无法签发；订单或实例状态允许后将自动签发";
    /// A key file was missing although the database knows earlier keys.
    KeyFileMade = "key_file_made", Warn, "",
        "a key file was missing and another key was made, although this database knows earlier \
         keys: programs that do not know the new key refuse what it signs; put the old file back \
         if it was lost",
        "密钥文件缺失，已生成新密钥；数据库中已有更早的密钥，不认识新密钥的程序将拒绝其签名。\
         请放回原密钥文件，或在[keys]中为各服务器指定相同的文件";
    /// The marketplace sent a client secret that the seller's key does not decrypt.
    KitSecretRefused = "kit_secret_unreadable", Warn, "",
        "an application's clientSecret could not be opened: its users cannot log in until \
         koogallery.kit_key is the key whose public half the seller console has, and the \
         marketplace has told the application again",
        KIT_SECRET_ZH;
    /// A client secret in the database does not open with the key file that is there.
    KitSecretUnreadable = "kit_secret_unreadable", Error, "",
        "a stored clientSecret cannot be opened: put the key file back into koogallery.kit_key, or \
         have the marketplace tell the application again",
        KIT_SECRET_ZH;
    /// The circuit breaker is in the state `CredentialsRefused`.
    MarketplaceCredentials = "marketplace_credentials", Error, "",
        "the marketplace refused koogallery.ak and koogallery.sk: nothing is sent until the \
         configuration changes, or `licctl upload retry` says to try again",
        "云商店拒绝了koogallery.ak和koogallery.sk：在修改配置或执行 licctl upload retry 之前，不再发送任何内容";
    /// The configuration holds no AK/SK.
    MarketplaceNotConfigured = "marketplace_not_configured", Warn, "",
        "koogallery.ak and koogallery.sk are not set: orders are not read and licenses are not \
         uploaded; both wait in the database",
        "未配置AK/SK：订单不会被读取，许可证不会上传；请设置koogallery.ak和koogallery.sk";
    /// The circuit breaker opened after failures in a row.
    MarketplaceUnreachable = "marketplace_unreachable", Error, "",
        "the marketplace did not answer five times in a row: its queues rest, and it is asked once \
         in a while",
        "云商店连续多次未正常应答，队列已暂停，每次只试探一个请求";
    /// V1 asked for a license of a `productId` that no product has.
    ProductUnknown = "product_unknown", Warn, "",
        "a License was refused because no product is sold under this productId; the marketplace \
         asks again once an hour for three hours",
        "没有产品对应该productId，许可证申请被拒绝；云商店三小时内每小时重试一次，请用licctl product \
         apply配置产品";
    /// An order could not be read, and its automatic refund is near.
    RefundNearing = "refund_nearing", Error, "",
        "an order could not be read yet: the marketplace gives up and pays it back soon",
        "订单仍未能读取：云商店即将放弃并自动退款";
    /// Uploads wait until the restore is confirmed.
    Restored = "restored", Warn, "",
        "restored from a backup of {backup_at}: uploads wait; look at them with `licctl upload \
         list`, confirm with `licctl upload confirm-restore`",
        "数据库由备份恢复，上传已暂停；请用licctl upload list查看，并用licctl upload \
         confirm-restore确认";
    /// An operator tries whether alerts arrive.
    Test = "test", Warn, "",
        "a test: alerts of this server arrive here",
        "测试：本服务器的告警可以送达此处";
    /// The marketplace refused an upload for good.
    UploadRefused = "upload_refused", Error, "upload.id",
        "the marketplace refused a license",
        "云商店拒绝了该许可证的上传，不再重试；原因见licctl upload list";
    /// An upload was refused after an attempt without an answer.
    UploadUnclear = "upload_unclear", Error, "upload.id",
        "the marketplace refused a license that an earlier attempt may have delivered: look in the \
         seller's console",
        "许可证上传被拒绝，但此前一次未收到应答的上传可能已送达；请在卖家中心核对";
    /// A record of usage was refused for good.
    UsageRefused = "usage_refused", Error, "instance.id",
        "a record of usage was refused",
        "一条使用量记录被拒绝，不会计费；见licctl usage list";
    /// The marketplace refused the signature over usage.
    UsageSignature = "usage_signature", Error, "",
        "the marketplace refused the signature of usage: is koogallery.access_key the one of the \
         basic interface?",
        "云商店拒绝了使用量的签名：koogallery.access_key须为基础接口的密钥；许可证不受影响";
    /// A record of usage was taken twice in the form that carries no number.
    UsageTwice = "usage_unclear", Error, "instance.id",
        "a record of usage was sent again in the old form after an attempt that got no answer: it \
         may have been counted twice",
        USAGE_UNCLEAR_ZH;
    /// A record of usage was refused after an attempt without an answer.
    UsageUnclear = "usage_unclear", Error, "instance.id",
        "a record of usage was refused that an earlier attempt may have delivered: compare with the \
         seller's console",
        USAGE_UNCLEAR_ZH;
    /// A worker panicked.
    WorkerFailed = "worker_failed", Error, "",
        "a worker failed; it starts again",
        "一个后台任务因程序缺陷中断，已重新启动；请将此前的日志反馈给开发者";
}

impl AlertKind {
    /// A kind of that word; the database may hold words of other versions.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_one_chinese_sentence_and_a_line_for_operators() {
        let operations = include_str!("../../../docs/OPERATIONS.md");
        for kind in AlertKind::ALL.iter().copied() {
            let word = kind.word();
            assert!(!kind.zh().is_ascii(), "{word}");
            assert_eq!(AlertKind::of_word(word).map(AlertKind::zh), Some(kind.zh()), "{word}");
            let listed = operations.contains(&format!("\n| `{word}` |"));
            assert!(listed || kind == AlertKind::Test, "docs/OPERATIONS.md does not list {word}");
        }
        assert_eq!(AlertKind::of_word("of a newer version"), None);
    }
}
