// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Settings of a brand that refuse what the API can do.
#include "rig/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define TOKEN "/auth/v1/token/generate"
#define GENERATE "/auth/v1/otp/generate"
#define VALIDATE "/auth/v1/otp/validate"
#define WEB_TOKEN "/auth/v1/web/token/generate"
#define WEB_GENERATE "/auth/v1/web/otp/generate"
#define WEB_VALIDATE "/auth/v1/web/otp/validate"

#define BRAND "\"brand\":\"DocDemo\""
#define MOBILE_ID "\"identifierType\":\"MOBILE\",\"identifierValue\":\"919999999993\""
#define EMAIL_ID "\"identifierType\":\"EMAIL\",\"identifierValue\":\"a@example.com\""
#define USERNAME_ID "\"identifierType\":\"USERNAME\",\"identifierValue\":\"somebody\""

#define SUCCESS "{\"status\":{\"success\":true,\"code\":200,\"message\":\"SUCCESS\"}}"
#define TYPE_INVALID \
    "{\"status\":{\"success\":false,\"code\":1546,\"message\":\"Invalid identifierType\"}}"

static int create_rig(void **state)
{
    *state = rig_create();
    return 0;
}

static int destroy_rig(void **state)
{
    rig_destroy(*state);
    return 0;
}

// Of DocDemo; `value` as option_set takes it.
static void put_setting(struct rig *rig, const char *name, const char *value)
{
    struct brand_settings settings;
    brand_settings_init(&settings);
    const struct option *option = option_find(brand_option_table(), span_of_text(name));
    assert_non_null(option);
    assert_int_equal(option_set(option, &settings, span_of_text(value), NULL), ERR_OK);
    rig_put_brand(rig, "DocDemo", &settings);
}

struct type_row {
    const char *person;
    const char *type; // what it logs in by
};

static const struct type_row type_rows[] = {
    {MOBILE_ID, "MOBILE"},
    {EMAIL_ID, "EMAIL"},
    {USERNAME_ID ",\"mobile\":\"919999999993\"", "USERNAME"},
    {USERNAME_ID ",\"email\":\"a@example.com\"", "USERNAME"},
    {"\"mobile\":\"919999999993\"", "MOBILE"},
    {"\"email\":\"a@example.com\"", "EMAIL"},
    {"\"mobile\":\"919999999993\",\"email\":\"a@example.com\"", "MOBILE"},
    {MOBILE_ID ",\"email\":\"a@example.com\"", "MOBILE"},
};

static const char *const taken_lists[] = {
    "MOBILE", "EMAIL", "USERNAME", "MOBILE EMAIL", "EMAIL USERNAME", "USERNAME MOBILE",
};

static void open_session(struct rig *rig, const char *person, char out[SESSION_ID_TEXT_BYTES + 1])
{
    rig_postf(rig, WEB_TOKEN, "{%s," BRAND "}", person);
    assert_int_equal(rig_code(rig), 200);
    rig_session_id(rig, out);
}

// All calls of a family with that session and a code that is not the right one.
static void assert_refused(struct rig *rig, const char *person, const char *id)
{
    static const char *const paths[] = {TOKEN,     GENERATE,     VALIDATE,
                                        WEB_TOKEN, WEB_GENERATE, WEB_VALIDATE};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        rig_postf(rig, paths[i], "{%s," BRAND ",\"sessionId\":\"%s\",\"otp\":\"123456\"}", person,
                  id);
        assert_int_equal(rig->status, 400);
        assert_string_equal(rig->body, TYPE_INVALID);
    }
}

static void assert_taken(struct rig *rig, const char *person, const char *id)
{
    struct rig_message message;
    rig_postf(rig, WEB_GENERATE, "{%s," BRAND ",\"sessionId\":\"%s\"}", person, id);
    assert_string_equal(rig->body, SUCCESS);
    assert_true(rig_take_message(rig, &message));
}

