// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What must be true of otpd, seen from outside: requests, answers, messages and the store's time T,
// which sim/timekeeper.h has checked. Written in other terms than the server (plain lists, no
// windows, no records) and sharing no code with it.
//
// An account is what one logs in to: a number, an e-mail address or a username. Messages go to
// addresses; number and e-mail address n are the accounts n too, and usernames come after them.
//
// The rules change while requests are under way. Each request goes by those that it began with; a
// code and its tries by those of the request that it was issued for.
//
// A violation is described in `complaint` and counted; the first one is kept.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_SESSION_TEXT_BYTES 64

struct model_rules {
    unsigned max_count; // 0: no limit
    int64_t window_ms;
    int64_t ttl_ms;
    unsigned attempts_max;
    unsigned lock_after;
    int64_t lock_ms;
    int64_t session_ms;
};

struct model_message {
    int64_t at_ms;
    char code[16]; // empty: it was tried and failed,
    bool is_due;   // and is to be tried again
};

// While the server could work.
struct model_span {
    int64_t from_ms;
    int64_t until_ms;
};

struct model_session {
    char text[MODEL_SESSION_TEXT_BYTES];
    unsigned successes;
    unsigned wrong;
    unsigned attempts_max; // the most that a request which may have issued its code gives
    bool has_code;         // it is known which one that was
    int64_t ends_ms;       // 0: not known
    size_t sends;          // that were accepted
    size_t send;           // the last of them
    bool is_in_doubt;      // a right guess was not answered
    bool is_astray;        // a code went astray: `send` is of another address
};

enum model_send_state {
    MODEL_SEND_OPEN, // not answered yet
    MODEL_SEND_ACCEPTED,
    MODEL_SEND_DOUBTFUL, // it may count as long as an accepted one
    MODEL_SEND_REFUSED,
};

// A call of otp/generate. It was decided at some time from from_ms to until_ms.
struct model_send {
    enum model_send_state state;
    size_t account;
    bool is_unnamed; // the server looked up where the code was to go
    bool is_astray;  // and it went elsewhere: `to` and `to_send` are the address and the send there
    size_t to;
    size_t to_send;
    int64_t asked_ms;
    int64_t from_ms;
    int64_t until_ms;
    size_t who;
    size_t rules; // by which it was decided; of an open one not known yet
};

// An answer 1506.
struct model_wrong {
    int64_t at_ms;
    size_t rules;
};

struct model_address {
    struct model_message *messages;
    size_t messages_held;
    struct model_send *sends;
    size_t sends_held;
};

struct model_account {
    struct model_session *sessions;
    size_t sessions_held;
    struct model_wrong *wrong; // since the last success
    size_t wrong_held;
    bool has_owner;   // of a username: somebody logged in,
    size_t owner;     // by that address,
    int64_t owned_ms; // which was told then
    bool may_have_owner;
    unsigned tries_open; // not answered yet
};

// A call of otp/generate before its answer.
struct model_ask {
    size_t account;
    size_t address;  // that was named, or that of the session
    bool is_unnamed; // a username's, and it does not say where the code is to go
    size_t who;
    int64_t at_ms;
};

// One call of otp/generate and its answer.
struct model_generate {
    size_t account;
    size_t address; // that was named, or that of the session
    size_t send;    // what model_on_ask gave
    const char *session;
    size_t rules; // that it began with
    int code;
    bool is_faulty;  // the store failed while it was under way
    bool is_batched; // decided at some time before it was answered
    int64_t at_ms;
};

// One call of otp/validate and its answer.
struct model_try {
    size_t account;
    size_t address; // as above
    const char *session;
    const char *guess;
    bool is_drawn; // at random: once in a million it is right without having been sent
    size_t rules;
    int code;
    bool is_batched; // as above
    int64_t asked_ms;
    int64_t at_ms;
};

struct model {
    struct model_rules *rules; // all that there have been, the present ones last
    size_t rules_held;
    struct model_span *ups;
    size_t ups_held;
    struct model_account *accounts;
    size_t accounts_held;
    struct model_address *addresses;
    size_t addresses_held;
    size_t traced; // account whose story is printed, in comments of TAP
    unsigned violations;
    unsigned lucky;  // successes of guesses drawn at random
    unsigned astray; // codes of unnamed addresses that went, or would have, to another one
    char complaint[256];
};

#define MODEL_NO_ACCOUNT SIZE_MAX

// For a code: the answer was lost, or says that it is not known what was done.
#define MODEL_UNKNOWN 0

void model_init(struct model *model, const struct model_rules *rules, size_t addresses,
                size_t usernames);
void model_fini(struct model *model);

// From now on. Returns their number; the first ones have 0.
size_t model_on_rules(struct model *model, const struct model_rules *rules);

// Something that was promised and is not so.
void model_complain(struct model *model, const char *complaint);

void model_on_open(struct model *model, size_t account, const char *session, size_t rules,
                   int64_t at_ms);

// A code is asked for, by ask->who; what comes of it is told by model_on_generate.
size_t model_on_ask(struct model *model, const struct model_ask *ask);
void model_on_generate(struct model *model, const struct model_generate *generate);
void model_on_message(struct model *model, size_t address, const char *code, int64_t at_ms);

// The sending of a message was tried and failed; is_final: it will not be tried again.
void model_on_failure(struct model *model, size_t address, bool is_final, int64_t at_ms);

void model_on_up(struct model *model, int64_t at_ms);
void model_on_down(struct model *model, int64_t at_ms);

// At the end: what was promised and never came.
void model_check_promises(struct model *model);

// Of the sends that were accepted within the window of those rules, how many `who` asked for.
unsigned model_sends_of(const struct model *model, size_t address, size_t who, size_t rules,
                        int64_t at_ms);

void model_on_try(struct model *model, size_t account);
void model_on_validate(struct model *model, const struct model_try *try);
