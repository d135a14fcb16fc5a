//! Domain events: what a transaction makes known once it is committed, and what follows in this
//! process (workers woken, callers answered, metrics, the log).

use std::sync::PoisonError;

use license_core::issue::Signer as _;
use serde_json::Value;

use super::audit::entry::ChainHead;
use super::context::Context;
use crate::alerts::Alert;

/// What is made known after a commit, and only then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    /// An order is to be read.
    OrderQueued { instance: String },
    /// A license was signed.
    Issued { license: String, instance: String },
    /// A license is to be sent.
    UploadQueued,
    /// Usage is to be sent.
    UsageQueued,
    /// An alert was stored together with its cause.
    AlertRaised(Alert),
    /// An alert is to be delivered.
    AlertQueued,
    /// An attempt to send the license of an event ended.
    UploadEnded { event: String },
    /// The order of a notification is to be read.
    Noticed,
    /// The marketplace is asked about an authorization code.
    CodeAsked { code: String },
    /// That question ended, whatever the answer.
    CodeAnswered { code: String },
    /// Kept applications are to be judged.
    JudgeDue,
    /// A list came that another key signed.
    KeyLearned { jwk: Value },
    /// A kept application cannot be served for now.
    Held { code: &'static str },
    /// The audit chain has a link more.
    Linked(ChainHead),
    /// What was restored may be sent.
    RestoreConfirmed,
    /// An application that had to wait has its license.
    Served { instance: String, event: String },
}

/// Does what follows from a committed event.
pub(crate) fn publish(context: &Context, event: Event) {
    match event {
        Event::OrderQueued { instance } => {
            context.order_lookups.begin(&instance);
            context.wakeups.orders.notify_one();
        }
        Event::Issued { license, instance } => {
            metrics::counter!("licd_licenses_issued_total").increment(1);
            tracing::info!(
                license.id = license,
                instance.id = instance,
                key.id = %context.issuing.kid(),
                "license signed"
            );
        }
        Event::UploadQueued => context.wakeups.uploads.notify_one(),
        Event::UsageQueued => context.wakeups.usage.notify_one(),
        Event::AlertRaised(alert) => alert.log(),
        Event::AlertQueued => context.wakeups.alerts.notify_one(),
        Event::Noticed => context.wakeups.notices.notify_one(),
        Event::CodeAsked { code } => context.code_lookups.begin(&code),
        Event::CodeAnswered { code } => context.code_lookups.end(&code),
        Event::UploadEnded { event } => context.delivery_waiters.ended(&event),
        Event::JudgeDue => context.wakeups.pending.notify_one(),
        Event::KeyLearned { jwk } => context.learn(jwk),
        Event::Linked(head) => {
            *context.audit_head.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
        }
        Event::Held { code } => {
            metrics::counter!("licd_applications_held_total", "code" => code).increment(1);
        }
        Event::RestoreConfirmed => {
            tracing::info!("the restore was confirmed: uploads go on");
            context.wakeups.uploads.notify_one();
        }
        Event::Served { instance, event } => tracing::info!(
            instance.id = instance,
            event.id = event,
            "an application that had to wait was served"
        ),
    }
}
