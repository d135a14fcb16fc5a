// What the tests play: a program with a receiver of events, and the fake server it talks to.
#pragma once

#include "check.h"

#include <licsdk/SdkInvoker.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>
#include <utility>

namespace licsdk {
inline std::ostream &operator<<(std::ostream &out, ResultStatus status) {
    return out << Name(status);
}
}  // namespace licsdk

namespace fs = std::filesystem;

inline std::string read_file(const fs::path &path) {
    std::ifstream in(path, std::ios::binary);
    CHECK_TEXT(in.good(), "cannot read " + path.string());
    return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

inline fs::path fresh_folder(const std::string &name) {
    const fs::path folder = fs::u8path(check::environment("LICSDK_TEST_DIR")) / fs::u8path(name);
    fs::remove_all(folder);
    fs::create_directories(folder);
    return folder;
}

/// The counterpart in fake_server.rs; it ends when this closes its standard input.
class FakeServer {
public:
    explicit FakeServer(const std::string &name) : folder_(fresh_folder("server-" + name)) {
        const std::string command =
            "\"" + check::environment("LICSDK_FAKE_SERVER") + "\" \"" + folder_.string() + "\"";
        pipe_ = popen(command.c_str(), "w");
        CHECK(pipe_ != nullptr);
        for (int i = 0; i < 500 && !fs::exists(folder_ / "address"); ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        address_ = read_file(folder_ / "address");
    }
    FakeServer(const FakeServer &) = delete;
    ~FakeServer() { pclose(pipe_); }

    const std::string &address() const { return address_; }
    fs::path path(const std::string &name) const { return folder_ / name; }
    std::string file(const std::string &name) const { return read_file(folder_ / name); }

    /// A program that talks to this server.
    licsdk::Config config(const std::string &code, const fs::path &state) const {
        licsdk::Config config = offline(state);
        config.server = address_;
        config.activation_code = code;
        return config;
    }
    licsdk::Config offline(const fs::path &state) const {
        licsdk::Config config;
        config.product = "flowsim";
        config.version = "2.0.0";
        config.trust = file("trust.json");
        config.state_dir = state.u8string();
        return config;
    }

private:
    fs::path folder_;
    FILE *pipe_;
    std::string address_;
};

struct Event {
    licsdk::EventType type;
    std::string message;
    std::string text(const std::string &name) const {
        return licsdk::Text(message, "/params/" + name);
    }
};

/// The object that a program registers.
class App {
public:
    void EventRecall(licsdk::EventType type, const std::string &message) {
        const std::lock_guard<std::mutex> lock(mutex_);
        events_.push_back({type, message});
        arrived_.notify_all();
    }

    Event next(int seconds = 20) {
        std::unique_lock<std::mutex> lock(mutex_);
        const bool came = arrived_.wait_for(lock, std::chrono::seconds(seconds),
                                            [&] { return !events_.empty(); });
        CHECK_TEXT(came, "no event came");
        Event event = std::move(events_.front());
        events_.pop_front();
        return event;
    }

    bool silent(int milliseconds) {
        std::unique_lock<std::mutex> lock(mutex_);
        return !arrived_.wait_for(lock, std::chrono::milliseconds(milliseconds),
                                  [&] { return !events_.empty(); });
    }

private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<Event> events_;
};
