//! The subcommands: one file each with its arguments and what it does.

pub(crate) mod alert;
pub(crate) mod audit;
pub(crate) mod authorization_code;
pub(crate) mod completions;
pub(crate) mod devinfo;
pub(crate) mod instance;
pub(crate) mod issue;
pub(crate) mod joint_kit;
pub(crate) mod key;
pub(crate) mod license;
pub(crate) mod machine;
pub(crate) mod market;
pub(crate) mod notice;
pub(crate) mod product;
pub(crate) mod release;
pub(crate) mod show;
pub(crate) mod token;
pub(crate) mod upload;
pub(crate) mod usage;
pub(crate) mod verify;
