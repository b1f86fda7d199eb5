// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "outbox/breaker.h"

#include "sim/seeded.h"
#include "unit/unit.h"

static struct mono at(int64_t ms)
{
    return (struct mono){ms};
}

static void fail_often(struct breaker *breaker, unsigned times, int64_t at_ms)
{
    for (unsigned i = 0; i < times; i++)
        breaker_note(breaker, true, at(at_ms));
}

static void closed_at_first(void **state)
{
    const struct breaker breaker = {0};
    (void)state;
    assert_int_equal(breaker_state_at(&breaker, at(0)), BREAKER_CLOSED);
    assert_int_equal(breaker_rest_ms(&breaker, at(0)), 0);
}

static void five_in_a_row_open_it(void **state)
{
    struct breaker breaker = {0};
    (void)state;
    fail_often(&breaker, BREAKER_FAILURES_MAX - 1, 100);
    breaker_note(&breaker, false, at(100));
    fail_often(&breaker, BREAKER_FAILURES_MAX - 1, 100);
    assert_int_equal(breaker_state_at(&breaker, at(100)), BREAKER_CLOSED);
    breaker_note(&breaker, true, at(100));
    assert_int_equal(breaker_state_at(&breaker, at(100)), BREAKER_OPEN);
    assert_int_equal(breaker_rest_ms(&breaker, at(101)), BREAKER_FIRST_MS - 1);
}

static void most_of_the_last_twenty_open_it(void **state)
{
    struct breaker breaker = {0};
    (void)state;
    for (unsigned i = 0; i < BREAKER_RECENT; i++)
        breaker_note(&breaker, i % 2 == 0, at(1)); // half of them
    assert_int_equal(breaker_state_at(&breaker, at(1)), BREAKER_CLOSED);
    breaker_note(&breaker, true, at(1)); // in the place of a failure
    assert_int_equal(breaker_state_at(&breaker, at(1)), BREAKER_CLOSED);
    breaker_note(&breaker, true, at(1)); // in the place of a success
    assert_int_equal(breaker_state_at(&breaker, at(1)), BREAKER_OPEN);
}

static void one_probe_decides(void **state)
{
    struct breaker breaker = {0};
    (void)state;
    fail_often(&breaker, BREAKER_FAILURES_MAX, 0);
    assert_int_equal(breaker_state_at(&breaker, at(BREAKER_FIRST_MS - 1)), BREAKER_OPEN);
    assert_int_equal(breaker_state_at(&breaker, at(BREAKER_FIRST_MS)), BREAKER_HALF_OPEN);
    breaker_begin(&breaker, at(BREAKER_FIRST_MS));
    assert_int_equal(breaker_state_at(&breaker, at(BREAKER_FIRST_MS)), BREAKER_OPEN);
    breaker_note(&breaker, false, at(BREAKER_FIRST_MS + 300));
    assert_int_equal(breaker_state_at(&breaker, at(BREAKER_FIRST_MS + 300)), BREAKER_CLOSED);
    fail_often(&breaker, BREAKER_FAILURES_MAX - 1, 0);
    assert_int_equal(breaker_state_at(&breaker, at(0)), BREAKER_CLOSED); // from the beginning
}

static void each_failing_probe_doubles_the_rest(void **state)
{
    static const int64_t rests_ms[] = {5000, 10000, 20000, 40000, 60000, 60000};
    struct breaker breaker = {0};
    int64_t now_ms = 0;
    (void)state;
    fail_often(&breaker, BREAKER_FAILURES_MAX, now_ms);
    for (size_t i = 0; i < sizeof rests_ms / sizeof rests_ms[0]; i++) {
        assert_int_equal(breaker_rest_ms(&breaker, at(now_ms)), rests_ms[i]);
        now_ms += rests_ms[i];
        breaker_begin(&breaker, at(now_ms));
        breaker_note(&breaker, true, at(now_ms));
    }
    now_ms += BREAKER_LONGEST_MS;
    breaker_begin(&breaker, at(now_ms));
    breaker_note(&breaker, false, at(now_ms));
    fail_often(&breaker, BREAKER_FAILURES_MAX, now_ms);
    assert_int_equal(breaker_rest_ms(&breaker, at(now_ms)), BREAKER_FIRST_MS);
}

