// The C++ interface against the fake server: events, data, life.

#include "program.h"

#include <atomic>
#include <future>

using licsdk::ResultStatus;

namespace {

/// A running program whose receiver is `app`.
void start(licsdk::SdkInvoker &invoker, const licsdk::Config &config, App &app) {
    CHECK_EQ(invoker.Factory(config)->Init(), ResultStatus::SUCCESS);
    CHECK_EQ(invoker->RegisterEventRecall(&app, &App::EventRecall), ResultStatus::SUCCESS);
}

}  // namespace

TEST(the_license_arrives_as_text) {
    const FakeServer server("text");
    App app;
    licsdk::SdkInvoker invoker;
    start(invoker, server.config("GOOD", fresh_folder("state-text")), app);
    CHECK_EQ(invoker->GetLicenseStringRequest(server.file("machine.txt")), ResultStatus::SUCCESS);

    const Event event = app.next();
    CHECK_EQ(event.type, licsdk::EVENT_LICENSE_VERIFY);
    CHECK_EQ(licsdk::Text(event.message, "/operate"), "LicenseVerify");
    CHECK_EQ(licsdk::Text(event.message, "/comeBackParams"), "{}");
    CHECK_EQ(event.text("Status"), "success");
    CHECK_EQ(event.text("LicenseType"), "string");

    const licsdk::Answer answer =
        invoker->Verify(event.text("LicenseContent"), server.file("machine.txt"));
    CHECK_EQ(answer.Status(), ResultStatus::SUCCESS);
    CHECK_EQ(answer.Customer(), "测试客户 𠮷");
    CHECK_EQ(answer.State(), "valid");
    CHECK(answer.DaysLeft() >= 364);
    CHECK_EQ(invoker->LicenseVerifyNotify(true), ResultStatus::SUCCESS);
    CHECK_TEXT(app.silent(300), "one request, more than one event");
}

TEST(the_license_arrives_as_a_file) {
    const FakeServer server("file");
    App app;
    licsdk::SdkInvoker invoker;
    const fs::path folder = fresh_folder("软件 仿真");
    start(invoker, server.config("GOOD", fresh_folder("state-file")), app);
    const fs::path wanted = folder / fs::u8path("许可证.lic");
    CHECK_EQ(invoker->GetLicenseFileRequest(licsdk::ToWide(wanted.u8string()),
                                            server.file("machine.txt")),
             ResultStatus::SUCCESS);

    const Event event = app.next();
    CHECK_EQ(event.text("Status"), "success");
    CHECK_EQ(event.text("LicenseType"), "file");
    CHECK_EQ(fs::u8path(event.text("LicenseFilePath")), wanted);
    const licsdk::Answer answer = invoker->Verify(read_file(wanted), server.file("machine.txt"));
    CHECK_EQ(answer.Status(), ResultStatus::SUCCESS);
}

TEST(a_cached_license_answers_without_network) {
    const fs::path state = fresh_folder("state-cached");
    licsdk::Config config;
    std::string machine;
    {
        const FakeServer server("cached");
        App app;
        licsdk::SdkInvoker invoker;
        config = server.config("GOOD", state);
        machine = server.file("machine.txt");
        start(invoker, config, app);
        invoker->GetLicenseStringRequest(machine);
        CHECK_EQ(app.next().text("Status"), "success");
    }
    App app;
    licsdk::SdkInvoker invoker;
    start(invoker, config, app);
    invoker->GetLicenseStringRequest(machine);
    CHECK_EQ(app.next(5).text("Status"), "success");
}

TEST(every_refusal_of_the_server_is_one_failed_event) {
    const FakeServer server("refusals");
    const struct {
        const char *code, *expected;
    } cases[] = {
        {"NOBODY", "ACTIVATION_CODE_UNKNOWN"}, {"FULL", "MACHINES_EXHAUSTED"},
        {"EXPIRED", "LICENSE_EXPIRED"},        {"STRANGER", "KEY_UNKNOWN"},
        {"OTHER-NONCE", "RECEIPT_INVALID"},    {"", "LICENSE_MISSING"},
    };
    for (const auto &one : cases) {
        App app;
        licsdk::SdkInvoker invoker;
        start(invoker, server.config(one.code, fresh_folder("state-refusals")), app);
        CHECK_EQ(invoker->TrialExpirationAndGetLicense(licsdk::LicenseType::LICENSE_TYPE_FILE,
                                                       server.file("machine.txt"), "x.lic"),
                 ResultStatus::SUCCESS);
        const Event event = app.next();
        CHECK_EQ(event.type, licsdk::EVENT_LICENSE_VERIFY);
        CHECK_EQ(event.text("Status"), "failed");
        CHECK_EQ(event.text("LicenseType"), "file");
        CHECK_EQ(event.text("ErrorCode"), one.expected);
        CHECK_EQ(licsdk::Name(licsdk::StatusOf(event.message)), one.expected);
        CHECK(!event.text("ErrorMsg").empty());
    }
}

