// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "unit/unit.h"

#include "cli/show.h"
#include "service/brand.h"

#include <stdlib.h>

// What was written between `open_text` and `close_text`; the caller frees it.
struct text {
    FILE *out;
    char *data;
    size_t len;
};

static void open_text(struct text *text)
{
    text->out = open_memstream(&text->data, &text->len);
    assert_non_null(text->out);
}

static void check_text(struct text *text, const char *expected)
{
    assert_int_equal(fclose(text->out), 0);
    assert_string_equal(text->data, expected);
    free(text->data);
}

static json_t *parse(const char *source)
{
    json_error_t error;
    json_t *json = json_loads(source, 0, &error);
    if (json == NULL)
        fail_msg("%s: %s", error.text, source);
    return json;
}

static void test_brands_one_a_line(void **state)
{
    (void)state;
    struct text text;
    json_t *list = parse("{\"brands\":[{\"name\":\"DocDemo\",\"changed\":2},"
                         "{\"name\":\"Caf\xC3\xA9\",\"changed\":1},"
                         "{\"name\":\"A name that is quite long\",\"changed\":0},"
                         "{\"name\":\"\\u001b[31m\",\"changed\":0}]}");
    open_text(&text);
    show_brands(list, text.out);
    check_text(&text, "DocDemo             2 settings changed\n"
                      "Caf\xC3\xA9                1 setting changed\n"
                      "A name that is quite long  all defaults\n"
                      "?[31m               all defaults\n");
    json_decref(list);
}

static void test_no_brand_says_how_to_add_one(void **state)
{
    (void)state;
    struct text text;
    json_t *list = parse("{\"brands\":[]}");
    open_text(&text);
    show_brands(list, text.out);
    check_text(&text, "There is no brand yet; add one: otpd brand add NAME\n");
    json_decref(list);
}

static void test_a_brand_with_marks_and_units(void **state)
{
    (void)state;
    struct text text;
    json_t *brand = parse(
        "{\"name\":\"DocDemo\",\"settings\":{\"smsTemplate\":\"{otp}\\nis it\","
        "\"otpMaxCount\":3,\"otpTimeOut\":null,\"otpLength\":6,\"issuer\":\"me\","
        "\"resend\":\"same\",\"lockSeconds\":31536000000000,\"isLater\":true},"
        "\"changed\":[\"otpMaxCount\",\"issuer\"],\"ruledByFile\":[\"issuer\"],\"tokenKeys\":["
        "{\"number\":2,\"isSigning\":true,\"createdAt\":\"2026-11-23T01:02:03Z\"},"
        "{\"number\":1,\"isSigning\":false,\"createdAt\":\"2026-11-22T01:02:03Z\"}]}");
    open_text(&text);
    show_brand(brand, brand_option_table(), text.out);
    check_text(&text, "DocDemo\n"
                      "\n"
                      "* otpMaxCount         3\n"
                      "  otpTimeOut          null\n"
                      "  otpLength           6             digits\n"
                      "  resend              same\n"
                      "  lockSeconds         31536000000000  seconds\n"
                      "= issuer              me\n"
                      "  smsTemplate         {otp}\\nis it\n"
                      "  isLater             true\n"
                      "\n"
                      "* differs from its default\n"
                      "= set in the configuration file: change it there and reload\n"
                      "\n"
                      "token key 2  signs  since 2026-11-23T01:02:03Z\n"
                      "token key 1  older  since 2026-11-22T01:02:03Z\n");
    json_decref(brand);
}

static void test_a_brand_of_defaults_has_no_legend(void **state)
{
    (void)state;
    struct text text;
    json_t *brand = parse("{\"name\":\"A\",\"settings\":{\"otpLength\":6},\"changed\":[]}");
    open_text(&text);
    show_brand(brand, brand_option_table(), text.out);
    check_text(&text, "A\n\n  otpLength           6             digits\n\n");
    json_decref(brand);
}

static void test_each_setting_named_with_its_change(void **state)
{
    (void)state;
    struct text text;
    json_t *before = parse("{\"settings\":{\"otpMaxCount\":null,\"issuer\":\"a\",\"resend\":"
                           "\"same\",\"otpLength\":6}}");
    json_t *after = parse("{\"settings\":{\"otpMaxCount\":3,\"issuer\":\"b\\u0007\",\"resend\":"
                          "\"same\",\"otpLength\":7}}");
    json_t *names = parse("[\"otpMaxCount\",\"issuer\",\"resend\",\"isNew\"]");
    open_text(&text);
    show_changes(before, after, names, text.out);
    check_text(&text, "otpMaxCount         null → 3\n"
                      "issuer              a → b?\n"
                      "resend              same (as before)\n"
                      "isNew               ? → ?\n");
    json_decref(before);
    json_decref(after);
    json_decref(names);
}

