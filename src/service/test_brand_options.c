// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/brand_origin.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct option *xfind(const char *name)
{
    const struct option *option = option_find(brand_option_table(), span_of_text(name));
    assert_non_null(option);
    return option;
}

// Name, default and range as users know them.
struct expected_option {
    const char *name;
    const char *preset;
    const char *range;
};

static const struct expected_option expected_options[] = {
    {"otpMaxCount", "null", "1 to 64, or null"},
    {"otpTimeOut", "null", "1 to 10080 minutes, or null"},
    {"otpLength", "6", "4 to 10 digits"},
    {"otpTtlSeconds", "1200", "1 to 86400 seconds"},
    {"otpMaxAttempts", "5", "1 to 20 tries"},
    {"resend", "same", "same or new"},
    {"sessionTtlSeconds", "1200", "1 to 86400 seconds"},
    {"tokenTtlSeconds", "3600", "1 to 31536000 seconds"},
    {"webTokenTtlSeconds", "900", "1 to 31536000 seconds"},
    {"keyTtlSeconds", "null", "1 to 315360000 seconds, or null"},
    {"lockAfterFailures", "100", "5 to 100 tries"},
    {"lockSeconds", "1800", "1 to 86400 seconds"},
    {"identifierTypes", "MOBILE EMAIL USERNAME",
     "list of at most 63 bytes, in UTF-8 without control characters"},
    {"mobileChannel", "SMS", "SMS, WHATSAPP or ZALO"},
    {"fallbackChannels", "SMS WHATSAPP ZALO EMAIL",
     "list of at most 63 bytes, in UTF-8 without control characters, or null"},
    {"defaultCountry", "null",
     "country code of at most 2 bytes, in UTF-8 without control characters, or null"},
    {"issuer", "otpd", "text of at most 127 bytes, in UTF-8 without control characters"},
    {"ogc", "null", "text of at most 127 bytes, in UTF-8 without control characters, or null"},
    {"corsOrigins", "null",
     "list of at most 4095 bytes, in UTF-8 without control characters, or null"},
    {"rejectWithoutHeader", "null",
     "name of at most 64 bytes, in UTF-8 without control characters, or null"},
    {"rejectWithoutHeaderValue", "null",
     "text of at most 128 bytes, in UTF-8 without control characters, or null"},
    {"language", "null",
     "language of at most 8 bytes, in UTF-8 without control characters, or null"},
    {"smsTemplate",
     "{otp} is your {brand} code, valid for {minutes} minutes. Never share it with anyone.",
     "text of at most 1023 bytes, in UTF-8 without control characters but line feeds"},
    {"smsSender", "null", "text of at most 64 bytes, in UTF-8 without control characters, or null"},
    {"smsTemplateId", "null",
     "text of at most 128 bytes, in UTF-8 without control characters, or null"},
    {"whatsappTemplate", "null",
     "text of at most 1023 bytes, in UTF-8 without control characters but line feeds, or null"},
    {"whatsappSender", "null",
     "text of at most 64 bytes, in UTF-8 without control characters, or null"},
    {"whatsappTemplateId", "null",
     "text of at most 128 bytes, in UTF-8 without control characters, or null"},
    {"zaloTemplate", "null",
     "text of at most 1023 bytes, in UTF-8 without control characters but line feeds, or null"},
    {"zaloSender", "null",
     "text of at most 64 bytes, in UTF-8 without control characters, or null"},
    {"zaloTemplateId", "null",
     "text of at most 128 bytes, in UTF-8 without control characters, or null"},
    {"emailTemplate",
     "Your {brand} code is {otp}. It is valid for {minutes} minutes. Never share it with anyone; "
     "nobody from {brand} will ask you for it.",
     "text of at most 1023 bytes, in UTF-8 without control characters but line feeds"},
    {"emailSender", "null",
     "text of at most 64 bytes, in UTF-8 without control characters, or null"},
    {"emailTemplateId", "null",
     "text of at most 128 bytes, in UTF-8 without control characters, or null"},
    {"emailSubject", "Your {brand} code",
     "text of at most 256 bytes, in UTF-8 without control characters"},
    {"translations", "null", "object of at most 8191 bytes as JSON, or null"},
    {"encryption.endpoints", "null",
     "list of at most 63 bytes, in UTF-8 without control characters, or null"},
    {"encryption.validSeconds", "120", "1 to 3600 seconds"},
    {"encryption.pkcs1", "true", "true or false"},
};

