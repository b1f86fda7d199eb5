// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The list of brands in the file. An entry has two keys of its own, and all the settings of a
// brand.
#include "config/source.h"

#include "base/assert.h"

#include <stdlib.h>

enum entry_option_id {
    ENTRY_NAME,
    ENTRY_TOKEN_KEY_FILE,
    ENTRY_OPTION_COUNT_,
};

static const struct option entry_options[ENTRY_OPTION_COUNT_] = {
    [ENTRY_NAME] = {.name = "name",
                    .type = OPTION_TEXT,
                    .unit = "name",
                    .preset = "",
                    .offset = offsetof(struct config_brand, name),
                    .capacity = sizeof((struct config_brand *)0)->name,
                    .help = "Name of the brand"},
    [ENTRY_TOKEN_KEY_FILE] = {.name = "tokenKeyFile",
                              .type = OPTION_TEXT,
                              .unit = "file",
                              .offset = offsetof(struct config_brand, token_key_file),
                              .capacity = sizeof((struct config_brand *)0)->token_key_file,
                              .is_nullable = true,
                              .help = "File with the secret that tokens are signed with"},
};

static const struct option_table entry_table = {entry_options, ENTRY_OPTION_COUNT_};

struct brand_reader {
    struct config *config;
    const struct yaml_document *document;
    struct config_report *report;
    const struct yaml_node *node; // of the entry
    struct config_brand *brand;
    // The value that each option was given; NULL: none.
    const struct yaml_node *entry_values[ENTRY_OPTION_COUNT_];
    const struct yaml_node *setting_values[BRAND_OPTIONS_MAX];
};

static void complain(const struct brand_reader *reader, const struct yaml_node *node,
                     const struct err_info *info)
{
    const struct config_place place = {reader->config->file, node->line, node->column};
    config_report_add(reader->report, place, info);
}

// The second value of a key is dropped, so that no error depends on which one would have won.
static void set_once(struct brand_reader *reader, const struct option *option, void *settings,
                     const struct yaml_node **given, const struct yaml_node *key)
{
    struct err_info info;
    const struct yaml_node *value = yaml_next(reader->document, key);
    if (*given != NULL) {
        err_info_set(&info, "\"%s\" is given twice; first in line %u", option->name,
                     (*given)->line);
        complain(reader, key, &info);
        return;
    }
    *given = value;
    if (config_node_set(option, settings, value, &info) != ERR_OK)
        complain(reader, value, &info);
}

static void take_unknown(const struct brand_reader *reader, const struct yaml_node *key)
{
    struct err_info info;
    const struct option *nearest = option_nearest(brand_option_table(), key->text);
    if (nearest == NULL)
        nearest = option_nearest(entry_table, key->text);
    config_say_unknown("", key->text, nearest != NULL ? nearest->name : NULL, &info);
    complain(reader, key, &info);
}

static void take_pair(struct brand_reader *reader, const struct yaml_node *key)
{
    const struct option *option = option_find(entry_table, key->text);
    if (option != NULL) {
        set_once(reader, option, reader->brand, &reader->entry_values[option - entry_options], key);
        return;
    }
    option = option_find(brand_option_table(), key->text);
    if (option == NULL) {
        take_unknown(reader, key);
        return;
    }
    size_t row = (size_t)(option - brand_options);
    if (reader->setting_values[row] == NULL)
        reader->brand->setting_lines[row] = key->line;
    set_once(reader, option, &reader->brand->settings, &reader->setting_values[row], key);
}

static void check_name(const struct brand_reader *reader)
{
    struct err_info info;
    struct span name = span_of_text(reader->brand->name);
    const struct yaml_node *given = reader->entry_values[ENTRY_NAME];
    if (given == NULL) {
        err_info_set(&info, "a brand without a name");
        complain(reader, reader->node, &info);
        return;
    }
    // Else it has its error already.
    bool is_taken = given->kind == YAML_SCALAR && !given->is_null && span_eq(given->text, name);
    if (is_taken && brand_name_check(name, &info) != ERR_OK)
        complain(reader, given, &info);
}

