// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The tokens come from Python's hashlib.blake2b.
#include "outbox/receipt_path.h"

#include "sim/seeded.h"
#include "unit/unit.h"

#define PROVIDER UINT32_C(0x11223344)
#define UNTOUCHED UINT64_C(0xAAAA)

static struct key counting_key(unsigned first)
{
    struct key key;
    for (size_t i = 0; i < KEY_BYTES; i++)
        key.bytes[i] = (uint8_t)(first + i);
    return key;
}

struct token_row {
    provider_tag provider;
    uint64_t handle;
    struct span token;
};

static const struct token_row token_rows[] = {
    {PROVIDER, 0, SPAN("00000000000000008e71d97fc1a52a05acd57a38f8e5a14a")},
    {PROVIDER, 1, SPAN("0000000000000001dd650f8e2cf1d36b057f63725d67e34e")},
    {UINT32_C(0x55667788), 1, SPAN("00000000000000011810576e04cb661f7a4374d935b28063")},
    {PROVIDER, UINT64_MAX, SPAN("ffffffffffffffff1281802b8c98f3823e967c634f5851d7")},
};

static void known_tokens(void **state)
{
    const struct key key = counting_key(0);
    (void)state;
    for (size_t i = 0; i < sizeof token_rows / sizeof token_rows[0]; i++) {
        const struct token_row *row = &token_rows[i];
        uint8_t room[RECEIPT_TOKEN_BYTES];
        struct strbuf token = strbuf_over(room, sizeof room);
        uint64_t handle = UNTOUCHED;
        receipt_path_put(&key, row->provider, row->handle, &token);
        assert_int_equal(token.len, RECEIPT_TOKEN_BYTES);
        assert_memory_equal(token.data, row->token.data, token.len);
        assert_true(receipt_path_open(&key, row->provider, row->token, &handle));
        assert_true(handle == row->handle);
    }
}

static void a_token_is_of_one_provider_and_one_key(void **state)
{
    const struct key key = counting_key(0), other = counting_key(1);
    uint64_t handle = UNTOUCHED;
    (void)state;
    assert_false(receipt_path_open(&other, PROVIDER, token_rows[0].token, &handle));
    assert_false(receipt_path_open(&key, PROVIDER + 1, token_rows[0].token, &handle));
    assert_true(handle == UNTOUCHED);
}

static void a_token_has_one_length(void **state)
{
    const struct key key = counting_key(0);
    struct span token = token_rows[0].token;
    uint8_t longer[RECEIPT_TOKEN_BYTES + 1];
    uint64_t handle = UNTOUCHED;
    (void)state;
    memcpy(longer, token.data, token.len);
    longer[RECEIPT_TOKEN_BYTES] = '0';
    for (size_t len = 0; len < token.len; len++)
        assert_false(receipt_path_open(&key, PROVIDER, span_first(token, len), &handle));
    assert_false(receipt_path_open(&key, PROVIDER, span_make(longer, sizeof longer), &handle));
    assert_true(handle == UNTOUCHED);
}

// Other digits, capital ones among them, and bytes that are none.
static void no_byte_of_a_token_may_change(void **state)
{
    const struct key key = counting_key(0);
    uint64_t handle = UNTOUCHED;
    (void)state;
    for (size_t at = 0; at < RECEIPT_TOKEN_BYTES; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint8_t changed[RECEIPT_TOKEN_BYTES];
            memcpy(changed, token_rows[0].token.data, sizeof changed);
            if (changed[at] == byte)
                continue;
            changed[at] = (uint8_t)byte;
            assert_false(
                receipt_path_open(&key, PROVIDER, span_make(changed, sizeof changed), &handle));
        }
    }
    assert_true(handle == UNTOUCHED);
}

static void every_handle_comes_back(void **state)
{
    const struct key key = counting_key(7);
    struct seeded random;
    (void)state;
    seeded_init(&random, 1);
    for (unsigned round = 0; round < 10000; round++) {
        uint64_t handle = seeded_u64(&random) >> seeded_below(&random, 64);
        uint64_t opened = ~handle;
        uint8_t room[RECEIPT_TOKEN_BYTES];
        struct strbuf token = strbuf_over(room, sizeof room);
        receipt_path_put(&key, PROVIDER, handle, &token);
        assert_true(receipt_path_open(&key, PROVIDER, strbuf_span(&token), &opened));
        assert_true(opened == handle);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_tokens),
        cmocka_unit_test(a_token_is_of_one_provider_and_one_key),
        cmocka_unit_test(a_token_has_one_length),
        cmocka_unit_test(no_byte_of_a_token_may_change),
        cmocka_unit_test(every_handle_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
