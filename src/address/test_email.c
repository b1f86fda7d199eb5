// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "address/address.h"
#include "base/strbuf.h"
#include "sim/seeded.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct spelling {
    struct span text;
    struct span value;
};

static void assert_canonical(struct span text, struct span value)
{
    struct address address;
    if (!address_parse(ADDRESS_EMAIL, text, SPAN(""), &address))
        fail_msg("refused: %.*s", (int)text.len, (const char *)text.data);
    if (!span_eq(address_value(&address), value))
        fail_msg("%.*s became %.*s", (int)text.len, (const char *)text.data,
                 (int)address_value(&address).len, (const char *)address_value(&address).data);
}

#define X10 "xxxxxxxxxx"
#define X64 X10 X10 X10 X10 X10 X10 "xxxx"
#define X60 X10 X10 X10 X10 X10 X10
#define AE15 "äääääääääääääää"

// 64 + 1 + 189 = 254 bytes.
#define LONGEST                     \
    X64 "@" X60 "." X60 "." X60 "." \
        "xxxxxx"

static void one_value_for_each_mailbox(void **state)
{
    (void)state;
    const struct spelling table[] = {
        {SPAN("someone@example.com"), SPAN("someone@example.com")},
        {SPAN("SomeOne@Example.COM"), SPAN("someone@example.com")},
        {SPAN("  someone@example.com\t"), SPAN("someone@example.com")},
        {SPAN("someone@example.com."), SPAN("someone@example.com")},
        {SPAN("some.one@example.com"), SPAN("some.one@example.com")},
        {SPAN("some+tag@example.com"), SPAN("some+tag@example.com")}, // a mailbox of its own
        {SPAN("a@b.example"), SPAN("a@b.example")},
        {SPAN("0@example.com"), SPAN("0@example.com")},
        {SPAN("-@example.com"), SPAN("-@example.com")},
        {SPAN("!#$%&'*+-/=?^_`{|}~@example.com"), SPAN("!#$%&'*+-/=?^_`{|}~@example.com")},
        {SPAN(X64 "@example.com"), SPAN(X64 "@example.com")},
        {SPAN(LONGEST), SPAN(LONGEST)},
        {SPAN("someone@BÜCHER.example"), SPAN("someone@xn--bcher-kva.example")},
        {SPAN("someone@XN--BCHER-kva.example"), SPAN("someone@xn--bcher-kva.example")},
        {SPAN("jörg@example.com"), SPAN("jörg@example.com")},
        {SPAN("JöRG@example.com"), SPAN("jörg@example.com")},
        {SPAN("jo\u0308rg@example.com"), SPAN("jörg@example.com")},
        {SPAN("JO\u0308RG@example.com"),
         SPAN("jÖrg@example.com")}, // "Ö" is not folded, composed or not
        {SPAN("JÖRG@example.com"), SPAN("jÖrg@example.com")},
        {SPAN("T\u0308@example.com"), SPAN("\u1E97@example.com")}, // composes in lower case only
        {SPAN("\u1E97@example.com"), SPAN("\u1E97@example.com")},
        {SPAN("\u212Aelvin@example.com"), SPAN("kelvin@example.com")}, // the Kelvin sign is K
        {SPAN("\u212B@example.com"), SPAN("\u00C5@example.com")},      // the Angstrom sign is Å
        {SPAN("ı@example.com"), SPAN("ı@example.com")},                // a dotless i is no i
        {SPAN("İ@example.com"), SPAN("İ@example.com")},
        {SPAN("ﬁ@example.com"), SPAN("ﬁ@example.com")}, // nor is the ligature two letters
        {SPAN("用户@例え.テスト"), SPAN("用户@xn--r8jz45g.xn--zckzah")},
        {SPAN("उपयोगकर्ता@example.com"), SPAN("उपयोगकर्ता@example.com")},
        {SPAN("مستخدم@example.com"), SPAN("مستخدم@example.com")},
        {SPAN("\uAC00@example.com"), SPAN("\uAC00@example.com")},
        // UTS 46 maps the iota below before it composes: other domains, were they not composed
        // before.
        {SPAN("a@\u1FA7\u031F\u048F.com"), SPAN("a@xn--gta12anv364f.com")},
        {SPAN("a@\u03C9\u031F\u0314\u0342\u0345\u048F.com"), SPAN("a@xn--gta12anv364f.com")},
        {SPAN("\u1100\u1161@example.com"), SPAN("\uAC00@example.com")}, // Hangul composes
        {SPAN("☺@example.com"), SPAN("☺@example.com")},
        {SPAN(AE15 AE15 "ää@example.com"), SPAN(AE15 AE15 "ää@example.com")}, // 64 bytes
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        assert_canonical(table[i].text, table[i].value);
        assert_canonical(table[i].value, table[i].value);
    }
}

