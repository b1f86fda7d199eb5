// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A reply is looked at when its last line is complete. One that comes before all is said ends the
// conversation: a relay that is about to close says 421 at any time, and what it means otherwise
// nobody knows.
#include "channel/smtp_talk.h"

#define CODE_CLOSING 421U // RFC 5321 section 3.8

static void put_command(struct smtp_talk *talk, const char *verb, struct span argument,
                        const char *rest)
{
    struct strbuf out = strbuf_over(talk->command, sizeof talk->command);
    strbuf_put_text(&out, verb);
    strbuf_put(&out, argument);
    strbuf_put_text(&out, rest);
    ASSERT(!out.is_overflowed);
    talk->command_len = out.len;
    talk->sent = 0;
}

void smtp_talk_init(struct smtp_talk *talk, struct mail_address from, struct mail_address to,
                    struct span mail)
{
    // Who takes SMTPUTF8 takes 8BITMIME too (RFC 6531 section 3.1).
    const char *end = mail_address_is_ascii(to) ? ">\r\n" : "> BODY=8BITMIME SMTPUTF8\r\n";
    ASSERT(mail.len > strlen(SMTP_MAIL_END));
    *talk = (struct smtp_talk){.phase = SMTP_FROM, .to = to, .mail = mail};
    put_command(talk, "MAIL FROM:<", from.span, end);
}

struct span smtp_talk_output(const struct smtp_talk *talk)
{
    if (talk->is_over)
        return SPAN("");
    if (talk->phase != SMTP_BODY || talk->is_resetting)
        return span_from(span_make(talk->command, talk->command_len), talk->sent);
    return span_from(talk->mail, talk->sent);
}

void smtp_talk_sent(struct smtp_talk *talk, size_t len)
{
    talk->sent += len;
    talk->end.is_body_sent = talk->phase == SMTP_BODY && talk->sent == talk->mail.len;
}

static void end_talk(struct smtp_talk *talk, bool is_reusable)
{
    talk->is_over = true;
    talk->is_reusable = is_reusable;
}

static void reset(struct smtp_talk *talk)
{
    talk->is_resetting = true;
    put_command(talk, "RSET", SPAN(""), "\r\n");
}

static void say_next(struct smtp_talk *talk)
{
    talk->phase++;
    talk->sent = 0;
    if (talk->phase == SMTP_RECIPIENT)
        put_command(talk, "RCPT TO:<", talk->to.span, ">\r\n");
    if (talk->phase == SMTP_DATA)
        put_command(talk, "DATA", SPAN(""), "\r\n");
}

static void take_reply(struct smtp_talk *talk, const struct smtp_end *reply)
{
    unsigned wanted = talk->phase == SMTP_DATA && !talk->is_resetting ? 3 : 2;
    bool is_wanted = reply->code / 100 == wanted;
    bool is_early = smtp_talk_output(talk).len > 0;
    bool is_closing = reply->code == CODE_CLOSING;
    if (talk->is_resetting) {
        end_talk(talk, is_wanted && !is_early);
        return;
    }
    talk->end.phase = talk->phase;
    talk->end.code = is_early && reply->code < 400 ? 0 : reply->code;
    talk->end.subject = reply->subject;
    talk->end.detail = reply->detail;
    memcpy(talk->words, talk->line, talk->line_len);
    talk->words_len = talk->line_len;
    if (is_early || is_closing)
        end_talk(talk, false);
    else if (talk->phase == SMTP_BODY)
        end_talk(talk, true);
    else if (is_wanted)
        say_next(talk);
    else
        reset(talk);
}

static void take_line(struct smtp_talk *talk)
{
    struct smtp_end reply = {.code = 0};
    if (talk->line_len > 0 && talk->line[talk->line_len - 1] == '\r')
        talk->line_len--;
    if (smtp_reply_parse(span_make(talk->line, talk->line_len), &reply))
        take_reply(talk, &reply);
    talk->line_len = 0;
}

void smtp_talk_received(struct smtp_talk *talk, struct span bytes)
{
    for (size_t i = 0; i < bytes.len && !talk->is_over; i++) {
        if (bytes.data[i] == '\n')
            take_line(talk);
        else if (talk->line_len < sizeof talk->line)
            talk->line[talk->line_len++] = bytes.data[i];
    }
}
