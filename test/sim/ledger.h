// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Stands between the outbox and the store, and holds every step of every entry against what was
// promised, in other words than the server's and with none of its code:
//
//   O1  each entry ends, and what is over stays so but for a person or a report; nothing vanishes
//   O2  it is given to one provider again only if that one had asked to try later; to whom it is
//       given is on the disk before
//   O3  nothing is marked for sending once its code is used, replaced, exhausted or over
//
// An entry is known by its id, which is drawn at random.

#include "channel/channel.h"
#include "store/store.h"

#define LEDGER_PROVIDERS_MAX 4U

struct ledger_row {
    uint64_t id;
    bool is_over;
    bool is_in_doubt;        // the last step may have been its end: the store's own count says
    provider_tag marked_for; // by the last mark that was committed or may be; 0: none since sent
    uint8_t tellers;         // providers that it was given to …
    provider_tag providers[LEDGER_PROVIDERS_MAX];
    bool may_again[LEDGER_PROVIDERS_MAX]; // … and asked to try later
};

struct ledger_options {
    // An entry is over without having been taken: failed, unknown, expired or obsolete. `entry` has
    // its sealed address as the store gave it.
    void (*on_lost)(void *ctx, const struct outbox_entry *entry, enum delivery_state state,
                    int64_t at_ms);
    void *ctx;
};

struct ledger {
    struct store store; // what the outbox sees
    struct store *inner;
    struct ledger_options options;
    struct ledger_row *rows;
    size_t held;
    size_t room;                             // a power of two
    const char *complaint;                   // NULL: none
    uint64_t moves;                          // to another provider's queue
    uint64_t interrupted;                    // marked by a process that ended
    uint64_t endings[DELIVERY_STATE_COUNT_]; // some end as accepted and later as delivered
};

void ledger_init(struct ledger *ledger, const struct ledger_options *options);
void ledger_fini(struct ledger *ledger);

// The store that there is now.
void ledger_follow(struct ledger *ledger, struct store *inner);

// A message is given to a provider: O2.
void ledger_on_send(struct ledger *ledger, uint64_t id, provider_tag provider);

// What it said.
void ledger_on_result(struct ledger *ledger, uint64_t id, provider_tag provider,
                      enum send_outcome outcome);

// At the end: O1.
void ledger_check(struct ledger *ledger);
