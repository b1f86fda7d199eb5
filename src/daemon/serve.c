// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/serve.h"

#include "base/assert.h"
#include "daemon/banner.h"
#include "daemon/brands.h"
#include "daemon/graph.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum exit_status exit_status_of(enum err err)
{
    static const enum exit_status statuses[ERR_COUNT_] = {
        [ERR_NO_MEMORY] = EXIT_STATUS_OS,       [ERR_BUSY] = EXIT_STATUS_UNAVAILABLE,
        [ERR_TIMEOUT] = EXIT_STATUS_SOFTWARE,   [ERR_IO] = EXIT_STATUS_OS,
        [ERR_IN_USE] = EXIT_STATUS_UNAVAILABLE, [ERR_NOT_FOUND] = EXIT_STATUS_CONFIG,
        [ERR_EXISTS] = EXIT_STATUS_CONFIG,      [ERR_PERMISSION] = EXIT_STATUS_PERMISSION,
        [ERR_INVALID] = EXIT_STATUS_CONFIG,     [ERR_UNFORCED] = EXIT_STATUS_CONFIG,
    };
    ASSERT(err < ERR_COUNT_);
    return statuses[err];
}

enum { SIGNALS_HANDLED = 3 };

struct process {
    struct config *config;
    const struct config_sources *sources;
    struct graph *graph;
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS_HANDLED];
};

// "127.0.0.1:8480" with the port that was really bound.
static void put_listen(const char *configured, const struct http_server *server, struct strbuf *out)
{
    struct span listen = span_of_text(configured);
    size_t colon = listen.len;
    while (colon > 0 && listen.data[colon - 1] != ':')
        colon--;
    strbuf_put(out, span_first(listen, colon));
    strbuf_put_u64(out, http_server_port(server));
}

static void print_banner(const struct process *process, struct span listen, int64_t ready_ms)
{
    uint8_t storage[BANNER_BYTES_MAX];
    struct strbuf text = strbuf_over(storage, sizeof storage);
    struct banner banner = {
        .version = SPAN(OTPD_VERSION),
        .listen = listen,
        .data_dir = span_of_text(process->config->server.data_dir),
        .control = span_of_text(process->graph->control.path),
        .brand = SPAN(DEV_BRAND_NAME),
        .ready_ms = ready_ms,
    };
    banner_write(&banner, &text);
    (void)fwrite(text.data, 1, text.len, stdout);
    (void)fflush(stdout);
}

static void announce_metrics(const struct process *process)
{
    uint8_t storage[CONFIG_LISTEN_BYTES_MAX + 8];
    struct strbuf listen = strbuf_over(storage, sizeof storage);
    const struct http_server *server = process->graph->monitor.server;
    if (server == NULL)
        return;
    put_listen(process->config->server.metrics_listen, server, &listen);
    LOG_EVENT(process->graph->log, LOG_INFO, "metrics.ready",
              log_text("listen", strbuf_span(&listen)));
}

static void announce_providers(const struct process *process)
{
    struct logger *log = process->graph->log;
    const struct config *config = process->config;
    if (config->is_dev && config->providers_held > 0)
        LOG_EVENT(log, LOG_WARNING, "providers.unused",
                  log_text("what", SPAN("--dev: every message goes to the inbox instead")));
    if (config->is_dev)
        return;
    for (size_t i = 0; i < config->providers_held; i++)
        LOG_EVENT(log, LOG_INFO, "provider.ready",
                  log_text("provider", span_of_text(config->providers[i]->name)),
                  log_text("kind", span_of_text(config_provider_kind_name(config->providers[i]))));
    if (config->providers_held == 0)
        LOG_EVENT(log, LOG_WARNING, "channel.none",
                  log_text("what", SPAN("no channel can send: otp/generate answers 1503")));
}

static void warn_without_brands(const struct process *process)
{
    struct brands *brands = process->graph->brands;
    const struct brand_set *set = brands_acquire(brands);
    size_t count = brand_set_count(set);
    brands_release(brands, &set);
    if (count == 0)
        LOG_EVENT(process->graph->log, LOG_WARNING, "brand.none",
                  log_text("what", SPAN("nobody can log in; add one: otpd brand add NAME, or "
                                        "under brands: in the configuration")));
}

static void announce(const struct process *process, struct mono began)
{
    uint8_t storage[CONFIG_LISTEN_BYTES_MAX + 8];
    struct strbuf listen = strbuf_over(storage, sizeof storage);
    struct logger *log = process->graph->log;
    int64_t ready_ms = clock_mono(&process->graph->clock).ms - began.ms;
    put_listen(process->config->server.listen, process->graph->server, &listen);
    announce_metrics(process);
    LOG_EVENT(log, LOG_INFO, "control.listening",
              log_text("path", span_of_text(process->graph->control.path)));
    if (process->config->is_dev)
        print_banner(process, strbuf_span(&listen), ready_ms);
    LOG_EVENT(log, LOG_INFO, "server.ready", log_text("version", SPAN(OTPD_VERSION)),
              log_text("listen", strbuf_span(&listen)), log_number("readyMs", ready_ms));
    if (!process->config->is_dev)
        warn_without_brands(process);
    announce_providers(process);
}

