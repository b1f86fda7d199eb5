// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Vectors come from a Python model over hashlib.blake2b.
#include "crypto/pure/code.h"
#include "crypto/pure/random.h"
#include "crypto/pure/test_help.h"
#include "crypto/pure/uniform.h"

static struct code_source counting_source(uint64_t salt)
{
    struct code_source source = {.salt = salt};
    for (size_t i = 0; i < 16; i++) {
        source.record_key.bytes[i] = (uint8_t)(0x10 + i);
        source.session.bytes[i] = (uint8_t)(0x20 + i);
    }
    return source;
}

static struct span code_text(const struct code *code)
{
    return span_make(code->digits, code->length);
}

struct known_code {
    uint64_t salt;
    uint8_t length;
    const char *text;
};

static void known_codes(void **state)
{
    (void)state;
    const struct known_code table[] = {
        {UINT64_C(0x0123456789abcdef), 4, "4342"},
        {UINT64_C(0x0123456789abcdef), 5, "24342"},
        {UINT64_C(0x0123456789abcdef), 6, "524342"},
        {UINT64_C(0x0123456789abcdef), 7, "6524342"},
        {UINT64_C(0x0123456789abcdef), 8, "86524342"},
        {UINT64_C(0x0123456789abcdef), 9, "686524342"},
        {UINT64_C(0x0123456789abcdef), 10, "5686524342"},
        {5, 6, "008516"},
        {102, 6, "009120"},
        {319, 6, "007774"},
    };
    struct key key = counting_key(0);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct code_source source = counting_source(table[i].salt);
        struct code code;
        code_derive(&key, &source, table[i].length, &code);
        assert_true(span_eq(code_text(&code), span_of_text(table[i].text)));
    }
}

// Each part of the source, and the key, tells: of 1,000 salts no more codes stay the same than
// chance would have it (ten digits: none).
static void every_part_of_the_source_tells(void **state)
{
    (void)state;
    for (unsigned part = 0; part < 4; part++) {
        for (uint64_t salt = 0; salt < 1000; salt++) {
            struct key key = counting_key(0);
            struct code_source source = counting_source(salt);
            struct code before, after;
            code_derive(&key, &source, 10, &before);
            uint8_t *const parts[] = {key.bytes, source.record_key.bytes, source.session.bytes,
                                      (uint8_t *)&source.salt};
            parts[part][7] ^= 1;
            code_derive(&key, &source, 10, &after);
            assert_false(span_eq(code_text(&before), code_text(&after)));
        }
    }
}

static double chi_square(const unsigned *counts, size_t cells, double expected)
{
    double sum = 0;
    for (size_t i = 0; i < cells; i++) {
        double off = (double)counts[i] - expected;
        sum += off * off / expected;
    }
    return sum;
}

// Bounds: 9 degrees of freedom pass 33.7 with chance 10^-4, 9,999 pass 10,600 with less than 10^-5.
static void codes_are_uniform(void **state)
{
    (void)state;
    enum { CODES = 500000 };
    unsigned *whole = test_calloc(10000, sizeof *whole);
    unsigned positions[4][10] = {0};
    struct key key = counting_key(4);
    for (uint64_t salt = 0; salt < CODES; salt++) {
        struct code_source source = counting_source(salt);
        struct code code;
        code_derive(&key, &source, 4, &code);
        size_t number = 0;
        for (size_t i = 0; i < 4; i++) {
            positions[i][code.digits[i] - '0']++;
            number = number * 10 + (code.digits[i] - '0');
        }
        whole[number]++;
    }
    for (size_t i = 0; i < 4; i++)
        assert_true(chi_square(positions[i], 10, CODES / 10.0) < 33.7);
    assert_true(chi_square(whole, 10000, CODES / 10000.0) < 10600);
    test_free(whole);
}

// 2^64 = 1,844,674,407 × 10^10 + 3,709,551,616: the last usable word of ten digits is
// 18,446,744,069,999,999,999.
static void too_large_words_are_skipped(void **state)
{
    (void)state;
    const uint64_t last = UINT64_C(18446744069999999999);
    const uint64_t skipped[] = {last + 1, UINT64_MAX, last + 2, 77};
    uint64_t number = 0;
    assert_true(uniform_number(skipped, 4, 10, &number));
    assert_int_equal(number, 77);
    number = 1;
    assert_false(uniform_number(skipped, 3, 10, &number));
    assert_false(uniform_number(skipped, 0, 10, &number));
    assert_int_equal(number, 1);
    assert_true(uniform_number(&last, 1, 10, &number));
    assert_int_equal(number, UINT64_C(9999999999));
}

struct edge {
    uint8_t digits;
    uint64_t last; // the last usable word
};

static void each_length_has_its_edge(void **state)
{
    (void)state;
    const struct edge edges[] = {
        {1, UINT64_C(18446744073709551609)}, {4, UINT64_C(18446744073709549999)},
        {6, UINT64_C(18446744073708999999)}, {8, UINT64_C(18446744073699999999)},
        {9, UINT64_C(18446744072999999999)},
    };
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        uint64_t number = 0;
        const uint64_t words[] = {edges[i].last + 1, edges[i].last};
        assert_false(uniform_number(words, 1, edges[i].digits, &number));
        assert_true(uniform_number(words, 2, edges[i].digits, &number));
        uint64_t nines = 0;
        for (unsigned n = 0; n < edges[i].digits; n++)
            nines = nines * 10 + 9;
        assert_int_equal(number, nines);
    }
}

struct guess {
    struct span text;
    bool is_right;
};

static void guesses(void **state)
{
    (void)state;
    const struct guess table[] = {
        {SPAN("008516"), true},        {SPAN("008517"), false},   {SPAN("108516"), false},
        {SPAN("8516"), false},         {SPAN("08516"), false},    {SPAN("0008516"), false},
        {SPAN("008516 "), false},      {SPAN(" 08516"), false},   {SPAN(""), false},
        {SPAN("00851\0"), false},      {SPAN("008516\0"), false}, {SPAN("+08516"), false},
        {SPAN("００８５１６"), false}, {SPAN("oo8516"), false},   {SPAN("0x8516"), false},
    };
    struct key key = counting_key(0);
    struct code_source source = counting_source(5);
    struct code code;
    code_derive(&key, &source, 6, &code);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_int_equal(code_matches(&code, table[i].text), table[i].is_right);
}

static void a_code_goes_into_a_message_and_is_wiped(void **state)
{
    (void)state;
    struct key key = counting_key(0);
    struct code_source source = counting_source(5);
    struct code code;
    struct message message;
    code_derive(&key, &source, 6, &code);
    message_init(&message);
    code_render(&code, &message);
    assert_true(span_eq(message_reveal(&message), SPAN("008516")));
    code_wipe(&code);
    assert_string_equal(hex_of(&code, sizeof code).text, "0000000000000000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_codes),
        cmocka_unit_test(every_part_of_the_source_tells),
        cmocka_unit_test(codes_are_uniform),
        cmocka_unit_test(too_large_words_are_skipped),
        cmocka_unit_test(each_length_has_its_edge),
        cmocka_unit_test(guesses),
        cmocka_unit_test(a_code_goes_into_a_message_and_is_wiped),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests_name("code", tests, NULL, NULL);
}
