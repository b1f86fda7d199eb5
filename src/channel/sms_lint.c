// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// An alphabet is no fault: most languages need UCS-2, and a text that makes one SMS costs one. Only
// where it makes more is the character told that is to blame.
#include "channel/sms_lint.h"

#include "base/assert.h"
#include "base/strbuf.h"
#include "channel/sms_text.h"

static void say(const struct lint_sink *sink, enum lint_level level, struct span line)
{
    sink->on_line(sink->ctx, level, line);
}

// "2 SMS: 95 of 134 units of UCS-2, 120 bytes"
static void say_size(const struct sms_size *size, size_t bytes, const struct lint_sink *sink)
{
    uint8_t room[LINT_LINE_BYTES_MAX];
    struct strbuf out = strbuf_over(room, sizeof room);
    bool is_gsm7 = size->alphabet == SMS_GSM7;
    size_t part_max = is_gsm7 ? 153 : 67;
    size_t alone_max = is_gsm7 ? 160 : 70;
    strbuf_put_u64(&out, size->parts);
    strbuf_put_text(&out, " SMS: ");
    strbuf_put_u64(&out, size->units);
    strbuf_put_text(&out, " of ");
    strbuf_put_u64(&out, size->parts > 1 ? size->parts * part_max : alone_max);
    strbuf_put_text(&out, is_gsm7 ? " characters of GSM-7, " : " units of UCS-2, ");
    strbuf_put_u64(&out, bytes);
    strbuf_put_text(&out, " bytes");
    say(sink, size->parts > 1 ? LINT_ADVICE : LINT_FACT, strbuf_span(&out));
}

static void say_alphabet(const struct sms_size *size, const struct lint_sink *sink)
{
    uint8_t room[LINT_LINE_BYTES_MAX];
    struct strbuf out = strbuf_over(room, sizeof room);
    if (size->odd_one.len == 0)
        return;
    strbuf_put_text(&out, "not GSM-7 because of \"");
    strbuf_put(&out, size->odd_one);
    strbuf_put_text(&out, "\": 70 units to an SMS instead of 160");
    say(sink, size->parts > 1 ? LINT_ADVICE : LINT_FACT, strbuf_span(&out));
}

static void say_webotp(enum sms_line line, struct span host, const struct lint_sink *sink)
{
    uint8_t room[MESSAGE_TEXT_BYTES_MAX + LINT_LINE_BYTES_MAX];
    struct strbuf out = strbuf_over(room, sizeof room);
    strbuf_put_text(&out, "browsers fill the code in at ");
    strbuf_put(&out, host);
    if (line == SMS_LINE_GOOD)
        say(sink, LINT_FACT, strbuf_span(&out));
    if (line == SMS_LINE_BROKEN)
        say(sink, LINT_FAULT,
            SPAN("a line begins with \"@\", but browsers fill a code in only if the text ends in "
                 "\"@host #{otp}\""));
}

static void say_retriever(enum sms_line line, const struct lint_sink *sink)
{
    if (line == SMS_LINE_GOOD)
        say(sink, LINT_FACT, SPAN("Android hands it to the app with the hash at its end"));
    if (line == SMS_LINE_BROKEN)
        say(sink, LINT_FAULT,
            SPAN("it begins with \"<#>\", but Android hands it to an app only if it has at most "
                 "140 bytes and ends in the app's hash of 11 characters"));
}

void sms_lint(const struct template *template, const struct template_values *values,
              const struct lint_sink *sink)
{
    struct message text, code;
    struct sms_size size;
    struct span host = {0};
    message_init(&text);
    message_init(&code);
    template_render(template, values, &text);
    code_render(values->code, &code);
    ASSERT(!text.is_overflowed); // whoever sets a template sees to that
    struct span shown = message_reveal(&text);
    enum sms_line webotp = sms_text_webotp(shown, message_reveal(&code), &host);
    sms_text_measure(shown, &size);
    say_size(&size, shown.len, sink);
    say_alphabet(&size, sink);
    say_webotp(webotp, host, sink);
    say_retriever(sms_text_retriever(shown), sink);
    message_wipe(&text);
    message_wipe(&code);
}
