// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/slot.h"

#include "unit/unit.h"

#define MINUTE_MS INT64_C(60000)
#define NOW_MS INT64_C(1770000000000)

static struct policy policy_of(uint32_t max_count)
{
    return (struct policy){
        .otp_max_count = max_count,
        .otp_window_ms = max_count > 0 ? 10 * MINUTE_MS : 0,
        .otp_ttl_ms = 20 * MINUTE_MS,
        .session_ttl_ms = 20 * MINUTE_MS,
        .lock_ms = 30 * MINUTE_MS,
        .otp_length = 6,
        .otp_attempts_max = 5,
        .lock_after_failures = 100,
    };
}

static void test_slots_are_granted_up_to_the_limit(void **state)
{
    (void)state;
    struct record record = {0};
    struct policy policy = policy_of(3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(slot_reserve(&policy, &record, NOW_MS + i).wait_ms, 0);
    struct slot refused = slot_reserve(&policy, &record, NOW_MS + 3);
    assert_int_equal(refused.wait_ms, 10 * MINUTE_MS - 3);
    assert_int_equal(record.sends_held, 3);
    assert_int_equal(slot_reserve(&policy, &record, NOW_MS + 10 * MINUTE_MS - 1).wait_ms, 1);
    assert_int_equal(slot_reserve(&policy, &record, NOW_MS + 10 * MINUTE_MS).wait_ms, 0);
}

static void test_a_slot_released_is_there_for_another(void **state)
{
    (void)state;
    struct record record = {0};
    struct policy policy = policy_of(1);
    struct slot slot = slot_reserve(&policy, &record, NOW_MS);
    assert_int_equal(slot_reserve(&policy, &record, NOW_MS + 1).wait_ms, 10 * MINUTE_MS - 1);
    assert_true(slot_release(&record, &slot));
    assert_false(slot_release(&record, &slot));
    assert_int_equal(slot_reserve(&policy, &record, NOW_MS + 1).wait_ms, 0);
}

static void test_without_a_limit_slots_count_for_one_set_later(void **state)
{
    (void)state;
    struct record record = {0};
    struct policy unlimited = policy_of(0), limited = policy_of(2);
    for (int i = 0; i < 100; i++)
        assert_int_equal(slot_reserve(&unlimited, &record, NOW_MS + i).wait_ms, 0);
    assert_int_equal(record.sends_held, RECORD_SENDS_MAX);
    assert_int_equal(slot_reserve(&limited, &record, NOW_MS + 100).wait_ms, 10 * MINUTE_MS - 2);
}

static void test_a_slot_that_was_forgotten_cannot_be_released(void **state)
{
    (void)state;
    struct record record = {0};
    struct policy policy = policy_of(0);
    struct slot first = slot_reserve(&policy, &record, NOW_MS);
    for (unsigned i = 1; i <= RECORD_SENDS_MAX; i++)
        (void)slot_reserve(&policy, &record, NOW_MS + i);
    assert_false(slot_release(&record, &first));
    assert_int_equal(record.sends_held, RECORD_SENDS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_are_granted_up_to_the_limit),
        cmocka_unit_test(test_a_slot_released_is_there_for_another),
        cmocka_unit_test(test_without_a_limit_slots_count_for_one_set_later),
        cmocka_unit_test(test_a_slot_that_was_forgotten_cannot_be_released),
    };
    return cmocka_run_group_tests_name("slot", tests, NULL, NULL);
}
