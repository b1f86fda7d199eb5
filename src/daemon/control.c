// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/control.h"

#include "admin/problem.h"
#include "base/assert.h"
#include "channel/http_channel.h"
#include "daemon/brands.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRAIN_MS 1000 // an answer that was begun; nobody waits for more

// Each may hold an import of 1 MiB.
#define CONNECTIONS_MAX 16U

#define ADDRESS_PREFIX "unix:"

enum err control_init(struct control *control, struct err_info *info)
{
    enum err err = ruled_create(&control->ruled);
    if (err != ERR_OK)
        err_info_set(info, "control socket: %s", err_text(err));
    return err;
}

void control_fini(struct control *control)
{
    http_server_destroy(&control->server);
    ruled_destroy(&control->ruled);
}

enum err control_put_brands(struct control *control, struct brands *brands,
                            const struct config *config, struct err_info *info)
{
    struct ruled_table table = {.count = 0};
    enum err err = daemon_brands_ruled(config, &table, info);
    if (err != ERR_OK)
        return err;
    ruled_lock(control->ruled);
    ruled_swap(control->ruled, &table);
    err = daemon_brands_put(brands, config, info);
    if (err != ERR_OK)
        ruled_swap(control->ruled, &table);
    ruled_unlock(control->ruled);
    ruled_table_fini(&table);
    return err;
}

static enum err on_worker(void *ctx, uv_loop_t *loop, struct http_worker_options *out)
{
    struct control *control = ctx;
    (void)loop;
    random_pool_init(&control->pool);
    control->entropy = random_pool_entropy(&control->pool);
    out->router = &control->router;
    out->entropy = &control->entropy;
    return ERR_OK;
}

static void on_worker_stop(void *ctx, void *user)
{
    struct control *control = ctx;
    (void)user;
    random_pool_wipe(&control->pool);
}

static const char *fallback_folder(void)
{
    const char *folder = getenv("XDG_RUNTIME_DIR");
    return folder != NULL && folder[0] == '/' ? folder : "/tmp";
}

static void put_path(const struct config_server *server, struct strbuf *out)
{
    if (server->data_dir[0] != '\0') {
        strbuf_put_text(out, server->data_dir);
        strbuf_put_text(out, "/control.sock");
        return;
    }
    strbuf_put_text(out, fallback_folder());
    strbuf_put_text(out, "/otpd-control-");
    strbuf_put_i64(out, getpid());
    strbuf_put_text(out, ".sock");
}

static enum err make_data_dir(const char *path, struct err_info *info)
{
    if (path[0] == '\0' || mkdir(path, 0700) == 0 || errno == EEXIST)
        return ERR_OK;
    err_info_set(info, "cannot make the data directory %s: %s", path, strerror(errno));
    return ERR_IO;
}

static bool show_tokens(void *ctx, struct span name, struct tokens_page *out)
{
    static const char *const states[] = {
        [TOKEN_STATE_READING] = "reading", [TOKEN_STATE_NONE] = "missing",
        [TOKEN_STATE_READY] = "ready",     [TOKEN_STATE_RENEWING] = "renewing",
        [TOKEN_STATE_SPENT] = "spent",     [TOKEN_STATE_REFUSED] = "refused",
    };
    const struct control *control = ctx;
    const struct provider *provider = providers_find_tokens(control->providers, name);
    struct token_status status;
    if (provider == NULL)
        return false;
    token_vault_status(provider->vault, &status);
    *out = (struct tokens_page){
        .state = states[status.state],
        .needs_person = status.needs_person,
        .access_ends_at_ms = status.access_ends_at_ms,
        .refresh_ends_at_ms = status.refresh_ends_at_ms,
        .words_len = status.words_len,
    };
    memcpy(out->words, status.words, status.words_len);
    return true;
}

static enum err set_tokens(void *ctx, struct span name, struct span refresh)
{
    const struct control *control = ctx;
    const struct provider *provider = providers_find_tokens(control->providers, name);
    if (provider == NULL)
        return ERR_NOT_FOUND;
    return token_vault_set(provider->vault, refresh, clock_wall_ms(&control->clock),
                           recipe_plan_refresh_ms(http_channel_plan(provider->channel)));
}

_Static_assert(TOKENS_PROBE_WORDS_BYTES_MAX == PROBE_WORDS_BYTES_MAX, "one bound");

