//! What an audit entry says, on whose behalf it was done, and where a server's chain ends.

use std::collections::BTreeMap;

use license_core::audit::LinkHash;

tokio::task_local! {
    /// The id of the token that came with the request of this task.
    static TOKEN: String;
}

/// Answers a request on behalf of the holder of a token.
pub(crate) async fn on_behalf_of<F: Future>(token: String, answering: F) -> F::Output {
    TOKEN.scope(token, answering).await
}

/// On whose behalf something was done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Actor {
    /// The marketplace, by a signed call.
    Marketplace,
    /// A customer's program, with its activation code.
    Program,
    /// The server itself, or its command line.
    Server,
    /// The holder of an admin token, by the token's id.
    Token(String),
}

impl Actor {
    /// The holder of the token that came with the current request, else the server. To be taken
    /// before a command is queued: the writer runs on a task of its own and has no request.
    pub(crate) fn caller() -> Self {
        TOKEN.try_with(|token| Self::Token(token.clone())).unwrap_or(Self::Server)
    }

    fn word(&self) -> String {
        match self {
            Self::Marketplace => "marketplace".to_owned(),
            Self::Program => "program".to_owned(),
            Self::Server => "server".to_owned(),
            Self::Token(id) => format!("token:{id}"),
        }
    }
}

/// One thing that was done: ids only, no names, no codes, no texts of customers.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct AuditEntry(BTreeMap<&'static str, String>);

impl AuditEntry {
    /// `action` is a noun and a verb: `instance.create`.
    pub(crate) fn new(action: &str, by: &Actor) -> Self {
        let words =
            [("action", action.to_owned()), ("by", by.word()), ("outcome", "done".to_owned())];
        Self(words.into())
    }

    /// What it concerned: a kind, and the id.
    pub(crate) fn about(mut self, kind: &'static str, id: impl Into<String>) -> Self {
        self.0.insert(kind, id.into());
        self
    }

    /// How it ended, if not simply `done`.
    pub(crate) fn outcome(self, word: impl Into<String>) -> Self {
        self.about("outcome", word)
    }
}

/// The newest link of this server's chain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ChainHead {
    pub(super) seq: i64,
    pub(super) hash: LinkHash,
}

impl ChainHead {
    /// Of a chain that has no link yet.
    pub(super) const NONE: Self = Self { seq: 0, hash: LinkHash::NONE };
}
