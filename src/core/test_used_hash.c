// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/used_hash.h"

#include "sim/seeded.h"
#include "unit/unit.h"

#define NOW_MS INT64_C(1770000000000)
#define DAY_MS USED_HASH_MEMORY_MS

static enum hash_use take(struct record *record, int64_t made_at_ms, uint32_t tag, int64_t now_ms)
{
    const struct hash_mark mark = {made_at_ms, tag};
    return used_hash_take(record, &mark, now_ms);
}

static void test_a_hash_is_taken_once(void **state)
{
    (void)state;
    struct record record = {0};
    assert_int_equal(take(&record, NOW_MS, 7, NOW_MS), HASH_USE_FIRST);
    assert_int_equal(take(&record, NOW_MS, 7, NOW_MS), HASH_USE_AGAIN);
    assert_int_equal(take(&record, NOW_MS, 7, NOW_MS + 119000), HASH_USE_AGAIN);
    assert_int_equal(record.hashes_held, 1);
}

static void test_another_tag_or_time_is_another_hash(void **state)
{
    (void)state;
    struct record record = {0};
    assert_int_equal(take(&record, NOW_MS, 7, NOW_MS), HASH_USE_FIRST);
    assert_int_equal(take(&record, NOW_MS, 8, NOW_MS), HASH_USE_FIRST);
    assert_int_equal(take(&record, NOW_MS + 1, 7, NOW_MS), HASH_USE_FIRST);
    assert_int_equal(take(&record, NOW_MS - 90000, 7, NOW_MS), HASH_USE_FIRST);
    assert_int_equal(take(&record, NOW_MS - 90000, 7, NOW_MS), HASH_USE_AGAIN);
    assert_int_equal(take(&record, NOW_MS, 8, NOW_MS), HASH_USE_AGAIN);
}

static void test_the_oldest_makes_room_and_is_refused(void **state)
{
    (void)state;
    struct record record = {0};
    for (uint32_t i = 0; i < RECORD_HASHES_MAX; i++)
        assert_int_equal(take(&record, NOW_MS + i, i, NOW_MS), HASH_USE_FIRST);
    assert_int_equal(take(&record, NOW_MS + 100, 1, NOW_MS), HASH_USE_FIRST);
    assert_int_equal(record.hashes_held, RECORD_HASHES_MAX);
    assert_int_equal(take(&record, NOW_MS, 0, NOW_MS), HASH_USE_FORGOTTEN);
    assert_int_equal(take(&record, NOW_MS, 99, NOW_MS), HASH_USE_FORGOTTEN);
    assert_int_equal(take(&record, NOW_MS + 1, 1, NOW_MS), HASH_USE_AGAIN);
    assert_int_equal(take(&record, NOW_MS + 1, 99, NOW_MS), HASH_USE_FIRST);
}

// It is older than all that are remembered: it is taken, and the floor from then on.
static void test_an_older_one_into_a_full_record(void **state)
{
    (void)state;
    struct record record = {0};
    for (uint32_t i = 0; i < RECORD_HASHES_MAX; i++)
        assert_int_equal(take(&record, NOW_MS + i, i, NOW_MS), HASH_USE_FIRST);
    assert_int_equal(take(&record, NOW_MS - 5, 1, NOW_MS), HASH_USE_FIRST);
    assert_int_equal(take(&record, NOW_MS - 5, 1, NOW_MS), HASH_USE_FORGOTTEN);
    assert_int_equal(take(&record, NOW_MS, 0, NOW_MS), HASH_USE_AGAIN);
}

static void test_all_at_one_time(void **state)
{
    (void)state;
    struct record record = {0};
    for (uint32_t i = 0; i < RECORD_HASHES_MAX; i++)
        assert_int_equal(take(&record, NOW_MS, i, NOW_MS), HASH_USE_FIRST);
    assert_int_equal(take(&record, NOW_MS, 1000, NOW_MS), HASH_USE_FIRST);
    for (uint32_t i = 0; i < RECORD_HASHES_MAX; i++)
        assert_int_equal(take(&record, NOW_MS, i, NOW_MS), HASH_USE_FORGOTTEN);
    assert_int_equal(take(&record, NOW_MS + 1, 0, NOW_MS), HASH_USE_FIRST);
}