TEST(without_a_server_the_request_fails_soon) {
    licsdk::Config config;
    {
        const FakeServer server("gone");
        config = server.config("GOOD", fresh_folder("state-gone"));
    }
    App app;
    licsdk::SdkInvoker invoker;
    start(invoker, config, app);
    const auto before = std::chrono::steady_clock::now();
    invoker->GetLicenseStringRequest();
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::milliseconds(500));
    CHECK_EQ(app.next().text("ErrorCode"), "SERVER_UNREACHABLE");
}

TEST(entitlements_are_data) {
    const FakeServer server("entitlements");
    App app;
    licsdk::SdkInvoker invoker;
    start(invoker, server.config("GOOD", fresh_folder("state-entitlements")), app);
    CHECK(!invoker->Entitlement("mesh"));
    CHECK_EQ(invoker->Entitlement("mesh").Status(), ResultStatus::NOT_FOUND);
    // This machine, so that the license is the one in force for every later call.
    const std::string device = invoker->DeviceInfo();
    CHECK_TEXT(!device.empty(), "this machine shows nothing of itself");
    invoker->GetLicenseStringRequest();
    CHECK_EQ(app.next().text("Status"), "success");

    CHECK(static_cast<bool>(invoker->Entitlement("mesh")));
    CHECK(!invoker->Entitlement("cloud"));
    CHECK_EQ(invoker->Entitlement("cloud").Status(), ResultStatus::SUCCESS);
    CHECK_EQ(invoker->Entitlement("solver-cores").Number(), 4);
    CHECK_EQ(invoker->Entitlement("solver-cores").Text(), "4");
    CHECK_EQ(invoker->Entitlement("edition").Text(), "basic");
    CHECK_EQ(invoker->Entitlement("edition").Number(7), 7);
    CHECK_EQ(invoker->Entitlement("none").Number(7), 7);
    CHECK_EQ(invoker->Entitlement("none").Status(), ResultStatus::NOT_FOUND);
}

TEST(open_license_takes_text_files_folders) {
    const FakeServer server("open");
    licsdk::SdkInvoker invoker;
    // The documents in the server's folder are for another machine than this one.
    CHECK_EQ(invoker.Factory(server.offline(fresh_folder("state-open")))->Init(),
             ResultStatus::SUCCESS);
    for (const std::string &source :
         {server.file("good.txt"), server.path("good.lic").u8string(), server.file("good.lic")}) {
        const licsdk::Answer answer = invoker->OpenLicense(source);
        CHECK_EQ(answer.Status(), ResultStatus::MACHINE_MISMATCH);
        CHECK(!answer.Message().empty());
        CHECK(!answer.Message(licsdk::Language::CHINESE).empty());
        CHECK(!answer.Remedy().empty());
        CHECK(answer.Text("/explanation") != "");
    }
    CHECK_EQ(invoker->OpenLicense("no license").Status(), ResultStatus::LICENSE_MALFORMED);
    CHECK_EQ(invoker->OpenLicense({server.path("none.lic").u8string(), "no license"}).Status(),
             ResultStatus::LICENSE_MISSING);
    CHECK_EQ(invoker->OpenLicense(std::vector<std::string>()).Status(),
             ResultStatus::LICENSE_MISSING);
}

