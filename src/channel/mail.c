// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Header lines are short by construction: names and subjects that are not plain ASCII become
// encoded words of at most 75 characters, one a line (RFC 2047 section 2); plain ones and addresses
// have a bound far below the 998 of RFC 5322 section 2.1.1.
//
// Both parts are quoted-printable: pure ASCII in lines of at most 76, so that no relay has a
// reason to rewrite them. "=_" never occurs in quoted-printable text, hence neither does the
// boundary. No line begins with a dot, so that none has to be doubled on the way (RFC 5321 section
// 4.5.2).
#include "channel/mail.h"

#include "base/language.h"
#include "base/unicode_digit.h"

#include <time.h>

#define MS_PER_SECOND 1000
#define QP_COLUMNS_MAX 75U    // and "=" at the end of a line that goes on
#define WORD_SOURCE_BYTES 42U // 56 characters of base64 in an encoded word of 68

static const char HTML_HEAD[] =
    "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head>\n"
    "<body style=\"font-family:sans-serif;font-size:16px;line-height:1.5\">\n<p";
static const char HTML_TAIL[] = "</p>\n</body></html>\n";
static const char CODE_HEAD[] =
    "<strong style=\"font-size:28px;letter-spacing:3px;-webkit-user-select:all;user-select:all\">";
static const char CODE_TAIL[] = "</strong>";

static bool is_control(uint32_t scalar)
{
    return scalar < 0x20 || (scalar >= 0x7F && scalar < 0xA0);
}

bool mail_text_of(struct span text, struct mail_text *out)
{
    struct span rest = text;
    if (text.len > MAIL_HEADER_TEXT_BYTES_MAX)
        return false;
    while (rest.len > 0) {
        uint32_t scalar;
        if (!utf8_take(&rest, &scalar) || is_control(scalar))
            return false;
    }
    out->span = text;
    return true;
}

static bool is_address_byte(uint8_t byte)
{
    static const struct span refused = SPAN("()<>[]:;,\\\"");
    return byte > ' ' && byte != 0x7F && span_find(refused, byte) == refused.len;
}

static bool is_domain_byte(uint8_t byte)
{
    uint8_t lower = ascii_lower(byte);
    return ascii_is_digit(byte) || (lower >= 'a' && lower <= 'z') || byte == '-' || byte == '.';
}

static bool is_domain(struct span domain)
{
    for (size_t i = 0; i < domain.len; i++) {
        if (!is_domain_byte(domain.data[i]))
            return false;
    }
    return domain.len > 0;
}

bool mail_address_of(struct span text, struct mail_address *out)
{
    struct mail_text checked;
    size_t at = span_find(text, '@');
    if (text.len > MAIL_ADDRESS_BYTES_MAX || at == 0 || !mail_text_of(text, &checked))
        return false;
    for (size_t i = 0; i < at; i++) {
        if (!is_address_byte(text.data[i]))
            return false;
    }
    if (!is_domain(span_from(text, at + 1)))
        return false;
    out->span = text;
    return true;
}

static bool is_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] >= 0x80)
            return false;
    }
    return true;
}

bool mail_address_is_ascii(struct mail_address address)
{
    return is_ascii(address.span);
}

struct span mail_address_domain(struct mail_address address)
{
    return span_from(address.span, span_find(address.span, '@') + 1);
}

static void put_base64(struct strbuf *out, struct span bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t held = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        group |= held > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= held > 2 ? bytes.data[i + 2] : 0;
        for (size_t n = 0; n < 4; n++) {
            char digit = n <= held ? digits[group >> (18 - 6 * n) & 63] : '=';
            strbuf_put_byte(out, (uint8_t)digit);
        }
    }
}

// As many whole characters as one encoded word holds: none is ever split (RFC 2047 section 5).
static struct span take_word(struct span *text)
{
    struct span rest = *text;
    size_t len = 0;
    uint32_t scalar;
    while (utf8_take(&rest, &scalar) && text->len - rest.len <= WORD_SOURCE_BYTES)
        len = text->len - rest.len;
    ASSERT(len > 0); // it is UTF-8: mail_text_of says so
    struct span word = span_first(*text, len);
    *text = span_from(*text, len);
    return word;
}

static void put_encoded_words(struct strbuf *out, struct span text)
{
    const char *separator = "";
    while (text.len > 0) {
        strbuf_put_text(out, separator);
        strbuf_put_text(out, "=?UTF-8?B?");
        put_base64(out, take_word(&text));
        strbuf_put_text(out, "?=");
        separator = "\r\n ";
    }
}

