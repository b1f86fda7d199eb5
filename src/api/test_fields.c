// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define BODY_BYTES_MAX 1024U

struct fixture {
    struct json_parser *parser;
    struct api_fields fields;
    struct api_fault fault;
};

static int create_fixture(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->parser = json_parser_create();
    *state = fixture;
    return fixture->parser != NULL ? 0 : -1;
}

static int destroy_fixture(void **state)
{
    struct fixture *fixture = *state;
    json_parser_destroy(&fixture->parser);
    free(fixture);
    return 0;
}

static enum api_status read_as(struct fixture *fixture, struct span body, enum api_message message,
                               bool is_web)
{
    uint8_t padded[BODY_BYTES_MAX + JSON_PADDING_BYTES] = {0};
    assert_true(body.len <= BODY_BYTES_MAX);
    memcpy(padded, body.data, body.len);
    fixture->fault = (struct api_fault){NULL, ""};
    return api_fields_read(fixture->parser, span_make(padded, body.len), message, is_web,
                           &fixture->fields, &fixture->fault);
}

static void assert_text(const struct api_field *field, const char *expected)
{
    assert_int_equal(field->kind, API_FIELD_TEXT);
    assert_true(span_eq(field->text, span_of_text(expected)));
}

static void assert_absent(const struct api_field *field)
{
    assert_int_equal(field->kind, API_FIELD_ABSENT);
    assert_true(span_is_empty(field->text));
}

static void every_member_finds_its_field(void **state)
{
    struct fixture *fixture = *state;
    struct span body = SPAN("{\"otp\":\"8\",\"email\":\"7\",\"mobile\":\"6\",\"sessionId\":\"5\","
                            "\"deviceId\":\"4\",\"brand\":\"3\",\"identifierValue\":\"2\","
                            "\"identifierType\":\"1\"}");
    assert_int_equal(read_as(fixture, body, API_OTP_VALIDATE, false), API_SUCCESS);
    assert_text(&fixture->fields.identifier_type, "1");
    assert_text(&fixture->fields.identifier_value, "2");
    assert_text(&fixture->fields.brand, "3");
    assert_text(&fixture->fields.device_id, "4");
    assert_text(&fixture->fields.session_id, "5");
    assert_text(&fixture->fields.mobile, "6");
    assert_text(&fixture->fields.email, "7");
    assert_text(&fixture->fields.otp, "8");
}

static void null_is_absent(void **state)
{
    struct fixture *fixture = *state;
    struct span body = SPAN("{\"brand\":\"b\",\"identifierType\":null,\"identifierValue\":null,"
                            "\"deviceId\":null,\"mobile\":null,\"email\":null,\"otp\":null}");
    assert_int_equal(read_as(fixture, body, API_TOKEN_GENERATE, false), API_SUCCESS);
    assert_absent(&fixture->fields.identifier_type);
    assert_absent(&fixture->fields.identifier_value);
    assert_absent(&fixture->fields.device_id);
    assert_absent(&fixture->fields.mobile);
    assert_absent(&fixture->fields.email);
    assert_absent(&fixture->fields.otp);
}

static void an_empty_text_is_present(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(read_as(fixture, SPAN("{\"brand\":\"\"}"), API_TOKEN_GENERATE, false),
                     API_SUCCESS);
    assert_text(&fixture->fields.brand, "");
}

static void numbers_are_taken_where_they_may_be(void **state)
{
    struct fixture *fixture = *state;
    struct span body = SPAN("{\"brand\":\"b\",\"sessionId\":\"s\",\"otp\":12345,"
                            "\"deviceId\":18446744073709551615}");
    assert_int_equal(read_as(fixture, body, API_OTP_VALIDATE, false), API_SUCCESS);
    assert_int_equal(fixture->fields.otp.kind, API_FIELD_NATURAL);
    assert_int_equal(fixture->fields.otp.natural, 12345);
    assert_int_equal(fixture->fields.device_id.kind, API_FIELD_NATURAL);
    assert_true(fixture->fields.device_id.natural == UINT64_MAX);
}

static void unknown_members_are_ignored(void **state)
{
    struct fixture *fixture = *state;
    struct span body = SPAN("{\"brand\":\"b\",\"mobileTemp\":\"\\u0000\",\"x\":1,\"x\":[{}],"
                            "\"Brand\":2,\"brand \":3,\"\":4,\"brandx\":5,\"bran\":6}");
    assert_int_equal(read_as(fixture, body, API_TOKEN_GENERATE, false), API_SUCCESS);
    assert_text(&fixture->fields.brand, "b");
}

