// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/brand_text.h"

#include "service/brand_compile.h"
#include "service/brand_value.h"
#include "unit/unit.h"

#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void set(struct brand_settings *settings, const char *name, const char *text)
{
    const struct option *option = option_find(brand_option_table(), span_of_text(name));
    assert_non_null(option);
    assert_int_equal(option_set(option, settings, span_of_text(text), NULL), ERR_OK);
}

static struct brand *brand_with(const char *const settings[][2], size_t count)
{
    static struct brand_value value;
    struct brand *brand = NULL;
    struct err_info info = {""};
    value = (struct brand_value){.id = 1, .name = "DocDemo", .secrets_held = 1};
    value.secrets[0].len = BRAND_TOKEN_SECRET_BYTES_MIN;
    brand_settings_init(&value.settings);
    for (size_t i = 0; i < count; i++)
        set(&value.settings, settings[i][0], settings[i][1]);
    if (brand_create(&value, &brand, &info) != ERR_OK)
        fail_msg("%s", info.text);
    return brand;
}

#define TRANSLATIONS                                                                       \
    "{\"ar\":{\"emailTemplate\":\"ar {otp}\"},"                                            \
    "\"pt-BR\":{\"smsSender\":\"BR\",\"smsTemplate\":\"br {otp}\"},"                       \
    "\"vi\":{\"emailSubject\":\"vi\",\"emailTemplate\":\"vi mail {otp}\",\"smsTemplate\":" \
    "\"vi {otp}\",\"smsTemplateId\":\"42\",\"whatsappTemplateId\":\"login\"}}"

static const char *const sample[][2] = {
    {"language", "en"},          {"smsTemplate", "en {otp}"},    {"emailTemplate", "en mail {otp}"},
    {"smsSender", "DEMO"},       {"smsTemplateId", "1"},         {"whatsappTemplateId", "login"},
    {"emailSender", "The Demo"}, {"translations", TRANSLATIONS},
};

struct row {
    enum channel_kind kind;
    const char *wish;
    const char *text;
    const char *subject; // NULL: none
    const char *language;
    const char *sender;
    const char *template_id;
};

// What fits, what a translation lacks, what it has for another channel alone.
static const struct row rows[] = {
    {CHANNEL_SMS, "", "en {otp}", NULL, "en", "DEMO", "1"},
    {CHANNEL_SMS, "en", "en {otp}", NULL, "en", "DEMO", "1"},
    {CHANNEL_SMS, "fr", "en {otp}", NULL, "en", "DEMO", "1"},
    {CHANNEL_SMS, "vi", "vi {otp}", NULL, "vi", "DEMO", "42"},
    {CHANNEL_SMS, "vi-VN", "vi {otp}", NULL, "vi", "DEMO", "42"},
    {CHANNEL_SMS, "pt", "br {otp}", NULL, "pt-BR", "BR", "1"},
    {CHANNEL_SMS, "ar", "en {otp}", NULL, "en", "DEMO", "1"},
    {CHANNEL_WHATSAPP, "vi", "vi {otp}", NULL, "vi", "", "login"},
    {CHANNEL_WHATSAPP, "ar", "en {otp}", NULL, "en", "", "login"},
    {CHANNEL_ZALO, "vi", "vi {otp}", NULL, "vi", "", ""},
    {CHANNEL_EMAIL, "", "en mail {otp}", "Your {brand} code", "en", "The Demo", ""},
    {CHANNEL_EMAIL, "vi", "vi mail {otp}", "vi", "vi", "The Demo", ""},
    {CHANNEL_EMAIL, "ar-EG", "ar {otp}", "Your {brand} code", "ar", "The Demo", ""},
    {CHANNEL_EMAIL, "pt-BR", "en mail {otp}", "Your {brand} code", "en", "The Demo", ""},
};

static void assert_source(const struct template *template, const char *source)
{
    struct span held = span_make(template->source, template->source_len);
    if (!span_eq(held, span_of_text(source)))
        fail_msg("%.*s is not %s", (int)held.len, (const char *)held.data, source);
}

static void a_wish_gets_what_fits_best(void **state)
{
    struct brand *brand = brand_with(sample, COUNT_OF(sample));
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct wording wording;
        brand_wording(brand, rows[i].kind, span_of_text(rows[i].wish), &wording);
        assert_source(wording.text, rows[i].text);
        assert_true((wording.subject == NULL) == (rows[i].subject == NULL));
        if (rows[i].subject != NULL)
            assert_source(wording.subject, rows[i].subject);
        assert_true(span_eq(wording.language, span_of_text(rows[i].language)));
        assert_true(span_eq(wording.sender, span_of_text(rows[i].sender)));
        assert_true(span_eq(wording.template_id, span_of_text(rows[i].template_id)));
    }
    brand_destroy(&brand);
}

