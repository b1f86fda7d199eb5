// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/hash_plain.h"

#include "unit/unit.h"

#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW_MS INT64_C(1790000000000)
#define TIME "\"timeStamp\":1790000000000"
#define SESSION "\"sessionId\":\"P-7df5e433-17bb-4f02-9ce0-7420ba69c7b4\""
#define MOBILE_ID "\"identifierType\":\"MOBILE\",\"identifierValue\":\"919999999993\""
#define USER_ID "\"identifierType\":\"USERNAME\",\"identifierValue\":\"asha\""
#define BRAND "\"brand\":\"DocDemo\""
#define DEVICE "\"deviceId\":\"123456785\""

#define REQUEST "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "}"
#define REQUEST_AT "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "," TIME "}"
#define REQUEST_LEGACY "{\"mobile\":\"919999999993\"," BRAND "," DEVICE "," SESSION "}"
#define REQUEST_USER "{" USER_ID ",\"mobile\":\"12025550101\"," BRAND "," DEVICE "," SESSION "}"
#define REQUEST_DIGITS "{" MOBILE_ID "," BRAND ",\"deviceId\":123456785," SESSION "}"
#define REQUEST_NO_DEVICE "{" MOBILE_ID "," BRAND "," SESSION "}"

struct two_parsers {
    struct json_parser *of_request;
    struct json_parser *of_plain;
};

static int set_up(void **state)
{
    struct two_parsers *parsers = test_malloc(sizeof *parsers);
    parsers->of_request = json_parser_create();
    parsers->of_plain = json_parser_create();
    *state = parsers;
    return 0;
}

static int tear_down(void **state)
{
    struct two_parsers *parsers = *state;
    json_parser_destroy(&parsers->of_request);
    json_parser_destroy(&parsers->of_plain);
    test_free(parsers);
    return 0;
}

struct row {
    const char *name;
    const char *request;
    const char *plain;
    enum hash_reason expected;
};

static enum hash_reason judge(struct two_parsers *parsers, const struct row *row, bool is_web,
                              const struct hash_window *window)
{
    char body[1024] = {0};
    struct api_fields fields;
    struct api_fault fault;
    struct hash_claims wanted;
    int64_t made_at_ms = 0;
    assert_true(strlen(row->request) < sizeof body - JSON_PADDING_BYTES);
    memcpy(body, row->request, strlen(row->request));
    assert_int_equal(api_fields_read(parsers->of_request, span_of_text(body), API_OTP_GENERATE,
                                     is_web, &fields, &fault),
                     API_SUCCESS);
    assert_true(hash_claims_init(&wanted, &fields, is_web));
    enum hash_reason reason =
        hash_judge(parsers->of_plain, span_of_text(row->plain), &wanted, window, &made_at_ms);
    assert_true(reason != HASH_RIGHT || made_at_ms == NOW_MS);
    return reason;
}

static void check_rows(void **state, const struct row *rows, size_t count, bool is_web)
{
    const struct hash_window window = {NOW_MS, 120000};
    for (size_t i = 0; i < count; i++)
        assert_row_equal(rows[i].name, judge(*state, &rows[i], is_web, &window), rows[i].expected);
}

