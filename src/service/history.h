// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What became of messages, for people who ask: the outbox's numbers in words, and the two things
// that a person can have done to a message. No code is derived here, and no address is opened but
// to find the record that counts its sends.
//
// All that asks the store waits for it, so it is not for a thread that requests wait for.

#include "core/record.h"
#include "crypto/keyring/keyring.h"
#include "outbox/delivery.h"
#include "service/brand.h"

// All borrowed. From any thread.
struct history {
    struct store *store;
    struct keyring *keyring;
    const struct routes *routes; // NULL: no provider has a name
    // What the recipe of that provider says to do about it; data NULL: nothing.
    struct span (*advice)(void *ctx, struct span provider, enum send_reason reason);
    void *ctx;
};

// --- one message in words ----------------------------------------------------------------------

struct told_attempt {
    struct span provider; // empty: there is none of that name any more
    const char *state;    // as a delivery's, and "retry": refused, to be tried again
    const char *reason;   // its name; NULL: there is none
    const char *sentence; // the reason's
    struct span advice;   // what to do about it
    int64_t at_ms;
    uint32_t answered_after_ms; // 0: not yet
    uint32_t reported_after_ms; // 0: not yet
};

struct told_message {
    uint64_t handle;
    const struct brand *brand; // NULL: it was removed
    const char *channel;
    const char *to;    // masked
    const char *state; // "failed"
    const char *what;  // that in a sentence
    bool is_open;
    int64_t created_at_ms;
    int64_t due_at_ms; // when it is looked at, if it is open
    int64_t code_ends_at_ms;
    unsigned tries;
    struct span provider;  // whose turn it is, or who had it; empty: nobody's
    struct span words;     // the latest refusal's, in the provider's own; any bytes
    struct span reference; // the provider's name for it; any bytes
    struct told_attempt attempts[DELIVERY_ATTEMPTS_MAX]; // oldest first
    size_t attempts_count;
};

// Borrows all three.
void history_tell(const struct history *history, const struct brand_set *brands,
                  const struct delivery_row *row, struct told_message *out);

// "delivered after 3.2 s", "nobody took it: the phone or mailbox is not reachable". No times of day
// in it.
void history_conclude(const struct told_message *message, struct strbuf *out);

// Names of the providers that a message to `to` goes by as things are now, first choice first.
// How many there are.
size_t history_route(const struct history *history, const struct brand *brand,
                     enum channel_kind channel, struct span to,
                     struct span out[ROUTE_PROVIDERS_MAX]);

// --- many messages -----------------------------------------------------------------------------

struct history_filter {
    const struct brand *brand; // NULL: any
    bool is_troubled;
};

// As store_deliveries. It may also give up before *held are found: *after then says where.
MUST_CHECK enum err history_list(const struct history *history, const struct history_filter *filter,
                                 uint64_t *after, struct delivery_row *out, size_t *held);

// ERR_NOT_FOUND: there is no such message (any more).
MUST_CHECK enum err history_find(const struct history *history, uint64_t handle,
                                 struct delivery_row *out);

// --- what people can have done -----------------------------------------------------------------

// name, what it says
#define HISTORY_ANSWER_LIST(X)                                                                \
    X(HISTORY_DONE, "done")                                                                   \
    X(HISTORY_NOT_FOUND, "there is no such message; they are kept for a day")                 \
    X(HISTORY_IS_OPEN, "it is not over yet, and is tried by itself")                          \
    X(HISTORY_WAS_DELIVERED, "it was delivered already")                                      \
    X(HISTORY_WAS_TAKEN, "a provider has taken it already")                                   \
    X(HISTORY_CODE_ENDED, "its code has ended; the person has to ask for another one")        \
    X(HISTORY_CODE_GONE, "its code was used or replaced, or has no tries left")               \
    X(HISTORY_ADDRESS_ERASED, "its address is erased; the person has to ask for another one") \
    X(HISTORY_IS_OVER, "it is over already")                                                  \
    X(HISTORY_BUSY, "the outbox is full; try again")                                          \
    X(HISTORY_STORE_FAILED,                                                                   \
      "the store failed; it may have been done or not, otpd outbox show tells")

#define HISTORY_ANSWER_ENUM(name, text) name,
enum history_answer { HISTORY_ANSWER_LIST(HISTORY_ANSWER_ENUM) HISTORY_ANSWER_COUNT_ };
#undef HISTORY_ANSWER_ENUM

const char *history_answer_text(enum history_answer answer);

// A message that nobody took is tried again from the beginning, while its code lives.
enum history_answer history_retry(const struct history *history, uint64_t handle);

// A message that is not over is not sent (again). What is with a provider already may still arrive.
enum history_answer history_drop(const struct history *history, uint64_t handle);

// --- people ------------------------------------------------------------------------------------

// The record of that key as it is now, and the store's time; it stays as it is. Errors are the
// store's.
MUST_CHECK enum err history_look_at(const struct history *history, const struct record_key *key,
                                    struct record *out, int64_t *now_ms_out);