// ASCII that reads like an encoded word would be decoded by whoever shows it.
static bool is_plain(struct span text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.data[i] == '=' && text.data[i + 1] == '?')
            return false;
    }
    return is_ascii(text);
}

static void put_unstructured(struct strbuf *out, struct mail_text text)
{
    if (is_plain(text.span))
        strbuf_put(out, text.span);
    else
        put_encoded_words(out, text.span);
}

// RFC 5322 section 3.2.4: in quotes only the quote and the backslash are special.
static void put_display_name(struct strbuf *out, struct mail_text name)
{
    if (!is_plain(name.span)) {
        put_encoded_words(out, name.span);
        return;
    }
    strbuf_put_byte(out, '"');
    for (size_t i = 0; i < name.span.len; i++) {
        if (name.span.data[i] == '"' || name.span.data[i] == '\\')
            strbuf_put_byte(out, '\\');
        strbuf_put_byte(out, name.span.data[i]);
    }
    strbuf_put_byte(out, '"');
}

static void put_from(struct strbuf *out, const struct mail *mail)
{
    strbuf_put_text(out, "From: ");
    if (mail->from_name.span.len > 0) {
        put_display_name(out, mail->from_name);
        strbuf_put_text(out, "\r\n ");
    }
    strbuf_put_byte(out, '<');
    strbuf_put(out, mail->from.span);
    strbuf_put_text(out, ">\r\n");
}

static void put_two_digits(struct strbuf *out, int value)
{
    strbuf_put_byte(out, (uint8_t)('0' + value / 10 % 10));
    strbuf_put_byte(out, (uint8_t)('0' + value % 10));
}

// RFC 5322 section 3.3, in UTC: "Mon, 23 Nov 2026 01:36:46 +0000".
static void put_date(struct strbuf *out, int64_t at_ms)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(at_ms / MS_PER_SECOND);
    struct tm tm;
    ASSERT(gmtime_r(&seconds, &tm) != NULL);
    strbuf_put_text(out, days[tm.tm_wday]);
    strbuf_put_text(out, ", ");
    put_two_digits(out, tm.tm_mday);
    strbuf_put_byte(out, ' ');
    strbuf_put_text(out, months[tm.tm_mon]);
    strbuf_put_byte(out, ' ');
    strbuf_put_i64(out, tm.tm_year + 1900);
    strbuf_put_byte(out, ' ');
    put_two_digits(out, tm.tm_hour);
    strbuf_put_byte(out, ':');
    put_two_digits(out, tm.tm_min);
    strbuf_put_byte(out, ':');
    put_two_digits(out, tm.tm_sec);
    strbuf_put_text(out, " +0000");
}

static void put_id(struct strbuf *out, uint64_t id)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(id >> (56 - 8 * i));
    strbuf_put_hex(out, span_make(bytes, sizeof bytes));
}

static void put_headers(struct strbuf *out, const struct mail *mail)
{
    put_from(out, mail);
    strbuf_put_text(out, "To: <");
    strbuf_put(out, mail->to.span);
    strbuf_put_text(out, ">\r\nSubject: ");
    put_unstructured(out, mail->subject);
    strbuf_put_text(out, "\r\nDate: ");
    put_date(out, mail->sent_at_ms);
    strbuf_put_text(out, "\r\nMessage-ID: <");
    put_id(out, mail->id);
    strbuf_put_byte(out, '@');
    strbuf_put(out, mail_address_domain(mail->from));
    // No robot is to answer (RFC 3834; the second one is Exchange's).
    strbuf_put_text(out, ">\r\nAuto-Submitted: auto-generated\r\n"
                         "X-Auto-Response-Suppress: All\r\n");
    if (mail->language.len > 0) {
        strbuf_put_text(out, "Content-Language: ");
        strbuf_put(out, mail->language);
        strbuf_put_text(out, "\r\n");
    }
    strbuf_put_text(out, "MIME-Version: 1.0\r\n"
                         "Content-Type: multipart/alternative; boundary=\"=_");
    put_id(out, mail->id);
    strbuf_put_text(out, "\"\r\n");
}

// --- bodies ----------------------------------------------------------------------------------

// RFC 2045 section 6.7, a byte at a time. A space is held back: at the end of a line it has to be
// encoded.
struct qp {
    struct strbuf *out;
    size_t column;
    bool has_space;
};

static void qp_token(struct qp *qp, struct span token)
{
    if (qp->column + token.len > QP_COLUMNS_MAX) {
        strbuf_put_text(qp->out, "=\r\n");
        qp->column = 0;
    }
    strbuf_put(qp->out, token);
    qp->column += token.len;
}

