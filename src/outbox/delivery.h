// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The life of an entry, as pure functions on its delivery. Who calls them does so in the transition
// of a delivery_op, on the newest state.
//
//                      ┌────────────────── refused, unknown (after a while), or its breaker is
//                      open, ▼                   and another provider is left: the next one's queue
//   new ──▶ QUEUED(p) ──look──▶ SUBMITTED(p) ──result──▶ ACCEPTED ─▶ over, or looked at again after
//             ▲  │                  │  │  │                          fallbackAfterSeconds
//             │  │                  │  │  └──refused, none left──▶ FAILED
//             └──┼──retry (due)─────┘  └──nobody knows──▶ UNKNOWN ─▶ over, or looked at again
//                ├──its code has ended──▶ EXPIRED
//                └──its code was used or replaced──▶ OBSOLETE
//
//   DELIVERED  by a receipt, at any time and from any state; never undone
//   DROPPED    by a person
//
// What holds:
//   - SUBMITTED is durable before a byte leaves, and not before one could. Seen again without a
//     result, it is unknown.
//   - A provider that refused for good, took the message, or may have, is not given it again. One
//     that asked to try later may be.
//   - Nothing is submitted once its code is used, replaced, exhausted or over.
//   - Over, the state says the best that became of it: taken by one and refused by another it is
//     ACCEPTED, possibly taken UNKNOWN.
//
// The attempts that are remembered include the latest one at each provider: older ones at the same
// provider are forgotten first.

#include "channel/channel.h"
#include "outbox/route.h"
#include "store/store.h"

// Longer than any channel takes to give up, or a message would count as unknown while its channel
// still has it.
#define DELIVERY_LEASE_MS 120000

// For the route's fallbackAfterSeconds, after an unknown outcome, where it is not set.
#define DELIVERY_UNKNOWN_MS 30000

// Tries at a provider that asks for patience before another one is asked.
#define DELIVERY_PATIENCE_TRIES 2U

// What the record says of the entry's code, and the time.
struct delivery_moment {
    int64_t now_ms;
    int64_t code_ends_at_ms;
    bool is_code_live;
    bool has_address;
};

void delivery_moment_of(const struct outbox_entry *entry, const struct record *record,
                        int64_t now_ms, struct delivery_moment *out);

// Where it may go.
struct delivery_way {
    struct route route;
    uint32_t resting; // bits by place in the route: its breaker is open
    int64_t rest_ms;  // for how long the delivery's own provider should be left alone, if it rests
    uint32_t jitter;  // uniform; see due.h
};

enum delivery_step {
    DELIVERY_NOTHING, // not due, over, or somebody else was first; nothing has changed
    DELIVERY_SEND,    // it is SUBMITTED: send it now
    DELIVERY_MOVED,   // to the queue of delivery->provider
    DELIVERY_WAITS,   // until delivery->due_at_ms
    DELIVERY_ENDED,   // it is over; delivery->state says how
    DELIVERY_NOTED,   // something is known that it was not, and nothing follows from it
};

// Somebody has claimed it. DELIVERY_SEND: the last attempt is the one that now begins.
enum delivery_step delivery_look(struct delivery *delivery, const struct delivery_moment *moment,
                                 const struct delivery_way *way);

// Names an attempt for whoever began it.
struct delivery_sent {
    provider_tag provider;
    int64_t at_ms;
};

// What became of it. Of the texts is kept what there is room for.
enum delivery_step delivery_result(struct delivery *delivery, const struct delivery_moment *moment,
                                   const struct delivery_way *way, const struct delivery_sent *sent,
                                   const struct send_result *result);

// No connection could be had for it, so that it was never marked. If it is to be sent at all, an
// attempt that came to this at once, which *sent_out names; else its provider is 0.
enum delivery_step delivery_miss(struct delivery *delivery, const struct delivery_moment *moment,
                                 const struct delivery_way *way, const struct send_result *result,
                                 struct delivery_sent *sent_out);

// It was marked as submitted and then not sent: as if it had not been looked at.
enum delivery_step delivery_withdraw(struct delivery *delivery,
                                     const struct delivery_moment *moment,
                                     const struct delivery_sent *sent);

// What a provider reports later (or earlier).
struct delivery_report {
    provider_tag provider;
    bool is_delivered; // else it has failed
    enum send_reason reason;
    struct span words;
};

// DELIVERY_MOVED: the courier finds it another provider. Otherwise DELIVERY_ENDED or DELIVERY_NOTED
// where something has changed.
enum delivery_step delivery_receipt(struct delivery *delivery, const struct delivery_moment *moment,
                                    const struct delivery_report *report);

// A person wants it tried again from the beginning: DELIVERY_MOVED. DELIVERY_NOTHING: it is open,
// was taken, its code has died, or its address is gone.
enum delivery_step delivery_retry(struct delivery *delivery, const struct delivery_moment *moment);

// DELIVERY_ENDED, or DELIVERY_NOTHING: it is over.
enum delivery_step delivery_drop(struct delivery *delivery);

const char *delivery_state_name(enum delivery_state state);