#define TRANSLATED(text) "{\"settings\":{\"translations\":{\"vi\":{\"smsTemplate\":" text "}}}}"

static void test_texts_of_translations_have_a_line_each(void **state)
{
    (void)state;
    struct text text;
    json_t *brand =
        parse("{\"name\":\"A\",\"settings\":{\"translations\":{\"ar\":{\"smsTemplate\":"
              "\"{otp}\\nar\"},\"vi\":{\"emailSubject\":\"s\",\"smsTemplate\":\"{otp}\"}}},"
              "\"changed\":[\"translations\"]}");
    open_text(&text);
    show_brand(brand, brand_option_table(), text.out);
    check_text(&text, "A\n\n"
                      "* translations.ar.smsTemplate  {otp}\\nar\n"
                      "* translations.vi.emailSubject  s\n"
                      "* translations.vi.smsTemplate  {otp}\n"
                      "\n* differs from its default\n\n");
    json_decref(brand);
}

static void test_a_change_within_translations_is_told_by_its_path(void **state)
{
    (void)state;
    struct text text;
    json_t *before = parse(TRANSLATED("\"a\""));
    json_t *after = parse(TRANSLATED("\"b\""));
    json_t *names = parse("[\"translations.vi.smsTemplate\",\"translations.ar\"]");
    open_text(&text);
    show_changes(before, after, names, text.out);
    check_text(&text, "translations.vi.smsTemplate  a → b\n"
                      "translations.ar     null (as before)\n");
    json_decref(before);
    json_decref(after);
    json_decref(names);
}

static void test_an_import(void **state)
{
    (void)state;
    struct text text;
    json_t *report = parse("{\"added\":[\"A\"],\"changed\":[\"B\",\"C\"],\"unchanged\":[\"D\"]}");
    open_text(&text);
    show_import(report, text.out);
    check_text(&text, "added      A\nchanged    B\nchanged    C\nunchanged  D\n");
    json_decref(report);
}

// Whatever a server sends: no row is made up, and nothing crashes.
static void test_json_of_another_shape(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        "{}",
        "[]",
        "{\"brands\":{},\"settings\":[],\"changed\":3,\"tokenKeys\":null,\"added\":\"A\"}",
        "{\"name\":7,\"settings\":{},\"changed\":1,\"ruledByFile\":[1]}",
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct text text;
        json_t *json = parse(shapes[i]);
        open_text(&text);
        show_keys(json, text.out);
        show_import(json, text.out);
        check_text(&text, "");
        open_text(&text);
        show_brand(json, brand_option_table(), text.out);
        assert_int_equal(fclose(text.out), 0);
        assert_null(strstr(text.data, "otpLength"));
        free(text.data);
        json_decref(json);
    }
}

static void test_the_table_of_settings(void **state)
{
    (void)state;
    struct text text;
    open_text(&text);
    show_option(&brand_options[1], text.out);
    check_text(&text, "otpTimeOut\n"
                      "  Length of the sliding window that otpMaxCount counts in; null: no limit.\n"
                      "  Value    1 to 10080 minutes, or null\n"
                      "  Default  null\n");
    open_text(&text);
    show_options(brand_option_table(), text.out);
    assert_int_equal(fflush(text.out), 0);
    for (size_t i = 0; i < brand_options_count; i++)
        assert_non_null(strstr(text.data, brand_options[i].name));
    assert_int_equal(fclose(text.out), 0);
    free(text.data);
}

static void test_a_secret_is_said_to_be_one(void **state)
{
    (void)state;
    struct text text;
    const struct option option = {.name = "apiKey",
                                  .type = OPTION_TEXT,
                                  .capacity = 65,
                                  .is_nullable = true,
                                  .is_secret = true,
                                  .help = "Key of the provider"};
    open_text(&text);
    show_option(&option, text.out);
    check_text(&text,
               "apiKey\n  Key of the provider.\n"
               "  Value    text of at most 64 bytes, in UTF-8 without control characters, or "
               "null; a secret, never shown\n  Default  null\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_brands_one_a_line),
        cmocka_unit_test(test_no_brand_says_how_to_add_one),
        cmocka_unit_test(test_a_brand_with_marks_and_units),
        cmocka_unit_test(test_a_brand_of_defaults_has_no_legend),
        cmocka_unit_test(test_each_setting_named_with_its_change),
        cmocka_unit_test(test_texts_of_translations_have_a_line_each),
        cmocka_unit_test(test_a_change_within_translations_is_told_by_its_path),
        cmocka_unit_test(test_an_import),
        cmocka_unit_test(test_json_of_another_shape),
        cmocka_unit_test(test_the_table_of_settings),
        cmocka_unit_test(test_a_secret_is_said_to_be_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
