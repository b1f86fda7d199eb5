// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "sim/world.h"

#include "sim/providers.h"

#include "base/assert.h"
#include "outbox/receipt_path.h"
#include "store/entry.h"

#include <stdlib.h>

// Beginning of the world on its wall clock: 2026-11-22T00:00:00Z.
#define WALL_START_MS INT64_C(1795305600000)
#define MINUTE_MS INT64_C(60000)
#define DAY_MS (1440 * MINUTE_MS)

// Longer than any op is held.
#define DRAIN_MS INT64_C(5000)

// Longer than the longest script of anybody, with all its waiting.
#define SETTLE_MS (240 * MINUTE_MS)

static int64_t world_wall_ms(void *ctx)
{
    const struct world *world = ctx;
    return WALL_START_MS + world->wall_offset_ms + world->scheduler.now_ms;
}

static struct mono world_mono(void *ctx)
{
    const struct world *world = ctx;
    return (struct mono){world->scheduler.now_ms - world->mono_begin_ms};
}

void world_complain(struct world *world, const char *complaint)
{
    if (world->complaint == NULL)
        world->complaint = complaint;
}

int64_t world_time_ms(struct world *world)
{
    int64_t mono_ms = world_mono(world).ms;
    if (world->is_down || world->is_failing)
        return timekeeper_carry_ms(&world->time, mono_ms) - WALL_START_MS;
    struct time_reading reading = {store_now_ms(world->store), mono_ms};
    timekeeper_read(&world->time, reading);
    return reading.t_ms - WALL_START_MS;
}

bool world_is_crashed(const struct world *world)
{
    return world->options.is_durable ? durable_is_crashed(world->store)
                                     : memory_store_is_crashed(world->store);
}

bool world_is_open(const struct world *world)
{
    return !world->is_down && !world->is_draining;
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

static void release(struct world *world)
{
    if (world->options.is_durable)
        durable_release(world->store);
    else
        (void)memory_store_release(world->store);
}

static void release_delayed(void *ctx, uint64_t argument)
{
    struct world *world = ctx;
    (void)argument;
    world->is_release_planned = false;
    if (world->is_down)
        return;
    release(world);
}

// Delayed ops are finished some time later.
static void plan_release(struct world *world)
{
    if (world->is_release_planned)
        return;
    world->is_release_planned = true;
    scheduler_after(&world->scheduler, 1 + (int64_t)seeded_below(&world->dice, 200),
                    release_delayed, world, 0);
    world->options.on_delay(world->options.ctx);
}

static void end_failed(void *ctx, uint64_t boots);

// Nothing but another start mends it, which somebody sees to.
static void fail(struct world *world)
{
    if (!world->options.is_durable)
        return;
    world->options.on_end(world->options.ctx);
    world->is_failing = true;
    scheduler_after(&world->scheduler, 1 + (int64_t)seeded_below(&world->dice, 8000), end_failed,
                    world, world->stats.boots);
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
        if (i == MEMORY_FAULT_FAILURE)
            fail(world);
        return (enum memory_fault)i;
    }
    return MEMORY_FAULT_NONE;
}

static void run_courier(void *ctx, uint64_t argument);

// What was planned for later is stale then.
static void call_courier(struct world *world, int64_t delay_ms)
{
    int64_t at_ms = world->scheduler.now_ms + delay_ms;
    if (at_ms >= world->courier_at_ms)
        return;
    world->courier_at_ms = at_ms;
    scheduler_after(&world->scheduler, delay_ms, run_courier, world, 0);
}

static void run_courier(void *ctx, uint64_t argument)
{
    struct world *world = ctx;
    (void)argument;
    if (world->scheduler.now_ms != world->courier_at_ms)
        return;
    world->courier_at_ms = INT64_MAX;
    if (world->is_down)
        return;
    while (courier_step(world->courier) > 0)
        ;
    receipts_step(world->receipts);
    call_courier(world, courier_idle_ms(world->courier));
}

static void on_news(void *ctx)
{
    call_courier(ctx, 1);
}

