// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/mail.h"

#include "unit/unit.h"

#include <stdlib.h>

#define SENT_AT_MS INT64_C(1795397806123) // Mon, 23 Nov 2026 01:36:46 UTC

static struct mail_text text_of(const char *text)
{
    struct mail_text out = {.span = SPAN("")};
    assert_true(mail_text_of(span_of_text(text), &out));
    return out;
}

static struct mail_address address_of(const char *text)
{
    struct mail_address out = {.span = SPAN("")};
    assert_true(mail_address_of(span_of_text(text), &out));
    return out;
}

static struct mail plain_mail(void)
{
    return (struct mail){
        .from = address_of("codes@example.com"),
        .from_name = text_of("Shop"),
        .to = address_of("bob@example.net"),
        .subject = text_of("Your Shop code"),
        .id = 0x0123456789abcdef,
        .sent_at_ms = SENT_AT_MS,
        .text = SPAN("Your code is 482913.\nNever share it."),
        .code = SPAN("482913"),
    };
}

// NUL-terminated.
static void write_mail(const struct mail *mail, char out[MAIL_BYTES_MAX + 1])
{
    struct strbuf buf = strbuf_over(out, MAIL_BYTES_MAX);
    mail_write(mail, &buf);
    assert_false(buf.is_overflowed);
    out[buf.len] = '\0';
}

static const char GOLDEN[] =
    "From: \"Shop\"\r\n <codes@example.com>\r\n"
    "To: <bob@example.net>\r\n"
    "Subject: Your Shop code\r\n"
    "Date: Mon, 23 Nov 2026 01:36:46 +0000\r\n"
    "Message-ID: <0123456789abcdef@example.com>\r\n"
    "Auto-Submitted: auto-generated\r\n"
    "X-Auto-Response-Suppress: All\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/alternative; boundary=\"=_0123456789abcdef\"\r\n"
    "\r\n--=_0123456789abcdef\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    "Your code is 482913.\r\nNever share it.\r\n"
    "\r\n--=_0123456789abcdef\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    "<!DOCTYPE html>\r\n"
    "<html><head><meta charset=3D\"utf-8\"></head>\r\n"
    "<body style=3D\"font-family:sans-serif;font-size:16px;line-height:1.5\">\r\n"
    "<p dir=3D\"auto\">Your code is <strong style=3D\"font-size:28px;letter-spacing=\r\n"
    ":3px;-webkit-user-select:all;user-select:all\">482913</strong>.<br>\r\n"
    "Never share it.</p>\r\n"
    "</body></html>\r\n"
    "--=_0123456789abcdef--\r\n";

static void a_known_language_is_named_and_gives_the_direction(void **state)
{
    static char out[MAIL_BYTES_MAX + 1];
    struct mail mail = plain_mail();
    (void)state;
    mail.language = SPAN("ar");
    write_mail(&mail, out);
    assert_non_null(strstr(out, "\r\nContent-Language: ar\r\nMIME-Version"));
    assert_non_null(strstr(out, "<p lang=3D\"ar\" dir=3D\"rtl\">Your"));
    mail.language = SPAN("pt-BR");
    write_mail(&mail, out);
    assert_non_null(strstr(out, "<p lang=3D\"pt-BR\" dir=3D\"ltr\">Your"));
}

static void plain_mail_is_as_written_here(void **state)
{
    static char out[MAIL_BYTES_MAX + 1];
    struct mail mail = plain_mail();
    (void)state;
    write_mail(&mail, out);
    assert_string_equal(out, GOLDEN);
}

struct text_row {
    const char *bytes;
    size_t len;
    bool is_text, is_address;
};

#define ROW(text, is_text, is_address)              \
    {                                               \
        text, sizeof(text) - 1, is_text, is_address \
    }

// Whatever could end a header, or begin another one, is no value of one.
static const struct text_row text_rows[] = {
    ROW("a@b", true, true),
    ROW("first.last+tag@mail.example.com", true, true),
    ROW("o'brien!#$%&*/=?^_`{|}~-@example.com", true, true),
    ROW("j\xc3\xbcrgen@example.com", true, true),
    ROW("", true, false),
    ROW("Shop & \"Co\"", true, false),
    ROW("@example.com", true, false),
    ROW("bob@", true, false),
    ROW("bob", true, false),
    ROW("a@b@c", true, false),
    ROW("a b@example.com", true, false),
    ROW("<a@example.com>", true, false),
    ROW("a@example.com>", true, false),
    ROW("a,b@example.com", true, false),
    ROW("\"a\"@example.com", true, false),
    ROW("a@[192.0.2.1]", true, false),
    ROW("a@ex\xc3\xa4mple.com", true, false),
    ROW("a@example.com\r", false, false),
    ROW("a@example.com\n", false, false),
    ROW("a\r\nBcc: eve@example.org\r\n@example.com", false, false),
    ROW("x\r\nBcc: eve@example.org", false, false),
    ROW("x\nBcc: eve@example.org", false, false),
    ROW("x\0y", false, false),
    ROW("a\0@example.com", false, false),
    ROW("a\t@example.com", false, false),
    ROW("x\x7f", false, false),
    ROW("x\xc2\x85y", false, false),     // NEL, C1
    ROW("x\xe5\x98", false, false),      // cut UTF-8
    ROW("x\xe5\x98\x0ay", false, false), // a line feed inside what claims to be a character
    ROW("\xc0\x8a", false, false),       // an overlong line feed
};

