// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/providers.h"

#include "channel/http_channel.h"
#include "channel/smtp.h"
#include "outbox/courier.h"
#include "telemetry/metrics.h"

// Of all providers at once: each may be a connection with its buffers. Four of them can use their
// whole shares of the courier's places; the lanes of more keep each other short.
#define TRANSFERS_MAX (4 * COURIER_PROVIDER_PLACES)

static enum err create_smtp(struct providers *providers, const struct config_provider *provider,
                            struct provider *out)
{
    return smtp_create(providers->outbound, &provider->smtp, span_of_text(provider->password),
                       &out->channel);
}

_Static_assert(CONFIG_ROTATING_NAME_BYTES_MAX == PROVIDER_TOKENS_NAME_BYTES_MAX, "one bound");

static void on_token_status(void *ctx)
{
    const struct providers *providers = ctx;
    int64_t count = 0;
    for (size_t i = 0; i < providers->held; i++) {
        struct token_status status;
        if (providers->list[i].vault == NULL)
            continue;
        token_vault_status(providers->list[i].vault, &status);
        count += status.needs_person ? 1 : 0;
    }
    metrics_set(providers->keeping.metrics, METRIC_TOKENS_TO_MEND, count);
}

static enum err keep_tokens(struct providers *providers, const struct clock *clock,
                            struct provider *out)
{
    const struct providers_keeping *keeping = &providers->keeping;
    const struct provider_tokens tokens = {keeping->store, keeping->wrap_key, keeping->entropy,
                                           out->name};
    const struct recipe_plan *plan = http_channel_plan(out->channel);
    if (keeping->store == NULL || !recipe_plan_is_rotating(plan))
        return ERR_OK;
    enum err err = token_vault_create(&tokens, on_token_status, providers, &out->vault);
    if (err == ERR_OK && providers->desk == NULL)
        err = probe_desk_create(providers->outbound, clock, keeping->entropy, &providers->desk);
    if (err != ERR_OK)
        return err;
    const struct token_source_deps deps = {
        .outbound = providers->outbound,
        .clock = *clock,
        .plan = plan,
        .transport = http_curl_transport(out->http),
        .port = token_vault_port(out->vault),
        .name = out->name,
        .log = keeping->log,
    };
    err = token_source_create(&deps, &out->tokens);
    if (err == ERR_OK)
        http_channel_set_tokens(out->channel, out->tokens);
    return err;
}

static enum err create_http(struct providers *providers, const struct config_provider *provider,
                            const struct clock *clock, struct provider *out)
{
    struct err_info info;
    struct recipe_plan *plan = NULL;
    const struct http_settings *http = &provider->http;
    const struct http_curl_settings settings = {
        .ca_file = http->ca_file[0] != '\0' ? http->ca_file : NULL,
        .connections_max = http->connections_max,
        .timeout_ms = http->timeout_ms,
        .may_use_private = http->may_use_private,
    };
    enum err err = config_provider_bind(provider, &plan, &info);
    if (err == ERR_OK)
        err = http_curl_create(providers->outbound, &settings, &out->http);
    if (err != ERR_OK) {
        recipe_plan_destroy(&plan);
        return err;
    }
    const struct http_transport transport = http_curl_transport(out->http);
    err = http_channel_create(&plan, &transport, TRANSFERS_MAX, &out->channel);
    return err == ERR_OK ? keep_tokens(providers, clock, out) : err;
}

static enum err add(struct providers *providers, const struct config_provider *provider,
                    const struct clock *clock)
{
    struct provider *out = &providers->list[providers->held++];
    bool is_smtp = provider->kind == CONFIG_PROVIDER_SMTP;
    out->name = span_of_text(provider->name);
    out->connections_max =
        is_smtp ? provider->smtp.connections_max : provider->http.connections_max;
    return is_smtp ? create_smtp(providers, provider, out)
                   : create_http(providers, provider, clock, out);
}

void providers_probe(struct providers *providers, size_t index, const struct provider_probe *probe,
                     send_done *on_result, void *ctx)
{
    const struct provider *provider = &providers->list[index];
    if (provider->http != NULL)
        http_channel_probe(provider->channel, probe->id, probe->now_ms, on_result, ctx);
    else
        smtp_probe(provider->channel, on_result, ctx);
}

const struct provider *providers_find_tokens(const struct providers *providers, struct span name)
{
    for (size_t i = 0; i < providers->held; i++) {
        const struct provider *provider = &providers->list[i];
        if (provider->tokens != NULL && span_eq(provider->name, name))
            return provider;
    }
    return NULL;
}

void providers_stop(struct providers *providers)
{
    if (providers->desk != NULL)
        probe_desk_stop(providers->desk);
    for (size_t i = 0; i < providers->held; i++) {
        if (providers->list[i].vault != NULL)
            token_vault_stop(providers->list[i].vault);
    }
}

size_t providers_window(const struct providers *providers, size_t index)
{
    size_t connections = providers->list[index].connections_max;
    size_t window = connections + connections / 4 + 1;
    return window < COURIER_PROVIDER_PLACES ? window : COURIER_PROVIDER_PLACES;
}

static void destroy(struct provider *provider)
{
    token_source_destroy(&provider->tokens);
    token_vault_destroy(&provider->vault);
    if (provider->channel != NULL)
        provider->channel->ops->destroy(provider->channel);
    provider->channel = NULL;
    http_curl_destroy(&provider->http);
}

enum err providers_create(struct providers *providers, const struct config *config,
                          const struct clock *clock, struct err_info *info)
{
    enum err err = ERR_OK;
    if (config->providers_held > 0)
        err = outbound_create(clock, TRANSFERS_MAX, &providers->outbound);
    for (size_t i = 0; err == ERR_OK && i < config->providers_held; i++)
        err = add(providers, config->providers[i], clock);
    if (err != ERR_OK)
        err_info_set(info, "providers: %s", err_text(err));
    return err;
}

void providers_destroy(struct providers *providers)
{
    for (size_t i = 0; i < providers->held; i++)
        destroy(&providers->list[i]);
    providers->held = 0;
    probe_desk_destroy(&providers->desk);
    outbound_destroy(&providers->outbound);
}
