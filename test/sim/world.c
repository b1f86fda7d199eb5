// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "sim/world.h"

#include "base/assert.h"

#include <stdlib.h>

// Beginning of the world on its wall clock: 2026-11-22T00:00:00Z.
#define WALL_START_MS INT64_C(1795305600000)
#define MINUTE_MS INT64_C(60000)

// Longer than the longest script of anybody, with all its waiting.
#define SETTLE_MS (240 * MINUTE_MS)

static int64_t world_wall_ms(void *ctx)
{
    const struct world *world = ctx;
    return WALL_START_MS + world->wall_offset_ms + world->scheduler.now_ms;
}

static struct mono world_mono(void *ctx)
{
    return (struct mono){((const struct world *)ctx)->scheduler.now_ms};
}

bool world_chance(struct world *world, unsigned per_million)
{
    return seeded_below(&world->dice, 1000000) < per_million;
}

void world_trace(struct world *world, uint64_t what)
{
    world->stats.trace =
        (world->stats.trace ^ what) * UINT64_C(1099511628211) + (uint64_t)world->scheduler.now_ms;
}

static void release_delayed(void *ctx, uint64_t argument)
{
    struct world *world = ctx;
    (void)argument;
    world->is_release_planned = false;
    (void)memory_store_release(world->store);
}

// Delayed ops are finished some time later.
static void plan_release(struct world *world)
{
    if (world->is_release_planned)
        return;
    world->is_release_planned = true;
    scheduler_after(&world->scheduler, 1 + (int64_t)seeded_below(&world->dice, 200),
                    release_delayed, world, 0);
}

static enum memory_fault draw_fault(void *ctx)
{
    struct world *world = ctx;
    const struct world_faults *faults = &world->options.faults;
    const unsigned chances[] = {
        [MEMORY_FAULT_CONFLICT] = faults->conflict,
        [MEMORY_FAULT_DELAY] = faults->delay,
        [MEMORY_FAULT_FULL] = faults->full,
        [MEMORY_FAULT_FAILURE] = faults->failure,
        [MEMORY_FAULT_CRASH_BEFORE] = faults->crash_before,
        [MEMORY_FAULT_CRASH_AFTER] = faults->crash_after,
    };
    for (size_t i = 1; i < sizeof chances / sizeof chances[0]; i++) {
        if (!world_chance(world, chances[i]))
            continue;
        world->stats.faults[i]++;
        if (i == MEMORY_FAULT_DELAY)
            plan_release(world);
        return (enum memory_fault)i;
    }
    return MEMORY_FAULT_NONE;
}

static void run_courier(void *ctx, uint64_t argument);

static void call_courier(struct world *world, int64_t delay_ms)
{
    if (world->is_courier_called)
        return;
    world->is_courier_called = true;
    scheduler_after(&world->scheduler, delay_ms, run_courier, world, 0);
}

static void run_courier(void *ctx, uint64_t argument)
{
    struct world *world = ctx;
    (void)argument;
    world->is_courier_called = false;
    while (courier_step(world->courier) > 0)
        ;
    int64_t due_ms = store_next_due_ms(world->store, 0);
    if (due_ms == INT64_MAX)
        return;
    int64_t wait_ms = due_ms - store_now_ms(world->store);
    call_courier(world, wait_ms > 0 ? wait_ms : 1);
}

static void on_entries(void *ctx)
{
    struct world *world = ctx;
    call_courier(world, 1 + (int64_t)seeded_below(&world->dice, 50));
}

static void on_settings(void *ctx)
{
    (void)ctx;
}

static void channel_send(struct channel *channel, const struct send_request *request,
                         send_done *on_result, void *ctx)
{
    struct world *world = ((struct sim_channel *)channel)->world;
    if (world_chance(world, world->options.faults.send_retry)) {
        on_result(ctx, &(struct send_result){.outcome = SEND_RETRY});
        return;
    }
    if (world_chance(world, world->options.faults.send_refused)) {
        on_result(ctx, &(struct send_result){.outcome = SEND_REFUSED});
        return;
    }
    world->stats.messages++;
    world->options.on_message(world->options.ctx, request->to, message_reveal(request->otp_only),
                              world->scheduler.now_ms);
    on_result(ctx, &(struct send_result){.outcome = SEND_ACCEPTED});
}

static const struct channel_ops channel_ops = {.send = channel_send};

