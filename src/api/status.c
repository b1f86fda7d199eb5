// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/status.h"

#include "base/assert.h"

struct status_row {
    int code;
    const char *text;
};

#define STATUS_ROW(name, code, text) [name] = {code, text},
static const struct status_row status_rows[] = {API_STATUS_LIST(STATUS_ROW)};
#undef STATUS_ROW

_Static_assert(sizeof status_rows / sizeof status_rows[0] == API_STATUS_COUNT_, "a row for each");

// What HTTP itself refuses with (RFC 9110 section 15, RFC 6585 section 5).
static const struct status_row http_rows[] = {
    {400, "Bad Request"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {431, "Request Header Fields Too Large"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

static const struct status_row *row_of(enum api_status status)
{
    ASSERT(status < API_STATUS_COUNT_);
    return &status_rows[status];
}

int api_status_code(enum api_status status)
{
    return row_of(status)->code;
}

static void write_object(struct strbuf *out, int code, struct span message)
{
    strbuf_put(out, code == 200 ? SPAN("{\"success\":true,\"code\":")
                                : SPAN("{\"success\":false,\"code\":"));
    strbuf_put_i64(out, code);
    strbuf_put(out, SPAN(",\"message\":"));
    strbuf_put_json_string(out, message);
    strbuf_put_byte(out, '}');
}

void api_status_write(struct strbuf *out, enum api_status status)
{
    const struct status_row *row = row_of(status);
    write_object(out, row->code, span_of_text(row->text));
}

void api_status_write_fault(struct strbuf *out, enum api_status status,
                            const struct api_fault *fault)
{
    const struct status_row *row = row_of(status);
    uint8_t storage[256];
    struct strbuf message = strbuf_over(storage, sizeof storage);
    strbuf_put_text(&message, row->text);
    strbuf_put_text(&message, ": ");
    if (fault->member != NULL) {
        strbuf_put_text(&message, fault->member);
        strbuf_put_byte(&message, ' ');
    }
    strbuf_put_text(&message, fault->what);
    ASSERT(!message.is_overflowed);
    write_object(out, row->code, strbuf_span(&message));
}

static const char *http_text(int http_status)
{
    for (size_t i = 0; i < sizeof http_rows / sizeof http_rows[0]; i++) {
        if (http_rows[i].code == http_status)
            return http_rows[i].text;
    }
    return "Error";
}

void api_write_error(int http_status, struct strbuf *out)
{
    strbuf_put_text(out, "{\"status\":");
    write_object(out, http_status, span_of_text(http_text(http_status)));
    strbuf_put_byte(out, '}');
}