static void test_a_day_from_t_is_the_end(void **state)
{
    (void)state;
    struct record record = {0};
    assert_int_equal(take(&record, NOW_MS - DAY_MS, 1, NOW_MS), HASH_USE_FORGOTTEN);
    assert_int_equal(take(&record, NOW_MS + DAY_MS + 1, 1, NOW_MS), HASH_USE_AHEAD);
    assert_int_equal(take(&record, NOW_MS - DAY_MS + 1, 1, NOW_MS), HASH_USE_FIRST);
    assert_int_equal(take(&record, NOW_MS + DAY_MS, 1, NOW_MS), HASH_USE_FIRST);
    assert_int_equal(record.hashes_held, 2);
    assert_int_equal(take(&record, NOW_MS + 1, 1, NOW_MS + 1), HASH_USE_FIRST);
    assert_int_equal(record.hashes_held, 2);
}

static void test_a_record_ends_when_it_can_refuse_nothing_more(void **state)
{
    (void)state;
    struct record record = {0};
    assert_int_equal(take(&record, NOW_MS + 30000, 1, NOW_MS), HASH_USE_FIRST);
    int64_t end_ms = record_expires_at_ms(&record);
    assert_true(end_ms == NOW_MS + 30000 + DAY_MS);
    struct record anew = {0};
    assert_int_equal(take(&anew, NOW_MS + 30000, 1, end_ms), HASH_USE_FORGOTTEN);
}

// Whatever comes in whatever order, while T goes on or leaps: no hash is taken twice.
static void test_never_twice(void **state)
{
    (void)state;
    struct seeded dice;
    static bool is_taken[64][4];
    unsigned firsts = 0;
    seeded_init(&dice, 11);
    for (int round = 0; round < 200; round++) {
        struct record record = {0};
        int64_t now_ms = NOW_MS;
        memset(is_taken, 0, sizeof is_taken);
        for (int i = 0; i < 300; i++) {
            uint64_t at = seeded_below(&dice, 64), tag = seeded_below(&dice, 4);
            enum hash_use use = take(&record, NOW_MS + (int64_t)at, (uint32_t)tag, now_ms);
            assert_true(use != HASH_USE_FIRST || !is_taken[at][tag]);
            assert_true(use != HASH_USE_AGAIN || is_taken[at][tag]);
            is_taken[at][tag] |= use == HASH_USE_FIRST;
            firsts += use == HASH_USE_FIRST;
            if (seeded_below(&dice, 100) == 0)
                now_ms += (int64_t)seeded_below(&dice, DAY_MS / 2);
            if (record_expires_at_ms(&record) <= now_ms)
                memset(&record, 0, sizeof record);
        }
    }
    assert_true(firsts > 200 * 32);
}

static void test_records_of_hashes_have_keys_of_their_own(void **state)
{
    (void)state;
    static const struct key key = {"an index key of thirty-two bytes"};
    struct record_key person, hashes, other;
    record_key_of(&key, 1, SPAN("M919999999993"), &person);
    record_key_of_hashes(&key, 1, SPAN("M919999999993"), &hashes);
    record_key_of_hashes(&key, 2, SPAN("M919999999993"), &other);
    assert_memory_not_equal(&person, &hashes, sizeof person);
    assert_memory_not_equal(&other, &hashes, sizeof person);
    assert_int_equal(used_hash_tag(&key, SPAN("abc")), used_hash_tag(&key, SPAN("abc")));
    assert_true(used_hash_tag(&key, SPAN("abc")) != used_hash_tag(&key, SPAN("abd")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hash_is_taken_once),
        cmocka_unit_test(test_another_tag_or_time_is_another_hash),
        cmocka_unit_test(test_the_oldest_makes_room_and_is_refused),
        cmocka_unit_test(test_an_older_one_into_a_full_record),
        cmocka_unit_test(test_all_at_one_time),
        cmocka_unit_test(test_a_day_from_t_is_the_end),
        cmocka_unit_test(test_a_record_ends_when_it_can_refuse_nothing_more),
        cmocka_unit_test(test_never_twice),
        cmocka_unit_test(test_records_of_hashes_have_keys_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
