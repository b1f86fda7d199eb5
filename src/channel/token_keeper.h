// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Keeps a provider's pair of tokens usable: decides when it is read, renewed and written. It knows
// no socket, disk or clock: whoever owns it tells it what happened, and does what it asks for.
//
//              ┌──────────── somebody else wrote, or the pair was spent: look who ─┐
//              ▼                                                                   │
//   begin ─▶ reading ─▶ resting ──due──▶ reading ──same──▶ asking ──given──▶ writing
//                        ▲ ▲ ▲              │                │                 │
//                        │ │ └─another pair─┘                │                 │
//                        │ └──refused, lost: again later─────┘                 │
//                        └──written────────────────────────────────────────────┘
//
// A refresh token works once, and the old access token dies when a new one is made. So
//
//   - before it asks, it reads again: somebody may have renewed the pair or set another one;
//   - a new pair is written, as one value, before either token is used; a write that fails is
//     repeated until it works, and messages wait meanwhile;
//   - the value's version is the lock: a write that somebody else was ahead of is looked at
//     again. If only the pair that was just spent lies there, ours takes its place; if another
//     one does, ours is forgotten.
//
// What no order of steps can mend is a process that ends between the provider's answer and the
// disk: the next renewal then says that the refresh token was used, and a person has to get a new
// one.

#include "base/err.h"
#include "channel/token.h"

#define TOKEN_EARLY_MS ((int64_t)5 * 60 * 1000)        // before the access token's end
#define TOKEN_WARN_MS ((int64_t)14 * 24 * 3600 * 1000) // before the refresh token's end
#define TOKEN_REFUSED_AGAIN_MS ((int64_t)10 * 60 * 1000)
#define TOKEN_RETRY_FIRST_MS 5000
#define TOKEN_RETRY_LONGEST_MS ((int64_t)10 * 60 * 1000)

enum keeper_step {
    KEEPER_REST,  // until `wakes_at_ms`, or until something happens
    KEEPER_READ,  // what is stored, and tell keeper_read
    KEEPER_ASK,   // the provider, by keeper_refresh_token, and tell keeper_answered
    KEEPER_WRITE, // keeper_fresh, and tell keeper_written
};

// What people are told.
enum keeper_news {
    KEEPER_NO_NEWS,
    KEEPER_RENEWED,
    KEEPER_NOT_RENEWED, // it will be tried again
    KEEPER_NOT_WRITTEN, // the same
    KEEPER_SPENT,       // a person has to get a new refresh token
    KEEPER_NONE,        // the same: there is none
};

enum keeper_state {
    KEEPER_RESTING,
    KEEPER_TO_READ, // at the next keeper_next
    KEEPER_READING,
    KEEPER_TO_ASK,
    KEEPER_ASKING,
    KEEPER_TO_WRITE, // perhaps after a while
    KEEPER_WRITING,
};

// What is read for.
enum keeper_look {
    KEEPER_LOOK,             // to know what there is
    KEEPER_LOOK_TO_ASK,      // whether the pair is still the one to renew
    KEEPER_LOOK_AFTER_SPENT, // whether somebody else has renewed it
    KEEPER_LOOK_TO_WRITE,    // who was first
};

struct token_keeper {
    enum keeper_state state;
    enum keeper_look look;
    bool is_read;            // at least once
    int64_t refresh_ms;      // life of a refresh token
    struct token_pair held;  // as stored under `version`
    uint64_t version;        // 0: nothing was ever stored
    struct token_pair fresh; // given, and not yet written
    bool is_changed;         // somebody says that another pair was set
    bool is_spent;           // the provider says so of the one that is held
    bool is_refused;         // the access token that is held
    bool was_told_no;        // at the last renewal, in so many words
    bool was_refused;        // an access token has been, for the last time …
    int64_t refused_at_ms;   // … then
    unsigned failures;       // in a row
    int64_t retry_at_ms;
    int64_t wakes_at_ms; // of KEEPER_REST
    enum keeper_news news;
    uint16_t words_len; // the provider's, of the last renewal that failed
    uint8_t words[TOKEN_WORDS_BYTES_MAX];
};

void keeper_init(struct token_keeper *keeper, int64_t refresh_ms);
void keeper_wipe(struct token_keeper *keeper);

// What to do now; what it returns besides KEEPER_REST is begun with that, and not asked for twice.
enum keeper_step keeper_next(struct token_keeper *keeper, int64_t now_ms);

struct span keeper_refresh_token(const struct token_keeper *keeper);

// Of KEEPER_WRITE: the pair, and the version to write it under.
const struct token_pair *keeper_fresh(const struct token_keeper *keeper, uint64_t *version_out);

// What is stored, an empty pair if there is none; version 0: nothing ever was.
void keeper_read(struct token_keeper *keeper, const struct token_pair *stored, uint64_t version);
void keeper_answered(struct token_keeper *keeper, int64_t now_ms, const struct token_reply *reply);

// ERR_BUSY: another version is stored.
void keeper_written(struct token_keeper *keeper, int64_t now_ms, enum err err);

// Somebody else has set a pair.
void keeper_changed(struct token_keeper *keeper);

enum keeper_access {
    KEEPER_USABLE,
    KEEPER_SOON,  // it is being fetched; try again
    KEEPER_NEVER, // a person has to do something first; keeper_problem says what
};

// The access token, borrowed until the next call of anything above, and a number for
// keeper_refused.
enum keeper_access keeper_use(const struct token_keeper *keeper, int64_t now_ms,
                              struct span *token_out, uint64_t *version_out);

// The provider does not take the access token of that number. True: another one is there or is
// fetched, so that the message can be tried again. False: the one that was fetched for the same
// reason a short while ago is not taken either.
bool keeper_refused(struct token_keeper *keeper, int64_t now_ms, uint64_t version);

// Why a person has to do something; KEEPER_NO_NEWS: nobody has to. KEEPER_NOT_RENEWED when the
// provider refused in so many words.
enum keeper_news keeper_problem(const struct token_keeper *keeper);

// There is a refresh token, and it ends in less than TOKEN_WARN_MS.
bool keeper_ends_soon(const struct token_keeper *keeper, int64_t now_ms);

// What has happened since it was last asked.
enum keeper_news keeper_take_news(struct token_keeper *keeper);
