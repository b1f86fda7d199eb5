// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "channel/sms_lint.h"

struct row {
    const char *source;
    const char *lines; // each after the first letter of its level
};

static const struct row rows[] = {
    {"{otp} is your {brand} code, valid for {minutes} minutes.",
     "F1 SMS: 49 of 160 characters of GSM-7, 49 bytes\n"},
    {"M\xC3\xA3 {brand}: {otp}",
     "F1 SMS: 18 of 70 units of UCS-2, 19 bytes\n"
     "Fnot GSM-7 because of \"\xC3\xA3\": 70 units to an SMS instead of 160\n"},
    {"M\xC3\xA3 {otp}, {brand} {brand} {brand} {brand} {brand} {brand} {brand} {brand} {brand}",
     "A2 SMS: 82 of 134 units of UCS-2, 83 bytes\n"
     "Anot GSM-7 because of \"\xC3\xA3\": 70 units to an SMS instead of 160\n"},
    {"{otp}\n\n@login.example.com #{otp}", "F1 SMS: 34 of 160 characters of GSM-7, 34 bytes\n"
                                           "Fbrowsers fill the code in at login.example.com\n"},
    {"{otp}\n@login.example.com #{otp}\nThanks",
     "F1 SMS: 40 of 160 characters of GSM-7, 40 bytes\n"
     "!a line begins with \"@\", but browsers fill a code in only if the text ends in "
     "\"@host #{otp}\"\n"},
    {"<#> {otp}\nFA+9qCX9VSu", "F1 SMS: 22 of 160 characters of GSM-7, 22 bytes\n"
                               "FAndroid hands it to the app with the hash at its end\n"},
    {"<#> {otp}\nFA+9qCX9VS",
     "F1 SMS: 21 of 160 characters of GSM-7, 21 bytes\n"
     "!it begins with \"<#>\", but Android hands it to an app only if it has at most 140 bytes and "
     "ends in the app's hash of 11 characters\n"},
};

static void on_line(void *ctx, enum lint_level level, struct span line)
{
    static const char levels[] = {[LINT_FACT] = 'F', [LINT_ADVICE] = 'A', [LINT_FAULT] = '!'};
    strbuf_put_byte(ctx, (uint8_t)levels[level]);
    strbuf_put(ctx, line);
    strbuf_put_byte(ctx, '\n');
}

static void templates_are_told_about(void **state)
{
    static const struct code code = {.length = 6, .digits = "888888"};
    const struct template_values values = {&code, SPAN("DocDemo"), 5};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t room[1024];
        struct strbuf out = strbuf_over(room, sizeof room);
        const struct lint_sink sink = {on_line, &out};
        struct template template;
        assert_int_equal(template_compile(span_of_text(rows[i].source), &template, NULL), ERR_OK);
        sms_lint(&template, &values, &sink);
        if (!span_eq(strbuf_span(&out), span_of_text(rows[i].lines)))
            fail_msg("%s:\n%.*s", rows[i].source, (int)out.len, (const char *)out.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(templates_are_told_about)};
    return cmocka_run_group_tests_name("channel/sms_lint", tests, NULL, NULL);
}
