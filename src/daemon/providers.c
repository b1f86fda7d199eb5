// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/providers.h"

#include "channel/http_channel.h"
#include "channel/smtp.h"
#include "outbox/courier.h"

// Of all providers at once: each may be a connection with its buffers. Four of them can use their
// whole shares of the courier's places; the lanes of more keep each other short.
#define TRANSFERS_MAX (4 * COURIER_PROVIDER_PLACES)

static enum err create_smtp(struct providers *providers, const struct config_provider *provider,
                            struct provider *out)
{
    return smtp_create(providers->outbound, &provider->smtp, span_of_text(provider->password),
                       &out->channel);
}

static enum err create_http(struct providers *providers, const struct config_provider *provider,
                            struct provider *out)
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
    return http_channel_create(&plan, &transport, TRANSFERS_MAX, &out->channel);
}

static enum err add(struct providers *providers, const struct config_provider *provider)
{
    struct provider *out = &providers->list[providers->held++];
    bool is_smtp = provider->kind == CONFIG_PROVIDER_SMTP;
    out->connections_max =
        is_smtp ? provider->smtp.connections_max : provider->http.connections_max;
    return is_smtp ? create_smtp(providers, provider, out) : create_http(providers, provider, out);
}

void providers_probe(struct providers *providers, size_t index, send_done *on_result, void *ctx)
{
    const struct provider *provider = &providers->list[index];
    if (provider->http != NULL)
        http_channel_probe(provider->channel, on_result, ctx);
    else
        smtp_probe(provider->channel, on_result, ctx);
}

size_t providers_window(const struct providers *providers, size_t index)
{
    size_t connections = providers->list[index].connections_max;
    size_t window = connections + connections / 4 + 1;
    return window < COURIER_PROVIDER_PLACES ? window : COURIER_PROVIDER_PLACES;
}

static void destroy(struct provider *provider)
{
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
        err = add(providers, config->providers[i]);
    if (err != ERR_OK)
        err_info_set(info, "providers: %s", err_text(err));
    return err;
}

void providers_destroy(struct providers *providers)
{
    for (size_t i = 0; i < providers->held; i++)
        destroy(&providers->list[i]);
    providers->held = 0;
    outbound_destroy(&providers->outbound);
}