static void qp_escaped(struct qp *qp, uint8_t byte)
{
    static const char digits[] = "0123456789ABCDEF";
    const uint8_t token[] = {'=', (uint8_t)digits[byte >> 4], (uint8_t)digits[byte & 15]};
    qp_token(qp, span_make(token, sizeof token));
}

static void qp_line_end(struct qp *qp)
{
    if (qp->has_space)
        qp_escaped(qp, ' ');
    qp->has_space = false;
    qp->column = 0;
    strbuf_put_text(qp->out, "\r\n");
}

static void qp_byte(struct qp *qp, uint8_t byte)
{
    if (byte == '\n') {
        qp_line_end(qp);
        return;
    }
    if (qp->has_space)
        qp_token(qp, SPAN(" "));
    qp->has_space = byte == ' ';
    if (byte == ' ')
        return;
    bool is_first = qp->column == 0 || qp->column == QP_COLUMNS_MAX;
    bool is_literal = byte > ' ' && byte < 0x7F && byte != '=' && !(byte == '.' && is_first);
    if (is_literal)
        qp_token(qp, span_make(&byte, 1));
    else
        qp_escaped(qp, byte);
}

static void qp_put(struct qp *qp, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        qp_byte(qp, text.data[i]);
}

static void qp_put_html(struct qp *qp, struct span text)
{
    static const char *const escapes[256] = {
        ['&'] = "&amp;",  ['<'] = "&lt;",   ['>'] = "&gt;",
        ['"'] = "&quot;", ['\''] = "&#39;", ['\n'] = "<br>\n",
    };
    for (size_t i = 0; i < text.len; i++) {
        const char *escape = escapes[text.data[i]];
        qp_put(qp, escape != NULL ? span_of_text(escape) : span_make(text.data + i, 1));
    }
}

static bool is_digit_at(struct span text, size_t at)
{
    return at < text.len && ascii_is_digit(text.data[at]);
}

// Where the code stands by itself and not within a longer number; text.len when it does not.
static size_t find_code(struct span text, struct span code)
{
    for (size_t at = 0; code.len > 0 && at + code.len <= text.len; at++) {
        bool is_alone =
            (at == 0 || !is_digit_at(text, at - 1)) && !is_digit_at(text, at + code.len);
        if (is_alone && span_eq(span_make(text.data + at, code.len), code))
            return at;
    }
    return text.len;
}

static void put_part_head(struct strbuf *out, const struct mail *mail, const char *type)
{
    strbuf_put_text(out, "\r\n--=_");
    put_id(out, mail->id);
    strbuf_put_text(out, "\r\nContent-Type: ");
    strbuf_put_text(out, type);
    strbuf_put_text(out, "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
}

static void put_text_part(struct strbuf *out, const struct mail *mail)
{
    struct qp qp = {.out = out};
    put_part_head(out, mail, "text/plain");
    qp_put(&qp, mail->text);
    qp_line_end(&qp);
}

// On the paragraph, since mail programs drop what stands on the page. A text of no known language
// runs as its first letter does.
static void qp_put_direction(struct qp *qp, struct span language)
{
    if (language.len == 0) {
        qp_put(qp, SPAN(" dir=\"auto\">"));
        return;
    }
    qp_put(qp, SPAN(" lang=\""));
    qp_put(qp, language);
    qp_put(qp, language_is_rtl(language) ? SPAN("\" dir=\"rtl\">") : SPAN("\" dir=\"ltr\">"));
}

static void put_html_part(struct strbuf *out, const struct mail *mail)
{
    struct qp qp = {.out = out};
    size_t at = find_code(mail->text, mail->code);
    put_part_head(out, mail, "text/html");
    qp_put(&qp, span_of_text(HTML_HEAD));
    qp_put_direction(&qp, mail->language);
    qp_put_html(&qp, span_first(mail->text, at));
    if (at < mail->text.len) {
        qp_put(&qp, span_of_text(CODE_HEAD));
        qp_put(&qp, mail->code);
        qp_put(&qp, span_of_text(CODE_TAIL));
        qp_put_html(&qp, span_from(mail->text, at + mail->code.len));
    }
    qp_put(&qp, span_of_text(HTML_TAIL));
}

void mail_write(const struct mail *mail, struct strbuf *out)
{
    ASSERT(mail->from.span.len > 0);
    ASSERT(mail->to.span.len > 0);
    ASSERT(mail->text.len <= MAIL_BODY_BYTES_MAX);
    ASSERT(mail->language.len == 0 || language_is_tag(mail->language));
    put_headers(out, mail);
    put_text_part(out, mail);
    put_html_part(out, mail);
    strbuf_put_text(out, "--=_");
    put_id(out, mail->id);
    strbuf_put_text(out, "--\r\n");
}
