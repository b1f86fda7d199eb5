// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The store port: what the rules need of a store, and nothing more. docs/adr/0004-store-port.md
// argues it and sketches Redis Cluster and PostgreSQL behind it.
//
//   store_submit      one record: load, transition, save, with the entry it promises, atomically
//   store_queue       the same, begun when somebody calls store_wake: one wake-up for many
//   store_claim       entries that somebody has to look at, under a lease with a fencing token
//   store_deliver     one entry: load, transition, save what has become of it
//   store_entries     how many are open, store_next_due_ms when the next one is due
//   store_deliveries  a day's entries, open and over, for people
//   store_settings    settings of brands, tokens of providers: one versioned value each, with a
//                     notice of change
//
// Promises of every implementation:
//   1. `done` is called exactly once per op, after its effects are durable (as durable as that
//      store gets) or certainly not applied, except STORE_UNKNOWN, which may be either.
//   2. Record and entries of one op become visible together or not at all.
//   3. Ops on one key, and ops on one entry, take effect one after another; what one op's `done`
//      was told, the next one sees. Ops on one key that one thread hands over take effect in that
//      order, also when it has not waited for the `done` of any.
//   4. The transition may run more than once per op, each time on the newest state with a newer
//      `now_ms`; only its last run counts. It must be pure but for writing to its own op.
//   5. now_ms (T) never falls, over restarts too.
//   6. An entry is claimed by one caller at a time; an op with a stale token changes nothing.
//   7. An entry is open while delivery.due_at_ms says when to look at it again. Over (STORE_NEVER),
//      it is kept until STORE_HISTORY_MS after it was made, without its address once its code has
//      ended (and once it was delivered, has expired or is obsolete).
//   8. A promise whose earlier message has not been looked at yet (same session and salt, same
//      channel) adds no second entry.
//
// Threads: all but destroy from any thread, from within `done` too, except those that wait:
// settings_put and deliveries. `done` runs on a thread of the store's choosing, which may be the
// caller's, before store_submit returns.

#include "base/err.h"
#include "base/language.h"
#include "core/record.h"
#include "crypto/pure/seal.h"

enum store_outcome {
    STORE_COMMITTED,
    STORE_REFUSED_BUSY,   // nothing applied; later it may work (queue or outbox full)
    STORE_REFUSED_FULL,   // nothing applied; there is no room on the disk
    STORE_REFUSED_FAILED, // nothing applied; a person has to look
    STORE_UNKNOWN,        // the connection or process failed around the commit
};

#define STORE_NEVER INT64_MAX
#define STORE_HISTORY_MS (24 * INT64_C(3600000))

#define MASKED_ADDRESS_BYTES_MAX 32U

// A message that has been promised; written once. No code, no text, no plain address.
struct outbox_entry {
    uint64_t id; // random, drawn by whoever makes it
    uint64_t brand_id;
    struct record_key key;
    struct session_ref session;
    uint64_t salt;
    uint32_t epoch;
    uint8_t length; // digits of the code
    uint8_t channel;
    int64_t created_at_ms;
    int64_t deadline_at_ms;                // the code's end when it was promised
    char language[LANGUAGE_BYTES_MAX];     // that its person asked for; empty: none
    char masked[MASKED_ADDRESS_BYTES_MAX]; // for people, NUL-terminated
    struct sealed address;                 // last: see outbox_entry_copy. Empty: erased
};

// The numbers are stored.
enum delivery_state {
    DELIVERY_QUEUED = 0,    // waits for its provider
    DELIVERY_SUBMITTED = 1, // may be with its provider: written before a byte leaves
    DELIVERY_ACCEPTED = 2,  // the provider took it
    DELIVERY_DELIVERED = 3, // and reports that it arrived
    DELIVERY_FAILED = 4,    // refused for good
    DELIVERY_EXPIRED = 5,   // its code ended first
    DELIVERY_UNKNOWN = 6,   // it may have been taken; never sent again by the same provider
    DELIVERY_OBSOLETE = 7,  // its code was used or replaced before it was sent
    DELIVERY_DROPPED = 8,   // by a person
    DELIVERY_STATE_COUNT_,
};

// A provider's name as a number (provider_tag in outbox/route.h); 0: none yet.
typedef uint32_t provider_tag;

