// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "unit/unit.h"

#include "base/span.h"
#include "channel/reason.h"

// They stand after a colon and before whatever follows.
static void assert_clause(const char *reason, const char *text)
{
    struct span clause = span_of_text(text);
    if (clause.len == 0)
        fail_msg("%s: nothing is said", reason);
    uint8_t last = clause.data[clause.len - 1];
    bool is_capital = clause.data[0] >= 'A' && clause.data[0] <= 'Z';
    if (is_capital || last == '.' || last == ' ')
        fail_msg("%s: \"%s\" is no clause", reason, text);
}

static void every_reason_says_what_is_wrong_and_what_to_do(void **state)
{
    (void)state;
    for (enum send_reason reason = 0; reason < SEND_REASON_COUNT_; reason++) {
        const char *name = send_reason_name(reason);
        assert_clause(name, send_reason_sentence(reason));
        assert_clause(name, send_reason_advice(reason));
    }
}

static void what_is_refused_has_somebody_to_act(void **state)
{
    (void)state;
    for (enum send_reason reason = 0; reason < SEND_REASON_COUNT_; reason++)
        assert_row_equal(send_reason_name(reason), send_reason_class(reason) == SEND_CLASS_NONE,
                         reason == SEND_REASON_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_says_what_is_wrong_and_what_to_do),
        cmocka_unit_test(what_is_refused_has_somebody_to_act),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
