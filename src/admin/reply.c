// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/reply.h"

#include "base/assert.h"

#define ERROR_BODY_BYTES_MAX 512U

static const struct http_field security_fields[] = {
    {SPAN("Content-Security-Policy"),
     SPAN("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
          "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")},
    {SPAN("Referrer-Policy"), SPAN("no-referrer")},
    {SPAN("X-Content-Type-Options"), SPAN("nosniff")},
    {SPAN("Permissions-Policy"), SPAN("otp-credentials=(self)")},
    {SPAN("Cross-Origin-Opener-Policy"), SPAN("same-origin")},
    {SPAN("Cross-Origin-Resource-Policy"), SPAN("same-origin")},
    {SPAN("Cache-Control"), SPAN("no-store")},
};

struct http_reply admin_reply(int status, struct span content_type, struct span body)
{
    struct http_reply reply = {.status = status, .content_type = content_type, .body = body};
    for (size_t i = 0; i < sizeof security_fields / sizeof security_fields[0]; i++)
        http_reply_add(&reply, security_fields[i].name, security_fields[i].value);
    return reply;
}

void admin_reply_error(struct http_exchange *exchange, int status, struct span message)
{
    uint8_t room[ERROR_BODY_BYTES_MAX];
    struct strbuf body = strbuf_over(room, sizeof room);
    strbuf_put(&body, SPAN("{\"status\":{\"success\":false,\"code\":"));
    strbuf_put_u64(&body, (uint64_t)status);
    strbuf_put(&body, SPAN(",\"message\":"));
    strbuf_put_json_string(&body, message);
    strbuf_put(&body, SPAN("}}"));
    ASSERT(!body.is_overflowed);
    const struct http_reply reply =
        admin_reply(status, SPAN("application/json"), strbuf_span(&body));
    http_reply(exchange, &reply);
}
