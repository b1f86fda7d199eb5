// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Vectors come from a Python model with a SipHash of its own.
#include "crypto/pure/permute.h"
#include "crypto/pure/random.h"
#include "crypto/pure/test_help.h"

#define BLOCKS 100000
#define BLOCK_BITS (8 * PERMUTE_BLOCK_BYTES)

static struct permute_block random_block(struct seeded *seeded)
{
    struct permute_block block;
    struct entropy entropy = seeded_entropy(seeded);
    entropy_fill(&entropy, block.bytes, sizeof block.bytes);
    return block;
}

static bool block_eq(const struct permute_block *a, const struct permute_block *b)
{
    return span_eq(span_make(a->bytes, sizeof a->bytes), span_make(b->bytes, sizeof b->bytes));
}

static unsigned bits_changed(const struct permute_block *a, const struct permute_block *b)
{
    unsigned count = 0;
    for (size_t i = 0; i < PERMUTE_BLOCK_BYTES; i++)
        count += (unsigned)__builtin_popcount((unsigned)(a->bytes[i] ^ b->bytes[i]));
    return count;
}

static void bit_flip(struct permute_block *block, unsigned bit)
{
    block->bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
}

static struct permute_key permute_key_of(struct key key)
{
    struct permute_key permute_key;
    permute_key_init(&permute_key, &key);
    return permute_key;
}

static void known_blocks(void **state)
{
    (void)state;
    struct permute_key key = permute_key_of(counting_key(0));
    struct permute_block block = {0};
    permute_encipher(&key, &block);
    assert_string_equal(hex_of(block.bytes, 15).text, "2e1ed6db6ea2adcca6579a3ffef533");
    memset(block.bytes, 0xff, sizeof block.bytes);
    permute_encipher(&key, &block);
    assert_string_equal(hex_of(block.bytes, 15).text, "cbc89c388a08613cabc5b3fb42a474");
    key = permute_key_of(counting_key(9));
    for (size_t i = 0; i < PERMUTE_BLOCK_BYTES; i++)
        block.bytes[i] = (uint8_t)i;
    permute_encipher(&key, &block);
    assert_string_equal(hex_of(block.bytes, 15).text, "7c80bc9ba2d66f70e6ca6e7344d649");
    permute_decipher(&key, &block);
    assert_string_equal(hex_of(block.bytes, 15).text, "000102030405060708090a0b0c0d0e");
}

static void it_goes_there_and_back(void **state)
{
    (void)state;
    struct seeded seeded;
    seeded_init(&seeded, 1);
    struct permute_key key = permute_key_of(counting_key(1));
    for (int i = 0; i < BLOCKS; i++) {
        struct permute_block plain = random_block(&seeded);
        struct permute_block block = plain;
        permute_encipher(&key, &block);
        assert_false(block_eq(&plain, &block));
        permute_decipher(&key, &block);
        assert_true(block_eq(&plain, &block));
    }
}

// Every bit of the input changes about half of the output, whichever way one goes; the mean of
// 200 blocks lies within 60 ± 3 (some 7 standard deviations).
static void one_bit_changes_half(void (*go)(const struct permute_key *, struct permute_block *))
{
    struct seeded seeded;
    seeded_init(&seeded, 2);
    struct permute_key key = permute_key_of(counting_key(2));
    for (unsigned bit = 0; bit < BLOCK_BITS; bit++) {
        unsigned changed = 0;
        for (int i = 0; i < 200; i++) {
            struct permute_block a = random_block(&seeded);
            struct permute_block b = a;
            bit_flip(&b, bit);
            go(&key, &a);
            go(&key, &b);
            changed += bits_changed(&a, &b);
        }
        assert_in_range(changed, 57 * 200, 63 * 200);
    }
}

static void every_bit_tells_on_the_way_there(void **state)
{
    (void)state;
    one_bit_changes_half(permute_encipher);
}

static void every_bit_tells_on_the_way_back(void **state)
{
    (void)state;
    one_bit_changes_half(permute_decipher);
}

// SipHash takes 128 bits of key: the first half of ours (crypto/pure/mac.c).
static void keys_make_other_permutations(void **state)
{
    (void)state;
    unsigned changed = 0;
    struct permute_key first = permute_key_of(counting_key(3));
    for (unsigned bit = 0; bit < 8 * SHORT_KEY_BYTES; bit++) {
        struct key key = counting_key(3);
        struct permute_block a = {0};
        struct permute_block b = {0};
        key.bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        struct permute_key other = permute_key_of(key);
        permute_encipher(&first, &a);
        permute_encipher(&other, &b);
        changed += bits_changed(&a, &b);
    }
    assert_in_range(changed, 57 * 8 * SHORT_KEY_BYTES, 63 * 8 * SHORT_KEY_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_blocks),
        cmocka_unit_test(it_goes_there_and_back),
        cmocka_unit_test(every_bit_tells_on_the_way_there),
        cmocka_unit_test(every_bit_tells_on_the_way_back),
        cmocka_unit_test(keys_make_other_permutations),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests_name("permute", tests, NULL, NULL);
}