static const struct span refused[] = {
    SPAN(""),
    SPAN(" "),
    SPAN("@"),
    SPAN("someone"),
    SPAN("someone@"),
    SPAN("@example.com"),
    SPAN("someone@localhost"),
    SPAN("someone@@example.com"),
    SPAN("some@one@example.com"),
    SPAN("someone@example.com@example.com"),
    SPAN("someone@@bücher.example"),
    SPAN("some@one@bücher.example"),
    SPAN("someone@[192.0.2.1]"),
    SPAN("someone@192.0.2.1"),
    SPAN("\"someone\"@example.com"),
    SPAN("\"some one\"@example.com"),
    SPAN("\"some@one\"@example.com"),
    SPAN("some\\one@example.com"),
    SPAN("some one@example.com"),
    SPAN("someone @example.com"),
    SPAN("someone@ example.com"),
    SPAN("some\tone@example.com"),
    SPAN("someone@example.com\n"),
    SPAN("someone@example.com\r\nRCPT TO:<other@example.com>"),
    SPAN("someone\r@example.com"),
    SPAN("someone\0@example.com"),
    SPAN("someone@example.com\0"),
    SPAN("\0someone@example.com"),
    SPAN("someone\x7F@example.com"),
    SPAN(".someone@example.com"),
    SPAN("someone.@example.com"),
    SPAN("some..one@example.com"),
    SPAN(".@example.com"),
    SPAN("..@example.com"),
    SPAN("some(comment)one@example.com"),
    SPAN("someone@example.com (comment)"),
    SPAN("Some One <someone@example.com>"),
    SPAN("<someone@example.com>"),
    SPAN("mailto:someone@example.com"),
    SPAN("someone@example.com,other@example.com"),
    SPAN("someone,other@example.com"),
    SPAN("someone;other@example.com"),
    SPAN("some:one@example.com"),
    SPAN("some[one]@example.com"),
    SPAN("x" X64 "@example.com"),
    SPAN(AE15 AE15 "äää@example.com"), // 66 bytes
    SPAN("x" LONGEST),
    SPAN(LONGEST "x"),
    SPAN("someone＠example.com"),
    SPAN("some＠one@example.com"),
    SPAN("some\uFE6Bone@example.com"),
    SPAN("someone@ex＠mple.com"),
    SPAN("j\xF6rg@example.com"),           // Latin-1
    SPAN("j\xC3@example.com"),             // cut
    SPAN("j\xC0\xAF@example.com"),         // overlong
    SPAN("j\xED\xA0\x80@example.com"),     // surrogate
    SPAN("j\xF4\x90\x80\x80@example.com"), // beyond U+10FFFF
    SPAN("j\u00A0@example.com"),           // spaces
    SPAN("\u3000someone@example.com"),
    SPAN("j\u2028@example.com"),
    SPAN("j\xC2\x85@example.com"),     // a control, U+0085
    SPAN("some\u00ADone@example.com"), // invisible
    SPAN("some\u200Bone@example.com"),
    SPAN("some\u200Done@example.com"),
    SPAN("some\u202Eone@example.com"),
    SPAN("some\u2060one@example.com"),
    SPAN("some\uFE0Fone@example.com"),
    SPAN("some\uFEFFone@example.com"),
    SPAN("some\u034Fone@example.com"),
    SPAN("some\u3164one@example.com"),
    SPAN("some\uE000one@example.com"),     // private
    SPAN("some\U000E0041one@example.com"), // a tag
    SPAN("some\uFFFFone@example.com"),     // no character
    SPAN("some\u0378one@example.com"),     // unassigned
    SPAN("some\u037Eone@example.com"),     // is ";" in NFC
    SPAN("some\u2000one@example.com"),
    SPAN("+919999999993"),
};

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    struct address address;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        if (address_parse(ADDRESS_EMAIL, refused[i], SPAN(""), &address))
            fail_msg("accepted: %.*s", (int)refused[i].len, (const char *)refused[i].data);
    }
}

static void an_identifier_has_its_kind_in_front(void **state)
{
    (void)state;
    struct address address;
    assert_true(address_parse(ADDRESS_EMAIL, SPAN("A@example.com"), SPAN(""), &address));
    assert_int_equal(address.kind, ADDRESS_EMAIL);
    assert_true(span_eq(address_identifier(&address), SPAN("Ea@example.com")));
}

