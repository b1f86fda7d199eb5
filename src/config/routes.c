// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The list of routes in the file. It is read when all providers are known, wherever they stand.
#include "config/source.h"

#include <stdlib.h>

enum entry_option_id {
    ENTRY_CHANNEL,
    ENTRY_PREFIX,
    ENTRY_BRAND,
    ENTRY_PROVIDERS,
    ENTRY_FALLBACK,
    ENTRY_OPTION_COUNT_,
};

#define CHANNEL_TEXT(name, text) text,
static const char *const channel_choices[] = {CHANNEL_LIST(CHANNEL_TEXT) NULL};
#undef CHANNEL_TEXT

#define TEXT_FIELD(member)                           \
    .offset = offsetof(struct config_route, member), \
    .capacity = sizeof((struct config_route *)0)->member

static const struct option entry_options[ENTRY_OPTION_COUNT_] = {
    [ENTRY_CHANNEL] = {.name = "channel",
                       .type = OPTION_CHOICE,
                       .preset = "SMS",
                       .choices = channel_choices,
                       .offset = offsetof(struct config_route, channel),
                       .help = "The channel whose messages go by it"},
    [ENTRY_PREFIX] = {.name = "prefix",
                      .type = OPTION_TEXT,
                      .unit = "digits",
                      TEXT_FIELD(prefix),
                      .is_nullable = true,
                      .help = "Only numbers that begin so, country code first; null: all"},
    [ENTRY_BRAND] = {.name = "brand",
                     .type = OPTION_TEXT,
                     .unit = "name",
                     TEXT_FIELD(brand),
                     .is_nullable = true,
                     .help = "Only messages of that brand; null: of all"},
    [ENTRY_PROVIDERS] = {.name = "providers",
                         .type = OPTION_TEXT,
                         .unit = "names",
                         .preset = "",
                         TEXT_FIELD(names),
                         .help = "Names of providers, first choice first, with spaces between"},
    [ENTRY_FALLBACK] = {.name = "fallbackAfterSeconds",
                        .type = OPTION_U32,
                        .unit = "seconds",
                        .least = 1,
                        .most = 3600,
                        .offset = offsetof(struct config_route, fallback_after_seconds),
                        .is_nullable = true,
                        .help = "Without a receipt after that time the next one gets it too; "
                                "null: never"},
};

static const struct option_table entry_table = {entry_options, ENTRY_OPTION_COUNT_};

struct route_reader {
    struct config *config;
    struct config_entry *entry;
    struct config_route *route;
};

static const struct yaml_node *given(const struct route_reader *reader, enum entry_option_id id)
{
    return reader->entry->parts[0].given[id];
}

static void complain(const struct route_reader *reader, const struct err_info *info)
{
    config_entry_complain(reader->entry, config_entry_place(reader->entry, info), info);
}

static void check_prefix(const struct route_reader *reader)
{
    struct err_info info;
    const char *prefix = reader->route->prefix;
    bool is_number = true;
    for (size_t i = 0; prefix[i] != '\0'; i++)
        is_number = is_number && ascii_is_digit((uint8_t)prefix[i]);
    if (prefix[0] == '0' || !is_number) {
        err_info_set(&info, "prefix: \"%s\": digits are wanted, the country code first, as in 91",
                     prefix);
        complain(reader, &info);
    }
    if (prefix[0] != '\0' && reader->route->channel == CHANNEL_EMAIL) {
        err_info_set(&info, "prefix: e-mail addresses have none");
        complain(reader, &info);
    }
}

// --- its providers -----------------------------------------------------------------------------

static size_t find_provider(const struct config *config, struct span name)
{
    size_t at = 0;
    while (at < config->providers_held && !span_eq(span_of_text(config->providers[at]->name), name))
        at++;
    return at;
}

static void complain_unknown(const struct route_reader *reader, struct span name)
{
    struct err_info info;
    struct option names[CONFIG_PROVIDERS_MAX];
    const struct config *config = reader->config;
    for (size_t i = 0; i < config->providers_held; i++)
        names[i] = (struct option){.name = config->providers[i]->name};
    const struct option_table table = {names, config->providers_held};
    const struct option *nearest = option_nearest(table, name);
    int shown = (int)span_first(name, CONFIG_PROVIDER_NAME_BYTES_MAX).len;
    const char *text = (const char *)name.data;
    if (nearest == NULL)
        err_info_set(&info, "providers: there is no provider \"%.*s\"", shown, text);
    else
        err_info_set(&info, "providers: there is no provider \"%.*s\"; did you mean \"%s\"?", shown,
                     text, nearest->name);
    complain(reader, &info);
}

