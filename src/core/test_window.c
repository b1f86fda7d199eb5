// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/window.h"

#include "unit/unit.h"

#define MINUTE_MS INT64_C(60000)
#define START_MS INT64_C(1770000000000)

static struct policy policy_of(uint32_t max_count, int64_t window_ms)
{
    return (struct policy){.otp_max_count = max_count, .otp_window_ms = window_ms};
}

static void test_no_limit_while_either_is_null(void **state)
{
    (void)state;
    struct record record = {0};
    const struct policy policies[] = {policy_of(0, 0), policy_of(3, 0), policy_of(0, MINUTE_MS)};
    for (int i = 0; i < 200; i++)
        window_add(&record, START_MS);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(window_wait_ms(&record, &policies[i], START_MS), 0);
    assert_int_equal(record.sends_held, RECORD_SENDS_MAX);
}

static void test_exact_at_the_edge(void **state)
{
    (void)state;
    struct record record = {0};
    struct policy policy = policy_of(2, 10 * MINUTE_MS);
    window_add(&record, START_MS);
    assert_int_equal(window_wait_ms(&record, &policy, START_MS + 1), 0);
    window_add(&record, START_MS + 1);
    assert_int_equal(window_wait_ms(&record, &policy, START_MS + 1), 10 * MINUTE_MS - 1);
    assert_int_equal(window_wait_ms(&record, &policy, START_MS + 10 * MINUTE_MS - 1), 1);
    assert_int_equal(window_wait_ms(&record, &policy, START_MS + 10 * MINUTE_MS), 0);
    window_add(&record, START_MS + 10 * MINUTE_MS);
    assert_int_equal(window_wait_ms(&record, &policy, START_MS + 10 * MINUTE_MS), 1);
}

static void test_what_counts_is_what_makes_one_wait(void **state)
{
    (void)state;
    struct record record = {0};
    struct policy policy = policy_of(2, 10 * MINUTE_MS);
    const struct policy no_limit = policy_of(0, 10 * MINUTE_MS);
    assert_int_equal(window_used(&record, &policy, START_MS), 0);
    window_add(&record, START_MS);
    window_add(&record, START_MS + 1);
    assert_int_equal(window_used(&record, &no_limit, START_MS + 1), 0);
    for (int64_t at_ms = START_MS + 1; at_ms < START_MS + 11 * MINUTE_MS; at_ms += 1000) {
        bool is_full = window_used(&record, &policy, at_ms) == 2;
        assert_int_equal(is_full, window_wait_ms(&record, &policy, at_ms) > 0);
    }
    assert_int_equal(window_used(&record, &policy, START_MS + 10 * MINUTE_MS), 1);
    assert_int_equal(window_used(&record, &policy, START_MS + 10 * MINUTE_MS + 1), 0);
}

static void test_limit_set_later_counts_what_went_before(void **state)
{
    (void)state;
    struct record record = {0};
    for (int i = 0; i < 5; i++)
        window_add(&record, START_MS + i);
    struct policy policy = policy_of(3, MINUTE_MS);
    assert_int_equal(window_wait_ms(&record, &policy, START_MS + 10), MINUTE_MS - 8);
}

static void test_sixty_four_a_week(void **state)
{
    (void)state;
    struct record record = {0};
    struct policy policy = policy_of(64, OTP_WINDOW_MS_MAX);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(window_wait_ms(&record, &policy, START_MS + i), 0);
        window_add(&record, START_MS + i);
    }
    assert_int_equal(window_wait_ms(&record, &policy, START_MS + 64), OTP_WINDOW_MS_MAX - 64);
}

