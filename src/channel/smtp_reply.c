// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The rule that matters most: once the last byte of the body has been given to the connection, only
// a reply tells what became of the message. Without one it is unknown, never "retry".
//
// Relays agree on the first digit and on little else. The enhanced code says more than the plain
// one, and what a refusal is about depends on what was being said: 550 to RCPT is about the
// person, 550 to MAIL about us, 550 to the body about the content.
#include "channel/smtp_reply.h"

#include "base/number.h"

#define ANY 0U
#define ANY_DETAIL 999U

#define IN(phase) (1U << (phase))
#define IN_ALL (IN(SMTP_LOGIN) | IN(SMTP_FROM) | IN(SMTP_RECIPIENT) | IN(SMTP_DATA) | IN(SMTP_BODY))
#define IN_CONTENT (IN(SMTP_DATA) | IN(SMTP_BODY))

struct reply_row {
    unsigned phases;
    unsigned code;            // ANY
    unsigned subject, detail; // subject ANY: whatever it is; ANY_DETAIL
    enum send_reason reason;
};

// The first row that fits.
static const struct reply_row refused_rows[] = {
    {IN_ALL, 530, ANY, ANY_DETAIL, SEND_AUTH_FAILED},
    {IN_ALL, 534, ANY, ANY_DETAIL, SEND_AUTH_FAILED},
    {IN_ALL, 535, ANY, ANY_DETAIL, SEND_AUTH_FAILED},
    {IN_ALL, 538, ANY, ANY_DETAIL, SEND_AUTH_FAILED},
    {IN_ALL, ANY, 7, 8, SEND_AUTH_FAILED},
    {IN_ALL, ANY, 7, 9, SEND_AUTH_FAILED},
    {IN_ALL, ANY, 4, 5, SEND_QUOTA},
    {IN_ALL, ANY, 1, 7, SEND_SENDER_NOT_REGISTERED},
    {IN_ALL, ANY, 1, 8, SEND_SENDER_NOT_REGISTERED},
    {IN(SMTP_FROM), ANY, ANY, ANY_DETAIL, SEND_SENDER_NOT_REGISTERED},
    {IN_ALL, ANY, 1, ANY_DETAIL, SEND_INVALID_NUMBER},
    {IN_ALL, ANY, 2, ANY_DETAIL, SEND_UNREACHABLE},
    {IN_ALL, ANY, 7, ANY_DETAIL, SEND_CARRIER_FILTERED},
    {IN_ALL, 554, ANY, ANY_DETAIL, SEND_CARRIER_FILTERED},
    {IN_CONTENT, 550, ANY, ANY_DETAIL, SEND_CARRIER_FILTERED},
    {IN_CONTENT, 552, ANY, ANY_DETAIL, SEND_CARRIER_FILTERED},
    {IN(SMTP_RECIPIENT), 550, ANY, ANY_DETAIL, SEND_INVALID_NUMBER},
    {IN(SMTP_RECIPIENT), 551, ANY, ANY_DETAIL, SEND_INVALID_NUMBER},
    {IN(SMTP_RECIPIENT), 553, ANY, ANY_DETAIL, SEND_INVALID_NUMBER},
    {IN(SMTP_RECIPIENT), 552, ANY, ANY_DETAIL, SEND_UNREACHABLE},
    {IN_ALL, ANY, ANY, ANY_DETAIL, SEND_UNCLASSIFIED},
};

// Greylisting (RFC 6647) and limits of rate come as 450 and 4.7.x.
static const struct reply_row retry_rows[] = {
    {IN_ALL, 450, ANY, ANY_DETAIL, SEND_THROTTLED},
    {IN_ALL, 452, ANY, ANY_DETAIL, SEND_THROTTLED},
    {IN_ALL, ANY, 7, ANY_DETAIL, SEND_THROTTLED},
    {IN_ALL, ANY, ANY, ANY_DETAIL, SEND_VENDOR_DOWN},
};

static unsigned take_number(struct span *text, unsigned max)
{
    uint64_t value = 0;
    size_t len = 0;
    while (len < text->len && len < 3 && ascii_is_digit(text->data[len]))
        len++;
    if (!parse_u64(span_first(*text, len), max, &value))
        return 0;
    *text = span_from(*text, len);
    return (unsigned)value;
}

