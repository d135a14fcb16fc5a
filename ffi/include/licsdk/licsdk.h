/* The C interface of the license SDK: everything that the shared library exports.
 *
 * Conventions
 *  - Every text is UTF-8 with a final NUL, in both directions. A null text is an empty text, except
 *    where a function says otherwise.
 *  - A function that can fail returns a licsdk_code: LICSDK_OK or the reason. Outputs are written
 *    through pointers; *out is null where there is nothing to give.
 *  - A `char *` that comes out is yours: give it to licsdk_string_free. A `const char *` is not.
 *  - A handle may be used from any thread and inside a callback. A stale, freed or null handle is
 *    answered with LICSDK_NOT_INITIALIZED, never with a crash.
 *  - No C++ exception and no Rust panic leaves the library.
 *
 * C++ programs use licsdk/SdkInvoker.h, which is written on top of this file. */
#ifndef LICSDK_LICSDK_H
#define LICSDK_LICSDK_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && !defined(LICSDK_STATIC)
#  ifdef LICSDK_BUILDING
#    define LICSDK_API __declspec(dllexport)
#  else
#    define LICSDK_API __declspec(dllimport)
#  endif
#elif defined(__GNUC__)
#  define LICSDK_API __attribute__((visibility("default")))
#else
#  define LICSDK_API
#endif

#if defined(__cplusplus) && (__cplusplus >= 201103L || defined(_MSC_VER))
#  define LICSDK_NOEXCEPT noexcept
#else
#  define LICSDK_NOEXCEPT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Stable outcomes: the numbers are part of the binary interface, the list only grows. */
typedef enum licsdk_code {
    LICSDK_OK = 0,
    LICSDK_LICENSE_MALFORMED = 1,
    LICSDK_LICENSE_DAMAGED = 2,
    LICSDK_KEY_UNKNOWN = 3,
    LICSDK_SIGNATURE_INVALID = 4,
    LICSDK_KEY_NOT_ALLOWED = 5,
    LICSDK_LICENSE_REVOKED = 6,
    LICSDK_LICENSE_SUSPENDED = 7,
    LICSDK_PRODUCT_MISMATCH = 8,
    LICSDK_VERSION_NOT_COVERED = 9,
    LICSDK_LICENSE_NOT_YET_VALID = 10,
    LICSDK_LICENSE_EXPIRED = 11,
    LICSDK_CLOCK_ROLLED_BACK = 12,
    LICSDK_MACHINE_MISMATCH = 13,
    LICSDK_MACHINE_UNREADABLE = 14,
    LICSDK_ACTIVATION_CODE_UNKNOWN = 20,
    LICSDK_MACHINES_EXHAUSTED = 21,
    LICSDK_SEATS_EXHAUSTED = 22,
    LICSDK_ORDER_PENDING = 23,
    LICSDK_RATE_LIMITED = 24,
    LICSDK_REQUEST_INVALID = 25,
    LICSDK_PRODUCT_UNKNOWN = 26,
    LICSDK_NOT_FOUND = 27,
    LICSDK_UNAUTHORIZED = 28,
    LICSDK_FORBIDDEN = 29,
    LICSDK_CONFLICT = 30,
    LICSDK_PAYLOAD_TOO_LARGE = 31,
    LICSDK_RECEIPT_INVALID = 32,
    LICSDK_SERVICE_UNAVAILABLE = 33,
    LICSDK_AUDIT_BROKEN = 34,
    LICSDK_NOT_METERED = 35,
    LICSDK_NOT_INITIALIZED = 40,
    LICSDK_CONFIG_INVALID = 41,
    LICSDK_SERVER_UNREACHABLE = 42,
    LICSDK_LICENSE_MISSING = 43,
    LICSDK_SHUT_DOWN = 44,
    LICSDK_STATE_UNWRITABLE = 45,
    LICSDK_UPGRADE_NOT_OFFERED = 46,
    LICSDK_PACKAGE_DAMAGED = 47,
    LICSDK_INTERNAL = 255
} licsdk_code;

typedef enum licsdk_event {
    LICSDK_EVENT_HEARTBEAT = 1,
    LICSDK_EVENT_LICENSE_VERIFY = 2,
    LICSDK_EVENT_UPGRADENOTICE = 3,
    LICSDK_EVENT_UPDATE = 4,
    LICSDK_EVENT_LEASE = 5,
    LICSDK_EVENT_CLOSED = 6
} licsdk_event;