static void values_that_could_carry_a_header_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof text_rows / sizeof text_rows[0]; i++) {
        const struct text_row *row = &text_rows[i];
        struct mail_text text;
        struct mail_address address;
        struct span bytes = span_make(row->bytes, row->len);
        assert_row_equal(row->bytes, mail_text_of(bytes, &text), row->is_text);
        assert_row_equal(row->bytes, mail_address_of(bytes, &address), row->is_address);
    }
}

static void lengths_have_bounds(void **state)
{
    char bytes[MAIL_HEADER_TEXT_BYTES_MAX + 1];
    struct mail_text text;
    struct mail_address address;
    (void)state;
    memset(bytes, 'a', sizeof bytes);
    assert_true(mail_text_of(span_make(bytes, MAIL_HEADER_TEXT_BYTES_MAX), &text));
    assert_false(mail_text_of(span_make(bytes, MAIL_HEADER_TEXT_BYTES_MAX + 1), &text));
    bytes[1] = '@';
    assert_true(mail_address_of(span_make(bytes, MAIL_ADDRESS_BYTES_MAX), &address));
    assert_false(mail_address_of(span_make(bytes, MAIL_ADDRESS_BYTES_MAX + 1), &address));
}

struct subject_row {
    const char *subject;
    const char *header;
};

static const struct subject_row subject_rows[] = {
    {"482913 is your Shop code", "Subject: 482913 is your Shop code\r\n"},
    {"", "Subject: \r\n"},
    {"Gr\xc3\xbc\xc3\x9f"
     "e",
     "Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n"},
    {"ab\xc3\xbc", "Subject: =?UTF-8?B?YWLDvA==?=\r\n"},
    {"a\xc3\xbc", "Subject: =?UTF-8?B?YcO8?=\r\n"},
    // 41 bytes, and then a character that would be cut after its first one.
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xbcz",
     "Subject: =?UTF-8?B?YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=?=\r\n"
     " =?UTF-8?B?w7x6?=\r\n"},
    {"=?UTF-8?Q?=0ABcc?=", "Subject: =?UTF-8?B?PT9VVEYtOD9RPz0wQUJjYz89?=\r\n"},
};

static void subjects_are_plain_or_encoded_words(void **state)
{
    static char out[MAIL_BYTES_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof subject_rows / sizeof subject_rows[0]; i++) {
        struct mail mail = plain_mail();
        mail.subject = text_of(subject_rows[i].subject);
        write_mail(&mail, out);
        assert_non_null(strstr(out, subject_rows[i].header));
    }
}

static void names_are_quoted_or_encoded(void **state)
{
    static char out[MAIL_BYTES_MAX + 1];
    struct mail mail = plain_mail();
    (void)state;
    mail.from_name = text_of("A \"B\" \\ <c@d>, e");
    write_mail(&mail, out);
    assert_non_null(strstr(out, "From: \"A \\\"B\\\" \\\\ <c@d>, e\"\r\n <codes@example.com>\r\n"));
    mail.from_name = text_of("\xe6\x9d\xb1\xe4\xba\xac");
    write_mail(&mail, out);
    assert_non_null(strstr(out, "From: =?UTF-8?B?5p2x5Lqs?=\r\n <codes@example.com>\r\n"));
    mail.from_name = text_of("");
    write_mail(&mail, out);
    assert_non_null(strstr(out, "From: <codes@example.com>\r\n"));
}

struct body_row {
    const char *text;
    const char *encoded;
};

static const struct body_row body_rows[] = {
    {"a = b", "a =3D b\r\n"},
    {"\xc3\xa4", "=C3=A4\r\n"},
    {"space at the end \nof a line", "space at the end=20\r\nof a line\r\n"},
    {"and of all ", "and of all=20\r\n"},
    {"two  spaces", "two  spaces\r\n"},
    {".", "=2E\r\n"},
    {"x\n.\n..\n.x", "x\r\n=2E\r\n=2E.\r\n=2Ex\r\n"},
    {"\n\n", "\r\n\r\n\r\n"},
    {"a\rb", "a=0Db\r\n"},
    {"a\tb", "a=09b\r\n"},
    {"--=_0123456789abcdef", "--=3D_0123456789abcdef\r\n"},
    // 75 columns, and the 76th is a dot, which must not begin the next line.
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=\r\n=2Eb\r\n"},
};