static void members_of_other_messages_are_not_looked_into(void **state)
{
    struct fixture *fixture = *state;
    struct span token = SPAN("{\"brand\":\"b\",\"sessionId\":7,\"otp\":[\"x\"]}");
    struct span generate = SPAN("{\"brand\":\"b\",\"sessionId\":\"s\",\"otp\":{}}");
    struct span web = SPAN("{\"brand\":\"b\",\"deviceId\":{\"a\":1}}");
    assert_int_equal(read_as(fixture, token, API_TOKEN_GENERATE, false), API_SUCCESS);
    assert_absent(&fixture->fields.session_id);
    assert_int_equal(read_as(fixture, generate, API_OTP_GENERATE, false), API_SUCCESS);
    assert_absent(&fixture->fields.otp);
    assert_int_equal(read_as(fixture, web, API_TOKEN_GENERATE, true), API_SUCCESS);
    assert_absent(&fixture->fields.device_id);
}

struct refused_row {
    struct span body;
    enum api_message message;
    enum api_status status;
    const char *member; // NULL: none
    const char *what;
};

#define TOKEN API_TOKEN_GENERATE
#define GENERATE API_OTP_GENERATE
#define VALIDATE API_OTP_VALIDATE
#define INVALID API_DETAILS_INVALID
#define BAD_TYPE API_IDENTIFIER_TYPE_INVALID
#define A_STRING "must be a string"
#define STRING_OR_NUMBER "must be a string or a whole number"
#define NUL "contains U+0000"

