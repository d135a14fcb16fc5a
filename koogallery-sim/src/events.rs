//! What the simulator reports while it runs.

use crate::received_uploads::ReceivedUpload;

/// One thing that happened.
#[derive(Debug)]
pub enum MarketEvent {
    /// An order was asked for.
    OrderAsked {
        /// Its id.
        order: String,
        /// The line that was asked for, where one was.
        line: Option<String>,
        /// Whether it was found.
        known: bool,
    },
    /// A license arrived.
    Uploaded(Box<ReceivedUpload>),
    /// An authorization code was activated, asked for, sold or changed.
    Code {
        /// The interface or the change.
        step: &'static str,
        /// The code.
        code: String,
        /// Its status afterwards, or why it was refused.
        outcome: String,
    },
    /// Usage was pushed.
    Usage {
        /// `new` or `old`.
        form: &'static str,
        /// Records that count.
        counted: usize,
        /// Records that had been pushed before.
        repeated: usize,
        /// Records that were refused.
        abnormal: usize,
    },
    /// A step of a login at the authentication center.
    Login {
        /// The page.
        step: &'static str,
        /// The application, where it is known.
        client: String,
    },
    /// A fault that was ordered.
    Faulty {
        /// The interface.
        api: &'static str,
        /// The fault's word.
        fault: String,
    },
    /// A request that was answered with an error of the marketplace.
    Refused {
        /// Method and path.
        request: String,
        /// The answer's HTTP status.
        status: u16,
        /// The answer's code.
        code: &'static str,
        /// Why.
        reason: String,
    },
    /// Something of the simulator's own went wrong: the orders' file, the folder of uploads.
    Trouble(String),
    /// Nothing is answered any more.
    Stopped,
}
