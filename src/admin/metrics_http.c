// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/metrics_http.h"

#include "admin/reply.h"
#include "base/assert.h"
#include "telemetry/process.h"

#include <stdlib.h>

#define PAGE_TYPE SPAN("text/plain; version=0.0.4; charset=utf-8")

static const struct span method_names[HTTP_METHOD_COUNT_] = {
    [HTTP_GET] = SPAN("GET"), [HTTP_HEAD] = SPAN("HEAD"),     [HTTP_POST] = SPAN("POST"),
    [HTTP_PUT] = SPAN("PUT"), [HTTP_DELETE] = SPAN("DELETE"), [HTTP_OPTIONS] = SPAN("OPTIONS"),
};

static void handle_page(void *ctx, struct http_exchange *exchange)
{
    const struct metrics_http *http = ctx;
    uint8_t *room = malloc(METRICS_PAGE_BYTES_MAX);
    if (room == NULL) {
        admin_reply_error(exchange, 503, SPAN("Out of memory"));
        return;
    }
    struct strbuf page = strbuf_over(room, METRICS_PAGE_BYTES_MAX);
    process_measure(http->metrics);
    http->measure(http->ctx);
    metrics_write(http->metrics, &page);
    ASSERT(!page.is_overflowed);
    const struct http_reply reply = admin_reply(200, PAGE_TYPE, strbuf_span(&page));
    http_reply(exchange, &reply);
    free(room);
}

struct http_route metrics_http_route(struct metrics_http *http)
{
    return (struct http_route){HTTP_GET, SPAN("/metrics"), handle_page, http};
}

void metrics_http_name_routes(struct metrics *metrics, const struct http_router *router)
{
    struct metrics_route named[METRICS_ROUTES_MAX];
    ASSERT(router->count <= METRICS_ROUTES_MAX);
    for (size_t i = 0; i < router->count; i++) {
        ASSERT(router->routes[i].method < HTTP_METHOD_COUNT_);
        named[i].method = method_names[router->routes[i].method];
        named[i].path = router->routes[i].path;
    }
    metrics_name_routes(metrics, named, router->count);
}
