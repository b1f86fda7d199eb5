// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// All that must change together for one person: a (brand, canonical identifier). One request is one
// load, decide, save of one record, so any store with an atomic update of one key will do.
//
// A record is a value: fixed size, no pointers, all zeros when there is nothing yet. Codes and
// sends are oldest first. Tombstones are first those of sessions spent by a login, then those of
// codes that were dropped, each oldest first: strangers can have codes dropped, but not log in, so
// that they cannot make a spent session be forgotten. It holds no code and no plain address.
//
// A person who logs in with payload encryption has a second record, of the hashes that were used
// (core/used_hash.h): in the first one there is no room for them.
//
// A username has a record too, and so has the address that its codes go to: what is sent counts
// there, together with what people send who log in by the address itself.

#include "core/limits.h"
#include "core/session.h"
#include "crypto/pure/code.h"

// Names a record in the store: a keyed hash over an immutable random brand id and the identifier.
struct record_key {
    struct digest128 digest;
};

// A code that may validate: everything but the code. What the brand's settings said when it was
// issued stays with it.
struct live_code {
    struct session_ref session;
    uint64_t salt;
    uint64_t device; // tag of the session's device; 0: none
    int64_t expires_at_ms;
    uint32_t ttl_ms;
    uint32_t session_expires_at_s;
    uint32_t epoch;
    uint8_t tries; // wrong ones
    uint8_t tries_max;
    uint8_t length;
    uint8_t channel;
};

// When messages were accepted, oldest first, as offsets from base_at_ms.
struct send_window {
    int64_t base_at_ms;
    uint32_t offsets_ms[RECORD_SENDS_MAX];
};

// Where a username's codes go.
struct address_card {
    uint64_t tag; // record_address_tag; 0: no address yet
    uint16_t len;
    uint8_t sealed[RECORD_CARD_BYTES_MAX];
};

// Hashes that were taken, by the time that they carry: offsets from the floor, oldest first.
struct used_hashes {
    int64_t floor_at_ms; // whatever carries this time or an earlier one is refused
    uint32_t offsets_ms[RECORD_HASHES_MAX]; // above 0
    uint32_t tags[RECORD_HASHES_MAX];
};

// Consecutive failures. `open` ones may be made by anybody; `reserved` ones only by the device that
// last succeeded. Each pool has a lock of its own.
struct failure_budget {
    int64_t open_locked_until_ms;
    int64_t reserve_locked_until_ms;
};

enum record_kind {
    RECORD_OF_ADDRESS, // a mobile number or an e-mail address
    RECORD_OF_USERNAME,
    RECORD_OF_HASHES, // of either of the others; it has nothing else
};

struct record {
    uint64_t uid;         // 63 bits, drawn at the first validated login, never changed; 0: none yet
    uint64_t last_device; // tag of the device that last succeeded; 0: none
    struct failure_budget budget;
    union {
        struct send_window sends; // RECORD_OF_ADDRESS
        // RECORD_OF_USERNAME: the latest code's or, once bound, the owner's for good.
        struct address_card card;
        struct used_hashes hashes; // RECORD_OF_HASHES
    };
    uint64_t tombstones[RECORD_TOMBSTONES_MAX]; // session ids (session_ref.id) spent or dropped
    struct live_code codes[RECORD_CODES_MAX];
    uint32_t tombstones_until_s; // when the last of them can verify no longer
    uint8_t tombstones_spent;    // of logins: that many come first
    uint8_t tombstones_held;
    uint8_t codes_held;
    uint8_t sends_held;
    uint8_t hashes_held;
    uint8_t failures_open;
    uint8_t failures_reserved;
    uint8_t kind;  // enum record_kind
    bool is_bound; // the card's address has validated a login: no other will
};

_Static_assert(sizeof(struct address_card) <= sizeof(struct send_window), "a card takes no room");
_Static_assert(sizeof(struct used_hashes) <= sizeof(struct send_window), "nor do hashes");
_Static_assert(sizeof(struct record) <= RECORD_BYTES_MAX, "one record is one small write");

void record_key_of(const struct key *index_key, uint64_t brand_id, struct span identifier,
                   struct record_key *out);

// The record of the hashes that were used for that identifier.
void record_key_of_hashes(const struct key *index_key, uint64_t brand_id, struct span identifier,
                          struct record_key *out);

// A device as records know it: a keyed tag, never 0. No device (an empty span): 0.
uint64_t record_device_tag(const struct key *index_key, struct span device);

// An address as the record of a username knows it: a keyed tag, never 0. The same address has
// another one in each record, so that a copy of the store does not tell whose addresses are the
// same.
uint64_t record_address_tag(const struct key *index_key, const struct record_key *owner,
                            struct span address);

// Makes a record that says nothing yet a username's; asserts that any other is one.
void record_be_username(struct record *record);

// The same for a record of hashes.
void record_be_hashes(struct record *record);

// What the code of (record, session, salt) is derived from.
void code_source_of(const struct record_key *key, const struct session_ref *session, uint64_t salt,
                    struct code_source *out);

// The live code of that session, or NULL.
struct live_code *record_code_find(struct record *record, uint64_t session_id);

bool record_is_spent(const struct record *record, uint64_t session_id);

// The session of `code` has logged in: forgets the code and remembers the session as spent. Only 32
// later logins can make it forget that before the session's id ends.
void record_code_spend(struct record *record, struct live_code *code);

// Room for one more code: takes a free place, or drops the oldest code that is not of the device
// that last succeeded (the oldest of all, when every one is). The place is cleared and last in
// order.
struct live_code *record_code_add(struct record *record);

// Asserts the bounds and orders that every other function keeps.
void record_assert(const struct record *record);

// Drops what has ended by now_ms: lingering codes, tombstones.
void record_prune(struct record *record, int64_t now_ms);

// The time from which on the record says nothing any more and may be deleted. INT64_MAX, never: a
// person with a uid, and whoever has failures counted against the budget (only a success clears
// those).
int64_t record_expires_at_ms(const struct record *record);
