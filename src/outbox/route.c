// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Some dozens of rules at most, so that looking through all of them costs less than the message's
// text.
#include "outbox/route.h"

#include "base/assert.h"
#include "crypto/pure/mac.h"

#include <stdlib.h>

struct provider_row {
    provider_tag tag;
    struct route_provider options;
};

struct routes {
    struct provider_row providers[ROUTES_PROVIDERS_MAX];
    size_t providers_held;
    struct route_rule rules[ROUTES_RULES_MAX];
    size_t rules_held;
    struct route presets[CHANNEL_COUNT_]; // without a rule
};

// The key is no secret: the tag only has to be short and nearly never the same for two names.
provider_tag provider_tag_of(struct span name)
{
    static const struct key key = {.bytes = "otpd provider tag"};
    struct short_key tag_key;
    short_key_init(&tag_key, &key, 0);
    provider_tag tag = (provider_tag)short_tag64(&tag_key, name);
    return tag != 0 ? tag : 1;
}

static enum err add_provider(struct routes *routes, const struct route_provider *options,
                             struct err_info *info)
{
    provider_tag tag = provider_tag_of(options->name);
    size_t other = routes_number(routes, tag);
    if (other == ROUTES_NO_PROVIDER) {
        routes->providers[routes->providers_held++] = (struct provider_row){tag, *options};
        return ERR_OK;
    }
    struct span name = routes->providers[other].options.name;
    err_info_set(info, "providers \"%.*s\" and \"%.*s\": one of them needs another name",
                 (int)name.len, (const char *)name.data, (int)options->name.len,
                 (const char *)options->name.data);
    return ERR_INVALID;
}

static void check_rule(const struct routes *routes, const struct route_rule *rule)
{
    ASSERT(rule->providers_count > 0);
    ASSERT(rule->providers_count <= ROUTE_PROVIDERS_MAX);
    for (size_t i = 0; i < rule->providers_count; i++) {
        ASSERT(rule->providers[i] < routes->providers_held);
        uint32_t channels = routes->providers[rule->providers[i]].options.channels;
        ASSERT((channels >> rule->channel & 1U) != 0);
    }
}

static void make_preset(struct routes *routes, unsigned kind)
{
    struct route *preset = &routes->presets[kind];
    for (size_t i = 0; i < routes->providers_held; i++) {
        const struct provider_row *row = &routes->providers[i];
        if ((row->options.channels >> kind & 1U) != 0 && preset->count < ROUTE_PROVIDERS_MAX)
            preset->providers[preset->count++] = row->tag;
    }
}

enum err routes_create(const struct routes_options *options, struct routes **out,
                       struct err_info *info)
{
    enum err err = ERR_OK;
    ASSERT(options->providers_count <= ROUTES_PROVIDERS_MAX);
    ASSERT(options->rules_count <= ROUTES_RULES_MAX);
    struct routes *routes = calloc(1, sizeof *routes);
    if (routes == NULL) {
        err_info_set(info, "%s", err_text(ERR_NO_MEMORY));
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; err == ERR_OK && i < options->providers_count; i++)
        err = add_provider(routes, &options->providers[i], info);
    if (err != ERR_OK) {
        free(routes);
        return err;
    }
    for (size_t i = 0; i < options->rules_count; i++) {
        check_rule(routes, &options->rules[i]);
        routes->rules[routes->rules_held++] = options->rules[i];
    }
    for (unsigned kind = 0; kind < CHANNEL_COUNT_; kind++)
        make_preset(routes, kind);
    *out = routes;
    return ERR_OK;
}

void routes_destroy(struct routes **routes)
{
    free(*routes);
    *routes = NULL;
}

static bool is_for(const struct route_rule *rule, const struct route_query *query)
{
    return rule->channel == query->channel && span_starts_with(query->to, rule->prefix) &&
           (rule->brand.len == 0 || span_eq_nocase(rule->brand, query->brand));
}

static bool is_before(const struct route_rule *rule, const struct route_rule *other)
{
    bool is_own = rule->brand.len > 0;
    bool is_other_own = other->brand.len > 0;
    return is_own != is_other_own ? is_own : rule->prefix.len > other->prefix.len;
}

void routes_find(const struct routes *routes, const struct route_query *query, struct route *out)
{
    const struct route_rule *found = NULL;
    for (size_t i = 0; i < routes->rules_held; i++) {
        const struct route_rule *rule = &routes->rules[i];
        if (is_for(rule, query) && (found == NULL || is_before(rule, found)))
            found = rule;
    }
    if (found == NULL) {
        *out = routes->presets[query->channel];
        return;
    }
    *out = (struct route){.count = found->providers_count,
                          .fallback_after_ms = found->fallback_after_ms};
    for (size_t i = 0; i < found->providers_count; i++)
        out->providers[i] = routes->providers[found->providers[i]].tag;
}

uint32_t routes_channels(const struct routes *routes)
{
    uint32_t channels = 0;
    for (size_t i = 0; i < routes->providers_held; i++)
        channels |= routes->providers[i].options.channels;
    return channels;
}

size_t routes_providers(const struct routes *routes)
{
    return routes->providers_held;
}

size_t routes_number(const struct routes *routes, provider_tag tag)
{
    for (size_t i = 0; i < routes->providers_held; i++) {
        if (routes->providers[i].tag == tag)
            return i;
    }
    return ROUTES_NO_PROVIDER;
}

provider_tag routes_tag(const struct routes *routes, size_t number)
{
    ASSERT(number < routes->providers_held);
    return routes->providers[number].tag;
}

struct span routes_name(const struct routes *routes, provider_tag tag)
{
    size_t number = routes_number(routes, tag);
    return number < routes->providers_held ? routes->providers[number].options.name : SPAN("");
}
