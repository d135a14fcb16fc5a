//! What can be written, as data: a list of commands goes in, as many answers come out.

use crate::store::{Locks, StoreError, Tx};

use super::transaction::UnitOfWork;
use super::{
    alerts, authorization_codes, client_license, clock_change, instances, issuance, joint_kit,
    licenses, login, machines, market, notices, orders, products, refund_warnings, releases,
    restore_hold, retention, signed_lists, tokens, uploads, usage, write_probe,
};

/// One thing to do inside of a transaction. It may run twice: the second time in a transaction of
/// its own, when a neighbour spoiled the first.
pub(crate) trait UseCase: Send + Sync {
    /// What is answered once it is committed.
    type Answer: Send;

    /// Names what it will change and other servers must not change meanwhile.
    fn locks(&self, _: &mut Locks) {}

    /// Loads, decides, writes.
    fn run(
        &self,
        tx: &mut dyn Tx,
        work: &mut UnitOfWork<'_>,
    ) -> impl Future<Output = Result<Self::Answer, StoreError>> + Send;
}

/// A use case that travels through the writer's queue.
pub(crate) trait Queued: UseCase {
    fn into_command(self) -> Command;
    fn from_answer(answer: Answer) -> Option<Self::Answer>;
}

macro_rules! use_cases {
    ($($(#[$meta:meta])* $name:ident => $case:ty,)+) => {
        /// One use case and its arguments.
        pub(crate) enum Command { $($(#[$meta])* $name(Box<$case>),)+ }

        /// The answer to the [`Command`] of the same name.
        pub(crate) enum Answer { $($(#[$meta])* $name(<$case as UseCase>::Answer),)+ }

        impl Command {
            /// Names what it will change.
            pub(crate) fn locks(&self, locks: &mut Locks) {
                match self { $($(#[$meta])* Self::$name(case) => case.locks(locks),)+ }
            }

            /// Runs it inside of a transaction.
            pub(crate) async fn run(
                &self,
                tx: &mut dyn Tx,
                work: &mut UnitOfWork<'_>,
            ) -> Result<Answer, StoreError> {
                match self {
                    $($(#[$meta])* Self::$name(case) => case.run(tx, work).await.map(Answer::$name),)+
                }
            }
        }

        $($(#[$meta])* impl Queued for $case {
            fn into_command(self) -> Command { Command::$name(Box::new(self)) }

            fn from_answer(answer: Answer) -> Option<Self::Answer> {
                match answer { Answer::$name(answer) => Some(answer), _ => None }
            }
        })+
    };
}

use_cases! {
    Apply => market::Apply,
    ApplyProduct => products::ApplyProduct,
    BeginCode => authorization_codes::BeginCode,
    Buy => market::Buy,
    ClientLicense => client_license::ClientLicense,
    ConfirmRestore => restore_hold::ConfirmRestore,
    CreateInstance => market::CreateInstance,
    CreateToken => tokens::CreateToken,
    EndActivation => authorization_codes::EndActivation,
    EndBeat => authorization_codes::EndBeat,
    EndDelivery => alerts::EndDelivery,
    EndNotice => notices::EndNotice,
    EndOrder => orders::EndOrder,
    EndUpload => uploads::EndUpload,
    EndUsage => usage::EndUsage,
    ExpireInstance => market::ExpireInstance,
    #[cfg(test)]
    Fail => failing::Fail,
    ClampDueTimes => clock_change::ClampDueTimes,
    KeepDeliveries => alerts::KeepDeliveries,
    KeepLogin => login::KeepLogin,
    KeepOrders => orders::KeepOrders,
    KeepUploads => uploads::KeepUploads,
    KeepUsage => usage::KeepUsage,
    OpenQueues => uploads::OpenQueues,
    Probe => write_probe::Probe,
    PutLicense => licenses::PutLicense,
    PublishList => releases::PublishList,
    PublishRelease => releases::PublishRelease,
    PushUsage => usage::PushUsage,
    PutPause => uploads::PutPause,
    RefreshCode => market::RefreshCode,
    RefreshInstance => market::RefreshInstance,
    ReleaseCode => market::ReleaseCode,
    ReleaseMachine => machines::ReleaseMachine,
    ReturnMachine => machines::ReturnMachine,
    RotateCode => instances::RotateCode,
    ReleaseInstance => market::ReleaseInstance,
    ReportUsage => usage::ReportUsage,
    RetryUpload => uploads::RetryUpload,
    RetryUsage => usage::RetryUsage,
    SetCodeStatus => market::SetCodeStatus,
    SetStatus => market::SetStatus,
    ReevaluatePending => issuance::ReevaluatePending,
    SignList => signed_lists::SignList,
    StoreAlarms => alerts::StoreAlarms,
    Sweep => retention::Sweep,
    SweepHistory => retention::SweepHistory,
    SyncKit => joint_kit::SyncKit,
    TakeDeliveries => alerts::TakeDeliveries,
    TakeLogin => login::TakeLogin,
    TakeNotice => notices::TakeNotice,
    TakeNotices => notices::TakeNotices,
    TakeOrders => orders::TakeOrders,
    TakeUploads => uploads::TakeUploads,
    TakeUsage => usage::TakeUsage,
    TestAlert => alerts::TestAlert,
    UpgradeInstance => market::UpgradeInstance,
    UseState => login::UseState,
    WithdrawRelease => releases::WithdrawRelease,
    WarnRefunds => refund_warnings::WarnRefunds,
}

#[cfg(test)]
pub(crate) mod failing {
    //! A use case that goes wrong after it has written.

    use super::{StoreError, Tx, UnitOfWork, UseCase};

    #[derive(Clone)]
    pub(crate) enum Fail {
        Breaks,
        Panics,
        IsSlow,
    }

    impl UseCase for Fail {
        type Answer = ();

        async fn run(&self, tx: &mut dyn Tx, _: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
            tx.put_meta("half", Some(b"written")).await?;
            let asked = "as it was asked to".to_owned();
            match self {
                Self::Breaks => Err(StoreError::Broken(asked)),
                Self::IsSlow => Err(StoreError::Slow(asked)),
                Self::Panics => panic!("{asked}"),
            }
        }
    }
}
