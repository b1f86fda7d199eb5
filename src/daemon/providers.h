// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The channels of the providers that a configuration names.

#include "channel/http_transport_curl.h"
#include "config/config.h"

struct provider {
    struct channel *channel;
    struct http_curl *http; // NULL: it is a mail relay
    size_t connections_max;
};

struct providers {
    struct outbound *outbound;                  // NULL: there are no providers
    struct provider list[CONFIG_PROVIDERS_MAX]; // in the order of the configuration
    size_t held;
};

// `providers` is all zero; `config` outlives it. On failure what was made stays, for
// providers_destroy.
MUST_CHECK enum err providers_create(struct providers *providers, const struct config *config,
                                     const struct clock *clock, struct err_info *info);

// Connects, and logs in where that can be done without a message; sends nothing. The result as of a
// channel's send.
void providers_probe(struct providers *providers, size_t index, send_done *on_result, void *ctx);

// How many messages it should be given at once: a quarter more than it has connections, for the
// time that the store takes.
size_t providers_window(const struct providers *providers, size_t index);

void providers_destroy(struct providers *providers); // safe twice
