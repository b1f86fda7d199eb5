// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which row of the route table a request belongs to.

#include "http/http.h"

// 200 with the route, else 404 or 405. HEAD is served by the GET row of a path that has no HEAD
// row.
int http_router_match(const struct http_router *router, const struct http_request *request,
                      const struct http_route **out);

// Value of Allow: the methods of the path's rows, and HEAD beside GET.
void http_router_allow(const struct http_router *router, struct span path, struct strbuf *out);