static void test_the_table_is_as_documented(void **state)
{
    (void)state;
    struct brand_settings settings;
    brand_settings_init(&settings);
    assert_int_equal(brand_options_count, COUNT_OF(expected_options));
    for (size_t i = 0; i < brand_options_count; i++) {
        char shown[256] = {0};
        char range[256] = {0};
        struct strbuf shown_out = strbuf_over(shown, sizeof shown - 1);
        struct strbuf range_out = strbuf_over(range, sizeof range - 1);
        option_show(&brand_options[i], &settings, &shown_out);
        option_describe_range(&brand_options[i], &range_out);
        assert_string_equal(brand_options[i].name, expected_options[i].name);
        assert_string_equal(shown, expected_options[i].preset);
        assert_string_equal(range, expected_options[i].range);
    }
}

static void test_every_row_is_well_made(void **state)
{
    (void)state;
    size_t end = 0;
    for (size_t i = 0; i < brand_options_count; i++) {
        const struct option *option = &brand_options[i];
        size_t help_len = strlen(option->help);
        assert_in_range(help_len, 10, 100);
        assert_int_not_equal(option->help[help_len - 1], '.');
        assert_true(option->offset >= end);
        bool is_text = option->type == OPTION_TEXT || option->type == OPTION_OBJECT;
        end = option->offset + (is_text ? option->capacity : sizeof(uint32_t));
        if (option->type == OPTION_U32)
            assert_in_range(option->least, 1, option->most);
        if (option->preset == NULL)
            assert_true(option->is_nullable);
    }
    assert_true(end <= sizeof(struct brand_settings));
}

static void test_numbers_stop_exactly_at_their_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < brand_options_count; i++) {
        const struct option *option = &brand_options[i];
        const uint64_t values[] = {(uint64_t)option->least - 1, option->least, option->most,
                                   (uint64_t)option->most + 1};
        if (option->type != OPTION_U32)
            continue;
        for (size_t j = 0; j < COUNT_OF(values); j++) {
            char text[24];
            struct strbuf out = strbuf_over(text, sizeof text);
            struct brand_settings settings;
            brand_settings_init(&settings);
            strbuf_put_u64(&out, values[j]);
            enum err err = option_set(option, &settings, strbuf_span(&out), NULL);
            assert_int_equal(err, j == 1 || j == 2 ? ERR_OK : ERR_INVALID);
        }
    }
}

static void test_choices_are_the_numbers_of_their_enums(void **state)
{
    (void)state;
    struct brand_settings settings;
    brand_settings_init(&settings);
    assert_int_equal(settings.resend, BRAND_RESEND_SAME);
    assert_int_equal(settings.mobile_channel, CHANNEL_SMS);
    assert_int_equal(option_set(xfind("resend"), &settings, SPAN("new"), NULL), ERR_OK);
    assert_int_equal(settings.resend, BRAND_RESEND_NEW);
    assert_int_equal(option_set(xfind("mobileChannel"), &settings, SPAN("ZALO"), NULL), ERR_OK);
    assert_int_equal(settings.mobile_channel, CHANNEL_ZALO);
    assert_int_equal(option_set(xfind("mobileChannel"), &settings, SPAN("EMAIL"), NULL),
                     ERR_INVALID);
}

struct validate_case {
    const char *name;
    const char *value;
    const char *story; // its beginning; NULL: valid
};

