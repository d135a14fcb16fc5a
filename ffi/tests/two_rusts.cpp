// A program that already contains a Rust library, and ours beside it.

#include "check.h"

#include <licsdk/SdkInvoker.h>

#include <thread>

extern "C" uint64_t second_sum(uint32_t upto);

TEST(both_work_and_both_panic_alone) {
    CHECK_EQ(second_sum(100), 4950u);
    CHECK_EQ(licsdk_test_panic(), static_cast<int>(LICSDK_INTERNAL));
    CHECK_EQ(second_sum(10), 45u);
    CHECK(!licsdk::DeviceInfo().empty());
    std::thread other([] { second_sum(10), licsdk_test_panic(); });
    other.join();

    licsdk::VerifyQuestion question;
    question.trust = R"({"keys":[{"kty":"OKP","crv":"Ed25519",)"
                     R"("x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";
    question.license = "no license";
    CHECK_EQ(static_cast<int>(licsdk::Verify(question).Status()),
             static_cast<int>(licsdk::ResultStatus::LICENSE_MALFORMED));
}

int main(int argc, char **argv) { return check::run(argc, argv); }
