// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct code code = {.length = 6, .digits = "012345"};

static const char *compile_error(const char *source)
{
    static struct err_info info;
    struct template template;
    info.text[0] = '\0';
    enum err err = template_compile(span_of_text(source), &template, &info);
    assert_true(err == ERR_OK || err == ERR_INVALID);
    assert_true((err == ERR_OK) == (info.text[0] == '\0'));
    return info.text;
}

static void render(const char *source, struct span brand, struct message *out)
{
    struct template template;
    const struct template_values values = {&code, brand, 20};
    assert_int_equal(template_compile(span_of_text(source), &template, NULL), ERR_OK);
    message_init(out);
    template_render(&template, &values, out);
}

static void assert_renders(const char *source, const char *brand, const char *expected)
{
    struct message message;
    render(source, span_of_text(brand), &message);
    struct span text = message_reveal(&message);
    assert_false(message.is_overflowed);
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.data, expected, text.len);
    message_wipe(&message);
}

struct render_case {
    const char *source;
    const char *brand;
    const char *expected;
};

static const struct render_case render_cases[] = {
    {"{otp}", "DocDemo", "012345"},
    {"{otp} is your {brand} code, valid for {minutes} minutes.", "DocDemo",
     "012345 is your DocDemo code, valid for 20 minutes."},
    {"{otp}{otp}", "", "012345012345"},
    {"Code: {otp}\n\n@login.example.com #{otp}", "", "Code: 012345\n\n@login.example.com #012345"},
    {"{{otp}} {otp} {{{otp}}}", "", "{otp} 012345 {012345}"},
    {"}}{{{otp}", "", "}{012345"},
    {"{brand}{otp}", "{otp}", "{otp}012345"},
    {"{brand}{otp}", "{{minutes}} %s%n ${x}", "{{minutes}} %s%n ${x}012345"},
    {"{brand}{otp}", "}{", "}{012345"},
    {"M\xC3\xA3 c\xE1\xBB\xA7"
     "a b\xE1\xBA\xA1n: {otp}",
     "",
     "M\xC3\xA3 c\xE1\xBB\xA7"
     "a b\xE1\xBA\xA1n: 012345"},
    {"100% {otp} %d", "", "100% 012345 %d"},
};

static void templates_render(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof render_cases / sizeof render_cases[0]; i++)
        assert_renders(render_cases[i].source, render_cases[i].brand, render_cases[i].expected);
}

struct error_case {
    const char *source;
    const char *story;
};

#define UNKNOWN_TAG "template: unknown tag (known are {otp}, {brand}, {minutes}; \"{{\" is a brace)"

static const struct error_case error_cases[] = {
    {"", "template: no {otp} in it"},
    {"your code", "template: no {otp} in it"},
    {"{{otp}}", "template: no {otp} in it"},
    {"{brand}", "template: no {otp} in it"},
    {"{otp} {", "template: \"{\" without \"}\" at byte 7"},
    {"{otp", "template: \"{\" without \"}\" at byte 1"},
    {"{otp} {{{", "template: \"{\" without \"}\" at byte 9"},
    {"{otp} }", "template: \"}\" without \"{\" (\"}}\" is a brace) at byte 7"},
    {"{otp}}", "template: \"}\" without \"{\" (\"}}\" is a brace) at byte 6"},
    {"{otp} {code}", UNKNOWN_TAG " at byte 7"},
    {"{OTP}", UNKNOWN_TAG " at byte 1"},
    {"{ otp }", UNKNOWN_TAG " at byte 1"},
    {"{}", UNKNOWN_TAG " at byte 1"},
    {"{otp{brand}", UNKNOWN_TAG " at byte 1"},
    {"{otp}\r\n", "template: control character at byte 6"},
    {"\t{otp}", "template: control character at byte 1"},
    {"{otp} \x1b", "template: control character at byte 7"},
    {"{otp}\x7F", "template: control character at byte 6"},
    {"{otp\n}", UNKNOWN_TAG " at byte 1"},
};

static void bad_templates_are_refused_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof error_cases / sizeof error_cases[0]; i++)
        assert_string_equal(compile_error(error_cases[i].source), error_cases[i].story);
}

static void nul_is_a_control_character(void **state)
{
    struct template template;
    struct err_info info;
    (void)state;
    assert_int_equal(template_compile(SPAN("{otp}\0"), &template, &info), ERR_INVALID);
    assert_string_equal(info.text, "template: control character at byte 6");
}

static void longest_source_compiles_and_a_longer_one_does_not(void **state)
{
    char source[TEMPLATE_SOURCE_BYTES_MAX + 1];
    struct template template;
    struct err_info info;
    (void)state;
    memset(source, 'x', sizeof source);
    memcpy(source, "{otp}", 5);
    assert_int_equal(template_compile(span_make(source, sizeof source - 1), &template, &info),
                     ERR_OK);
    assert_int_equal(template_compile(span_make(source, sizeof source), &template, &info),
                     ERR_INVALID);
    assert_string_equal(info.text, "template: longer than 1024 bytes");
}

