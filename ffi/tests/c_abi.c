/* The C interface in C: null everywhere, handles that are gone, structures of another size. */

#include <licsdk/licsdk.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define EQ(got, expected)                                                        \
    do {                                                                         \
        const int is = (got);                                                    \
        if (is != (expected)) {                                                  \
            printf("%s:%d: %s: got %d, expected %d\n", __FILE__, __LINE__, #got, \
                   is, (expected));                                              \
            ++failures;                                                          \
        }                                                                        \
    } while (0)
#define HOLDS(what) EQ((what) ? 1 : 0, 1)

static int released = 0;
static void recall(void *user, int event, const char *message) {
    (void)user, (void)event, (void)message;
}
static void release(void *user) {
    (void)user;
    ++released;
}

/* Every call with a handle, and null for everything else. */
static void expect_everywhere(licsdk_sdk *sdk, int code) {
    char *out = (char *)&failures;
    EQ(licsdk_init(sdk), code);
    EQ(licsdk_on_event(sdk, NULL, NULL, NULL), code);
    EQ(licsdk_get_license_string(sdk, NULL), code);
    EQ(licsdk_get_license_file(sdk, NULL, NULL), code);
    EQ(licsdk_get_license_file_w(sdk, NULL, NULL), code);
    EQ(licsdk_license_verify_notify(sdk, 1, NULL), code);
    EQ(licsdk_trial_expiration_and_get_license(sdk, LICSDK_LICENSE_TYPE_STRING, NULL, NULL), code);
    EQ(licsdk_check_new_versions(sdk), code);
    EQ(licsdk_upgrade_notify(sdk, 0), code);
    EQ(licsdk_open_license(sdk, NULL, 3, NULL), code);
    EQ(licsdk_verify(sdk, NULL, 5, NULL, NULL), code);
    EQ(licsdk_verify(sdk, NULL, 0, NULL, &out), code);
    HOLDS(out == NULL);
    out = (char *)&failures;
    EQ(licsdk_entitlement(sdk, NULL, &out), code);
    HOLDS(out == NULL);
    out = (char *)&failures;
    EQ(licsdk_warnings(sdk, &out), code);
    HOLDS(out == NULL);
    EQ(licsdk_warnings(sdk, NULL), code);
    EQ(licsdk_shut_out(sdk), code);
}

static void null_and_stale_handles(void) {
    licsdk_config config = LICSDK_CONFIG_INIT;
    licsdk_sdk *first = NULL;
    licsdk_sdk *second = NULL;
    expect_everywhere(NULL, LICSDK_NOT_INITIALIZED);
    expect_everywhere((licsdk_sdk *)(uintptr_t)0x1234, LICSDK_NOT_INITIALIZED);
    expect_everywhere((licsdk_sdk *)&config, LICSDK_NOT_INITIALIZED);
    licsdk_free(NULL);

    EQ(licsdk_new(&config, &first), LICSDK_OK);
    EQ(licsdk_init(first), LICSDK_CONFIG_INVALID);
    licsdk_free(first);
    licsdk_free(first);
    expect_everywhere(first, LICSDK_NOT_INITIALIZED);

    EQ(licsdk_new(&config, &second), LICSDK_OK);
    HOLDS(second != first);
    licsdk_free(second);
}

