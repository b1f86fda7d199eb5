// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The transport of HTTP channels by libcurl, over the connections that all providers share. One a
// provider: it has a lane of its own.

#include "base/err.h"
#include "channel/http_transport.h"
#include "channel/outbound.h"

struct http_curl_settings {
    const char *ca_file; // NULL: the machine's
    size_t connections_max;
    long timeout_ms;      // of one request, connection and all
    bool may_use_private; // addresses of private networks and of this machine
};

struct http_curl;

// `settings` are copied; `outbound` is borrowed. ERR_NO_MEMORY.
MUST_CHECK enum err http_curl_create(struct outbound *outbound,
                                     const struct http_curl_settings *settings,
                                     struct http_curl **out);

// Not while a request is on its way.
void http_curl_destroy(struct http_curl **http);

// Borrows it.
struct http_transport http_curl_transport(struct http_curl *http);