static void test_offsets_outlive_fifty_days(void **state)
{
    (void)state;
    struct record record = {0};
    struct policy policy = policy_of(2, OTP_WINDOW_MS_MAX);
    int64_t day_ms = 24 * 60 * MINUTE_MS;
    for (int day = 0; day < 400; day += 6) {
        int64_t now_ms = START_MS + day * day_ms;
        assert_int_equal(window_wait_ms(&record, &policy, now_ms), 0);
        window_add(&record, now_ms);
    }
    int64_t last_ms = START_MS + 396 * day_ms;
    assert_int_equal(window_wait_ms(&record, &policy, last_ms), day_ms);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

// Against the definition: among all accepted sends, no span of window_ms holds more than max_count.
static void test_no_span_holds_more(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int round = 0; round < 50; round++) {
        struct policy policy = policy_of(1 + (uint32_t)(next_random(&seed) % 8),
                                         1 + (int64_t)(next_random(&seed) % 5000));
        struct record record = {0};
        int64_t accepted[400];
        size_t count = 0;
        int64_t now_ms = START_MS;
        for (int i = 0; i < 400; i++) {
            now_ms += (int64_t)(next_random(&seed) % 700);
            int64_t wait_ms = window_wait_ms(&record, &policy, now_ms);
            size_t in_span = 0;
            for (size_t k = 0; k < count; k++)
                in_span += accepted[k] > now_ms - policy.otp_window_ms;
            assert_int_equal(wait_ms == 0, in_span < policy.otp_max_count);
            if (wait_ms > 0)
                continue;
            window_add(&record, now_ms);
            accepted[count++] = now_ms;
        }
    }
}

static void test_a_send_taken_back_makes_room_for_one(void **state)
{
    (void)state;
    struct record record = {0};
    struct policy policy = policy_of(3, 10 * MINUTE_MS);
    for (int i = 0; i < 3; i++)
        window_add(&record, START_MS + i * MINUTE_MS);
    assert_false(window_remove(&record, START_MS - 1));
    assert_false(window_remove(&record, START_MS + MINUTE_MS - 1));
    assert_false(window_remove(&record, START_MS + 3 * MINUTE_MS));
    assert_int_equal(record.sends_held, 3);
    assert_true(window_remove(&record, START_MS + MINUTE_MS));
    assert_false(window_remove(&record, START_MS + MINUTE_MS));
    window_add(&record, START_MS + 4 * MINUTE_MS);
    assert_int_equal(window_wait_ms(&record, &policy, START_MS + 4 * MINUTE_MS), 6 * MINUTE_MS);
    assert_int_equal(window_wait_ms(&record, &policy, START_MS + 10 * MINUTE_MS), 0);
}

static void test_the_first_send_may_be_taken_back(void **state)
{
    (void)state;
    struct record record = {0};
    struct policy policy = policy_of(2, 10 * MINUTE_MS);
    window_add(&record, START_MS);
    window_add(&record, START_MS + MINUTE_MS);
    assert_true(window_remove(&record, START_MS));
    window_add(&record, START_MS + 2 * MINUTE_MS);
    assert_int_equal(window_wait_ms(&record, &policy, START_MS + 2 * MINUTE_MS), 9 * MINUTE_MS);
    assert_true(window_remove(&record, START_MS + MINUTE_MS));
    assert_true(window_remove(&record, START_MS + 2 * MINUTE_MS));
    assert_false(window_remove(&record, START_MS));
    window_add(&record, START_MS + 20 * MINUTE_MS);
    window_add(&record, START_MS + 20 * MINUTE_MS);
    assert_true(window_remove(&record, START_MS + 20 * MINUTE_MS));
    assert_int_equal(record.sends_held, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_limit_while_either_is_null),
        cmocka_unit_test(test_exact_at_the_edge),
        cmocka_unit_test(test_what_counts_is_what_makes_one_wait),
        cmocka_unit_test(test_limit_set_later_counts_what_went_before),
        cmocka_unit_test(test_sixty_four_a_week),
        cmocka_unit_test(test_offsets_outlive_fifty_days),
        cmocka_unit_test(test_no_span_holds_more),
        cmocka_unit_test(test_a_send_taken_back_makes_room_for_one),
        cmocka_unit_test(test_the_first_send_may_be_taken_back),
    };
    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
