// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where providers report: GET and POST /receipts/NAME/TOKEN on the main listener.
//
//   unknown NAME or TOKEN    404, whichever it was
//   forged, or too old       403, and a line in the log
//   cannot be read           400, and a line in the log
//   no room                  503: the provider reports again
//   otherwise                200 at once, with the provider's challenge if it has sent one
//
// Who calls is known by the token and the provider's signature alone; an IP address proves nothing.
// Of each kind of refusal a minute gets RECEIPT_LOG_LINES_MAX lines at most.

#include "base/env.h"
#include "channel/report.h"
#include "http/http.h"
#include "outbox/receipts.h"

#include <stdatomic.h>

#define RECEIPT_ROUTES_COUNT 2U
#define RECEIPT_PROVIDERS_MAX 16U
#define RECEIPT_LOG_LINES_MAX 10U

// A provider that reports. All is borrowed.
struct receipt_source {
    struct span name;
    provider_tag provider;
    const struct report_reader *reader;
};

// How many lines there may still be this minute; from any thread.
struct receipt_log_gate {
    _Atomic int64_t minute;
    atomic_uint lines;
};

struct receipt_http_deps {
    struct receipt_source sources[RECEIPT_PROVIDERS_MAX];
    size_t sources_held;
    struct span public_url;      // "https://otp.example.com", without a slash at its end
    const struct key *index_key; // the keyring's
    enum err (*take)(void *ctx, const struct receipt_report *report); // as receipts_take
    void *ctx;
    void (*write_error)(int status, struct strbuf *out); // as http_router's
    struct clock clock;
    struct logger *log;
    struct metrics *metrics;
};

// Shared by all loops. Must not move: routes point to it.
struct receipt_http {
    struct receipt_http_deps deps;
    struct receipt_log_gate strangers; // calls of nobody's
    struct receipt_log_gate providers;
};

void receipt_http_init(struct receipt_http *http, const struct receipt_http_deps *deps);

// `http` is borrowed as long as the routes are in use; from every loop.
void receipt_http_routes(struct receipt_http *http, struct http_route out[RECEIPT_ROUTES_COUNT]);

// "https://otp.example.com/receipts/NAME/TOKEN" for all receipts of a provider.
void receipt_url_put(struct span public_url, struct span name, provider_tag provider,
                     const struct key *index_key, struct strbuf *out);