// NULL: it may be added.
static const char *fault_of(const struct config_route *route,
                            const struct config_provider *provider, size_t number)
{
    bool is_known = provider->channels != 0; // else it has its error already
    if (is_known && (provider->channels >> route->channel & 1U) == 0)
        return "does not carry that channel";
    for (size_t i = 0; i < route->providers_held; i++) {
        if (route->providers[i] == number)
            return "is named twice";
    }
    return route->providers_held == CONFIG_ROUTE_PROVIDERS_MAX ? "is one too many" : NULL;
}

static void add_provider(const struct route_reader *reader, struct span name)
{
    struct err_info info;
    size_t number = find_provider(reader->config, name);
    if (number == reader->config->providers_held) {
        complain_unknown(reader, name);
        return;
    }
    const struct config_provider *provider = reader->config->providers[number];
    const char *fault = fault_of(reader->route, provider, number);
    if (fault == NULL) {
        reader->route->providers[reader->route->providers_held++] = number;
        return;
    }
    err_info_set(&info, "providers: \"%s\" %s", provider->name, fault);
    complain(reader, &info);
}

static void take_providers(const struct route_reader *reader)
{
    struct span rest = span_of_text(reader->route->names);
    while (rest.len > 0) {
        struct span name = span_split(rest, ' ', &rest);
        if (name.len > 0)
            add_provider(reader, name);
    }
}

// --- an entry ----------------------------------------------------------------------------------

static void require(const struct route_reader *reader, enum entry_option_id id)
{
    struct err_info info;
    if (given(reader, id) != NULL)
        return;
    err_info_set(&info, "a route without %s", entry_options[id].name);
    config_entry_complain(reader->entry, reader->entry->node, &info);
}

static void check_is_new(const struct route_reader *reader)
{
    struct err_info info;
    const struct config_route *route = reader->route;
    for (size_t i = 0; i < reader->config->routes_held; i++) {
        const struct config_route *other = reader->config->routes[i];
        if (other->channel != route->channel ||
            !span_eq(span_of_text(other->prefix), span_of_text(route->prefix)) ||
            !span_eq_nocase(span_of_text(other->brand), span_of_text(route->brand)))
            continue;
        err_info_set(&info, "a second route for the same messages; the first is in line %u",
                     other->line);
        config_entry_complain(reader->entry, reader->entry->node, &info);
    }
}

static void take_route(const struct route_reader *reader)
{
    struct config_entry *entry = reader->entry;
    option_table_preset(entry_table, reader->route);
    entry->parts[0] = (struct config_entry_part){entry_table, reader->route, {NULL}, {0}};
    entry->parts_count = 1;
    config_entry_read(entry);
    require(reader, ENTRY_CHANNEL);
    require(reader, ENTRY_PROVIDERS);
    check_prefix(reader);
    take_providers(reader);
    check_is_new(reader);
}

static enum err add_route(struct config *config, struct config_entry *entry)
{
    struct err_info info;
    if (config->routes_held == CONFIG_ROUTES_MAX) {
        err_info_set(&info, "routes: more than %u", CONFIG_ROUTES_MAX);
        config_entry_complain(entry, entry->node, &info);
        return ERR_OK;
    }
    struct config_route *route = calloc(1, sizeof *route);
    if (route == NULL)
        return ERR_NO_MEMORY;
    route->line = entry->node->line;
    const struct route_reader reader = {config, entry, route};
    take_route(&reader);
    config->routes[config->routes_held++] = route;
    return ERR_OK;
}

enum err config_routes_load(struct config *config, const struct yaml_document *document,
                            const struct yaml_node *node, struct config_report *report)
{
    const struct config_entry list = {.list = "routes",
                                      .file = config->file,
                                      .document = document,
                                      .report = report,
                                      .node = node};
    return config_entries_each(config, &list, add_route);
}

static bool is_same(const struct config_route *route, const struct config_route *other)
{
    for (size_t i = 0; i < entry_table.count; i++) {
        if (!option_is_equal(&entry_options[i], route, other))
            return false;
    }
    return true;
}

bool config_routes_are_equal(const struct config *config, const struct config *other)
{
    if (config->routes_held != other->routes_held)
        return false;
    for (size_t i = 0; i < config->routes_held; i++) {
        if (!is_same(config->routes[i], other->routes[i]))
            return false;
    }
    return true;
}
