// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The list of providers in the file. An entry has two keys of its own, and the settings of its
// kind.
#include "config/recipes_shipped.h"
#include "config/source.h"

#include <stdlib.h>

enum entry_option_id {
    ENTRY_NAME,
    ENTRY_KIND,
    ENTRY_OPTION_COUNT_,
};

enum { PART_ENTRY, PART_SETTINGS };

#define SHIPPED_NAME(symbol, name) name,
static const char *const kind_choices[] = {"smtp", "custom", RECIPES_SHIPPED(SHIPPED_NAME) NULL};
#undef SHIPPED_NAME

static const struct option entry_options[ENTRY_OPTION_COUNT_] = {
    [ENTRY_NAME] = {.name = "name",
                    .type = OPTION_TEXT,
                    .unit = "name",
                    .preset = "",
                    .offset = offsetof(struct config_provider, name),
                    .capacity = sizeof((struct config_provider *)0)->name,
                    .help = "Name of the provider, for people and logs"},
    [ENTRY_KIND] = {.name = "kind",
                    .type = OPTION_CHOICE,
                    .preset = "smtp",
                    .choices = kind_choices,
                    .offset = offsetof(struct config_provider, kind),
                    .help = "How it is spoken to"},
};

static const struct option_table entry_table = {entry_options, ENTRY_OPTION_COUNT_};

static void require(const struct config_entry *entry, enum entry_option_id id)
{
    struct err_info info;
    const struct yaml_node *given = config_entry_value(entry, span_of_text(entry_options[id].name));
    if (given != NULL && (given->kind != YAML_SCALAR || given->is_null || given->text.len > 0))
        return; // if it is wrong, it has its error already
    err_info_set(&info, "a provider without a %s", entry_options[id].name);
    config_entry_complain(entry, given != NULL ? given : entry->node, &info);
}

// Logs and commands tell providers apart by their names.
static void check_name_is_new(const struct config *config, const struct config_entry *entry,
                              const struct config_provider *provider)
{
    struct err_info info;
    struct span name = span_of_text(provider->name);
    for (size_t i = 0; i < config->providers_held && name.len > 0; i++) {
        if (!span_eq(name, span_of_text(config->providers[i]->name)))
            continue;
        err_info_set(&info, "name: \"%s\" is taken; first in line %u", provider->name,
                     config->providers[i]->line);
        config_entry_complain(entry, config_entry_place(entry, &info), &info);
    }
}

static void check_settings(struct config_provider *provider, const struct config_entry *entry)
{
    struct err_info info;
    for (unsigned i = 0; i < SMTP_CHECKS_COUNT; i++) {
        if (smtp_settings_check(&provider->smtp, i, &info) != ERR_OK)
            config_entry_complain(entry, config_entry_place(entry, &info), &info);
    }
    if (provider->smtp.password_file[0] == '\0')
        return;
    const struct config_secret_file file = {"passwordFile", provider->smtp.password_file};
    if (config_secret_load(&file, provider->password, sizeof provider->password, &info) != ERR_OK)
        config_entry_complain(entry, config_entry_place(entry, &info), &info);
}

static enum err take_smtp(struct config_entry *entry, struct config_provider *provider)
{
    option_table_preset(smtp_option_table(), &provider->smtp);
    entry->parts[PART_SETTINGS] =
        (struct config_entry_part){smtp_option_table(), &provider->smtp, {NULL}, {0}};
    entry->parts_count = 2;
    provider->channels = 1U << CHANNEL_EMAIL;
    config_entry_read(entry);
    check_settings(provider, entry);
    return ERR_OK;
}

