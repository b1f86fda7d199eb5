// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/option.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct sample {
    uint32_t before;
    uint32_t size;
    uint32_t limit_minutes;
    bool is_open;
    uint32_t color;
    char title[9];
    char note[5];
    char text[5];
    char password[17];
    uint32_t after;
};

static const char *const colors[] = {"RED", "GREEN", "BLUE", NULL};
static const char *const switches[] = {"on", "off", NULL};

static const struct option sample_options[] = {
    {.name = "size",
     .type = OPTION_U32,
     .preset = "6",
     .least = 4,
     .most = 10,
     .offset = offsetof(struct sample, size),
     .help = "size"},
    {.name = "limitMinutes",
     .type = OPTION_U32,
     .unit = "minutes",
     .least = 1,
     .most = UINT32_MAX,
     .offset = offsetof(struct sample, limit_minutes),
     .is_nullable = true,
     .help = "limit"},
    {.name = "isOpen",
     .type = OPTION_BOOL,
     .preset = "true",
     .offset = offsetof(struct sample, is_open),
     .help = "open"},
    {.name = "color",
     .type = OPTION_CHOICE,
     .preset = "GREEN",
     .choices = colors,
     .offset = offsetof(struct sample, color),
     .help = "color"},
    {.name = "title",
     .type = OPTION_TEXT,
     .preset = "none",
     .offset = offsetof(struct sample, title),
     .capacity = 9,
     .help = "title"},
    {.name = "note",
     .type = OPTION_TEXT,
     .unit = "note",
     .offset = offsetof(struct sample, note),
     .capacity = 5,
     .is_nullable = true,
     .help = "note"},
    {.name = "text",
     .type = OPTION_TEXT,
     .preset = "",
     .offset = offsetof(struct sample, text),
     .capacity = 5,
     .has_lines = true,
     .help = "text"},
    {.name = "password",
     .type = OPTION_TEXT,
     .offset = offsetof(struct sample, password),
     .capacity = 17,
     .is_nullable = true,
     .is_secret = true,
     .help = "password"},
};

static const struct option_table table = {sample_options, COUNT_OF(sample_options)};

static struct sample fresh_sample(void)
{
    struct sample sample;
    memset(&sample, 0xA5, sizeof sample);
    option_table_preset(table, &sample);
    return sample;
}

static const struct option *xfind(const char *name)
{
    const struct option *option = option_find(table, span_of_text(name));
    assert_non_null(option);
    return option;
}

static void assert_shows(const char *name, const struct sample *sample, const char *expected)
{
    char storage[64] = {0};
    struct strbuf out = strbuf_over(storage, sizeof storage - 1);
    option_show(xfind(name), sample, &out);
    assert_string_equal(storage, expected);
}

// Shown to nobody, and yet handed on.
static void test_a_secret_is_put_as_it_is(void **state)
{
    (void)state;
    char storage[64] = {0};
    struct strbuf out = strbuf_over(storage, sizeof storage - 1);
    struct sample sample = fresh_sample();
    assert_int_equal(option_set(xfind("password"), &sample, SPAN("hunter2"), NULL), ERR_OK);
    assert_shows("password", &sample, "***");
    option_put_text(xfind("password"), &sample, &out);
    option_put_text(xfind("size"), &sample, &out);
    option_put_text(xfind("note"), &sample, &out);
    assert_string_equal(storage, "hunter26null");
}

static void test_preset_fills_every_value_and_nothing_else(void **state)
{
    (void)state;
    struct sample sample = fresh_sample();
    assert_int_equal(sample.before, 0xA5A5A5A5);
    assert_int_equal(sample.size, 6);
    assert_int_equal(sample.limit_minutes, 0);
    assert_true(sample.is_open);
    assert_int_equal(sample.color, 1);
    assert_string_equal(sample.title, "none");
    assert_string_equal(sample.note, "");
    assert_int_equal(sample.after, 0xA5A5A5A5);
    for (size_t i = 0; i < table.count; i++)
        assert_true(option_is_preset(&table.options[i], &sample));
}

struct set_case {
    const char *name;
    const char *text;
    const char *shown; // NULL: refused
};

