// The C interface on top of the bridge: checks pointers, keeps the handles, lets no exception out.

#include "licsdk/licsdk.h"

#include "license-ffi/src/bridge.rs.h"
#include "receiver.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#ifndef LICSDK_VERSION
#  error "CMake passes LICSDK_VERSION"
#endif

namespace {

using licsdk::bridge::Bytes;
using licsdk::bridge::Engine;
using licsdk::bridge::Receiver;
using licsdk::bridge::Reply;

using Slice = rust::Slice<const uint8_t>;

struct Running {
    explicit Running(rust::Box<Engine> made) : engine(std::move(made)) {}
    rust::Box<Engine> engine;
};

// Handles are looked up, never followed: a freed one is answered instead of crashing, and a call
// that is under way in another thread keeps its engine. Both live until the process is gone, because
// an SDK in a static object of the program is freed after statics of this library would be.
std::mutex &table_mutex() {
    static std::mutex *mutex = new std::mutex;
    return *mutex;
}
std::map<uintptr_t, std::shared_ptr<Running>> &table() {
    static auto *table = new std::map<uintptr_t, std::shared_ptr<Running>>;
    return *table;
}
uintptr_t last_handle = 0;

uintptr_t key_of(const licsdk_sdk *sdk) { return reinterpret_cast<uintptr_t>(sdk); }

std::shared_ptr<Running> find(const licsdk_sdk *sdk) {
    const std::lock_guard<std::mutex> lock(table_mutex());
    const auto found = table().find(key_of(sdk));
    return found == table().end() ? nullptr : found->second;
}

struct LastError {
    int code = LICSDK_OK;
    std::string json;
};

LastError &last_error() {
    thread_local LastError last;
    return last;
}

char *copy(const char *text, size_t len) {
    char *made = static_cast<char *>(std::malloc(len + 1));
    if (made == nullptr) return nullptr;
    std::memcpy(made, text, len);
    made[len] = '\0';
    return made;
}
char *copy(const rust::String &text) { return copy(text.data(), text.size()); }

Slice slice(const char *text) {
    if (text == nullptr) return Slice();
    return Slice(reinterpret_cast<const uint8_t *>(text), std::strlen(text));
}

rust::Vec<Bytes> list(const char *const *texts, size_t len) {
    rust::Vec<Bytes> all;
    for (size_t i = 0; texts != nullptr && i < len; ++i) {
        Bytes one;
        for (const uint8_t byte : slice(texts[i])) one.bytes.push_back(byte);
        all.push_back(std::move(one));
    }
    return all;
}

int refuse(int code, const char *detail) {
    LastError &last = last_error();
    last.code = code;
    last.json = std::string(licsdk::bridge::report(code, detail));
    return code;
}

// Remembers a refusal, gives out a text.
int answer(const Reply &reply, char **out) {
    if (reply.code != LICSDK_OK) {
        LastError &last = last_error();
        last.code = reply.code;
        last.json = std::string(reply.text);
    }
    if (out != nullptr) *out = reply.text.empty() ? nullptr : copy(reply.text);
    return reply.code;
}

// The edge: what is thrown inside (memory that is not there, above all) becomes INTERNAL.
template <class Body>
int guarded(Body body) noexcept {
    try {
        return body();
    } catch (...) {
        try {
            return refuse(LICSDK_INTERNAL, "out of memory, or a defect");
        } catch (...) {
            return LICSDK_INTERNAL;
        }
    }
}

// Calls `body` with the engine of a handle.
template <class Body>
int with(const licsdk_sdk *sdk, Body body) noexcept {
    return guarded([&]() -> int {
        const std::shared_ptr<Running> running = find(sdk);
        if (running == nullptr) return refuse(LICSDK_NOT_INITIALIZED, "no such handle");
        return body(*running->engine);
    });
}

// A structure of a newer or older header: what it does not have stays zero.
template <class Struct>
bool adopt(const Struct *given, Struct &ours) {
    if (given == nullptr || given->size < sizeof(size_t) || given->size % sizeof(void *) != 0) {
        return false;
    }
    std::memset(&ours, 0, sizeof ours);
    std::memcpy(&ours, given, given->size < sizeof ours ? given->size : sizeof ours);
    return true;
}

}  // namespace

