// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What each wrong request answers, and in which order the checks come. Nothing here gets as far as
// a person's record.
#include "rig/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define TOKEN "/auth/v1/token/generate"
#define WEB_TOKEN "/auth/v1/web/token/generate"
#define GENERATE "/auth/v1/otp/generate"
#define WEB_GENERATE "/auth/v1/web/otp/generate"
#define VALIDATE "/auth/v1/otp/validate"
#define WEB_VALIDATE "/auth/v1/web/otp/validate"

#define JSON "Content-Type: application/json\r\n"

static int create_rig(void **state)
{
    struct rig *rig = rig_create();
    struct brand_settings settings;
    brand_settings_init(&settings);
    rig_put_brand(rig, "Other", &settings);
    *state = rig;
    return 0;
}

static int destroy_rig(void **state)
{
    rig_destroy(*state);
    return 0;
}

static void assert_answer(struct rig *rig, int status, int code)
{
    if (rig->status != status || rig_code(rig) != code)
        fail_msg("expected %d and %d, got: %s", status, code, rig->reply);
}

// "P-…" without a session behind it; S in the rows below stands for it.
#define NO_SESSION "P-00000000-0000-4000-8000-000000000999"

#define MOBILE_ID "\"identifierType\":\"MOBILE\",\"identifierValue\":\"12025550147\""
#define USERNAME_ID "\"identifierType\":\"USERNAME\",\"identifierValue\":\"somebody\""
#define BRAND "\"brand\":\"DocDemo\""
#define DEVICE "\"deviceId\":\"123456785\""
#define SESSION "\"sessionId\":\"" NO_SESSION "\""
#define OTP "\"otp\":\"123456\""

struct row {
    const char *path;
    const char *body;
    int status;
    int code;
};