static enum err take_provider(const struct config *config, struct config_provider *provider,
                              struct config_entry *entry)
{
    struct err_info info;
    option_table_preset(entry_table, provider);
    entry->parts[PART_ENTRY] = (struct config_entry_part){entry_table, provider, {NULL}, {0}};
    require(entry, ENTRY_NAME);
    require(entry, ENTRY_KIND);
    const struct yaml_node *kind = config_entry_value(entry, SPAN("kind"));
    if (kind != NULL &&
        config_node_set(&entry_options[ENTRY_KIND], provider, kind, &info) != ERR_OK) {
        config_entry_complain(entry, kind, &info); // what else it may say depends on this
        return ERR_OK;
    }
    bool is_smtp = provider->kind == CONFIG_PROVIDER_SMTP;
    enum err err =
        is_smtp ? take_smtp(entry, provider) : config_http_provider_take(entry, provider);
    check_name_is_new(config, entry, provider);
    return err;
}

static enum err add_provider(struct config *config, struct config_entry *entry)
{
    struct err_info info;
    if (config->providers_held == CONFIG_PROVIDERS_MAX) {
        err_info_set(&info, "providers: more than %u", CONFIG_PROVIDERS_MAX);
        config_entry_complain(entry, entry->node, &info);
        return ERR_OK;
    }
    struct config_provider *provider = calloc(1, sizeof *provider);
    if (provider == NULL)
        return ERR_NO_MEMORY;
    provider->line = entry->node->line;
    provider->column = entry->node->column;
    enum err err = take_provider(config, provider, entry);
    config->providers[config->providers_held++] = provider;
    return err;
}

enum err config_providers_load(struct config *config, const struct yaml_document *document,
                               const struct yaml_node *node, struct config_report *report)
{
    const struct config_entry list = {.list = "providers",
                                      .file = config->file,
                                      .document = document,
                                      .report = report,
                                      .node = node};
    return config_entries_each(config, &list, add_provider);
}

static bool is_same_table(struct option_table table, const void *settings, const void *others)
{
    for (size_t i = 0; i < table.count; i++) {
        if (!option_is_equal(&table.options[i], settings, others))
            return false;
    }
    return true;
}

static bool has_same_parameters(const struct config_provider *provider,
                                const struct config_provider *other)
{
    for (size_t i = 0; i < RECIPE_PARAMETERS_MAX; i++) {
        const struct config_parameter *mine = &provider->parameters[i];
        const struct config_parameter *its = &other->parameters[i];
        if (!span_eq(span_of_text(mine->text), span_of_text(its->text)) ||
            !span_eq(span_of_text(mine->secret), span_of_text(its->secret)))
            return false;
    }
    return span_eq(span_make(provider->recipe_text, provider->recipe_len),
                   span_make(other->recipe_text, other->recipe_len));
}

static bool is_same(const struct config_provider *provider, const struct config_provider *other)
{
    return is_same_table(entry_table, provider, other) &&
           is_same_table(smtp_option_table(), &provider->smtp, &other->smtp) &&
           is_same_table(http_option_table(), &provider->http, &other->http) &&
           span_eq(span_of_text(provider->password), span_of_text(other->password)) &&
           has_same_parameters(provider, other);
}

const char *config_provider_kind_name(const struct config_provider *provider)
{
    return kind_choices[provider->kind];
}

bool config_providers_are_equal(const struct config *config, const struct config *other)
{
    if (config->providers_held != other->providers_held)
        return false;
    for (size_t i = 0; i < config->providers_held; i++) {
        if (!is_same(config->providers[i], other->providers[i]))
            return false;
    }
    return true;
}

void config_keep_providers(struct config *running, struct config *fresh)
{
    size_t held = running->providers_held;
    running->providers_held = fresh->providers_held;
    fresh->providers_held = held;
    for (size_t i = 0; i < CONFIG_PROVIDERS_MAX; i++) {
        struct config_provider *kept = running->providers[i];
        running->providers[i] = fresh->providers[i];
        fresh->providers[i] = kept;
    }
    held = running->routes_held;
    running->routes_held = fresh->routes_held;
    fresh->routes_held = held;
    for (size_t i = 0; i < CONFIG_ROUTES_MAX; i++) {
        struct config_route *kept = running->routes[i];
        running->routes[i] = fresh->routes[i];
        fresh->routes[i] = kept;
    }
}
