// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/health.h"

#include "admin/reply.h"
#include "base/assert.h"

#define BODY_BYTES_MAX 512U
#define TEXT_TYPE SPAN("text/plain; charset=utf-8")

static void reply_text(struct http_exchange *exchange, bool is_ok, struct span text)
{
    const struct http_reply reply = admin_reply(is_ok ? 200 : 503, TEXT_TYPE, text);
    http_reply(exchange, &reply);
}

static void handle_live(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    reply_text(exchange, true, SPAN("ok\n"));
}

// "[+]store ok", as Kubernetes writes it.
static void put_check(struct strbuf *out, struct span name, bool is_ok)
{
    strbuf_put(out, is_ok ? SPAN("[+]") : SPAN("[-]"));
    strbuf_put(out, name);
    strbuf_put(out, is_ok ? SPAN(" ok\n") : SPAN(" failed\n"));
}

static bool check_all(const struct health *health, struct strbuf *lines)
{
    bool is_ready = true;
    for (size_t i = 0; i < health->count; i++) {
        const struct health_check *check = &health->checks[i];
        bool is_ok = check->is_ok(check->ctx);
        put_check(lines, check->name, is_ok);
        is_ready = is_ready && is_ok;
    }
    return is_ready;
}

static void handle_ready(void *ctx, struct http_exchange *exchange)
{
    uint8_t room[BODY_BYTES_MAX];
    struct span value;
    struct strbuf body = strbuf_over(room, sizeof room);
    bool is_ready = check_all(ctx, &body);
    strbuf_put(&body, is_ready ? SPAN("ready\n") : SPAN("not ready\n"));
    ASSERT(!body.is_overflowed);
    bool is_verbose = http_query_find(exchange, SPAN("verbose"), &value);
    struct span brief = is_ready ? SPAN("ok\n") : SPAN("not ready\n");
    reply_text(exchange, is_ready, is_verbose ? strbuf_span(&body) : brief);
}

void health_routes(struct health *health, struct http_route out[HEALTH_ROUTES_COUNT])
{
    ASSERT(health->count <= HEALTH_CHECKS_MAX);
    out[0] = (struct http_route){HTTP_GET, SPAN("/livez"), handle_live, health};
    out[1] = (struct http_route){HTTP_GET, SPAN("/readyz"), handle_ready, health};
    out[2] = (struct http_route){HTTP_GET, SPAN("/healthz"), handle_ready, health};
}
