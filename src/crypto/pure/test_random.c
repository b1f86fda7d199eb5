// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "crypto/pure/random.h"
#include "crypto/pure/test_help.h"

static void start_may_be_repeated(void **state)
{
    (void)state;
    assert_int_equal(crypto_init(), ERR_OK);
    assert_int_equal(crypto_init(), ERR_OK);
}

// A counter in place of chance would fail this at once; true randomness does so once in 2^40 runs.
static void no_number_comes_twice(struct entropy entropy)
{
    enum { DRAWS = 2000 };
    uint64_t drawn[DRAWS];
    for (size_t i = 0; i < DRAWS; i++) {
        drawn[i] = entropy_u64(&entropy);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(drawn[i], drawn[j]);
    }
}

static void the_system_does_not_repeat(void **state)
{
    (void)state;
    no_number_comes_twice(entropy_system());
}

static void a_pool_does_not_repeat(void **state)
{
    (void)state;
    struct random_pool pool;
    random_pool_init(&pool);
    no_number_comes_twice(random_pool_entropy(&pool));
}

static size_t zeros_from(const uint8_t *bytes, size_t from, size_t len)
{
    size_t count = 0;
    for (size_t i = from; i < len; i++)
        count += bytes[i] == 0;
    return count;
}

static void what_is_handed_out_is_cleared(void **state)
{
    (void)state;
    struct random_pool pool;
    random_pool_init(&pool);
    struct entropy entropy = random_pool_entropy(&pool);
    uint8_t out[100];
    for (size_t given = sizeof out; given <= RANDOM_POOL_BYTES; given += sizeof out) {
        entropy_fill(&entropy, out, sizeof out);
        assert_int_equal(pool.left, RANDOM_POOL_BYTES - given);
        assert_int_equal(zeros_from(pool.bytes, pool.left, RANDOM_POOL_BYTES), given);
        assert_true(zeros_from(out, 0, sizeof out) < 20);
    }
    // 96 are left, too few for the next hundred: a new stock, of which nothing older remains.
    entropy_fill(&entropy, out, sizeof out);
    assert_int_equal(pool.left, RANDOM_POOL_BYTES - sizeof out);
    random_pool_wipe(&pool);
    assert_int_equal(zeros_from(pool.bytes, 0, RANDOM_POOL_BYTES), RANDOM_POOL_BYTES);
    assert_int_equal(pool.left, 0);
}

static void any_size_can_be_drawn(void **state)
{
    (void)state;
    const size_t sizes[] = {1, RANDOM_POOL_BYTES, RANDOM_POOL_BYTES + 1, 3 * RANDOM_POOL_BYTES};
    uint8_t out[3 * RANDOM_POOL_BYTES + 1];
    struct random_pool pool;
    random_pool_init(&pool);
    struct entropy entropy = random_pool_entropy(&pool);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        memset(out, 0, sizeof out);
        entropy_fill(&entropy, out, sizes[i]);
        assert_true(zeros_from(out, 0, sizes[i]) <= sizes[i] / 64 + 1);
        assert_int_equal(out[sizes[i]], 0);
    }
    entropy_fill(&entropy, out, 0);
}

// SplitMix64 and xoshiro256** from their authors' C code, run by hand in Python.
static void seeds_repeat(void **state)
{
    (void)state;
    struct seeded a, b, c;
    seeded_init(&a, 0);
    seeded_init(&b, 0);
    seeded_init(&c, 1);
    assert_int_equal(a.state[0], UINT64_C(0xe220a8397b1dcdaf));
    uint64_t first = seeded_u64(&a);
    assert_int_equal(first, UINT64_C(0x99ec5f36cb75f2b4));
    assert_int_equal(seeded_u64(&a), UINT64_C(0xbf6e1f784956452a));
    struct entropy entropy = seeded_entropy(&b);
    assert_int_equal(entropy_u64(&entropy), first);
    assert_int_not_equal(seeded_u64(&c), first);
    for (int i = 0; i < 1000; i++)
        assert_in_range(seeded_below(&a, 7), 0, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_may_be_repeated),  cmocka_unit_test(the_system_does_not_repeat),
        cmocka_unit_test(a_pool_does_not_repeat), cmocka_unit_test(what_is_handed_out_is_cleared),
        cmocka_unit_test(any_size_can_be_drawn),  cmocka_unit_test(seeds_repeat),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
