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

// What the courier must know of a brand. Borrowed from the directory until `release`.
struct courier_brand {
    struct span name;
    const struct template *template;
    const void *held; // the directory's
};

struct courier_directory {
    bool (*find)(void *ctx, uint64_t brand_id, enum channel_kind kind, struct courier_brand *out);
    void (*release)(void *ctx, struct courier_brand *brand);
    void *ctx;
};

// Channels give their results on the courier's thread. All is borrowed until courier_destroy.
struct courier_deps {
    struct store *store;
    struct keyring *keyring;
    struct courier_directory directory;
    struct channel *channels[CHANNEL_COUNT_]; // NULL: none
    struct clock clock;
    struct entropy entropy; // jitter
    struct logger *log;
    struct metrics *metrics;
};

struct courier;

MUST_CHECK enum err courier_create(const struct courier_deps *deps, struct courier **out);
void courier_destroy(struct courier **courier); // asserts that nothing is in flight

#define COURIER_BATCH_MAX 32U

// Messages with the channels at once: enough that slow providers leave room for the others.
#define COURIER_PLACES 512U

// Claims and sends what is due, at most one batch. Returns how many it took: 0 means none was due,
// or there was no place.
size_t courier_step(struct courier *courier);

// May a step claim anything? If not, only a result makes room.
bool courier_has_place(const struct courier *courier);
