// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "outbox/due.h"

#include "sim/seeded.h"
#include "unit/unit.h"

struct delay_row {
    unsigned tries;
    int64_t least_ms;
    int64_t most_ms;
};

static const struct delay_row delay_rows[] = {
    {1, 500, 1000},     {2, 1000, 2000},     {3, 2000, 4000},         {4, 4000, 8000},
    {5, 8000, 16000},   {6, 16000, 32000},   {7, 30000, 60000},       {8, 30000, 60000},
    {64, 30000, 60000}, {256, 30000, 60000}, {1000000, 30000, 60000},
};

static void delay_doubles_up_to_a_minute(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof delay_rows / sizeof delay_rows[0]; i++) {
        const struct delay_row *row = &delay_rows[i];
        assert_int_equal(due_retry_delay_ms(row->tries, 0), row->least_ms);
        assert_int_equal(due_retry_delay_ms(row->tries, UINT32_MAX), row->most_ms);
    }
}

static void delay_grows_with_jitter_and_tries(void **state)
{
    struct seeded random;
    (void)state;
    seeded_init(&random, 1);
    for (unsigned round = 0; round < 10000; round++) {
        unsigned tries = 1 + (unsigned)seeded_below(&random, 300);
        uint32_t jitter = (uint32_t)seeded_u64(&random);
        uint32_t more = jitter | (uint32_t)seeded_u64(&random);
        assert_true(due_retry_delay_ms(tries, jitter) <= due_retry_delay_ms(tries, more));
        assert_true(due_retry_delay_ms(tries, jitter) <= due_retry_delay_ms(tries + 1, jitter));
    }
}

// Deliveries that failed together must not come back together.
static void jitter_spreads_over_the_whole_half(void **state)
{
    unsigned buckets[5] = {0};
    struct seeded random;
    (void)state;
    seeded_init(&random, 2);
    for (unsigned round = 0; round < 10000; round++) {
        int64_t delay_ms = due_retry_delay_ms(1, (uint32_t)seeded_u64(&random));
        assert_in_range(delay_ms, 500, 1000);
        buckets[delay_ms == 1000 ? 4 : (delay_ms - 500) / 100]++;
    }
    for (size_t i = 0; i < 5; i++)
        assert_in_range(buckets[i], 1800, 2200);
}

static void deadline_itself_is_too_late(void **state)
{
    (void)state;
    assert_true(due_is_in_time(999, 1000));
    assert_false(due_is_in_time(1000, 1000));
    assert_false(due_is_in_time(1001, 1000));
}

static void an_entry_is_late_from_its_due_time_on(void **state)
{
    (void)state;
    assert_int_equal(due_late_ms(INT64_MAX, 1000), 0);
    assert_int_equal(due_late_ms(1001, 1000), 0);
    assert_int_equal(due_late_ms(1000, 1000), 0);
    assert_int_equal(due_late_ms(999, 1000), 1);
    assert_int_equal(due_late_ms(0, DUE_STUCK_MS + 1), DUE_STUCK_MS + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delay_doubles_up_to_a_minute),
        cmocka_unit_test(delay_grows_with_jitter_and_tries),
        cmocka_unit_test(jitter_spreads_over_the_whole_half),
        cmocka_unit_test(deadline_itself_is_too_late),
        cmocka_unit_test(an_entry_is_late_from_its_due_time_on),
    };
    return cmocka_run_group_tests_name("outbox/due", tests, NULL, NULL);
}