static const struct row rows[] = {
    // the shape
    {TOKEN, "", 400, 1519},
    {TOKEN, "{", 400, 1519},
    {TOKEN, "[]", 400, 1519},
    {TOKEN, "[[]", 400, 1519},
    {TOKEN, "\"x\"", 400, 1519},
    {TOKEN, "{}", 400, 1519},
    {TOKEN, "{" MOBILE_ID "}", 400, 1519},
    {TOKEN, "{" BRAND "}", 400, 1519},
    {TOKEN, "{" BRAND ",\"identifierType\":\"MOBILE\"}", 400, 1519},
    {TOKEN, "{" BRAND ",\"identifierValue\":\"12025550147\"}", 400, 1519},
    {TOKEN, "{" MOBILE_ID "," BRAND "," BRAND "}", 400, 1519},
    {TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":-1}", 400, 1519},
    {TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":1.5}", 400, 1519},
    {TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":true}", 400, 1519},
    {TOKEN, "{" MOBILE_ID ",\"brand\":\"DocDemo\\u0000\"}", 400, 1519},
    {GENERATE, "{" MOBILE_ID "," BRAND "," DEVICE "}", 400, 1519},
    {VALIDATE, "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "}", 400, 1519},
    {VALIDATE, "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION ",\"otp\":1.5}", 400, 1519},
    {GENERATE "?fallbackChannel=FAX", "{" MOBILE_ID "," BRAND "," SESSION "}", 400, 1519},
    {GENERATE "?fallbackChannel=sms", "{" MOBILE_ID "," BRAND "," SESSION "}", 400, 1519},
    {GENERATE "?fallbackChannel=", "{" MOBILE_ID "," BRAND "," SESSION "}", 400, 1519},
    {GENERATE "?fallbackChannel=%zz", "{" MOBILE_ID "," BRAND "," SESSION "}", 400, 1519},
    {GENERATE "?fallbackChannel=SMS%", "{" MOBILE_ID "," BRAND "," SESSION "}", 400, 1519},
    // identifierType
    {TOKEN, "{\"identifierType\":\"username\",\"identifierValue\":\"x\"," BRAND "}", 400, 1546},
    {TOKEN, "{\"identifierType\":\"FAX\",\"identifierValue\":\"x\"," BRAND "}", 400, 1546},
    {TOKEN, "{\"identifierType\":1,\"identifierValue\":\"x\"," BRAND "}", 400, 1546},
    {TOKEN, "{\"identifierType\":\"FAX\",\"brand\":\"Nobody\"}", 400, 1546},
    {TOKEN, "{\"identifierType\":\"FAX\"}", 400, 1546},
    {TOKEN, "{\"brand\":1,\"identifierType\":\"FAX\"}", 400, 1546},
    {TOKEN, "{\"identifierType\":\"FAX\",\"brand\":1}", 400, 1546},
    {TOKEN, "{\"identifierType\":\"FAX\",\"identifierValue\":\"x\"," BRAND "," BRAND "}", 400,
     1546},
    {TOKEN, "{\"identifierType\":\"EXTERNALID\",\"identifierValue\":\"x\"," BRAND "}", 200, 3005},
    // the brand, before any form
    {TOKEN, "{" MOBILE_ID ",\"brand\":\"Nobody\"}", 200, 1504},
    {TOKEN, "{" MOBILE_ID ",\"brand\":\"\"}", 200, 1504},
    {TOKEN, "{" MOBILE_ID ",\"brand\":\" DocDemo\"}", 200, 1504},
    {TOKEN, "{\"identifierType\":\"MOBILE\",\"identifierValue\":\"x\",\"brand\":\"Nobody\"}", 200,
     1504},
    {TOKEN, "{\"identifierType\":\"EXTERNALID\",\"identifierValue\":\"x\",\"brand\":\"No\"}", 200,
     1504},
    {GENERATE, "{" MOBILE_ID ",\"brand\":\"Nobody\"," SESSION "}", 200, 1504},
    // the form, before the session
    {TOKEN, "{\"identifierType\":\"MOBILE\",\"identifierValue\":\"\"," BRAND "}", 200, 1519},
    {TOKEN, "{\"identifierType\":\"MOBILE\",\"identifierValue\":\"x\"," BRAND "}", 200, 1519},
    {TOKEN, "{\"identifierType\":\"EMAIL\",\"identifierValue\":\"x\"," BRAND "}", 200, 1519},
    {TOKEN, "{" MOBILE_ID "," BRAND ",\"email\":\"x\"}", 200, 1519},
    {TOKEN, "{" MOBILE_ID "," BRAND ",\"mobile\":\"x\"}", 200, 1519},
    {TOKEN, "{" BRAND ",\"mobile\":\"x\"}", 200, 1519},
    {TOKEN, "{" USERNAME_ID "," BRAND "}", 200, 1540},
    {WEB_TOKEN, "{" USERNAME_ID "," BRAND ",\"mobile\":\"\",\"email\":null}", 200, 1540},
    {TOKEN, "{" USERNAME_ID "," BRAND ",\"deviceId\":\"a\\nb\"}", 200, 1540},
    {TOKEN, "{" USERNAME_ID "," BRAND ",\"mobile\":\"x\"}", 200, 1519},
    {TOKEN, "{" USERNAME_ID ",\"brand\":\"Nobody\"}", 200, 1504},
    {TOKEN, "{\"identifierType\":\"USERNAME\",\"identifierValue\":\"a|b\"," BRAND "}", 200, 1519},
    {TOKEN, "{" USERNAME_ID "," BRAND ",\"mobile\":\"12025550147\"}", 200, 200},
    {GENERATE, "{" USERNAME_ID "," BRAND "," SESSION "}", 200, 1505},
    {VALIDATE, "{" USERNAME_ID "," BRAND "," SESSION "," OTP "}", 200, 1505},
    {TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":\"a\\u0001\"}", 200, 1519},
    {TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":\"a\\nb\"}", 200, 1519},
    {TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":\"\\u007f\"}", 200, 1519},
    {TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":\"a\\u0080\"}", 200, 1519},
    {TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":\"\\u009fb\"}", 200, 1519},
    {TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":\"\\u00a0\\u20ac\"}", 200, 200},
    {GENERATE, "{\"identifierType\":\"MOBILE\",\"identifierValue\":\"x\"," BRAND "," SESSION "}",
     200, 1519},
    // the session
    {GENERATE, "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "}", 200, 1505},
    {GENERATE, "{" MOBILE_ID "," BRAND ",\"sessionId\":\"\"}", 200, 1505},
    {GENERATE, "{" MOBILE_ID "," BRAND ",\"sessionId\":\"x\"}", 200, 1505},
    {WEB_GENERATE, "{" MOBILE_ID "," BRAND "," SESSION "}", 200, 1505},
    {VALIDATE, "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "," OTP "}", 200, 1505},
    {WEB_VALIDATE, "{" MOBILE_ID "," BRAND "," SESSION ",\"otp\":[]}", 400, 1519},
    {GENERATE "?fallbackChannel=EMAIL", "{" MOBILE_ID "," BRAND "," SESSION "}", 200, 1505},
    // what is ignored
    {TOKEN, "{" MOBILE_ID "," BRAND "," DEVICE ",\"password\":1,\"x\":[{}]}", 200, 200},
    {TOKEN, "{" MOBILE_ID "," BRAND ",\"mobile\":null,\"email\":\"\",\"deviceId\":null}", 200, 200},
    {TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":18446744073709551615}", 200, 200},
    {WEB_TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":{\"x\":1}}", 200, 200},
    {WEB_TOKEN, "{" MOBILE_ID ",\"brand\":\"DOCDEMO\"}", 200, 200},
    {WEB_TOKEN, "\xEF\xBB\xBF{" MOBILE_ID ",\"brand\":\"docdemo\"}", 200, 200},
    {TOKEN "?fallbackChannel=FAX", "{" MOBILE_ID "," BRAND "}", 200, 200},
};