static void without_a_language_none_is_told(void **state)
{
    struct brand *brand = brand_with(NULL, 0);
    struct wording wording;
    (void)state;
    brand_wording(brand, CHANNEL_SMS, SPAN("en"), &wording);
    assert_int_equal(wording.language.len, 0);
    brand_destroy(&brand);
}

static void a_header_asks_for_what_there_is(void **state)
{
    static const struct {
        const char *header;
        const char *language;
    } asked[] = {
        {"", ""},
        {"*", ""},
        {"fr", ""},
        {"vi", "vi"},
        {"VI-vn", "vi"},
        {"fr, vi;q=0.5, en;q=0.4", "vi"},
        {"en-US,en;q=0.9,vi;q=0.8", "en"},
        {"en;q=0.2,vi;q=0.25", "vi"},
        {"vi;q=0.5, ar;q=0.5", "vi"},
        {"vi;q=0,pt;q=0.001", "pt-BR"},
        {"vi;q=0.000", ""},
        {" ar-EG ; q=1.0 ", "ar"},
        {"vi;q=9", "vi"},
        {",,;;q=,vi", "vi"},
        {"x\r\n,\xFF", ""},
        {"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,vi", ""},
    };
    struct brand *brand = brand_with(sample, COUNT_OF(sample));
    struct brand *plain = brand_with(NULL, 0);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        struct span language = brand_language(brand, span_of_text(asked[i].header));
        if (!span_eq(language, span_of_text(asked[i].language)))
            fail_msg("%s: %.*s", asked[i].header, (int)language.len, (const char *)language.data);
        assert_int_equal(brand_language(plain, span_of_text(asked[i].header)).len, 0);
    }
    brand_destroy(&brand);
    brand_destroy(&plain);
}

struct refused {
    const char *json;
    const char *story;
};

static const struct refused refusals[] = {
    {"x", "translations: no object of languages"},
    {"{\"vi\":{\"smsTemplate\":\"no code\"}}",
     "translations.vi.smsTemplate: template: no {otp} in it"},
    {"{\"vi\":{\"emailSubject\":\"{opt}\"}}",
     "translations.vi.emailSubject: template: unknown tag (known are {otp}, {brand}, {minutes}; "
     "\"{{\" is a brace) at byte 1"},
    {"{\"vi\":{\"emailSubject\":\"a\\nb\"}}",
     "translations.vi.emailSubject: \"a?b\" is not text of at most 256 bytes, in UTF-8 without "
     "control characters"},
    {"{\"vi\":{\"smsTemplate\":3}}", "translations.vi.smsTemplate: a text is wanted"},
    {"{\"vi\":{\"smstemplate\":\"{otp}\"}}",
     "translations.vi: a translation has no \"smstemplate\"; did you mean smsTemplate?"},
    {"{\"vi\":{\"otpLength\":\"6\"}}", "translations.vi: a translation has no \"otpLength\""},
    {"{\"en\":{\"smsTemplate\":\"{otp}\"}}", "translations.en: it is the brand's own language"},
    {"{\"vi\":{}}",
     "translations.vi: texts by their names are wanted, as in {\"smsTemplate\":\"…\"}"},
    {"{\"VI\":{\"smsTemplate\":\"{otp}\"}}",
     "translations.VI: it is no language, spelt as in vi, pt-BR or zh-Hant"},
    {"{\"aa\":1,\"bb\":1,\"cc\":1,\"dd\":1,\"ee\":1,\"ff\":1,\"gg\":1,\"hh\":1,\"ii\":1}",
     "translations: more than 8 languages"},
};

static void what_is_wrong_is_named_by_its_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct brand_settings settings;
        struct err_info info;
        brand_settings_init(&settings);
        set(&settings, "language", "en");
        set(&settings, "translations", refusals[i].json);
        assert_int_equal(brand_settings_validate(&settings, &info), ERR_INVALID);
        assert_string_equal(info.text, refusals[i].story);
    }
}