static void log_report(struct logger *log, const struct config_report *report)
{
    for (size_t i = 0; i < report->held; i++)
        LOG_EVENT(log, LOG_ERROR, "config.wrong", log_text("what", span_of_text(report->lines[i])));
}

static void log_restart_options(struct logger *log, const struct config *old,
                                const struct config *fresh)
{
    uint8_t storage[256];
    struct strbuf names = strbuf_over(storage, sizeof storage);
    config_restart_options(old, fresh, &names);
    if (names.len > 0)
        LOG_EVENT(log, LOG_WARNING, "config.needs_restart",
                  log_text("options", strbuf_span(&names)));
}

// What needs a restart stays as it runs, so that the next reload compares with the truth.
static void keep_started_options(const struct config_server *running, struct config_server *fresh)
{
    struct config_server kept = *running;
    kept.log_level = fresh->log_level;
    kept.drain_timeout_seconds = fresh->drain_timeout_seconds;
    *fresh = kept;
}

static void take_over(struct process *process, struct config *fresh)
{
    struct logger *log = process->graph->log;
    struct err_info info = {0};
    enum err err = graph_reload(process->graph, process->config, fresh, &info);
    if (err != ERR_OK) {
        LOG_EVENT(log, LOG_ERROR, "config.not_reloaded", log_text("what", span_of_text(info.text)));
        config_destroy(&fresh);
        return;
    }
    log_restart_options(log, process->config, fresh);
    LOG_EVENT(log, LOG_INFO, "config.reloaded", log_number("brands", (int64_t)fresh->brands_held));
    keep_started_options(&process->config->server, &fresh->server);
    config_keep_providers(process->config, fresh);
    process->graph->config = fresh;
    config_destroy(&process->config);
    process->config = fresh;
}

static void reload(struct process *process)
{
    struct config *fresh = NULL;
    struct config_report *report = malloc(sizeof *report);
    if (report == NULL)
        return;
    if (config_load(process->sources, &fresh, report) == ERR_OK) {
        take_over(process, fresh);
    } else {
        log_report(process->graph->log, report);
        LOG_EVENT(process->graph->log, LOG_ERROR, "config.not_reloaded",
                  log_text("what", SPAN("the running configuration is kept")));
    }
    free(report);
}

static void on_hangup(uv_signal_t *signal, int number)
{
    (void)number;
    reload(signal->data);
}

static void on_stop(uv_signal_t *signal, int number)
{
    struct process *process = signal->data;
    (void)number;
    uv_stop(&process->loop);
}

static void watch_signals(struct process *process)
{
    static const struct {
        int number;
        uv_signal_cb callback;
    } rows[SIGNALS_HANDLED] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_hangup}};
    ASSERT(uv_loop_init(&process->loop) == 0);
    for (size_t i = 0; i < SIGNALS_HANDLED; i++) {
        process->signals[i].data = process;
        ASSERT(uv_signal_init(&process->loop, &process->signals[i]) == 0);
        ASSERT(uv_signal_start(&process->signals[i], rows[i].callback, rows[i].number) == 0);
    }
}

// From now on a second SIGTERM or SIGINT has its default effect.
static void forget_signals(struct process *process)
{
    for (size_t i = 0; i < SIGNALS_HANDLED; i++)
        uv_close((uv_handle_t *)&process->signals[i], NULL);
    (void)uv_run(&process->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&process->loop);
}

static enum exit_status run(struct process *process)
{
    (void)uv_run(&process->loop, UV_RUN_DEFAULT);
    LOG_EVENT(process->graph->log, LOG_INFO, "server.stopping",
              log_number("drainSeconds", process->config->server.drain_timeout_seconds));
    forget_signals(process);
    enum err err = graph_stop(process->graph);
    if (err != ERR_OK) {
        LOG_EVENT(process->graph->log, LOG_ERROR, "server.not_drained",
                  log_text("what", span_of_text(err_text(err))));
        return exit_status_of(err);
    }
    enum exit_status status =
        atomic_load(&process->graph->has_store_failed) ? EXIT_STATUS_OS : EXIT_STATUS_OK;
    if (status != EXIT_STATUS_OK)
        LOG_EVENT(process->graph->log, LOG_ERROR, "server.failed",
                  log_text("what", SPAN("the store cannot be written to; see store.failed")));
    LOG_EVENT(process->graph->log, LOG_INFO, "server.stopped",
              log_number("status", (int64_t)status));
    graph_destroy(&process->graph);
    return status;
}

enum exit_status daemon_serve(struct config *config, const struct config_sources *sources,
                              struct mono began, struct err_info *info)
{
    struct process process = {.config = config, .sources = sources};
    (void)signal(SIGPIPE, SIG_IGN);
    enum err err = graph_create(config, &process.graph, info);
    if (err != ERR_OK) {
        config_destroy(&process.config);
        return exit_status_of(err);
    }
    watch_signals(&process);
    err = graph_start(process.graph, info);
    if (err != ERR_OK)
        return exit_status_of(err);
    info->text[0] = '\0'; // of what was overcome on the way
    announce(&process, began);
    enum exit_status status = run(&process);
    config_destroy(&process.config);
    return status;
}
