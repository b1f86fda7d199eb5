// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "channel/sms_lint.h"

struct row {
    const char *source;
    bool is_sound;
    const char *lines;
};

static const struct row rows[] = {
    {"{otp} is your {brand} code, valid for {minutes} minutes.", true,
     "1 SMS: 49 of 160 characters of GSM-7, 49 bytes\n"},
    {"M\xC3\xA3 {brand}: {otp}", true,
     "1 SMS: 18 of 70 units of UCS-2, 19 bytes\n"
     "not GSM-7 because of \"\xC3\xA3\": 70 units to an SMS instead of 160\n"},
    {"{otp}\n\n@login.example.com #{otp}", true,
     "1 SMS: 34 of 160 characters of GSM-7, 34 bytes\n"
     "browsers fill the code in at login.example.com\n"},
    {"{otp}\n@login.example.com #{otp}\nThanks", false,
     "1 SMS: 40 of 160 characters of GSM-7, 40 bytes\n"
     "a line begins with \"@\", but browsers fill a code in only if the text ends in "
     "\"@host #{otp}\"\n"},
    {"<#> {otp}\nFA+9qCX9VSu", true,
     "1 SMS: 22 of 160 characters of GSM-7, 22 bytes\n"
     "Android hands it to the app with the hash at its end\n"},
    {"<#> {otp}\nFA+9qCX9VS", false,
     "1 SMS: 21 of 160 characters of GSM-7, 21 bytes\n"
     "it begins with \"<#>\", but Android hands it to an app only if it has at most 140 bytes and "
     "ends in the app's hash of 11 characters\n"},
};

static void templates_are_told_about(void **state)
{
    static const struct code code = {.length = 6, .digits = "888888"};
    const struct template_values values = {&code, SPAN("DocDemo"), 5};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t room[SMS_LINT_BYTES_MAX];
        struct strbuf out = strbuf_over(room, sizeof room);
        struct template template;
        assert_int_equal(template_compile(span_of_text(rows[i].source), &template, NULL), ERR_OK);
        bool is_sound = sms_lint(&template, &values, &out);
        if (is_sound != rows[i].is_sound ||
            !span_eq(strbuf_span(&out), span_of_text(rows[i].lines)))
            fail_msg("%s:\n%.*s", rows[i].source, (int)out.len, (const char *)out.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(templates_are_told_about)};
    return cmocka_run_group_tests_name("channel/sms_lint", tests, NULL, NULL);
}
