// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A provider that has a recipe. The recipe's parameters are options of the entry, made when the
// recipe is known: NAME for most, NAMEFile for a secret, which then lies in that file.
#include "base/assert.h"
#include "config/recipe_file.h"
#include "config/source.h"

#include <stdlib.h>

#define NAME_BYTES_MAX 96U

enum { PART_ENTRY, PART_SETTINGS, PART_PARAMETERS, PARTS_COUNT };

struct parameter_table {
    struct option options[RECIPE_PARAMETERS_MAX];
    char names[RECIPE_PARAMETERS_MAX][NAME_BYTES_MAX];
    size_t count;
};

static void complain(const struct config_entry *entry, const struct err_info *info)
{
    config_entry_complain(entry, config_entry_place(entry, info), info);
}

// --- the recipe ------------------------------------------------------------------------------

static enum err read_recipe_file(const struct config_entry *entry, const char *path,
                                 struct config_provider *provider)
{
    struct err_info info;
    struct err_info why;
    struct file_facts facts;
    provider->recipe_text = malloc(CONFIG_RECIPE_BYTES_MAX);
    if (provider->recipe_text == NULL)
        return ERR_NO_MEMORY;
    enum err err =
        config_file_read(path, provider->recipe_text, CONFIG_RECIPE_BYTES_MAX, &facts, &why);
    if (err != ERR_OK) {
        err_info_set(&info, "recipeFile: %.200s: %s", path, why.text);
        complain(entry, &info);
        return ERR_INVALID;
    }
    provider->recipe_len = facts.len;
    return config_recipe_parse(path, span_make(provider->recipe_text, facts.len), &provider->recipe,
                               entry->report);
}

static enum err read_custom(struct config_entry *entry, struct config_provider *provider)
{
    struct err_info info;
    if (provider->http.recipe_file[0] != '\0')
        return read_recipe_file(entry, provider->http.recipe_file, provider);
    err_info_set(&info, "recipeFile: the file with the recipe is wanted");
    complain(entry, &info);
    return ERR_INVALID;
}

static enum err read_recipe(struct config_entry *entry, struct config_provider *provider)
{
    struct err_info info;
    if (provider->kind == CONFIG_PROVIDER_CUSTOM)
        return read_custom(entry, provider);
    if (provider->http.recipe_file[0] != '\0') {
        err_info_set(&info, "recipeFile: it is for kind: custom alone");
        complain(entry, &info);
    }
    struct span text = config_recipe_shipped_at(provider->kind - CONFIG_PROVIDER_SHIPPED);
    enum err err = config_recipe_parse("recipe", text, &provider->recipe, entry->report);
    ASSERT(err != ERR_INVALID);
    return err;
}

// --- its parameters --------------------------------------------------------------------------

static void make_options(const struct recipe *recipe, struct parameter_table *out)
{
    const struct recipe_parameter *parameters;
    out->count = recipe_parameters(recipe, &parameters);
    for (size_t i = 0; i < out->count; i++) {
        struct strbuf name = strbuf_over(out->names[i], NAME_BYTES_MAX - 1);
        strbuf_put(&name, parameters[i].name);
        strbuf_put_text(&name, parameters[i].is_secret ? "File" : "");
        out->names[i][name.len] = '\0';
        out->options[i] = (struct option){
            .name = out->names[i],
            .type = OPTION_TEXT,
            .offset = i * sizeof(struct config_parameter) + offsetof(struct config_parameter, text),
            .capacity = sizeof((struct config_parameter *)0)->text,
            .is_nullable = true,
        };
    }
}

// A recipe of one's own may have chosen a name that is taken.
static void check_names(const struct config_entry *entry, const struct parameter_table *table)
{
    struct err_info info;
    for (size_t i = 0; i < table->count; i++) {
        struct span name = span_of_text(table->names[i]);
        if (option_find(entry->parts[PART_ENTRY].table, name) == NULL &&
            option_find(entry->parts[PART_SETTINGS].table, name) == NULL)
            continue;
        err_info_set(&info, "recipeFile: its parameter \"%s\" has the name of an option",
                     table->names[i]);
        complain(entry, &info);
    }
}

static void load_secret(const struct config_entry *entry, const char *name,
                        struct config_parameter *parameter)
{
    struct err_info info;
    const struct config_secret_file file = {name, parameter->text};
    if (config_secret_load(&file, parameter->secret, sizeof parameter->secret, &info) != ERR_OK)
        complain(entry, &info);
}

