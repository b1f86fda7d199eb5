// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "sim/bus.h"

#include "api/json_array.h"
#include "base/assert.h"
#include "sim/world.h"

#include <stdio.h>
#include <stdlib.h>

#define REPLY_BYTES_MAX 4096U

static void tell(const struct sim_bus *bus, const struct sim_rider *rider, int status,
                 struct span reply)
{
    char body[REPLY_BYTES_MAX];
    struct sim_client *client = rider->client;
    ASSERT(reply.len < sizeof body);
    memcpy(body, reply.data, reply.len);
    body[reply.len] = 0;
    if (client->number != rider->number)
        return;
    client->rules = bus->carrier.rules;
    sim_client_hear(client, status, body, bus->carrier.answered_at_ms);
}

static void tell_all(const struct sim_bus *bus, const struct sim_rider *riders, size_t count,
                     struct span array)
{
    struct json_elements items;
    struct span item;
    bool is_array = json_elements_begin(array, &items);
    ASSERT(is_array);
    for (size_t i = 0; i < count; i++) {
        enum json_step step = json_elements_next(&items, &item);
        ASSERT(step == JSON_ELEMENT);
        tell(bus, &riders[i], 200, item);
    }
    ASSERT(json_elements_next(&items, &item) == JSON_ARRAY_END);
}

static void lose(const struct sim_rider *rider)
{
    if (rider->client->number == rider->number && rider->client->is_waiting)
        sim_client_lose(rider->client);
}

// The bus is free before anybody hears: who does may post again.
static void on_answer(void *ctx, int status, int code, const char *body, int64_t at_ms)
{
    struct sim_bus *bus = ctx;
    struct sim_rider riders[BUS_RIDERS_MAX];
    size_t count = bus->riders_held;
    (void)code;
    (void)at_ms;
    memcpy(riders, bus->riders, sizeof riders);
    bus->riders_held = 0;
    bus->carrier.world->stats.marks[MARK_BATCHED] += status == 200 && count > 1;
    if (status == 200) {
        tell_all(bus, riders, count, span_of_text(body));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (status == 0)
            lose(&riders[i]);
        else
            tell(bus, &riders[i], status, span_of_text(body));
    }
}

void sim_bus_init(struct sim_bus *bus, struct world *world)
{
    *bus = (struct sim_bus){0};
    sim_client_init(&bus->carrier, world);
    bus->carrier.on_answer = on_answer;
    bus->carrier.ctx = bus;
}

void sim_bus_fini(struct sim_bus *bus)
{
    sim_client_fini(&bus->carrier);
}

static void leave(void *ctx, uint64_t argument)
{
    struct sim_bus *bus = ctx;
    char body[sizeof bus->body + 2];
    (void)argument;
    (void)snprintf(body, sizeof body, "%s]", bus->body);
    sim_client_post(&bus->carrier, bus->path, body);
}

static bool has_room_for(const struct sim_bus *bus, const char *path, const char *body)
{
    if (bus->carrier.is_waiting || bus->carrier.is_lost || bus->riders_held == BUS_RIDERS_MAX)
        return false;
    if (bus->riders_held == 0)
        return true;
    return strcmp(bus->path, path) == 0 && strlen(bus->body) + 1 + strlen(body) < sizeof bus->body;
}

static void board(struct sim_bus *bus, struct sim_client *client, const char *path,
                  const char *body)
{
    struct world *world = client->world;
    bool is_first = bus->riders_held == 0;
    size_t len = is_first ? 0 : strlen(bus->body);
    (void)snprintf(bus->body + len, sizeof bus->body - len, "%s%s", is_first ? "[" : ",", body);
    sim_client_wait(client);
    client->is_batched = true;
    bus->riders[bus->riders_held++] = (struct sim_rider){client, client->number};
    if (!is_first)
        return;
    (void)snprintf(bus->path, sizeof bus->path, "%s", path);
    scheduler_after(&world->scheduler, 1 + (int64_t)seeded_below(&world->dice, 400), leave, bus, 0);
}

void sim_bus_post(struct sim_bus *bus, struct sim_client *client, const char *path,
                  const char *body)
{
    if (!has_room_for(bus, path, body) || seeded_below(&client->world->dice, 4) == 0)
        sim_client_post(client, path, body);
    else
        board(bus, client, path, body);
}
