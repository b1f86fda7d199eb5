// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Who uses the world: people who log in, mistype, press "resend", lose the answer, press twice; and
// attackers who guess, replay, swap devices and numbers, and open session after session. Each actor
// is a small script that goes on when its answer comes. All that they see goes to the model.
//
// Some numbers belong to usernames too, one or two of them. Their owners log in by the one or the
// other; thieves try with numbers of their own. A few names are for whoever comes first. Some
// numbers are two people's, each with a device of his own, who read the same messages.

#include "sim/bus.h"
#include "sim/model.h"
#include "sim/world.h"

#define SEEN_CODES 8U

// Answers seen over a run, to show that every interesting line was reached.
enum seen {
    SEEN_LOGIN,
    SEEN_NAME_LOGIN, // by a username
    SEEN_1505,
    SEEN_1506,
    SEEN_1507,
    SEEN_1508,
    SEEN_1518,
    SEEN_1534,
    SEEN_1537,
    SEEN_1540,
    SEEN_1541,
    SEEN_1543,
    SEEN_503,
    SEEN_1502,
    SEEN_1503,
    SEEN_LOST,
    SEEN_OTHER,
    SEEN_COUNT_,
};

enum actor_step {
    ACTOR_IDLE,
    ACTOR_OPENING,
    ACTOR_GENERATING,
    ACTOR_WAITING, // for the message
    ACTOR_VALIDATING,
    ACTOR_REPLAYING,
};

struct actor {
    struct people *people;
    struct sim_client client;
    size_t account; // whose identifier is used, as the model counts them
    size_t address; // that is named, and whose messages are read
    size_t opened;  // address that the session was opened with
    size_t home;    // an honest person's account, an attacker's address
    bool is_attacker;
    bool is_web;
    bool is_naming;   // the latest request said where the codes of the username go
    bool must_name;   // the next one has to
    size_t send;      // of the latest otp/generate, in the model
    size_t rules;     // that the session's latest code was issued under
    int64_t first_ms; // when its first code was asked for with success; 0: not yet
    bool is_counted;  // an honest visit that may be expected to end well
    uint64_t boots;   // of the server, until then
    size_t sharer;    // who has the number too; oneself: nobody
    uint64_t mishaps; // of the store when it was sent
    enum actor_step step;
    char session[MODEL_SESSION_TEXT_BYTES];
    char guess[16];
    int64_t tried_ms; // it was sent
    bool is_drawn;    // the guess
    unsigned tries_left;
    unsigned resends_left;
    unsigned device;
};

struct mailbox {
    char code[16];
    int64_t at_ms;
};

struct people {
    struct world *world;
    struct model *model;
    struct actor *actors;
    size_t actors_held;
    size_t persons_held;
    size_t usernames_held;
    struct mailbox *mailboxes;
    struct sim_bus bus; // that some of their requests go by
    uint64_t seen[SEEN_COUNT_];
    uint64_t attempts; // visits that may be expected to end well,
    uint64_t logins;   // and those that do
    bool is_closing;   // nobody begins anything new
};

struct people_counts {
    size_t persons; // numbers and e-mail addresses; one more is nobody's
    size_t sharers; // second people of a number
    size_t usernames;
    size_t attackers;
};

// An honest actor for each person, each username and each sharer.
void people_init(struct people *people, struct world *world, struct model *model,
                 const struct people_counts *counts);
void people_fini(struct people *people);

// For world_options.on_message, with the people as ctx.
void people_on_message(void *ctx, struct span to, struct span otp, int64_t at_ms);
void people_on_failure(struct people *people, struct span to, bool is_final, int64_t at_ms);