// One time that a message was given to a provider.
struct attempt {
    provider_tag provider;
    uint8_t state;  // enum delivery_state, SUBMITTED to UNKNOWN; QUEUED: refused, to be tried again
    uint8_t reason; // enum send_reason
    int64_t at_ms;
    uint32_t answered_after_ms; // 0: not yet
    uint32_t reported_after_ms; // by a receipt; 0: not yet
};

#define DELIVERY_ATTEMPTS_MAX 8U
#define DELIVERY_REF_BYTES_MAX 64U
#define DELIVERY_WORDS_BYTES_MAX 96U

// What has become of an entry; rewritten with each step. All zero, but for provider and due_at_ms,
// when it is new. No time in it is before the entry's created_at_ms. The transitions are in
// outbox/delivery.c.
struct delivery {
    uint8_t state;         // enum delivery_state
    uint8_t tries;         // sends that were begun
    uint8_t attempts_held; // the latest, oldest first
    provider_tag provider; // whose queue it is in, or who has it
    int64_t due_at_ms;     // when somebody has to look at it; STORE_NEVER: it is over
    struct attempt attempts[DELIVERY_ATTEMPTS_MAX];
    uint8_t ref_len;
    uint8_t words_len;
    uint8_t ref[DELIVERY_REF_BYTES_MAX];     // the provider's name for it, of the latest attempt
    uint8_t words[DELIVERY_WORDS_BYTES_MAX]; // and what it said, if it was a no
};

// Caller-allocated; the transition and `done` find their own context around it.
struct store_op {
    struct record_key key;
    // Reads and rewrites *record in place; fills op->entry and op->provider and sets has_entry when
    // a message is promised, which is due at once. Sets is_changed when the record is to be saved.
    void (*transition)(struct store_op *op, struct record *record, int64_t now_ms);
    void (*done)(struct store_op *op, enum store_outcome outcome);
    bool is_changed;
    bool has_entry;
    provider_tag provider; // whose queue it goes to
    uint64_t position;     // where its effect, and what it saw, stands; see store_is_synced
    struct outbox_entry entry;
    struct store_op *next; // the store's, while submitted
};

struct store_claim {
    int64_t lease_ms;         // after which another claim may take the entry again
    const provider_tag *busy; // whose entries stay where they are
    size_t busy_count;        // PROVIDERS_BUSY_MAX at most
};

#define PROVIDERS_BUSY_MAX 32U

// `handle` names an entry for as long as it is kept, over restarts too; never 0.
struct claimed_entry {
    struct outbox_entry entry;
    struct delivery delivery;
    uint64_t handle;
    uint64_t token; // of this claim
};

// Caller-allocated. What is to be done with an entry, named by its handle, or, if that is 0, by a
// reference that an earlier op gave it.
struct delivery_op {
    uint64_t handle;
    uint64_t token;    // not 0: refused as busy unless that is the claim in force
    uint64_t ref_tag;  // with handle 0: who has it is meant. A keyed hash; never 0 then
    uint64_t give_ref; // set by the transition: the entry can be found by it from now on; 0: none
    // Rewrites *delivery and sets is_changed, which ends the claim in force. `record` is the newest
    // one of entry->key, all zeros when there is none. An entry that was over and is open again
    // takes a place in the outbox: refused as busy when there is none.
    void (*transition)(struct delivery_op *op, const struct outbox_entry *entry,
                       const struct record *record, struct delivery *delivery, int64_t now_ms);
    void (*done)(struct delivery_op *op, enum store_outcome outcome);
    bool is_changed;
    bool is_found;            // else the transition did not run
    struct delivery_op *next; // the store's, while submitted
};

// Which entries store_deliveries gives; NULL and false: all.
struct delivery_filter {
    const struct record_key *key;
    const struct session_ref *session; // by its id
    bool is_troubled;                  // open, or over without having been taken by anybody
};

struct delivery_row {
    uint64_t handle;
    struct outbox_entry entry; // its address is left out
    struct delivery delivery;
};

// A setting as the store sees it: a name and bytes. A brand's has the brand's name, in upper case;
// settings of other kinds have a prefix in lower case that no brand's name can have.
#define SETTING_TOKENS_PREFIX "tokens/" // and the name of a provider: see outbox/provider_tokens.h
#define SETTING_NAME_BYTES_MAX 64U
#define SETTING_VALUE_BYTES_MAX 20480U // a brand with all of its keys

