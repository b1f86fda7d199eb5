// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Requests of several clients that go to the server as one batch, as a job that sends in bulk would
// put them. Each client is told what its item was answered.

#include "sim/client.h"

#define BUS_RIDERS_MAX 5U

struct sim_rider {
    struct sim_client *client;
    uint64_t number; // of its request
};

struct sim_bus {
    struct sim_client carrier;
    char path[64];
    char body[3072]; // the items so far
    struct sim_rider riders[BUS_RIDERS_MAX];
    size_t riders_held;
};

void sim_bus_init(struct sim_bus *bus, struct world *world);
void sim_bus_fini(struct sim_bus *bus);

// As sim_client_post, now and then in a batch that leaves a moment later.
void sim_bus_post(struct sim_bus *bus, struct sim_client *client, const char *path,
                  const char *body);