static const struct set_case set_cases[] = {
    {"size", "4", "4"},
    {"size", "10", "10"},
    {"size", "007", "7"},
    {"size", "3", NULL},
    {"size", "11", NULL},
    {"size", "", NULL},
    {"size", "-5", NULL},
    {"size", "+5", NULL},
    {"size", " 5", NULL},
    {"size", "5.0", NULL},
    {"size", "4294967301", NULL},
    {"size", "18446744073709551621", NULL},
    {"size", "null", NULL},
    {"limitMinutes", "1", "1"},
    {"limitMinutes", "4294967295", "4294967295"},
    {"limitMinutes", "4294967296", NULL},
    {"limitMinutes", "0", NULL},
    {"limitMinutes", "null", "null"},
    {"limitMinutes", "Null", NULL},
    {"isOpen", "true", "true"},
    {"isOpen", "false", "false"},
    {"isOpen", "yes", NULL},
    {"isOpen", "TRUE", NULL},
    {"isOpen", "null", NULL},
    {"color", "RED", "RED"},
    {"color", "BLUE", "BLUE"},
    {"color", "blue", NULL},
    {"color", "BLU", NULL},
    {"color", "", NULL},
    {"title", "", ""},
    {"title", "12345678", "12345678"},
    {"title", "123456789", NULL},
    {"title", "null", "null"},
    {"title", "\xC3\xA9t\xC3\xA9", "\xC3\xA9t\xC3\xA9"},
    {"title", "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
    {"title", "a\nb", NULL},
    {"title", "a\tb", NULL},
    {"title", "a\x7F", NULL},
    {"title", "a\xC2\x85", NULL},        // C1 control
    {"title", "a\xC2\xA0", "a\xC2\xA0"}, // first after the C1 controls
    {"title", "a\xC3", NULL},            // cut short
    {"title", "\xC0\xAF", NULL},         // overlong
    {"title", "\xE0\x9F\xBF", NULL},     // overlong
    {"title", "\xED\xA0\x80", NULL},     // surrogate
    {"title", "\xF4\x90\x80\x80", NULL}, // past U+10FFFF
    {"title", "\xE2\x82x", NULL},
    {"title", "\x80", NULL},
    {"title", "\xFF", NULL},
    {"note", "abcd", "abcd"},
    {"note", "abcde", NULL},
    {"note", "null", "null"},
    {"note", "", "null"},
    {"text", "a\nb\n", "a\nb\n"},
    {"text", "a\r\nb", NULL},
    {"text", "a\tb", NULL},
    {"password", "hunter2", "***"},
    {"password", "null", "null"},
};

static void test_set_takes_what_is_in_range_and_leaves_the_value_alone_otherwise(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(set_cases); i++) {
        const struct set_case *c = &set_cases[i];
        struct sample sample = fresh_sample();
        struct sample before = sample;
        struct err_info info = {"untouched"};
        enum err err = option_set(xfind(c->name), &sample, span_of_text(c->text), &info);
        if (c->shown == NULL) {
            assert_int_equal(err, ERR_INVALID);
            assert_memory_equal(&sample, &before, sizeof sample);
            assert_memory_equal(info.text, c->name, strlen(c->name));
            continue;
        }
        assert_int_equal(err, ERR_OK);
        assert_shows(c->name, &sample, c->shown);
        assert_int_equal(sample.before, 0xA5A5A5A5);
        assert_int_equal(sample.after, 0xA5A5A5A5);
    }
}

static void test_set_refuses_nul_inside_text(void **state)
{
    (void)state;
    struct sample sample = fresh_sample();
    assert_int_equal(option_set(xfind("title"), &sample, SPAN("a\0b"), NULL), ERR_INVALID);
    assert_string_equal(sample.title, "none");
}

static void test_shorter_text_leaves_nothing_of_the_longer_one(void **state)
{
    (void)state;
    struct sample sample = fresh_sample();
    assert_int_equal(option_set(xfind("password"), &sample, SPAN("0123456789abcdef"), NULL),
                     ERR_OK);
    assert_int_equal(option_set(xfind("password"), &sample, SPAN("x"), NULL), ERR_OK);
    assert_memory_equal(sample.password, "x\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 17);
    assert_int_equal(option_set(xfind("password"), &sample, SPAN("null"), NULL), ERR_OK);
    assert_memory_equal(sample.password, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 17);
}

struct story_case {
    const char *name;
    const char *text;
    const char *story;
};

static const struct story_case story_cases[] = {
    {"size", "65", "size: \"65\" is not 4 to 10"},
    {"limitMinutes", "0", "limitMinutes: \"0\" is not 1 to 4294967295 minutes, or null"},
    {"isOpen", "yes", "isOpen: \"yes\" is not true or false"},
    {"color", "green", "color: \"green\" is not RED, GREEN or BLUE"},
    {"title", "a\x1B[2J",
     "title: \"a?[2J\" is not text of at most 8 bytes, in UTF-8 without control characters"},
    {"note", "\xC3\xA9\xC3\xA9\xC3",
     "note: \"\xC3\xA9\xC3\xA9?\" is not note of at most 4 bytes, in UTF-8 without control "
     "characters, or null"},
    {"text", "\r",
     "text: \"?\" is not text of at most 4 bytes, in UTF-8 without control characters but line "
     "feeds"},
    {"password", "much too long to be one",
     "password: the value is not text of at most 16 bytes, in UTF-8 without control characters, "
     "or null"},
    {"size", "1234567890123456789012345678901234567890123456\xC3\xA9 is too long",
     "size: \"1234567890123456789012345678901234567890123456\xC3\xA9…\" is not 4 to 10"},
};

static void test_a_refusal_names_option_value_and_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(story_cases); i++) {
        struct sample sample = fresh_sample();
        struct err_info info;
        const struct story_case *c = &story_cases[i];
        assert_int_equal(option_set(xfind(c->name), &sample, span_of_text(c->text), &info),
                         ERR_INVALID);
        assert_string_equal(info.text, c->story);
    }
}

