// Eight threads that call everything, while others replace the receiver, move the owner and shut
// out. It passes if nothing crashes, hangs or answers something impossible; ASAN looks on.

#include "program.h"

#include <atomic>
#include <vector>

using licsdk::ResultStatus;

namespace {

void together(int threads, const std::function<void(int)> &body) {
    std::vector<std::thread> all;
    std::atomic<bool> failed{false};
    for (int i = 0; i < threads; ++i) {
        all.emplace_back([&, i] {
            try {
                body(i);
            } catch (const std::exception &error) {
                failed = true;
                std::cerr << error.what() << std::endl;
            }
        });
    }
    for (std::thread &thread : all) thread.join();
    CHECK(!failed);
}

}  // namespace

TEST(eight_threads_call_everything) {
    const FakeServer server("threads");
    licsdk::SdkInvoker invoker;
    std::atomic<int> licenses{0}, notices{0};
    CHECK_EQ(invoker.Factory(server.config("GOOD", fresh_folder("state-threads")))->Init(),
             ResultStatus::SUCCESS);
    const auto recall = [&](licsdk::EventType type, const std::string &message) {
        CHECK(!message.empty());
        if (type == licsdk::EVENT_LICENSE_VERIFY) ++licenses;
        if (type == licsdk::EVENT_UPGRADENOTICE) ++notices;
    };
    invoker->RegisterEventRecall(recall);
    const std::string machine = server.file("machine.txt");
    const std::string good = server.file("good.lic");

    std::atomic<int> asked{0}, checked{0};
    together(8, [&](int thread) {
        for (int round = 0; round < 6; ++round) {
            if (invoker->GetLicenseStringRequest(machine) == ResultStatus::SUCCESS) ++asked;
            const std::string name = "license-" + std::to_string(thread) + ".lic";
            if (invoker->GetLicenseFileRequest(name, machine) == ResultStatus::SUCCESS) ++asked;
            if (invoker->CheckNewVersions() == ResultStatus::SUCCESS) ++checked;
            invoker->LicenseVerifyNotify(round % 2 == 0, "some text");
            invoker->UpgradeNotify(false);
            CHECK_EQ(invoker->Verify(good, machine).Status(), ResultStatus::SUCCESS);
            invoker->OpenLicense({good, "no license"});
            invoker->Entitlement("mesh");
            invoker->Warnings();
            CHECK(!invoker->DeviceInfo().empty());
            CHECK_EQ(invoker->OpenLicense("no license").Status(),
                     ResultStatus::LICENSE_MALFORMED);
            CHECK_EQ(licsdk::LastError().Status(), ResultStatus::LICENSE_MALFORMED);
            if (thread == 0) invoker->RegisterEventRecall(recall);
        }
    });
    // Each request ends in exactly one event.
    for (int i = 0; i < 600 && (licenses < asked || notices < checked); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    CHECK_EQ(licenses.load(), asked.load());
    CHECK_EQ(notices.load(), checked.load());
}

TEST(shut_out_and_free_while_others_call) {
    const FakeServer server("racing");
    for (int round = 0; round < 8; ++round) {
        licsdk::SdkInvoker invoker;
        App app;
        invoker.Factory(server.config("GOOD", fresh_folder("state-racing")))->Init();
        invoker->RegisterEventRecall(&app, &App::EventRecall);
        together(8, [&](int thread) {
            for (int i = 0; i < 5; ++i) {
                const ResultStatus status =
                    invoker->GetLicenseStringRequest(server.file("machine.txt"));
                CHECK(status == ResultStatus::SUCCESS || status == ResultStatus::SHUT_DOWN ||
                      status == ResultStatus::NOT_INITIALIZED);
                invoker->Verify("x");
                invoker->CheckNewVersions();
                if (thread == round && i == 1) invoker->ShutOut();
                if (thread == (round + 1) % 8 && i == 3) {
                    licsdk::SdkInvoker taken(std::move(invoker));
                }
            }
        });
    }
}

TEST(many_programs_in_one_process) {
    const FakeServer server("many");
    together(8, [&](int thread) {
        for (int round = 0; round < 3; ++round) {
            App app;
            licsdk::SdkInvoker invoker;
            invoker.Factory(server.config(
                "GOOD", fresh_folder("state-many-" + std::to_string(thread))))->Init();
            invoker->RegisterEventRecall(&app, &App::EventRecall);
            invoker->GetLicenseStringRequest(server.file("machine.txt"));
            CHECK_EQ(app.next(60).text("Status"), "success");
        }
    });
}

int main(int argc, char **argv) { return check::run(argc, argv); }
