// The SDK for C++ programs. Everything here is inline over the C interface of licsdk.h: no C++ type
// crosses the boundary of the shared library, so any compiler, C++ runtime and build type works.
//
// Every call is safe from any thread and inside a callback, ShutOut too. Nothing here waits for the
// network. Every text is UTF-8.
#ifndef LICSDK_SDKINVOKER_H
#define LICSDK_SDKINVOKER_H

#include "licsdk/licsdk.h"

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace licsdk {

/// Answers of requests and reasons of refusals. The list only grows.
enum class ResultStatus : int {
    SUCCESS = LICSDK_OK,
    LICENSE_MALFORMED = LICSDK_LICENSE_MALFORMED,
    LICENSE_DAMAGED = LICSDK_LICENSE_DAMAGED,
    KEY_UNKNOWN = LICSDK_KEY_UNKNOWN,
    SIGNATURE_INVALID = LICSDK_SIGNATURE_INVALID,
    KEY_NOT_ALLOWED = LICSDK_KEY_NOT_ALLOWED,
    LICENSE_REVOKED = LICSDK_LICENSE_REVOKED,
    LICENSE_SUSPENDED = LICSDK_LICENSE_SUSPENDED,
    PRODUCT_MISMATCH = LICSDK_PRODUCT_MISMATCH,
    VERSION_NOT_COVERED = LICSDK_VERSION_NOT_COVERED,
    LICENSE_NOT_YET_VALID = LICSDK_LICENSE_NOT_YET_VALID,
    LICENSE_EXPIRED = LICSDK_LICENSE_EXPIRED,
    CLOCK_ROLLED_BACK = LICSDK_CLOCK_ROLLED_BACK,
    MACHINE_MISMATCH = LICSDK_MACHINE_MISMATCH,
    MACHINE_UNREADABLE = LICSDK_MACHINE_UNREADABLE,
    ACTIVATION_CODE_UNKNOWN = LICSDK_ACTIVATION_CODE_UNKNOWN,
    MACHINES_EXHAUSTED = LICSDK_MACHINES_EXHAUSTED,
    SEATS_EXHAUSTED = LICSDK_SEATS_EXHAUSTED,
    ORDER_PENDING = LICSDK_ORDER_PENDING,
    RATE_LIMITED = LICSDK_RATE_LIMITED,
    REQUEST_INVALID = LICSDK_REQUEST_INVALID,
    PRODUCT_UNKNOWN = LICSDK_PRODUCT_UNKNOWN,
    NOT_FOUND = LICSDK_NOT_FOUND,
    UNAUTHORIZED = LICSDK_UNAUTHORIZED,
    FORBIDDEN = LICSDK_FORBIDDEN,
    CONFLICT = LICSDK_CONFLICT,
    PAYLOAD_TOO_LARGE = LICSDK_PAYLOAD_TOO_LARGE,
    RECEIPT_INVALID = LICSDK_RECEIPT_INVALID,
    SERVICE_UNAVAILABLE = LICSDK_SERVICE_UNAVAILABLE,
    AUDIT_BROKEN = LICSDK_AUDIT_BROKEN,
    NOT_METERED = LICSDK_NOT_METERED,
    NOT_INITIALIZED = LICSDK_NOT_INITIALIZED,
    CONFIG_INVALID = LICSDK_CONFIG_INVALID,
    SERVER_UNREACHABLE = LICSDK_SERVER_UNREACHABLE,
    LICENSE_MISSING = LICSDK_LICENSE_MISSING,
    SHUT_DOWN = LICSDK_SHUT_DOWN,
    STATE_UNWRITABLE = LICSDK_STATE_UNWRITABLE,
    UPGRADE_NOT_OFFERED = LICSDK_UPGRADE_NOT_OFFERED,
    PACKAGE_DAMAGED = LICSDK_PACKAGE_DAMAGED,
    INTERNAL = LICSDK_INTERNAL
};

enum EventType : int {
    EVENT_HEARTBEAT = LICSDK_EVENT_HEARTBEAT,
    EVENT_LICENSE_VERIFY = LICSDK_EVENT_LICENSE_VERIFY,
    EVENT_UPGRADENOTICE = LICSDK_EVENT_UPGRADENOTICE,
    EVENT_UPDATE = LICSDK_EVENT_UPDATE,
    EVENT_LEASE = LICSDK_EVENT_LEASE,
    EVENT_CLOSED = LICSDK_EVENT_CLOSED
};

enum class LicenseType : int {
    LICENSE_TYPE_STRING = LICSDK_LICENSE_TYPE_STRING,
    LICENSE_TYPE_FILE = LICSDK_LICENSE_TYPE_FILE
};

enum class Language { ENGLISH, CHINESE };

/// What the program knows about itself. Only `server`, `activation_code`, `state_dir` and `channel`
/// may also come from the environment (LICSDK_SERVER and so on) or from licsdk.toml, and these win.
struct Config {
    std::string server;           ///< "https://license.example.com"; empty: offline only
    std::string product;          ///< "flowsim"
    std::string version;          ///< "2.0.0"
    std::string release_date;     ///< of this build, for maintenance windows
    std::string activation_code;  ///< what the customer was given; may be empty
    std::string trust;            ///< root or issuing public keys: JWKS text; a path while developing
    std::string state_dir;        ///< license, lists and clock floor; empty: the platform's place
    std::string channel = "stable";
    std::string platform;         ///< empty: this one
};

namespace detail {

/// Takes over a text that the library allocated.
inline std::string Take(char *text) {
    if (text == nullptr) return std::string();
    struct Free {
        void operator()(char *taken) const { licsdk_string_free(taken); }
    };
    const std::unique_ptr<char, Free> owned(text);
    return std::string(owned.get());
}

inline ResultStatus Status(int code) { return static_cast<ResultStatus>(code); }

/// `2027-11-20` of UTC seconds, without the C library's calendar, which is not safe from any thread.
inline std::string Date(long long seconds) {
    long long days = seconds / 86400 - (seconds % 86400 < 0 ? 1 : 0) + 719468;
    const long long era = (days >= 0 ? days : days - 146096) / 146097;
    const long long of_era = days - era * 146097;
    const long long years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const long long of_year = of_era - (365 * years + years / 4 - years / 100);
    const long long shifted = (5 * of_year + 2) / 153;
    const long long day = of_year - (153 * shifted + 2) / 5 + 1;
    const long long month = shifted < 10 ? shifted + 3 : shifted - 9;
    const long long year = years + era * 400 + (month <= 2 ? 1 : 0);
    std::string date = std::to_string(year);
    date += month < 10 ? "-0" : "-";
    date += std::to_string(month);
    date += day < 10 ? "-0" : "-";
    date += std::to_string(day);
    return date;
}

}  // namespace detail

/// "LICENSE_EXPIRED"; "OK" for SUCCESS.
inline std::string Name(ResultStatus status) {
    return detail::Take(licsdk_code_name(static_cast<int>(status)));
}

/// One sentence for people.
inline std::string Message(ResultStatus status, Language language = Language::ENGLISH) {
    return detail::Take(licsdk_code_message(static_cast<int>(status),
                                            language == Language::CHINESE ? "zh" : "en"));
}

/// The text at a JSON pointer, for programs without a JSON library: Text(message,
/// "/params/Status"). A string comes without its quotes, anything else as JSON, nothing as "".
inline std::string Text(const std::string &json, const std::string &pointer) {
    char *text = nullptr;
    licsdk_json_text(json.c_str(), pointer.c_str(), &text);
    return detail::Take(text);
}

/// What an event's message says: SUCCESS, or the reason in its ErrorCode.
inline ResultStatus StatusOf(const std::string &message) {
    const std::string code = Text(message, "/params/ErrorCode");
    if (code.empty()) return ResultStatus::SUCCESS;
    const int number = licsdk_code_number(code.c_str());
    return number < 0 ? ResultStatus::INTERNAL : detail::Status(number);
}

namespace detail {

/// The texts of the array at `pointer`.
inline std::vector<std::string> List(const std::string &json, const std::string &pointer) {
    std::vector<std::string> all;
    for (;;) {
        std::string one = Text(json, pointer + "/" + std::to_string(all.size()));
        if (one.empty()) return all;
        all.push_back(std::move(one));
    }
}

}  // namespace detail

/// For paths and names in wide text (UTF-16 on Windows); "" if it is not well formed.
inline std::string FromWide(const wchar_t *text) { return detail::Take(licsdk_from_wide(text)); }
inline std::string FromWide(const std::wstring &text) { return FromWide(text.c_str()); }

/// For opening a path that the SDK gave: on Windows only wide paths reach every file.
inline std::wstring ToWide(const std::string &text) {
    struct Free {
        void operator()(wchar_t *taken) const { licsdk_wide_free(taken); }
    };
    const std::unique_ptr<wchar_t, Free> owned(licsdk_to_wide(text.c_str()));
    return owned ? std::wstring(owned.get()) : std::wstring();
}

#ifdef _WIN32
/// For texts in the system's code page (GBK on a Chinese Windows).
inline std::string FromAnsi(const char *text) { return detail::Take(licsdk_from_ansi(text)); }
inline std::string FromAnsi(const std::string &text) { return FromAnsi(text.c_str()); }
#endif

/// What a verification said: data, never a bare yes. `json` holds everything.
class Answer {
public:
    Answer() = default;
    Answer(ResultStatus status, std::string json) : status_(status), json_(std::move(json)) {}

    explicit operator bool() const { return status_ == ResultStatus::SUCCESS; }
    ResultStatus Status() const { return status_; }
    const std::string &Json() const { return json_; }
    std::string Text(const std::string &pointer) const { return licsdk::Text(json_, pointer); }

    /// Why it was refused; one sentence.
    std::string Message(Language language = Language::ENGLISH) const {
        const std::string text =
            Text(language == Language::CHINESE ? "/message_zh" : "/message");
        return text.empty() ? licsdk::Message(status_, language) : text;
    }
    /// What is known beside, in English: "`trust` is empty".
    std::string Detail() const { return Text("/detail"); }
    /// What to do about it.
    std::string Remedy(Language language = Language::ENGLISH) const {
        return Text(language == Language::CHINESE ? "/remedy_zh" : "/remedy");
    }

    std::string Customer() const { return Text("/claims/cus"); }
    std::string LicenseId() const { return Text("/claims/jti"); }
    std::string Product() const { return Text("/claims/prd"); }
    /// "valid", "grace" or "maintenance-over".
    std::string State() const { return Text("/state"); }
    bool IsTrial() const { return Text("/claims/trl") == "true"; }
    /// "2027-11-20", in UTC; "" for a license without an end.
    std::string ValidUntil() const {
        const std::string seconds = Text("/claims/exp");
        return seconds.empty() ? seconds : detail::Date(std::strtoll(seconds.c_str(), nullptr, 10));
    }
    /// `perpetual` for a license without an end.
    long long DaysLeft(long long perpetual = -1) const {
        const std::string days = Text("/days_left");
        return days.empty() || days == "null" ? perpetual
                                              : std::strtoll(days.c_str(), nullptr, 10);
    }
    /// BINDING_WEAK, LIST_EXPIRED and their kin.
    std::vector<std::string> Warnings() const { return detail::List(json_, "/warnings"); }

private:
    ResultStatus status_ = ResultStatus::NOT_INITIALIZED;
    std::string json_;
};

/// One named right or limit of the license in force.
class Entitlement {
public:
    Entitlement() = default;
    Entitlement(ResultStatus status, std::string text) : status_(status), text_(std::move(text)) {}

    ResultStatus Status() const { return status_; }
    /// In the license, and not `false`.
    explicit operator bool() const {
        return status_ == ResultStatus::SUCCESS && !text_.empty() && text_ != "false";
    }
    /// The limit, or `otherwise` where the license holds no number under this name.
    long long Number(long long otherwise = 0) const {
        if (status_ != ResultStatus::SUCCESS || text_.empty()) return otherwise;
        char *end = nullptr;
        const long long number = std::strtoll(text_.c_str(), &end, 10);
        return *end == '\0' ? number : otherwise;
    }
    const std::string &Text() const { return text_; }

private:
    ResultStatus status_ = ResultStatus::NOT_INITIALIZED;
    std::string text_;
};

/// Explains the last call of this thread that did not succeed.
inline Answer LastError() {
    int code = LICSDK_OK;
    std::string json = detail::Take(licsdk_last_error(&code));
    return Answer(detail::Status(code), std::move(json));
}

/// The text that identifies this machine, `MAC|DISK|BOARD|CPU`; "" if nothing can be read.
inline std::string DeviceInfo() {
    char *text = nullptr;
    licsdk_device_info(&text);
    return detail::Take(text);
}

/// A verification that depends on nothing but its members; what is empty is not asked. Times are a
/// date, RFC 3339 or integer UTC seconds.
struct VerifyQuestion {
    std::string license;  ///< a license text, or the bytes of a whole file
    std::string trust;    ///< JWKS text: the keys that may sign, or the roots of `trust_lists`
    std::vector<std::string> trust_lists;
    std::vector<std::string> revocations;
    std::string product, version, release_date;
    bool check_binding = true;  ///< false: any machine, which the answer says as a warning
    std::string dev_info;
    std::string at;     ///< empty: now
    std::string floor;  ///< the latest time that was seen
};

namespace detail {

inline std::vector<const char *> Pointers(const std::vector<std::string> &texts) {
    std::vector<const char *> all;
    for (const std::string &text : texts) all.push_back(text.c_str());
    return all;
}

inline const char *OrNull(const std::string &text) {
    return text.empty() ? nullptr : text.c_str();
}

}  // namespace detail

/// Needs no SdkInvoker and keeps nothing: for tools, and for programs with a store of their own.
inline Answer Verify(const VerifyQuestion &question) {
    const std::vector<const char *> trust_lists = detail::Pointers(question.trust_lists);
    const std::vector<const char *> revocations = detail::Pointers(question.revocations);
    licsdk_question flat = LICSDK_QUESTION_INIT;
    flat.license = question.license.data();
    flat.license_len = question.license.size();
    flat.trust = question.trust.c_str();
    flat.trust_lists = trust_lists.data();
    flat.trust_lists_len = trust_lists.size();
    flat.revocations = revocations.data();
    flat.revocations_len = revocations.size();
    flat.product = detail::OrNull(question.product);
    flat.version = detail::OrNull(question.version);
    flat.release_date = detail::OrNull(question.release_date);
    flat.dev_info = question.check_binding ? question.dev_info.c_str() : nullptr;
    flat.at = detail::OrNull(question.at);
    flat.floor = detail::OrNull(question.floor);
    char *json = nullptr;
    const int code = licsdk_verify_question(&flat, &json);
    return Answer(detail::Status(code), detail::Take(json));
}

using EventRecall = std::function<void(EventType, const std::string &)>;

/// The calls. Reached through an SdkInvoker, which owns it.
class Sdk {
public:
    Sdk(const Sdk &) = delete;
    Sdk &operator=(const Sdk &) = delete;

    // ---- Life ----

    /// The first call. Reads the configuration and the cache; never the network.
    ResultStatus Init() { return detail::Status(licsdk_init(Handle())); }

    /// The receiver of events: invoker->RegisterEventRecall(&app, &App::EventRecall). The object
    /// must live until ShutOut returned or another receiver was registered.
    template <class Object, class Recall>
    ResultStatus RegisterEventRecall(Object *object, Recall recall) {
        if (object == nullptr) return Register(EventRecall());
        return Register([object, recall](EventType event, const std::string &message) {
            (object->*recall)(event, message);
        });
    }
    ResultStatus RegisterEventRecall(EventRecall recall) { return Register(std::move(recall)); }

    /// Before the program ends. No event arrives after it returned.
    ResultStatus ShutOut() {
        licsdk_sdk *handle = Handle();
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            ended_ = handle;
        }
        return detail::Status(licsdk_shut_out(handle));
    }

    // ---- Requests: accepted or why not, at once; the answer is one event ----

    ResultStatus GetLicenseStringRequest(const std::string &dev_info = std::string()) {
        return detail::Status(licsdk_get_license_string(Handle(), dev_info.c_str()));
    }
    ResultStatus GetLicenseFileRequest(const std::string &file_name,
                                       const std::string &dev_info = std::string()) {
        return detail::Status(
            licsdk_get_license_file(Handle(), file_name.c_str(), dev_info.c_str()));
    }
    ResultStatus GetLicenseFileRequest(const std::wstring &file_name,
                                       const std::string &dev_info = std::string()) {
        return detail::Status(
            licsdk_get_license_file_w(Handle(), file_name.c_str(), dev_info.c_str()));
    }
    ResultStatus LicenseVerifyNotify(bool verify_result,
                                     const std::string &error_msg = std::string()) {
        return detail::Status(
            licsdk_license_verify_notify(Handle(), verify_result ? 1 : 0, error_msg.c_str()));
    }
    ResultStatus TrialExpirationAndGetLicense(LicenseType type, const std::string &dev_info,
                                              const std::string &file_name) {
        return detail::Status(licsdk_trial_expiration_and_get_license(
            Handle(), static_cast<int>(type), dev_info.c_str(), file_name.c_str()));
    }
    ResultStatus CheckNewVersions() {
        return detail::Status(licsdk_check_new_versions(Handle()));
    }
    ResultStatus UpgradeNotify(bool upgrade) {
        return detail::Status(licsdk_upgrade_notify(Handle(), upgrade ? 1 : 0));
    }

    // ---- Calls that answer at once ----

    std::string DeviceInfo() const { return licsdk::DeviceInfo(); }

    /// A license text, a file, a directory or a server's address.
    Answer OpenLicense(const std::string &source) const {
        return OpenLicense(std::vector<std::string>(1, source));
    }
    /// Several at once: OpenLicense({file, folder}). The list has its own overload because two plain
    /// literals in braces would also be the two ends of one text.
    Answer OpenLicense(std::initializer_list<std::string> sources) const {
        return OpenLicense(std::vector<std::string>(sources));
    }
    Answer OpenLicense(const std::vector<std::string> &sources) const {
        const std::vector<const char *> texts = detail::Pointers(sources);
        char *json = nullptr;
        const int code = licsdk_open_license(Handle(), texts.data(), texts.size(), &json);
        return Answer(detail::Status(code), detail::Take(json));
    }

    /// Is this license good for this program, now, on this machine or on the one of `dev_info`?
    Answer Verify(const std::string &license, const std::string &dev_info = std::string()) const {
        char *json = nullptr;
        const int code = licsdk_verify(Handle(), license.data(), license.size(), dev_info.c_str(),
                                       &json);
        return Answer(detail::Status(code), detail::Take(json));
    }

    licsdk::Entitlement Entitlement(const std::string &name) const {
        char *text = nullptr;
        const int code = licsdk_entitlement(Handle(), name.c_str(), &text);
        return licsdk::Entitlement(detail::Status(code), detail::Take(text));
    }

    /// What the SDK could not do as it should, such as writing its state.
    std::vector<std::string> Warnings() const {
        char *json = nullptr;
        licsdk_warnings(Handle(), &json);
        return detail::List(detail::Take(json), "");
    }

private:
    friend class SdkInvoker;

    Sdk() = default;

    licsdk_sdk *Handle() const {
        const std::lock_guard<std::mutex> lock(mutex_);
        return handle_;
    }

    licsdk_sdk *Exchange(licsdk_sdk *handle) {
        const std::lock_guard<std::mutex> lock(mutex_);
        std::swap(handle, handle_);
        return handle;
    }

    /// An exception of the program's own callback must not travel through the library.
    static void Recall(void *user, int event, const char *message) noexcept {
        try {
            (*static_cast<EventRecall *>(user))(static_cast<EventType>(event),
                                                std::string(message));
        } catch (...) {
        }
    }
    static void Release(void *user) noexcept { delete static_cast<EventRecall *>(user); }

    ResultStatus Register(EventRecall recall) {
        if (!recall) {
            return detail::Status(licsdk_on_event(Handle(), nullptr, nullptr, nullptr));
        }
        EventRecall *owned = new EventRecall(std::move(recall));
        return detail::Status(licsdk_on_event(Handle(), &Sdk::Recall, owned, &Sdk::Release));
    }

    /// Made and not shut out.
    bool IsLive() const {
        const std::lock_guard<std::mutex> lock(mutex_);
        return handle_ != nullptr && handle_ != ended_;
    }

    mutable std::mutex mutex_;
    licsdk_sdk *handle_ = nullptr;
    licsdk_sdk *ended_ = nullptr;
};