static const struct row mobile_rows[] = {
    {"all the same", REQUEST, "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "," TIME "}",
     HASH_RIGHT},
    {"another order, escapes, and more members", REQUEST,
     "{" TIME "," SESSION ",\"x\":[1],\"deviceId\":\"12345678\\u0035\"," BRAND "," MOBILE_ID "}",
     HASH_RIGHT},
    {"the same time beside it", REQUEST_AT,
     "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "," TIME "}", HASH_RIGHT},
    {"a time of digits", REQUEST,
     "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION ",\"timeStamp\":\"1790000000000\"}",
     HASH_RIGHT},
    {"a device of digits", REQUEST,
     "{" MOBILE_ID "," BRAND ",\"deviceId\":123456785," SESSION "," TIME "}", HASH_RIGHT},
    {"a device of digits in the request", REQUEST_DIGITS,
     "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "," TIME "}", HASH_RIGHT},
    {"no device", REQUEST_NO_DEVICE, "{" MOBILE_ID "," BRAND "," SESSION "," TIME "}", HASH_RIGHT},
    {"a null device", REQUEST_NO_DEVICE,
     "{" MOBILE_ID "," BRAND ",\"deviceId\":null," SESSION "," TIME "}", HASH_RIGHT},
    {"legacy", REQUEST_LEGACY,
     "{\"mobile\":\"919999999993\"," BRAND "," DEVICE "," SESSION "," TIME "}", HASH_RIGHT},
    {"a username without its address", REQUEST_USER,
     "{" USER_ID "," BRAND "," DEVICE "," SESSION "," TIME "}", HASH_RIGHT},
    {"a username with its address", REQUEST_USER,
     "{" USER_ID ",\"mobile\":\"12025550101\"," BRAND "," DEVICE "," SESSION "," TIME "}",
     HASH_RIGHT},

    {"another brand", REQUEST,
     "{" MOBILE_ID ",\"brand\":\"DocDemO\"," DEVICE "," SESSION "," TIME "}", HASH_OTHER_BRAND},
    {"another device", REQUEST,
     "{" MOBILE_ID "," BRAND ",\"deviceId\":\"123456786\"," SESSION "," TIME "}",
     HASH_OTHER_DEVICE},
    {"its device left out", REQUEST, "{" MOBILE_ID "," BRAND "," SESSION "," TIME "}",
     HASH_OTHER_DEVICE},
    {"a device that the request has not", REQUEST_NO_DEVICE,
     "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "," TIME "}", HASH_OTHER_DEVICE},
    {"another type", REQUEST,
     "{\"identifierType\":\"EMAIL\",\"identifierValue\":\"919999999993\"," BRAND "," DEVICE
     "," SESSION "," TIME "}",
     HASH_OTHER_TYPE},
    {"another spelling of the value", REQUEST,
     "{\"identifierType\":\"MOBILE\",\"identifierValue\":\"+919999999993\"," BRAND "," DEVICE
     "," SESSION "," TIME "}",
     HASH_OTHER_VALUE},
    {"its value left out", REQUEST,
     "{\"identifierType\":\"MOBILE\"," BRAND "," DEVICE "," SESSION "," TIME "}", HASH_OTHER_VALUE},
    {"an address that the request has not", REQUEST,
     "{" MOBILE_ID ",\"mobile\":\"919999999993\"," BRAND "," DEVICE "," SESSION "," TIME "}",
     HASH_OTHER_MOBILE},
    {"another address of a username", REQUEST_USER,
     "{" USER_ID ",\"mobile\":\"12025550102\"," BRAND "," DEVICE "," SESSION "," TIME "}",
     HASH_OTHER_MOBILE},
    {"a legacy mobile left out", REQUEST_LEGACY, "{" BRAND "," DEVICE "," SESSION "," TIME "}",
     HASH_OTHER_MOBILE},
    {"a legacy request with a type in its hash", REQUEST_LEGACY,
     "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "," TIME "}", HASH_OTHER_TYPE},
    {"an e-mail address too many", REQUEST,
     "{" MOBILE_ID ",\"email\":\"a@example.com\"," BRAND "," DEVICE "," SESSION "," TIME "}",
     HASH_OTHER_EMAIL},
    {"another session", REQUEST,
     "{" MOBILE_ID "," BRAND "," DEVICE
     ",\"sessionId\":\"P-7df5e433-17bb-4f02-9ce0-7420ba69c7b5\"," TIME "}",
     HASH_OTHER_SESSION},
    {"another time beside it", REQUEST_AT,
     "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION ",\"timeStamp\":1790000000001}",
     HASH_OTHER_TIME},
};

static const struct row unreadable_rows[] = {
    {"nothing", REQUEST, "", HASH_UNREADABLE},
    {"no JSON", REQUEST, "\x8f\x01\x02", HASH_UNREADABLE},
    {"no object", REQUEST, "[1]", HASH_UNREADABLE},
    {"an empty object", REQUEST, "{}", HASH_UNREADABLE},
    {"half an object", REQUEST, "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "," TIME,
     HASH_UNREADABLE},
    {"something after it", REQUEST, "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "," TIME "}x",
     HASH_UNREADABLE},
    {"no time", REQUEST, "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "}", HASH_UNREADABLE},
    {"a time of words", REQUEST,
     "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION ",\"timeStamp\":\"now\"}", HASH_UNREADABLE},
    {"a time with a fraction", REQUEST,
     "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION ",\"timeStamp\":1790000000000.5}",
     HASH_UNREADABLE},
    {"a time beyond all", REQUEST,
     "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION ",\"timeStamp\":18446744073709551615}",
     HASH_UNREADABLE},
    {"no brand", REQUEST, "{" MOBILE_ID "," DEVICE "," SESSION "," TIME "}", HASH_UNREADABLE},
    {"a brand twice", REQUEST,
     "{" MOBILE_ID "," BRAND "," BRAND "," DEVICE "," SESSION "," TIME "}", HASH_UNREADABLE},
    {"a brand that is a number", REQUEST,
     "{" MOBILE_ID ",\"brand\":1," DEVICE "," SESSION "," TIME "}", HASH_UNREADABLE},
    {"a U+0000", REQUEST,
     "{" MOBILE_ID ",\"brand\":\"DocDemo\\u0000\"," DEVICE "," SESSION "," TIME "}",
     HASH_UNREADABLE},
};

