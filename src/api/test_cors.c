// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "rig/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define TOKEN "/auth/v1/token/generate"
#define WEB_TOKEN "/auth/v1/web/token/generate"
#define COMMON_FIELDS "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"

static void put_brand(struct rig *rig, const char *name, const char *origins)
{
    struct brand_settings settings;
    brand_settings_init(&settings);
    assert_true(strlen(origins) < sizeof settings.cors_origins);
    memcpy(settings.cors_origins, origins, strlen(origins) + 1);
    rig_put_brand(rig, name, &settings);
}

static int create_rig(void **state)
{
    struct rig *rig = rig_create();
    put_brand(rig, "Shop", "https://shop.example.com https://m.example.com:8443");
    put_brand(rig, "Cafe", "https://cafe.example.com");
    *state = rig;
    return 0;
}

static int destroy_rig(void **state)
{
    rig_destroy(*state);
    return 0;
}

static void preflight(struct rig *rig, const char *path, const char *fields)
{
    char request[2048];
    int len = snprintf(request, sizeof request,
                       "OPTIONS %s HTTP/1.1\r\nHost: otp.example.com\r\nX-Request-Id: t\r\n%s\r\n",
                       path, fields);
    assert_in_range(len, 1, sizeof request - 1);
    rig_send(rig, request, (size_t)len);
}

#define NO_CONTENT "HTTP/1.1 204 No Content\r\nX-Request-Id: t\r\n" COMMON_FIELDS
#define ORIGIN(origin) "Access-Control-Allow-Origin: " origin "\r\nVary: Origin\r\n"
#define CREDENTIALS "Access-Control-Allow-Credentials: true\r\n"
#define METHODS "Access-Control-Allow-Methods: POST\r\n"
#define HEADERS(list) "Access-Control-Allow-Headers: " list "\r\n"
#define MAX_AGE "Access-Control-Max-Age: 7200\r\n"
#define EXPOSED "Access-Control-Expose-Headers: Retry-After, X-Request-Id\r\n"

static void a_listed_origin_may_ask(void **state)
{
    struct rig *rig = *state;
    preflight(rig, TOKEN,
              "Origin: https://shop.example.com\r\nAccess-Control-Request-Method: POST\r\n"
              "Access-Control-Request-Headers: content-type, cap_brand\r\n");
    assert_string_equal(rig->reply, NO_CONTENT ORIGIN("https://shop.example.com")
                                        METHODS HEADERS("content-type, cap_brand") MAX_AGE "\r\n");
    preflight(rig, WEB_TOKEN, "Origin: https://cafe.example.com\r\n");
    assert_string_equal(rig->reply, NO_CONTENT ORIGIN("https://cafe.example.com")
                                        CREDENTIALS METHODS HEADERS("content-type") MAX_AGE "\r\n");
}

static void another_origin_may_not(void **state)
{
    struct rig *rig = *state;
    const char *const fields[] = {
        "",
        "Origin: \r\n",
        "Origin: null\r\n",
        "Origin: https://evil.example.net\r\n",
        "Origin: http://shop.example.com\r\n",
        "Origin: https://shop.example.com:443\r\n",
        "Origin: https://shop.example.com.evil.example.net\r\n",
        "Origin: https://m.example.com\r\n",
        "Origin: *\r\n",
        "Origin: https://shop.example.com https://m.example.com:8443\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        preflight(rig, WEB_TOKEN, fields[i]);
        assert_string_equal(rig->reply, NO_CONTENT "\r\n");
    }
}

static void a_star_allows_all_but_null_without_credentials(void **state)
{
    struct rig *rig = *state;
    put_brand(rig, "DocDemo", "*");
    preflight(rig, WEB_TOKEN, "Origin: https://any.example.net\r\n");
    assert_string_equal(rig->reply, NO_CONTENT ORIGIN("https://any.example.net")
                                        METHODS HEADERS("content-type") MAX_AGE "\r\n");
    preflight(rig, WEB_TOKEN, "Origin: https://shop.example.com\r\n");
    assert_non_null(strstr(rig->reply, CREDENTIALS));
    preflight(rig, WEB_TOKEN, "Origin: null\r\n");
    assert_string_equal(rig->reply, NO_CONTENT "\r\n");
}