static void null_arguments(void) {
    licsdk_config config = LICSDK_CONFIG_INIT;
    licsdk_question question = LICSDK_QUESTION_INIT;
    licsdk_sdk *sdk = (licsdk_sdk *)&config;
    char *out = NULL;
    EQ(licsdk_new(NULL, &sdk), LICSDK_REQUEST_INVALID);
    HOLDS(sdk == NULL);
    EQ(licsdk_new(&config, NULL), LICSDK_REQUEST_INVALID);
    EQ(licsdk_device_info(NULL), LICSDK_REQUEST_INVALID);
    EQ(licsdk_verify_question(NULL, &out), LICSDK_REQUEST_INVALID);
    HOLDS(out == NULL);
    EQ(licsdk_verify_question(&question, NULL), LICSDK_CONFIG_INVALID);
    EQ(licsdk_verify_question(&question, &out), LICSDK_CONFIG_INVALID);
    HOLDS(out != NULL && strstr(out, "trust") != NULL);
    licsdk_string_free(out);
    question.trust_lists_len = 2;
    question.revocations_len = 2;
    question.license_len = 9;
    EQ(licsdk_verify_question(&question, NULL), LICSDK_CONFIG_INVALID);

    EQ(licsdk_json_text(NULL, NULL, NULL), LICSDK_REQUEST_INVALID);
    EQ(licsdk_json_text("{\"a\":1}", "/b", &out), LICSDK_NOT_FOUND);
    HOLDS(out == NULL);
    EQ(licsdk_json_text("{\"a\":\"x\"}", "/a", NULL), LICSDK_OK);
    EQ(licsdk_json_text("{\"a\":\"\"}", "/a", &out), LICSDK_OK);
    HOLDS(out != NULL && *out == '\0');
    licsdk_string_free(out);
    licsdk_string_free(NULL);

    HOLDS(licsdk_from_wide(NULL) == NULL);
    HOLDS(licsdk_to_wide(NULL) == NULL);
    licsdk_wide_free(NULL);
    out = licsdk_code_message(LICSDK_LICENSE_EXPIRED, NULL);
    HOLDS(out != NULL && *out != '\0');
    licsdk_string_free(out);
}

static void structures_of_other_versions(void) {
    struct {
        licsdk_config known;
        const char *of_a_later_version;
    } later;
    licsdk_config config = LICSDK_CONFIG_INIT;
    licsdk_sdk *sdk = NULL;
    int code = 0;
    char *json;

    memset(&later, 0, sizeof later);
    later.known.size = sizeof later;
    later.known.server = "no address";
    later.of_a_later_version = "unknown here";
    later.known.product = "flowsim";
    EQ(licsdk_new(&later.known, &sdk), LICSDK_OK);
    EQ(licsdk_init(sdk), LICSDK_CONFIG_INVALID);
    json = licsdk_last_error(&code);
    EQ(code, LICSDK_CONFIG_INVALID);
    HOLDS(json != NULL && strstr(json, "server") != NULL);
    licsdk_string_free(json);
    licsdk_free(sdk);

    /* An older program knows the first members only: what follows in memory is not read. */
    config.size = sizeof(size_t) + sizeof(char *);
    config.server = "";
    config.product = (const char *)(uintptr_t)1;
    EQ(licsdk_new(&config, &sdk), LICSDK_OK);
    EQ(licsdk_init(sdk), LICSDK_CONFIG_INVALID);
    licsdk_free(sdk);

    config.size = 0;
    EQ(licsdk_new(&config, &sdk), LICSDK_REQUEST_INVALID);
    config.size = 3;
    EQ(licsdk_new(&config, &sdk), LICSDK_REQUEST_INVALID);
}

static void receivers_are_released_once(void) {
    licsdk_config config = LICSDK_CONFIG_INIT;
    licsdk_sdk *sdk = NULL;
    EQ(licsdk_on_event(NULL, recall, NULL, release), LICSDK_NOT_INITIALIZED);
    EQ(released, 1);
    EQ(licsdk_new(&config, &sdk), LICSDK_OK);
    EQ(licsdk_on_event(sdk, recall, NULL, release), LICSDK_OK);
    EQ(released, 1);
    EQ(licsdk_on_event(sdk, NULL, NULL, NULL), LICSDK_OK);
    EQ(released, 2);
    EQ(licsdk_on_event(sdk, NULL, NULL, release), LICSDK_OK);
    licsdk_free(sdk);
    EQ(released, 3);
}

static void a_panic_is_contained(void) {
    int code = 0;
    char *json;
    EQ(licsdk_test_panic(), LICSDK_INTERNAL);
    json = licsdk_last_error(&code);
    EQ(code, LICSDK_INTERNAL);
    HOLDS(json != NULL && strstr(json, "\"INTERNAL\"") != NULL);
    licsdk_string_free(json);
    EQ(licsdk_test_panic(), LICSDK_INTERNAL);
}

int main(void) {
    char *json = licsdk_last_error(NULL);
    HOLDS(json == NULL);
    HOLDS(strcmp(licsdk_version(), LICSDK_EXPECTED_VERSION) == 0);
    null_and_stale_handles();
    null_arguments();
    structures_of_other_versions();
    receivers_are_released_once();
    a_panic_is_contained();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
