// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Vectors come from a Python model over hashlib.blake2b and a SipHash of its own.
#include "crypto/pure/epoch.h"
#include "crypto/pure/random.h"
#include "crypto/pure/test_help.h"

static struct epoch_set set_at(uint32_t number)
{
    struct key root = counting_key(100);
    struct epoch_set set;
    epoch_set_derive(&root, number, &set);
    return set;
}

struct known_epoch {
    uint32_t number;
    const char *session, *tag, *code; // first eight bytes; of the first round, of the first tag
};

static void known_keys(void **state)
{
    (void)state;
    const struct known_epoch table[] = {
        {0, "22db5cb0c153b0db", "4b55dc1462bc60ad", "25835d8c1dfe5891"},
        {1, "96c724ebf4c806f3", "266de4e620a32cec", "bb76856b02eb2daf"},
        {2, "0a14e6d2ea94d5c9", "a6fa905f1c6a8f6d", "63b65ea3357a422b"},
        {3, "ac28708112ace94c", "ea29b20dc4367bd1", "cafe82724660f4fa"},
    };
    struct epoch_set set = set_at(2);
    for (size_t i = 0; i < 4; i++) {
        const struct epoch *epoch = epoch_find(&set, table[i].number);
        assert_non_null(epoch);
        assert_string_equal(hex_of(epoch->session.rounds[0].bytes, 8).text, table[i].session);
        assert_string_equal(hex_of(epoch->tags[0].bytes, 8).text, table[i].tag);
        assert_string_equal(hex_of(epoch->code.bytes, 8).text, table[i].code);
    }
}

static void four_epochs_are_held(void **state)
{
    (void)state;
    for (uint32_t number = 2; number < 100; number++) {
        struct epoch_set set = set_at(number);
        for (uint32_t other = 0; other < 110; other++) {
            const struct epoch *epoch = epoch_find(&set, other);
            bool is_held = other + 2 >= number && other <= number + 1;
            assert_int_equal(epoch != NULL, is_held);
            assert_true(epoch == NULL || epoch->number == other);
        }
        assert_int_equal(epoch_current(&set)->number, number);
    }
}

static void marks_name_what_is_held(void **state)
{
    (void)state;
    for (uint32_t number = 2; number < 100; number++) {
        struct epoch_set set = set_at(number);
        for (uint32_t held = number - 2; held <= number + 1; held++)
            assert_ptr_equal(epoch_by_mark(&set, held % 4), epoch_find(&set, held));
    }
}

static void neighbours_agree_on_what_they_share(void **state)
{
    (void)state;
    struct epoch_set now = set_at(41);
    struct epoch_set next = set_at(42);
    for (uint32_t number = 40; number <= 42; number++) {
        const struct epoch *a = epoch_find(&now, number);
        const struct epoch *b = epoch_find(&next, number);
        assert_memory_equal(a, b, sizeof *a);
    }
    assert_null(epoch_find(&next, 39));
    assert_null(epoch_find(&now, 43));
}

static void no_two_keys_are_equal(void **state)
{
    (void)state;
    struct epoch_set set = set_at(7);
    const uint8_t *keys[12];
    for (size_t i = 0; i < 4; i++) {
        keys[3 * i] = set.slots[i].session.rounds[0].bytes;
        keys[3 * i + 1] = set.slots[i].tags[0].bytes;
        keys[3 * i + 2] = set.slots[i].code.bytes;
    }
    for (size_t i = 0; i < 12; i++) {
        for (size_t j = 0; j < i; j++)
            assert_false(bytes_equal_secret(keys[i], keys[j], SHORT_KEY_BYTES));
    }
}

static void derive_before_the_first(void)
{
    (void)set_at(1);
}

static void derive_after_the_last(void)
{
    (void)set_at(UINT32_MAX);
}

static void numbers_have_bounds(void **state)
{
    (void)state;
    assert_true(is_fatal(derive_before_the_first));
    assert_true(is_fatal(derive_after_the_last));
    assert_int_equal(set_at(UINT32_MAX - 1).current, UINT32_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_keys),
        cmocka_unit_test(four_epochs_are_held),
        cmocka_unit_test(marks_name_what_is_held),
        cmocka_unit_test(neighbours_agree_on_what_they_share),
        cmocka_unit_test(no_two_keys_are_equal),
        cmocka_unit_test(numbers_have_bounds),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests_name("epoch", tests, NULL, NULL);
}
