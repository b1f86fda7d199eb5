// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A recipe's mappings, flattened into fields: the keys above each scalar, and its place. What keys
// there may be is the compiler's business, in src/channel.
#include "config/recipe_file.h"

#include "base/assert.h"
#include "config/recipes_shipped.h"
#include "config/yaml.h"

#include <stdlib.h>

struct flattener {
    const struct yaml_document *document;
    const char *source;
    struct config_report *report;
    struct recipe_field *fields;
    size_t count;
    size_t errors;
};

static void complain(void *ctx, uint32_t line, uint32_t column, const struct err_info *info)
{
    struct flattener *flattener = ctx;
    flattener->errors++;
    config_report_add(flattener->report, (struct config_place){flattener->source, line, column},
                      info);
}

static void complain_at(struct flattener *flattener, const struct yaml_node *node, const char *what)
{
    struct err_info info;
    err_info_set(&info, "%s", what);
    complain(flattener, node->line, node->column, &info);
}

// A mapping on the way down: its next key, and how many keys are above.
struct level {
    const struct yaml_node *key;
};

struct descent {
    struct level levels[RECIPE_KEYS_MAX];
    size_t depth; // mappings that are open
};

static void add_field(struct flattener *flattener, const struct descent *descent,
                      const struct yaml_node *value)
{
    if (flattener->count == RECIPE_FIELDS_MAX) {
        complain_at(flattener, value, "a recipe has at most 512 values");
        return;
    }
    struct recipe_field *field = &flattener->fields[flattener->count++];
    *field = (struct recipe_field){.text = value->text, .depth = descent->depth};
    for (size_t i = 0; i < descent->depth; i++)
        field->keys[i] = descent->levels[i].key->text;
    field->line = value->line;
    field->column = value->column;
}

static bool is_null(const struct yaml_node *value)
{
    return value->kind == YAML_SCALAR && value->is_null;
}

// Takes the value of the innermost key; true: it is a mapping that has been opened.
static bool take_value(struct flattener *flattener, struct descent *descent,
                       const struct yaml_node *value)
{
    const struct yaml_node *first = yaml_first(flattener->document, value);
    if (value->kind == YAML_SEQUENCE) {
        complain_at(flattener, value, "a recipe has no lists");
        return false;
    }
    if (is_null(value) || (value->kind == YAML_MAPPING && first == NULL)) {
        complain_at(flattener, value, "a value is missing");
        return false;
    }
    if (value->kind == YAML_SCALAR) {
        add_field(flattener, descent, value);
        return false;
    }
    if (descent->depth == RECIPE_KEYS_MAX) {
        complain_at(flattener, value, "nested too deeply");
        return false;
    }
    descent->levels[descent->depth++].key = first;
    return true;
}

// To the key after the innermost one's value; ends mappings that have no more.
static void advance(const struct flattener *flattener, struct descent *descent)
{
    while (descent->depth > 0) {
        struct level *level = &descent->levels[descent->depth - 1];
        const struct yaml_node *value = yaml_next(flattener->document, level->key);
        level->key = yaml_next(flattener->document, value);
        if (level->key != NULL)
            return;
        descent->depth--;
    }
}

static void flatten(struct flattener *flattener)
{
    static const struct yaml_node nothing = {.line = 1, .column = 1};
    struct descent descent = {.depth = 0};
    const struct yaml_node *root = yaml_root(flattener->document);
    if (root == NULL || root->kind != YAML_MAPPING) {
        complain_at(flattener, root != NULL ? root : &nothing,
                    "lines such as \"recipe: name\" are wanted");
        return;
    }
    descent.levels[0].key = yaml_first(flattener->document, root);
    descent.depth = descent.levels[0].key != NULL ? 1 : 0;
    while (descent.depth > 0) {
        const struct yaml_node *key = descent.levels[descent.depth - 1].key;
        if (!take_value(flattener, &descent, yaml_next(flattener->document, key)))
            advance(flattener, &descent);
    }
}

static enum err compile(struct flattener *flattener, struct recipe **out)
{
    const struct recipe_complaints complaints = {complain, flattener};
    flattener->fields = calloc(RECIPE_FIELDS_MAX, sizeof *flattener->fields);
    if (flattener->fields == NULL)
        return ERR_NO_MEMORY;
    flatten(flattener);
    enum err err = recipe_compile(flattener->fields, flattener->count, &complaints, out);
    free(flattener->fields);
    if (err == ERR_OK && flattener->errors > 0) {
        recipe_destroy(out);
        err = ERR_INVALID;
    }
    return err;
}

enum err config_recipe_parse(const char *source, struct span text, struct recipe **out,
                             struct config_report *report)
{
    struct yaml_mark mark;
    struct err_info info;
    struct yaml_document *document = NULL;
    *out = NULL;
    if (text.len > CONFIG_RECIPE_BYTES_MAX) {
        err_info_set(&info, "a recipe has at most %u bytes", CONFIG_RECIPE_BYTES_MAX);
        config_report_add(report, (struct config_place){.source = source}, &info);
        return ERR_INVALID;
    }
    enum err err = yaml_parse(text, &document, &mark, &info);
    if (err == ERR_INVALID)
        config_report_add(report, (struct config_place){source, mark.line, mark.column}, &info);
    if (err != ERR_OK)
        return err;
    struct flattener flattener = {.document = document, .source = source, .report = report};
    err = compile(&flattener, out);
    yaml_destroy(&document);
    return err;
}

struct shipped {
    struct span name;
    const uint8_t *begin, *end;
};

#define SHIPPED_ROW(symbol, text) {SPAN(text), recipe_##symbol##_begin, recipe_##symbol##_end},
static const struct shipped shipped[] = {RECIPES_SHIPPED(SHIPPED_ROW)};
#undef SHIPPED_ROW

#define SHIPPED_COUNT (sizeof shipped / sizeof shipped[0])

struct span config_recipe_shipped_at(size_t index)
{
    ASSERT(index < SHIPPED_COUNT);
    return span_make(shipped[index].begin, (size_t)(shipped[index].end - shipped[index].begin));
}

struct span config_recipe_shipped_name(size_t index)
{
    return index < SHIPPED_COUNT ? shipped[index].name : (struct span){0};
}
