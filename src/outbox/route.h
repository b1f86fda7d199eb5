// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// By which providers a message goes, in which order. A rule is for a channel, and may be for one
// brand alone and for numbers that begin with some digits. For one message the brand's own rules
// come before those of all brands, and among them the one with the longest prefix. Without a rule
// it goes by all providers of its channel, in their own order.
//
// Immutable: may be used by any thread, and outlives all that borrows it.

#include "base/err.h"
#include "channel/channel.h"
#include "store/store.h"

#define ROUTE_PROVIDERS_MAX \
    8U // of one rule: also what a delivery remembers (DELIVERY_ATTEMPTS_MAX)
#define ROUTES_PROVIDERS_MAX 16U
#define ROUTES_RULES_MAX 64U

_Static_assert(ROUTES_PROVIDERS_MAX < PROVIDERS_BUSY_MAX, "all of them may be busy");

struct route_provider {
    struct span name;
    uint32_t channels; // bits 1 << enum channel_kind
};

struct route_rule {
    enum channel_kind channel;
    struct span prefix;                    // digits as canonical numbers begin with; empty: any
    struct span brand;                     // without regard to ASCII case; empty: any
    size_t providers[ROUTE_PROVIDERS_MAX]; // numbers of route_providers that carry the channel
    size_t providers_count;                // at least 1
    int64_t fallback_after_ms;             // 0: not set
};

struct routes_options {
    const struct route_provider *providers; // in their order; names differ
    size_t providers_count;
    const struct route_rule *rules; // no two alike in channel, prefix and brand
    size_t rules_count;
};

// The way of one message.
struct route {
    provider_tag providers[ROUTE_PROVIDERS_MAX]; // first choice first
    size_t count;                                // 0: nobody carries it
    int64_t fallback_after_ms;                   // 0: not set
};

struct route_query {
    enum channel_kind channel;
    struct span to; // canonical address
    struct span brand;
};

struct routes;

// Never 0; the same in every process.
provider_tag provider_tag_of(struct span name);

// Spans are borrowed for good. ERR_INVALID with a story: two names have one tag, and one of them
// has to be another. ERR_NO_MEMORY.
MUST_CHECK enum err routes_create(const struct routes_options *options, struct routes **out,
                                  struct err_info *info);
void routes_destroy(struct routes **routes);

void routes_find(const struct routes *routes, const struct route_query *query, struct route *out);

// Bits 1 << enum channel_kind of all that somebody carries.
uint32_t routes_channels(const struct routes *routes);

#define ROUTES_NO_PROVIDER ROUTES_PROVIDERS_MAX

size_t routes_providers(const struct routes *routes);

// Its number, in the order of the options; ROUTES_NO_PROVIDER: there is none of that tag (any
// more).
size_t routes_number(const struct routes *routes, provider_tag tag);
provider_tag routes_tag(const struct routes *routes, size_t number);

// Empty: there is none of that tag.
struct span routes_name(const struct routes *routes, provider_tag tag);
