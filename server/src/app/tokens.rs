//! Tokens of the admin interface: made here, kept as digests only.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use license_core::{Code, Timestamp, api};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::App;
use super::audit::entry::{Actor, AuditEntry};
use super::command::Command;
use super::context::Context;
use super::transaction::UnitOfWork;
use crate::error::ApiError;
use crate::store::{Role, StoreError, TokenRow, Tx};

/// What every token begins with, so that a leaked one is recognised.
const TOKEN_PREFIX: &str = "licd_";

/// A token as it is listed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct TokenView {
    /// Its id.
    pub(crate) id: String,
    /// What it is for.
    pub(crate) name: String,
    /// `viewer`, `operator` or `admin`.
    pub(crate) role: &'static str,
    /// When it was made.
    #[schema(value_type = i64)]
    pub(crate) created_at: Timestamp,
}

/// Keeps a token.
pub(crate) struct CreateToken {
    pub(crate) row: TokenRow,
    pub(crate) by: Actor,
}

impl Command for CreateToken {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut dyn Tx, work: &mut UnitOfWork<'_>) -> Result<(), StoreError> {
        tx.add_token(&self.row).await?;
        work.audit(made(&self.row, &self.by));
        Ok(())
    }
}

/// That a token was made, and what it allows.
pub(super) fn made(row: &TokenRow, by: &Actor) -> AuditEntry {
    AuditEntry::new("token.create", by).about("token", &row.id).about("role", row.role.as_str())
}

/// What is kept of a token.
pub(crate) fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// Makes a token and what is kept of it.
pub(crate) fn make(context: &Context, role: Role, name: &str) -> (String, TokenRow) {
    let token = format!("{TOKEN_PREFIX}{}", B64.encode(context.random::<32>()));
    let row = TokenRow {
        id: context.id(),
        hash: hash(&token),
        name: name.to_owned(),
        role,
        created_at: context.now().as_secs(),
    };
    (token, row)
}

impl From<Role> for api::TokenRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Operator => Self::Operator,
            Role::Admin => Self::Admin,
        }
    }
}

/// Whose token it is.
pub(crate) async fn caller(app: &App, token: &str) -> Result<Option<(String, Role)>, ApiError> {
    if !token.starts_with(TOKEN_PREFIX) {
        return Ok(None);
    }
    let mut tx = app.store.read().await?;
    Ok(tx.token(&hash(token)).await?.map(|token| (token.id, token.role)))
}

/// Makes a token; it is shown this once.
pub(crate) async fn create(
    app: &App,
    role: Role,
    name: &str,
) -> Result<api::TokenCreated, ApiError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 128 {
        return Err(ApiError::new(
            Code::RequestInvalid,
            "`name` says what the token is for, in 1 to 128 characters",
            "name 说明令牌用途，1 到 128 个字符",
        ));
    }
    let (token, row) = make(&app.context, role, name);
    app.writer.write(CreateToken { row, by: Actor::caller() }).await?;
    Ok(api::TokenCreated { name: name.to_owned(), role: role.into(), token })
}

/// Every token, without the tokens.
pub(crate) async fn list(app: &App) -> Result<Vec<TokenView>, ApiError> {
    let mut tx = app.store.read().await?;
    let rows = tx.tokens().await?;
    Ok(rows
        .into_iter()
        .map(|row| TokenView {
            id: row.id,
            name: row.name,
            role: row.role.as_str(),
            created_at: Timestamp::from_secs(row.created_at),
        })
        .collect())
}
