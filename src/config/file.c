// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The configuration file: which keys it has, and that each has one value of the right kind.
#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err read_all(int fd, uint8_t *storage, size_t cap, size_t *len_out)
{
    size_t len = 0;
    while (len < cap) {
        ssize_t got = read(fd, storage + len, cap - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_IO; // errno says why
        if (got == 0)
            break;
        len += (size_t)got;
    }
    *len_out = len;
    return ERR_OK;
}

// The size is looked at before reading, for the story; the buffer bounds the reading in any case.
static enum err read_open(int fd, uint8_t *storage, size_t cap, struct file_facts *facts,
                          struct err_info *info)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) {
        err_info_set(info, "it is no regular file");
        return ERR_INVALID;
    }
    if (stat.st_size > (off_t)cap) {
        err_info_set(info, "it has more than %zu bytes", cap);
        return ERR_INVALID;
    }
    enum err err = read_all(fd, storage, cap, &facts->len);
    if (err != ERR_OK)
        err_info_set(info, "cannot read it: %s", strerrordesc_np(errno));
    facts->is_private = (stat.st_mode & (S_IRWXO | S_IWGRP)) == 0;
    return err;
}

enum err config_file_read(const char *path, void *storage, size_t cap, struct file_facts *facts_out,
                          struct err_info *info)
{
    // Without O_NONBLOCK a FIFO in the file's place would hold up the start for ever.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int reason = errno;
        err_info_set(info, "cannot open it: %s", strerrordesc_np(reason));
        return reason == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    enum err err = read_open(fd, storage, cap, facts_out, info);
    (void)close(fd);
    return err;
}

void config_say_unknown(const char *prefix, struct span name, const char *nearest,
                        struct err_info *info)
{
    int shown = (int)span_first(name, 64).len;
    const char *text = (const char *)name.data;
    if (nearest == NULL)
        err_info_set(info, "unknown option \"%s%.*s\"", prefix, shown, text);
    else
        err_info_set(info, "unknown option \"%s%.*s\"; did you mean \"%s\"?", prefix, shown, text,
                     nearest);
}

// The keys whose values are lists, each with a reader of its own.
typedef enum err list_load(struct config *config, const struct yaml_document *document,
                           const struct yaml_node *node, struct config_report *report);

enum { LIST_BRANDS, LIST_PROVIDERS, LIST_ROUTES, LISTS_COUNT };

static const struct option lists[LISTS_COUNT] = {
    [LIST_BRANDS] = {.name = "brands"},
    [LIST_PROVIDERS] = {.name = "providers"},
    [LIST_ROUTES] = {.name = "routes"},
};
static const struct option_table list_table = {lists, LISTS_COUNT};
static list_load *const list_loads[] = {
    [LIST_BRANDS] = config_brands_load,
    [LIST_PROVIDERS] = config_providers_load,
};

struct file_reader {
    struct config *config;
    const struct yaml_document *document;
    struct config_report *report;
    const struct yaml_node *list_keys[LISTS_COUNT]; // NULL: not seen yet
    const struct yaml_node *routes;                 // read last; NULL: there are none
};

static void complain(const struct file_reader *reader, const struct yaml_node *node,
                     const struct err_info *info)
{
    const struct config_place place = {reader->config->file, node->line, node->column};
    config_report_add(reader->report, place, info);
}

static void complain_twice(const struct file_reader *reader, const struct yaml_node *key,
                           uint32_t first_line)
{
    struct err_info info;
    err_info_set(&info, "\"%.*s\" is given twice; first in line %u", (int)key->text.len,
                 (const char *)key->text.data, first_line);
    complain(reader, key, &info);
}

static enum err take_list(struct file_reader *reader, const struct option *list,
                          const struct yaml_node *key, const struct yaml_node *value)
{
    const struct yaml_node **first = &reader->list_keys[list - lists];
    if (*first != NULL) {
        complain_twice(reader, key, (*first)->line);
        return ERR_OK;
    }
    *first = key;
    if (list - lists == LIST_ROUTES) {
        reader->routes = value;
        return ERR_OK;
    }
    return list_loads[list - lists](reader->config, reader->document, value, reader->report);
}

