// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A whole otpd in one thread on invented time: http parser → api → service → core → store → outbox
// → channel, the very code of the server, with everything around it invented: clock, entropy,
// network, the store's faults and the channel's. The store is store/memory, as if it lived
// elsewhere, or store/embedded over a disk (sim/durable.h).
//
// Three providers carry everything. Each says what it likes, at once or much later, or nothing
// until its connection is cut; what it has taken it may report, before its answer or long after,
// twice, or not at all. What the outbox writes down is held against its promises on the way
// (sim/ledger.h).
//
// A process ends by a crash, connections cut without an answer and ops under way unknown, or in
// order, with all that was asked answered. A new one starts some time later over what is kept; the
// wall clock may have been set meanwhile, or the machine rebooted.

#include "api/api.h"
#include "channel/channel.h"
#include "crypto/keyring/keyring.h"
#include "outbox/courier.h"
#include "outbox/receipts.h"
#include "service/service.h"
#include "sim/client.h"
#include "sim/durable.h"
#include "sim/ledger.h"
#include "sim/scheduler.h"
#include "sim/timekeeper.h"

// Chances in a million, of each request, store op or message.
struct world_faults {
    unsigned conflict;
    unsigned delay;
    unsigned full;
    unsigned failure;
    unsigned crash_before;
    unsigned crash_after;
    unsigned cut;          // the client leaves without waiting for its answer
    unsigned send_retry;   // a provider asks to try later
    unsigned send_refused; // refuses for good
    unsigned send_unknown; // is cut off, before or after it has taken it
    unsigned send_hang;    // takes its time, or more than there is
    unsigned connect_hang; // there is a connection only after a while
    unsigned connect_fail; // there is none
    unsigned report;       // tells what has become of it
    unsigned clock_step;   // of each minute: the wall clock steps
    unsigned restart;      // of each minute: an orderly one begins
    unsigned settling;     // the process dies between a message and its result
    unsigned setting;      // of each change of a setting: its commit fails in some way
    unsigned outage;       // of each minute: a provider is down for some time
    unsigned start;        // of each start over files: the process dies in it
};

// What a run has to have come across, sooner or later.
enum world_mark {
    MARK_RESTART,         // in order
    MARK_REQUEUED,        // entries were waiting when a store was opened
    MARK_TIME_RESTORED,   // in the same boot, while the wall clock had been set
    MARK_TIME_LEAPT,      // in another one, by its wall clock
    MARK_TIME_KEPT,       // in another one, whose wall clock was behind
    MARK_EXPIRED,         // a record was deleted at its end
    MARK_CHANGE_MEANTIME, // a setting, while an op was under way
    MARK_CHANGE_FAILED,
    MARK_CHANGE_BETWEEN,  // a setting, between a code and its login
    MARK_RESTART_BETWEEN, // of the server, as above
    MARK_OTHERS_SENDS,    // 1534 for what somebody else of the same number was sent
    MARK_MOVED,           // a message, to another provider
    MARK_INTERRUPTED,     // a process ended while a message was sent
    MARK_DELIVERED,       // by a report
    MARK_FAILED,
    MARK_UNKNOWN,
    MARK_OBSOLETE,
    MARK_BATCHED, // requests of several people, answered as one batch
    MARK_COUNT_,
};

struct world_options {
    uint64_t seed;
    bool is_durable;
    bool is_journaled; // of a durable one: with the journal
    bool is_brief;     // processes are soon up again, and few reboots are among the starts
    struct world_faults faults;
    struct brand_settings brand;
    int64_t epoch_ms;
    void (*on_message)(void *ctx, struct span to, struct span otp, int64_t at_ms);
    // A message was not taken, or nobody knows; is_final: and it will not be tried again.
    void (*on_failure)(void *ctx, struct span to, bool is_final, int64_t at_ms);
    void (*on_boot)(void *ctx);  // a new process is up
    void (*on_end)(void *ctx);   // it does no more, or the store does not
    void (*on_delay)(void *ctx); // an op is being held for a while
    void *ctx;
};

struct world_stats {
    uint64_t requests;
    uint64_t answers;
    uint64_t lost; // no answer: cut or crashed
    uint64_t messages;
    uint64_t crashes;
    uint64_t start_crashes; // of those, while the store was being opened
    uint64_t torn;          // of those, that left a sector in part or as noise
    uint64_t clock_steps;
    uint64_t faults[MEMORY_FAULT_CRASH_AFTER + 1];
    uint64_t marks[MARK_COUNT_];
    uint64_t boots; // of the server
    uint64_t trace; // rolling hash of all that happened
};

#define WORLD_PROVIDERS 3U
#define WORLD_HANGING_MAX 512U

struct sim_channel {
    struct channel channel;
    struct world *world;
    provider_tag provider;
    int64_t outage_until_ms;
};

// A message that a provider has not answered yet, or has no connection to it.
struct sim_hanging {
    struct sim_channel *channel; // NULL: free
    uint64_t number;             // of all
    uint64_t id;
    struct sending *sending;
    bool is_connecting;
};

#define WORLD_ROUTES API_ROUTES

struct world {
    struct world_options options;
    struct seeded dice;
    struct seeded entropy_dice;
    struct entropy entropy;
    struct clock clock;
    struct scheduler scheduler;
    int64_t wall_offset_ms;
    int64_t mono_begin_ms; // when the machine was booted
    struct boot_id boot;
    uint64_t reboots;
    struct timekeeper time;
    size_t rules; // number of the present settings, for whoever changes them to keep
    bool is_down;
    bool is_draining;
    int64_t drain_until_ms;
    bool is_failing;       // the store is at its end until the next start
    const char *complaint; // NULL: none
    struct store *store;
    struct keyring *keyring;
    struct brands *brands;
    struct decryptor *decryptor;
    struct service service;
    struct api api;
    struct api_worker api_worker;
    struct http_route routes[WORLD_ROUTES];
    struct http_router router;
    struct http_worker *http_worker;
    struct routes *ways; // of messages
    struct ledger ledger;
    struct courier *courier;
    struct receipts *receipts;
    struct sim_channel channels[WORLD_PROVIDERS];
    struct sim_hanging hanging[WORLD_HANGING_MAX];
    uint64_t sends;
    struct sim_client *clients;
    int64_t courier_at_ms; // when it is called next
    bool is_release_planned;
    struct world_stats stats;
};

void world_init(struct world *world, const struct world_options *options);
void world_fini(struct world *world); // after world_settle

// Runs events until `until_ms` of true time.
void world_run(struct world *world, int64_t until_ms);

// Ends all faults, and runs until nothing is left to do.
void world_settle(struct world *world);

bool world_chance(struct world *world, unsigned per_million);

// Something was promised and is not so.
void world_complain(struct world *world, const char *complaint);

// How the process dies, around a commit.
enum memory_fault world_draw_crash(struct world *world);

// T since the beginning of the world: what the store says while there is one.
int64_t world_time_ms(struct world *world);

// The process is dead and does not know yet.
bool world_is_crashed(const struct world *world);

// Somebody answers the door.
bool world_is_open(const struct world *world);

// Before a setting is changed: lays a fault in the way of it, if it is to have one.
void world_strike_change(struct world *world);

// Mixes something that happened into stats.trace.
void world_trace(struct world *world, uint64_t what);