static void one_text_is_put_and_taken_out(void **state)
{
    static const struct {
        const char *path;
        const char *text; // NULL: out
        const char *after;
    } steps[] = {
        {"vi.smsTemplate", "{otp} \"vi\"", "{\"vi\":{\"smsTemplate\":\"{otp} \\\"vi\\\"\"}}"},
        {"ar.smsTemplate", "{otp}",
         "{\"ar\":{\"smsTemplate\":\"{otp}\"},\"vi\":{\"smsTemplate\":\"{otp} \\\"vi\\\"\"}}"},
        {"vi.emailSubject", "Code",
         "{\"ar\":{\"smsTemplate\":\"{otp}\"},\"vi\":{\"emailSubject\":\"Code\",\"smsTemplate\":"
         "\"{otp} \\\"vi\\\"\"}}"},
        {"vi.smsTemplate", "null",
         "{\"ar\":{\"smsTemplate\":\"{otp}\"},\"vi\":{\"emailSubject\":\"Code\"}}"},
        {"ar", NULL, "{\"vi\":{\"emailSubject\":\"Code\"}}"},
        {"fr.smsTemplate", NULL, "{\"vi\":{\"emailSubject\":\"Code\"}}"},
        {"vi.emailSubject", NULL, ""},
    };
    struct brand_settings settings;
    (void)state;
    brand_settings_init(&settings);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct span text = steps[i].text == NULL ? span_make(NULL, 0) : span_of_text(steps[i].text);
        assert_int_equal(
            brand_translations_edit(&settings, span_of_text(steps[i].path), text, NULL), ERR_OK);
        assert_string_equal(settings.translations, steps[i].after);
    }
}

static void a_path_that_is_none_is_refused(void **state)
{
    static const char *const paths[] = {"vi", "vi.", "xx-", "Vi.smsTemplate", ".smsTemplate"};
    struct brand_settings settings;
    struct err_info info;
    (void)state;
    brand_settings_init(&settings);
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        assert_int_equal(
            brand_translations_edit(&settings, span_of_text(paths[i]), SPAN("{otp}"), &info),
            ERR_INVALID);
        assert_non_null(strstr(info.text, "a language and a text are wanted"));
        assert_string_equal(settings.translations, "");
    }
}

static void more_than_there_is_room_for_is_refused(void **state)
{
    static struct brand_settings settings;
    static char text[BRAND_TRANSLATIONS_BYTES_MAX + 1];
    struct err_info info;
    (void)state;
    brand_settings_init(&settings);
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(
        brand_translations_edit(&settings, SPAN("vi.smsTemplate"), span_of_text(text), &info),
        ERR_INVALID);
    assert_string_equal(info.text, "translations: together they have more than 8191 bytes");
}

// Each is within its range.
static void all_together_is_bounded_too(void **state)
{
    static struct brand_settings settings;
    struct err_info info;
    (void)state;
    brand_settings_init(&settings);
    memset(settings.words.channels[CHANNEL_WHATSAPP].template, '\n', 1023);
    memcpy(settings.words.channels[CHANNEL_WHATSAPP].template, "{otp}", 5);
    memset(settings.words.channels[CHANNEL_ZALO].template, '"', 1023);
    memcpy(settings.words.channels[CHANNEL_ZALO].template, "{otp}", 5);
    assert_int_equal(brand_settings_validate(&settings, NULL), ERR_OK);
    for (int i = 0; i < 8; i++) {
        char path[] = "va.emailTemplate";
        char text[951] = "{otp}";
        path[1] = (char)('a' + i);
        memset(text + 5, 'x', sizeof text - 6);
        assert_int_equal(
            brand_translations_edit(&settings, span_of_text(path), span_of_text(text), NULL),
            ERR_OK);
    }
    assert_int_equal(brand_settings_validate(&settings, NULL), ERR_OK);
    memset(settings.words.channels[CHANNEL_EMAIL].template, '"', 1023);
    memcpy(settings.words.channels[CHANNEL_EMAIL].template, "{otp}", 5);
    assert_int_equal(brand_settings_validate(&settings, &info), ERR_INVALID);
    assert_string_equal(info.text, "settings: as JSON they have more than 14000 bytes together");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wish_gets_what_fits_best),
        cmocka_unit_test(without_a_language_none_is_told),
        cmocka_unit_test(a_header_asks_for_what_there_is),
        cmocka_unit_test(all_together_is_bounded_too),
        cmocka_unit_test(what_is_wrong_is_named_by_its_path),
        cmocka_unit_test(one_text_is_put_and_taken_out),
        cmocka_unit_test(a_path_that_is_none_is_refused),
        cmocka_unit_test(more_than_there_is_room_for_is_refused),
    };
    return cmocka_run_group_tests_name("brand_text", tests, NULL, NULL);
}