static void text_is_quoted_printable(void **state)
{
    static char out[MAIL_BYTES_MAX + 1];
    static const char HEAD[] = "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
    (void)state;
    for (size_t i = 0; i < sizeof body_rows / sizeof body_rows[0]; i++) {
        struct mail mail = plain_mail();
        mail.text = span_of_text(body_rows[i].text);
        write_mail(&mail, out);
        const char *body = strstr(out, HEAD) + sizeof HEAD - 1;
        const char *end = strstr(body, "\r\n--=_");
        assert_int_equal(end - body, strlen(body_rows[i].encoded));
        assert_memory_equal(body, body_rows[i].encoded, strlen(body_rows[i].encoded));
    }
}

struct html_row {
    const char *text;
    const char *html; // NULL: no code is shown large
};

static const struct html_row html_rows[] = {
    {"482913", ">482913</strong></p>"},
    {"1482913 or 482913", "\">1482913 or <strong"},
    {"4829134", NULL},
    {"48291", NULL},
    {"<b>&'\"", NULL},
};

static void code_is_large_where_it_stands_alone(void **state)
{
    static char out[MAIL_BYTES_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof html_rows / sizeof html_rows[0]; i++) {
        struct mail mail = plain_mail();
        mail.text = span_of_text(html_rows[i].text);
        write_mail(&mail, out);
        assert_row_equal(html_rows[i].text, strstr(out, "<strong") != NULL,
                         html_rows[i].html != NULL);
        if (html_rows[i].html != NULL)
            assert_non_null(strstr(out, html_rows[i].html));
    }
}

static void markup_is_escaped(void **state)
{
    static char out[MAIL_BYTES_MAX + 1];
    struct mail mail = plain_mail();
    (void)state;
    mail.text = SPAN("<img src='x'>&\"");
    write_mail(&mail, out);
    assert_non_null(strstr(out, "\">&lt;img src=3D&#39;x&#39;&gt;&amp;&quot;</p>"));
    assert_null(strstr(strstr(out, "text/html"), "<img"));
}

static void dates_are_in_utc(void **state)
{
    static const struct {
        int64_t at_ms;
        const char *date;
    } dates[] = {
        {0, "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n"},
        {INT64_C(951782399999), "Date: Mon, 28 Feb 2000 23:59:59 +0000\r\n"},
        {INT64_C(951782400000), "Date: Tue, 29 Feb 2000 00:00:00 +0000\r\n"},
    };
    static char out[MAIL_BYTES_MAX + 1];
    struct mail mail = plain_mail();
    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        mail.sent_at_ms = dates[i].at_ms;
        write_mail(&mail, out);
        assert_non_null(strstr(out, dates[i].date));
    }
}

static void longest_values_fit(void **state)
{
    static char out[MAIL_BYTES_MAX + 1];
    static char body[MAIL_BODY_BYTES_MAX];
    static char name[MAIL_HEADER_TEXT_BYTES_MAX];
    static char address[MAIL_ADDRESS_BYTES_MAX];
    struct mail mail = plain_mail();
    (void)state;
    memset(body, '"', sizeof body);
    memset(name, '"', sizeof name);
    memset(address, 'a', sizeof address);
    address[1] = '@';
    mail.text = span_make(body, sizeof body);
    assert_true(mail_text_of(span_make(name, sizeof name), &mail.from_name));
    assert_true(mail_text_of(span_make(name, sizeof name), &mail.subject));
    assert_true(mail_address_of(span_make(address, sizeof address), &mail.from));
    assert_true(mail_address_of(span_make(address, sizeof address), &mail.to));
    write_mail(&mail, out);
    memset(body, '\n', sizeof body);
    write_mail(&mail, out);
    memset(body, '\xc3', sizeof body);
    write_mail(&mail, out);
}

static void too_little_room_is_told(void **state)
{
    char small[100];
    struct strbuf out = strbuf_over(small, sizeof small);
    struct mail mail = plain_mail();
    (void)state;
    mail_write(&mail, &out);
    assert_true(out.is_overflowed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_mail_is_as_written_here),
        cmocka_unit_test(a_known_language_is_named_and_gives_the_direction),
        cmocka_unit_test(values_that_could_carry_a_header_are_refused),
        cmocka_unit_test(lengths_have_bounds),
        cmocka_unit_test(subjects_are_plain_or_encoded_words),
        cmocka_unit_test(names_are_quoted_or_encoded),
        cmocka_unit_test(text_is_quoted_printable),
        cmocka_unit_test(code_is_large_where_it_stands_alone),
        cmocka_unit_test(markup_is_escaped),
        cmocka_unit_test(dates_are_in_utc),
        cmocka_unit_test(longest_values_fit),
        cmocka_unit_test(too_little_room_is_told),
    };
    return cmocka_run_group_tests_name("channel/mail", tests, NULL, NULL);
}
