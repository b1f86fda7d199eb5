// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "crypto/pure/random.h"
#include "crypto/pure/seal.h"
#include "crypto/pure/test_help.h"

static const struct span associated = SPAN("entry 7, brand 3");
static const struct span address = SPAN("Mx919999999993");

static struct sealed sealed_address(void)
{
    struct key key = counting_key(0);
    struct seeded seeded;
    seeded_init(&seeded, 1);
    struct entropy entropy = seeded_entropy(&seeded);
    struct sealed sealed = {0};
    seal_text(&key, &entropy, associated, address, &sealed);
    return sealed;
}

// False, and nothing of the address in the buffer.
static bool is_refused(const struct key *key, struct span with, const struct sealed *sealed)
{
    uint8_t out[SEAL_PLAIN_BYTES_MAX];
    memset(out, 0, sizeof out);
    size_t len = 99;
    if (seal_open(key, with, sealed, out, &len))
        return false;
    for (size_t i = 0; i < sizeof out; i++)
        assert_int_equal(out[i], 0);
    return true;
}

static void fill_from_0x40(void *ctx, void *out, size_t len)
{
    (void)ctx;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)(0x40 + i);
}

// draft-irtf-cfrg-xchacha-03, appendix A.3.1.
static void known_cipher_text(void **state)
{
    (void)state;
    const uint8_t data[] = {0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7};
    struct key key = counting_key(0x80);
    struct entropy entropy = {.fill = fill_from_0x40};
    struct sealed sealed;
    seal_text(&key, &entropy, span_make(data, sizeof data),
              SPAN("Ladies and Gentlemen of the class of '99: If I could offer you only one tip "
                   "for the future, sunscreen would be it."),
              &sealed);
    assert_int_equal(sealed.len, 24 + 114 + 16);
    assert_string_equal(hex_of(sealed.bytes, 24).text,
                        "404142434445464748494a4b4c4d4e4f5051525354555657");
    assert_string_equal(hex_of(sealed.bytes + 24, 114).text,
                        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
                        "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
                        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
                        "21f9664c97637da9768812f615c68b13b52e");
    assert_string_equal(hex_of(sealed.bytes + 138, 16).text, "c0875924c1c7987947deafd8780acf49");
}

static void every_length_opens(void **state)
{
    (void)state;
    struct key key = counting_key(0);
    struct seeded seeded;
    seeded_init(&seeded, 2);
    struct entropy entropy = seeded_entropy(&seeded);
    for (size_t len = 0; len <= SEAL_PLAIN_BYTES_MAX; len++) {
        uint8_t plain[SEAL_PLAIN_BYTES_MAX];
        uint8_t opened[SEAL_PLAIN_BYTES_MAX];
        entropy_fill(&entropy, plain, sizeof plain);
        struct sealed sealed;
        seal_text(&key, &entropy, associated, span_make(plain, len), &sealed);
        size_t opened_len = 0;
        assert_true(seal_open(&key, associated, &sealed, opened, &opened_len));
        assert_true(span_eq(span_make(plain, len), span_make(opened, opened_len)));
    }
}

static void any_changed_bit_is_noticed(void **state)
{
    (void)state;
    struct key key = counting_key(0);
    struct sealed sealed = sealed_address();
    for (size_t i = 0; i < sealed.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            sealed.bytes[i] ^= (uint8_t)(1U << bit);
            assert_true(is_refused(&key, associated, &sealed));
            sealed.bytes[i] ^= (uint8_t)(1U << bit);
        }
    }
}

static void any_other_length_is_noticed(void **state)
{
    (void)state;
    struct key key = counting_key(0);
    struct sealed sealed = sealed_address();
    uint16_t right = sealed.len;
    for (unsigned len = 0; len <= UINT16_MAX; len++) {
        sealed.len = (uint16_t)len;
        if (len != right)
            assert_true(is_refused(&key, associated, &sealed));
    }
}

static void it_belongs_to_its_key_and_entry(void **state)
{
    (void)state;
    struct key key = counting_key(0);
    struct key other = counting_key(1);
    struct sealed sealed = sealed_address();
    assert_true(is_refused(&other, associated, &sealed));
    assert_true(is_refused(&key, SPAN("entry 8, brand 3"), &sealed));
    assert_true(is_refused(&key, SPAN("entry 7, brand 3 "), &sealed));
    assert_true(is_refused(&key, SPAN(""), &sealed));
    assert_false(is_refused(&key, associated, &sealed));
}

static void seal_one_byte_too_many(void)
{
    const uint8_t plain[SEAL_PLAIN_BYTES_MAX + 1] = {0};
    struct key key = counting_key(0);
    struct entropy entropy = entropy_system();
    struct sealed sealed;
    seal_text(&key, &entropy, associated, span_make(plain, sizeof plain), &sealed);
}

static void a_text_has_a_ceiling(void **state)
{
    (void)state;
    assert_true(is_fatal(seal_one_byte_too_many));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_cipher_text),
        cmocka_unit_test(every_length_opens),
        cmocka_unit_test(any_changed_bit_is_noticed),
        cmocka_unit_test(any_other_length_is_noticed),
        cmocka_unit_test(it_belongs_to_its_key_and_entry),
        cmocka_unit_test(a_text_has_a_ceiling),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
