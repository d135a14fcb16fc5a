//! The marketplace and admin commands by their exact help and errors.

#[test]
fn helps_and_errors_read_exactly_so() {
    trycmd::TestCases::new().env("LC_ALL", "C").case("tests/online/*.trycmd");
}
