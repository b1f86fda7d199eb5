// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The courier: takes due entries from the store, finds who carries them, has it written down that
// they are about to be sent, derives the code, renders, sends, and has the result written down.
// What becomes of an entry is decided in outbox/delivery.h; here it is carried out.
//
// The code exists in plain only inside courier_step, between derive and send, and is wiped when the
// result is there.
//
// One thread steps the courier and gets the results of its channels. The store tells of its ops on
// any thread; they wait in a list until the next step.

#include "channel/channel.h"
#include "channel/template.h"
#include "crypto/keyring/keyring.h"
#include "outbox/route.h"
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

#define COURIER_RECEIPTS_URL_BYTES_MAX 512U

// Channels give their results on the courier's thread. All is borrowed until courier_destroy.
struct courier_deps {
    struct store *store;
    struct keyring *keyring;
    struct courier_directory directory;
    const struct routes *routes;
    struct channel *channels[ROUTES_PROVIDERS_MAX]; // by the provider's number in the routes
    // How many messages a provider may be given at once, by its number; 0: its whole share. A few
    // more than it has connections for, so that none of them waits for the store.
    size_t windows[ROUTES_PROVIDERS_MAX];
    struct span receipts_url; // "https://otp.example.com/receipts/", which the name of a provider
                              // may follow as it is; empty: nobody can report
    struct clock clock;
    struct entropy entropy; // jitter
    struct logger *log;
    struct metrics *metrics; // which know the names of the providers
};

struct courier;

MUST_CHECK enum err courier_create(const struct courier_deps *deps, struct courier **out);
void courier_destroy(struct courier **courier); // asserts that nothing is under way

// Called, from any thread, when an op of the courier's has ended and there is something to do in
// courier_step. Before the first step.
void courier_on_news(struct courier *courier, void (*on_news)(void *ctx), void *ctx);

#define COURIER_BATCH_MAX 32U

// Messages under way at once, from their claim until their result is written down. Each provider
// has its share and no more: one that does not answer fills its own, and what else waits for it
// stays in the store.
#define COURIER_PROVIDER_PLACES 128U

// Goes on with what has news, and claims what is due, at most one batch for every provider. Returns
// how much there was to do: 0 means nothing, and nothing due that there was a place for.
size_t courier_step(struct courier *courier);

// For how long there is nothing to do unless news comes; a second at most.
int64_t courier_idle_ms(struct courier *courier);

// The courier is to end: claims and sends nothing more, takes in what has ended, and returns how
// much is still under way. To be called again, when there is news, until that is 0.
size_t courier_end(struct courier *courier);