static bool find_brand(void *ctx, uint64_t brand_id, enum channel_kind kind,
                       struct courier_brand *out)
{
    struct world *world = ctx;
    const struct brand_set *set = brands_acquire(world->brands);
    const struct brand *brand = brand_set_find_id(set, brand_id);
    if (brand == NULL) {
        brands_release(world->brands, &set);
        return false;
    }
    *out = (struct courier_brand){brand->name, &brand->templates[kind], set};
    return true;
}

static void release_brand(void *ctx, struct courier_brand *brand)
{
    struct world *world = ctx;
    const struct brand_set *set = brand->held;
    brands_release(world->brands, &set);
}

static void must(enum err err)
{
    ASSERT(err == ERR_OK);
}

static void boot_courier(struct world *world)
{
    struct courier_deps deps = {
        .store = world->store,
        .keyring = world->keyring,
        .directory = {.find = find_brand, .release = release_brand, .ctx = world},
        .clock = world->clock,
        .entropy = world->entropy,
    };
    for (int kind = 0; kind < CHANNEL_COUNT_; kind++)
        deps.channels[kind] = &world->channel.channel;
    must(courier_create(&deps, &world->courier));
    call_courier(world, 1);
}

// Everything that dies with the process.
static void boot(struct world *world)
{
    struct service_deps deps = {
        .store = world->store,
        .keyring = world->keyring,
        .brands = world->brands,
        .channels_mask = (1U << CHANNEL_COUNT_) - 1,
    };
    service_init(&world->service, &deps);
    api_init(&world->api, &world->service);
    must(api_worker_init(&world->api_worker, world->entropy, world->clock));
    api_routes(&world->api, world->routes);
    world->router = (struct http_router){
        .routes = world->routes, .count = WORLD_ROUTES, .write_error = api_write_error};
    world->http_worker = http_worker_create(&(struct http_worker_options){
        .router = &world->router,
        .limits = &http_limits_default,
        .clock = world->clock,
        .entropy = &world->entropy,
        .user = &world->api_worker,
    });
    ASSERT(world->http_worker != NULL);
    boot_courier(world);
}

static void shut_down(struct world *world)
{
    http_worker_destroy(&world->http_worker);
    api_worker_fini(&world->api_worker);
    courier_destroy(&world->courier);
}

static void step_clock(void *ctx, uint64_t argument)
{
    struct world *world = ctx;
    (void)argument;
    scheduler_after(&world->scheduler, MINUTE_MS, step_clock, world, 0);
    if (!world_chance(world, world->options.faults.clock_step))
        return;
    world->stats.clock_steps++;
    int64_t step_ms = 1000 + (int64_t)seeded_below(&world->dice, 4 * 60 * MINUTE_MS);
    bool is_back = seeded_below(&world->dice, 2) == 0;
    world->wall_offset_ms += is_back ? -step_ms : step_ms;
}

void world_init(struct world *world, const struct world_options *options)
{
    *world = (struct world){.options = *options};
    seeded_init(&world->dice, options->seed);
    seeded_init(&world->entropy_dice, options->seed ^ UINT64_C(0x9E3779B97F4A7C15));
    world->entropy = seeded_entropy(&world->entropy_dice);
    world->clock = (struct clock){.wall_ms = world_wall_ms, .mono = world_mono, .ctx = world};
    scheduler_init(&world->scheduler, &world->dice);
    struct memory_store_options store_options = memory_store_defaults;
    store_options.clock = world->clock;
    store_options.faults = (struct memory_faults){.next = draw_fault, .ctx = world};
    store_options.notices =
        (struct store_notices){.on_entries = on_entries, .on_settings = on_settings, .ctx = world};
    must(memory_store_create(&store_options, &world->store));
    world->keyring = keyring_create(&world->entropy, options->epoch_ms, world_wall_ms(world));
    ASSERT(world->keyring != NULL);
    must(
        brands_create(world->store, keyring_wrap(world->keyring), &world->entropy, &world->brands));
    struct err_info info;
    must(brands_put(world->brands, SPAN("DocDemo"), &options->brand, SPAN(""), &info));
    world->channel = (struct sim_channel){.channel = {.ops = &channel_ops}, .world = world};
    boot(world);
    scheduler_after(&world->scheduler, MINUTE_MS, step_clock, world, 0);
}

void world_fini(struct world *world)
{
    shut_down(world);
    brands_destroy(&world->brands);
    keyring_destroy(&world->keyring);
    store_destroy(&world->store);
    scheduler_fini(&world->scheduler);
}

