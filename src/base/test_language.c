// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/language.h"

#include "unit/unit.h"

static void tags_are_spelt_in_one_way(void **state)
{
    static const char *const good[] = {"en", "vi", "fil", "pt-BR", "es-419", "zh-Hant"};
    static const char *const bad[] = {
        "",        "e",       "engl",  "EN",      "pt-br", "pt_BR",   "pt-",    "-BR",
        "zh-hant", "zh-HANT", "es-41", "es-4190", "e1",    "pt-BR-x", "en\r\n", "zh-Hant-HK",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(language_is_tag(span_of_text(good[i])));
        assert_true(strlen(good[i]) <= LANGUAGE_BYTES_MAX);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(language_is_tag(span_of_text(bad[i])));
}

static void direction_is_the_scripts_else_the_languages(void **state)
{
    static const char *const rtl[] = {"ar", "ar-EG", "he", "ur", "fa-IR", "az-Arab"};
    static const char *const ltr[] = {"en", "hi", "vi", "az", "ks-Deva", "ar-Latn", ""};
    (void)state;
    for (size_t i = 0; i < sizeof rtl / sizeof rtl[0]; i++)
        assert_true(language_is_rtl(span_of_text(rtl[i])));
    for (size_t i = 0; i < sizeof ltr / sizeof ltr[0]; i++)
        assert_false(language_is_rtl(span_of_text(ltr[i])));
}

static void the_very_tag_fits_better_than_its_language(void **state)
{
    static const struct {
        const char *wish;
        const char *tag;
        unsigned fit;
    } rows[] = {
        {"pt-BR", "pt-BR", 3}, {"PT-br", "pt-BR", 3}, {"pt-BR", "pt", 2}, {"pt", "pt", 3},
        {"pt", "pt-BR", 1},    {"pt-PT", "pt-BR", 1}, {"en", "vi", 0},    {"e", "en", 0},
        {"", "en", 0},         {"en", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(language_fit(span_of_text(rows[i].wish), span_of_text(rows[i].tag)),
                         rows[i].fit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_spelt_in_one_way),
        cmocka_unit_test(direction_is_the_scripts_else_the_languages),
        cmocka_unit_test(the_very_tag_fits_better_than_its_language),
    };
    return cmocka_run_group_tests_name("language", tests, NULL, NULL);
}