// Names are compared as requests will name them, without regard to ASCII case.
static void check_name_is_new(const struct brand_reader *reader)
{
    struct err_info info;
    struct span name = span_of_text(reader->brand->name);
    const struct yaml_node *given = reader->entry_values[ENTRY_NAME];
    if (given == NULL || name.len == 0)
        return;
    for (size_t i = 0; i < reader->config->brands_held; i++) {
        const struct config_brand *other = reader->config->brands[i];
        if (!span_eq_nocase(name, span_of_text(other->name)))
            continue;
        err_info_set(&info, "brand \"%s\" is given twice; first in line %u", other->name,
                     other->line);
        complain(reader, given, &info);
    }
}

// The story begins with the option's name: the error belongs where that option was given.
static const struct yaml_node *node_of_story(const struct brand_reader *reader,
                                             const struct err_info *info)
{
    struct span story = span_of_text(info->text);
    struct span name = span_first(story, span_find(story, ':'));
    const struct option *option = option_find(brand_option_table(), name);
    const struct yaml_node *given =
        option != NULL ? reader->setting_values[option - brand_options] : NULL;
    return given != NULL ? given : reader->node;
}

static void check_settings(const struct brand_reader *reader)
{
    struct err_info info;
    if (brand_settings_validate(&reader->brand->settings, &info) != ERR_OK)
        complain(reader, node_of_story(reader, &info), &info);
}

static void load_token_key(const struct brand_reader *reader)
{
    struct err_info info;
    const struct yaml_node *given = reader->entry_values[ENTRY_TOKEN_KEY_FILE];
    if (reader->brand->token_key_file[0] == '\0')
        return;
    ASSERT(given != NULL);
    reader->brand->token_key_line = given->line;
    if (config_token_key_load(reader->brand, &info) != ERR_OK)
        complain(reader, given, &info);
}

static void take_entry(struct brand_reader *reader)
{
    const struct yaml_node *key = yaml_first(reader->document, reader->node);
    while (key != NULL) {
        take_pair(reader, key);
        key = yaml_next(reader->document, yaml_next(reader->document, key));
    }
    check_name(reader);
    check_name_is_new(reader);
    check_settings(reader);
    load_token_key(reader);
}

static enum err add_brand(struct config *config, const struct yaml_document *document,
                          const struct yaml_node *node, struct config_report *report)
{
    struct brand_reader reader = {config, document, report, node, NULL, {NULL}, {NULL}};
    struct err_info info;
    ASSERT(brand_options_count <= BRAND_OPTIONS_MAX);
    if (node->kind != YAML_MAPPING) {
        err_info_set(&info, "brands: an entry such as \"name: DocDemo\" is wanted");
        complain(&reader, node, &info);
        return ERR_OK;
    }
    if (config->brands_held == CONFIG_BRANDS_MAX) {
        err_info_set(&info, "brands: more than %u", CONFIG_BRANDS_MAX);
        complain(&reader, node, &info);
        return ERR_OK;
    }
    reader.brand = calloc(1, sizeof *reader.brand);
    if (reader.brand == NULL)
        return ERR_NO_MEMORY;
    brand_settings_init(&reader.brand->settings);
    reader.brand->line = node->line;
    reader.brand->column = node->column;
    take_entry(&reader);
    config->brands[config->brands_held++] = reader.brand;
    return ERR_OK;
}

enum err config_brands_load(struct config *config, const struct yaml_document *document,
                            const struct yaml_node *node, struct config_report *report)
{
    enum err err = ERR_OK;
    if (node->is_null)
        return ERR_OK;
    if (node->kind != YAML_SEQUENCE) {
        struct err_info info;
        const struct config_place place = {config->file, node->line, node->column};
        err_info_set(&info, "brands: a list is wanted, each entry with a dash before its name");
        config_report_add(report, place, &info);
        return ERR_OK;
    }
    const struct yaml_node *entry = yaml_first(document, node);
    for (; entry != NULL && err == ERR_OK; entry = yaml_next(document, entry))
        err = add_brand(config, document, entry, report);
    return err;
}
