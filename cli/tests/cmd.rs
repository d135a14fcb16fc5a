//! Every command by its exact output: one file a behaviour in `tests/cmd`.

#[test]
fn every_command_prints_exactly_what_it_should() {
    trycmd::TestCases::new()
        .env("LC_ALL", "C.UTF-8")
        .case("tests/cmd/*.toml")
        .case("tests/cmd/*.trycmd");
}

#[test]
fn a_chinese_locale_is_answered_in_chinese() {
    trycmd::TestCases::new().env("LC_ALL", "zh_CN.UTF-8").case("tests/cmd/zh/*.toml");
}
