// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/reply.h"
#include "api/status.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct wire_row {
    enum api_status status;
    int code;
    const char *json;
};

// Written out once more on purpose: clients compare these bytes.
static const struct wire_row wire_rows[] = {
    {API_SUCCESS, 200, "{\"success\":true,\"code\":200,\"message\":\"SUCCESS\"}"},
    {API_NOT_VALIDATED, 1502,
     "{\"success\":false,\"code\":1502,\"message\":\"Unable to validate OTP\"}"},
    {API_NOT_GENERATED, 1503,
     "{\"success\":false,\"code\":1503,\"message\":\"Unable to generate OTP\"}"},
    {API_BRAND_UNKNOWN, 1504,
     "{\"success\":false,\"code\":1504,\"message\":\"Unsupported brand\"}"},
    {API_SESSION_INVALID, 1505,
     "{\"success\":false,\"code\":1505,\"message\":\"Invalid session\"}"},
    {API_OTP_WRONG, 1506, "{\"success\":false,\"code\":1506,\"message\":\"Invalid OTP\"}"},
    {API_MOBILE_DIFFERS, 1507,
     "{\"success\":false,\"code\":1507,\"message\":\"Mobile is different from the session\"}"},
    {API_DEVICE_DIFFERS, 1508,
     "{\"success\":false,\"code\":1508,\"message\":\"Device is different from the session\"}"},
    {API_BRAND_DIFFERS, 1509,
     "{\"success\":false,\"code\":1509,\"message\":\"Brand is different from the session\"}"},
    {API_TRIES_SPENT, 1518,
     "{\"success\":false,\"code\":1518,\"message\":\"Reached the maximum allowed OTP retry "
     "attempts, Authenticate from the start\"}"},
    {API_DETAILS_INVALID, 1519,
     "{\"success\":false,\"code\":1519,\"message\":\"Invalid details for respective API\"}"},
    {API_SENDS_SPENT, 1534,
     "{\"success\":false,\"code\":1534,\"message\":\"Reached the maximum number of OTPs allowed "
     "per customer\"}"},
    {API_NO_OTP, 1537,
     "{\"success\":false,\"code\":1537,\"message\":\"No OTP generated for these details\"}"},
    {API_ADDRESS_MISSING, 1540,
     "{\"success\":false,\"code\":1540,\"message\":\"Mobile or email is required\"}"},
    {API_IDENTIFIER_DIFFERS, 1541,
     "{\"success\":false,\"code\":1541,\"message\":\"Identifier is different from the session\"}"},
    {API_USERNAME_TAKEN, 1543,
     "{\"success\":false,\"code\":1543,\"message\":\"Username already exists\"}"},
    {API_IDENTIFIER_TYPE_INVALID, 1546,
     "{\"success\":false,\"code\":1546,\"message\":\"Invalid identifierType\"}"},
    {API_FALLBACK_NEEDS_MOBILE, 1601,
     "{\"success\":false,\"code\":1601,\"message\":\"Fallback Channel needs identifier mobile\"}"},
    {API_FALLBACK_NEEDS_EMAIL, 1602,
     "{\"success\":false,\"code\":1602,\"message\":\"Fallback Channel needs identifier email\"}"},
    {API_CHANNEL_NOT_CONFIGURED, 1603,
     "{\"success\":false,\"code\":1603,\"message\":\"Channel is not configured properly, please "
     "check and try again\"}"},
    {API_EXTERNAL_ID_OFF, 3005,
     "{\"success\":false,\"code\":3005,\"message\":\"External ID login must be enabled.\"}"},
    {API_TAMPERED, 5004, "{\"success\":false,\"code\":5004,\"message\":\"Response tampered\"}"},
    {API_FORBIDDEN, 403, "{\"success\":false,\"code\":403,\"message\":\"Forbidden\"}"},
    {API_MEDIA_TYPE_UNSUPPORTED, 415,
     "{\"success\":false,\"code\":415,\"message\":\"Unsupported Media Type\"}"},
    {API_UNAVAILABLE, 503, "{\"success\":false,\"code\":503,\"message\":\"Service Unavailable\"}"},
};

static void assert_written(const struct strbuf *out, const char *expected)
{
    assert_false(out->is_overflowed);
    assert_int_equal(out->len, strlen(expected));
    assert_memory_equal(out->data, expected, out->len);
}

static void every_status_has_its_bytes(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(wire_rows), API_STATUS_COUNT_);
    for (size_t i = 0; i < COUNT_OF(wire_rows); i++) {
        uint8_t storage[256];
        struct strbuf out = strbuf_over(storage, sizeof storage);
        api_status_write(&out, wire_rows[i].status);
        assert_written(&out, wire_rows[i].json);
        assert_int_equal(api_status_code(wire_rows[i].status), wire_rows[i].code);
    }
}

static void a_fault_follows_the_text(void **state)
{
    (void)state;
    uint8_t storage[256];
    struct strbuf out = strbuf_over(storage, sizeof storage);
    api_status_write_fault(&out, API_DETAILS_INVALID, &(struct api_fault){"otp", "is given twice"});
    assert_written(&out, "{\"success\":false,\"code\":1519,\"message\":\"Invalid details for "
                         "respective API: otp is given twice\"}");
    out.len = 0;
    api_status_write_fault(&out, API_DETAILS_INVALID, &(struct api_fault){NULL, "not valid JSON"});
    assert_written(&out, "{\"success\":false,\"code\":1519,\"message\":\"Invalid details for "
                         "respective API: not valid JSON\"}");
}

static void bodies_wrap_the_status(void **state)
{
    (void)state;
    uint8_t storage[256];
    struct strbuf out = strbuf_over(storage, sizeof storage);
    reply_write_status(&out, API_SUCCESS);
    assert_written(&out, "{\"status\":{\"success\":true,\"code\":200,\"message\":\"SUCCESS\"}}");
    out.len = 0;
    reply_write_fault(&out, API_DETAILS_INVALID, &(struct api_fault){NULL, "not an object"});
    assert_written(&out, "{\"status\":{\"success\":false,\"code\":1519,\"message\":\"Invalid "
                         "details for respective API: not an object\"}}");
}

static void http_errors_are_status_objects(void **state)
{
    (void)state;
    uint8_t storage[256];
    struct strbuf out = strbuf_over(storage, sizeof storage);
    api_write_error(404, &out);
    assert_written(&out, "{\"status\":{\"success\":false,\"code\":404,\"message\":\"Not Found\"}}");
    out.len = 0;
    api_write_error(431, &out);
    assert_written(&out, "{\"status\":{\"success\":false,\"code\":431,\"message\":\"Request Header "
                         "Fields Too Large\"}}");
    out.len = 0;
    api_write_error(599, &out);
    assert_written(&out, "{\"status\":{\"success\":false,\"code\":599,\"message\":\"Error\"}}");
}

static void a_short_buffer_is_noticed(void **state)
{
    (void)state;
    uint8_t storage[32];
    struct strbuf out = strbuf_over(storage, sizeof storage);
    api_write_error(503, &out);
    assert_true(out.is_overflowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_bytes),
        cmocka_unit_test(a_fault_follows_the_text),
        cmocka_unit_test(bodies_wrap_the_status),
        cmocka_unit_test(http_errors_are_status_objects),
        cmocka_unit_test(a_short_buffer_is_noticed),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
