// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/budget.h"

#include "unit/unit.h"

#define NOW_MS INT64_C(1770000000000)
#define LOCK_MS INT64_C(1800000)
#define OWNER UINT64_C(77)
#define STRANGER UINT64_C(13)

static const struct policy policy = {
    .lock_after_failures = 20, .otp_attempts_max = 5, .lock_ms = LOCK_MS};

// Fails as long as it is allowed; how often that was.
static int fail_until_refused(struct record *record, uint64_t device, int64_t now_ms)
{
    int count = 0;
    while (count < 1000 && budget_allows(record, &policy, device, now_ms)) {
        budget_count_failure(record, &policy, now_ms);
        count++;
    }
    return count;
}

static void test_all_are_open_before_the_first_success(void **state)
{
    (void)state;
    struct record record = {0};
    assert_int_equal(fail_until_refused(&record, STRANGER, NOW_MS), 20);
    assert_int_equal(fail_until_refused(&record, OWNER, NOW_MS), 0);
    assert_int_equal(fail_until_refused(&record, 0, NOW_MS), 0);
}

static void test_reserve_is_for_the_last_device(void **state)
{
    (void)state;
    struct record record = {0};
    budget_clear(&record, OWNER);
    assert_int_equal(fail_until_refused(&record, STRANGER, NOW_MS), 15);
    assert_int_equal(fail_until_refused(&record, 0, NOW_MS), 0);
    assert_true(budget_allows(&record, &policy, OWNER, NOW_MS));
    assert_int_equal(fail_until_refused(&record, OWNER, NOW_MS), 5);
    assert_int_equal(fail_until_refused(&record, STRANGER, NOW_MS), 0);
}

static void test_owner_alone_has_no_more_than_the_whole(void **state)
{
    (void)state;
    struct record record = {0};
    budget_clear(&record, OWNER);
    assert_int_equal(fail_until_refused(&record, OWNER, NOW_MS), 20);
}

static void test_after_the_lock_one_try_each_time(void **state)
{
    (void)state;
    struct record record = {0};
    assert_int_equal(fail_until_refused(&record, STRANGER, NOW_MS), 20);
    assert_false(budget_allows(&record, &policy, STRANGER, NOW_MS + LOCK_MS - 1));
    assert_int_equal(fail_until_refused(&record, STRANGER, NOW_MS + LOCK_MS), 1);
    assert_int_equal(fail_until_refused(&record, STRANGER, NOW_MS + 2 * LOCK_MS - 1), 0);
    assert_int_equal(fail_until_refused(&record, STRANGER, NOW_MS + 2 * LOCK_MS), 1);
}

static void test_strangers_never_use_the_reserve(void **state)
{
    (void)state;
    struct record record = {0};
    budget_clear(&record, OWNER);
    for (int period = 0; period < 50; period++)
        (void)fail_until_refused(&record, STRANGER, NOW_MS + period * LOCK_MS);
    assert_int_equal(record.failures_reserved, 0);
    assert_int_equal(fail_until_refused(&record, OWNER, NOW_MS + 49 * LOCK_MS), 5);
}

static void test_success_clears_and_moves_the_reserve(void **state)
{
    (void)state;
    struct record record = {0};
    budget_clear(&record, OWNER);
    (void)fail_until_refused(&record, STRANGER, NOW_MS);
    budget_clear(&record, STRANGER);
    assert_int_equal(fail_until_refused(&record, OWNER, NOW_MS), 15);
    assert_int_equal(fail_until_refused(&record, STRANGER, NOW_MS), 5);
}

static void test_login_without_device_leaves_the_reserve(void **state)
{
    (void)state;
    struct record record = {0};
    budget_clear(&record, OWNER);
    budget_clear(&record, 0);
    assert_int_equal(fail_until_refused(&record, 0, NOW_MS), 15);
    assert_int_equal(fail_until_refused(&record, OWNER, NOW_MS), 5);
}

static void test_smallest_budget_leaves_one_open(void **state)
{
    (void)state;
    const struct policy small = {
        .lock_after_failures = 5, .otp_attempts_max = 5, .lock_ms = LOCK_MS};
    struct record record = {0};
    budget_clear(&record, OWNER);
    assert_true(budget_allows(&record, &small, STRANGER, NOW_MS));
    budget_count_failure(&record, &small, NOW_MS);
    assert_false(budget_allows(&record, &small, STRANGER, NOW_MS));
    assert_true(budget_allows(&record, &small, OWNER, NOW_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_open_before_the_first_success),
        cmocka_unit_test(test_reserve_is_for_the_last_device),
        cmocka_unit_test(test_owner_alone_has_no_more_than_the_whole),
        cmocka_unit_test(test_after_the_lock_one_try_each_time),
        cmocka_unit_test(test_strangers_never_use_the_reserve),
        cmocka_unit_test(test_success_clears_and_moves_the_reserve),
        cmocka_unit_test(test_login_without_device_leaves_the_reserve),
        cmocka_unit_test(test_smallest_budget_leaves_one_open),
    };
    return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
