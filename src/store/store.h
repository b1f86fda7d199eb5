// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The store port: what the rules need of a store, and nothing more. docs/adr/0004-store-port.md
// argues it and sketches Redis Cluster and PostgreSQL behind it.
//
//   store_submit    one record: load, transition, save, with the entry it promises, atomically
//   store_claim     outbox entries that are due, under a lease with a fencing token
//   store_settle    what became of claimed entries
//   store_entries   how many are not settled, store_next_due_ms when the next one is due
//   store_settings  brand settings: one versioned value each, with a notice of change
//
// Promises of every implementation:
//   1. `done` is called exactly once per op, after its effects are durable (as durable as that
//      store gets) or certainly not applied, except STORE_UNKNOWN, which may be either.
//   2. Record and entries of one op become visible together or not at all.
//   3. Ops on one key take effect one after another; what one op's `done` was told, the next one
//   sees.
//   4. The transition may run more than once per op, each time on the newest record with a newer
//      `now_ms`; only its last run counts. It must be pure but for writing to its own op.
//   5. now_ms (T) never falls, over restarts too.
//   6. An entry is claimed by one caller at a time; a settle with a stale token changes nothing.
//
// Threads: submit, claim and settle from any thread, submit from within `done` too. `done` runs on
// a thread of the store's choosing, which may be the caller's, before store_submit returns.

#include "base/err.h"
#include "core/record.h"
#include "crypto/pure/seal.h"

enum store_outcome {
    STORE_COMMITTED,
    STORE_REFUSED_BUSY,   // nothing applied; later it may work (queue or outbox full)
    STORE_REFUSED_FULL,   // nothing applied; there is no room on the disk
    STORE_REFUSED_FAILED, // nothing applied; a person has to look
    STORE_UNKNOWN,        // the connection or process failed around the commit
};

enum delivery_state {
    DELIVERY_QUEUED,
    DELIVERY_ACCEPTED, // handed over
    DELIVERY_FAILED,   // refused for good
    DELIVERY_EXPIRED,  // its code ended first
    DELIVERY_UNKNOWN,  // it may have been handed over; never sent again on the same way
};

#define MASKED_ADDRESS_BYTES_MAX 32U

// A message that has been promised. No code, no text, no plain address.
struct outbox_entry {
    uint64_t id; // random, drawn by whoever makes it
    uint64_t brand_id;
    struct record_key key;
    struct session_ref session;
    uint64_t salt;
    uint32_t epoch;
    uint8_t length; // digits of the code
    uint8_t channel;
    uint8_t tries;
    uint8_t state; // enum delivery_state
    int64_t created_at_ms;
    int64_t deadline_at_ms; // the code's end: nothing is submitted from then on
    int64_t due_at_ms;
    char masked[MASKED_ADDRESS_BYTES_MAX]; // for people, NUL-terminated
    struct sealed address;                 // last: see outbox_entry_copy
};

// Caller-allocated; the transition and `done` find their own context around it.
struct store_op {
    struct record_key key;
    // Reads and rewrites *record in place; fills op->entry and sets has_entry when a message is
    // promised. Sets is_changed when the record is to be saved.
    void (*transition)(struct store_op *op, struct record *record, int64_t now_ms);
    void (*done)(struct store_op *op, enum store_outcome outcome);
    bool is_changed;
    bool has_entry;
    uint64_t position; // where its effect, and what it saw, stands; see store_is_synced
    struct outbox_entry entry;
    struct store_op *next; // the store's, while submitted
};

struct store_claim {
    int64_t lease_ms; // after which another claim may take the entry again
    uint32_t busy;    // bits 1 << channel: their entries stay where they are
};

struct claimed_entry {
    struct outbox_entry entry;
    uint64_t token; // fences settle
};

struct settlement {
    uint64_t id;
    uint64_t token;
    enum delivery_state state; // DELIVERY_QUEUED: try again at due_at_ms
    int64_t due_at_ms;
};

// One brand's settings as the store sees them: a name and bytes.
#define SETTING_NAME_BYTES_MAX 64U
#define SETTING_VALUE_BYTES_MAX 16384U

struct setting {
    struct span name;
    struct span value; // empty: deleted
    uint64_t version;  // 1 for the first
};

struct store;

struct store_ops {
    void (*submit)(struct store *store, struct store_op *op);
    size_t (*claim)(struct store *store, const struct store_claim *claim, struct claimed_entry *out,
                    size_t max);
    void (*settle)(struct store *store, const struct settlement *settlements, size_t count);
    int64_t (*next_due_ms)(struct store *store, uint32_t busy);
    size_t (*entries)(struct store *store);
    int64_t (*now_ms)(struct store *store);
    uint64_t (*synced)(struct store *store); // NULL: nothing has a position
    enum err (*settings_put)(struct store *store, const struct setting *setting);
    void (*settings_each)(struct store *store,
                          void (*on_setting)(void *ctx, const struct setting *), void *ctx);
    void (*destroy)(struct store *store);
};

// What the store tells its owner, on a thread of its choosing. Set before first use.
struct store_notices {
    void (*on_entries)(void *ctx);  // something new is claimable
    void (*on_settings)(void *ctx); // some setting changed
    void (*on_failed)(void *ctx);   // once, and nothing is stored any more
    void *ctx;
};

// First member of every implementation.
struct store {
    const struct store_ops *ops;
    struct store_notices notices;
};

// Hands the op over; the caller keeps it alive and untouched until done.
static inline void store_submit(struct store *store, struct store_op *op)
{
    store->ops->submit(store, op);
}

// Up to `max` due entries, oldest due first; 0 when there is none.
static inline size_t store_claim(struct store *store, const struct store_claim *claim,
                                 struct claimed_entry *out, size_t max)
{
    return store->ops->claim(store, claim, out, max);
}

static inline void store_settle(struct store *store, const struct settlement *settlements,
                                size_t count)
{
    store->ops->settle(store, settlements, count);
}

// When the next queued entry is due, INT64_MAX when none is.
static inline int64_t store_next_due_ms(struct store *store, uint32_t busy)
{
    return store->ops->next_due_ms(store, busy);
}

// Entries that are not settled, claimed ones included.
static inline size_t store_entries(struct store *store)
{
    return store->ops->entries(store);
}

// The last T that was given to a transition, or a newer one.
static inline int64_t store_now_ms(struct store *store)
{
    return store->ops->now_ms(store);
}

// Whether all that an answer about the op may tell of is durable. Whoever sends one asserts it, on
// the way out: a guard of its own against an answer that overtakes its commit.
static inline bool store_is_synced(struct store *store, const struct store_op *op)
{
    return store->ops->synced == NULL || op->position <= store->ops->synced(store);
}

// Sets or (with an empty value) deletes one. `version` must be the present one plus 1, else
// ERR_BUSY: somebody else was first.
MUST_CHECK static inline enum err store_settings_put(struct store *store,
                                                     const struct setting *setting)
{
    return store->ops->settings_put(store, setting);
}

static inline void store_settings_each(struct store *store,
                                       void (*on_setting)(void *ctx, const struct setting *setting),
                                       void *ctx)
{
    store->ops->settings_each(store, on_setting, ctx);
}

static inline void store_destroy(struct store **store)
{
    if (*store != NULL)
        (*store)->ops->destroy(*store);
    *store = NULL;
}
