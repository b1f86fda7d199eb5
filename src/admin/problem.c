// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/problem.h"

#include "base/err.h"
#include "telemetry/utf8.h"

struct span problem_title(int status)
{
    static const struct {
        int status;
        struct span title;
    } rows[] = {
        {400, SPAN("Bad request")},      {404, SPAN("Not found")},
        {405, SPAN("No such method")},   {408, SPAN("Too slow")},
        {409, SPAN("Conflict")},         {413, SPAN("Too long")},
        {415, SPAN("JSON is wanted")},   {422, SPAN("Not a possible value")},
        {431, SPAN("Head is too long")}, {503, SPAN("Not possible now")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status)
            return rows[i].title;
    }
    return SPAN("Refused");
}

// Stories of errors are cut at a number of bytes, which may be within a character.
static void put_text(struct strbuf *out, struct span text)
{
    char storage[sizeof((struct err_info *)0)->text];
    struct strbuf whole = strbuf_over(storage, sizeof storage);
    text = span_first(text, sizeof storage);
    while (text.len > 0) {
        uint32_t point;
        size_t len = utf8_next(text, &point);
        strbuf_put(&whole, span_first(text, len));
        text = span_from(text, len > 0 ? len : 1);
    }
    strbuf_put_json_string(out, strbuf_span(&whole));
}

void problem_put(int status, struct span title, struct span detail, struct strbuf *out)
{
    strbuf_put(out, SPAN("{\"title\":"));
    strbuf_put_json_string(out, title);
    strbuf_put(out, SPAN(",\"status\":"));
    strbuf_put_u64(out, (uint64_t)status);
    if (detail.len > 0) {
        strbuf_put(out, SPAN(",\"detail\":"));
        put_text(out, detail);
    }
    strbuf_put_byte(out, '}');
}

void problem_put_status(int status, struct strbuf *out)
{
    problem_put(status, problem_title(status), SPAN(""), out);
}