namespace detail {

struct Default {
    std::mutex mutex;
    Config config;

    static Default &Get() {
        static Default instance;
        return instance;
    }
};

}  // namespace detail

/// The configuration of every later IscdeskFactory(). Each executable or library of a process that
/// includes this header has its own.
inline void Configure(const Config &config) {
    detail::Default &standard = detail::Default::Get();
    const std::lock_guard<std::mutex> lock(standard.mutex);
    standard.config = config;
}

/// Owns one SDK. Moving hands it on; what was moved from answers NOT_INITIALIZED. The destructor
/// shuts out.
class SdkInvoker {
public:
    SdkInvoker() = default;
    SdkInvoker(SdkInvoker &&other) noexcept { sdk_.Exchange(other.sdk_.Exchange(nullptr)); }
    SdkInvoker &operator=(SdkInvoker &&other) noexcept {
        if (this != &other) {
            licsdk_free(sdk_.Exchange(other.sdk_.Exchange(nullptr)));
        }
        return *this;
    }
    SdkInvoker(const SdkInvoker &) = delete;
    SdkInvoker &operator=(const SdkInvoker &) = delete;
    ~SdkInvoker() { licsdk_free(sdk_.Exchange(nullptr)); }

    /// A fresh SDK with this configuration; one that this invoker had before is shut out. What is
    /// wrong with the configuration is told by Init.
    Sdk *Factory(const Config &config) {
        licsdk_config flat = LICSDK_CONFIG_INIT;
        flat.server = config.server.c_str();
        flat.product = config.product.c_str();
        flat.version = config.version.c_str();
        flat.release_date = config.release_date.c_str();
        flat.activation_code = config.activation_code.c_str();
        flat.trust = config.trust.c_str();
        flat.state_dir = config.state_dir.c_str();
        flat.channel = config.channel.c_str();
        flat.platform = config.platform.c_str();

        licsdk_sdk *handle = nullptr;
        licsdk_new(&flat, &handle);
        licsdk_free(sdk_.Exchange(handle));
        return &sdk_;
    }

    /// The SDK of this invoker. It is made with the configuration that licsdk::Configure was given
    /// when it is asked for the first time, and anew after ShutOut. Without product and trust, Init
    /// answers CONFIG_INVALID.
    Sdk *IscdeskFactory() {
        if (sdk_.IsLive()) return &sdk_;
        detail::Default &standard = detail::Default::Get();
        std::unique_lock<std::mutex> lock(standard.mutex);
        const Config config = standard.config;
        lock.unlock();
        return Factory(config);
    }

    Sdk *operator->() { return &sdk_; }
    const Sdk *operator->() const { return &sdk_; }

private:
    Sdk sdk_;
};

}  // namespace licsdk

#endif
