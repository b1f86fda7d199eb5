// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "sim/client.h"

#include "sim/world.h"

#include "base/assert.h"

#include <stdlib.h>

static void client_collect(struct sim_client *client);

static void on_output(void *ctx)
{
    client_collect(ctx);
}

void sim_client_init(struct sim_client *client, struct world *world)
{
    *client = (struct sim_client){.world = world, .next = world->clients};
    world->clients = client;
}

void sim_client_drain(struct sim_client *client)
{
    if (client->conn == NULL)
        return;
    http_conn_drain(client->conn, clock_mono(&client->world->clock));
    client_collect(client);
}

void sim_client_fini(struct sim_client *client)
{
    if (client->conn != NULL)
        http_conn_close(&client->conn);
}

static int code_of(const char *body)
{
    const char *at = strstr(body, "\"code\":");
    return at != NULL ? (int)strtol(at + 7, NULL, 10) : 0;
}

void sim_client_hear(struct sim_client *client, int status, const char *body,
                     int64_t answered_at_ms)
{
    if (!client->is_waiting)
        return;
    client->is_waiting = false;
    client->world->stats.answers++;
    client->on_answer(client->ctx, status, code_of(body), body, answered_at_ms);
}

static void client_answer(void *ctx, uint64_t number)
{
    struct sim_client *client = ctx;
    if (client->number != number)
        return;
    const char *body = strstr(client->response, "\r\n\r\n");
    ASSERT(body != NULL);
    int status = (int)strtol(client->response + 9, NULL, 10);
    sim_client_hear(client, status, body + 4, client->answered_at_ms);
}

static void client_lost(void *ctx, uint64_t argument)
{
    struct sim_client *client = ctx;
    (void)argument;
    client->is_lost = false;
    client->world->stats.lost++;
    client->on_answer(client->ctx, 0, 0, "", world_time_ms(client->world));
}

void sim_client_lose(struct sim_client *client)
{
    if (client->conn != NULL)
        http_conn_close(&client->conn);
    if (!client->is_waiting)
        return;
    client->is_waiting = false;
    client->is_lost = true;
    scheduler_after(&client->world->scheduler, 500, client_lost, client, 0);
}

static bool is_complete(const struct sim_client *client)
{
    const char *length = strstr(client->response, "Content-Length: ");
    const char *body = strstr(client->response, "\r\n\r\n");
    if (length == NULL || body == NULL)
        return false;
    size_t want = (size_t)strtoul(length + 16, NULL, 10);
    return client->response_len - (size_t)(body + 4 - client->response) >= want;
}

static void client_collect(struct sim_client *client)
{
    struct world *world = client->world;
    if (client->conn == NULL || world_is_crashed(world))
        return;
    for (;;) {
        struct span output = http_conn_output(client->conn);
        if (span_is_empty(output))
            break;
        ASSERT(client->response_len + output.len < sizeof client->response);
        memcpy(client->response + client->response_len, output.data, output.len);
        client->response_len += output.len;
        client->response[client->response_len] = 0;
        http_conn_sent(client->conn, output.len, clock_mono(&world->clock));
    }
    bool is_over = http_conn_is_finished(client->conn) || http_conn_is_lingering(client->conn);
    if (is_over)
        http_conn_close(&client->conn);
    if (!client->is_waiting || client->has_answer)
        return;
    if (!is_complete(client)) {
        if (is_over && client->request_sent > 0)
            sim_client_lose(client);
        return;
    }
    client->has_answer = true;
    client->answered_at_ms = world_time_ms(world);
    scheduler_after(&world->scheduler, (int64_t)seeded_below(&world->dice, 30), client_answer,
                    client, client->number);
}

static bool client_connect(struct sim_client *client)
{
    struct world *world = client->world;
    if (client->conn != NULL &&
        clock_mono(&world->clock).ms >= http_conn_deadline(client->conn).ms) {
        http_conn_tick(client->conn, clock_mono(&world->clock));
        client_collect(client);
    }
    if (client->conn == NULL && client->request_sent == 0 && world_is_open(world))
        client->conn = http_conn_open(world->http_worker, SPAN("127.0.0.1"),
                                      clock_mono(&world->clock), on_output, client);
    return client->conn != NULL;
}

// One piece of the request reaches the server.
static void client_deliver(void *ctx, uint64_t number)
{
    struct sim_client *client = ctx;
    struct world *world = client->world;
    if (!client->is_waiting || client->number != number)
        return;
    if (!client_connect(client)) {
        sim_client_lose(client);
        return;
    }
    size_t left = client->request_len - client->request_sent;
    size_t piece = seeded_below(&world->dice, 4) == 0 ? 1 + seeded_below(&world->dice, left) : left;
    size_t room = 0;
    uint8_t *input = http_conn_input(client->conn, &room);
    piece = piece < room ? piece : room;
    memcpy(input, client->request + client->request_sent, piece);
    client->request_sent += piece;
    client->rules = world->rules; // the last piece counts
    http_conn_received(client->conn, piece, clock_mono(&world->clock));
    store_wake(world->store);
    client_collect(client);
    if (client->request_sent < client->request_len)
        scheduler_after(&world->scheduler, (int64_t)seeded_below(&world->dice, 20), client_deliver,
                        client, number);
}

static void client_leave(void *ctx, uint64_t number)
{
    struct sim_client *client = ctx;
    if (client->number == number)
        sim_client_lose(client);
}

void sim_client_wait(struct sim_client *client)
{
    struct world *world = client->world;
    ASSERT(!client->is_waiting && !client->is_lost);
    client->request_len = 0;
    client->request_sent = 0;
    client->response_len = 0;
    client->response[0] = 0;
    client->is_waiting = true;
    client->is_batched = false;
    client->has_answer = false;
    client->number++;
    client->rules = world->rules;
    world->stats.requests++;
    if (world_chance(world, world->options.faults.cut))
        scheduler_after(&world->scheduler, (int64_t)seeded_below(&world->dice, 40), client_leave,
                        client, client->number);
}

void sim_client_post(struct sim_client *client, const char *path, const char *body)
{
    sim_client_wait(client);
    struct strbuf request = strbuf_over(client->request, sizeof client->request);
    strbuf_put_text(&request, "POST ");
    strbuf_put_text(&request, path);
    strbuf_put_text(&request, " HTTP/1.1\r\nHost: sim\r\nContent-Type: application/json\r\n"
                              "Content-Length: ");
    strbuf_put_u64(&request, strlen(body));
    strbuf_put_text(&request, "\r\n\r\n");
    strbuf_put_text(&request, body);
    ASSERT(!request.is_overflowed);
    struct world *world = client->world;
    client->request_len = request.len;
    scheduler_after(&world->scheduler, (int64_t)seeded_below(&world->dice, 20), client_deliver,
                    client, client->number);
}
