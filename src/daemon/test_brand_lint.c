// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/brand_lint.h"

#include "unit/unit.h"

static void set(struct brand_settings *settings, const char *name, const char *text)
{
    const struct option *option = option_find(brand_option_table(), span_of_text(name));
    assert_non_null(option);
    assert_int_equal(option_set(option, settings, span_of_text(text), NULL), ERR_OK);
}

static void on_line(void *ctx, enum lint_level level, const char *what, struct span line)
{
    static const char levels[] = {[LINT_FACT] = ' ', [LINT_ADVICE] = 'A', [LINT_FAULT] = '!'};
    struct strbuf *out = ctx;
    strbuf_put_byte(out, (uint8_t)levels[level]);
    strbuf_put_text(out, what);
    strbuf_put_text(out, ": ");
    strbuf_put(out, line);
    strbuf_put_byte(out, '\n');
}

static void assert_lint(const struct brand_settings *settings, const char *expected)
{
    static char text[4096];
    struct strbuf out = strbuf_over(text, sizeof text - 1);
    const struct brand_lint_sink sink = {on_line, &out};
    assert_int_equal(brand_lint(SPAN("DocDemo"), settings, &sink, NULL), ERR_OK);
    text[out.len] = '\0';
    assert_string_equal(text, expected);
}

static void the_defaults_need_nothing(void **state)
{
    struct brand_settings settings;
    (void)state;
    brand_settings_init(&settings);
    assert_lint(&settings, " smsTemplate: 1 SMS: 78 of 160 characters of GSM-7, 78 bytes\n"
                           " emailTemplate: 125 bytes\n"
                           " emailSubject: 17 bytes\n");
}

static void every_text_in_every_language_is_told_about(void **state)
{
    struct brand_settings settings;
    (void)state;
    brand_settings_init(&settings);
    set(&settings, "otpLength", "10");
    set(&settings, "smsTemplate", "{otp}\n@example.com {otp}");
    set(&settings, "smsTemplateId", "1");
    set(&settings, "zaloTemplate", "zalo {otp}");
    set(&settings, "emailTemplate", "{otp}");
    set(&settings, "emailSubject", "{otp}");
    set(&settings, "translations",
        "{\"vi\":{\"emailTemplate\":\"{otp}\",\"smsTemplate\":\"M\xC3\xA3 {otp}\"}}");
    assert_lint(&settings,
                " smsTemplate: 1 SMS: 34 of 160 characters of GSM-7, 34 bytes\n"
                "!smsTemplate: a line begins with \"@\", but browsers fill a code in only if the "
                "text ends in \"@host #{otp}\"\n"
                " zaloTemplate: 15 bytes\n"
                " emailTemplate: 10 bytes\n"
                " emailSubject: 10 bytes\n"
                " emailSubject: the code is in it: mail servers log subjects, and lock screens "
                "show them\n"
                "Alanguage: not set: nobody is told which language the brand's own texts are in\n"
                " translations.vi.smsTemplate: 1 SMS: 13 of 70 units of UCS-2, 14 bytes\n"
                " translations.vi.smsTemplate: not GSM-7 because of \"\xC3\xA3\": 70 units to an "
                "SMS instead of 160\n"
                " translations.vi.emailTemplate: 10 bytes\n"
                "Atranslations.vi.smsTemplateId: not set: this text goes out under the id of the "
                "brand's own\n"
                "Atranslations.vi.emailSubject: not set: the subject stays in the brand's own "
                "language\n");
}

static void what_is_never_used_is_told(void **state)
{
    struct brand_settings settings;
    (void)state;
    brand_settings_init(&settings);
    set(&settings, "language", "en");
    set(&settings, "smsTemplate", "{otp}");
    set(&settings, "emailTemplate", "{otp}");
    set(&settings, "emailSubject", "Code");
    set(&settings, "translations",
        "{\"ar\":{\"emailSubject\":\"a\"},\"vi\":{\"whatsappSender\":\"1\","
        "\"whatsappTemplateId\":\"x\",\"zaloSender\":\"2\"}}");
    assert_lint(&settings,
                " smsTemplate: 1 SMS: 6 of 160 characters of GSM-7, 6 bytes\n"
                " emailTemplate: 6 bytes\n"
                " emailSubject: 4 bytes\n"
                " translations.ar.emailSubject: 1 bytes\n"
                "Atranslations.ar.emailTemplate: not set: without it the translation is not used "
                "for this channel\n"
                "Atranslations.vi.zaloTemplate: not set: without it the translation is not used "
                "for this channel\n");
}

static void settings_that_are_not_valid_are_refused(void **state)
{
    struct brand_settings settings;
    struct err_info info;
    const struct brand_lint_sink sink = {on_line, NULL};
    (void)state;
    brand_settings_init(&settings);
    set(&settings, "smsTemplate", "none");
    assert_int_equal(brand_lint(SPAN("DocDemo"), &settings, &sink, &info), ERR_INVALID);
    assert_string_equal(info.text, "smsTemplate: template: no {otp} in it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_need_nothing),
        cmocka_unit_test(every_text_in_every_language_is_told_about),
        cmocka_unit_test(what_is_never_used_is_told),
        cmocka_unit_test(settings_that_are_not_valid_are_refused),
    };
    return cmocka_run_group_tests_name("brand_lint", tests, NULL, NULL);
}