static void wrong_requests_have_their_answer(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_post(rig, rows[i].path, JSON, rows[i].body);
        if (rig->status != rows[i].status || rig_code(rig) != rows[i].code)
            fail_msg("row %zu (%s %s): got %s", i, rows[i].path, rows[i].body, rig->reply);
    }
}

static void faults_are_named_at_400_alone(void **state)
{
    struct rig *rig = *state;
    rig_post(rig, GENERATE, JSON, "{" MOBILE_ID "," BRAND "}");
    assert_string_equal(
        rig->reply, "HTTP/1.1 400 Bad Request\r\n"
                    "Content-Type: application/json\r\n"
                    "Content-Length: 109\r\n"
                    "X-Request-Id: t\r\n"
                    "Cache-Control: no-store\r\n"
                    "X-Content-Type-Options: nosniff\r\n\r\n"
                    "{\"status\":{\"success\":false,\"code\":1519,\"message\":\"Invalid details "
                    "for respective API: sessionId is missing\"}}");
    rig_post(rig, TOKEN, JSON, "{" BRAND ",\"mobile\":\"x\"}");
    assert_string_equal(rig->body, "{\"status\":{\"success\":false,\"code\":1519,\"message\":"
                                   "\"Invalid details for respective API\"}}");
    rig_post(rig, TOKEN, JSON, "{\"identifierType\":7," BRAND "}");
    assert_string_equal(rig->body, "{\"status\":{\"success\":false,\"code\":1546,\"message\":"
                                   "\"Invalid identifierType\"}}");
}

static void other_media_types_are_refused(void **state)
{
    struct rig *rig = *state;
    const char *const good[] = {
        "Content-Type: application/json\r\n",
        "Content-Type: APPLICATION/JSON\r\n",
        "Content-Type: application/json; charset=UTF-8\r\n",
        "content-type: application/json ;charset=utf-8; x=\"y\"\r\n",
    };
    const char *const bad[] = {
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: application/jsonx\r\n",
        "Content-Type: application/problem+json\r\n",
        "Content-Type: ; application/json\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        rig_post(rig, TOKEN, good[i], "{" MOBILE_ID "," BRAND "}");
        assert_answer(rig, 200, 200);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        rig_post(rig, TOKEN, bad[i], "{" MOBILE_ID "," BRAND "}");
        assert_answer(rig, 415, 415);
    }
}

static void http_errors_are_status_objects(void **state)
{
    struct rig *rig = *state;
    char value[64];
    rig_post(rig, "/auth/v1/token/nothing", JSON, "{}");
    assert_answer(rig, 404, 404);
    static const char get[] = "GET " TOKEN " HTTP/1.1\r\nHost: otp.example.com\r\n\r\n";
    rig_send(rig, get, sizeof get - 1);
    assert_answer(rig, 405, 405);
    assert_non_null(rig_field(rig, "Allow", value, sizeof value));
    assert_non_null(strstr(value, "POST"));
}

