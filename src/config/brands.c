// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The list of brands in the file. An entry has keys of its own, and all the settings of a brand; of
// one that is a secret it names the file.
#include "config/source.h"

#include "base/assert.h"

#include <stdlib.h>

enum entry_option_id {
    ENTRY_NAME,
    ENTRY_TOKEN_KEY_FILE,
    ENTRY_HEADER_VALUE_FILE,
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
    [ENTRY_HEADER_VALUE_FILE] = {.name = "rejectWithoutHeaderValueFile",
                                 .type = OPTION_TEXT,
                                 .unit = "file",
                                 .offset = offsetof(struct config_brand, header_value_file),
                                 .capacity = sizeof((struct config_brand *)0)->header_value_file,
                                 .is_nullable = true,
                                 .help = "File with what the header of rejectWithoutHeader holds"},
};

static const struct option_table entry_table = {entry_options, ENTRY_OPTION_COUNT_};

enum { PART_ENTRY, PART_SETTINGS };

struct brand_reader {
    struct config *config;
    struct config_entry *entry;
    struct config_brand *brand;
};

static void complain(const struct brand_reader *reader, const struct yaml_node *node,
                     const struct err_info *info)
{
    config_entry_complain(reader->entry, node, info);
}

static const struct yaml_node *given(const struct brand_reader *reader, enum entry_option_id id)
{
    return reader->entry->parts[PART_ENTRY].given[id];
}

static void check_name(const struct brand_reader *reader)
{
    struct err_info info;
    struct span name = span_of_text(reader->brand->name);
    const struct yaml_node *value = given(reader, ENTRY_NAME);
    if (value == NULL) {
        err_info_set(&info, "a brand without a name");
        complain(reader, reader->entry->node, &info);
        return;
    }
    // Else it has its error already.
    bool is_taken = value->kind == YAML_SCALAR && !value->is_null && span_eq(value->text, name);
    if (is_taken && brand_name_check_new(name, &info) != ERR_OK)
        complain(reader, value, &info);
}

// Names are compared as requests will name them, without regard to ASCII case.
static void check_name_is_new(const struct brand_reader *reader)
{
    struct err_info info;
    struct span name = span_of_text(reader->brand->name);
    const struct yaml_node *value = given(reader, ENTRY_NAME);
    if (value == NULL || name.len == 0)
        return;
    for (size_t i = 0; i < reader->config->brands_held; i++) {
        const struct config_brand *other = reader->config->brands[i];
        if (!span_eq_nocase(name, span_of_text(other->name)))
            continue;
        err_info_set(&info, "brand \"%s\" is given twice; first in line %u", other->name,
                     other->line);
        complain(reader, value, &info);
    }
}

static void check_settings(const struct brand_reader *reader)
{
    struct err_info info;
    const struct brand_settings *settings = &reader->brand->settings;
    enum err err = brand_settings_validate(settings, &info);
    if (err == ERR_OK)
        err = brand_settings_check_country(settings, &info);
    if (err != ERR_OK)
        complain(reader, config_entry_place(reader->entry, &info), &info);
}

static void load_token_key(const struct brand_reader *reader)
{
    struct err_info info;
    const struct yaml_node *value = given(reader, ENTRY_TOKEN_KEY_FILE);
    if (reader->brand->token_key_file[0] == '\0')
        return;
    ASSERT(value != NULL);
    reader->brand->token_key_line = value->line;
    if (config_token_key_load(reader->brand, &info) != ERR_OK)
        complain(reader, value, &info);
}

// null is a value too: the file then rules that the header only has to be there.
static void load_header_value(const struct brand_reader *reader)
{
    struct err_info info;
    struct config_brand *brand = reader->brand;
    const struct option *option =
        option_find(brand_option_table(), SPAN("rejectWithoutHeaderValue"));
    const struct yaml_node *value = given(reader, ENTRY_HEADER_VALUE_FILE);
    const struct config_secret_file file = {entry_options[ENTRY_HEADER_VALUE_FILE].name,
                                            brand->header_value_file};
    char secret[sizeof brand->settings.required_header_value];
    if (value == NULL)
        return;
    brand->setting_lines[option - brand_options] = value->line;
    if (brand->header_value_file[0] == '\0')
        return;
    enum err err = config_secret_load(&file, secret, sizeof secret, &info);
    if (err == ERR_OK)
        err = option_set(option, &brand->settings, span_of_text(secret), &info);
    explicit_bzero(secret, sizeof secret);
    if (err != ERR_OK)
        complain(reader, value, &info);
}

static void take_brand(const struct brand_reader *reader)
{
    struct config_entry *entry = reader->entry;
    entry->parts[PART_ENTRY] = (struct config_entry_part){entry_table, reader->brand, {NULL}, {0}};
    entry->parts[PART_SETTINGS] =
        (struct config_entry_part){brand_option_table(), &reader->brand->settings, {NULL}, {0}};
    entry->parts_count = 2;
    config_entry_read(entry);
    memcpy(reader->brand->setting_lines, entry->parts[PART_SETTINGS].lines,
           brand_options_count * sizeof reader->brand->setting_lines[0]);
    check_name(reader);
    check_name_is_new(reader);
    load_header_value(reader);
    check_settings(reader);
    load_token_key(reader);
}

static enum err add_brand(struct config *config, struct config_entry *entry)
{
    struct brand_reader reader = {config, entry, NULL};
    struct err_info info;
    ASSERT(brand_options_count <= BRAND_OPTIONS_MAX);
    if (config->brands_held == CONFIG_BRANDS_MAX) {
        err_info_set(&info, "brands: more than %u", CONFIG_BRANDS_MAX);
        complain(&reader, entry->node, &info);
        return ERR_OK;
    }
    reader.brand = calloc(1, sizeof *reader.brand);
    if (reader.brand == NULL)
        return ERR_NO_MEMORY;
    brand_settings_init(&reader.brand->settings);
    reader.brand->line = entry->node->line;
    reader.brand->column = entry->node->column;
    take_brand(&reader);
    config->brands[config->brands_held++] = reader.brand;
    return ERR_OK;
}

enum err config_brands_load(struct config *config, const struct yaml_document *document,
                            const struct yaml_node *node, struct config_report *report)
{
    const struct config_entry list = {.list = "brands",
                                      .file = config->file,
                                      .document = document,
                                      .report = report,
                                      .node = node};
    return config_entries_each(config, &list, add_brand);
}