TEST(verify_tells_each_refusal_apart) {
    const FakeServer server("verify");
    licsdk::SdkInvoker invoker;
    CHECK_EQ(invoker.Factory(server.offline(fresh_folder("state-verify")))->Init(),
             ResultStatus::SUCCESS);
    const std::string machine = server.file("machine.txt");
    const struct {
        const char *file;
        ResultStatus expected;
    } cases[] = {
        {"good.lic", ResultStatus::SUCCESS},
        {"grace.txt", ResultStatus::SUCCESS},
        {"expired.lic", ResultStatus::LICENSE_EXPIRED},
        {"other-product.txt", ResultStatus::PRODUCT_MISMATCH},
        {"stranger.lic", ResultStatus::KEY_UNKNOWN},
    };
    for (const auto &one : cases) {
        CHECK_EQ(invoker->Verify(server.file(one.file), machine).Status(), one.expected);
    }
    CHECK_EQ(invoker->Verify(server.file("grace.txt"), machine).State(), "grace");
    CHECK_EQ(invoker->Verify("", machine).Status(), ResultStatus::LICENSE_MALFORMED);

    // A changed character in a file is damage, a changed signature is a forgery.
    std::string damaged = server.file("good.lic");
    const size_t at = damaged.find("eyJ") + 40;
    damaged[at] = damaged[at] == 'A' ? 'B' : 'A';
    CHECK_EQ(invoker->Verify(damaged, machine).Status(), ResultStatus::LICENSE_DAMAGED);
    std::string forged = server.file("good.txt");
    const size_t signature = forged.rfind('.') + 10;
    forged[signature] = forged[signature] == 'A' ? 'B' : 'A';
    CHECK_EQ(invoker->Verify(forged, machine).Status(), ResultStatus::SIGNATURE_INVALID);

    // UTF-16, as an editor on Windows saves a license that was pasted into it.
    std::string wide = "\xFF\xFE";
    for (const char c : server.file("good.txt")) (wide += c) += '\0';
    CHECK_EQ(invoker->Verify(wide, machine).Status(), ResultStatus::SUCCESS);

    const licsdk::Answer other = invoker->Verify(server.file("good.lic"), "|OTHER|OTHER|");
    CHECK_EQ(other.Status(), ResultStatus::MACHINE_MISMATCH);
    CHECK(other.Json().find("board") != std::string::npos);
}

TEST(a_newer_version_is_told_fetched_and_checked) {
    const FakeServer server("newer");
    App app;
    licsdk::SdkInvoker invoker;
    start(invoker, server.config("GOOD", fresh_folder("state-newer")), app);
    CHECK_EQ(invoker->UpgradeNotify(true), ResultStatus::UPGRADE_NOT_OFFERED);
    CHECK_EQ(invoker->CheckNewVersions(), ResultStatus::SUCCESS);
    const Event notice = app.next();
    CHECK_EQ(notice.type, licsdk::EVENT_UPGRADENOTICE);
    CHECK_EQ(notice.text("available"), "true");
    CHECK_EQ(notice.text("version"), "2.1.0");
    CHECK_TEXT(app.silent(300), "nothing is forced here");

    CHECK_EQ(invoker->UpgradeNotify(true), ResultStatus::SUCCESS);
    const Event update = app.next();
    CHECK_EQ(update.type, licsdk::EVENT_UPDATE);
    CHECK_EQ(update.text("fromForceWin"), "false");
    CHECK_EQ(update.text("Status"), "success");
    CHECK_EQ(read_file(fs::u8path(update.text("path"))), server.file("package"));
}

TEST(an_obliged_version_is_followed_by_update) {
    const FakeServer server("forced");
    App app;
    licsdk::SdkInvoker invoker;
    licsdk::Config config = server.config("GOOD", fresh_folder("state-forced"));
    config.channel = "forced";
    start(invoker, config, app);
    CHECK_EQ(invoker->CheckNewVersions(), ResultStatus::SUCCESS);
    CHECK_EQ(app.next().type, licsdk::EVENT_UPGRADENOTICE);
    const Event update = app.next();
    CHECK_EQ(update.type, licsdk::EVENT_UPDATE);
    CHECK_EQ(update.text("fromForceWin"), "true");
}

TEST(another_package_than_the_published_one_is_refused) {
    const FakeServer server("damaged");
    App app;
    licsdk::SdkInvoker invoker;
    licsdk::Config config = server.config("GOOD", fresh_folder("state-damaged"));
    config.channel = "damaged";
    start(invoker, config, app);
    invoker->CheckNewVersions();
    CHECK_EQ(app.next().text("available"), "true");
    CHECK_EQ(invoker->UpgradeNotify(true), ResultStatus::SUCCESS);
    const Event update = app.next();
    CHECK_EQ(update.type, licsdk::EVENT_UPDATE);
    CHECK_EQ(update.text("ErrorCode"), "PACKAGE_DAMAGED");
}

