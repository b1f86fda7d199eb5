// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Everything that is known of one person's last day: limits, codes (never the code), messages. The
// person is named as he names himself, by a number, an e-mail address or a username, or by a
// session's id. Nothing is changed, and nothing plain is given: names and addresses are masked.
//
// One name can be several people: of several brands, and a username may look like a number.

#include "core/session.h"
#include "service/history.h"

#define EXPLAIN_MESSAGES_MAX 100U // the newest of all that there are
#define EXPLAIN_CONCLUSION_BYTES_MAX 512U

struct explain_query {
    struct span who;                // as it was typed
    const struct brand_set *brands; // held by the caller as long as the answer
    const struct brand *brand;      // NULL: all
};

struct explained_sends {
    unsigned used;
    unsigned most;      // 0: no limit
    int64_t window_ms;  // 0: no limit
    int64_t free_at_ms; // when the next one may be sent; 0: now
};

struct explained_failures {
    unsigned count;          // wrong tries since the last right one
    unsigned most;           // that lock
    int64_t locked_until_ms; // 0: they may go on
    bool may_own_device_try; // the device that logged in last
};

struct explained_code {
    const char *channel;
    int64_t ends_at_ms;
    bool is_over;
    unsigned tries_left;
};

struct explained_person {
    const struct brand *brand; // NULL: it was removed
    const char *kind;          // "MOBILE", "EMAIL", "USERNAME"
    struct record_key key;
    struct address name; // len 0: asked for by a session
    struct address to;   // where codes go; len 0: not known
    char masked[MASKED_ADDRESS_BYTES_MAX];
    char masked_to[MASKED_ADDRESS_BYTES_MAX]; // of a username; empty: not known
    bool has_sends;                           // else where they are counted is not known
    struct explained_sends sends;
    struct explained_failures failures;
    struct explained_code codes[RECORD_CODES_MAX]; // oldest first
    size_t codes_count;
    size_t messages; // of the last day, also those that are left out
    char conclusion[EXPLAIN_CONCLUSION_BYTES_MAX];
};

enum explained_session_state {
    EXPLAINED_SESSION_OPEN,
    EXPLAINED_SESSION_OVER,
    EXPLAINED_SESSION_LOGGED_IN,
    EXPLAINED_SESSION_DROPPED, // its code made room for newer ones
};

struct explained_session {
    uint64_t id; // 0: it was not asked for by one
    int64_t ends_at_ms;
    enum explained_session_state state;
};

struct explained_message {
    size_t person;
    struct delivery_row row;
};

struct explained {
    int64_t now_ms;
    char asked[MASKED_ADDRESS_BYTES_MAX]; // masked
    struct explained_session session;
    struct explained_person *people; // of whom something is known
    size_t people_count;
    struct explained_message messages[EXPLAIN_MESSAGES_MAX]; // oldest first
    size_t messages_count;
    char conclusion[EXPLAIN_CONCLUSION_BYTES_MAX]; // where there are no people; else empty
};

// Waits for the store. ERR_INVALID: nobody can be called that; ERR_NO_MEMORY; others: the store.
MUST_CHECK enum err explain_create(const struct history *history, const struct explain_query *query,
                                   struct explained **out, struct err_info *info);
void explain_destroy(struct explained **explained);
