// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The inbox over HTTP, for test suites and for people.
//
//   GET    /dev/inbox?to=ADDRESS&after=ID&limit=N&wait=5s   {"messages":[…]}, newest first
//   GET    /dev/inbox by a browser                          a page that shows them as they come
//   DELETE /dev/inbox                                       forgets all
//
// `to` takes any spelling of an address. `limit` is 1 to 10000, 100 unless given. `wait` (at most
// 60s) holds the answer back until there is something to show. An `after` that was never given,
// such as one from before a restart, counts as none.

#include "admin/inbox.h"
#include "http/http.h"

#define INBOX_ROUTES_COUNT 4U

struct inbox_http {
    struct inbox *inbox;
    // Writes the canonical form of an address; false when it is none. INBOX_TO_BYTES_MAX fit.
    bool (*canonical)(void *ctx, bool is_email, struct span spelling, struct strbuf *out);
    void *ctx;
};

// `http` is borrowed as long as the routes are in use; from every loop.
void inbox_routes(struct inbox_http *http, struct http_route out[INBOX_ROUTES_COUNT]);
