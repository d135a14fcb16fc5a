//! Faults on demand: which open interface answers wrongly, how, and how often.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::rng::SeededRng;

/// How late an answer comes by the fault `slow`.
const SLOW_DELAY: Duration = Duration::from_secs(3);

/// An open interface of the marketplace, or a page of its authentication centre.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Api {
    /// "Query an order".
    Order,
    /// "Upload a string or file".
    Upload,
    /// Activation of authorization codes.
    Activate,
    /// Questions about authorization codes.
    Heartbeat,
    /// Usage push.
    Usage,
    /// The login page.
    Authorize,
    /// Codes and refresh tokens for access tokens.
    Token,
    /// Who logged in.
    UserInfo,
    /// The end of a login.
    Logout,
}

impl Api {
    pub(crate) const ALL: [Self; 9] = [
        Self::Order,
        Self::Upload,
        Self::Activate,
        Self::Heartbeat,
        Self::Usage,
        Self::Authorize,
        Self::Token,
        Self::UserInfo,
        Self::Logout,
    ];

    /// Its word in `--fail`.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Upload => "upload",
            Self::Activate => "activate",
            Self::Heartbeat => "heartbeat",
            Self::Usage => "usage",
            Self::Authorize => "authorize",
            Self::Token => "token",
            Self::UserInfo => "userinfo",
            Self::Logout => "logout",
        }
    }
}

/// What goes wrong. A status is answered before anything is done; the others lose the answer to
/// something that was done, which is the harder half of "once".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ApiFault {
    /// This HTTP status, with the code that the interface's table has for it.
    Status(u16),
    /// This HTTP status and this code.
    Refuse(u16, &'static str),
    /// No answer for a minute, then the connection is closed.
    Timeout,
    /// The connection is closed instead of an answer.
    Close,
    /// The right answer, this late.
    Slow(Duration),
    /// A page of a proxy, with status 200.
    Garbage,
}

impl ApiFault {
    const ALL: [Self; 9] = [
        Self::Status(500),
        Self::Status(429),
        Self::Status(406),
        Self::Status(401),
        Self::Status(403),
        Self::Timeout,
        Self::Close,
        Self::Slow(SLOW_DELAY),
        Self::Garbage,
    ];

    /// Those that another attempt gets over: wrong credentials stop a seller for good.
    const PASSING: [Self; 5] =
        [Self::Status(500), Self::Status(429), Self::Status(406), Self::Close, Self::Garbage];

    pub(crate) fn word(self) -> String {
        match self {
            Self::Status(status) | Self::Refuse(status, _) => status.to_string(),
            Self::Timeout => "timeout".to_owned(),
            Self::Close => "close".to_owned(),
            Self::Slow(_) => "slow".to_owned(),
            Self::Garbage => "garbage".to_owned(),
        }
    }
}

/// `API:FAULT[xN]`: the next N requests, or every one.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Planned {
    api: Api,
    fault: ApiFault,
    left: Option<u32>,
}

/// What is to go wrong from now on: what was queued first, then what was planned, then chance.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    queued: VecDeque<(Api, Option<ApiFault>)>,
    planned: Vec<Planned>,
    random: Option<(f64, SeededRng)>,
    injected: u32,
}

/// Text that names no fault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvalidFault {
    wrong: String,
    nearest: Option<String>,
    kind: &'static str,
}

impl fmt::Display for InvalidFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no {}", self.wrong, self.kind)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for InvalidFault {}

impl Faults {
    /// Beside what was planned, this share of all requests goes wrong in passing.
    #[must_use]
    pub fn with_share(mut self, share: f64, seed: u64) -> Self {
        self.random = (share > 0.0).then(|| (share, SeededRng::new(seed)));
        self
    }

    /// Replaces what was planned for an interface.
    pub(crate) fn set(&mut self, api: Api, fault: Option<ApiFault>) {
        self.planned.retain(|planned| planned.api != api);
        self.planned.extend(fault.map(|fault| Planned { api, fault, left: None }));
    }

    /// Answers the next requests like this, in this order.
    pub(crate) fn queue(&mut self, api: Api, faults: impl IntoIterator<Item = Option<ApiFault>>) {
        self.queued.extend(faults.into_iter().map(|fault| (api, fault)));
    }

    /// What goes wrong with the next request to this interface.
    pub(crate) fn next(&mut self, api: Api) -> Option<ApiFault> {
        let found = self.due(api);
        self.injected += u32::from(found.is_some());
        found
    }

