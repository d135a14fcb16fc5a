//! A program asks for its license, with the activation code of what was bought or with an
//! authorization code that the marketplace sold.

pub(crate) mod issue;
pub(crate) mod refusals;

use std::net::IpAddr;

use license_core::Code;
use license_core::api::{LicenseAnswer, LicenseRequest};

use super::guess_limiter::too_many_codes;
use super::{App, authorization_codes};
use crate::error::ApiError;

use issue::ClientLicense;
use refusals::code_unknown;

/// What is refused before anything is looked up.
fn check(request: &LicenseRequest) -> Result<(), ApiError> {
    let too_long = |name: &str, limit: usize| {
        ApiError::new(
            Code::RequestInvalid,
            format!("`{name}` has 1 to {limit} characters"),
            format!("{name} 须为 1 到 {limit} 个字符"),
        )
        .with_status(422)
    };
    for (name, text, limit) in [
        ("product", request.product.as_str(), 64),
        ("activation_code", &request.activation_code, 64),
        ("nonce", &request.nonce, 128),
    ] {
        if text.is_empty() || text.chars().count() > limit {
            return Err(too_long(name, limit));
        }
    }
    if request.version.as_ref().is_some_and(|version| version.chars().count() > 64) {
        return Err(too_long("version", 64));
    }
    Ok(())
}

/// Gives a program its license: the one in force, or a new one.
pub(crate) async fn request(
    app: &App,
    request: LicenseRequest,
    caller: IpAddr,
) -> Result<LicenseAnswer, ApiError> {
    check(&request)?;
    let now = app.context.now().as_secs();
    if let Err(wait) = app.guess_limiter.allowed(caller, now) {
        return Err(too_many_codes(wait));
    }
    let answer = dispatch(app, request).await;
    if answer.as_ref().is_err_and(|error| error.code == Code::ActivationCodeUnknown) {
        app.guess_limiter.wrong(caller, now);
    }
    let result = answer.as_ref().map_or_else(|error| error.code, |_| Code::Ok);
    metrics::counter!("licd_client_licenses_total", "code" => result.as_str()).increment(1);
    answer
}

/// By a code of ours, or else by one that the marketplace sold.
async fn dispatch(app: &App, request: LicenseRequest) -> Result<LicenseAnswer, ApiError> {
    let text = request.activation_code.trim().to_owned();
    let sold = authorization_codes::is_sold(app, &text);
    if let Ok(code) = text.parse() {
        let again = sold.then(|| request.clone());
        let answer = app.writer.write(ClientLicense { code, request }).await;
        let answer = answer.map_err(ApiError::from);
        let unknown = |error: &ApiError| error.code == Code::ActivationCodeUnknown;
        return match again {
            Some(request) if answer.as_ref().is_err_and(unknown) => {
                authorization_codes::license(app, &text, request).await
            }
            _ => answer,
        };
    }
    if sold { authorization_codes::license(app, &text, request).await } else { Err(code_unknown()) }
}