struct setting {
    struct span name;
    struct span value; // empty: deleted
    uint64_t version;  // 1 for the first
};

struct store;

struct store_ops {
    void (*submit)(struct store *store, struct store_op *op);     // may wait for wake
    void (*deliver)(struct store *store, struct delivery_op *op); // as submit
    void (*wake)(struct store *store);                            // NULL: submit begins at once
    size_t (*claim)(struct store *store, const struct store_claim *claim, struct claimed_entry *out,
                    size_t max);
    int64_t (*next_due_ms)(struct store *store, const struct store_claim *claim);
    size_t (*entries)(struct store *store);
    enum err (*deliveries)(struct store *store, const struct delivery_filter *filter,
                           uint64_t *after, struct delivery_row *out, size_t *held);
    int64_t (*now_ms)(struct store *store);
    uint64_t (*synced)(struct store *store); // NULL: nothing has a position
    enum err (*settings_put)(struct store *store, const struct setting *setting);
    void (*settings_each)(struct store *store,
                          void (*on_setting)(void *ctx, const struct setting *), void *ctx);
    void (*destroy)(struct store *store);
};

// What the store tells its owner, on a thread of its choosing. Set before first use.
struct store_notices {
    void (*on_entries)(void *ctx);  // something is claimable that was not
    void (*on_done)(void *ctx);     // the last `done` of several has been called
    void (*on_settings)(void *ctx); // some setting changed
    void (*on_failed)(void *ctx);   // once, and nothing is stored any more
    void *ctx;
};

// First member of every implementation.
struct store {
    const struct store_ops *ops;
    struct store_notices notices;
};

// Begins with all that has been queued. Costs little when there is nothing.
static inline void store_wake(struct store *store)
{
    if (store->ops->wake != NULL)
        store->ops->wake(store);
}

// Hands the op over; the caller keeps it alive and untouched until done. It may wait until somebody
// calls store_wake, so that what is queued in one go shares a commit, and its sync. From within
// `done` nobody has to.
static inline void store_queue(struct store *store, struct store_op *op)
{
    store->ops->submit(store, op);
}

// Hands the op over, as store_queue, and waits for nobody.
static inline void store_submit(struct store *store, struct store_op *op)
{
    store_queue(store, op);
    store_wake(store);
}

// As store_queue, of an entry. STORE_COMMITTED with is_found unset: there is none.
static inline void store_queue_delivery(struct store *store, struct delivery_op *op)
{
    store->ops->deliver(store, op);
}

// As store_submit, of an entry.
static inline void store_deliver(struct store *store, struct delivery_op *op)
{
    store_queue_delivery(store, op);
    store_wake(store);
}

// Up to `max` due entries, oldest due first; 0 when there is none. A claim is not written down: a
// store that is opened again offers all that is open, and what was submitted at once.
static inline size_t store_claim(struct store *store, const struct store_claim *claim,
                                 struct claimed_entry *out, size_t max)
{
    return store->ops->claim(store, claim, out, max);
}

// When the next entry is due that such a claim would give, STORE_NEVER when none is.
static inline int64_t store_next_due_ms(struct store *store, const struct store_claim *claim)
{
    return store->ops->next_due_ms(store, claim);
}

// Entries that are open, claimed ones included.
static inline size_t store_entries(struct store *store)
{
    return store->ops->entries(store);
}

// The next *held entries (room of `out`) that pass, in the order of their making, after the handle
// *after (0: the first), which is moved on; *held is set to how many there are, and may be 0 before
// the end has come: then *after is not 0. At the end it is. Waits for the store.
MUST_CHECK static inline enum err store_deliveries(struct store *store,
                                                   const struct delivery_filter *filter,
                                                   uint64_t *after, struct delivery_row *out,
                                                   size_t *held)
{
    return store->ops->deliveries(store, filter, after, out, held);
}

// The last T that was given to a transition, or a newer one.
static inline int64_t store_now_ms(struct store *store)
{
    return store->ops->now_ms(store);
}

// Whether all that an answer about an op with that position may tell of is durable. Whoever sends
// one asserts it, on the way out: a guard of its own against an answer that overtakes its commit.
static inline bool store_is_synced(struct store *store, uint64_t position)
{
    return store->ops->synced == NULL || position <= store->ops->synced(store);
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