static void take_unknown(struct file_reader *reader, const struct yaml_node *key)
{
    struct err_info info;
    const struct option *nearest = option_nearest(config_option_table(), key->text);
    if (nearest == NULL)
        nearest = option_nearest(list_table, key->text);
    config_say_unknown("", key->text, nearest != NULL ? nearest->name : NULL, &info);
    complain(reader, key, &info);
}

static void take_option(struct file_reader *reader, const struct option *option,
                        const struct yaml_node *key, const struct yaml_node *value)
{
    struct err_info info;
    struct config_origin *origin = &reader->config->origins[option - config_options];
    if (origin->source == CONFIG_FROM_FILE) {
        complain_twice(reader, key, origin->line);
        return;
    }
    *origin = (struct config_origin){CONFIG_FROM_FILE, value->line, value->column};
    if (config_node_set(option, &reader->config->server, value, &info) != ERR_OK)
        complain(reader, value, &info);
}

static enum err take_pair(struct file_reader *reader, const struct yaml_node *key,
                          const struct yaml_node *value)
{
    const struct option *option = option_find(list_table, key->text);
    if (option != NULL)
        return take_list(reader, option, key, value);
    option = option_find(config_option_table(), key->text);
    if (option != NULL)
        take_option(reader, option, key, value);
    else
        take_unknown(reader, key);
    return ERR_OK;
}

enum err config_node_set(const struct option *option, void *settings, const struct yaml_node *value,
                         struct err_info *info)
{
    if (value->kind != YAML_SCALAR) {
        err_info_set(info, "%s: one value is wanted here, no list", option->name);
        return ERR_INVALID;
    }
    if (value->is_null && !option->is_nullable) {
        err_info_set(info, "%s: it cannot be null", option->name);
        return ERR_INVALID;
    }
    return option_set(option, settings, value->is_null ? SPAN("null") : value->text, info);
}

static enum err take_document(struct file_reader *reader)
{
    enum err err = ERR_OK;
    const struct yaml_node *root = yaml_root(reader->document);
    if (root == NULL || root->is_null)
        return ERR_OK;
    struct err_info info;
    err_info_set(&info, "lines such as \"listen: 127.0.0.1:8480\" are wanted");
    if (root->kind != YAML_MAPPING) {
        complain(reader, root, &info);
        return ERR_OK;
    }
    const struct yaml_node *key = yaml_first(reader->document, root);
    while (key != NULL && err == ERR_OK) {
        const struct yaml_node *value = yaml_next(reader->document, key);
        err = take_pair(reader, key, value);
        key = yaml_next(reader->document, value);
    }
    if (err != ERR_OK || reader->routes == NULL)
        return err;
    return config_routes_load(reader->config, reader->document, reader->routes, reader->report);
}

static enum err load_text(struct config *config, struct span text, struct config_report *report)
{
    struct yaml_mark mark;
    struct err_info info;
    struct yaml_document *document = NULL;
    enum err err = yaml_parse(text, &document, &mark, &info);
    if (err == ERR_INVALID) {
        config_report_add(report, (struct config_place){config->file, mark.line, mark.column},
                          &info);
        return ERR_OK;
    }
    if (err != ERR_OK)
        return err;
    struct file_reader reader = {.config = config, .document = document, .report = report};
    err = take_document(&reader);
    yaml_destroy(&document);
    return err;
}

enum err config_file_load(struct config *config, struct config_report *report)
{
    struct err_info info;
    struct file_facts facts;
    uint8_t *storage = malloc(CONFIG_FILE_BYTES_MAX);
    if (storage == NULL)
        return ERR_NO_MEMORY;
    enum err err = config_file_read(config->file, storage, CONFIG_FILE_BYTES_MAX, &facts, &info);
    if (err == ERR_OK) {
        err = load_text(config, span_make(storage, facts.len), report);
    } else {
        config_report_add(report, (struct config_place){.source = config->file}, &info);
        err = ERR_OK;
    }
    free(storage);
    return err;
}