static void client_lose(struct sim_client *client);

// The order is a dead process's: first nobody hears anything any more, then what was under way
// ends.
static void crash(struct world *world)
{
    world->stats.crashes++;
    for (struct sim_client *client = world->clients; client != NULL; client = client->next)
        client_lose(client);
    memory_store_recover(world->store);
    shut_down(world);
    boot(world);
}

static void check_crash(struct world *world)
{
    if (memory_store_is_crashed(world->store))
        crash(world);
}

void world_run(struct world *world, int64_t until_ms)
{
    while (world->scheduler.now_ms < until_ms && scheduler_step(&world->scheduler))
        check_crash(world);
}

void world_settle(struct world *world)
{
    world->options.faults = (struct world_faults){0};
    world_run(world, world->scheduler.now_ms + SETTLE_MS);
}

// --- clients ---

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

static void client_answer(void *ctx, uint64_t number)
{
    struct sim_client *client = ctx;
    if (!client->is_waiting || client->number != number)
        return;
    client->is_waiting = false;
    const char *body = strstr(client->response, "\r\n\r\n");
    ASSERT(body != NULL);
    int status = (int)strtol(client->response + 9, NULL, 10);
    client->world->stats.answers++;
    client->on_answer(client->ctx, status, code_of(body), body + 4, client->answered_at_ms);
}

static void client_lost(void *ctx, uint64_t argument)
{
    struct sim_client *client = ctx;
    (void)argument;
    client->is_lost = false;
    client->world->stats.lost++;
    client->on_answer(client->ctx, 0, 0, "", client->world->scheduler.now_ms);
}

static void client_lose(struct sim_client *client)
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
    if (client->conn == NULL || memory_store_is_crashed(world->store))
        return;
    for (;;) {
        struct span output = http_conn_output(client->conn);
        if (span_is_empty(output))
            break;
        ASSERT(client->response_len + output.len < sizeof client->response);
        memcpy(client->response + client->response_len, output.data, output.len);
        client->response_len += output.len;
        client->response[client->response_len] = 0;
        http_conn_sent(client->conn, output.len, world_mono(world));
    }
    if (http_conn_is_finished(client->conn))
        http_conn_close(&client->conn);
    if (!client->is_waiting || client->has_answer || !is_complete(client))
        return;
    client->has_answer = true;
    client->answered_at_ms = world->scheduler.now_ms;
    scheduler_after(&world->scheduler, (int64_t)seeded_below(&world->dice, 30), client_answer,
                    client, client->number);
}

static bool client_connect(struct sim_client *client)
{
    struct world *world = client->world;
    if (client->conn != NULL && world_mono(world).ms >= http_conn_deadline(client->conn).ms) {
        http_conn_tick(client->conn, world_mono(world));
        client_collect(client);
    }
    if (client->conn == NULL)
        client->conn = http_conn_open(world->http_worker, SPAN("127.0.0.1"), world_mono(world),
                                      on_output, client);
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
        client_lose(client);
        return;
    }
    size_t left = client->request_len - client->request_sent;
    size_t piece = seeded_below(&world->dice, 4) == 0 ? 1 + seeded_below(&world->dice, left) : left;
    size_t room = 0;
    uint8_t *input = http_conn_input(client->conn, &room);
    piece = piece < room ? piece : room;
    memcpy(input, client->request + client->request_sent, piece);
    client->request_sent += piece;
    http_conn_received(client->conn, piece, world_mono(world));
    client_collect(client);
    if (client->request_sent < client->request_len)
        scheduler_after(&world->scheduler, (int64_t)seeded_below(&world->dice, 20), client_deliver,
                        client, number);
}

static void client_leave(void *ctx, uint64_t number)
{
    struct sim_client *client = ctx;
    if (client->number == number)
        client_lose(client);
}

void sim_client_post(struct sim_client *client, const char *path, const char *body)
{
    ASSERT(!client->is_waiting && !client->is_lost);
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
    client->request_sent = 0;
    client->response_len = 0;
    client->response[0] = 0;
    client->is_waiting = true;
    client->has_answer = false;
    client->number++;
    world->stats.requests++;
    scheduler_after(&world->scheduler, (int64_t)seeded_below(&world->dice, 20), client_deliver,
                    client, client->number);
    if (world_chance(world, world->options.faults.cut))
        scheduler_after(&world->scheduler, (int64_t)seeded_below(&world->dice, 40), client_leave,
                        client, client->number);
}
