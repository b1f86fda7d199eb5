// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/record.h"

#include "unit/unit.h"

#define NOW_S INT64_C(1770000000)
#define NOW_MS (NOW_S * 1000)

static struct live_code *add_session(struct record *record, uint64_t id, uint64_t device)
{
    struct live_code *code = record_code_add(record);
    code->session.id = id;
    code->device = device;
    code->expires_at_ms = NOW_MS + 1200000;
    code->ttl_ms = 1200000;
    code->tries_max = 5;
    code->length = 6;
    code->session_expires_at_s = (uint32_t)(NOW_S + 1200);
    return code;
}

static void test_ninth_session_drops_the_oldest(void **state)
{
    (void)state;
    struct record record = {0};
    for (uint64_t id = 1; id <= 9; id++)
        (void)add_session(&record, id, 0);
    assert_int_equal(record.codes_held, 8);
    assert_null(record_code_find(&record, 1));
    assert_true(record_is_spent(&record, 1));
    assert_non_null(record_code_find(&record, 2));
    assert_int_equal(record.codes[7].session.id, 9);
}

static void test_last_device_is_not_pushed_out(void **state)
{
    (void)state;
    struct record record = {.last_device = 5};
    (void)add_session(&record, 1, 5);
    for (uint64_t id = 2; id <= 100; id++)
        (void)add_session(&record, id, 6);
    assert_non_null(record_code_find(&record, 1));
    assert_int_equal(record.codes_held, 8);
}

static void test_when_all_are_the_owners_the_oldest_goes(void **state)
{
    (void)state;
    struct record record = {.last_device = 5};
    for (uint64_t id = 1; id <= 9; id++)
        (void)add_session(&record, id, 5);
    assert_null(record_code_find(&record, 1));
    assert_non_null(record_code_find(&record, 9));
}

static void test_the_33rd_login_forgets_the_first(void **state)
{
    (void)state;
    struct record record = {0};
    for (uint64_t id = 1; id <= 33; id++)
        record_code_spend(&record, add_session(&record, id, 0));
    assert_false(record_is_spent(&record, 1));
    for (uint64_t id = 2; id <= 33; id++)
        assert_true(record_is_spent(&record, id));
    assert_int_equal(record.codes_held, 0);
    record_assert(&record);
}

static void test_strangers_do_not_make_a_login_be_forgotten(void **state)
{
    (void)state;
    struct record record = {0};
    record_code_spend(&record, add_session(&record, 1, 0));
    for (uint64_t id = 2; id <= 200; id++)
        (void)add_session(&record, id, 0);
    assert_true(record_is_spent(&record, 1));
    assert_int_equal(record.tombstones_held, 32);
    assert_true(record_is_spent(&record, 192)); // the newest dropped one
    assert_true(record_is_spent(&record, 162));
    assert_false(record_is_spent(&record, 161));
    record_assert(&record);
}

static void test_logins_push_out_what_was_dropped_first(void **state)
{
    (void)state;
    struct record record = {0};
    for (uint64_t id = 1; id <= 40; id++) // 32 dropped, 8 live
        (void)add_session(&record, id, 0);
    for (uint64_t id = 33; id <= 40; id++)
        record_code_spend(&record, record_code_find(&record, id));
    for (uint64_t id = 9; id <= 40; id++)
        assert_true(record_is_spent(&record, id));
    assert_false(record_is_spent(&record, 8));
    record_assert(&record);
}

static void test_nothing_dropped_is_remembered_in_the_place_of_a_login(void **state)
{
    (void)state;
    struct record record = {0};
    for (uint64_t id = 1; id <= 32; id++)
        record_code_spend(&record, add_session(&record, id, 0));
    for (uint64_t id = 101; id <= 109; id++)
        (void)add_session(&record, id, 0);
    assert_null(record_code_find(&record, 101));
    assert_false(record_is_spent(&record, 101));
    for (uint64_t id = 1; id <= 32; id++)
        assert_true(record_is_spent(&record, id));
    record_assert(&record);
}

static void test_prune_keeps_a_code_through_its_lingering(void **state)
{
    (void)state;
    struct record record = {0};
    (void)add_session(&record, 1, 0);
    int64_t end_ms = NOW_MS + 1200000 + CODE_LINGER_MS + 1000;
    record_prune(&record, end_ms - 1);
    assert_int_equal(record.codes_held, 1);
    record_prune(&record, end_ms);
    assert_int_equal(record.codes_held, 0);
}

