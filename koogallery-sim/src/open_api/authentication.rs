//! The signature that every open interface asks for, and how refusals are reported.

use koogallery::aksk::{self, Received};
use koogallery::upload;

use crate::api_message::{ApiAnswer, ApiRequest};
use crate::events::MarketEvent;
use crate::lock::locked;
use crate::simulator::Simulator;

/// Seconds that a request's date may differ from the clock, as the API gateway has it.
pub(super) const DATE_WINDOW_SECONDS: i64 = 900;

/// How a refusal is written: the order's table has `resultCode`, the others `error_code`.
type WriteRefusal = dyn Fn(&str, &str) -> Vec<u8>;

impl Simulator {
    /// What the API gateway says where nothing is published.
    pub(super) fn nothing(&self, request: &ApiRequest<'_>) -> ApiAnswer {
        self.refuse(request, 404, "APIGW.0101", "no such API", &upload::answer)
    }

    pub(super) fn authenticate(
        &self,
        request: &ApiRequest<'_>,
    ) -> Result<(), aksk::InvalidSignature> {
        let headers: Vec<(&str, &str)> = request
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let received = Received {
            method: request.method.as_str(),
            target: request.uri.path_and_query().map_or("/", |target| target.as_str()),
            headers: &headers,
            body: request.body,
        };
        aksk::verify(&locked(&self.credentials), &received, self.now(), DATE_WINDOW_SECONDS)
    }

    pub(super) fn refuse(
        &self,
        request: &ApiRequest<'_>,
        status: u16,
        code: &'static str,
        reason: &str,
        write: &WriteRefusal,
    ) -> ApiAnswer {
        let request = format!("{} {}", request.method, request.uri.path());
        let reason = reason.to_owned();
        let answer = ApiAnswer::new(status, write(code, &reason));
        self.report(MarketEvent::Refused { request, status, code, reason });
        answer
    }
}
