// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A whole otpd in one thread on invented time: http parser → api → service → core → store/memory →
// outbox → channel, the very code of the server, with everything around it invented: clock,
// entropy, network, the store's faults and the channel's.
//
// A crash ends the process as far as anybody can see: connections are cut without an answer, ops
// under way end unknown, and a new process starts over the same store.

#include "api/api.h"
#include "channel/channel.h"
#include "crypto/keyring/keyring.h"
#include "http/conn.h"
#include "outbox/courier.h"
#include "service/service.h"
#include "sim/scheduler.h"
#include "store/memory/memory.h"

// Chances in a million, of each request, store op or message.
struct world_faults {
    unsigned conflict;
    unsigned delay;
    unsigned full;
    unsigned failure;
    unsigned crash_before;
    unsigned crash_after;
    unsigned cut;          // the client leaves without waiting for its answer
    unsigned send_retry;   // the channel asks to try later
    unsigned send_refused; // the channel refuses for good
    unsigned clock_step;   // of each minute: the wall clock steps
};

struct world_options {
    uint64_t seed;
    struct world_faults faults;
    struct brand_settings brand;
    int64_t epoch_ms;
    void (*on_message)(void *ctx, struct span to, struct span otp, int64_t at_ms);
    void *ctx;
};

struct world_stats {
    uint64_t requests;
    uint64_t answers;
    uint64_t lost; // no answer: cut or crashed
    uint64_t messages;
    uint64_t crashes;
    uint64_t clock_steps;
    uint64_t faults[MEMORY_FAULT_CRASH_AFTER + 1];
    uint64_t trace; // rolling hash of all that happened
};

struct sim_channel {
    struct channel channel;
    struct world *world;
};

// One client connection with at most one request under way.
struct sim_client {
    struct world *world;
    struct http_conn *conn;
    char request[2048];
    size_t request_len;
    size_t request_sent;
    char response[4096];
    size_t response_len;
    int64_t answered_at_ms;
    uint64_t number; // of the request; events of earlier ones are stale
    bool is_waiting;
    bool has_answer; // it is on its way to the client
    bool is_lost;    // the news of a lost answer is
    // status 0: lost, unknown what became of it.
    void (*on_answer)(void *ctx, int status, int code, const char *body, int64_t at_ms);
    void *ctx;
    struct sim_client *next;
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
    struct store *store;
    struct keyring *keyring;
    struct brands *brands;
    struct service service;
    struct api api;
    struct api_worker api_worker;
    struct http_route routes[WORLD_ROUTES];
    struct http_router router;
    struct http_worker *http_worker;
    struct courier *courier;
    struct sim_channel channel;
    struct sim_client *clients;
    bool is_courier_called;
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

// Mixes something that happened into stats.trace.
void world_trace(struct world *world, uint64_t what);

void sim_client_init(struct sim_client *client, struct world *world);
void sim_client_fini(struct sim_client *client);

// Sends one POST, in random pieces; on_answer follows, with status 0 when the answer was lost.
void sim_client_post(struct sim_client *client, const char *path, const char *body);