static void test_prune_forgets_tombstones_that_can_verify_no_more(void **state)
{
    (void)state;
    struct record record = {0};
    record_code_spend(&record, add_session(&record, 1, 0));
    int64_t end_ms = (int64_t)record.tombstones_until_s * 1000;
    assert_true(end_ms > NOW_MS + 1200000 + CODE_LINGER_MS);
    record_prune(&record, end_ms - 1);
    assert_true(record_is_spent(&record, 1));
    record_prune(&record, end_ms);
    assert_false(record_is_spent(&record, 1));
}

static void test_expiry(void **state)
{
    (void)state;
    struct record record = {0};
    assert_int_equal(record_expires_at_ms(&record), 0);
    (void)add_session(&record, 1, 0);
    assert_int_equal(record_expires_at_ms(&record), NOW_MS + 1200000 + CODE_LINGER_MS + 1000);
    record.sends.base_at_ms = NOW_MS;
    record.sends_held = 1;
    assert_int_equal(record_expires_at_ms(&record), NOW_MS + OTP_WINDOW_MS_MAX);
    record.failures_open = 1;
    assert_true(record_expires_at_ms(&record) == INT64_MAX);
    record.failures_open = 0;
    record.uid = 9;
    assert_true(record_expires_at_ms(&record) == INT64_MAX);
}

static void test_device_tags(void **state)
{
    (void)state;
    struct key key = {{1}};
    assert_true(record_device_tag(&key, SPAN("")) == 0);
    assert_true(record_device_tag(&key, SPAN("a")) != 0);
    assert_true(record_device_tag(&key, SPAN("a")) != record_device_tag(&key, SPAN("b")));
}

static void test_keys_differ_by_brand_and_identifier(void **state)
{
    (void)state;
    struct key key = {{1}};
    struct record_key keys[3];
    record_key_of(&key, 1, SPAN("M12025550147"), &keys[0]);
    record_key_of(&key, 2, SPAN("M12025550147"), &keys[1]);
    record_key_of(&key, 1, SPAN("E12025550147"), &keys[2]);
    assert_memory_not_equal(&keys[0], &keys[1], sizeof keys[0]);
    assert_memory_not_equal(&keys[0], &keys[2], sizeof keys[0]);
    assert_memory_not_equal(&keys[1], &keys[2], sizeof keys[0]);
}

static void test_an_address_has_a_tag_of_its_own_in_each_record(void **state)
{
    (void)state;
    struct key key = {{1}}, other_key = {{2}};
    struct record_key owner = {{{3}}}, other_owner = {{{4}}};
    uint64_t tag = record_address_tag(&key, &owner, SPAN("M12025550101"));
    assert_true(tag != 0);
    assert_true(tag == record_address_tag(&key, &owner, SPAN("M12025550101")));
    assert_true(tag != record_address_tag(&key, &owner, SPAN("M12025550102")));
    assert_true(tag != record_address_tag(&key, &owner, SPAN("U12025550101")));
    assert_true(tag != record_address_tag(&key, &other_owner, SPAN("M12025550101")));
    assert_true(tag != record_address_tag(&other_key, &owner, SPAN("M12025550101")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ninth_session_drops_the_oldest),
        cmocka_unit_test(test_last_device_is_not_pushed_out),
        cmocka_unit_test(test_when_all_are_the_owners_the_oldest_goes),
        cmocka_unit_test(test_the_33rd_login_forgets_the_first),
        cmocka_unit_test(test_strangers_do_not_make_a_login_be_forgotten),
        cmocka_unit_test(test_logins_push_out_what_was_dropped_first),
        cmocka_unit_test(test_nothing_dropped_is_remembered_in_the_place_of_a_login),
        cmocka_unit_test(test_prune_keeps_a_code_through_its_lingering),
        cmocka_unit_test(test_prune_forgets_tombstones_that_can_verify_no_more),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_device_tags),
        cmocka_unit_test(test_keys_differ_by_brand_and_identifier),
        cmocka_unit_test(test_an_address_has_a_tag_of_its_own_in_each_record),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
