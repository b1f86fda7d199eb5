// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"
#include "cli/online.h"
#include "cli/receipt_url.h"
#include "cli/trial.h"
#include "daemon/routes.h"
#include "daemon/serve.h"

#include <stdio.h>

static void print_route(const struct config *config, const struct config_route *route)
{
    (void)printf("route %s", channel_name((enum channel_kind)route->channel));
    if (route->prefix[0] != '\0')
        (void)printf(" to %s...", route->prefix);
    if (route->brand[0] != '\0')
        (void)printf(" of %s", route->brand);
    for (size_t i = 0; i < route->providers_held; i++)
        (void)printf("%s %s", i == 0 ? ":" : ",", config->providers[route->providers[i]]->name);
    if (route->fallback_after_seconds > 0)
        (void)printf(" (the next after %u s without a receipt)", route->fallback_after_seconds);
    (void)printf("\n");
}

// Where no route of the file is for all its messages.
static void print_preset(const struct config *config, enum channel_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < config->routes_held; i++) {
        const struct config_route *route = config->routes[i];
        if (route->channel == kind && route->prefix[0] == '\0' && route->brand[0] == '\0')
            return;
    }
    for (size_t i = 0; i < config->providers_held && count < ROUTE_PROVIDERS_MAX; i++) {
        if ((config->providers[i]->channels >> kind & 1U) == 0)
            continue;
        if (count++ == 0)
            (void)printf("route %s: %s", channel_name(kind), config->providers[i]->name);
        else
            (void)printf(", %s", config->providers[i]->name);
    }
    if (count > 0)
        (void)printf("\n");
}

static bool has_choice(const struct config *config)
{
    uint32_t seen = 0;
    uint32_t twice = 0;
    for (size_t i = 0; i < config->providers_held; i++) {
        twice |= seen & config->providers[i]->channels;
        seen |= config->providers[i]->channels;
    }
    return twice != 0 || config->routes_held > 0;
}

// And says by whom messages go, where that is a question.
static int check_routes(const struct config *config)
{
    struct err_info info = {0};
    struct routes *routes = NULL;
    if (daemon_routes_create(config, &routes, &info) != ERR_OK) {
        (void)fprintf(stderr, "otpd: %s\n", info.text);
        return EXIT_STATUS_CONFIG;
    }
    routes_destroy(&routes);
    if (!has_choice(config))
        return EXIT_STATUS_OK;
    for (size_t i = 0; i < config->routes_held; i++)
        print_route(config, config->routes[i]);
    for (unsigned kind = 0; kind < CHANNEL_COUNT_; kind++)
        print_preset(config, (enum channel_kind)kind);
    return EXIT_STATUS_OK;
}

int cli_check(const struct cli *cli)
{
    struct cli_words words;
    const struct cli_word own[] = {{.flag = "--online"}};
    const char *values[] = {NULL};
    if (!cli_words_take(cli, own, values, sizeof own / sizeof own[0], &words))
        return EXIT_STATUS_USAGE;
    struct config *config = cli_load_config(&words.sources);
    if (config == NULL)
        return EXIT_STATUS_CONFIG;
    (void)printf("configuration: ok (brands: %zu, providers: %zu)\n", config->brands_held,
                 config->providers_held);
    int status = check_routes(config);
    if (status == EXIT_STATUS_OK)
        cli_receipts_print(config);
    if (status == EXIT_STATUS_OK && values[0] != NULL)
        status = cli_online(config);
    config_destroy(&config);
    return status;
}