static void a_device_id_has_128_bytes_at_most(void **state)
{
    struct rig *rig = *state;
    char device[130];
    memset(device, 'd', sizeof device);
    device[129] = '\0';
    rig_postf(rig, TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":\"%s\"}", device);
    assert_answer(rig, 200, 1519);
    rig_postf(rig, TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":\"%s\"}", device + 1);
    assert_answer(rig, 200, 200);
    rig_postf(rig, WEB_TOKEN, "{" MOBILE_ID "," BRAND ",\"deviceId\":\"%s\"}", device);
    assert_answer(rig, 200, 200);
}

// What differs from the session, in the order of the checks. %s is the session's id.
struct difference_row {
    const char *opened_at;
    const char *opened_with;
    const char *path;
    const char *body;
    int status;
    int code;
};

#define OPEN_EMAIL "{\"identifierType\":\"EMAIL\",\"identifierValue\":\"a@example.com\"," BRAND
#define OPEN_MOBILE "{" MOBILE_ID "," BRAND
#define WITH(rest) "{\"sessionId\":\"%s\",\"otp\":1," rest "}"
#define OTHER_ID "\"identifierType\":\"MOBILE\",\"identifierValue\":\"12025550199\""
#define OTHER_BRAND "\"brand\":\"Other\""
#define OTHER_DEVICE "\"deviceId\":\"987\""
#define EMAIL_ID "\"identifierType\":\"EMAIL\",\"identifierValue\":\"a@example.com\""
#define OTHER_EMAIL_ID "\"identifierType\":\"EMAIL\",\"identifierValue\":\"b@example.com\""

static const struct difference_row difference_rows[] = {
    {TOKEN, OPEN_MOBILE "," DEVICE "}", GENERATE, WITH(MOBILE_ID "," BRAND "," DEVICE), 200, 200},
    {TOKEN, OPEN_MOBILE "," DEVICE "}", GENERATE,
     WITH(BRAND "," DEVICE ",\"mobile\":\"12025550147\""), 200, 200},
    {TOKEN, OPEN_MOBILE ",\"deviceId\":123456785}", VALIDATE, WITH(MOBILE_ID "," BRAND "," DEVICE),
     200, 1537},
    {TOKEN, OPEN_MOBILE "," DEVICE "}", GENERATE, WITH(OTHER_ID "," OTHER_BRAND "," OTHER_DEVICE),
     200, 1509},
    {TOKEN, OPEN_MOBILE "," DEVICE "}", GENERATE, WITH(OTHER_ID "," BRAND "," OTHER_DEVICE), 200,
     1508},
    {TOKEN, OPEN_MOBILE "," DEVICE "}", GENERATE, WITH(OTHER_ID "," BRAND "," DEVICE), 200, 1507},
    {TOKEN, OPEN_MOBILE "," DEVICE "}", GENERATE, WITH(EMAIL_ID "," BRAND "," DEVICE), 200, 1541},
    {TOKEN, OPEN_MOBILE "," DEVICE "}", GENERATE, WITH(MOBILE_ID "," BRAND), 400, 1519},
    {TOKEN, OPEN_MOBILE "," DEVICE "}", GENERATE, WITH(MOBILE_ID "," BRAND ",\"deviceId\":\"\""),
     400, 1519},
    {TOKEN, OPEN_MOBILE "," DEVICE "}", WEB_GENERATE, WITH(MOBILE_ID "," BRAND "," DEVICE), 200,
     1508},
    {TOKEN, OPEN_MOBILE "," DEVICE "}", WEB_VALIDATE, WITH(MOBILE_ID "," BRAND), 200, 1508},
    {WEB_TOKEN, OPEN_MOBILE "}", GENERATE, WITH(MOBILE_ID "," BRAND "," DEVICE), 200, 1508},
    {WEB_TOKEN, OPEN_MOBILE "}", VALIDATE, WITH(MOBILE_ID "," BRAND), 200, 1508},
    {WEB_TOKEN, OPEN_EMAIL "}", WEB_VALIDATE, WITH(OTHER_EMAIL_ID "," BRAND), 200, 1541},
    {WEB_TOKEN, OPEN_EMAIL "}", WEB_VALIDATE, WITH(MOBILE_ID "," BRAND), 200, 1507},
    {TOKEN, OPEN_MOBILE "}", VALIDATE, WITH(MOBILE_ID "," BRAND), 200, 1537},
    {TOKEN, OPEN_MOBILE "}", WEB_VALIDATE, WITH(MOBILE_ID "," BRAND), 200, 1537},
    {TOKEN, OPEN_MOBILE "}", VALIDATE, WITH(MOBILE_ID "," BRAND "," DEVICE), 200, 1508},
    // further addresses
    {WEB_TOKEN, OPEN_EMAIL ",\"mobile\":\"12025550147\"}", WEB_VALIDATE,
     WITH(EMAIL_ID "," BRAND ",\"mobile\":\"+1 202 555 0147\""), 200, 1537},
    {WEB_TOKEN, OPEN_EMAIL ",\"mobile\":\"12025550147\"}", WEB_VALIDATE, WITH(EMAIL_ID "," BRAND),
     200, 1537},
    {WEB_TOKEN, OPEN_EMAIL ",\"mobile\":\"12025550147\"}", WEB_VALIDATE,
     WITH(EMAIL_ID "," BRAND ",\"mobile\":\"12025550199\""), 200, 1541},
    {WEB_TOKEN, OPEN_EMAIL "}", WEB_VALIDATE,
     WITH(EMAIL_ID "," BRAND ",\"mobile\":\"12025550147\""), 200, 1541},
    {WEB_TOKEN, OPEN_EMAIL "}", WEB_VALIDATE,
     WITH(EMAIL_ID "," BRAND ",\"email\":\"A@example.com\""), 200, 1537},
};