static const struct refused_row refused_rows[] = {
    {SPAN(""), TOKEN, INVALID, NULL, "not valid JSON"},
    {SPAN("{\"brand\":\"b\""), TOKEN, INVALID, NULL, "not valid JSON"},
    {SPAN("[{\"brand\":\"b\"}]"), TOKEN, INVALID, NULL, "not an object"},
    {SPAN("\"brand\""), TOKEN, INVALID, NULL, "not an object"},
    {SPAN("{}"), TOKEN, INVALID, "brand", "is missing"},
    {SPAN("{\"brand\":null}"), TOKEN, INVALID, "brand", "is missing"},
    {SPAN("{\"BRAND\":\"b\"}"), TOKEN, INVALID, "brand", "is missing"},
    {SPAN("{\"brand\":\"b\"}"), GENERATE, INVALID, "sessionId", "is missing"},
    {SPAN("{\"brand\":\"b\"}"), VALIDATE, INVALID, "sessionId", "is missing"},
    {SPAN("{\"brand\":\"b\",\"sessionId\":\"s\"}"), VALIDATE, INVALID, "otp", "is missing"},
    {SPAN("{\"brand\":\"b\",\"sessionId\":\"s\",\"otp\":null}"), VALIDATE, INVALID, "otp",
     "is missing"},
    {SPAN("{\"brand\":1}"), TOKEN, INVALID, "brand", A_STRING},
    {SPAN("{\"brand\":true}"), TOKEN, INVALID, "brand", A_STRING},
    {SPAN("{\"brand\":[\"b\"]}"), TOKEN, INVALID, "brand", A_STRING},
    {SPAN("{\"brand\":{\"b\":1}}"), TOKEN, INVALID, "brand", A_STRING},
    {SPAN("{\"identifierValue\":12025550147}"), TOKEN, INVALID, "identifierValue", A_STRING},
    {SPAN("{\"mobile\":12025550147}"), TOKEN, INVALID, "mobile", A_STRING},
    {SPAN("{\"email\":false}"), TOKEN, INVALID, "email", A_STRING},
    {SPAN("{\"sessionId\":1}"), GENERATE, INVALID, "sessionId", A_STRING},
    {SPAN("{\"deviceId\":-1}"), TOKEN, INVALID, "deviceId", STRING_OR_NUMBER},
    {SPAN("{\"deviceId\":1.0}"), TOKEN, INVALID, "deviceId", STRING_OR_NUMBER},
    {SPAN("{\"deviceId\":1e3}"), TOKEN, INVALID, "deviceId", STRING_OR_NUMBER},
    {SPAN("{\"deviceId\":false}"), TOKEN, INVALID, "deviceId", STRING_OR_NUMBER},
    {SPAN("{\"otp\":-1}"), VALIDATE, INVALID, "otp", STRING_OR_NUMBER},
    {SPAN("{\"otp\":[1]}"), VALIDATE, INVALID, "otp", STRING_OR_NUMBER},
    {SPAN("{\"identifierType\":1}"), TOKEN, BAD_TYPE, "identifierType", A_STRING},
    {SPAN("{\"identifierType\":[]}"), TOKEN, BAD_TYPE, "identifierType", A_STRING},
    {SPAN("{\"brand\":\"b\",\"brand\":\"b\"}"), TOKEN, INVALID, "brand", "is given twice"},
    {SPAN("{\"brand\":\"b\",\"brand\":null}"), TOKEN, INVALID, "brand", "is given twice"},
    {SPAN("{\"brand\":null,\"brand\":\"b\"}"), TOKEN, INVALID, "brand", "is given twice"},
    {SPAN("{\"brand\":\"b\",\"\\u0062rand\":\"c\"}"), TOKEN, INVALID, "brand", "is given twice"},
    {SPAN("{\"otp\":1,\"otp\":1}"), TOKEN, INVALID, "otp", "is given twice"},
    {SPAN("{\"identifierType\":\"MOBILE\",\"identifierType\":\"EMAIL\"}"), TOKEN, INVALID,
     "identifierType", "is given twice"},
    {SPAN("{\"brand\":\"b\\u0000\"}"), TOKEN, INVALID, "brand", NUL},
    {SPAN("{\"brand\":\"\\u0000\"}"), TOKEN, INVALID, "brand", NUL},
    {SPAN("{\"identifierType\":\"MOBILE\\u0000\"}"), TOKEN, BAD_TYPE, "identifierType", NUL},
    {SPAN("{\"otp\":\"123\\u0000456\"}"), VALIDATE, INVALID, "otp", NUL},
    {SPAN("{\"brand\\u0000\":\"b\"}"), TOKEN, INVALID, NULL, "a member name contains U+0000"},
    {SPAN("{\"\\u0000\":\"b\"}"), TOKEN, INVALID, NULL, "a member name contains U+0000"},
    // several faults, in any order
    {SPAN("{\"identifierType\":1,\"brand\":1}"), TOKEN, BAD_TYPE, "identifierType", A_STRING},
    {SPAN("{\"brand\":1,\"identifierType\":1}"), TOKEN, BAD_TYPE, "identifierType", A_STRING},
    {SPAN("{\"email\":1,\"brand\":1,\"x\":1}"), TOKEN, INVALID, "email", A_STRING},
};

static void a_wrong_shape_is_named(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT_OF(refused_rows); i++) {
        const struct refused_row *row = &refused_rows[i];
        assert_int_equal(read_as(fixture, row->body, row->message, false), row->status);
        assert_string_equal(fixture->fault.what, row->what);
        if (row->member == NULL)
            assert_null(fixture->fault.member);
        else
            assert_string_equal(fixture->fault.member, row->member);
    }
}

static void nothing_is_left_of_the_body_before(void **state)
{
    struct fixture *fixture = *state;
    struct span full = SPAN("{\"brand\":\"b\",\"mobile\":\"1\",\"email\":\"2\",\"deviceId\":3}");
    assert_int_equal(read_as(fixture, full, TOKEN, false), API_SUCCESS);
    assert_int_equal(read_as(fixture, SPAN("{\"brand\":\"c\"}"), TOKEN, false), API_SUCCESS);
    assert_text(&fixture->fields.brand, "c");
    assert_absent(&fixture->fields.mobile);
    assert_absent(&fixture->fields.email);
    assert_absent(&fixture->fields.device_id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_finds_its_field),
        cmocka_unit_test(null_is_absent),
        cmocka_unit_test(an_empty_text_is_present),
        cmocka_unit_test(numbers_are_taken_where_they_may_be),
        cmocka_unit_test(unknown_members_are_ignored),
        cmocka_unit_test(members_of_other_messages_are_not_looked_into),
        cmocka_unit_test(a_wrong_shape_is_named),
        cmocka_unit_test(nothing_is_left_of_the_body_before),
    };
    return cmocka_run_group_tests_name("fields", tests, create_fixture, destroy_fixture);
}
