// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Whatever the values are: the headers are those that there are, each line is short and ends in
// CRLF, no line begins with a dot, and all is ASCII but for an address that is not.
#include "base/assert.h"
#include "channel/mail.h"

#define LINE_BYTES_MAX 998U // RFC 5322 section 2.1.1
#define HEADERS 9U          // and one for a language

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool begins_header(struct span line)
{
    return line.len > 0 && line.data[0] != ' ';
}

static void check_line(struct span line, bool is_ascii)
{
    ASSERT(line.len <= LINE_BYTES_MAX);
    ASSERT(line.len == 0 || line.data[0] != '.');
    for (size_t i = 0; i < line.len; i++) {
        ASSERT(line.data[i] >= ' ');
        ASSERT(line.data[i] != 0x7F);
        ASSERT(!is_ascii || line.data[i] < 0x80);
    }
}

static void check_mail(struct span mail, bool is_ascii, unsigned headers_count)
{
    bool is_in_headers = true;
    unsigned headers = 0;
    while (mail.len > 0) {
        size_t len = span_find(mail, '\r');
        ASSERT(len + 1 < mail.len);
        ASSERT(mail.data[len + 1] == '\n');
        struct span line = span_first(mail, len);
        check_line(line, is_ascii);
        is_in_headers = is_in_headers && len > 0;
        headers += is_in_headers && begins_header(line) ? 1 : 0;
        mail = span_from(mail, len + 2);
    }
    ASSERT(headers == headers_count);
}

// The input is four values and the text, parted by the byte 0xFF, which no UTF-8 has.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t storage[MAIL_BYTES_MAX];
    struct span rest = span_make(data, size);
    struct mail mail = {.id = size, .sent_at_ms = (int64_t)size * 86400000};
    bool is_valid = mail_address_of(span_split(rest, 0xFF, &rest), &mail.to) &&
                    mail_address_of(SPAN("codes@example.com"), &mail.from) &&
                    mail_text_of(span_split(rest, 0xFF, &rest), &mail.from_name) &&
                    mail_text_of(span_split(rest, 0xFF, &rest), &mail.subject);
    if (!is_valid)
        return 0;
    mail.language = size % 2 == 0 ? SPAN("ar") : SPAN("");
    mail.code = span_split(rest, 0xFF, &rest);
    mail.text = span_first(rest, MAIL_BODY_BYTES_MAX);
    struct strbuf out = strbuf_over(storage, sizeof storage);
    mail_write(&mail, &out);
    ASSERT(!out.is_overflowed);
    check_mail(strbuf_span(&out), mail_address_is_ascii(mail.to),
               HEADERS + (mail.language.len > 0));
    return 0;
}