typedef enum licsdk_license_type {
    LICSDK_LICENSE_TYPE_STRING = 0,
    LICSDK_LICENSE_TYPE_FILE = 1
} licsdk_license_type;

/* One running SDK. A handle is a number that never comes back, not an address. */
typedef struct licsdk_sdk licsdk_sdk;

/* Start with LICSDK_CONFIG_INIT: `size` lets a newer library serve a program built with an older
 * header. */
typedef struct licsdk_config {
    size_t size;
    const char *server;          /* "https://license.example.com"; empty: offline only */
    const char *product;         /* "flowsim" */
    const char *version;         /* "2.0.0" */
    const char *release_date;    /* of this build, "2027-11-20"; for maintenance windows */
    const char *activation_code; /* what the customer was given; may be empty */
    const char *trust;           /* root or issuing public keys: JWKS text */
    const char *state_dir;       /* empty: the platform's place for the user */
    const char *channel;         /* empty: "stable" */
    const char *platform;        /* empty: this one */
} licsdk_config;

#define LICSDK_CONFIG_INIT \
    { sizeof(licsdk_config), 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* A verification that depends on nothing but its arguments: what is null is not asked. Times are a
 * date, RFC 3339 or integer UTC seconds. Start with LICSDK_QUESTION_INIT. */
typedef struct licsdk_question {
    size_t size;
    const char *license; /* the bytes of a license text or of a whole file, in any encoding */
    size_t license_len;  /* their number; 0: up to the NUL */
    const char *trust;   /* JWKS text: the keys that may sign, or the roots of trust_lists */
    const char *const *trust_lists; /* signed trust lists */
    size_t trust_lists_len;
    const char *const *revocations; /* signed revocation lists */
    size_t revocations_len;
    const char *product;
    const char *version;
    const char *release_date;
    const char *dev_info;
    const char *at;    /* null: now */
    const char *floor; /* the latest time that was seen */
} licsdk_question;

#define LICSDK_QUESTION_INIT \
    { sizeof(licsdk_question), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Called on the SDK's own thread, one event at a time. `message` lives as long as the call. */
typedef void (*licsdk_event_fn)(void *user, int event, const char *message);
/* Called once, after the last use of `user`. */
typedef void (*licsdk_release_fn)(void *user);

/* ---- About the library and its codes ---- */

LICSDK_API const char *licsdk_version(void) LICSDK_NOEXCEPT;
/* "LICENSE_EXPIRED"; a number that is no code gives "UNKNOWN_<number>". */
LICSDK_API char *licsdk_code_name(int code) LICSDK_NOEXCEPT;
/* The number of "LICENSE_EXPIRED"; -1 for a word that is no code of this version. */
LICSDK_API int licsdk_code_number(const char *name) LICSDK_NOEXCEPT;
/* One sentence; `language` "zh" or anything else for English. */
LICSDK_API char *licsdk_code_message(int code, const char *language) LICSDK_NOEXCEPT;
/* The JSON object that explains the last call of this thread which did not return LICSDK_OK: code,
 * message, message_zh and, where there is one, detail, remedy, remedy_zh, explanation. Null while
 * there was none. `code` may be null. */
LICSDK_API char *licsdk_last_error(int *code) LICSDK_NOEXCEPT;

/* ---- Life ---- */

/* Never fails for what the configuration says: licsdk_init tells that. */
LICSDK_API int licsdk_new(const licsdk_config *config, licsdk_sdk **out) LICSDK_NOEXCEPT;
LICSDK_API int licsdk_init(licsdk_sdk *sdk) LICSDK_NOEXCEPT;
/* Replaces the receiver. A null `recall` takes it away; `release` may be null. When this returns an
 * error, `release` has been called. */
LICSDK_API int licsdk_on_event(licsdk_sdk *sdk, licsdk_event_fn recall, void *user,
                               licsdk_release_fn release) LICSDK_NOEXCEPT;
/* After it returned no event is delivered any more: it waits for a callback that is running, unless
 * it is called by that callback. */
LICSDK_API int licsdk_shut_out(licsdk_sdk *sdk) LICSDK_NOEXCEPT;
/* Shuts out and frees. Null and stale handles are ignored. */
LICSDK_API void licsdk_free(licsdk_sdk *sdk) LICSDK_NOEXCEPT;

/* ---- Requests: they return at once, accepted or why not, and end in exactly one event ---- */

LICSDK_API int licsdk_get_license_string(licsdk_sdk *sdk, const char *dev_info) LICSDK_NOEXCEPT;
LICSDK_API int licsdk_get_license_file(licsdk_sdk *sdk, const char *file_name,
                                       const char *dev_info) LICSDK_NOEXCEPT;
LICSDK_API int licsdk_license_verify_notify(licsdk_sdk *sdk, int verify_result,
                                            const char *error_msg) LICSDK_NOEXCEPT;
LICSDK_API int licsdk_trial_expiration_and_get_license(licsdk_sdk *sdk, int license_type,
                                                       const char *dev_info,
                                                       const char *file_name) LICSDK_NOEXCEPT;
LICSDK_API int licsdk_check_new_versions(licsdk_sdk *sdk) LICSDK_NOEXCEPT;
LICSDK_API int licsdk_upgrade_notify(licsdk_sdk *sdk, int upgrade) LICSDK_NOEXCEPT;

/* ---- Calls that answer at once and give data ---- */

/* The text that identifies this machine. Needs no handle. */
LICSDK_API int licsdk_device_info(char **out) LICSDK_NOEXCEPT;
/* `sources`: license texts, files, directories, server addresses. The answer: what
 * licsdk_verify gives, of the best license found, or why there is none. */
LICSDK_API int licsdk_open_license(licsdk_sdk *sdk, const char *const *sources, size_t sources_len,
                                   char **json) LICSDK_NOEXCEPT;
/* Verifies with the handle's trust, product, version, lists and clock, on this machine
 * (`dev_info` null or empty) or on the one of `dev_info`. The answer: code, claims, state, warnings,
 * days_left, binding; or the refusal: code, message, message_zh, remedy, remedy_zh, explanation. */
LICSDK_API int licsdk_verify(licsdk_sdk *sdk, const char *license, size_t license_len,
                             const char *dev_info, char **json) LICSDK_NOEXCEPT;
/* Verifies with the question's own members; needs no handle and keeps nothing. */
LICSDK_API int licsdk_verify_question(const licsdk_question *question, char **json) LICSDK_NOEXCEPT;
/* One entitlement of the license in force, as text: "true", "64", "basic". LICSDK_NOT_FOUND and null
 * where there is no license in force or it does not grant this. */
LICSDK_API int licsdk_entitlement(licsdk_sdk *sdk, const char *name, char **text) LICSDK_NOEXCEPT;
/* A JSON array of texts: what the SDK could not do as it should, such as writing its state. */
LICSDK_API int licsdk_warnings(licsdk_sdk *sdk, char **json) LICSDK_NOEXCEPT;

/* ---- Texts ---- */

/* The text at a JSON pointer (RFC 6901), "/params/LicenseContent": a string without its quotes,
 * anything else as JSON. LICSDK_NOT_FOUND where there is nothing. */
LICSDK_API int licsdk_json_text(const char *json, const char *pointer, char **out) LICSDK_NOEXCEPT;
LICSDK_API void licsdk_string_free(char *text) LICSDK_NOEXCEPT;

/* UTF-8 of a wide text (UTF-16 on Windows, UTF-32 elsewhere); null if it is not well formed. */
LICSDK_API char *licsdk_from_wide(const wchar_t *text) LICSDK_NOEXCEPT;
LICSDK_API wchar_t *licsdk_to_wide(const char *text) LICSDK_NOEXCEPT;
LICSDK_API void licsdk_wide_free(wchar_t *text) LICSDK_NOEXCEPT;
#ifdef _WIN32
/* UTF-8 of a text in the system's code page (GBK on a Chinese Windows). */
LICSDK_API char *licsdk_from_ansi(const char *text) LICSDK_NOEXCEPT;
#endif
/* The twin of licsdk_get_license_file for programs that hold their paths as wide text. */
LICSDK_API int licsdk_get_license_file_w(licsdk_sdk *sdk, const wchar_t *file_name,
                                         const char *dev_info) LICSDK_NOEXCEPT;

/* Lets a defect happen inside the library, and answers LICSDK_INTERNAL: proof, in the program where
 * it matters, that a panic is contained. */
LICSDK_API int licsdk_test_panic(void) LICSDK_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