TEST(no_news_is_told_too) {
    const FakeServer server("none");
    App app;
    licsdk::SdkInvoker invoker;
    licsdk::Config config = server.config("GOOD", fresh_folder("state-none"));
    config.channel = "none";
    start(invoker, config, app);
    invoker->CheckNewVersions();
    CHECK_EQ(app.next().text("available"), "false");

    // Without any server the answer is "unknown", not silence.
    App alone;
    licsdk::SdkInvoker offline;
    start(offline, server.offline(fresh_folder("state-none-offline")), alone);
    offline->CheckNewVersions();
    const Event notice = alone.next();
    CHECK_EQ(notice.text("available"), "false");
    CHECK_EQ(notice.text("state"), "unknown");
}

TEST(shut_out_inside_the_callback) {
    const FakeServer server("inside");
    licsdk::SdkInvoker invoker;
    std::promise<ResultStatus> done;
    CHECK_EQ(invoker.Factory(server.config("GOOD", fresh_folder("state-inside")))->Init(),
             ResultStatus::SUCCESS);
    invoker->RegisterEventRecall([&](licsdk::EventType, const std::string &) {
        done.set_value(invoker->ShutOut());
    });
    invoker->GetLicenseStringRequest(server.file("machine.txt"));
    auto result = done.get_future();
    CHECK_TEXT(result.wait_for(std::chrono::seconds(20)) == std::future_status::ready,
               "ShutOut does not return inside the callback");
    CHECK_EQ(result.get(), ResultStatus::SUCCESS);
    CHECK_EQ(invoker->GetLicenseStringRequest(), ResultStatus::SHUT_DOWN);
    CHECK_EQ(invoker->ShutOut(), ResultStatus::SUCCESS);
}

TEST(destroyed_inside_the_callback) {
    const FakeServer server("destroyed");
    auto invoker = std::make_unique<licsdk::SdkInvoker>();
    std::promise<void> done;
    invoker->Factory(server.config("GOOD", fresh_folder("state-destroyed")))->Init();
    (*invoker)->RegisterEventRecall([&](licsdk::EventType, const std::string &) {
        invoker.reset();
        done.set_value();
    });
    (*invoker)->GetLicenseStringRequest(server.file("machine.txt"));
    auto result = done.get_future();
    CHECK(result.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    CHECK(invoker == nullptr);
}

TEST(shut_out_waits_for_a_running_callback) {
    const FakeServer server("waits");
    licsdk::SdkInvoker invoker;
    std::promise<void> entered;
    std::atomic<bool> left{false};
    invoker.Factory(server.config("GOOD", fresh_folder("state-waits")))->Init();
    invoker->RegisterEventRecall([&](licsdk::EventType, const std::string &) {
        if (left) return;
        entered.set_value();
        std::this_thread::sleep_for(std::chrono::milliseconds(700));
        left = true;
    });
    invoker->GetLicenseStringRequest(server.file("machine.txt"));
    entered.get_future().wait();
    CHECK_EQ(invoker->ShutOut(), ResultStatus::SUCCESS);
    CHECK_TEXT(left, "the object of the callback could be gone while it runs");
}

TEST(shut_out_ends_a_request_that_is_under_way) {
    const FakeServer server("under-way");
    App app;
    licsdk::SdkInvoker invoker;
    start(invoker, server.config("SLOW", fresh_folder("state-under-way")), app);
    invoker->GetLicenseStringRequest(server.file("machine.txt"));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const auto before = std::chrono::steady_clock::now();
    CHECK_EQ(invoker->ShutOut(), ResultStatus::SUCCESS);
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::milliseconds(1800));
    CHECK_EQ(app.next(1).text("ErrorCode"), "SHUT_DOWN");
}

TEST(an_exception_of_the_callback_stays_in_the_program) {
    const FakeServer server("throws");
    App app;
    licsdk::SdkInvoker invoker;
    invoker.Factory(server.config("GOOD", fresh_folder("state-throws")))->Init();
    std::atomic<int> calls{0};
    invoker->RegisterEventRecall([&](licsdk::EventType type, const std::string &message) {
        app.EventRecall(type, message);
        if (++calls == 1) throw std::runtime_error("the program's own defect");
        throw 42;
    });
    for (int i = 0; i < 2; ++i) {
        invoker->GetLicenseStringRequest(server.file("machine.txt"));
        CHECK_EQ(app.next().text("Status"), "success");
    }
}

