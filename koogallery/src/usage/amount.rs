//! How much was used: a decimal number that is never rounded.

use std::fmt;
use std::str::FromStr;

/// Whole digits that fit: with a point and four decimals the field's 20 characters.
const WHOLE: usize = 15;
const DECIMALS: usize = 4;
const UNIT: u64 = 10_000;

/// An amount above zero with at most four decimals.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Amount(u64);

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidAmount {
    /// Not digits with at most one point between them.
    #[error("it is no decimal number like 12.5")]
    NotANumber,
    /// Zero; a minus is no digit.
    #[error("it must be above zero")]
    NotPositive,
    /// It would have to be rounded.
    #[error("it has more than {DECIMALS} decimals")]
    TooExact,
    /// It does not fit into the field.
    #[error("it has more than {WHOLE} digits before the point")]
    TooLarge,
}

impl InvalidAmount {
    /// The same in Chinese.
    #[must_use]
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::NotANumber => "须为十进制数，例如12.5",
            Self::NotPositive => "须大于0",
            Self::TooExact => "小数不得超过4位",
            Self::TooLarge => "整数部分不得超过15位",
        }
    }
}

impl FromStr for Amount {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, InvalidAmount> {
        let (whole, decimals) = match text.split_once('.') {
            Some((whole, decimals)) if !decimals.is_empty() => (whole, decimals),
            Some(_) => return Err(InvalidAmount::NotANumber),
            None => (text, ""),
        };
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) {
            return Err(InvalidAmount::NotANumber);
        }
        if decimals.len() > DECIMALS {
            return Err(InvalidAmount::TooExact);
        }
        let whole = whole.trim_start_matches('0');
        if whole.len() > WHOLE {
            return Err(InvalidAmount::TooLarge);
        }
        let number = |text: &str| text.bytes().fold(0u64, |n, b| n * 10 + u64::from(b - b'0'));
        let amount = number(whole) * UNIT + number(&format!("{decimals:0<DECIMALS$}"));
        if amount == 0 {
            return Err(InvalidAmount::NotPositive);
        }
        Ok(Self(amount))
    }
}

impl fmt::Display for Amount {
    /// One text for one amount: `12.5`, never `12.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:04}", self.0 / UNIT, self.0 % UNIT);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_have_one_text() {
        for (text, shown) in [
            ("1", "1"),
            ("10", "10"),
            ("0.0001", "0.0001"),
            ("12.50", "12.5"),
            ("007.0", "7"),
            ("100.0000", "100"),
            ("999999999999999.9999", "999999999999999.9999"),
        ] {
            let amount: Amount = text.parse().unwrap();
            assert_eq!(amount.to_string(), shown);
            assert!(amount.to_string().len() <= 20);
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        use InvalidAmount::{NotANumber, NotPositive, TooExact, TooLarge};
        for (text, error) in [
            ("", NotANumber),
            (".5", NotANumber),
            ("5.", NotANumber),
            ("-1", NotANumber),
            ("+1", NotANumber),
            ("1e3", NotANumber),
            ("1,5", NotANumber),
            (" 1", NotANumber),
            ("１", NotANumber),
            ("NaN", NotANumber),
            ("1.2.3", NotANumber),
            ("0", NotPositive),
            ("0.0000", NotPositive),
            ("0.00001", TooExact),
            ("1.00000", TooExact),
            ("1000000000000000", TooLarge),
        ] {
            assert_eq!(text.parse::<Amount>(), Err(error), "{text}");
            assert!(!error.chinese().is_ascii());
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(amount in 1u64..10_000_000_000_000_000_000) {
            prop_assert_eq!(Amount(amount).to_string().parse(), Ok(Amount(amount)));
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,30}", digits in "[0-9.]{0,30}") {
            let _ = (text.parse::<Amount>(), digits.parse::<Amount>());
        }
    }
}