static bool probe_provider(void *ctx, struct span name, struct tokens_probe_page *out)
{
    const struct control *control = ctx;
    const struct provider *provider = providers_find_tokens(control->providers, name);
    struct probe_answer answer;
    if (provider == NULL)
        return false;
    probe_desk_ask(control->providers->desk, provider->channel, &answer);
    *out = (struct tokens_probe_page){
        .is_ready = answer.outcome == SEND_ACCEPTED,
        .reason = send_reason_name(answer.reason),
        .words_len = answer.words_len,
    };
    memcpy(out->words, answer.words, answer.words_len);
    return true;
}

static struct span advice_of(void *ctx, struct span provider, enum send_reason reason)
{
    const struct control *control = ctx;
    for (size_t i = 0; i < control->configured_held; i++) {
        const struct config_provider *each = control->configured[i];
        if (each->recipe != NULL && span_eq(span_of_text(each->name), provider))
            return recipe_advice(each->recipe, reason);
    }
    return span_make(NULL, 0);
}

// Providers stay as they were at the start, over reloads too.
static void make_outbox(struct control *control, const struct control_deps *deps)
{
    control->configured_held = deps->config->providers_held;
    for (size_t i = 0; i < control->configured_held; i++)
        control->configured[i] = deps->config->providers[i];
    control->outbox.history = (struct history){
        .store = deps->store,
        .keyring = deps->keyring,
        .routes = deps->ways,
        .advice = advice_of,
        .ctx = control,
    };
    control->outbox.brands = deps->brands;
    control->outbox.log = deps->log;
}

static void make_routes(struct control *control, const struct control_deps *deps)
{
    struct http_route *rest = control->routes + BRANDS_ROUTES_COUNT;
    control->brands.brands = deps->brands;
    control->brands.ruled = control->ruled;
    control->brands.log = deps->log;
    brands_routes(&control->brands, control->routes);
    make_outbox(control, deps);
    outbox_routes(&control->outbox, rest);
    rest += OUTBOX_ROUTES_COUNT;
    memcpy(rest, deps->monitor->routes, sizeof deps->monitor->routes);
    control->providers = deps->providers;
    control->clock = deps->clock;
    control->tokens = (struct tokens_http){.show = show_tokens,
                                           .set = set_tokens,
                                           .probe = probe_provider,
                                           .ctx = control,
                                           .log = deps->log};
    tokens_routes(&control->tokens, rest + MONITOR_ROUTES_COUNT);
    control->router = (struct http_router){.routes = control->routes,
                                           .count = CONTROL_ROUTES_COUNT,
                                           .write_error = problem_put_status};
}

static enum err create_server(struct control *control, struct span address, struct clock clock,
                              struct err_info *info)
{
    struct http_limits limits = http_limits_default;
    limits.body_bytes_max = BRANDS_BODY_BYTES_MAX;
    limits.conns_max = CONNECTIONS_MAX;
    const struct http_server_options options = {
        .address = address,
        .loops_count = 1,
        .limits = &limits,
        .clock = clock,
        .on_worker = on_worker,
        .on_worker_stop = on_worker_stop,
        .ctx = control,
    };
    enum err err = http_server_create(&options, &control->server, info);
    if (err != ERR_OK)
        err_info_wrap(info, "control socket");
    return err;
}

enum err control_listen(struct control *control, const struct control_deps *deps,
                        struct err_info *info)
{
    char storage[sizeof ADDRESS_PREFIX + CONFIG_PATH_BYTES_MAX + 64];
    struct strbuf address = strbuf_over(storage, sizeof storage);
    struct strbuf path = strbuf_over(control->path, sizeof control->path - 1);
    const struct config_server *server = &deps->config->server;
    strbuf_put_text(&address, ADDRESS_PREFIX);
    put_path(server, &address);
    make_routes(control, deps);
    enum err err = make_data_dir(server->data_dir, info);
    if (err == ERR_OK)
        err = create_server(control, strbuf_span(&address), deps->clock, info);
    if (err != ERR_OK)
        return err;
    put_path(server, &path);
    ASSERT(!path.is_overflowed);
    return ERR_OK;
}

enum err control_stop(struct control *control)
{
    if (control->server == NULL)
        return ERR_OK;
    http_server_drain(control->server, DRAIN_MS);
    return http_server_join(control->server);
}
