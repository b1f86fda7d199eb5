// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/sms_lint.h"

#include "channel/sms_text.h"

// "2 SMS: 95 of 134 units of UCS-2, because of "ã""
static void put_size(const struct sms_size *size, size_t bytes, struct strbuf *out)
{
    bool is_gsm7 = size->alphabet == SMS_GSM7;
    size_t part_max = is_gsm7 ? 153 : 67;
    size_t alone_max = is_gsm7 ? 160 : 70;
    strbuf_put_u64(out, size->parts);
    strbuf_put_text(out, " SMS: ");
    strbuf_put_u64(out, size->units);
    strbuf_put_text(out, " of ");
    strbuf_put_u64(out, size->parts > 1 ? size->parts * part_max : alone_max);
    strbuf_put_text(out, is_gsm7 ? " characters of GSM-7, " : " units of UCS-2, ");
    strbuf_put_u64(out, bytes);
    strbuf_put_text(out, " bytes\n");
    if (size->odd_one.len == 0)
        return;
    strbuf_put_text(out, "not GSM-7 because of \"");
    strbuf_put(out, size->odd_one);
    strbuf_put_text(out, "\": 70 units to an SMS instead of 160\n");
}

static void put_webotp(enum sms_line line, struct span host, struct strbuf *out)
{
    if (line == SMS_LINE_GOOD) {
        strbuf_put_text(out, "browsers fill the code in at ");
        strbuf_put(out, host);
        strbuf_put_byte(out, '\n');
    }
    if (line == SMS_LINE_BROKEN)
        strbuf_put_text(out, "a line begins with \"@\", but browsers fill a code in only if the "
                             "text ends in \"@host #{otp}\"\n");
}

static void put_retriever(enum sms_line line, struct strbuf *out)
{
    if (line == SMS_LINE_GOOD)
        strbuf_put_text(out, "Android hands it to the app with the hash at its end\n");
    if (line == SMS_LINE_BROKEN)
        strbuf_put_text(out,
                        "it begins with \"<#>\", but Android hands it to an app only if it has "
                        "at most 140 bytes and ends in the app's hash of 11 characters\n");
}

bool sms_lint(const struct template *template, const struct template_values *values,
              struct strbuf *out)
{
    struct message text, code;
    struct sms_size size;
    struct span host = {0};
    message_init(&text);
    message_init(&code);
    template_render(template, values, &text);
    code_render(values->code, &code);
    if (text.is_overflowed) {
        strbuf_put_text(out, "longer than a message may be\n");
        return false;
    }
    struct span shown = message_reveal(&text);
    enum sms_line webotp = sms_text_webotp(shown, message_reveal(&code), &host);
    enum sms_line retriever = sms_text_retriever(shown);
    sms_text_measure(shown, &size);
    put_size(&size, shown.len, out);
    put_webotp(webotp, host, out);
    put_retriever(retriever, out);
    message_wipe(&text);
    message_wipe(&code);
    return webotp != SMS_LINE_BROKEN && retriever != SMS_LINE_BROKEN;
}
