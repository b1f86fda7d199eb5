// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One person, however he is written; and two people, however alike they look. A limit counts a
// person, so that a spelling that is somebody else lets one be sent too much, and two people who
// are one lock each other out.
#include "address/address.h"
#include "sim/spelling.h"
#include "unit/unit.h"

#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define TEXT_BYTES 512U

struct text {
    struct strbuf buf;
    uint8_t storage[TEXT_BYTES];
};

static struct strbuf *begin(struct text *text)
{
    text->buf = strbuf_over(text->storage, sizeof text->storage);
    return &text->buf;
}

static struct span span_of(const struct text *text)
{
    assert_false(text->buf.is_overflowed);
    return strbuf_span(&text->buf);
}

static void assert_same(enum address_kind kind, struct span one, struct span other)
{
    struct address first, second;
    if (!address_parse(kind, one, SPAN("IN"), &first))
        fail_msg("refused: %.*s", (int)one.len, (const char *)one.data);
    if (!address_parse(kind, other, SPAN("IN"), &second))
        fail_msg("refused: %.*s", (int)other.len, (const char *)other.data);
    if (!span_eq(address_identifier(&first), address_identifier(&second)))
        fail_msg("two people: %.*s and %.*s", (int)one.len, (const char *)one.data, (int)other.len,
                 (const char *)other.data);
}

// A spelling that is refused is nobody.
static bool is_same(enum address_kind kind, struct span one, struct span other)
{
    struct address first, second;
    return address_parse(kind, one, SPAN("IN"), &first) &&
           address_parse(kind, other, SPAN("IN"), &second) &&
           span_eq(address_identifier(&first), address_identifier(&second));
}

static void assert_others(enum address_kind kind, struct span one, struct span other)
{
    if (is_same(kind, one, other))
        fail_msg("one person: %.*s and %.*s", (int)one.len, (const char *)one.data, (int)other.len,
                 (const char *)other.data);
}

// Mobile numbers of several lengths, some in plans where something is dialled before a number.
static const char *const numbers[] = {
    "919876543210",  "12025550147", "447400123456", "4915123456789", "33612345678", "393123456789",
    "5491123456789", "79123456789", "36201234567",  "819012345678",  "6591234567",  "2348021234567",
};

static void a_number_in_any_spelling_is_one_person(void **state)
{
    (void)state;
    const char *const prefixes[] = {"+", "00", "\uFF0B", "0 0", "\u0660\u0660", "(+"};
    struct seeded seeded;
    seeded_init(&seeded, 11);
    for (int i = 0; i < 50000; i++) {
        struct text one, other;
        struct span number = span_of_text(numbers[seeded_below(&seeded, COUNT_OF(numbers))]);
        const char *prefix = prefixes[seeded_below(&seeded, COUNT_OF(prefixes))];
        spell_number(number, prefix, begin(&one), &seeded);
        strbuf_put_text(begin(&other), "+");
        strbuf_put(&other.buf, number);
        assert_same(ADDRESS_MOBILE, span_of(&one), span_of(&other));
    }
}

static void another_digit_is_another_person(void **state)
{
    (void)state;
    struct seeded seeded;
    seeded_init(&seeded, 12);
    for (int i = 0; i < 50000; i++) {
        struct text one, other;
        struct span number = span_of_text(numbers[seeded_below(&seeded, COUNT_OF(numbers))]);
        spell_number(number, "+", begin(&one), &seeded);
        uint8_t digits[16];
        memcpy(digits, number.data, number.len);
        uint8_t *changed = &digits[seeded_below(&seeded, number.len)];
        *changed = (uint8_t)('0' + (*changed - '0' + 1U + seeded_below(&seeded, 9)) % 10);
        spell_number(span_make(digits, number.len), "+", begin(&other), &seeded);
        assert_others(ADDRESS_MOBILE, span_of(&one), span_of(&other));
    }
}

// Letters of scripts that compose, and of some that do not.
static uint32_t any_letter(struct seeded *seeded)
{
    static const uint32_t ranges[][2] = {
        {'a', 'z'},     {'A', 'Z'},       {0xC0, 0x17F},    {0x180, 0x24F},   {0x1E00, 0x1EFF},
        {0x370, 0x3FF}, {0x1F00, 0x1FFF}, {0x400, 0x4FF},   {0x904, 0x939},   {0x5D0, 0x5EA},
        {0x620, 0x64A}, {0x0E01, 0x0E2E}, {0x3041, 0x30FA}, {0xAC00, 0xD7A3}, {0x4E00, 0x4FFF},
    };
    for (;;) {
        const uint32_t *range = ranges[seeded_below(seeded, COUNT_OF(ranges))];
        uint32_t scalar = range[0] + (uint32_t)seeded_below(seeded, range[1] - range[0] + 1);
        if (uc_is_general_category_withtable(scalar, UC_CATEGORY_MASK_L))
            return scalar;
    }
}

static void put_letters(struct strbuf *out, size_t count, struct seeded *seeded)
{
    while (count-- > 0)
        spell_scalar(any_letter(seeded), out);
}

