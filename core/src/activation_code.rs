//! Activation codes: 100 random bits in Crockford's base32 with his check symbol, in groups of
//! five. A code is a shared credential and never appears in logs.

use std::{fmt, str::FromStr};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// The check symbol has five more values: the remainder modulo 37.
const CHECK: &[u8; 37] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";
const SYMBOLS: usize = 20;

/// What a customer was given to ask for licenses with.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct ActivationCode(u128);

/// The text is no activation code.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an activation code: 20 letters and digits and a check symbol, copied completely")]
pub struct InvalidActivationCode;

impl ActivationCode {
    /// Makes a code of 100 of the 104 random bits given.
    #[must_use]
    pub fn from_random(bytes: [u8; 13]) -> Self {
        let bits = bytes.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        Self(bits & ((1 << 100) - 1))
    }
}

impl fmt::Display for ActivationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for i in 0..SYMBOLS {
            if i > 0 && i % 5 == 0 {
                f.write_str("-")?;
            }
            let symbol = (self.0 >> (5 * (SYMBOLS - 1 - i)) & 31) as usize;
            write!(f, "{}", char::from(ALPHABET[symbol]))?;
        }
        write!(f, "-{}", char::from(CHECK[(self.0 % 37) as usize]))
    }
}

impl fmt::Debug for ActivationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ActivationCode(..)")
    }
}

impl FromStr for ActivationCode {
    type Err = InvalidActivationCode;

    /// Case, hyphens and blanks do not matter; `O` reads as 0, `I` and `L` as 1.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let symbols: Vec<u8> = text
            .bytes()
            .filter(|b| !matches!(b, b'-' | b' ' | b'\t' | b'\r' | b'\n'))
            .map(|b| match b.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            })
            .collect();
        let (check, symbols) = symbols.split_last().ok_or(InvalidActivationCode)?;
        if symbols.len() != SYMBOLS {
            return Err(InvalidActivationCode);
        }
        let mut bits = 0_u128;
        for symbol in symbols {
            let value = ALPHABET.iter().position(|s| s == symbol).ok_or(InvalidActivationCode)?;
            bits = bits << 5 | value as u128;
        }
        if CHECK[(bits % 37) as usize] != *check {
            return Err(InvalidActivationCode);
        }
        Ok(Self(bits))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn groups_of_five_and_a_check_symbol() {
        assert_eq!(ActivationCode::from_random([0; 13]).to_string(), "00000-00000-00000-00000-0");
        let full = ActivationCode::from_random([0xff; 13]).to_string();
        assert_eq!(&full[..23], "ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ");
        assert_eq!(format!("{:?}", ActivationCode(1)), "ActivationCode(..)");
    }

    #[test]
    fn people_may_misread_letters() {
        assert_eq!("oooooooooo-OOOOO 0000i-1".parse(), Ok(ActivationCode(1)));
        for text in ["", "0", "00000-00000-00000-00000", "00000-00000-00000-00001-2", "é"] {
            assert_eq!(text.parse::<ActivationCode>(), Err(InvalidActivationCode), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_and_notices_one_wrong_symbol(bytes: [u8; 13], at in 0_usize..20, other in 0_usize..32) {
            let code = ActivationCode::from_random(bytes);
            let text = code.to_string();
            prop_assert_eq!(text.parse(), Ok(code));
            let mut wrong = text.into_bytes();
            let place = at + at / 5;
            prop_assume!(wrong[place] != ALPHABET[other]);
            wrong[place] = ALPHABET[other];
            prop_assert!(String::from_utf8(wrong).unwrap().parse::<ActivationCode>().is_err());
        }
    }
}