static void what_differs_from_the_session_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(difference_rows); i++) {
        const struct difference_row *row = &difference_rows[i];
        void *fresh = NULL;
        char session_id[SESSION_ID_TEXT_BYTES + 1];
        (void)create_rig(&fresh);
        struct rig *rig = fresh;
        char body[1024];
        rig_post(rig, row->opened_at, JSON, row->opened_with);
        rig_session_id(rig, session_id);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(body, sizeof body, row->body, session_id);
#pragma GCC diagnostic pop
        rig_post(rig, row->path, JSON, body);
        if (rig->status != row->status || rig_code(rig) != row->code)
            fail_msg("row %zu (%s): got %s", i, body, rig->reply);
        (void)destroy_rig(&fresh);
    }
}

static void only_generate_looks_at_the_end_of_a_session(void **state)
{
    struct rig *rig = *state;
    char session_id[SESSION_ID_TEXT_BYTES + 1];
    rig_post(rig, TOKEN, JSON, "{" MOBILE_ID "," BRAND "," DEVICE "}");
    rig_session_id(rig, session_id);
    rig->now_ms = RIG_START_MS + 1200 * 1000 - 1;
    rig_postf(rig, GENERATE, "{\"sessionId\":\"%s\"," MOBILE_ID "," BRAND "," DEVICE "}",
              session_id);
    assert_answer(rig, 200, 200);
    rig->now_ms++;
    rig_postf(rig, GENERATE, "{\"sessionId\":\"%s\"," MOBILE_ID "," BRAND "," DEVICE "}",
              session_id);
    assert_answer(rig, 200, 1505);
    // The end comes before what differs.
    rig_postf(rig, GENERATE, "{\"sessionId\":\"%s\"," OTHER_ID "," BRAND "," DEVICE "}",
              session_id);
    assert_answer(rig, 200, 1505);
    rig_postf(rig, VALIDATE, "{\"sessionId\":\"%s\"," OTP "," OTHER_ID "," BRAND "," DEVICE "}",
              session_id);
    assert_answer(rig, 200, 1507);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(wrong_requests_have_their_answer, create_rig, destroy_rig),
        cmocka_unit_test_setup_teardown(faults_are_named_at_400_alone, create_rig, destroy_rig),
        cmocka_unit_test_setup_teardown(other_media_types_are_refused, create_rig, destroy_rig),
        cmocka_unit_test_setup_teardown(http_errors_are_status_objects, create_rig, destroy_rig),
        cmocka_unit_test_setup_teardown(a_device_id_has_128_bytes_at_most, create_rig, destroy_rig),
        cmocka_unit_test(what_differs_from_the_session_is_told),
        cmocka_unit_test_setup_teardown(only_generate_looks_at_the_end_of_a_session, create_rig,
                                        destroy_rig),
    };
    return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