static void put_normal(struct strbuf *out, uninorm_t form, struct span text)
{
    size_t len = out->cap - out->len;
    uint8_t *at = out->data + out->len;
    assert_ptr_equal(u8_normalize(form, text.data, text.len, at, &len), at);
    out->len += len;
}

static void flip_ascii_case(struct strbuf *text, struct seeded *seeded)
{
    for (size_t i = 0; i < text->len; i++) {
        bool is_letter = ascii_lower(text->data[i]) >= 'a' && ascii_lower(text->data[i]) <= 'z';
        if (is_letter && seeded_below(seeded, 2) == 0)
            text->data[i] ^= 0x20;
    }
}

// Case is flipped in composed text alone: what follows a flipped letter may compose with the one
// and not with the other.
static void a_mailbox_in_any_form_is_one_person(void **state)
{
    (void)state;
    struct seeded seeded;
    seeded_init(&seeded, 13);
    for (int i = 0; i < 30000; i++) {
        struct text one, composed, decomposed;
        put_letters(begin(&one), 1 + seeded_below(&seeded, 8), &seeded);
        strbuf_put_text(&one.buf,
                        seeded_below(&seeded, 2) ? "@example.com" : "@B\u00FCcher.example");
        put_normal(begin(&composed), UNINORM_NFC, span_of(&one));
        put_normal(begin(&decomposed), UNINORM_NFD, span_of(&one));
        assert_same(ADDRESS_EMAIL, span_of(&one), span_of(&decomposed));
        flip_ascii_case(&composed.buf, &seeded);
        assert_same(ADDRESS_EMAIL, span_of(&one), span_of(&composed));
        strbuf_put_text(&decomposed.buf, ".");
        assert_same(ADDRESS_EMAIL, span_of(&one), span_of(&decomposed));
    }
}

static void put_folded(struct strbuf *out, struct span text)
{
    put_normal(out, UNINORM_NFC, text);
    for (size_t i = 0; i < out->len; i++)
        out->data[i] = ascii_lower(out->data[i]);
}

static void other_letters_are_another_person(void **state)
{
    (void)state;
    struct seeded seeded;
    seeded_init(&seeded, 14);
    for (int i = 0; i < 30000; i++) {
        struct text one, other, one_folded, other_folded;
        size_t count = 1 + seeded_below(&seeded, 3);
        put_letters(begin(&one), count, &seeded);
        put_letters(begin(&other), count, &seeded);
        put_folded(begin(&one_folded), span_of(&one));
        put_folded(begin(&other_folded), span_of(&other));
        if (span_eq(span_of(&one_folded), span_of(&other_folded)))
            continue;
        strbuf_put_text(&one.buf, "@example.com");
        strbuf_put_text(&other.buf, "@example.com");
        assert_others(ADDRESS_EMAIL, span_of(&one), span_of(&other));
    }
}

struct pair {
    enum address_kind kind;
    const char *one, *other;
};

static void those_who_look_alike_are_others(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {ADDRESS_EMAIL, "jose@example.com", "josé@example.com"},
        {ADDRESS_EMAIL, "ärger@example.com", "Ärger@example.com"},
        {ADDRESS_EMAIL, "straße@example.com", "strasse@example.com"},
        {ADDRESS_EMAIL, "ﬁn@example.com", "fin@example.com"},
        {ADDRESS_EMAIL, "ａ@example.com", "a@example.com"},
        {ADDRESS_EMAIL, "ıvan@example.com", "ivan@example.com"},
        {ADDRESS_EMAIL, "İvan@example.com", "ivan@example.com"},
        {ADDRESS_EMAIL, "σας@example.com", "σασ@example.com"},
        {ADDRESS_EMAIL, "а@example.com", "a@example.com"}, // Cyrillic
        {ADDRESS_EMAIL, "x²@example.com", "x2@example.com"},
        {ADDRESS_EMAIL, "a.b@example.com", "ab@example.com"},
        {ADDRESS_EMAIL, "a+b@example.com", "a@example.com"},
        {ADDRESS_EMAIL, "a@straße.example", "a@strasse.example"},
        {ADDRESS_EMAIL, "a@φας.example", "a@φασ.example"},
        {ADDRESS_EMAIL, "a@exаmple.com", "a@example.com"}, // Cyrillic
        {ADDRESS_EMAIL, "a@bücher.example", "a@bucher.example"},
        {ADDRESS_EMAIL, "a@example.com", "a@example.com.example"},
        {ADDRESS_EMAIL, "a@mail.example.com", "a@example.com"},
        {ADDRESS_MOBILE, "9876543210", "+9876543210"},
        {ADDRESS_MOBILE, "+919876543210", "+9198765432100"},
        {ADDRESS_MOBILE, "+390612345678", "+39612345678"},
        {ADDRESS_MOBILE, "+12025550147", "+912025550147"},
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        assert_others(pairs[i].kind, span_of_text(pairs[i].one), span_of_text(pairs[i].other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_in_any_spelling_is_one_person),
        cmocka_unit_test(another_digit_is_another_person),
        cmocka_unit_test(a_mailbox_in_any_form_is_one_person),
        cmocka_unit_test(other_letters_are_another_person),
        cmocka_unit_test(those_who_look_alike_are_others),
    };
    return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