static void a_type_that_is_off_is_as_an_unknown_one(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < COUNT_OF(taken_lists) * COUNT_OF(type_rows); i++) {
        const struct type_row *row = &type_rows[i % COUNT_OF(type_rows)];
        const char *list = taken_lists[i / COUNT_OF(type_rows)];
        char id[SESSION_ID_TEXT_BYTES + 1];
        put_setting(rig, "otpLength", "6");
        open_session(rig, row->person, id);
        put_setting(rig, "identifierTypes", list);
        if (strstr(list, row->type) != NULL)
            assert_taken(rig, row->person, id);
        else
            assert_refused(rig, row->person, id);
    }
}

static void what_a_type_is_off_for_comes_after_the_brand_and_before_the_form(void **state)
{
    struct rig *rig = *state;
    put_setting(rig, "identifierTypes", "EMAIL");
    rig_postf(rig, TOKEN, "{" MOBILE_ID ",\"brand\":\"Nobody\"}");
    assert_int_equal(rig_code(rig), 1504);
    rig_postf(rig, TOKEN, "{\"identifierType\":\"MOBILE\",\"identifierValue\":\"x\"," BRAND "}");
    assert_int_equal(rig_code(rig), 1546);
    rig_postf(rig, TOKEN, "{" USERNAME_ID "," BRAND "}");
    assert_int_equal(rig_code(rig), 1546);
    rig_postf(rig, TOKEN,
              "{\"identifierType\":\"EXTERNALID\",\"identifierValue\":\"x\"," BRAND "}");
    assert_int_equal(rig_code(rig), 3005);
}

static void items_of_a_batch_have_their_types_too(void **state)
{
    struct rig *rig = *state;
    put_setting(rig, "identifierTypes", "EMAIL");
    rig_postf(rig, TOKEN, "[{" MOBILE_ID "," BRAND "},{" EMAIL_ID "," BRAND "}]");
    assert_int_equal(rig->status, 200);
    assert_memory_equal(rig->body, "[" TYPE_INVALID ",", strlen("[" TYPE_INVALID ","));
    assert_non_null(strstr(rig->body, "\"code\":200,"));
}

struct channel_row {
    const char *person;
    const char *list;
    const char *channel;
    int code;
};

static const struct channel_row channel_rows[] = {
    {MOBILE_ID, "SMS WHATSAPP ZALO EMAIL", "WHATSAPP", 200},
    {MOBILE_ID, "WHATSAPP", "WHATSAPP", 200},
    {MOBILE_ID, "SMS", "WHATSAPP", 1603},
    {MOBILE_ID, "WHATSAPP", "SMS", 1603},
    {MOBILE_ID, "null", "SMS", 1603},
    {EMAIL_ID, "SMS EMAIL", "EMAIL", 200},
    {EMAIL_ID, "SMS", "EMAIL", 1603},
    // Whoever did what 1601 or 1602 asks for would only meet 1603.
    {EMAIL_ID, "EMAIL", "SMS", 1603},
    {MOBILE_ID, "SMS", "EMAIL", 1603},
    {EMAIL_ID, "SMS", "SMS", 1601},
    {MOBILE_ID, "EMAIL", "EMAIL", 1602},
};

static void only_channels_of_the_list_can_be_asked_for(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < COUNT_OF(channel_rows); i++) {
        const struct channel_row *row = &channel_rows[i];
        struct rig_message message;
        char id[SESSION_ID_TEXT_BYTES + 1];
        char path[64];
        put_setting(rig, "fallbackChannels", row->list);
        open_session(rig, row->person, id);
        (void)snprintf(path, sizeof path, WEB_GENERATE "?fallbackChannel=%s", row->channel);
        rig_postf(rig, path, "{%s," BRAND ",\"sessionId\":\"%s\"}", row->person, id);
        assert_int_equal(rig->status, 200);
        assert_int_equal(rig_code(rig), row->code);
        assert_int_equal(rig_take_message(rig, &message), row->code == 200);
    }
}

static void without_asking_the_usual_channel_is_taken(void **state)
{
    struct rig *rig = *state;
    char id[SESSION_ID_TEXT_BYTES + 1];
    put_setting(rig, "fallbackChannels", "null");
    open_session(rig, MOBILE_ID, id);
    assert_taken(rig, MOBILE_ID, id);
}

