// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The channels of the providers that a configuration names.

#include "channel/http_transport_curl.h"
#include "config/config.h"
#include "daemon/probe_desk.h"
#include "daemon/token_vault.h"

struct provider {
    struct channel *channel;
    struct http_curl *http; // NULL: it is a mail relay
    size_t connections_max;
    // Of one whose access token is renewed; else NULL, or where nothing is kept.
    struct token_vault *vault;
    struct token_source *tokens;
    struct span name;
};

// Where tokens are kept, and who hears of them. All is borrowed until providers_destroy, the store
// until providers_stop.
struct providers_keeping {
    struct store *store; // NULL: nothing is kept, and providers with tokens refuse all
    const struct key *wrap_key;
    const struct entropy *entropy; // callable from every thread
    struct logger *log;
    struct metrics *metrics;
};

struct providers {
    struct providers_keeping keeping;
    struct outbound *outbound;                  // NULL: there are no providers
    struct probe_desk *desk;                    // NULL: none of them has tokens to keep
    struct provider list[CONFIG_PROVIDERS_MAX]; // in the order of the configuration
    size_t held;
};

// What a probe is known by at the provider.
struct provider_probe {
    uint64_t id; // of its own for each
    int64_t now_ms;
};

// `providers` is all zero but for `keeping`, and must not move; `config` outlives it. On failure
// what was made stays, for providers_destroy.
MUST_CHECK enum err providers_create(struct providers *providers, const struct config *config,
                                     const struct clock *clock, struct err_info *info);

// As http_channel_probe and smtp_probe; on the thread that drives them.
void providers_probe(struct providers *providers, size_t index, const struct provider_probe *probe,
                     send_done *on_result, void *ctx);

// Of the provider with that name; NULL: there is none, or it has no tokens to keep.
const struct provider *providers_find_tokens(const struct providers *providers, struct span name);

// When the driving has ended, and before the store is destroyed: tokens that were just fetched are
// written.
void providers_stop(struct providers *providers); // safe twice

// How many messages it should be given at once: a quarter more than it has connections, for the
// time that the store takes.
size_t providers_window(const struct providers *providers, size_t index);

void providers_destroy(struct providers *providers); // safe twice
