// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tokens of providers, over HTTP (docs/admin.md): how they are, a refresh token set anew, and
// whether the provider takes the access token, which renews nothing. For the same door and the same
// loop as brands_http.h. No answer and no event has a token in it.

#include "base/err.h"
#include "http/http.h"
#include "telemetry/log.h"

#define TOKENS_ROUTES_COUNT 3U
#define TOKENS_WORDS_BYTES_MAX 256U
#define TOKENS_PROBE_WORDS_BYTES_MAX 384U

struct tokens_page {
    const char *state; // "ready"
    bool needs_person;
    int64_t access_ends_at_ms;  // 0: not known
    int64_t refresh_ends_at_ms; // 0: there is none
    size_t words_len;
    uint8_t words[TOKENS_WORDS_BYTES_MAX]; // the provider's
};

// What a provider said to a question by its present access token.
struct tokens_probe_page {
    bool is_ready;
    const char *reason; // "auth_failed"; "none": it is ready
    size_t words_len;
    uint8_t words[TOKENS_PROBE_WORDS_BYTES_MAX]; // the provider's
};

struct tokens_http {
    // False: no provider of that name has tokens.
    bool (*show)(void *ctx, struct span provider, struct tokens_page *out);
    // Waits for the store, and for what the provider says to it. ERR_NOT_FOUND: as above;
    // ERR_INVALID: it is no token.
    enum err (*set)(void *ctx, struct span provider, struct span refresh);
    // Waits for the provider, as long as commands wait at most. False: as above.
    bool (*probe)(void *ctx, struct span provider, struct tokens_probe_page *out);
    void *ctx;
    struct logger *log;
};

// `http` is borrowed as long as the routes are in use; from one loop.
void tokens_routes(struct tokens_http *http, struct http_route out[TOKENS_ROUTES_COUNT]);