static void a_long_spelling_is_refused(void **state)
{
    (void)state;
    uint8_t text[8192];
    struct address address;
    for (size_t i = 0; i < sizeof text; i += 2)
        memcpy(text + i, "ä", 2);
    memcpy(text + sizeof text - 12, "@example.com", 12);
    for (size_t len = 12 + 66; len <= sizeof text; len += 2)
        assert_false(address_parse(ADDRESS_EMAIL, span_make(text + sizeof text - len, len),
                                   SPAN(""), &address));
    assert_true(
        address_parse(ADDRESS_EMAIL, span_make(text + sizeof text - 76, 76), SPAN(""), &address));
}

// Pieces of canonical addresses, each with spellings of it that mean the same.
struct piece {
    const char *canonical;
    const char *spellings[4];
};

static const struct piece pieces[] = {
    {"a", {"a", "A", "a", "A"}},
    {"z9", {"z9", "Z9", "z9", "Z9"}},
    {"-_", {"-_", "-_", "-_", "-_"}},
    {"é", {"é", "e\u0301", "é", "e\u0301"}},
    {"É", {"É", "E\u0301", "É", "E\u0301"}},
    {"ẗ", {"ẗ", "t\u0308", "T\u0308", "ẗ"}},
    {"k", {"k", "K", "\u212A", "k"}},
    {"각", {"각", "\u1100\u1161\u11A8", "\uAC00\u11A8", "각"}},
    {"ệ", {"ệ", "e\u0323\u0302", "e\u0302\u0323", "ê\u0323"}},
    {"日", {"日", "日", "日", "日"}},
};

static const struct piece domains[] = {
    {"example.com", {"example.com", "EXAMPLE.COM", "Example.Com.", "ｅxample.com"}},
    {"xn--bcher-kva.example",
     {"bücher.example", "BU\u0308CHER.example.", "XN--bcher-KVA.example", "bücher。example"}},
};

static void put_piece(const struct piece *piece, struct strbuf *spelling, struct strbuf *canonical,
                      struct seeded *seeded)
{
    strbuf_put_text(canonical, piece->canonical);
    strbuf_put_text(spelling, piece->spellings[seeded_below(seeded, 4)]);
}

static void any_spelling_of_an_address_is_that_address(void **state)
{
    (void)state;
    struct seeded seeded;
    seeded_init(&seeded, 1);
    for (int i = 0; i < 20000; i++) {
        uint8_t storage[2][256];
        struct strbuf spelling = strbuf_over(storage[0], sizeof storage[0]);
        struct strbuf canonical = strbuf_over(storage[1], sizeof storage[1]);
        if (seeded_below(&seeded, 4) == 0)
            strbuf_put_text(&spelling, " ");
        for (uint64_t n = seeded_below(&seeded, 8); n > 0; n--) {
            put_piece(&pieces[seeded_below(&seeded, COUNT_OF(pieces))], &spelling, &canonical,
                      &seeded);
            const struct piece dot = {"a.", {"a.", "A.", "a.", "A."}};
            if (seeded_below(&seeded, 3) == 0)
                put_piece(&dot, &spelling, &canonical, &seeded);
        }
        put_piece(&pieces[seeded_below(&seeded, COUNT_OF(pieces))], &spelling, &canonical, &seeded);
        strbuf_put_text(&spelling, "@");
        strbuf_put_text(&canonical, "@");
        put_piece(&domains[seeded_below(&seeded, COUNT_OF(domains))], &spelling, &canonical,
                  &seeded);
        assert_false(spelling.is_overflowed);
        assert_canonical(strbuf_span(&spelling), strbuf_span(&canonical));
        assert_canonical(strbuf_span(&canonical), strbuf_span(&canonical));
    }
}

// Random bytes and mistakes around a good address: what is accepted is its own canonical form.
static void canonical_is_a_fixed_point(void **state)
{
    (void)state;
    struct seeded seeded;
    seeded_init(&seeded, 2);
    unsigned accepted = 0;
    for (int i = 0; i < 200000; i++) {
        uint8_t text[] = "K\xCC\x88sJ\xC3\x96.x+y@b\xC3\xBC"
                         "cher.xn--r8jz45g.com";
        for (uint64_t n = seeded_below(&seeded, 4); n > 0; n--)
            text[seeded_below(&seeded, sizeof text - 1)] = (uint8_t)seeded_u64(&seeded);
        struct address address;
        if (!address_parse(ADDRESS_EMAIL, span_make(text, sizeof text - 1), SPAN(""), &address))
            continue;
        assert_canonical(address_value(&address), address_value(&address));
        accepted++;
    }
    assert_in_range(accepted, 50000, 200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_value_for_each_mailbox),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(an_identifier_has_its_kind_in_front),
        cmocka_unit_test(a_long_spelling_is_refused),
        cmocka_unit_test(any_spelling_of_an_address_is_that_address),
        cmocka_unit_test(canonical_is_a_fixed_point),
    };
    return cmocka_run_group_tests_name("email", tests, NULL, NULL);
}
