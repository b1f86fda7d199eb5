// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The lists of the file: brands, providers.
#include "config/source.h"

#include "base/assert.h"

void config_entry_complain(const struct config_entry *entry, const struct yaml_node *node,
                           const struct err_info *info)
{
    const struct config_place place = {entry->file, node->line, node->column};
    config_report_add(entry->report, place, info);
}

// The second value of a key is dropped, so that no error depends on which one would have won.
static void set_once(struct config_entry *entry, struct config_entry_part *part,
                     const struct option *option, const struct yaml_node *key)
{
    struct err_info info;
    const struct yaml_node *value = yaml_next(entry->document, key);
    const struct yaml_node **given = &part->given[option - part->table.options];
    if (*given != NULL) {
        err_info_set(&info, "\"%s\" is given twice; first in line %u", option->name,
                     (*given)->line);
        config_entry_complain(entry, key, &info);
        return;
    }
    *given = value;
    part->lines[option - part->table.options] = key->line;
    if (option->type == OPTION_OBJECT)
        config_translations_read(entry, option, value, part->settings); // the only object there is
    else if (config_node_set(option, part->settings, value, &info) != ERR_OK)
        config_entry_complain(entry, value, &info);
}

static const struct yaml_node *member(const struct yaml_document *document,
                                      const struct yaml_node *mapping, struct span key)
{
    const struct yaml_node *node = yaml_first(document, mapping);
    while (node != NULL && !span_eq(node->text, key))
        node = yaml_next(document, yaml_next(document, node));
    return node != NULL ? yaml_next(document, node) : NULL;
}

const struct yaml_node *config_entry_value(const struct config_entry *entry, struct span key)
{
    return member(entry->document, entry->node, key);
}

// A secret stands in a file of its own, which has an option with "File" behind its name.
static const struct option *file_option(const struct config_entry *entry, struct span key)
{
    uint8_t room[128];
    struct strbuf name = strbuf_over(room, sizeof room);
    strbuf_put(&name, key);
    strbuf_put_text(&name, "File");
    for (size_t i = 0; i < entry->parts_count && !name.is_overflowed; i++) {
        const struct option *option = option_find(entry->parts[i].table, strbuf_span(&name));
        if (option != NULL)
            return option;
    }
    return NULL;
}

// Of several tables the last one's suggestion: it has the entry's real settings.
static void take_unknown(const struct config_entry *entry, const struct yaml_node *key)
{
    struct err_info info;
    const struct option *nearest = file_option(entry, key->text);
    for (size_t i = entry->parts_count; i > 0 && nearest == NULL; i--)
        nearest = option_nearest(entry->parts[i - 1].table, key->text);
    config_say_unknown("", key->text, nearest != NULL ? nearest->name : NULL, &info);
    config_entry_complain(entry, key, &info);
}

static void take_pair(struct config_entry *entry, const struct yaml_node *key)
{
    for (size_t i = 0; i < entry->parts_count; i++) {
        const struct option *option = option_find(entry->parts[i].table, key->text);
        if (option == NULL || option->is_secret)
            continue;
        set_once(entry, &entry->parts[i], option, key);
        return;
    }
    take_unknown(entry, key);
}

void config_entry_read(struct config_entry *entry)
{
    for (size_t i = 0; i < entry->parts_count; i++)
        ASSERT(entry->parts[i].table.count <= CONFIG_ENTRY_OPTIONS_MAX);
    const struct yaml_node *key = yaml_first(entry->document, entry->node);
    while (key != NULL) {
        take_pair(entry, key);
        key = yaml_next(entry->document, yaml_next(entry->document, key));
    }
}

const struct yaml_node *config_entry_place(const struct config_entry *entry,
                                           const struct err_info *info)
{
    struct span story = span_of_text(info->text);
    struct span path = span_first(story, span_find(story, ':'));
    const struct yaml_node *place = entry->node;
    while (path.len > 0 && place->kind == YAML_MAPPING) {
        const struct yaml_node *inner =
            member(entry->document, place, span_split(path, '.', &path));
        if (inner == NULL)
            break;
        place = inner;
    }
    return place;
}

static enum err take_entry(struct config *config, const struct config_entry *list,
                           const struct yaml_node *node, config_on_entry *on_entry)
{
    struct config_entry entry = *list;
    entry.node = node;
    if (node->kind == YAML_MAPPING)
        return on_entry(config, &entry);
    struct err_info info;
    err_info_set(&info, "%s: an entry such as \"name: DocDemo\" is wanted", list->list);
    config_entry_complain(list, node, &info);
    return ERR_OK;
}

enum err config_entries_each(struct config *config, const struct config_entry *list,
                             config_on_entry *on_entry)
{
    enum err err = ERR_OK;
    if (list->node->is_null)
        return ERR_OK;
    if (list->node->kind != YAML_SEQUENCE) {
        struct err_info info;
        err_info_set(&info, "%s: a list is wanted, each entry with a dash before its name",
                     list->list);
        config_entry_complain(list, list->node, &info);
        return ERR_OK;
    }
    const struct yaml_node *node = yaml_first(list->document, list->node);
    for (; node != NULL && err == ERR_OK; node = yaml_next(list->document, node))
        err = take_entry(config, list, node, on_entry);
    return err;
}
