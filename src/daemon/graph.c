// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/graph.h"

#include "base/assert.h"
#include "daemon/brands.h"
#include "daemon/dev.h"
#include "daemon/keys.h"
#include "daemon/store.h"

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

static enum err create_store(struct graph *graph, struct err_info *info)
{
    struct daemon_store_deps deps = {
        .config = graph->config,
        .keyring = graph->keyring,
        .clock = graph->clock,
        .notices = {.on_entries = on_entries, .ctx = graph},
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
    return control_put_brands(&graph->control, graph->brands, graph->config, info);
}

static enum err create_channels(struct graph *graph, struct err_info *info)
{
    const struct config *config = graph->config;
    if (!config->is_dev)
        return providers_create(&graph->providers, config, &graph->clock, graph->channels, info);
    enum err err = dev_create(graph, info);
    for (int kind = 0; kind < CHANNEL_COUNT_; kind++)
        graph->channels[kind] = graph->capture;
    return err;
}

static uint8_t channels_mask(const struct graph *graph)
{
    unsigned mask = 0;
    for (unsigned kind = 0; kind < CHANNEL_COUNT_; kind++)
        mask |= graph->channels[kind] != NULL ? 1U << kind : 0;
    return (uint8_t)mask;
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
        .channels_mask = channels_mask(graph),
    };
    service_init(&graph->service, &deps);
    api_init(&graph->api, &graph->service);
    monitor_watch(&graph->monitor, graph->store, &graph->service);
    return ERR_OK;
}

static bool find_brand(void *ctx, uint64_t brand_id, enum channel_kind kind,
                       struct courier_brand *out)
{
    struct graph *graph = ctx;
    const struct brand_set *set = brands_acquire(graph->brands);
    const struct brand *brand = brand_set_find_id(set, brand_id);
    if (brand == NULL) {
        brands_release(graph->brands, &set);
        return false;
    }
    *out = (struct courier_brand){brand->name, &brand->templates[kind], set};
    return true;
}

static void release_brand(void *ctx, struct courier_brand *brand)
{
    struct graph *graph = ctx;
    const struct brand_set *set = brand->held;
    brands_release(graph->brands, &set);
}

static void name_providers(const struct config *config, struct span names_out[CHANNEL_COUNT_])
{
    for (size_t i = 0; i < config->providers_held; i++) {
        const struct config_provider *provider = config->providers[i];
        for (unsigned kind = 0; kind < CHANNEL_COUNT_; kind++) {
            if ((provider->channels >> kind & 1U) != 0)
                names_out[kind] = span_of_text(provider->name);
        }
    }
}

static enum err create_courier(struct graph *graph, struct err_info *info)
{
    random_pool_init(&graph->courier_pool);
    struct courier_deps deps = {
        .store = graph->store,
        .keyring = graph->keyring,
        .directory = {.find = find_brand, .release = release_brand, .ctx = graph},
        .clock = graph->clock,
        .entropy = random_pool_entropy(&graph->courier_pool),
        .log = graph->log,
        .metrics = graph->monitor.metrics,
    };
    memcpy(deps.channels, graph->channels, sizeof deps.channels);
    if (!graph->config->is_dev)
        name_providers(graph->config, deps.providers);
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
        .ctx = graph,
    };
    struct span proxies = span_of_text(graph->config->server.trusted_proxies);
    enum err err = ip_ranges_parse(proxies, &graph->trusted_proxies, info);
    return err == ERR_OK ? http_server_create(&options, &graph->server, info) : err;
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
        .brands = graph->brands,
        .log = graph->log,
        .monitor = &graph->monitor,
        .clock = graph->clock,
    };
    return control_listen(&graph->control, &deps, info);
}

typedef enum err create_step(struct graph *graph, struct err_info *info);

static create_step *const steps[] = {
    create_monitor,  create_logger,         create_keyring, create_store,   create_brands,
    create_channels, create_decryptor,      create_service, create_courier, create_router,
    create_server,   create_metrics_server, create_control,
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
    enum err err =
        courier_thread_start(graph->courier, graph->store, graph->providers.outbound, &thread);
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
    err = monitor_stop(&graph->monitor);
    return err == ERR_OK ? control_stop(&graph->control) : err;
}

void graph_destroy(struct graph **out)
{
    struct graph *graph = *out;
    control_fini(&graph->control);
    stop_courier(graph);
    decryptor_destroy(&graph->decryptor); // as the store's
    store_destroy(&graph->store);         // its thread may still be handing an answer to a loop
    http_server_destroy(&graph->server);
    http_server_destroy(&graph->monitor.server);
    courier_destroy(&graph->courier);
    if (graph->capture != NULL)
        graph->capture->ops->destroy(graph->capture);
    providers_destroy(&graph->providers);
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
    logger_set_level(graph->log, (enum log_level)fresh->server.log_level);
    monitor_note_reload(&graph->monitor, &graph->clock);
    return ERR_OK;
}
