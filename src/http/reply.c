// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "http/reply.h"

#include "base/assert.h"
#include "http/bytes.h"
#include "http/limits.h"

#define NO_CONTENT 204
#define NOT_MODIFIED 304

// Status line, names and lengths of the fields that every answer has, and all their line ends.
#define FIXED_BYTES_MAX 256U

static const struct {
    int status;
    struct span line;
} status_lines[] = {
    {200, SPAN("HTTP/1.1 200 OK\r\n")},
    {201, SPAN("HTTP/1.1 201 Created\r\n")},
    {202, SPAN("HTTP/1.1 202 Accepted\r\n")},
    {NO_CONTENT, SPAN("HTTP/1.1 204 No Content\r\n")},
    {301, SPAN("HTTP/1.1 301 Moved Permanently\r\n")},
    {302, SPAN("HTTP/1.1 302 Found\r\n")},
    {303, SPAN("HTTP/1.1 303 See Other\r\n")},
    {NOT_MODIFIED, SPAN("HTTP/1.1 304 Not Modified\r\n")},
    {307, SPAN("HTTP/1.1 307 Temporary Redirect\r\n")},
    {308, SPAN("HTTP/1.1 308 Permanent Redirect\r\n")},
    {400, SPAN("HTTP/1.1 400 Bad Request\r\n")},
    {401, SPAN("HTTP/1.1 401 Unauthorized\r\n")},
    {403, SPAN("HTTP/1.1 403 Forbidden\r\n")},
    {404, SPAN("HTTP/1.1 404 Not Found\r\n")},
    {405, SPAN("HTTP/1.1 405 Method Not Allowed\r\n")},
    {406, SPAN("HTTP/1.1 406 Not Acceptable\r\n")},
    {408, SPAN("HTTP/1.1 408 Request Timeout\r\n")},
    {409, SPAN("HTTP/1.1 409 Conflict\r\n")},
    {410, SPAN("HTTP/1.1 410 Gone\r\n")},
    {412, SPAN("HTTP/1.1 412 Precondition Failed\r\n")},
    {413, SPAN("HTTP/1.1 413 Content Too Large\r\n")},
    {415, SPAN("HTTP/1.1 415 Unsupported Media Type\r\n")},
    {417, SPAN("HTTP/1.1 417 Expectation Failed\r\n")},
    {421, SPAN("HTTP/1.1 421 Misdirected Request\r\n")},
    {422, SPAN("HTTP/1.1 422 Unprocessable Content\r\n")},
    {429, SPAN("HTTP/1.1 429 Too Many Requests\r\n")},
    {431, SPAN("HTTP/1.1 431 Request Header Fields Too Large\r\n")},
    {500, SPAN("HTTP/1.1 500 Internal Server Error\r\n")},
    {501, SPAN("HTTP/1.1 501 Not Implemented\r\n")},
    {502, SPAN("HTTP/1.1 502 Bad Gateway\r\n")},
    {503, SPAN("HTTP/1.1 503 Service Unavailable\r\n")},
    {504, SPAN("HTTP/1.1 504 Gateway Timeout\r\n")},
    {505, SPAN("HTTP/1.1 505 HTTP Version Not Supported\r\n")},
};

// A status without a line of its own gets an empty reason (RFC 9112 section 4).
static void put_status_line(struct strbuf *out, int status)
{
    ASSERT(status >= 200);
    ASSERT(status <= 599);
    for (size_t i = 0; i < sizeof status_lines / sizeof status_lines[0]; i++) {
        if (status_lines[i].status == status) {
            strbuf_put(out, status_lines[i].line);
            return;
        }
    }
    strbuf_put(out, SPAN("HTTP/1.1 "));
    strbuf_put_u64(out, (uint64_t)status);
    strbuf_put(out, SPAN(" \r\n"));
}

static void put_field(struct strbuf *out, struct span name, struct span value)
{
    strbuf_put(out, name);
    strbuf_put(out, SPAN(": "));
    strbuf_put(out, value);
    strbuf_put(out, SPAN("\r\n"));
}

// RFC 9110 section 8.6: no length with 204; with 304 it would have to be that of the 200.
static void put_content_fields(struct strbuf *out, const struct http_reply *reply)
{
    if (reply->content_type.len > 0)
        put_field(out, SPAN("Content-Type"), reply->content_type);
    if (reply->status == NO_CONTENT || reply->status == NOT_MODIFIED)
        return;
    strbuf_put(out, SPAN("Content-Length: "));
    strbuf_put_u64(out, reply->body.len);
    strbuf_put(out, SPAN("\r\n"));
}

size_t http_reply_bytes_max(const struct http_reply *reply, const struct http_reply_frame *frame)
{
    size_t bytes = FIXED_BYTES_MAX + reply->content_type.len + frame->request_id.len;
    for (size_t i = 0; i < reply->fields_held; i++)
        bytes += reply->fields[i].name.len + reply->fields[i].value.len + 4;
    return bytes + reply->body.len;
}

void http_reply_write(const struct http_reply *reply, const struct http_reply_frame *frame,
                      struct strbuf *out)
{
    bool has_body = reply->content_type.len > 0;
    ASSERT(has_body || reply->body.len == 0);
    ASSERT(!has_body || (reply->status != NO_CONTENT && reply->status != NOT_MODIFIED));
    ASSERT(reply->body.len <= HTTP_REPLY_BYTES_MAX);
    put_status_line(out, reply->status);
    put_content_fields(out, reply);
    put_field(out, SPAN("X-Request-Id"), frame->request_id);
    for (size_t i = 0; i < reply->fields_held; i++)
        put_field(out, reply->fields[i].name, reply->fields[i].value);
    if (frame->is_closing)
        strbuf_put(out, SPAN("Connection: close\r\n"));
    else if (frame->is_http_1_0)
        strbuf_put(out, SPAN("Connection: keep-alive\r\n"));
    strbuf_put(out, SPAN("\r\n"));
    if (!frame->is_head)
        strbuf_put(out, reply->body);
}

void http_reply_add(struct http_reply *reply, struct span name, struct span value)
{
    ASSERT(reply->fields_held < HTTP_REPLY_FIELDS_MAX);
    ASSERT(name.len > 0);
    ASSERT(http_bytes_are(name, HTTP_BYTE_TOKEN));
    ASSERT(http_bytes_are_value(value));
    reply->fields[reply->fields_held++] = (struct http_field){name, value};
}

struct http_reply http_reply_of_error(const struct http_router *router, int status,
                                      struct strbuf *body)
{
    router->write_error(status, body);
    ASSERT(!body->is_overflowed);
    struct http_reply reply = {
        .status = status,
        .content_type = SPAN("application/json"),
        .body = strbuf_span(body),
    };
    if (status == 503)
        http_reply_add(&reply, SPAN("Retry-After"), SPAN("1"));
    return reply;
}