static void on_entries(void *ctx)
{
    struct world *world = ctx;
    call_courier(world, 1 + (int64_t)seeded_below(&world->dice, 50));
}

enum memory_fault world_draw_crash(struct world *world)
{
    bool is_after = seeded_below(&world->dice, 2) == 0;
    return is_after ? MEMORY_FAULT_CRASH_AFTER : MEMORY_FAULT_CRASH_BEFORE;
}

void world_strike_change(struct world *world)
{
    if (!world->options.is_durable || !world_chance(world, world->options.faults.setting))
        return;
    uint64_t sort = seeded_below(&world->dice, 3);
    const enum memory_fault sorts[] = {MEMORY_FAULT_FULL, MEMORY_FAULT_FAILURE,
                                       world_draw_crash(world)};
    durable_strike_setting(world->store, sorts[sort]);
    if (sorts[sort] == MEMORY_FAULT_FAILURE)
        fail(world);
}

// What became of a message that nobody took. Of the time before its code ended, for whoever waits
// for it until then.
static void on_lost(void *ctx, const struct outbox_entry *entry, enum delivery_state state,
                    int64_t at_ms)
{
    struct world *world = ctx;
    uint8_t associated[OUTBOX_ENTRY_ASSOCIATED_BYTES];
    uint8_t to[SEAL_PLAIN_BYTES_MAX];
    size_t len = 0;
    (void)state;
    outbox_entry_associated(entry, associated);
    if (!seal_open(keyring_seal(world->keyring), span_make(associated, sizeof associated),
                   &entry->address, to, &len)) {
        world_complain(world, "the address of an open entry does not open");
        return;
    }
    if (at_ms >= entry->deadline_at_ms)
        at_ms = entry->deadline_at_ms - 1;
    world->options.on_failure(world->options.ctx, span_make(to, len), true, at_ms - WALL_START_MS);
}

static bool find_brand(void *ctx, uint64_t brand_id, const struct courier_wish *wish,
                       struct courier_brand *out)
{
    struct world *world = ctx;
    const struct brand_set *set = brands_acquire(world->brands);
    const struct brand *brand = brand_set_find_id(set, brand_id);
    if (brand == NULL) {
        brands_release(world->brands, &set);
        return false;
    }
    *out = (struct courier_brand){.name = brand->name, .held = set};
    brand_wording(brand, wish->kind, wish->language, &out->wording);
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
    const struct receipts_deps reports = {
        .store = &world->ledger.store,
        .keyring = world->keyring,
        .routes = world->ways,
        .clock = world->clock,
    };
    struct courier_deps deps = {
        .store = &world->ledger.store,
        .keyring = world->keyring,
        .directory = {.find = find_brand, .release = release_brand, .ctx = world},
        .routes = world->ways,
        .receipts_url = SPAN("https://otp.example.com/receipts/"),
        .clock = world->clock,
        .entropy = world->entropy,
    };
    for (size_t i = 0; i < WORLD_PROVIDERS; i++)
        deps.channels[i] = &world->channels[i].channel;
    ledger_follow(&world->ledger, world->store);
    must(receipts_create(&reports, &world->receipts));
    must(courier_create(&deps, &world->courier));
    courier_on_news(world->courier, on_news, world);
    call_courier(world, 1);
}