static void results_of_before_are_no_probes(void **state)
{
    struct breaker breaker = {0};
    (void)state;
    fail_often(&breaker, BREAKER_FAILURES_MAX, 0);
    fail_often(&breaker, 3, 4000);
    assert_int_equal(breaker_rest_ms(&breaker, at(4000)), BREAKER_FIRST_MS - 4000);
    breaker_note(&breaker, false, at(4500)); // it works after all
    assert_int_equal(breaker_state_at(&breaker, at(4500)), BREAKER_CLOSED);
}

static void withdrawn_probe_leaves_room_for_another(void **state)
{
    struct breaker breaker = {0};
    (void)state;
    fail_often(&breaker, BREAKER_FAILURES_MAX, 0);
    breaker_begin(&breaker, at(BREAKER_FIRST_MS));
    breaker_withdraw(&breaker);
    assert_int_equal(breaker_state_at(&breaker, at(BREAKER_FIRST_MS)), BREAKER_HALF_OPEN);
}

// Whatever its results, it lets something through again within its longest rest.
static void never_shut_for_good(void **state)
{
    struct seeded dice;
    struct breaker breaker = {0};
    int64_t now_ms = 0;
    (void)state;
    seeded_init(&dice, 5);
    for (unsigned i = 0; i < 20000; i++) {
        if (breaker_state_at(&breaker, at(now_ms)) == BREAKER_OPEN) {
            now_ms += breaker_rest_ms(&breaker, at(now_ms));
            assert_int_equal(breaker_state_at(&breaker, at(now_ms)), BREAKER_HALF_OPEN);
        }
        breaker_begin(&breaker, at(now_ms));
        breaker_note(&breaker, seeded_below(&dice, 10) < 7, at(now_ms));
        assert_in_range(breaker_rest_ms(&breaker, at(now_ms)), 0, BREAKER_LONGEST_MS);
    }
}

struct failure_row {
    enum send_outcome outcome;
    enum send_reason reason;
    bool is_failure;
};

static const struct failure_row failure_rows[] = {
    {SEND_ACCEPTED, SEND_REASON_NONE, false},     {SEND_RETRY, SEND_VENDOR_DOWN, true},
    {SEND_UNKNOWN, SEND_VENDOR_DOWN, true},       {SEND_RETRY, SEND_THROTTLED, false},
    {SEND_REFUSED, SEND_AUTH_FAILED, true},       {SEND_REFUSED, SEND_QUOTA, true},
    {SEND_REFUSED, SEND_INVALID_NUMBER, false},   {SEND_REFUSED, SEND_CARRIER_FILTERED, false},
    {SEND_REFUSED, SEND_TEMPLATE_INVALID, false}, {SEND_REFUSED, SEND_UNCLASSIFIED, false},
};

static void failures_are_the_provider_s_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failure_rows / sizeof failure_rows[0]; i++) {
        const struct send_result result = {.outcome = failure_rows[i].outcome,
                                           .reason = failure_rows[i].reason};
        assert_row_equal(send_reason_name(result.reason), breaker_is_failure(&result),
                         failure_rows[i].is_failure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_at_first),
        cmocka_unit_test(five_in_a_row_open_it),
        cmocka_unit_test(most_of_the_last_twenty_open_it),
        cmocka_unit_test(one_probe_decides),
        cmocka_unit_test(each_failing_probe_doubles_the_rest),
        cmocka_unit_test(results_of_before_are_no_probes),
        cmocka_unit_test(withdrawn_probe_leaves_room_for_another),
        cmocka_unit_test(never_shut_for_good),
        cmocka_unit_test(failures_are_the_provider_s_own),
    };
    return cmocka_run_group_tests_name("outbox/breaker", tests, NULL, NULL);
}