TEST(a_receiver_is_released_when_it_is_replaced) {
    const FakeServer server("replaced");
    licsdk::SdkInvoker invoker;
    invoker.Factory(server.offline(fresh_folder("state-replaced")))->Init();
    auto held = std::make_shared<int>(1);
    invoker->RegisterEventRecall([held](licsdk::EventType, const std::string &) {});
    CHECK_EQ(held.use_count(), 2);
    App app;
    invoker->RegisterEventRecall(&app, &App::EventRecall);
    CHECK_EQ(held.use_count(), 1);
    invoker->RegisterEventRecall([held](licsdk::EventType, const std::string &) {});
    invoker = licsdk::SdkInvoker();
    CHECK_EQ(held.use_count(), 1);

    // Refused: the receiver is released all the same.
    CHECK_EQ(invoker->RegisterEventRecall([held](licsdk::EventType, const std::string &) {}),
             ResultStatus::NOT_INITIALIZED);
    CHECK_EQ(held.use_count(), 1);
}

TEST(used_after_it_was_moved_from) {
    const FakeServer server("moved");
    App app;
    licsdk::SdkInvoker first;
    start(first, server.config("GOOD", fresh_folder("state-moved")), app);
    licsdk::Sdk *kept = first.operator->();
    licsdk::SdkInvoker second(std::move(first));

    CHECK_EQ(kept->Init(), ResultStatus::NOT_INITIALIZED);
    CHECK_EQ(first->RegisterEventRecall(&app, &App::EventRecall), ResultStatus::NOT_INITIALIZED);
    CHECK_EQ(first->GetLicenseStringRequest(), ResultStatus::NOT_INITIALIZED);
    CHECK_EQ(first->GetLicenseFileRequest("x.lic"), ResultStatus::NOT_INITIALIZED);
    CHECK_EQ(first->LicenseVerifyNotify(true), ResultStatus::NOT_INITIALIZED);
    CHECK_EQ(first->CheckNewVersions(), ResultStatus::NOT_INITIALIZED);
    CHECK_EQ(first->UpgradeNotify(false), ResultStatus::NOT_INITIALIZED);
    CHECK_EQ(first->ShutOut(), ResultStatus::NOT_INITIALIZED);
    CHECK_EQ(first->OpenLicense("x").Status(), ResultStatus::NOT_INITIALIZED);
    CHECK_EQ(first->Verify("x").Status(), ResultStatus::NOT_INITIALIZED);
    CHECK_EQ(first->Entitlement("mesh").Status(), ResultStatus::NOT_INITIALIZED);
    CHECK(first->Warnings().empty());

    second->GetLicenseStringRequest(server.file("machine.txt"));
    CHECK_EQ(app.next().text("Status"), "success");

    licsdk::SdkInvoker third;
    start(third, server.offline(fresh_folder("state-moved-third")), app);
    third = std::move(second);
    CHECK_EQ(third->Init(), ResultStatus::SUCCESS);
    CHECK_EQ(second->Init(), ResultStatus::NOT_INITIALIZED);
}

TEST(the_factory_of_the_marketplaces_own_program) {
    const FakeServer server("factory");
    App app;
    licsdk::SdkInvoker invoker;
    CHECK_EQ(invoker->Init(), ResultStatus::NOT_INITIALIZED);
    CHECK_EQ(invoker.IscdeskFactory()->Init(), ResultStatus::CONFIG_INVALID);
    CHECK_EQ(licsdk::LastError().Status(), ResultStatus::CONFIG_INVALID);
    CHECK(licsdk::LastError().Detail().find("product") != std::string::npos);

    licsdk::Configure(server.config("GOOD", fresh_folder("state-factory")));
    licsdk::SdkInvoker configured;
    CHECK_EQ(configured.IscdeskFactory()->Init(), ResultStatus::SUCCESS);
    // The same SDK again, not another one.
    configured.IscdeskFactory()->RegisterEventRecall(&app, &App::EventRecall);
    configured->GetLicenseStringRequest(server.file("machine.txt"));
    CHECK_EQ(app.next().text("Status"), "success");

    // After ShutOut a program may start again; until then calls say that it ended.
    CHECK_EQ(configured->ShutOut(), ResultStatus::SUCCESS);
    CHECK_EQ(configured->CheckNewVersions(), ResultStatus::SHUT_DOWN);
    CHECK_EQ(configured.IscdeskFactory()->Init(), ResultStatus::SUCCESS);
    configured->RegisterEventRecall(&app, &App::EventRecall);
    configured->GetLicenseStringRequest(server.file("machine.txt"));
    CHECK_EQ(app.next().text("Status"), "success");
}