// Everything that dies with the process.
static void boot(struct world *world)
{
    struct err_info info;
    struct seeded keys;
    seeded_init(&keys, ~world->options.seed);
    struct entropy key_entropy = seeded_entropy(&keys);
    world->keyring = keyring_create(&key_entropy, world->options.epoch_ms);
    ASSERT(world->keyring != NULL);
    must(
        brands_create(world->store, keyring_wrap(world->keyring), &world->entropy, &world->brands));
    must(brands_reload(world->brands, &info));
    world->stats.boots++;
    must(decryptor_create(0, &world->decryptor));
    struct service_deps deps = {
        .store = world->store,
        .keyring = world->keyring,
        .brands = world->brands,
        .routes = world->ways,
        .decryptor = world->decryptor,
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
    receipts_destroy(&world->receipts);
    decryptor_destroy(&world->decryptor);
    brands_destroy(&world->brands);
    keyring_destroy(&world->keyring);
}

// --- ends and beginnings of processes ---

static void mark(struct world *world, enum world_mark which, bool is_so)
{
    world->stats.marks[which] += is_so;
}

static void step_wall(struct world *world)
{
    bool is_small = seeded_below(&world->dice, 3) == 0;
    int64_t most_ms = is_small ? 1000 : 4 * 60 * MINUTE_MS;
    int64_t step_ms = 1 + (int64_t)seeded_below(&world->dice, (uint64_t)most_ms);
    bool is_back = seeded_below(&world->dice, 2) == 0;
    world->stats.clock_steps++;
    world->wall_offset_ms += is_back ? -step_ms : step_ms;
}

// What the wall clock says after a reboot: the right time, a time long after T, so that all records
// end, or hours before or after the right one; in turns.
static int64_t draw_offset_ms(struct world *world)
{
    int64_t error_ms = (int64_t)seeded_below(&world->dice, 4 * 60 * MINUTE_MS);
    int64_t t_ms = timekeeper_carry_ms(&world->time, world_mono(world).ms);
    switch (world->reboots++ % 4) {
    case 0:
        return t_ms - WALL_START_MS - world->scheduler.now_ms + 8 * DAY_MS + error_ms;
    case 1:
        return 0;
    case 2:
        return -error_ms;
    default:
        return error_ms;
    }
}

// Who dies while he starts, starts again.
static void open_store(struct world *world)
{
    struct err_info info;
    if (world_chance(world, world->options.faults.start))
        durable_strike_start(world->store);
    enum err err = durable_open(world->store, &world->boot, &info);
    while (err != ERR_OK && world_is_crashed(world)) {
        world->stats.crashes++;
        world->stats.start_crashes++;
        durable_close(world->store);
        err = durable_open(world->store, &world->boot, &info);
    }
    if (err != ERR_OK)
        world_complain(world, "the store does not open again");
    must(err);
    mark(world, MARK_REQUEUED, store_entries(world->store) > 0);
}

static void open_rebooted(struct world *world)
{
    struct reboot reboot = {
        .decided_ms = durable_decided_ms(world->store),
        .ended_ms = timekeeper_carry_ms(&world->time, world_mono(world).ms),
    };
    world->wall_offset_ms = draw_offset_ms(world);
    world->mono_begin_ms =
        world->scheduler.now_ms - (int64_t)seeded_below(&world->dice, (uint64_t)MINUTE_MS);
    world->boot.bytes[1]++;
    reboot.wall_ms = world_wall_ms(world);
    open_store(world);
    struct time_reading reading = {store_now_ms(world->store), world_mono(world).ms};
    mark(world, MARK_TIME_LEAPT, reading.t_ms > reboot.ended_ms + MINUTE_MS);
    mark(world, MARK_TIME_KEPT, reading.t_ms > reboot.wall_ms);
    timekeeper_reboot(&world->time, &reboot, reading);
}

static void open_restarted(struct world *world)
{
    bool is_set = seeded_below(&world->dice, 3) == 0;
    if (is_set)
        step_wall(world);
    if (!world->options.is_durable)
        return;
    open_store(world);
    mark(world, MARK_TIME_RESTORED, is_set);
}

static void come_up(void *ctx, uint64_t argument)
{
    struct world *world = ctx;
    (void)argument;
    unsigned starts = world->options.is_brief ? 30 : 3; // of which one comes after a reboot
    if (world->options.is_durable && seeded_below(&world->dice, starts) == 0)
        open_rebooted(world);
    else
        open_restarted(world);
    world->is_down = false;
    boot(world);
    (void)world_time_ms(world);
    world->options.on_boot(world->options.ctx);
}

// Mostly a moment, now and then minutes.
static int64_t draw_down_ms(struct world *world)
{
    if (world->options.is_brief)
        return 100 + (int64_t)seeded_below(&world->dice, 400);
    bool is_long = seeded_below(&world->dice, 8) == 0;
    return 100 + (int64_t)seeded_below(&world->dice, is_long ? 4 * (uint64_t)MINUTE_MS : 3000);
}

// What is with the providers is cut off; in an orderly end the store still hears of it.
static void end_courier(struct world *world)
{
    providers_cut(world);
    for (size_t left = courier_end(world->courier); left > 0 && !world_is_crashed(world);
         left = courier_end(world->courier))
        release(world);
}

// The order is a dead process's: first nobody hears anything any more, then what was under way
// ends.
static void go_down(struct world *world)
{
    for (struct sim_client *client = world->clients; client != NULL; client = client->next)
        sim_client_lose(client);
    world->options.on_end(world->options.ctx);
    world->is_down = true;
    world->is_draining = false;
    world->is_failing = false;
    end_courier(world);
    if (world->options.is_durable)
        durable_close(world->store);
    else
        memory_store_recover(world->store);
    while (courier_end(world->courier) > 0)
        ;
    shut_down(world);
    scheduler_after(&world->scheduler, draw_down_ms(world), come_up, world, 0);
}

static void end_failed(void *ctx, uint64_t boots)
{
    struct world *world = ctx;
    if (!world->is_down && world->stats.boots == boots)
        go_down(world);
}

static bool is_anybody_waiting(const struct world *world)
{
    for (const struct sim_client *client = world->clients; client != NULL; client = client->next) {
        if (client->is_waiting && (client->conn != NULL || client->has_answer))
            return true;
    }
    return false;
}

static void drain(void *ctx, uint64_t boots)
{
    struct world *world = ctx;
    if (!world->is_draining || world->stats.boots != boots)
        return;
    if (is_anybody_waiting(world) && world->scheduler.now_ms < world->drain_until_ms) {
        scheduler_after(&world->scheduler, 10, drain, world, boots);
        return;
    }
    if (is_anybody_waiting(world))
        world_complain(world, "a server that was drained owes an answer");
    mark(world, MARK_RESTART, true);
    go_down(world);
}

static void restart(struct world *world)
{
    if (!world_is_open(world))
        return;
    world->is_draining = true;
    world->drain_until_ms = world->scheduler.now_ms + DRAIN_MS;
    for (struct sim_client *client = world->clients; client != NULL; client = client->next)
        sim_client_drain(client);
    scheduler_after(&world->scheduler, 1, drain, world, world->stats.boots);
}

static void each_minute(void *ctx, uint64_t argument)
{
    struct world *world = ctx;
    (void)argument;
    scheduler_after(&world->scheduler, MINUTE_MS, each_minute, world, 0);
    if (world_chance(world, world->options.faults.clock_step))
        step_wall(world);
    if (world_chance(world, world->options.faults.restart))
        restart(world);
    for (size_t i = 0; i < WORLD_PROVIDERS; i++) {
        if (world_chance(world, world->options.faults.outage))
            world->channels[i].outage_until_ms =
                world->scheduler.now_ms +
                (int64_t)seeded_below(&world->dice, 4 * (uint64_t)MINUTE_MS);
    }
}

// --- the world ---

static void create_memory(struct world *world, const struct store_notices *notices)
{
    struct memory_store_options options = memory_store_defaults;
    options.clock = world->clock;
    options.faults = (struct memory_faults){.next = draw_fault, .ctx = world};
    options.notices = *notices;
    must(memory_store_create(&options, &world->store));
}

static void create_durable(struct world *world, const struct store_notices *notices)
{
    const struct durable_options options = {
        .clock = world->clock,
        .faults = {.next = draw_fault, .ctx = world},
        .notices = *notices,
        .dice = &world->dice,
        .is_journaled = world->options.is_journaled,
    };
    world->boot.bytes[0] = 1;
    world->store = durable_create(&options);
    open_store(world);
}

// Texts to some numbers have a route of their own, which does not wait long.
static void create_providers(struct world *world)
{
    struct err_info info;
    const struct route_provider providers[WORLD_PROVIDERS] = {
        {SPAN("alpha"), (1U << CHANNEL_COUNT_) - 1},
        {SPAN("beta"), (1U << CHANNEL_COUNT_) - 1},
        {SPAN("gamma"), (1U << CHANNEL_COUNT_) - 1},
    };
    const struct route_rule rule = {CHANNEL_SMS, SPAN("91"), SPAN(""), {1, 0}, 2, 8000};
    const struct routes_options options = {providers, WORLD_PROVIDERS, &rule, 1};
    must(routes_create(&options, &world->ways, &info));
    for (size_t i = 0; i < WORLD_PROVIDERS; i++)
        world->channels[i] = (struct sim_channel){.channel = {.ops = &providers_ops},
                                                  .world = world,
                                                  .provider = routes_tag(world->ways, i)};
    ledger_init(&world->ledger, &(struct ledger_options){on_lost, world});
}

void world_init(struct world *world, const struct world_options *options)
{
    struct err_info info;
    *world = (struct world){.options = *options, .courier_at_ms = INT64_MAX};
    seeded_init(&world->dice, options->seed);
    seeded_init(&world->entropy_dice, options->seed ^ UINT64_C(0x9E3779B97F4A7C15));
    world->entropy = seeded_entropy(&world->entropy_dice);
    world->clock = (struct clock){.wall_ms = world_wall_ms, .mono = world_mono, .ctx = world};
    scheduler_init(&world->scheduler, &world->dice);
    const struct store_notices notices = {.on_entries = on_entries, .ctx = world};
    struct world_faults faults = options->faults;
    world->options.faults = (struct world_faults){0};
    if (options->is_durable)
        create_durable(world, &notices);
    else
        create_memory(world, &notices);
    timekeeper_begin(&world->time, (struct time_reading){store_now_ms(world->store), 0});
    create_providers(world);
    boot(world);
    must(brands_put(world->brands, SPAN("DocDemo"), &options->brand, SPAN(""), &info));
    world->options.faults = faults;
    scheduler_after(&world->scheduler, MINUTE_MS, each_minute, world, 0);
}

void world_fini(struct world *world)
{
    ASSERT(!world->is_down);
    while (courier_end(world->courier) > 0)
        release(world);
    shut_down(world);
    store_destroy(&world->store);
    ledger_fini(&world->ledger);
    routes_destroy(&world->ways);
    scheduler_fini(&world->scheduler);
}

static void check_crash(struct world *world)
{
    if (world->is_down || !world_is_crashed(world))
        return;
    world->stats.crashes++;
    go_down(world);
}

void world_run(struct world *world, int64_t until_ms)
{
    while (world->scheduler.now_ms < until_ms && scheduler_step(&world->scheduler))
        check_crash(world);
}

static void mark_endings(struct world *world)
{
    const struct ledger *ledger = &world->ledger;
    uint64_t *marks = world->stats.marks;
    marks[MARK_MOVED] = ledger->moves;
    marks[MARK_INTERRUPTED] = ledger->interrupted;
    marks[MARK_DELIVERED] = ledger->endings[DELIVERY_DELIVERED];
    marks[MARK_FAILED] = ledger->endings[DELIVERY_FAILED];
    marks[MARK_UNKNOWN] = ledger->endings[DELIVERY_UNKNOWN];
    marks[MARK_OBSOLETE] = ledger->endings[DELIVERY_OBSOLETE];
}

void world_settle(struct world *world)
{
    world->options.faults = (struct world_faults){0};
    world_run(world, world->scheduler.now_ms + SETTLE_MS);
    if (world->time.complaint != NULL)
        world_complain(world, world->time.complaint);
    ledger_check(&world->ledger);
    if (world->ledger.complaint != NULL)
        world_complain(world, world->ledger.complaint);
    mark_endings(world);
    if (!world->options.is_durable)
        return;
    world->stats.marks[MARK_EXPIRED] = durable_disk(world->store)->records_deleted;
    world->stats.torn = durable_torn(world->store);
}