static bool take_byte(struct span *text, uint8_t byte)
{
    bool is_there = text->len > 0 && text->data[0] == byte;
    *text = span_from(*text, is_there ? 1 : 0);
    return is_there;
}

// "5.1.1 …"; 0.0 when there is no such thing.
static void parse_enhanced(struct span rest, unsigned class, struct smtp_end *out)
{
    struct span text = rest;
    unsigned first = take_number(&text, 9);
    out->subject = 0;
    out->detail = 0;
    if (first != class || !take_byte(&text, '.'))
        return;
    unsigned subject = take_number(&text, 999);
    if (!take_byte(&text, '.'))
        return;
    out->subject = subject;
    out->detail = take_number(&text, 999);
}

bool smtp_reply_parse(struct span line, struct smtp_end *out)
{
    struct span rest = line;
    unsigned code = take_number(&rest, 599);
    bool is_last = code >= 200 && (rest.len == 0 || rest.data[0] != '-');
    if (!is_last || line.len - rest.len != 3)
        return false;
    (void)take_byte(&rest, ' ');
    out->code = code;
    parse_enhanced(rest, code / 100, out);
    return true;
}

static enum send_reason reason_of(const struct reply_row *row, const struct smtp_end *end)
{
    for (;; row++) {
        bool is_phase = (row->phases & IN(end->phase)) != 0;
        bool is_code = row->code == ANY || row->code == end->code;
        bool is_subject = row->subject == ANY || row->subject == end->subject;
        bool is_detail = row->detail == ANY_DETAIL || row->detail == end->detail;
        if (is_phase && is_code && is_subject && is_detail)
            return row->reason;
    }
}

static void give(struct send_result *out, enum send_outcome outcome, enum send_reason reason)
{
    out->outcome = outcome;
    out->reason = reason;
}

void smtp_classify(const struct smtp_end *end, struct send_result *out)
{
    unsigned class = end->code / 100;
    if (end->is_never_begun)
        give(out, SEND_RETRY, SEND_THROTTLED);
    else if (class == 5)
        give(out, SEND_REFUSED, reason_of(refused_rows, end));
    else if (class == 4)
        give(out, SEND_RETRY, reason_of(retry_rows, end));
    else if (class == 2 && end->phase == SMTP_BODY)
        give(out, SEND_ACCEPTED, SEND_REASON_NONE);
    else if (end->is_body_sent)
        give(out, SEND_UNKNOWN, SEND_VENDOR_DOWN);
    else if (end->is_login_denied)
        give(out, SEND_REFUSED, SEND_AUTH_FAILED);
    else
        give(out, SEND_RETRY, SEND_VENDOR_DOWN);
}

// --- words -----------------------------------------------------------------------------------

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static bool starts_with(struct span text, struct span hidden)
{
    return hidden.len > 0 && span_starts_with(text, hidden);
}

static size_t word_len(struct span text)
{
    size_t len = 0;
    while (len < text.len && !is_space(text.data[len]))
        len++;
    return len;
}

static void put_byte(uint8_t byte, struct strbuf *out)
{
    bool is_control = byte < ' ' || byte == 0x7F;
    if (is_space(byte))
        strbuf_put_byte(out, ' ');
    else if (!is_control)
        strbuf_put_byte(out, byte);
}

// How much of `words` it stands for.
static size_t put_next(struct span words, bool is_word, const struct smtp_hidden *hidden,
                       struct strbuf *out)
{
    if (starts_with(words, hidden->password)) {
        strbuf_put_text(out, "(password)");
        return hidden->password.len;
    }
    struct span word = span_first(words, is_word ? word_len(words) : 0);
    if (span_find(word, '@') < word.len) {
        strbuf_put_text(out, "(address)");
        return word.len;
    }
    if (starts_with(words, hidden->code)) {
        strbuf_put_text(out, "(code)");
        return hidden->code.len;
    }
    put_byte(words.data[0], out);
    return 1;
}

void smtp_clean_words(struct span words, const struct smtp_hidden *hidden, struct strbuf *out)
{
    bool is_word = true; // one begins here, or may
    while (words.len > 0) {
        size_t len = put_next(words, is_word, hidden, out);
        is_word = is_space(words.data[len - 1]);
        words = span_from(words, len);
    }
}
