// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A brand's texts in other languages, as the file has them: languages, and below each its texts.
// Each is put into the settings as a change at run time would be, by its path.
#include "config/source.h"

#define PATH_BYTES_MAX 64U

struct translations_reader {
    const struct config_entry *entry;
    const struct option *option;
    struct brand_settings *settings;
};

// The path to `key` below `language`, or to the language.
static struct span put_path(struct span language, struct span key, uint8_t room[PATH_BYTES_MAX])
{
    struct strbuf path = strbuf_over(room, PATH_BYTES_MAX);
    strbuf_put(&path, span_first(language, PATH_BYTES_MAX / 2));
    strbuf_put_text(&path, key.len > 0 ? "." : "");
    strbuf_put(&path, span_first(key, PATH_BYTES_MAX / 2 - 1));
    return strbuf_span(&path);
}

static void refuse(const struct translations_reader *reader, const struct yaml_node *at,
                   struct span path, const char *what)
{
    struct err_info info;
    err_info_set(&info, "%s%s%.*s: %s", reader->option->name, path.len > 0 ? "." : "",
                 (int)path.len, (const char *)path.data, what);
    config_entry_complain(reader->entry, at, &info);
}

// Else its second value would take the place of the first.
static bool is_first(const struct translations_reader *reader, const struct yaml_node *mapping,
                     const struct yaml_node *key)
{
    struct err_info info;
    const struct yaml_document *document = reader->entry->document;
    const struct yaml_node *other = yaml_first(document, mapping);
    while (!span_eq(other->text, key->text))
        other = yaml_next(document, yaml_next(document, other));
    if (other == key)
        return true;
    err_info_set(&info, "\"%.*s\" is given twice; first in line %u",
                 (int)span_first(key->text, PATH_BYTES_MAX).len, (const char *)key->text.data,
                 other->line);
    config_entry_complain(reader->entry, key, &info);
    return false;
}

static void read_text(const struct translations_reader *reader, struct span path,
                      const struct yaml_node *value)
{
    struct err_info info;
    const struct brand_edit edit = {.option = reader->option, .text = value->text, .path = path};
    if (value->kind != YAML_SCALAR || value->is_null)
        refuse(reader, value, path, "one text is wanted here");
    else if (brand_edit_apply(&edit, reader->settings, &info) != ERR_OK)
        config_entry_complain(reader->entry, value, &info);
}

static void read_language(const struct translations_reader *reader, struct span language,
                          const struct yaml_node *texts)
{
    uint8_t room[PATH_BYTES_MAX];
    const struct yaml_document *document = reader->entry->document;
    if (texts->kind != YAML_MAPPING) {
        refuse(reader, texts, put_path(language, SPAN(""), room),
               "lines below it are wanted, such as \"smsTemplate: …\"");
        return;
    }
    const struct yaml_node *key = yaml_first(document, texts);
    while (key != NULL) {
        const struct yaml_node *value = yaml_next(document, key);
        if (is_first(reader, texts, key))
            read_text(reader, put_path(language, key->text, room), value);
        key = yaml_next(document, value);
    }
}

void config_translations_read(const struct config_entry *entry, const struct option *option,
                              const struct yaml_node *value, struct brand_settings *settings)
{
    const struct translations_reader reader = {entry, option, settings};
    if (value->is_null)
        return;
    if (value->kind != YAML_MAPPING) {
        refuse(&reader, value, SPAN(""), "lines below it are wanted, such as \"vi:\"");
        return;
    }
    const struct yaml_node *key = yaml_first(entry->document, value);
    while (key != NULL) {
        const struct yaml_node *texts = yaml_next(entry->document, key);
        if (is_first(&reader, value, key))
            read_language(&reader, key->text, texts);
        key = yaml_next(entry->document, texts);
    }
}