static const struct validate_case validate_cases[] = {
    {"issuer", "example.com", NULL},
    {"defaultCountry", "IN", NULL},
    {"defaultCountry", "in", "defaultCountry: \"in\" is not two upper-case letters, as in IN"},
    {"defaultCountry", "I", "defaultCountry: \"I\" is not two upper-case letters, as in IN"},
    {"defaultCountry", "9I", "defaultCountry: \"9I\" is not"},
    {"otpMaxAttempts", "20", NULL},
    {"lockAfterFailures", "5", NULL},
    {"smsTemplate", "{otp}", NULL},
    {"smsTemplate", "{otp} for {brand}\n@example.com #{otp}", NULL},
    {"smsTemplate", "no tag at all", "smsTemplate: "},
    {"smsTemplate", "{otp} {opt}", "smsTemplate: "},
    {"emailTemplate", "{otp", "emailTemplate: "},
    {"emailTemplate", "", "emailTemplate: it is empty"},
    {"whatsappTemplate", "", NULL},
    {"zaloTemplate", "none", "zaloTemplate: template: no {otp} in it"},
    {"emailSubject", "{otp} is your {brand} code", NULL},
    {"emailSubject", "", "emailSubject: it is empty"},
    {"emailSubject", "{brand}{brand}{brand}{brand}", NULL},
    {"emailSubject", "{brand}{brand}{brand}{brand}.",
     "emailSubject: template: with the longest values it has 257 bytes; 256 are the most"},
    {"language", "pt-BR", NULL},
    {"language", "pt_BR", "language: \"pt_BR\" is no language, spelt as in vi, pt-BR or zh-Hant"},
    {"translations", "[]", "translations: no object of languages"},
    {"identifierTypes", "MOBILE", NULL},
    {"identifierTypes", " USERNAME  EMAIL ", NULL},
    {"identifierTypes", "MOBILE MOBILE", NULL},
    {"identifierTypes", "", "identifierTypes: it is empty, so that nobody could log in"},
    {"identifierTypes", " ", "identifierTypes: it is empty, so that nobody could log in"},
    {"identifierTypes", "MOBILE,EMAIL",
     "identifierTypes: \"MOBILE,EMAIL\" is not MOBILE, EMAIL or USERNAME"},
    {"identifierTypes", "mobile", "identifierTypes: \"mobile\" is not MOBILE, EMAIL or USERNAME"},
    {"identifierTypes", "MOBILE EXTERNALID",
     "identifierTypes: \"EXTERNALID\" is not MOBILE, EMAIL or USERNAME"},
    {"fallbackChannels", "", NULL},
    {"fallbackChannels", "ZALO SMS", NULL},
    {"fallbackChannels", "SMS VOICE",
     "fallbackChannels: \"VOICE\" is not SMS, WHATSAPP, ZALO or EMAIL"},
    {"rejectWithoutHeader", "X-Cdn-Key", NULL},
    {"rejectWithoutHeader", "!#$%&'*+-.^_`|~09azAZ", NULL},
    {"rejectWithoutHeader", "X-Cdn-Key=abc",
     "rejectWithoutHeader: \"X-Cdn-Key=abc\" is no header's name; what the header must hold is "
     "rejectWithoutHeaderValue"},
    {"rejectWithoutHeader", "X Cdn", "rejectWithoutHeader: \"X Cdn\" is no header's name"},
    {"rejectWithoutHeader", "X-Cdn:", "rejectWithoutHeader: \"X-Cdn:\" is no header's name"},
    {"rejectWithoutHeader", "X-\xC3\xA9", "rejectWithoutHeader: \"X-\xC3\xA9\" is no header's"},
    {"rejectWithoutHeaderValue", "a value, of any kind=", NULL},
    {"rejectWithoutHeaderValue", " a",
     "rejectWithoutHeaderValue: the value has spaces at its ends"},
    {"rejectWithoutHeaderValue", "a ",
     "rejectWithoutHeaderValue: the value has spaces at its ends"},
    {"corsOrigins", "*", NULL},
    {"corsOrigins", "https://a.example.com https://b.example.com", NULL},
    {"corsOrigins", "https://a.example.com,https://b.example.com",
     "corsOrigins: \"https://a.example.com,https://b.example.com\": "},
};

static void test_validate_sees_what_one_option_cannot(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(validate_cases); i++) {
        const struct validate_case *c = &validate_cases[i];
        struct brand_settings settings;
        struct err_info info = {""};
        brand_settings_init(&settings);
        assert_int_equal(option_set(xfind(c->name), &settings, span_of_text(c->value), NULL),
                         ERR_OK);
        enum err err = brand_settings_validate(&settings, &info);
        assert_int_equal(err, c->story == NULL ? ERR_OK : ERR_INVALID);
        if (c->story != NULL)
            assert_memory_equal(info.text, c->story, strlen(c->story));
    }
}

static void test_tries_of_a_code_stay_within_the_failures_that_lock(void **state)
{
    (void)state;
    struct brand_settings settings;
    struct err_info info;
    brand_settings_init(&settings);
    settings.otp_max_attempts = 6;
    settings.lock_after_failures = 6;
    assert_int_equal(brand_settings_validate(&settings, NULL), ERR_OK);
    settings.lock_after_failures = 5;
    assert_int_equal(brand_settings_validate(&settings, &info), ERR_INVALID);
    assert_string_equal(info.text, "otpMaxAttempts: 6 is more than lockAfterFailures, which is 5");
}

#define NOT_ORIGIN "it is not scheme://host or scheme://host:port"
#define BAD_HOST \
    "its host is not a name in ASCII or an address; a path or a final slash does not belong there"
#define BAD_PORT "a port is 1 to 65535, and a path or a final slash does not belong there"
#define OWN_PORT "browsers leave out the scheme's own port: leave it out too"

struct origin_case {
    const char *text;
    size_t held;
    const char *why; // NULL: taken
};

