// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Somebody's connection to the server of a world.

#include "http/conn.h"

struct world;

// One client connection with at most one request under way.
struct sim_client {
    struct world *world;
    struct http_conn *conn;
    char request[4096];
    size_t request_len;
    size_t request_sent;
    char response[8192];
    size_t response_len;
    int64_t answered_at_ms;
    uint64_t number; // of the request; events of earlier ones are stale
    size_t rules;    // in force when the server had all of it
    bool is_waiting;
    bool is_batched; // it goes with others (sim/bus.h)
    bool has_answer; // it is on its way to the client
    bool is_lost;    // the news of a lost answer is
    // status 0: lost, unknown what became of it.
    void (*on_answer)(void *ctx, int status, int code, const char *body, int64_t at_ms);
    void *ctx;
    struct sim_client *next;
};

void sim_client_init(struct sim_client *client, struct world *world);
void sim_client_fini(struct sim_client *client);

// Sends one POST, in random pieces; on_answer follows, with status 0 when the answer was lost.
void sim_client_post(struct sim_client *client, const char *path, const char *body);

// For who sends a client's request in another way: it waits from now on, until it hears the answer
// or loses it.
void sim_client_wait(struct sim_client *client);
void sim_client_hear(struct sim_client *client, int status, const char *body,
                     int64_t answered_at_ms);

// The connection is cut; on_answer hears of it a moment later.
void sim_client_lose(struct sim_client *client);

// The server takes no further request on this connection.
void sim_client_drain(struct sim_client *client);