// The list of names that a preflight asks for is given back only when it is one.
static void odd_lists_of_headers_are_not_echoed(void **state)
{
    struct rig *rig = *state;
    char fields[1024];
    char value[512];
    char longest[258];
    memset(longest, 'x', sizeof longest);
    longest[257] = '\0';
    const char *const odd[] = {"", "content-type; x", "a/b", "x\"y", "\xC3\xA9", longest};
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        (void)snprintf(fields, sizeof fields,
                       "Origin: https://shop.example.com\r\nAccess-Control-Request-Headers: %s\r\n",
                       odd[i]);
        preflight(rig, TOKEN, fields);
        assert_string_equal(rig_field(rig, "Access-Control-Allow-Headers", value, sizeof value),
                            "content-type");
    }
    (void)snprintf(fields, sizeof fields,
                   "Origin: https://shop.example.com\r\nAccess-Control-Request-Headers: %s\r\n",
                   longest + 1);
    preflight(rig, TOKEN, fields);
    assert_string_equal(rig_field(rig, "Access-Control-Allow-Headers", value, sizeof value),
                        longest + 1);
}

struct answer_row {
    const char *path;
    const char *brand;
    const char *origin;
    const char *fields; // that the answer has of CORS
};

static const struct answer_row answer_rows[] = {
    {TOKEN, "Shop", "https://shop.example.com", ORIGIN("https://shop.example.com") EXPOSED},
    {WEB_TOKEN, "Shop", "https://m.example.com:8443",
     ORIGIN("https://m.example.com:8443") CREDENTIALS EXPOSED},
    {WEB_TOKEN, "SHOP", "https://shop.example.com",
     ORIGIN("https://shop.example.com") CREDENTIALS EXPOSED},
    // Allowed for another brand only.
    {WEB_TOKEN, "Shop", "https://cafe.example.com", ""},
    {WEB_TOKEN, "DocDemo", "https://shop.example.com", ""},
    {WEB_TOKEN, "Shop", "null", ""},
    {WEB_TOKEN, "Nobody", "https://shop.example.com", ""},
};

// What follows the fields that every answer has.
static const char *after_common_fields(const struct rig *rig)
{
    const char *at = strstr(rig->reply, COMMON_FIELDS);
    assert_non_null(at);
    return at + sizeof COMMON_FIELDS - 1;
}

static void answers_follow_the_brand_of_the_request(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < COUNT_OF(answer_rows); i++) {
        const struct answer_row *row = &answer_rows[i];
        char fields[256];
        char body[256];
        (void)snprintf(fields, sizeof fields, "Origin: %s\r\nContent-Type: application/json\r\n",
                       row->origin);
        (void)snprintf(body, sizeof body, "{\"brand\":\"%s\",\"mobile\":\"12025550147\"}",
                       row->brand);
        rig_post(rig, row->path, fields, body);
        const char *at = after_common_fields(rig);
        assert_int_equal(rig->body - at, strlen(row->fields) + 2);
        assert_memory_equal(at, row->fields, strlen(row->fields));
    }
}

static void refusals_of_a_known_brand_can_be_read_too(void **state)
{
    struct rig *rig = *state;
    rig_post(rig, TOKEN, "Origin: https://shop.example.com\r\nContent-Type: application/json\r\n",
             "{\"brand\":\"Shop\",\"mobile\":\"x\"}");
    assert_int_equal(rig_code(rig), 1519);
    assert_memory_equal(after_common_fields(rig), ORIGIN("https://shop.example.com") EXPOSED,
                        sizeof(ORIGIN("https://shop.example.com") EXPOSED) - 1);
}

#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, create_rig, destroy_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_listed_origin_may_ask),
        RIG_TEST(another_origin_may_not),
        RIG_TEST(a_star_allows_all_but_null_without_credentials),
        RIG_TEST(odd_lists_of_headers_are_not_echoed),
        RIG_TEST(answers_follow_the_brand_of_the_request),
        RIG_TEST(refusals_of_a_known_brand_can_be_read_too),
    };
    return cmocka_run_group_tests_name("cors", tests, NULL, NULL);
}
