//! Limits how often an address may try wrong activation codes. Memory only: a restart resets it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use license_core::Code;

use crate::error::ApiError;

/// Wrong codes an hour.
const MAX_WRONG_CODES: u32 = 20;
const HOUR: i64 = 3600;
/// Addresses that are remembered; beyond that those whose hour is over are forgotten.
const MAX_ADDRESSES: usize = 10_000;

/// Wrong codes by address, within the hour that began with the first of them.
#[derive(Default)]
pub(crate) struct GuessLimiter(Mutex<HashMap<IpAddr, (i64, u32)>>);

impl GuessLimiter {
    /// Whether the address may try; else the seconds after which it may.
    pub(crate) fn allowed(&self, address: IpAddr, now: i64) -> Result<(), u32> {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counted.get(&network(address)) {
            Some((since, count))
                if *count >= MAX_WRONG_CODES && (*since..since + HOUR).contains(&now) =>
            {
                Err(u32::try_from(since + HOUR - now).unwrap_or(1).max(1))
            }
            _ => Ok(()),
        }
    }

    /// Counts one.
    pub(crate) fn wrong(&self, address: IpAddr, now: i64) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= MAX_ADDRESSES {
            counted.retain(|_, (since, _)| (*since..*since + HOUR).contains(&now));
            if counted.len() >= MAX_ADDRESSES {
                counted.clear();
            }
        }
        let (since, count) = counted.entry(network(address)).or_insert((now, 0));
        if !(*since..*since + HOUR).contains(&now) {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
    }
}

/// An IPv6 customer has a whole /64 to guess from.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
        },
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The refusal after too many wrong codes.
pub(crate) fn too_many_codes(wait: u32) -> ApiError {
    ApiError::new(
        Code::RateLimited,
        format!("more than {MAX_WRONG_CODES} wrong activation codes an hour from one address"),
        format!("同一地址每小时最多尝试 {MAX_WRONG_CODES} 个错误的激活码"),
    )
    .with_status(429)
    .retry_after(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_an_hour_and_no_more() {
        let codes = GuessLimiter::default();
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..20 {
            assert_eq!(codes.allowed(address, 1000), Ok(()));
            codes.wrong(address, 1000);
        }
        assert_eq!(codes.allowed(address, 1060), Err(3540));
        assert_eq!(codes.allowed("192.0.2.2".parse().unwrap(), 1060), Ok(()));
        assert_eq!(codes.allowed(address, 1000 + HOUR), Ok(()));
        codes.wrong(address, 1000 + HOUR);
        assert_eq!(codes.allowed(address, 1000 + HOUR), Ok(()));
    }

    #[test]
    fn a_network_is_one_address() {
        let codes = GuessLimiter::default();
        for i in 0..20 {
            codes.wrong(format!("2001:db8::{i:x}").parse().unwrap(), 0);
        }
        assert!(codes.allowed("2001:db8::ffff:1".parse().unwrap(), 1).is_err());
        assert!(codes.allowed("2001:db8:0:1::1".parse().unwrap(), 1).is_ok());
    }
}