    fn due(&mut self, api: Api) -> Option<ApiFault> {
        // What a test queued for the next requests comes before what lasts.
        if let Some(at) = self.queued.iter().position(|(queued, _)| *queued == api) {
            return self.queued.remove(at)?.1;
        }
        let mut planned = self.planned.iter_mut().filter(|planned| planned.api == api);
        if let Some(planned) = planned.find(|planned| planned.left != Some(0)) {
            planned.left = planned.left.map(|left| left - 1);
            return Some(planned.fault);
        }
        let (share, rng) = self.random.as_mut()?;
        let kinds = ApiFault::PASSING.len() as u64;
        let kind = rng.chance(*share).then(|| rng.below(kinds))?;
        ApiFault::PASSING.get(usize::try_from(kind).unwrap_or_default()).copied()
    }

    /// How many requests went wrong.
    pub(crate) fn injected(&self) -> u32 {
        self.injected
    }
}

impl FromStr for Faults {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let planned = parts.map(Planned::from_str).collect::<Result<_, _>>()?;
        Ok(Self { planned, ..Self::default() })
    }
}

impl FromStr for Planned {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        let Some((api, fault)) = text.split_once(':') else {
            let wrong = text.to_owned();
            return Err(InvalidFault { wrong, nearest: None, kind: "API:FAULT" });
        };
        let api = pick(api.trim(), "API", &Api::ALL.map(|api| (api.word().to_owned(), api)))?;
        // No word of a fault has digits behind an x, so what has them is a number of times.
        let (fault, left) = match fault.rsplit_once(['x', 'X']) {
            Some((fault, times)) if times.bytes().all(|b| b.is_ascii_digit()) => {
                let left = times.parse().ok().filter(|times| *times > 0);
                let wrong = times.to_owned();
                let count = InvalidFault { wrong, nearest: None, kind: "number of times" };
                (fault, Some(left.ok_or(count)?))
            }
            _ => (fault, None),
        };
        let fault = pick(fault.trim(), "fault", &ApiFault::ALL.map(|fault| (fault.word(), fault)))?;
        Ok(Self { api, fault, left })
    }
}

fn pick<T: Copy, const N: usize>(
    word: &str,
    kind: &'static str,
    known: &[(String, T); N],
) -> Result<T, InvalidFault> {
    if let Some((_, found)) = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
        return Ok(*found);
    }
    let distance = |name: &str| strsim::damerau_levenshtein(word, name);
    let nearest = known.iter().map(|(name, _)| name).min_by_key(|name| distance(name)).cloned();
    Err(InvalidFault { wrong: word.to_owned(), nearest, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(faults: &mut Faults, api: Api, times: usize) -> Vec<Option<ApiFault>> {
        (0..times).map(|_| faults.next(api)).collect()
    }

    #[test]
    fn faults_come_as_often_as_they_were_ordered() {
        let mut faults: Faults =
            "upload:500x2, order:timeout,upload:closex1,activate:403,usage:slow".parse().unwrap();
        let five = Some(ApiFault::Status(500));
        assert_eq!(
            taken(&mut faults, Api::Upload, 4),
            [five, five, Some(ApiFault::Close), None],
            "one after the other"
        );
        assert_eq!(taken(&mut faults, Api::Order, 3), [Some(ApiFault::Timeout); 3]);
        assert_eq!(faults.next(Api::Activate), Some(ApiFault::Status(403)));
        assert_eq!(faults.next(Api::Heartbeat), None);
        assert_eq!(faults.injected(), 7);
    }

    #[test]
    fn unknown_words_name_the_nearest() {
        for (text, why) in [
            ("uplaod:500", "`uplaod` is no API; did you mean `upload`?"),
            ("order:timout", "`timout` is no fault; did you mean `timeout`?"),
            ("order:501", "`501` is no fault; did you mean `500`?"),
            ("order", "`order` is no API:FAULT"),
            ("order:500x0", "`0` is no number of times"),
            ("order:500x", "`` is no number of times"),
        ] {
            assert_eq!(text.parse::<Faults>().unwrap_err().to_string(), why);
        }
        assert_eq!("".parse::<Faults>().unwrap().next(Api::Order), None);
    }

    #[test]
    fn a_share_goes_wrong_in_passing() {
        let mut faults = Faults::default().with_share(0.1, 3);
        let wrong = taken(&mut faults, Api::Upload, 1_000);
        let count = wrong.iter().flatten().count();
        assert!((60..140).contains(&count), "{count}");
        assert!(wrong.iter().flatten().all(|fault| ApiFault::PASSING.contains(fault)));
        assert_eq!(Faults::default().with_share(0.0, 3).next(Api::Order), None);
    }
}