static void most_parts_compile_and_more_do_not(void **state)
{
    char source[5 * (TEMPLATE_PARTS_MAX + 1) + 1];
    (void)state;
    for (size_t i = 0; i <= TEMPLATE_PARTS_MAX; i++)
        memcpy(source + 5 * i, "{otp}", 6);
    assert_string_equal(compile_error(source), "template: more than 32 parts at byte 161");
    source[sizeof source - 6] = '\0';
    assert_string_equal(compile_error(source), "");
}

static void too_long_a_message_is_marked(void **state)
{
    char brand[MESSAGE_TEXT_BYTES_MAX];
    struct message message;
    (void)state;
    memset(brand, 'b', sizeof brand);
    render("{brand}{otp}", span_make(brand, MESSAGE_TEXT_BYTES_MAX - 6), &message);
    assert_false(message.is_overflowed);
    assert_int_equal(message_reveal(&message).len, MESSAGE_TEXT_BYTES_MAX);
    render("{brand}{otp}", span_make(brand, MESSAGE_TEXT_BYTES_MAX - 5), &message);
    assert_true(message.is_overflowed);
    message_wipe(&message);
}

// Whatever is compiled either is refused or renders without reading past its source.
static void any_source_is_safe(void **state)
{
    static const char alphabet[] = "{}otpbrandminutes{otp}{brand}{minutes}\n\x01";
    uint64_t seed = 7;
    unsigned compiled = 0;
    (void)state;
    for (unsigned round = 0; round < 50000; round++) {
        char source[24];
        struct template template;
        struct message message;
        const struct template_values values = {&code, SPAN("{otp}"), 1};
        size_t len = 0;
        while (len + 9 < sizeof source) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            size_t pick = (size_t)(seed >> 33) % 40;
            size_t part = pick < 32 ? 1 : pick < 36 ? 5 : 7;
            memcpy(source + len,
                   part == 1   ? alphabet + pick
                   : part == 5 ? "{otp}"
                               : "{brand}",
                   part);
            len += part;
        }
        if (template_compile(span_make(source, len), &template, NULL) != ERR_OK)
            continue;
        compiled++;
        message_init(&message);
        template_render(&template, &values, &message);
        assert_non_null(memmem(message.bytes, message.len, "012345", 6));
        assert_true(message.len <= len * 2);
    }
    assert_true(compiled > 100);
}

static void a_subject_is_one_line_and_may_lack_the_code(void **state)
{
    struct template template;
    struct err_info info;
    (void)state;
    assert_int_equal(template_compile_subject(SPAN("Your {brand} code"), &template, NULL), ERR_OK);
    assert_false(template_has_otp(&template));
    assert_int_equal(template_compile_subject(SPAN("{otp}"), &template, NULL), ERR_OK);
    assert_true(template_has_otp(&template));
    assert_int_equal(template_compile_subject(SPAN("a\nBcc: b"), &template, &info), ERR_INVALID);
    assert_string_equal(info.text, "template: a second line at byte 2");
    assert_int_equal(template_compile_subject(SPAN("a\rb"), &template, &info), ERR_INVALID);
    assert_string_equal(info.text, "template: control character at byte 2");
    assert_int_equal(template_compile_subject(SPAN(""), &template, &info), ERR_INVALID);
    assert_string_equal(info.text, "template: it is empty");
}

static void the_longest_text_is_known_before_there_is_one(void **state)
{
    static const struct code longest = {.length = CODE_DIGITS_MAX, .digits = "8888888888"};
    static const char *const sources[] = {"{otp}", "{{{otp}}} {brand}, {brand}",
                                          "{minutes} {otp} \xC3\xA3"};
    (void)state;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        struct template template;
        struct message message;
        const struct template_values values = {&longest, SPAN("brand"), 1440};
        assert_int_equal(template_compile(span_of_text(sources[i]), &template, NULL), ERR_OK);
        message_init(&message);
        template_render(&template, &values, &message);
        assert_int_equal(template_bytes_longest(&template, 5), message.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_render),
        cmocka_unit_test(bad_templates_are_refused_with_their_place),
        cmocka_unit_test(nul_is_a_control_character),
        cmocka_unit_test(longest_source_compiles_and_a_longer_one_does_not),
        cmocka_unit_test(most_parts_compile_and_more_do_not),
        cmocka_unit_test(too_long_a_message_is_marked),
        cmocka_unit_test(any_source_is_safe),
        cmocka_unit_test(a_subject_is_one_line_and_may_lack_the_code),
        cmocka_unit_test(the_longest_text_is_known_before_there_is_one),
    };
    return cmocka_run_group_tests_name("channel/template", tests, NULL, NULL);
}
