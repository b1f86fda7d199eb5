// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/graph.h"

#include "base/assert.h"
#include "daemon/brands.h"
#include "daemon/dev.h"
#include "daemon/keys.h"
#include "daemon/store.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOPS_AUTOMATIC_MAX 4U

_Static_assert(GRAPH_ROUTES_MAX <= METRICS_ROUTES_MAX, "each route is counted");

static enum err create_monitor(struct graph *graph, struct err_info *info)
{
    enum err err = monitor_init(&graph->monitor, &graph->clock);
    if (err != ERR_OK)
        err_info_set(info, "metrics: %s", err_text(err));
    return err;
}

static enum err create_logger(struct graph *graph, struct err_info *info)
{
    const struct config_server *server = &graph->config->server;
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    bool is_text = server->log_format == CONFIG_LOG_TEXT ||
                   (server->log_format == CONFIG_LOG_AUTO && is_terminal);
    struct logger_options options = {
        .descriptor = STDERR_FILENO,
        .format = is_text ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON,
        .least = (enum log_level)server->log_level,
        .has_color = is_terminal && getenv("NO_COLOR") == NULL,
        .is_threaded = true,
        .clock = graph->clock,
    };
    enum err err = logger_create(&options, &graph->log);
    if (err != ERR_OK)
        err_info_set(info, "log: %s", err_text(err));
    return err;
}

static enum err create_keyring(struct graph *graph, struct err_info *info)
{
    return daemon_keys_open(graph->config, &graph->keyring, info);
}

// The store is made before the courier that it tells of new entries.
static void on_entries(void *ctx)
{
    struct graph *graph = ctx;
    struct courier_thread *thread =
        atomic_load_explicit(&graph->courier_thread, memory_order_acquire);
    if (thread != NULL)
        courier_thread_notify(thread);
}

// The answers to a batch of ops: each loop is woken once for all of its own.
static void on_done(void *ctx)
{
    struct graph *graph = ctx;
    struct http_server *server = atomic_load_explicit(&graph->answering, memory_order_acquire);
    if (server != NULL)
        http_server_wake(server);
}

// A store that has failed is at its end, and so is the server: whoever starts it again begins from
// what is on the disk. It ends as on SIGTERM, but with another status.
static void on_failed(void *ctx)
{
    struct graph *graph = ctx;
    atomic_store(&graph->has_store_failed, true);
    (void)kill(getpid(), SIGTERM);
}

static enum err create_store(struct graph *graph, struct err_info *info)
{
    struct daemon_store_deps deps = {
        .config = graph->config,
        .keyring = graph->keyring,
        .clock = graph->clock,
        .notices = {.on_entries = on_entries,
                    .on_done = on_done,
                    .on_failed = on_failed,
                    .ctx = graph},
        .log = graph->log,
        .metrics = graph->monitor.metrics,
    };
    return daemon_store_open(&deps, &graph->store, info);
}

static enum err create_brands(struct graph *graph, struct err_info *info)
{
    enum err err =
        brands_create(graph->store, keyring_wrap(graph->keyring), &graph->entropy, &graph->brands);
    if (err != ERR_OK) {
        err_info_set(info, "brands: %s", err_text(err));
        return err;
    }
    err = brands_reload(graph->brands, info); // what an earlier run has left
    if (err == ERR_OK)
        err = control_init(&graph->control, info);
    if (err != ERR_OK)
        return err;
    err = control_put_brands(&graph->control, graph->brands, graph->config, info);
    if (err == ERR_OK)
        daemon_brands_lint(graph->log, graph->brands);
    return err;
}

static enum err create_channels(struct graph *graph, struct err_info *info)
{
    const struct config *config = graph->config;
    graph->providers.keeping = (struct providers_keeping){
        .store = graph->store,
        .wrap_key = keyring_wrap(graph->keyring),
        .entropy = &graph->entropy,
        .log = graph->log,
        .metrics = graph->monitor.metrics,
    };
    if (!config->is_dev)
        return providers_create(&graph->providers, config, &graph->clock, info);
    return dev_create(graph, info);
}