static void check_parameters(const struct config_entry *entry, struct config_provider *provider,
                             const struct parameter_table *table)
{
    struct err_info info;
    const struct recipe_parameter *parameters;
    size_t count = recipe_parameters(provider->recipe, &parameters);
    for (size_t i = 0; i < count; i++) {
        struct config_parameter *value = &provider->parameters[i];
        if (value->text[0] != '\0') {
            if (parameters[i].is_secret)
                load_secret(entry, table->names[i], value);
            continue;
        }
        bool is_given = entry->parts[PART_PARAMETERS].given[i] != NULL;
        if (!is_given && (parameters[i].is_optional || parameters[i].preset.data != NULL))
            continue;
        err_info_set(
            &info, "%s: %s: %.*s", table->names[i], is_given ? "it is empty" : "it is missing",
            (int)span_first(parameters[i].help, 200).len, (const char *)parameters[i].help.data);
        complain(entry, &info);
    }
}

static size_t settings_of(const struct config_provider *provider,
                          struct recipe_setting settings[RECIPE_PARAMETERS_MAX])
{
    const struct recipe_parameter *parameters;
    size_t held = 0;
    size_t count = recipe_parameters(provider->recipe, &parameters);
    for (size_t i = 0; i < count; i++) {
        const struct config_parameter *value = &provider->parameters[i];
        struct span text = span_of_text(parameters[i].is_secret ? value->secret : value->text);
        if (text.len > 0)
            settings[held++] = (struct recipe_setting){parameters[i].name, text};
    }
    return held;
}

enum err config_provider_bind(const struct config_provider *provider, struct recipe_plan **out,
                              struct err_info *info)
{
    struct recipe_setting settings[RECIPE_PARAMETERS_MAX];
    size_t count = settings_of(provider, settings);
    return recipe_bind(provider->recipe, settings, count, out, info);
}

enum err config_provider_receive(const struct config_provider *provider, struct report_reader **out,
                                 struct err_info *info)
{
    struct recipe_setting settings[RECIPE_PARAMETERS_MAX];
    size_t count = settings_of(provider, settings);
    return report_reader_create(provider->recipe, settings, count, out, info);
}

static enum err check_reader(const struct config_provider *provider, struct err_info *info)
{
    struct report_reader *reader = NULL;
    if (!recipe_has_reports(provider->recipe))
        return ERR_OK;
    enum err err = config_provider_receive(provider, &reader, info);
    report_reader_destroy(&reader);
    return err;
}

// What only the whole tells.
static enum err check_plan(const struct config_entry *entry, const struct config_provider *provider)
{
    struct err_info info;
    struct recipe_plan *plan = NULL;
    enum err err = config_provider_bind(provider, &plan, &info);
    if (err == ERR_OK && recipe_plan_is_plain(plan) && !provider->http.may_use_private) {
        err_info_set(&info, "allowPrivate: http:// to this machine needs allowPrivate: true");
        err = ERR_INVALID;
    }
    if (err == ERR_OK && recipe_plan_is_rotating(plan) &&
        strlen(provider->name) > CONFIG_ROTATING_NAME_BYTES_MAX) {
        err_info_set(&info, "name: at most %u bytes for a provider with tokens",
                     CONFIG_ROTATING_NAME_BYTES_MAX);
        err = ERR_INVALID;
    }
    recipe_plan_destroy(&plan);
    if (err == ERR_OK)
        err = check_reader(provider, &info);
    if (err == ERR_INVALID)
        complain(entry, &info);
    return err == ERR_NO_MEMORY ? err : ERR_OK;
}

static enum err take_parameters(struct config_entry *entry, struct config_provider *provider)
{
    struct err_info info;
    struct parameter_table table;
    size_t errors = entry->report->held;
    make_options(provider->recipe, &table);
    entry->parts[PART_PARAMETERS] =
        (struct config_entry_part){{table.options, table.count}, provider->parameters, {NULL}, {0}};
    entry->parts_count = PARTS_COUNT;
    check_names(entry, &table);
    config_entry_read(entry);
    check_parameters(entry, provider, &table);
    if (http_settings_channels(&provider->http, recipe_channels(provider->recipe),
                               &provider->channels, &info) != ERR_OK)
        complain(entry, &info);
    enum err err = entry->report->held == errors ? check_plan(entry, provider) : ERR_OK;
    entry->parts_count = PART_PARAMETERS; // the table ends here
    return err;
}

enum err config_http_provider_take(struct config_entry *entry, struct config_provider *provider)
{
    struct err_info info;
    option_table_preset(http_option_table(), &provider->http);
    entry->parts[PART_SETTINGS] =
        (struct config_entry_part){http_option_table(), &provider->http, {NULL}, {0}};
    entry->parts_count = PART_PARAMETERS;
    const struct yaml_node *file = config_entry_value(entry, SPAN("recipeFile"));
    const struct option *option = option_find(http_option_table(), SPAN("recipeFile"));
    if (file != NULL && config_node_set(option, &provider->http, file, &info) != ERR_OK) {
        config_entry_complain(entry, file, &info);
        return ERR_OK;
    }
    // Without a recipe nobody knows what else the entry may say.
    enum err err = read_recipe(entry, provider);
    if (err == ERR_OK)
        err = take_parameters(entry, provider);
    return err == ERR_INVALID ? ERR_OK : err;
}
