// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "address/kinds.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct spelling {
    struct span text;
    struct span value;
};

static bool parse(struct span text, struct strbuf *out)
{
    return domain_parse(text, out) && !out->is_overflowed;
}

static void assert_canonical(struct span text, struct span value)
{
    uint8_t storage[ADDRESS_VALUE_BYTES_MAX];
    struct strbuf out = strbuf_over(storage, sizeof storage);
    if (!parse(text, &out))
        fail_msg("refused: %.*s", (int)text.len, (const char *)text.data);
    if (!span_eq(strbuf_span(&out), value))
        fail_msg("%.*s became %.*s", (int)text.len, (const char *)text.data, (int)out.len,
                 (const char *)out.data);
}

#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10
#define X61 X50 X10 "x"
#define X63 X61 "xx"

static void one_name_for_each_host(void **state)
{
    (void)state;
    const struct spelling table[] = {
        {SPAN("example.com"), SPAN("example.com")},
        {SPAN("EXAMPLE.Com"), SPAN("example.com")},
        {SPAN("example.com."), SPAN("example.com")},
        {SPAN("mail.example.co.uk"), SPAN("mail.example.co.uk")},
        {SPAN("a.b"), SPAN("a.b")},
        {SPAN("1.example.com"), SPAN("1.example.com")},
        {SPAN("example.c0m"), SPAN("example.c0m")},
        {SPAN("ab--cd.example.com"), SPAN("ab--cd.example.com")},
        {SPAN(X63 ".example"), SPAN(X63 ".example")},
        {SPAN(X63 "." X63 "." X63 "." X61), SPAN(X63 "." X63 "." X63 "." X61)}, // 253
        {SPAN("bücher.example"), SPAN("xn--bcher-kva.example")},
        {SPAN("BÜCHER.example"), SPAN("xn--bcher-kva.example")},
        {SPAN("bu\u0308cher.example"), SPAN("xn--bcher-kva.example")},
        {SPAN("bücher.example."), SPAN("xn--bcher-kva.example")},
        {SPAN("xn--bcher-kva.example"), SPAN("xn--bcher-kva.example")},
        {SPAN("XN--BCHER-KVA.example"), SPAN("xn--bcher-kva.example")},
        {SPAN("www.xn--bcher-kva.example"), SPAN("www.xn--bcher-kva.example")},
        {SPAN("faß.example"), SPAN("xn--fa-hia.example")}, // not transitional: not "fass"
        {SPAN("例え.テスト"), SPAN("xn--r8jz45g.xn--zckzah")},
        {SPAN("例え。テスト"), SPAN("xn--r8jz45g.xn--zckzah")},
        {SPAN("例え．テスト｡"), SPAN("xn--r8jz45g.xn--zckzah")},
        {SPAN("उदाहरण.परीक्षा"), SPAN("xn--p1b6ci4b4b3a.xn--11b5bs3a9aj6g")},
        {SPAN("مثال.إختبار"), SPAN("xn--mgbh0fb.xn--kgbechtv")},
        {SPAN("ｅｘａｍｐｌｅ.com"), SPAN("example.com")},
        {SPAN("exam\u00ADple.com"), SPAN("example.com")},
        {SPAN("Kelvin.example"), SPAN("kelvin.example")}, // U+212A in front
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        assert_canonical(table[i].text, table[i].value);
        assert_canonical(table[i].value, table[i].value);
    }
}

static void what_is_no_host_name_is_refused(void **state)
{
    (void)state;
    const struct span texts[] = {
        SPAN(""),
        SPAN("."),
        SPAN(".."),
        SPAN("localhost"),
        SPAN("localhost."),
        SPAN(".example.com"),
        SPAN("example..com"),
        SPAN("example.com.."),
        SPAN("-example.com"),
        SPAN("example-.com"),
        SPAN("example.-com"),
        SPAN("exa_mple.com"),
        SPAN("exa mple.com"),
        SPAN(" example.com"),
        SPAN("example.com\n"),
        SPAN("example.com\0"),
        SPAN("example\0.com"),
        SPAN("ex\0ämple.com"),
        SPAN("example.com\0ä"),
        SPAN("exam@ple.com"),
        SPAN("example.com:25"),
        SPAN("example.com/"),
        SPAN("*.example.com"),
        SPAN("192.0.2.1"),
        SPAN("[192.0.2.1]"),
        SPAN("[IPv6:2001:db8::1]"),
        SPAN("example.123"),
        SPAN("example.123."),
        SPAN("１９２.０.２.１"),
        SPAN(X63 "x.example"),
        SPAN(X63 "." X63 "." X63 "." X61 "x"),
        SPAN("xn--.example"),
        SPAN("xn--a.example"),
        SPAN("xn--bcher-kvä.example"),
        SPAN("xn--bcher-kva-.example"),
        SPAN("xn--example-.com"),
        SPAN("xn--\x80.example"),
        SPAN("b\xFC"
             "cher.example"),
        SPAN("b\xC3"),
        SPAN("b\xED\xA0\x80.example"),
        SPAN("bücher"),
        SPAN("bü_cher.example"),
        SPAN("bü cher.example"),
        SPAN("-bücher.example"),
        SPAN("\u0301bc.example"),
        SPAN("bücher..example"),
        SPAN("bücher。。example"),
        SPAN("ex＠mple.com"),
        SPAN("例え。"),
        SPAN("a\u200Db.example"),
        SPAN("aא.example"),
        SPAN("ex\uE000mple.com"),
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        uint8_t storage[ADDRESS_VALUE_BYTES_MAX];
        struct strbuf out = strbuf_over(storage, sizeof storage);
        if (parse(texts[i], &out))
            fail_msg("accepted: %.*s", (int)texts[i].len, (const char *)texts[i].data);
    }
}

static void a_long_spelling_is_refused(void **state)
{
    (void)state;
    uint8_t text[4096];
    memset(text, 0xCC, sizeof text); // U+030C again and again would be 0xCC 0x8C
    for (size_t i = 1; i < sizeof text; i += 2)
        text[i] = 0x8C;
    uint8_t storage[ADDRESS_VALUE_BYTES_MAX];
    struct strbuf out = strbuf_over(storage, sizeof storage);
    assert_false(parse(span_make(text, sizeof text), &out));
    assert_false(parse(span_make(text, 1026), &out));
    assert_false(parse(span_make(text, 1024), &out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_name_for_each_host),
        cmocka_unit_test(what_is_no_host_name_is_refused),
        cmocka_unit_test(a_long_spelling_is_refused),
    };
    return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