static enum err create_routes(struct graph *graph, struct err_info *info)
{
    struct span names[ROUTES_PROVIDERS_MAX];
    enum err err = daemon_routes_create(graph->config, &graph->ways, info);
    if (err != ERR_OK)
        return err;
    size_t count = routes_providers(graph->ways);
    for (size_t i = 0; i < count; i++)
        names[i] = routes_name(graph->ways, routes_tag(graph->ways, i));
    metrics_name_providers(graph->monitor.metrics, names, count);
    return ERR_OK;
}

// Half of the cores at most: what strangers send to be decrypted never takes all of them.
static unsigned decryptor_threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = cores > 3 ? (unsigned)cores / 2 : 1;
    return threads < DECRYPTOR_THREADS_MAX ? threads : DECRYPTOR_THREADS_MAX;
}

static enum err create_decryptor(struct graph *graph, struct err_info *info)
{
    enum err err = decryptor_create(decryptor_threads(), &graph->decryptor);
    if (err != ERR_OK)
        err_info_set(info, "threads for decryption: %s", err_text(err));
    return err;
}

static enum err create_service(struct graph *graph, struct err_info *info)
{
    (void)info;
    struct service_deps deps = {
        .store = graph->store,
        .keyring = graph->keyring,
        .brands = graph->brands,
        .decryptor = graph->decryptor,
        .log = graph->log,
        .metrics = graph->monitor.metrics,
        .routes = graph->ways,
    };
    service_init(&graph->service, &deps);
    api_init(&graph->api, &graph->service);
    const struct monitor_watched watched = {graph->store, &graph->service, graph->ways};
    monitor_watch(&graph->monitor, &watched);
    return ERR_OK;
}

static bool find_brand(void *ctx, uint64_t brand_id, const struct courier_wish *wish,
                       struct courier_brand *out)
{
    struct graph *graph = ctx;
    const struct brand_set *set = brands_acquire(graph->brands);
    const struct brand *brand = brand_set_find_id(set, brand_id);
    if (brand == NULL) {
        brands_release(graph->brands, &set);
        return false;
    }
    *out = (struct courier_brand){.name = brand->name, .held = set};
    brand_wording(brand, wish->kind, wish->language, &out->wording);
    return true;
}

static void release_brand(void *ctx, struct courier_brand *brand)
{
    struct graph *graph = ctx;
    const struct brand_set *set = brand->held;
    brands_release(graph->brands, &set);
}

static enum err create_receipts(struct graph *graph, struct err_info *info)
{
    const struct receipts_deps deps = {
        .store = graph->store,
        .keyring = graph->keyring,
        .routes = graph->ways,
        .clock = graph->clock,
        .log = graph->log,
        .metrics = graph->monitor.metrics,
    };
    enum err err = receipts_create(&deps, &graph->receipts);
    if (err != ERR_OK) {
        err_info_set(info, "receipts: %s", err_text(err));
        return err;
    }
    const struct daemon_receipts_deps reports = {
        .config = graph->config,
        .keyring = graph->keyring,
        .receipts = graph->receipts,
        .write_error = api_write_error,
        .clock = graph->clock,
        .log = graph->log,
        .metrics = graph->monitor.metrics,
    };
    return daemon_receipts_create(&graph->reports, &reports, info);
}

static enum err create_courier(struct graph *graph, struct err_info *info)
{
    random_pool_init(&graph->courier_pool);
    struct courier_deps deps = {
        .store = graph->store,
        .keyring = graph->keyring,
        .directory = {.find = find_brand, .release = release_brand, .ctx = graph},
        .routes = graph->ways,
        .receipts_url = span_of_text(graph->reports.url),
        .clock = graph->clock,
        .entropy = random_pool_entropy(&graph->courier_pool),
        .log = graph->log,
        .metrics = graph->monitor.metrics,
    };
    for (size_t i = 0; i < routes_providers(graph->ways); i++) {
        bool is_dev = graph->capture != NULL;
        deps.channels[i] = is_dev ? graph->capture : graph->providers.list[i].channel;
        deps.windows[i] = is_dev ? 0 : providers_window(&graph->providers, i);
    }
    enum err err = courier_create(&deps, &graph->courier);
    if (err != ERR_OK)
        err_info_set(info, "courier: %s", err_text(err));
    return err;
}

static bool has_metrics_listener(const struct graph *graph)
{
    return graph->config->server.metrics_listen[0] != '\0';
}