static const struct row web_rows[] = {
    {"no device", REQUEST_NO_DEVICE, "{" MOBILE_ID "," BRAND "," SESSION "," TIME "}", HASH_RIGHT},
    {"a null device", REQUEST, "{" MOBILE_ID "," BRAND ",\"deviceId\":null," SESSION "," TIME "}",
     HASH_RIGHT},
    {"a device, which web/ has not", REQUEST,
     "{" MOBILE_ID "," BRAND "," DEVICE "," SESSION "," TIME "}", HASH_OTHER_DEVICE},
};

static void test_what_a_hash_of_an_app_says(void **state)
{
    check_rows(state, mobile_rows, COUNT_OF(mobile_rows), false);
}

static void test_what_cannot_be_read(void **state)
{
    check_rows(state, unreadable_rows, COUNT_OF(unreadable_rows), false);
}

static void test_what_a_hash_of_a_site_says(void **state)
{
    check_rows(state, web_rows, COUNT_OF(web_rows), true);
}

struct time_row {
    int64_t age_ms;
    int64_t valid_ms;
    enum hash_reason expected;
};

static const struct time_row time_rows[] = {
    {0, 120000, HASH_RIGHT},
    {119999, 120000, HASH_RIGHT},
    {120000, 120000, HASH_RIGHT},
    {120001, 120000, HASH_EXPIRED},
    {1000, 1000, HASH_RIGHT},
    {1001, 1000, HASH_EXPIRED},
    {-29999, 120000, HASH_RIGHT},
    {-30000, 120000, HASH_RIGHT},
    {-30001, 120000, HASH_EARLY},
    {NOW_MS, 120000, HASH_EXPIRED},
    {NOW_MS - INT64_MAX, 120000, HASH_EARLY},
};

static void test_edges_of_the_window(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(time_rows); i++) {
        const struct time_row *row = &time_rows[i];
        const struct hash_window window = {NOW_MS, row->valid_ms};
        assert_int_equal(hash_judge_time(NOW_MS - row->age_ms, &window), row->expected);
    }
}

static void test_an_old_hash_of_the_right_request_is_expired(void **state)
{
    const struct row *row = &mobile_rows[0];
    const struct hash_window window = {NOW_MS + 120001, 120000};
    assert_int_equal(judge(*state, row, false, &window), HASH_EXPIRED);
}

static bool init_claims(struct json_parser *parser, const char *time_stamp)
{
    char body[512] = {0};
    struct strbuf text = strbuf_over(body, sizeof body - JSON_PADDING_BYTES);
    struct api_fields fields;
    struct api_fault fault;
    struct hash_claims claims;
    strbuf_put_text(&text, "{" MOBILE_ID "," BRAND "," SESSION ",\"timeStamp\":");
    strbuf_put_text(&text, time_stamp);
    strbuf_put_byte(&text, '}');
    assert_int_equal(
        api_fields_read(parser, strbuf_span(&text), API_OTP_GENERATE, false, &fields, &fault),
        API_SUCCESS);
    return hash_claims_init(&claims, &fields, false);
}

static void test_times_beside_a_hash(void **state)
{
    struct two_parsers *parsers = *state;
    assert_true(init_claims(parsers->of_request, "1790000000000"));
    assert_true(init_claims(parsers->of_request, "\"1790000000000\""));
    assert_true(init_claims(parsers->of_request, "null"));
    assert_true(init_claims(parsers->of_request, "{}"));
    assert_true(init_claims(parsers->of_request, "1.5"));
    assert_false(init_claims(parsers->of_request, "\"today\""));
    assert_false(init_claims(parsers->of_request, "\"\""));
    assert_false(init_claims(parsers->of_request, "9223372036854775808"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_a_hash_of_an_app_says),
        TEST(test_what_cannot_be_read),
        TEST(test_what_a_hash_of_a_site_says),
        TEST(test_edges_of_the_window),
        TEST(test_an_old_hash_of_the_right_request_is_expired),
        TEST(test_times_beside_a_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
