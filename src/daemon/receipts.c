// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/receipts.h"

_Static_assert(CONFIG_PROVIDERS_MAX <= RECEIPT_PROVIDERS_MAX, "each provider may report");

static enum err take(void *ctx, const struct receipt_report *report)
{
    return receipts_take(ctx, report);
}

static enum err add_source(struct daemon_receipts *receipts, struct receipt_http_deps *http,
                           const struct config_provider *provider, struct err_info *info)
{
    size_t at = http->sources_held;
    struct span name = span_of_text(provider->name);
    enum err err = config_provider_receive(provider, &receipts->readers[at], info);
    if (err != ERR_OK)
        return err;
    http->sources[at] = (struct receipt_source){name, provider_tag_of(name), receipts->readers[at]};
    http->sources_held++;
    return ERR_OK;
}

// A copy: a reload frees the configuration that the server began with. Returns the part of it that
// is the public URL.
static struct span put_url(struct daemon_receipts *receipts, struct span public_url)
{
    struct strbuf url = strbuf_over(receipts->url, sizeof receipts->url - 1);
    strbuf_put(&url, public_url);
    strbuf_put_text(&url, "/receipts/");
    ASSERT(!url.is_overflowed);
    return span_make(receipts->url, public_url.len);
}

enum err daemon_receipts_create(struct daemon_receipts *out,
                                const struct daemon_receipts_deps *deps, struct err_info *info)
{
    const struct config *config = deps->config;
    struct span public_url = config_public_url(&config->server);
    struct receipt_http_deps http = {
        .index_key = keyring_index(deps->keyring),
        .take = take,
        .ctx = deps->receipts,
        .write_error = deps->write_error,
        .clock = deps->clock,
        .log = deps->log,
        .metrics = deps->metrics,
    };
    enum err err = ERR_OK;
    if (config->is_dev || public_url.len == 0)
        return ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < config->providers_held; i++) {
        const struct config_provider *provider = config->providers[i];
        if (provider->recipe != NULL && recipe_has_reports(provider->recipe))
            err = add_source(out, &http, provider, info);
    }
    if (err == ERR_OK && http.sources_held > 0)
        http.public_url = put_url(out, public_url);
    receipt_http_init(&out->http, &http);
    return err;
}

bool daemon_receipts_are_on(const struct daemon_receipts *receipts)
{
    return receipts->url[0] != '\0';
}

void daemon_receipts_destroy(struct daemon_receipts *receipts)
{
    for (size_t i = 0; i < CONFIG_PROVIDERS_MAX; i++)
        report_reader_destroy(&receipts->readers[i]);
}