static enum err create_router(struct graph *graph, struct err_info *info)
{
    (void)info;
    size_t count = API_ROUTES;
    api_routes(&graph->api, graph->routes);
    if (graph->inbox != NULL) {
        inbox_routes(&graph->inbox_http, graph->routes + count);
        count += INBOX_ROUTES_COUNT;
    }
    if (daemon_receipts_are_on(&graph->reports)) {
        receipt_http_routes(&graph->reports.http, graph->routes + count);
        count += RECEIPT_ROUTES_COUNT;
    }
    if (!has_metrics_listener(graph)) {
        memcpy(graph->routes + count, graph->monitor.routes, sizeof graph->monitor.routes);
        count += MONITOR_ROUTES_COUNT;
    }
    graph->router = (struct http_router){
        .routes = graph->routes, .count = count, .write_error = api_write_error};
    metrics_http_name_routes(graph->monitor.metrics, &graph->router);
    return ERR_OK;
}

static enum err on_worker(void *ctx, uv_loop_t *loop, struct http_worker_options *out)
{
    struct graph *graph = ctx;
    struct graph_loop *own = &graph->loops[graph->loops_held];
    (void)loop;
    random_pool_init(&own->pool);
    own->entropy = random_pool_entropy(&own->pool);
    enum err err = api_worker_init(&own->api, own->entropy, graph->clock);
    if (err != ERR_OK)
        return err;
    graph->loops_held++;
    out->router = &graph->router;
    out->entropy = &own->entropy;
    out->user = own;
    out->metrics = graph->monitor.metrics;
    out->log = graph->log;
    out->trusted_proxies = &graph->trusted_proxies;
    return ERR_OK;
}

static void on_worker_stop(void *ctx, void *user)
{
    struct graph_loop *own = user;
    (void)ctx;
    api_worker_fini(&own->api);
    random_pool_wipe(&own->pool);
}

// What the requests of one turn ask of the store shares a commit.
static void on_turn(void *ctx)
{
    struct graph *graph = ctx;
    if (graph->store != NULL) // a server that was never started ends after its store
        store_wake(graph->store);
}

static size_t loops_count(const struct config *config)
{
    if (config->server.loops > 0)
        return config->server.loops;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t loops = cores > 2 ? (size_t)cores - 1 : 1;
    return loops < LOOPS_AUTOMATIC_MAX ? loops : LOOPS_AUTOMATIC_MAX;
}

static struct http_limits limits_of(const struct config_server *server)
{
    struct http_limits limits = http_limits_default;
    limits.head_ms_max = server->head_timeout_ms;
    limits.body_ms_max = server->body_timeout_ms;
    limits.idle_ms_max = server->idle_timeout_ms;
    limits.write_ms_max = server->write_timeout_ms;
    limits.conns_max = server->connections_max;
    return limits;
}

static enum err create_server(struct graph *graph, struct err_info *info)
{
    struct http_limits limits = limits_of(&graph->config->server);
    struct http_server_options options = {
        .address = span_of_text(graph->config->server.listen),
        .loops_count = loops_count(graph->config),
        .limits = &limits,
        .clock = graph->clock,
        .on_worker = on_worker,
        .on_worker_stop = on_worker_stop,
        .on_turn = on_turn,
        .ctx = graph,
    };
    struct span proxies = span_of_text(graph->config->server.trusted_proxies);
    enum err err = ip_ranges_parse(proxies, &graph->trusted_proxies, info);
    if (err == ERR_OK)
        err = http_server_create(&options, &graph->server, info);
    atomic_store_explicit(&graph->answering, graph->server, memory_order_release);
    return err;
}

static enum err create_metrics_server(struct graph *graph, struct err_info *info)
{
    struct http_limits limits = limits_of(&graph->config->server);
    struct span address = span_of_text(graph->config->server.metrics_listen);
    if (!has_metrics_listener(graph))
        return ERR_OK;
    return monitor_listen(&graph->monitor, address, &limits, graph->clock, info);
}

static enum err create_control(struct graph *graph, struct err_info *info)
{
    const struct control_deps deps = {
        .config = graph->config,
        .store = graph->store,
        .keyring = graph->keyring,
        .ways = graph->ways,
        .brands = graph->brands,
        .providers = &graph->providers,
        .log = graph->log,
        .monitor = &graph->monitor,
        .clock = graph->clock,
    };
    return control_listen(&graph->control, &deps, info);
}

