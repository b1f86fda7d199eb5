// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include "base/assert.h"

// Paths are compared as sent. Two spellings of one path ("%61" for "a") are what access rules of a
// proxy in front are circumvented with, so a percent sign matches no letter.
static bool matches(struct span row, struct span path)
{
    bool is_prefix = row.len > 0 && row.data[row.len - 1] == '*';
    return is_prefix ? span_starts_with(path, span_first(row, row.len - 1)) : span_eq(row, path);
}

static const struct http_route *find(const struct http_router *router, struct span path,
                                     enum http_method method, bool *is_path_known_out)
{
    for (size_t i = 0; i < router->count; i++) {
        if (!matches(router->routes[i].path, path))
            continue;
        *is_path_known_out = true;
        if (router->routes[i].method == method)
            return &router->routes[i];
    }
    return NULL;
}

// RFC 9110 section 9.3.2: HEAD is GET without the body, which the connection leaves out.
int http_router_match(const struct http_router *router, const struct http_request *request,
                      const struct http_route **out)
{
    bool is_path_known = false;
    *out = find(router, request->path, request->method, &is_path_known);
    if (*out == NULL && is_path_known && request->method == HTTP_HEAD)
        *out = find(router, request->path, HTTP_GET, &is_path_known);
    if (*out != NULL)
        return 200;
    return is_path_known ? 405 : 404;
}

void http_router_allow(const struct http_router *router, struct span path, struct strbuf *out)
{
    static const struct span names[HTTP_METHOD_COUNT_] = {
        [HTTP_GET] = SPAN("GET"), [HTTP_HEAD] = SPAN("HEAD"),     [HTTP_POST] = SPAN("POST"),
        [HTTP_PUT] = SPAN("PUT"), [HTTP_DELETE] = SPAN("DELETE"), [HTTP_OPTIONS] = SPAN("OPTIONS"),
    };
    unsigned methods = 0;
    for (size_t i = 0; i < router->count; i++) {
        ASSERT(router->routes[i].method < HTTP_METHOD_COUNT_);
        if (matches(router->routes[i].path, path))
            methods |= 1U << router->routes[i].method;
    }
    if ((methods & 1U << HTTP_GET) != 0)
        methods |= 1U << HTTP_HEAD;
    for (unsigned method = 0; method < HTTP_METHOD_COUNT_; method++) {
        if ((methods & 1U << method) == 0)
            continue;
        strbuf_put(out, out->len > 0 ? SPAN(", ") : SPAN(""));
        strbuf_put(out, names[method]);
    }
}