static const struct origin_case origin_cases[] = {
    {"", 0, NULL},
    {"   ", 0, NULL},
    {"https://shop.example.com", 1, NULL},
    {"  https://shop.example.com   http://localhost:3000 ", 2, NULL},
    {"https://example.com:8443", 1, NULL},
    {"https://example.com:80", 1, NULL},
    {"http://127.0.0.1:8080", 1, NULL},
    {"http://[::1]:8080", 1, NULL},
    {"http://[2001:db8::1]", 1, NULL},
    {"capacitor://localhost", 1, NULL},
    {"https://xn--bcher-kva.example", 1, NULL},
    {"null", 0, "null is what any sandboxed page sends"},
    {"https://example.com *", 1, "* stands alone"},
    {"https://*.example.com", 0, BAD_HOST},
    {"example.com", 0, NOT_ORIGIN},
    {"//example.com", 0, NOT_ORIGIN},
    {"https:example.com", 0, NOT_ORIGIN},
    {"https:/example.com", 0, NOT_ORIGIN},
    {"://example.com", 0, NOT_ORIGIN},
    {"1https://example.com", 0, NOT_ORIGIN},
    {"https://", 0, BAD_HOST},
    {"https://:443", 0, BAD_HOST},
    {"https://example.com/", 0, BAD_HOST},
    {"https://example.com/shop", 0, BAD_HOST},
    {"https://user@example.com", 0, BAD_HOST},
    {"https://b\xC3\xBC"
     "cher.example",
     0, BAD_HOST},
    {"http://[::1", 0, BAD_HOST},
    {"http://[]", 0, BAD_HOST},
    {"http://[::g]", 0, BAD_HOST},
    {"https://Example.com", 0, "browsers send it in lower case: write it so"},
    {"https://example.com:", 0, BAD_PORT},
    {"https://example.com:0", 0, BAD_PORT},
    {"https://example.com:08", 0, BAD_PORT},
    {"https://example.com:65536", 0, BAD_PORT},
    {"https://example.com:8443/", 0, BAD_PORT},
    {"https://example.com:443", 0, OWN_PORT},
    {"http://example.com:80", 0, OWN_PORT},
};

static void test_origins_are_taken_or_refused_with_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(origin_cases); i++) {
        const struct origin_case *c = &origin_cases[i];
        struct origin_list list;
        struct err_info info = {""};
        enum err err = origin_list_parse(span_of_text(c->text), &list, &info);
        assert_int_equal(err, c->why == NULL ? ERR_OK : ERR_INVALID);
        assert_int_equal(list.held, c->held);
        assert_false(list.is_any);
        const char *why = strstr(info.text, "\": ");
        assert_string_equal(why != NULL ? why + 3 : "", c->why != NULL ? c->why : "");
    }
}

static void test_a_lone_star_is_any_origin(void **state)
{
    (void)state;
    struct origin_list list;
    assert_int_equal(origin_list_parse(SPAN(" * "), &list, NULL), ERR_OK);
    assert_true(list.is_any);
    assert_int_equal(list.held, 0);
}

static void put_origins(struct strbuf *out, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        strbuf_put_text(out, "https://host");
        strbuf_put_u64(out, i);
        strbuf_put_text(out, ".example.com ");
    }
}

static void test_sixteen_origins_are_the_most(void **state)
{
    (void)state;
    char storage[1024];
    struct origin_list list;
    struct err_info info;
    struct strbuf out = strbuf_over(storage, sizeof storage);
    put_origins(&out, BRAND_ORIGINS_MAX);
    assert_int_equal(origin_list_parse(strbuf_span(&out), &list, NULL), ERR_OK);
    assert_int_equal(list.held, BRAND_ORIGINS_MAX);
    assert_true(span_eq(list.origins[15], SPAN("https://host15.example.com")));
    out.len = 0;
    put_origins(&out, BRAND_ORIGINS_MAX + 1);
    assert_int_equal(origin_list_parse(strbuf_span(&out), &list, &info), ERR_INVALID);
    assert_string_equal(info.text,
                        "\"https://host16.example.com\": one origin too many: at most 16");
}

static void test_an_origin_has_at_most_256_bytes(void **state)
{
    (void)state;
    char text[BRAND_ORIGIN_BYTES_MAX + 1];
    struct origin_list list;
    memset(text, 'a', sizeof text);
    memcpy(text, "https://", 8);
    assert_int_equal(origin_list_parse(span_make(text, sizeof text - 1), &list, NULL), ERR_OK);
    assert_int_equal(origin_list_parse(span_make(text, sizeof text), &list, NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_is_as_documented),
        cmocka_unit_test(test_every_row_is_well_made),
        cmocka_unit_test(test_numbers_stop_exactly_at_their_ends),
        cmocka_unit_test(test_choices_are_the_numbers_of_their_enums),
        cmocka_unit_test(test_validate_sees_what_one_option_cannot),
        cmocka_unit_test(test_tries_of_a_code_stay_within_the_failures_that_lock),
        cmocka_unit_test(test_origins_are_taken_or_refused_with_the_reason),
        cmocka_unit_test(test_a_lone_star_is_any_origin),
        cmocka_unit_test(test_sixteen_origins_are_the_most),
        cmocka_unit_test(test_an_origin_has_at_most_256_bytes),
    };
    return cmocka_run_group_tests_name("brand_options", tests, NULL, NULL);
}
