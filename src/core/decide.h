// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The rules. decide() turns a command on one person's record into a verdict, the record as it is
// afterwards, and perhaps a message to send. It knows no clock, socket, file, logger, JSON or
// configuration, and it may be called again for the same command on another state (after a
// conflict).
//
//   a session's code:   none ──generate──▶ live ──right code──▶ spent (tombstone, for good)
//                                           │ ▲ resend (same code, or a new one: tries count on)
//                                           ├─┘
//                                           ├──tries_max wrong──▶ exhausted (1518 from then on)
//                                           ├──ninth session────▶ dropped (tombstone)
//                                           └──end + linger─────▶ none
//
// Order of the checks (contract section 4): spent or dropped 1505, lock and tries 1518, a username
// of somebody else 1543, then the limit 1534, or the code 1537 and 1506.
//
//   a username:   free ──first right code──▶ bound to the address that this code went to, for good
//
// A username's sends are limited and counted where they go to (core/slot.h), not here.

#include "core/policy.h"
#include "core/record.h"
#include "crypto/pure/code.h"

// name, what it says
#define VERDICT_LIST(X)                                               \
    X(VERDICT_DONE, "done")                                           \
    X(VERDICT_SESSION_INVALID, "session expired, spent or dropped")   \
    X(VERDICT_BINDING_DIFFERS, "session is bound to something else")  \
    X(VERDICT_TOO_MANY_TRIES, "no more tries")                        \
    X(VERDICT_USERNAME_TAKEN, "username is bound to another address") \
    X(VERDICT_TOO_MANY_SENDS, "send limit reached")                   \
    X(VERDICT_NO_CODE, "no code was issued")                          \
    X(VERDICT_WRONG_CODE, "wrong or expired code")

#define VERDICT_ENUM(name, text) name,
enum verdict { VERDICT_LIST(VERDICT_ENUM) VERDICT_COUNT_ };
#undef VERDICT_ENUM

const char *verdict_text(enum verdict verdict);

enum command_kind {
    COMMAND_GENERATE,
    COMMAND_VALIDATE,
};

struct command {
    enum command_kind kind;
    struct record_key key;
    struct session_ref session; // of a username: as session_ref_to says
    int64_t session_expires_at_ms;
    uint64_t device;      // tag of the session's device; 0: none
    uint64_t random_salt; // for a code, should one be issued
    uint64_t random_uid;  // for the person, should this be the first login
    uint8_t channel;      // generate: how it will be sent
    struct span guess;    // validate: ASCII digits if it is well formed
    const struct epoch_set *epochs;
    const struct address_card *card; // of a username: where its code goes or went; NULL: of none
};

// A username's session as its codes know it: where the code goes to is part of what binds it.
static inline struct session_ref session_ref_to(struct session_ref session, uint64_t address_tag)
{
    return (struct session_ref){.id = session.id, .binding = session.binding ^ address_tag};
}

// The message that the record's new state promises. It must be committed with that state.
struct send_order {
    uint64_t salt;
    uint32_t epoch;
    uint8_t length;
    uint8_t channel;
    int64_t expires_at_ms;
};

struct decision {
    enum verdict verdict;
    bool is_record_changed;
    bool has_send;
    struct send_order send;
    int64_t retry_after_ms; // with VERDICT_TOO_MANY_SENDS
    uint64_t uid;           // validate and VERDICT_DONE, as the two that follow
    int64_t code_age_ms;    // since its issue
    uint8_t code_channel;   // that it was last sent by
};

// `record` is changed in place; what it lost by ageing need not be saved, the rest must be when
// is_record_changed. `now_ms` is the store's time T.
struct decision decide(const struct policy *policy, struct record *record,
                       const struct command *command, int64_t now_ms);
