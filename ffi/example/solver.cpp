// FlowSim, a small solver that runs only with a license: it says what it may do, and explains a
// refusal in the words that a user can act on.
//
//   solver --server https://license.example.com --activation-code CODE
//   solver --license FILE
//
// Exit codes: 0 solved, 1 refused by the license, 2 wrong usage or anything else.

#include "heat.h"
#include "trust.h"

#include <licsdk/SdkInvoker.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>

namespace {

struct Options {
    std::string server, activation_code, dev_info, license, state_dir, channel = "stable";
    bool check_updates = false;
    bool upgrade = false;
};

/// Answers of the SDK arrive on its own thread; the program waits for the one that it needs.
class Events {
public:
    void EventRecall(licsdk::EventType type, const std::string &message) {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (type == licsdk::EVENT_LICENSE_VERIFY) license_ = message;
        if (type == licsdk::EVENT_UPGRADENOTICE) notice_ = message;
        if (type == licsdk::EVENT_UPDATE) update_ = message;
        changed_.notify_all();
    }
    std::string License() { return Wait(license_, 30); }
    std::string Notice(int seconds) { return Wait(notice_, seconds); }
    std::string Update(int seconds) { return Wait(update_, seconds); }

private:
    std::string Wait(const std::string &message, int seconds) {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(seconds), [&] { return !message.empty(); });
        return message;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::string license_, notice_, update_;
};

int Usage(const std::string &wrong) {
    if (!wrong.empty()) std::cerr << wrong << "\n\n";
    std::cerr << "usage: solver [--server URL --activation-code CODE | --license FILE]\n"
                 "              [--dev-info TEXT] [--state-dir DIR]\n"
                 "              [--check-updates [--upgrade] [--channel NAME]]\n";
    return 2;
}

/// Code, reason, what to do: in English and in Chinese, for whoever sits there.
int Refused(const licsdk::Answer &answer) {
    using licsdk::Language;
    std::cerr << "FlowSim cannot start: " << licsdk::Name(answer.Status()) << "\n"
              << "  " << answer.Message() << "\n"
              << "  " << answer.Message(Language::CHINESE) << "\n";
    if (!answer.Detail().empty()) std::cerr << "  " << answer.Detail() << "\n";
    for (int i = 0;; ++i) {
        const std::string part = "/explanation/parts/" + std::to_string(i);
        const std::string kind = answer.Text(part + "/kind");
        if (kind.empty()) break;
        std::cerr << "    " << kind << ": " << answer.Text(part + "/outcome") << "\n";
    }
    if (!answer.Remedy().empty()) {
        std::cerr << "What to do:\n  " << answer.Remedy() << "\n  "
                  << answer.Remedy(Language::CHINESE) << "\n";
    }
    return 1;
}

/// The answer of the license server: an event, which may be a refusal of its own.
licsdk::Answer FromServer(licsdk::SdkInvoker &invoker, Events &events, const Options &options) {
    const licsdk::ResultStatus accepted = invoker->GetLicenseStringRequest(options.dev_info);
    if (accepted != licsdk::ResultStatus::SUCCESS) return licsdk::LastError();

    const std::string message = events.License();
    const licsdk::ResultStatus status = licsdk::StatusOf(message);
    if (status != licsdk::ResultStatus::SUCCESS) {
        std::cerr << licsdk::Text(message, "/params/ErrorMsg") << "\n";
        return licsdk::Answer(status, "");
    }
    return invoker->Verify(licsdk::Text(message, "/params/LicenseContent"), options.dev_info);
}

/// A license that the user has: a file, a folder, a text.
licsdk::Answer FromUser(licsdk::SdkInvoker &invoker, const Options &options) {
    if (options.dev_info.empty()) return invoker->OpenLicense(options.license);
    // For another machine than this one it is looked at, and not kept.
    std::ifstream file(options.license, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    return invoker->Verify(content.empty() ? options.license : content, options.dev_info);
}

std::string OrNone(const std::string &text, const char *none) { return text.empty() ? none : text; }

/// What the license allows, as data: a limit is used, never only looked at.
struct Rights {
    bool mesh;
    int cores;
};

Rights Say(const licsdk::Answer &answer) {
    const std::string cores = answer.Text("/claims/ent/solver-cores");
    const Rights rights{answer.Text("/claims/ent/mesh") == "true",
                        cores.empty() ? 1 : std::max(1, std::atoi(cores.c_str()))};
    std::cout << "FlowSim " << VERSION << "\n"
              << "  licensed to   " << OrNone(answer.Customer(), "(no name)")
              << (answer.IsTrial() ? " (trial)" : "") << "\n"
              << "  valid until   " << OrNone(answer.ValidUntil(), "perpetual");
    if (answer.DaysLeft() >= 0) std::cout << " (" << answer.DaysLeft() << " days)";
    std::cout << "\n  state         " << answer.State() << "\n"
              << "  fine mesh     " << (rights.mesh ? "yes" : "no") << "\n"
              << "  solver cores  " << rights.cores << "\n";
    for (const std::string &warning : answer.Warnings()) {
        std::cout << "  note          " << warning << "\n";
    }
    return rights;
}

/// After the work, not before it: a program never waits for news at its start.
void News(licsdk::SdkInvoker &invoker, Events &events, bool upgrade) {
    const std::string notice = events.Notice(10);
    if (licsdk::Text(notice, "/params/available") != "true") {
        std::cout << "No newer version ("
                  << OrNone(licsdk::Text(notice, "/params/state"), "unknown") << ")\n";
        return;
    }
    std::cout << "Version " << licsdk::Text(notice, "/params/version") << " is available\n";
    for (const char *notes : {"/params/notes_en", "/params/notes_zh"}) {
        const std::string text = licsdk::Text(notice, notes);
        if (!text.empty()) std::cout << "  " << text << "\n";
    }
    if (licsdk::Text(notice, "/params/state") == "REQUIRED_BY_DATE") {
        std::cout << "This version must be replaced: save your work and upgrade.\n";
    }
    if (!upgrade) return;
    invoker->UpgradeNotify(true);
    const std::string update = events.Update(120);
    const std::string path = licsdk::Text(update, "/params/path");
    std::cout << (path.empty() ? "The package could not be had: " : "The package is here: ")
              << (path.empty() ? licsdk::Text(update, "/params/ErrorMsg") : path) << "\n";
}

int Run(const Options &options) {
    licsdk::Config config;
    config.product = "flowsim";
    config.version = VERSION;
    config.trust = TRUST_JWKS;
    config.server = options.server;
    config.activation_code = options.activation_code;
    config.state_dir = options.state_dir;
    config.channel = options.channel;

    Events events;
    licsdk::SdkInvoker invoker;
    if (invoker.Factory(config)->Init() != licsdk::ResultStatus::SUCCESS) {
        return Refused(licsdk::LastError());
    }
    invoker->RegisterEventRecall(&events, &Events::EventRecall);

    const licsdk::Answer answer = options.license.empty() ? FromServer(invoker, events, options)
                                                          : FromUser(invoker, options);
    invoker->LicenseVerifyNotify(static_cast<bool>(answer), answer ? "" : answer.Message());
    if (!answer) return Refused(answer);
    const Rights rights = Say(answer);
    if (options.check_updates) invoker->CheckNewVersions();

    const int size = rights.mesh ? 65 : 33;
    const int processors = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    const int threads = std::min(rights.cores, processors);
    const Heat heat = solve(size, threads);
    std::cout << "Solved " << size << " x " << size << " points with " << threads << " threads: "
              << heat.iterations << " iterations, middle " << heat.middle << ", residual "
              << heat.residual << "\n";

    if (options.check_updates) News(invoker, events, options.upgrade);
    invoker->ShutOut();
    return 0;
}

}  // namespace

int main(int argc, char **argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--check-updates") {
            options.check_updates = true;
            continue;
        }
        if (name == "--upgrade") {
            options.upgrade = true;
            continue;
        }
        std::string *value = name == "--server"            ? &options.server
                             : name == "--activation-code" ? &options.activation_code
                             : name == "--dev-info"        ? &options.dev_info
                             : name == "--license"         ? &options.license
                             : name == "--state-dir"       ? &options.state_dir
                             : name == "--channel"         ? &options.channel
                                                           : nullptr;
        if (value == nullptr) return Usage(name == "--help" ? "" : "unknown option " + name);
        if (++i == argc) return Usage(name + " needs a value");
        *value = argv[i];
    }
    return Run(options);
}
