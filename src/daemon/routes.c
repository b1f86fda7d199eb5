// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "daemon/routes.h"

_Static_assert(CONFIG_PROVIDERS_MAX <= ROUTES_PROVIDERS_MAX, "each provider has a number");
_Static_assert(CONFIG_ROUTES_MAX <= ROUTES_RULES_MAX, "each route is a rule");
_Static_assert(CONFIG_ROUTE_PROVIDERS_MAX <= ROUTE_PROVIDERS_MAX, "each provider is on it");

static enum err create_dev(struct routes **out, struct err_info *info)
{
    const struct route_provider inbox = {DAEMON_DEV_PROVIDER, (1U << CHANNEL_COUNT_) - 1};
    const struct routes_options options = {.providers = &inbox, .providers_count = 1};
    return routes_create(&options, out, info);
}

static void put_rule(const struct config_route *route, struct route_rule *out)
{
    *out = (struct route_rule){
        .channel = (enum channel_kind)route->channel,
        .prefix = span_of_text(route->prefix),
        .brand = span_of_text(route->brand),
        .providers_count = route->providers_held,
        .fallback_after_ms = (int64_t)route->fallback_after_seconds * 1000,
    };
    memcpy(out->providers, route->providers, sizeof route->providers);
}

enum err daemon_routes_create(const struct config *config, struct routes **out,
                              struct err_info *info)
{
    struct route_provider providers[CONFIG_PROVIDERS_MAX];
    struct route_rule rules[CONFIG_ROUTES_MAX];
    if (config->is_dev)
        return create_dev(out, info);
    for (size_t i = 0; i < config->providers_held; i++)
        providers[i] = (struct route_provider){span_of_text(config->providers[i]->name),
                                               config->providers[i]->channels};
    for (size_t i = 0; i < config->routes_held; i++)
        put_rule(config->routes[i], &rules[i]);
    const struct routes_options options = {providers, config->providers_held, rules,
                                           config->routes_held};
    return routes_create(&options, out, info);
}