TEST(what_is_wrong_with_the_configuration_is_named) {
    const FakeServer server("config");
    const struct {
        const char *member;
        void (*change)(licsdk::Config &);
    } cases[] = {
        {"product", [](licsdk::Config &config) { config.product = ""; }},
        {"trust", [](licsdk::Config &config) { config.trust = ""; }},
        {"trust", [](licsdk::Config &config) { config.trust = "{\"keys\":[]}"; }},
        {"version", [](licsdk::Config &config) { config.version = "two"; }},
        {"server", [](licsdk::Config &config) { config.server = "http://license.example.com"; }},
        {"release_date", [](licsdk::Config &config) { config.release_date = "soon"; }},
        {"product", [](licsdk::Config &config) { config.product = "\xD5\xC5\xC8\xFD"; }},
    };
    for (const auto &one : cases) {
        licsdk::Config config = server.offline(fresh_folder("state-config"));
        one.change(config);
        licsdk::SdkInvoker invoker;
        CHECK_EQ(invoker.Factory(config)->Init(), ResultStatus::CONFIG_INVALID);
        const std::string detail = licsdk::LastError().Detail();
        CHECK_TEXT(detail.find(one.member) != std::string::npos, "it says: " + detail);
    }
}

TEST(text_in_a_code_page_is_refused_not_guessed) {
    const FakeServer server("gbk");
    licsdk::SdkInvoker invoker;
    invoker.Factory(server.offline(fresh_folder("state-gbk")))->Init();
    const std::string gbk = "\xD5\xC5\xC8\xFD";
    CHECK_EQ(invoker->GetLicenseStringRequest(gbk), ResultStatus::REQUEST_INVALID);
    CHECK(licsdk::LastError().Detail().find("devInfo") != std::string::npos);
    CHECK_EQ(invoker->GetLicenseFileRequest(gbk), ResultStatus::REQUEST_INVALID);
    CHECK_EQ(invoker->OpenLicense(gbk).Status(), ResultStatus::REQUEST_INVALID);
    CHECK_EQ(invoker->Entitlement(gbk).Status(), ResultStatus::REQUEST_INVALID);
}

TEST(a_state_folder_that_cannot_be_written_stops_nothing) {
    const FakeServer server("unwritable");
    App app;
    licsdk::SdkInvoker invoker;
    const fs::path folder = fresh_folder("unwritable");
    std::ofstream(folder / "file") << "in the way";
    start(invoker, server.config("GOOD", folder / "file" / "state"), app);
    invoker->GetLicenseStringRequest(server.file("machine.txt"));
    CHECK_EQ(app.next().text("Status"), "success");
    CHECK_TEXT(!invoker->Warnings().empty(), "it should be said");
}

TEST(codes_in_words_and_in_both_languages) {
    CHECK_EQ(licsdk::Name(ResultStatus::SUCCESS), "OK");
    CHECK_EQ(licsdk::Name(ResultStatus::MACHINE_MISMATCH), "MACHINE_MISMATCH");
    CHECK_EQ(licsdk::Name(static_cast<ResultStatus>(200)), "UNKNOWN_200");
    const std::string english = licsdk::Message(ResultStatus::LICENSE_EXPIRED);
    const std::string chinese =
        licsdk::Message(ResultStatus::LICENSE_EXPIRED, licsdk::Language::CHINESE);
    CHECK(!english.empty() && !chinese.empty() && english != chinese);
}

TEST(dates_are_those_of_the_calendar) {
    CHECK_EQ(licsdk::detail::Date(0), "1970-01-01");
    CHECK_EQ(licsdk::detail::Date(-1), "1969-12-31");
    CHECK_EQ(licsdk::detail::Date(951782399), "2000-02-28");
    CHECK_EQ(licsdk::detail::Date(951782400), "2000-02-29");
    CHECK_EQ(licsdk::detail::Date(1826668800), "2027-11-20");
    CHECK_EQ(licsdk::detail::Date(4107542400), "2100-03-01");
}

TEST(wide_text_and_back) {
    const std::string text = "D:\\软件\\仿真\\𠮷.lic";
    CHECK_EQ(licsdk::FromWide(licsdk::ToWide(text)), text);
    CHECK(licsdk::ToWide(text) == L"D:\\软件\\仿真\\𠮷.lic");
    CHECK(licsdk::ToWide("\xC0\x80").empty());
    CHECK(licsdk::ToWide("\xED\xA0\x80").empty());
    CHECK(licsdk::ToWide("\xF4\x90\x80\x80").empty());
    CHECK(licsdk::ToWide("\xE8\xBD").empty());
    CHECK(licsdk::FromWide(std::wstring(1, static_cast<wchar_t>(0xD800))).empty());
}

int main(int argc, char **argv) { return check::run(argc, argv); }