typedef enum err create_step(struct graph *graph, struct err_info *info);

static create_step *const steps[] = {
    create_monitor,  create_logger, create_keyring,   create_store,          create_brands,
    create_channels, create_routes, create_decryptor, create_service,        create_receipts,
    create_courier,  create_router, create_server,    create_metrics_server, create_control,
};

enum err graph_create(const struct config *config, struct graph **out, struct err_info *info)
{
    struct graph *graph = calloc(1, sizeof *graph);
    if (graph == NULL)
        return ERR_NO_MEMORY;
    graph->config = config;
    graph->clock = clock_system();
    graph->entropy = entropy_system();
    enum err err = crypto_init();
    if (err != ERR_OK)
        err_info_set(info, "cryptography: %s", err_text(err));
    for (size_t i = 0; err == ERR_OK && i < sizeof steps / sizeof steps[0]; i++)
        err = steps[i](graph, info);
    *out = graph;
    if (err != ERR_OK)
        graph_destroy(out);
    return err;
}

enum err graph_start(struct graph *graph, struct err_info *info)
{
    struct courier_thread *thread = NULL;
    const struct courier_thread_parts parts = {
        .courier = graph->courier,
        .outbound = graph->providers.outbound,
        .receipts = graph->receipts,
    };
    enum err err = courier_thread_start(&parts, &thread);
    atomic_store_explicit(&graph->courier_thread, thread, memory_order_release);
    if (err == ERR_OK)
        err = http_server_start(graph->server);
    if (err == ERR_OK && graph->monitor.server != NULL)
        err = http_server_start(graph->monitor.server);
    if (err == ERR_OK)
        err = http_server_start(graph->control.server);
    if (err != ERR_OK)
        err_info_set(info, "start: %s", err_text(err));
    return err;
}

static void stop_courier(struct graph *graph)
{
    struct courier_thread *thread = atomic_load(&graph->courier_thread);
    if (thread == NULL)
        return;
    courier_thread_stop(&thread);
    atomic_store(&graph->courier_thread, NULL);
}

enum err graph_stop(struct graph *graph)
{
    int64_t drain_ms = (int64_t)graph->config->server.drain_timeout_seconds * 1000;
    atomic_store(&graph->monitor.is_draining, true);
    if (graph->inbox != NULL)
        inbox_end_waits(graph->inbox);
    http_server_drain(graph->server, drain_ms);
    enum err err = http_server_join(graph->server);
    if (err != ERR_OK)
        return err;
    stop_courier(graph);
    providers_stop(&graph->providers);
    err = monitor_stop(&graph->monitor);
    return err == ERR_OK ? control_stop(&graph->control) : err;
}

void graph_destroy(struct graph **out)
{
    struct graph *graph = *out;
    control_fini(&graph->control);
    stop_courier(graph);
    providers_stop(&graph->providers);
    decryptor_destroy(&graph->decryptor); // as the store's
    store_destroy(&graph->store);         // its thread may still be handing an answer to a loop
    http_server_destroy(&graph->server);
    http_server_destroy(&graph->monitor.server);
    courier_destroy(&graph->courier);
    daemon_receipts_destroy(&graph->reports);
    receipts_destroy(&graph->receipts);
    if (graph->capture != NULL)
        graph->capture->ops->destroy(graph->capture);
    providers_destroy(&graph->providers);
    routes_destroy(&graph->ways);
    inbox_destroy(&graph->inbox);
    brands_destroy(&graph->brands);
    keyring_destroy(&graph->keyring);
    logger_destroy(&graph->log);
    monitor_fini(&graph->monitor);
    free(graph);
    *out = NULL;
}

enum err graph_reload(struct graph *graph, const struct config *old, const struct config *fresh,
                      struct err_info *info)
{
    enum err err = control_put_brands(&graph->control, graph->brands, fresh, info);
    if (err != ERR_OK)
        return err;
    daemon_brands_log_freed(graph->log, old, fresh);
    daemon_brands_lint(graph->log, graph->brands);
    logger_set_level(graph->log, (enum log_level)fresh->server.log_level);
    monitor_note_reload(&graph->monitor, &graph->clock);
    return ERR_OK;
}
