// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The courier: takes due entries from the store, derives the code, renders, sends, settles.
//
//   queued ──claim──▶ leased ──accepted──▶ accepted
//     ▲                 │ ──refused───▶ failed
//     │                 │ ──unknown───▶ unknown     (perhaps sent: never again on the same way)
//     └──retry (due)────┤ ──code ended─▶ expired     (checked before each send: nothing late)
//                       └──lease ends──▶ queued again, for a courier that died
//
// The code exists in plain only inside courier_step, between derive and send, and is wiped after.

#include "channel/channel.h"
#include "channel/template.h"
#include "crypto/keyring/keyring.h"
#include "store/store.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

// What a message is to be. `language` is a tag; empty: the brand's own.
struct courier_wish {
    enum channel_kind kind;
    struct span language;
};

// What the courier must know of a brand. Borrowed from the directory until `release`.
struct courier_brand {
    struct span name;
    struct wording wording;
    const void *held; // the directory's
};

struct courier_directory {
    bool (*find)(void *ctx, uint64_t brand_id, const struct courier_wish *wish,
                 struct courier_brand *out);
    void (*release)(void *ctx, struct courier_brand *brand);
    void *ctx;
};

// Channels give their results on the courier's thread. All is borrowed until courier_destroy.
struct courier_deps {
    struct store *store;
    struct keyring *keyring;
    struct courier_directory directory;
    struct channel *channels[CHANNEL_COUNT_]; // NULL: none
    struct span providers[CHANNEL_COUNT_];    // who carries each, for the log; may be empty
    struct clock clock;
    struct entropy entropy; // jitter
    struct logger *log;
    struct metrics *metrics;
};

struct courier;

MUST_CHECK enum err courier_create(const struct courier_deps *deps, struct courier **out);
void courier_destroy(struct courier **courier); // asserts that nothing is in flight

#define COURIER_BATCH_MAX 32U

// Messages with the channels at once. Each channel has its share and no more: a provider that does
// not answer fills its own, and what else waits for it stays in the store.
#define COURIER_CHANNEL_PLACES 128U
#define COURIER_PLACES (CHANNEL_COUNT_ * COURIER_CHANNEL_PLACES + 1) // one: for unknown channels

// Claims and sends what is due, at most one batch. Returns how many it took: 0 means none was due
// that there was a place for.
size_t courier_step(struct courier *courier);

// Channels whose share is full, as bits 1 << kind: nothing of theirs is claimed until a result
// makes room.
uint32_t courier_busy(const struct courier *courier);
