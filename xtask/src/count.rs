//! Counts of passed and failed tests, read from what test runners print.

/// How much passed and failed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Count {
    pub(crate) const PASSED: Self = Self { passed: 1, failed: 0 };
    pub(crate) const FAILED: Self = Self { passed: 0, failed: 1 };

    /// Adds up cargo's lines `test result: ok. 12 passed; 0 failed; …`.
    pub(crate) fn from_cargo(output: &str) -> Self {
        output
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("test result: "))
            .map(|line| Self {
                passed: number_before(line, " passed"),
                failed: number_before(line, " failed"),
            })
            .sum()
    }

    /// Reads ctest's line `100% tests passed, 0 tests failed out of 12`.
    pub(crate) fn from_ctest(output: &str) -> Self {
        output
            .lines()
            .filter_map(|line| line.split_once(" tests failed out of "))
            .map(|(before, total)| {
                let failed = number_before(&format!("{before} end"), " end");
                let total: u64 = total.trim().parse().unwrap_or(failed);
                Self { passed: total.saturating_sub(failed), failed }
            })
            .sum()
    }

    /// Makes a failure seen that the runner did not count: a test that did not compile, a crash,
    /// a runner that ran nothing.
    pub(crate) fn or_failed(self, success: bool) -> Self {
        if self.failed == 0 && (!success || self.passed == 0) {
            Self { failed: 1, ..self }
        } else {
            self
        }
    }
}

impl std::iter::Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, count| Self {
            passed: sum.passed + count.passed,
            failed: sum.failed + count.failed,
        })
    }
}

fn number_before(line: &str, word: &str) -> u64 {
    let Some((before, _)) = line.split_once(word) else { return 0 };
    let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    before[before.len() - digits..].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn cargo_lines_add_up_over_binaries() {
        let output = "running 3 tests\n\
            test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s\n";
        assert_eq!(Count::from_cargo(output), Count { passed: 13, failed: 2 });
    }

    #[test]
    fn ctest_says_how_many_failed_out_of_all() {
        assert_eq!(
            Count::from_ctest("92% tests passed, 1 tests failed out of 12\n"),
            Count { passed: 11, failed: 1 }
        );
        assert_eq!(
            Count::from_ctest("100% tests passed, 0 tests failed out of 7\n"),
            Count { passed: 7, failed: 0 }
        );
    }

    #[test]
    fn what_the_runner_did_not_count_is_a_failure() {
        let nothing = Count::default();
        assert_eq!(nothing.or_failed(false), Count::FAILED);
        assert_eq!(nothing.or_failed(true), Count::FAILED, "a runner that ran nothing");
        let crashed = Count { passed: 4, failed: 0 };
        assert_eq!(crashed.or_failed(false), Count { passed: 4, failed: 1 });
        assert_eq!(crashed.or_failed(true), crashed);
    }
}