extern "C" {

const char *licsdk_version(void) LICSDK_NOEXCEPT { return LICSDK_VERSION; }

char *licsdk_code_name(int code) LICSDK_NOEXCEPT {
    char *name = nullptr;
    guarded([&] {
        name = copy(licsdk::bridge::code_name(code));
        return LICSDK_OK;
    });
    return name;
}

int licsdk_code_number(const char *name) LICSDK_NOEXCEPT {
    int number = -1;
    guarded([&] {
        number = licsdk::bridge::code_number(slice(name));
        return LICSDK_OK;
    });
    return number;
}

char *licsdk_code_message(int code, const char *language) LICSDK_NOEXCEPT {
    char *message = nullptr;
    guarded([&] {
        const bool chinese = language != nullptr && std::strncmp(language, "zh", 2) == 0;
        message = copy(licsdk::bridge::code_message(code, chinese));
        return LICSDK_OK;
    });
    return message;
}

char *licsdk_last_error(int *code) LICSDK_NOEXCEPT {
    char *json = nullptr;
    guarded([&] {
        const LastError &last = last_error();
        if (code != nullptr) *code = last.code;
        if (last.code != LICSDK_OK) json = copy(last.json.data(), last.json.size());
        return LICSDK_OK;
    });
    return json;
}

int licsdk_new(const licsdk_config *config, licsdk_sdk **out) LICSDK_NOEXCEPT {
    return guarded([&]() -> int {
        if (out == nullptr) return refuse(LICSDK_REQUEST_INVALID, "`out` is null");
        *out = nullptr;
        licsdk_config ours;
        if (!adopt(config, ours)) {
            return refuse(LICSDK_REQUEST_INVALID, "`config` is null or was not initialized");
        }
        const licsdk::bridge::Settings settings{
            slice(ours.server),          slice(ours.product),   slice(ours.version),
            slice(ours.release_date),    slice(ours.activation_code), slice(ours.trust),
            slice(ours.state_dir),       slice(ours.channel),   slice(ours.platform)};
        auto running = std::make_shared<Running>(licsdk::bridge::engine(settings));

        const std::lock_guard<std::mutex> lock(table_mutex());
        table().emplace(++last_handle, std::move(running));
        *out = reinterpret_cast<licsdk_sdk *>(last_handle);
        return LICSDK_OK;
    });
}

int licsdk_init(licsdk_sdk *sdk) LICSDK_NOEXCEPT {
    return with(sdk, [](const Engine &engine) { return answer(engine.init(), nullptr); });
}

int licsdk_on_event(licsdk_sdk *sdk, licsdk_event_fn recall, void *user,
                    licsdk_release_fn release) LICSDK_NOEXCEPT {
    return guarded([&]() -> int {
        auto receiver = std::unique_ptr<Receiver>(new Receiver(recall, user, release));
        return with(sdk, [&](const Engine &engine) {
            return answer(engine.on_event(std::move(receiver)), nullptr);
        });
    });
}

int licsdk_shut_out(licsdk_sdk *sdk) LICSDK_NOEXCEPT {
    return with(sdk, [](const Engine &engine) { return answer(engine.shut_out(), nullptr); });
}

void licsdk_free(licsdk_sdk *sdk) LICSDK_NOEXCEPT {
    guarded([&] {
        std::shared_ptr<Running> running;
        {
            const std::lock_guard<std::mutex> lock(table_mutex());
            const auto found = table().find(key_of(sdk));
            if (found == table().end()) return LICSDK_OK;
            running = std::move(found->second);
            table().erase(found);
        }
        running->engine->shut_out();
        return LICSDK_OK;
    });
}

int licsdk_get_license_string(licsdk_sdk *sdk, const char *dev_info) LICSDK_NOEXCEPT {
    return with(sdk, [&](const Engine &engine) {
        return answer(engine.license_string(slice(dev_info)), nullptr);
    });
}

int licsdk_get_license_file(licsdk_sdk *sdk, const char *file_name,
                            const char *dev_info) LICSDK_NOEXCEPT {
    return with(sdk, [&](const Engine &engine) {
        return answer(engine.license_file(slice(file_name), slice(dev_info)), nullptr);
    });
}

int licsdk_license_verify_notify(licsdk_sdk *sdk, int verify_result,
                                 const char *error_msg) LICSDK_NOEXCEPT {
    return with(sdk, [&](const Engine &engine) {
        return answer(engine.verify_notify(verify_result != 0, slice(error_msg)), nullptr);
    });
}

int licsdk_trial_expiration_and_get_license(licsdk_sdk *sdk, int license_type, const char *dev_info,
                                            const char *file_name) LICSDK_NOEXCEPT {
    return with(sdk, [&](const Engine &engine) {
        return answer(engine.trial_over(license_type, slice(dev_info), slice(file_name)), nullptr);
    });
}

int licsdk_check_new_versions(licsdk_sdk *sdk) LICSDK_NOEXCEPT {
    return with(sdk,
                [](const Engine &engine) { return answer(engine.check_new_versions(), nullptr); });
}

int licsdk_upgrade_notify(licsdk_sdk *sdk, int upgrade) LICSDK_NOEXCEPT {
    return with(sdk, [&](const Engine &engine) {
        return answer(engine.upgrade_notify(upgrade != 0), nullptr);
    });
}

int licsdk_device_info(char **out) LICSDK_NOEXCEPT {
    return guarded([&]() -> int {
        if (out == nullptr) return refuse(LICSDK_REQUEST_INVALID, "`out` is null");
        *out = nullptr;
        const Reply reply = licsdk::bridge::device_info();
        return answer(reply, reply.code == LICSDK_OK ? out : nullptr);
    });
}

int licsdk_open_license(licsdk_sdk *sdk, const char *const *sources, size_t sources_len,
                        char **json) LICSDK_NOEXCEPT {
    if (json != nullptr) *json = nullptr;
    return with(sdk, [&](const Engine &engine) {
        const rust::Vec<Bytes> all = list(sources, sources_len);
        return answer(engine.open_license(rust::Slice<const Bytes>(all.data(), all.size())), json);
    });
}

int licsdk_verify(licsdk_sdk *sdk, const char *license, size_t license_len, const char *dev_info,
                  char **json) LICSDK_NOEXCEPT {
    if (json != nullptr) *json = nullptr;
    return with(sdk, [&](const Engine &engine) {
        Slice bytes = slice(license);
        if (license != nullptr && license_len != 0) {
            bytes = Slice(reinterpret_cast<const uint8_t *>(license), license_len);
        }
        return answer(engine.verify_license(bytes, slice(dev_info)), json);
    });
}

int licsdk_verify_question(const licsdk_question *question, char **json) LICSDK_NOEXCEPT {
    if (json != nullptr) *json = nullptr;
    return guarded([&]() -> int {
        licsdk_question ours;
        if (!adopt(question, ours)) {
            return refuse(LICSDK_REQUEST_INVALID, "`question` is null or was not initialized");
        }
        Slice license = slice(ours.license_len == 0 ? ours.license : nullptr);
        if (ours.license != nullptr && ours.license_len != 0) {
            license = Slice(reinterpret_cast<const uint8_t *>(ours.license), ours.license_len);
        }
        licsdk::bridge::Question flat{license,
                                      slice(ours.trust),
                                      list(ours.trust_lists, ours.trust_lists_len),
                                      list(ours.revocations, ours.revocations_len),
                                      slice(ours.product),
                                      slice(ours.version),
                                      slice(ours.release_date),
                                      ours.dev_info != nullptr,
                                      slice(ours.dev_info),
                                      slice(ours.at),
                                      slice(ours.floor)};
        return answer(licsdk::bridge::verify(flat), json);
    });
}

int licsdk_entitlement(licsdk_sdk *sdk, const char *name, char **text) LICSDK_NOEXCEPT {
    if (text != nullptr) *text = nullptr;
    return with(sdk, [&](const Engine &engine) {
        const Reply reply = engine.entitlement(slice(name));
        return answer(reply, reply.code == LICSDK_OK ? text : nullptr);
    });
}

int licsdk_warnings(licsdk_sdk *sdk, char **json) LICSDK_NOEXCEPT {
    if (json != nullptr) *json = nullptr;
    return with(sdk, [&](const Engine &engine) { return answer(engine.warnings(), json); });
}

int licsdk_json_text(const char *json, const char *pointer, char **out) LICSDK_NOEXCEPT {
    return guarded([&]() -> int {
        if (out != nullptr) *out = nullptr;
        // Not remembered as the last error: a look-up that finds nothing is no failure of a call,
        // and it is how a program reads that error.
        const Reply reply = licsdk::bridge::json_text(slice(json), slice(pointer));
        if (out != nullptr && reply.code == LICSDK_OK) *out = copy(reply.text);
        return reply.code;
    });
}

void licsdk_string_free(char *text) LICSDK_NOEXCEPT { std::free(text); }

int licsdk_get_license_file_w(licsdk_sdk *sdk, const wchar_t *file_name,
                              const char *dev_info) LICSDK_NOEXCEPT {
    char *utf8 = licsdk_from_wide(file_name);
    if (file_name != nullptr && utf8 == nullptr) {
        return guarded([] {
            return refuse(LICSDK_REQUEST_INVALID, "`fileName` is not well-formed wide text");
        });
    }
    const int code = licsdk_get_license_file(sdk, utf8, dev_info);
    std::free(utf8);
    return code;
}

int licsdk_test_panic(void) LICSDK_NOEXCEPT {
    return guarded([] { return answer(licsdk::bridge::panic_inside(), nullptr); });
}

}  // extern "C"
