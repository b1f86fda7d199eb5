// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/monitor.h"

#include "api/status.h"
#include "outbox/due.h"

#define DRAIN_MS 1000 // an answer that was begun; nobody waits for more

static int64_t late_ms(const struct monitor *monitor, const struct store_claim *claim)
{
    struct store *store = monitor->watched.store;
    return due_late_ms(store_next_due_ms(store, claim), store_now_ms(store));
}

static int64_t latest_ms(const struct monitor *monitor)
{
    const struct store_claim claim = {.busy_count = 0};
    return late_ms(monitor, &claim);
}

// Of that provider alone.
static int64_t late_for_ms(const struct monitor *monitor, size_t provider)
{
    const struct routes *routes = monitor->watched.routes;
    provider_tag others[ROUTES_PROVIDERS_MAX];
    struct store_claim claim = {.busy = others};
    for (size_t i = 0; i < routes_providers(routes); i++) {
        if (i != provider)
            others[claim.busy_count++] = routes_tag(routes, i);
    }
    return late_ms(monitor, &claim);
}

static bool is_serving(void *ctx)
{
    const struct monitor *monitor = ctx;
    return !atomic_load(&monitor->is_draining);
}

static bool is_store_ok(void *ctx)
{
    const struct monitor *monitor = ctx;
    return !service_is_store_failing(monitor->watched.service);
}

static bool is_outbox_ok(void *ctx)
{
    return latest_ms(ctx) <= DUE_STUCK_MS;
}

static void measure(void *ctx)
{
    const struct monitor *monitor = ctx;
    struct metrics *metrics = monitor->metrics;
    metrics_set(metrics, METRIC_OUTBOX_MESSAGES, (int64_t)store_entries(monitor->watched.store));
    metrics_set(metrics, METRIC_OUTBOX_OLDEST_AGE_MS, latest_ms(monitor));
    for (size_t i = 0; i < routes_providers(monitor->watched.routes); i++)
        metrics_set_provider(metrics, i, METRIC_PROVIDER_OLDEST_AGE_MS, late_for_ms(monitor, i));
}

void monitor_note_reload(struct monitor *monitor, const struct clock *clock)
{
    metrics_set(monitor->metrics, METRIC_RELOADED_AT_MS, clock_wall_ms(clock));
}

enum err monitor_init(struct monitor *monitor, const struct clock *clock)
{
    const struct metrics_options options = {SPAN(OTPD_VERSION), clock_system_ns};
    enum err err = metrics_create(&options, &monitor->metrics);
    if (err != ERR_OK)
        return err;
    metrics_set(monitor->metrics, METRIC_STARTED_AT_MS, clock_wall_ms(clock));
    monitor_note_reload(monitor, clock);
    monitor->checks[0] = (struct health_check){SPAN("serving"), is_serving, monitor};
    monitor->checks[1] = (struct health_check){SPAN("store"), is_store_ok, monitor};
    monitor->checks[2] = (struct health_check){SPAN("outbox"), is_outbox_ok, monitor};
    monitor->health = (struct health){monitor->checks, MONITOR_CHECKS_COUNT};
    monitor->page = (struct metrics_http){monitor->metrics, measure, monitor};
    health_routes(&monitor->health, monitor->routes);
    monitor->routes[HEALTH_ROUTES_COUNT] = metrics_http_route(&monitor->page);
    return ERR_OK;
}

void monitor_watch(struct monitor *monitor, const struct monitor_watched *watched)
{
    monitor->watched = *watched;
}

void monitor_fini(struct monitor *monitor)
{
    http_server_destroy(&monitor->server);
    metrics_destroy(&monitor->metrics);
}

static enum err on_worker(void *ctx, uv_loop_t *loop, struct http_worker_options *out)
{
    struct monitor *monitor = ctx;
    (void)loop;
    random_pool_init(&monitor->pool);
    monitor->entropy = random_pool_entropy(&monitor->pool);
    out->router = &monitor->router;
    out->entropy = &monitor->entropy;
    return ERR_OK;
}

static void on_worker_stop(void *ctx, void *user)
{
    struct monitor *monitor = ctx;
    (void)user;
    random_pool_wipe(&monitor->pool);
}

enum err monitor_listen(struct monitor *monitor, struct span address,
                        const struct http_limits *limits, struct clock clock, struct err_info *info)
{
    monitor->router = (struct http_router){
        .routes = monitor->routes, .count = MONITOR_ROUTES_COUNT, .write_error = api_write_error};
    const struct http_server_options options = {
        .address = address,
        .loops_count = 1,
        .limits = limits,
        .clock = clock,
        .on_worker = on_worker,
        .on_worker_stop = on_worker_stop,
        .ctx = monitor,
    };
    return http_server_create(&options, &monitor->server, info);
}

enum err monitor_stop(struct monitor *monitor)
{
    if (monitor->server == NULL)
        return ERR_OK;
    http_server_drain(monitor->server, DRAIN_MS);
    return http_server_join(monitor->server);
}
