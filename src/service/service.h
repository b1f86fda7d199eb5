// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One command: submit, decide, reply. The only door to store and outbox for those above.

#include "address/address.h"
#include "core/decide.h"
#include "core/slot.h"
#include "core/used_hash.h"
#include "crypto/keyring/keyring.h"
#include "outbox/route.h"
#include "service/brand.h"
#include "service/decryptor.h"
#include "store/store.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <stdatomic.h>

struct service_deps {
    struct store *store;
    struct keyring *keyring;
    struct brands *brands;
    struct decryptor *decryptor;
    struct logger *log;
    struct metrics *metrics;
    const struct routes *routes; // by whom messages go
};

// Every function from any thread. `deps` are immutable after service_init.
struct service {
    struct service_deps deps;
    atomic_int_fast64_t hash_busy_at_ms;    // when it was last told that there are too many hashes
    atomic_int_fast64_t store_failed_at_ms; // 0: the last command was committed, or refused as busy
};

void service_init(struct service *service, const struct service_deps *deps);

enum service_status {
    SERVICE_DECIDED,     // see call->decision
    SERVICE_LOOKED_UP,   // see service_address_known
    SERVICE_HASH_JUDGED, // see call->hash
    SERVICE_NO_CHANNEL,  // nothing can send to that address
    SERVICE_BUSY,        // nothing happened; try again
    SERVICE_FULL,        // nothing happened; the disk has no room
    SERVICE_FAILED,      // nothing happened, or it is unknown; a person has to look
};

// The longest e-mail address that the codes of a username may go to: its record has no more room.
#define USERNAME_EMAIL_BYTES_MAX (RECORD_CARD_BYTES_MAX - SEAL_OVERHEAD_BYTES - 1U)

// What a call about a username has besides. The caller gives the memory, the service fills it.
struct username_call {
    struct record_key address_key; // of the record that counts the sends
    struct address_card card;
    bool is_bound;              // of a look-up
    struct slot slot;           // of a generate: the send that counts meanwhile
    bool is_late;               // too long after that
    enum service_status status; // of its decision
};

// What a call that takes a hash has besides.
struct hash_call {
    struct hash_mark mark;
    enum hash_use use;
};

// Caller-allocated; kept alive and untouched until on_done, which runs on a thread of the store's
// choosing, perhaps before service_submit returns.
struct service_call {
    struct store_op op;
    struct command command;    // filled by the caller but for key, channel and the random values
    const struct brand *brand; // its set is held by the caller until on_done
    const struct address *identifier;
    const struct address *to;       // where the code goes; of a username, where it went too
    struct username_call *username; // identifier is a username; NULL: it is an address
    struct hash_call *hash;         // of service_take_hash
    int channel;                 // generate: enum channel_kind asked for, or −1: the brand's own
    struct span accept_language; // generate: of the request; may be empty
    struct span request_id;
    enum service_status status;
    struct decision decision;
    struct service *service;
    void (*on_done)(struct service_call *call);
    void *ctx;
};

void service_submit(struct service *service, struct service_call *call,
                    const struct entropy *entropy);

// Reads where the codes of the username call->identifier go, if anything is known of it: ends as
// SERVICE_LOOKED_UP, or as any command whose store does not answer. `to` is not looked at.
void service_look_up(struct service *service, struct service_call *call);

// Whether all is on the disk that an answer may tell of to a call whose op has that position:
// asserted by whoever lets the answer go.
bool service_is_durable(struct service *service, uint64_t position);

// After SERVICE_LOOKED_UP: the address of the username's latest code or, once it is bound
// (call->username->is_bound), of its owner. False: none is known.
bool service_address_known(const struct service_call *call, struct address *out);

// Takes the hash call->hash for call->identifier: ends as SERVICE_HASH_JUDGED once that is durable,
// or as any command whose store does not answer.
void service_take_hash(struct service *service, struct service_call *call);

// Logs that a hash had no room with the decryptor: once a second at most, since whoever sends so
// many would fill the log as well.
void service_report_hash_busy(struct service *service, const struct brand *brand,
                              struct span client);

// Counts and logs what became of the call: once, after on_done has been called, on any thread. (The
// store's own has better things to do.)
void service_report(const struct service_call *call);

// A store that failed is in doubt for so long. Then it may be tried again: who is kept away because
// of it cannot find out otherwise that it works.
#define SERVICE_STORE_DOUBT_MS 10000

// Did the last command end without a commit, for a reason that a person has to look at, and not
// long ago?
bool service_is_store_failing(const struct service *service);

// Every channel that may be asked for and can send.
bool service_can_send(const struct service *service, enum channel_kind kind);
