//! Every request that arrived at the open interfaces, for tests that ask what a seller sent.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use crate::faults::Api;
use crate::lock::locked;

/// One request, whatever was answered.
#[derive(Clone, Debug)]
pub struct RequestRecord {
    /// The interface.
    pub api: Api,
    /// When it was answered.
    pub at: Instant,
    /// Path and query.
    pub target: String,
    /// The header of that name.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
    /// The answer's code; none where the answer was lost.
    pub answered: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    keeps: bool,
    records: Vec<RequestRecord>,
    /// By interface: under way now, and the most at once.
    under_way: HashMap<Api, (usize, usize)>,
}

impl RequestLog {
    pub(crate) fn new(keeps: bool) -> Self {
        Self { keeps, ..Self::default() }
    }

    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    pub(crate) fn push(&mut self, record: RequestRecord) {
        self.records.push(record);
    }

    pub(crate) fn of(&self, api: Api) -> Vec<RequestRecord> {
        self.records.iter().filter(|record| record.api == api).cloned().collect()
    }

    pub(crate) fn take_most_under_way(&mut self, api: Api) -> usize {
        self.under_way.get_mut(&api).map(|(_, most)| std::mem::take(most)).unwrap_or_default()
    }
}

/// One request under way, until it is dropped: a caller that goes away ends it too.
pub(crate) struct UnderWay<'a> {
    log: &'a Mutex<RequestLog>,
    api: Api,
}

impl<'a> UnderWay<'a> {
    pub(crate) fn begin(log: &'a Mutex<RequestLog>, api: Api) -> Self {
        let mut requests = locked(log);
        let (now, most) = requests.under_way.entry(api).or_default();
        *now += 1;
        *most = (*most).max(*now);
        Self { log, api }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some((now, _)) = locked(self.log).under_way.get_mut(&self.api) {
            *now = now.saturating_sub(1);
        }
    }
}