#define FORBIDDEN "{\"status\":{\"success\":false,\"code\":403,\"message\":\"Forbidden\"}}"

static void require_header(struct rig *rig, const char *name, const char *value)
{
    struct brand_settings settings;
    brand_settings_init(&settings);
    (void)snprintf(settings.required_header, sizeof settings.required_header, "%s", name);
    (void)snprintf(settings.required_header_value, sizeof settings.required_header_value, "%s",
                   value);
    (void)snprintf(settings.cors_origins, sizeof settings.cors_origins, "https://shop.example.com");
    rig_put_brand(rig, "DocDemo", &settings);
}

struct header_row {
    const char *name;
    const char *value;
    const char *fields;
    bool is_let_in;
};

static const struct header_row header_rows[] = {
    {"", "", "", true},
    {"", "", "X-Cdn: any\r\n", true},
    {"", "left behind", "", true},
    {"X-Cdn", "", "", false},
    {"X-Cdn", "", "X-Cdn: any\r\n", true},
    {"X-Cdn", "", "X-Cdn:\r\n", true},
    {"X-Cdn", "", "X-Cdn-Other: any\r\n", false},
    {"X-Cdn", "", "x-CDN: any\r\n", true},
    {"x-cdn", "", "X-Cdn: any\r\n", true},
    {"X-Cdn", "secret", "", false},
    {"X-Cdn", "secret", "X-Cdn:\r\n", false},
    {"X-Cdn", "secret", "X-Cdn: any\r\n", false},
    {"X-Cdn", "secret", "X-Cdn: secret\r\n", true},
    {"X-Cdn", "secret", "X-Cdn:   secret  \r\n", true},
    {"X-Cdn", "secret", "X-Cdn: Secret\r\n", false},
    {"X-Cdn", "secret", "X-Cdn: secre\r\n", false},
    {"X-Cdn", "secret", "X-Cdn: secrets\r\n", false},
    {"X-Cdn", "secret", "X-Cdn: secrex\r\n", false},
    // A CDN sets it, and a stranger cannot add a right one; the first one counts.
    {"X-Cdn", "secret", "X-Cdn: any\r\nX-Cdn: secret\r\n", false},
    {"Content-Type", "application/json", "", true},
};

static const char *const generate_paths[] = {GENERATE, WEB_GENERATE};

static void without_the_header_nothing_is_sent(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < COUNT_OF(header_rows) * 2; i++) {
        const struct header_row *row = &header_rows[i / 2];
        struct rig_message message;
        char id[SESSION_ID_TEXT_BYTES + 1];
        char body[512];
        require_header(rig, row->name, row->value);
        rig_postf(rig, i % 2 == 0 ? TOKEN : WEB_TOKEN, "{" MOBILE_ID "," BRAND "}");
        rig_session_id(rig, id);
        (void)snprintf(body, sizeof body, "{" MOBILE_ID "," BRAND ",\"sessionId\":\"%s\"}", id);
        char fields[128];
        (void)snprintf(fields, sizeof fields, "Content-Type: application/json\r\n%s", row->fields);
        rig_post(rig, generate_paths[i % 2], fields, body);
        assert_int_equal(rig->status, row->is_let_in ? 200 : 403);
        assert_string_equal(rig->body, row->is_let_in ? SUCCESS : FORBIDDEN);
        assert_int_equal(rig_take_message(rig, &message), row->is_let_in);
    }
}