static void test_a_choice_of_two_is_described_with_or(void **state)
{
    (void)state;
    struct option option = {.name = "x", .type = OPTION_CHOICE, .choices = switches};
    char storage[32] = {0};
    struct strbuf out = strbuf_over(storage, sizeof storage - 1);
    option_describe_range(&option, &out);
    assert_string_equal(storage, "on or off");
}

static void test_find_is_exact(void **state)
{
    (void)state;
    assert_ptr_equal(option_find(table, SPAN("size")), &sample_options[0]);
    assert_null(option_find(table, SPAN("Size")));
    assert_null(option_find(table, SPAN("siz")));
    assert_null(option_find(table, SPAN("sizes")));
    assert_null(option_find(table, SPAN("")));
}

struct nearest_case {
    const char *name;
    const char *nearest;
};

static const struct nearest_case nearest_cases[] = {
    {"limitMinute", "limitMinutes"},
    {"limitminutes", "limitMinutes"},
    {"limtMinuets", "limitMinutes"},
    {"limit", NULL},
    {"colour", "color"},
    {"Color", "color"},
    {"sise", "size"},
    {"s", NULL},
    {"xyz", NULL},
    {"tilte", NULL},
    {"titel", NULL},
    {"titl", "title"},
    {"pasword", "password"},
    {"isopne", "isOpen"},
    {"", NULL},
};

static void test_nearest_suggests_only_what_is_near(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(nearest_cases); i++) {
        const struct nearest_case *c = &nearest_cases[i];
        const struct option *nearest = option_nearest(table, span_of_text(c->name));
        if (c->nearest == NULL)
            assert_null(nearest);
        else
            assert_string_equal(nearest->name, c->nearest);
    }
}

static void test_nearest_is_not_slowed_by_a_huge_name(void **state)
{
    (void)state;
    char name[65];
    memset(name, 'a', sizeof name);
    assert_null(option_nearest(table, span_make(name, sizeof name)));
}

static void test_equal_and_preset_follow_the_value(void **state)
{
    (void)state;
    struct sample a = fresh_sample();
    struct sample b = fresh_sample();
    const char *const changes[] = {"7", "9", "false", "BLUE", "some", "n", "t", "p"};
    assert_int_equal(COUNT_OF(changes), table.count);
    for (size_t i = 0; i < table.count; i++) {
        const struct option *option = &table.options[i];
        assert_true(option_is_equal(option, &a, &b));
        assert_int_equal(option_set(option, &b, span_of_text(changes[i]), NULL), ERR_OK);
        assert_false(option_is_equal(option, &a, &b));
        assert_false(option_is_preset(option, &b));
    }
}

static void test_a_null_is_not_the_text_of_the_same_spelling(void **state)
{
    (void)state;
    struct sample sample = fresh_sample();
    assert_int_equal(option_set(xfind("title"), &sample, SPAN("null"), NULL), ERR_OK);
    assert_string_equal(sample.title, "null");
    assert_int_equal(option_set(xfind("note"), &sample, SPAN("null"), NULL), ERR_OK);
    assert_string_equal(sample.note, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_secret_is_put_as_it_is),
        cmocka_unit_test(test_preset_fills_every_value_and_nothing_else),
        cmocka_unit_test(test_set_takes_what_is_in_range_and_leaves_the_value_alone_otherwise),
        cmocka_unit_test(test_set_refuses_nul_inside_text),
        cmocka_unit_test(test_shorter_text_leaves_nothing_of_the_longer_one),
        cmocka_unit_test(test_a_refusal_names_option_value_and_range),
        cmocka_unit_test(test_a_choice_of_two_is_described_with_or),
        cmocka_unit_test(test_find_is_exact),
        cmocka_unit_test(test_nearest_suggests_only_what_is_near),
        cmocka_unit_test(test_nearest_is_not_slowed_by_a_huge_name),
        cmocka_unit_test(test_equal_and_preset_follow_the_value),
        cmocka_unit_test(test_a_null_is_not_the_text_of_the_same_spelling),
    };
    return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