// Whatever else is wrong, but for what says of which brand it is.
static void the_header_is_looked_at_first(void **state)
{
    struct rig *rig = *state;
    static const char *const bodies[] = {
        "{\"identifierType\":\"MOBILE\",\"identifierValue\":\"x\"," BRAND ",\"sessionId\":\"x\"}",
        "{" MOBILE_ID "," BRAND ",\"sessionId\":\"x\"}",
        "{" USERNAME_ID "," BRAND ",\"sessionId\":\"x\"}",
        "{\"identifierType\":\"EXTERNALID\",\"identifierValue\":\"x\"," BRAND
        ",\"sessionId\":\"x\"}",
    };
    require_header(rig, "X-Cdn", "secret");
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        rig_postf(rig, GENERATE "?fallbackChannel=EMAIL", "%s", bodies[i]);
        assert_int_equal(rig->status, 403);
        assert_string_equal(rig->body, FORBIDDEN);
    }
    rig_postf(rig, GENERATE, "{" MOBILE_ID ",\"brand\":\"Nobody\",\"sessionId\":\"x\"}");
    assert_int_equal(rig_code(rig), 1504);
    rig_postf(rig, GENERATE, "{");
    assert_int_equal(rig_code(rig), 1519);
}

static void other_calls_need_no_header(void **state)
{
    struct rig *rig = *state;
    char allowed[64];
    require_header(rig, "X-Cdn", "secret");
    rig_postf(rig, TOKEN, "{" MOBILE_ID "," BRAND "}");
    assert_int_equal(rig_code(rig), 200);
    rig_postf(rig, VALIDATE, "{" MOBILE_ID "," BRAND ",\"sessionId\":\"x\",\"otp\":\"1\"}");
    assert_int_equal(rig_code(rig), 1505);
    static const char preflight[] = "OPTIONS " GENERATE " HTTP/1.1\r\nHost: a\r\n"
                                    "Origin: https://shop.example.com\r\n"
                                    "Access-Control-Request-Method: POST\r\n\r\n";
    rig_send(rig, preflight, sizeof preflight - 1);
    assert_int_equal(rig->status, 204);
    assert_string_equal(rig_field(rig, "Access-Control-Allow-Origin", allowed, sizeof allowed),
                        "https://shop.example.com");
}

// So that a page can tell its user more than that something went wrong.
static void a_page_may_read_that_it_was_refused(void **state)
{
    struct rig *rig = *state;
    char allowed[64];
    require_header(rig, "X-Cdn", "secret");
    rig_post(rig, WEB_GENERATE,
             "Content-Type: application/json\r\nOrigin: https://shop.example.com\r\n",
             "{" MOBILE_ID "," BRAND ",\"sessionId\":\"x\"}");
    assert_int_equal(rig->status, 403);
    assert_string_equal(rig_field(rig, "Access-Control-Allow-Origin", allowed, sizeof allowed),
                        "https://shop.example.com");
}

static void items_of_a_batch_are_refused_each(void **state)
{
    struct rig *rig = *state;
    struct brand_settings settings;
    brand_settings_init(&settings);
    rig_put_brand(rig, "Other", &settings);
    require_header(rig, "X-Cdn", "secret");
    rig_postf(rig, GENERATE,
              "[{" MOBILE_ID "," BRAND ",\"sessionId\":\"x\"},"
              "{" MOBILE_ID ",\"brand\":\"Other\",\"sessionId\":\"x\"}]");
    assert_int_equal(rig->status, 200);
    assert_memory_equal(rig->body, "[" FORBIDDEN ",", strlen("[" FORBIDDEN ","));
    assert_non_null(strstr(rig->body, "\"code\":1505,"));
}

#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, create_rig, destroy_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_type_that_is_off_is_as_an_unknown_one),
        RIG_TEST(what_a_type_is_off_for_comes_after_the_brand_and_before_the_form),
        RIG_TEST(items_of_a_batch_have_their_types_too),
        RIG_TEST(only_channels_of_the_list_can_be_asked_for),
        RIG_TEST(without_asking_the_usual_channel_is_taken),
        RIG_TEST(without_the_header_nothing_is_sent),
        RIG_TEST(the_header_is_looked_at_first),
        RIG_TEST(other_calls_need_no_header),
        RIG_TEST(a_page_may_read_that_it_was_refused),
        RIG_TEST(items_of_a_batch_are_refused_each),
    };
    return cmocka_run_group_tests_name("api_settings", tests, NULL, NULL);
}
