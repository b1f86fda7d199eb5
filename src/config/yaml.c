// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Built from the library's event stream, with an explicit stack of open containers: nothing here
// recurses, and a depth or a number of nodes beyond the bounds ends the reading at once.
//
// libfyaml 0.7 takes a NUL or an ill-formed byte for the end of the text, without an error. A file
// that was damaged there would lose its tail in silence, limits and all, so that all bytes are
// looked at first. It also crashes over nested explicit keys ("? key"), which no configuration
// needs.
#include "config/yaml.h"

#include "base/assert.h"
#include "base/unicode_digit.h"

#include <libfyaml.h>
#include <stdlib.h>

struct yaml_document {
    struct yaml_node *nodes; // nodes[0] is no node, so that 0 can say "none"
    uint32_t held;
    uint8_t *texts;
    size_t texts_len, texts_cap;
    uint32_t root;
};

struct builder {
    struct yaml_document *document;
    uint32_t open[YAML_DEPTH_MAX];
    uint32_t last_child[YAML_DEPTH_MAX]; // of the container at that depth; 0: none yet
    size_t depth;
    unsigned documents;
    struct yaml_mark mark; // of the event being taken
    struct err_info *info;
};

static enum err refuse(struct builder *builder, const char *why)
{
    err_info_set(builder->info, "%s", why);
    return ERR_INVALID;
}

static bool is_allowed(uint32_t scalar)
{
    return scalar == '\n' || scalar == '\r' || scalar == '\t' ||
           (scalar >= 0x20 && (scalar < 0x7F || scalar >= 0xA0));
}

static bool is_blank_at(struct span line, size_t at)
{
    return at >= line.len || line.data[at] == ' ' || line.data[at] == '\t' || line.data[at] == '\r';
}

static bool begins_with_explicit_key(struct span line)
{
    size_t at = 0;
    while (at < line.len && (line.data[at] == '-' || is_blank_at(line, at)))
        at++;
    return at < line.len && line.data[at] == '?' && is_blank_at(line, at + 1);
}

static enum err check_keys(struct span text, struct yaml_mark *mark, struct err_info *info)
{
    for (uint32_t number = 1; text.len > 0; number++) {
        struct span rest;
        struct span line = span_split(text, '\n', &rest);
        if (begins_with_explicit_key(line)) {
            *mark = (struct yaml_mark){number, 1};
            err_info_set(info,
                         "a line that begins with a question mark; put quotes around the text");
            return ERR_INVALID;
        }
        text = rest;
    }
    return ERR_OK;
}

static enum err check_bytes(struct span text, struct yaml_mark *mark, struct err_info *info)
{
    uint32_t scalar;
    *mark = (struct yaml_mark){1, 1};
    while (text.len > 0) {
        if (!utf8_take(&text, &scalar) || !is_allowed(scalar)) {
            err_info_set(info, "a control character, or a byte that is no UTF-8");
            return ERR_INVALID;
        }
        mark->column++;
        if (scalar == '\n')
            *mark = (struct yaml_mark){mark->line + 1, 1};
    }
    return ERR_OK;
}

// A node below what is open; NULL when there are too many.
static struct yaml_node *add_node(struct builder *builder, enum yaml_kind kind)
{
    struct yaml_document *document = builder->document;
    if (document->held == YAML_NODES_MAX)
        return NULL;
    uint32_t index = document->held++;
    struct yaml_node *node = &document->nodes[index];
    *node = (struct yaml_node){
        .kind = kind, .line = builder->mark.line, .column = builder->mark.column};
    if (builder->depth == 0) {
        document->root = index;
        return node;
    }
    uint32_t *last = &builder->last_child[builder->depth - 1];
    if (*last != 0)
        document->nodes[*last].next = index;
    else
        document->nodes[builder->open[builder->depth - 1]].first = index;
    *last = index;
    return node;
}

static enum err add_container(struct builder *builder, enum yaml_kind kind)
{
    if (builder->depth == YAML_DEPTH_MAX)
        return refuse(builder, "nested too deeply");
    struct yaml_node *node = add_node(builder, kind);
    if (node == NULL)
        return refuse(builder, "too many values");
    builder->open[builder->depth] = (uint32_t)(node - builder->document->nodes);
    builder->last_child[builder->depth] = 0;
    builder->depth++;
    return ERR_OK;
}

static bool keep_text(struct yaml_document *document, struct span text, struct span *out)
{
    if (text.len > document->texts_cap - document->texts_len)
        return false;
    uint8_t *at = document->texts + document->texts_len;
    if (text.len > 0)
        memcpy(at, text.data, text.len);
    document->texts_len += text.len;
    *out = span_make(at, text.len);
    return true;
}

static bool is_null_word(struct span text)
{
    return text.len == 0 || span_eq(text, SPAN("~")) || span_eq(text, SPAN("null"));
}

static enum err add_scalar(struct builder *builder, struct fy_token *token)
{
    size_t len = 0;
    const char *text = token != NULL ? fy_token_get_text(token, &len) : "";
    if (text == NULL)
        return ERR_NO_MEMORY;
    struct yaml_node *node = add_node(builder, YAML_SCALAR);
    if (node == NULL || !keep_text(builder->document, span_make(text, len), &node->text))
        return refuse(builder, "too many values");
    enum fy_scalar_style style = token != NULL ? fy_token_scalar_style(token) : FYSS_PLAIN;
    node->is_null = style == FYSS_PLAIN && is_null_word(node->text);
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
        node->column--; // the library's mark is behind the quote
    return ERR_OK;
}

static enum err on_scalar(struct builder *builder, struct fy_event *event)
{
    if (event->scalar.anchor != NULL || event->scalar.tag != NULL)
        return refuse(builder, "tags, anchors and aliases are not taken");
    return add_scalar(builder, event->scalar.value);
}

static enum err on_mapping_start(struct builder *builder, struct fy_event *event)
{
    if (event->mapping_start.anchor != NULL || event->mapping_start.tag != NULL)
        return refuse(builder, "tags, anchors and aliases are not taken");
    return add_container(builder, YAML_MAPPING);
}

static enum err on_sequence_start(struct builder *builder, struct fy_event *event)
{
    if (event->sequence_start.anchor != NULL || event->sequence_start.tag != NULL)
        return refuse(builder, "tags, anchors and aliases are not taken");
    return add_container(builder, YAML_SEQUENCE);
}

static enum err on_end(struct builder *builder, struct fy_event *event)
{
    (void)event;
    ASSERT(builder->depth > 0);
    builder->depth--;
    return ERR_OK;
}

static enum err on_alias(struct builder *builder, struct fy_event *event)
{
    (void)event;
    return refuse(builder, "tags, anchors and aliases are not taken");
}

static enum err on_document_start(struct builder *builder, struct fy_event *event)
{
    (void)event;
    if (builder->documents++ > 0)
        return refuse(builder, "a second document; one file is one document");
    return ERR_OK;
}

static enum err on_nothing(struct builder *builder, struct fy_event *event)
{
    (void)builder;
    (void)event;
    return ERR_OK;
}

static enum err take_event(struct builder *builder, struct fy_event *event)
{
    static enum err (*const takers[])(struct builder *, struct fy_event *) = {
        [FYET_NONE] = on_nothing,         [FYET_STREAM_START] = on_nothing,
        [FYET_STREAM_END] = on_nothing,   [FYET_DOCUMENT_START] = on_document_start,
        [FYET_DOCUMENT_END] = on_nothing, [FYET_MAPPING_START] = on_mapping_start,
        [FYET_MAPPING_END] = on_end,      [FYET_SEQUENCE_START] = on_sequence_start,
        [FYET_SEQUENCE_END] = on_end,     [FYET_SCALAR] = on_scalar,
        [FYET_ALIAS] = on_alias,
    };
    ASSERT(event->type < sizeof takers / sizeof takers[0]);
    return takers[event->type](builder, event);
}

static struct fy_token *token_of(const struct fy_event *event)
{
    if (event->type == FYET_SCALAR)
        return event->scalar.value;
    if (event->type == FYET_MAPPING_START)
        return event->mapping_start.mapping_start;
    if (event->type == FYET_SEQUENCE_START)
        return event->sequence_start.sequence_start;
    if (event->type == FYET_ALIAS)
        return event->alias.anchor;
    return NULL;
}

// Ends, and values that are left out, have no token: the last place then serves.
static void note_mark(struct builder *builder, const struct fy_event *event)
{
    struct fy_token *token = token_of(event);
    const struct fy_mark *mark = token != NULL ? fy_token_start_mark(token) : NULL;
    if (mark != NULL)
        builder->mark = (struct yaml_mark){(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
}

static enum err syntax_error(struct builder *builder, struct fy_diag *diag)
{
    void *previous = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &previous);
    if (error == NULL)
        return refuse(builder, "no YAML");
    if (error->line > 0)
        builder->mark = (struct yaml_mark){(uint32_t)error->line, (uint32_t)error->column};
    return refuse(builder, error->msg);
}

static enum err take_events(struct builder *builder, struct fy_parser *parser, struct fy_diag *diag)
{
    enum err err = ERR_OK;
    struct fy_event *event = NULL;
    while (err == ERR_OK && (event = fy_parser_parse(parser)) != NULL) {
        note_mark(builder, event);
        err = take_event(builder, event);
        fy_parser_event_free(parser, event);
    }
    if (err == ERR_OK && fy_parser_get_stream_error(parser))
        return syntax_error(builder, diag);
    return err;
}

static enum err parse_with(struct builder *builder, struct span text, struct fy_diag *diag)
{
    const struct fy_parse_cfg options = {
        .flags = FYPCF_QUIET | FYPCF_JSON_NONE | FYPCF_DEFAULT_VERSION_1_2,
        .diag = diag,
    };
    struct fy_parser *parser = fy_parser_create(&options);
    if (parser == NULL)
        return ERR_NO_MEMORY;
    enum err err = ERR_NO_MEMORY;
    if (fy_parser_set_string(parser, (const char *)text.data, text.len) == 0)
        err = take_events(builder, parser, diag);
    fy_parser_destroy(parser);
    return err;
}

static enum err parse_text(struct builder *builder, struct span text)
{
    struct fy_diag_cfg options;
    fy_diag_cfg_default(&options);
    options.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&options);
    if (diag == NULL)
        return ERR_NO_MEMORY;
    fy_diag_set_collect_errors(diag, true);
    enum err err = parse_with(builder, text, diag);
    fy_diag_destroy(diag);
    return err;
}

// An escape such as "\L" is two bytes that become three; nothing grows more.
static struct yaml_document *document_create(size_t text_len)
{
    struct yaml_document *document = calloc(1, sizeof *document);
    if (document == NULL)
        return NULL;
    document->held = 1;
    document->texts_cap = 2 * text_len + 1;
    document->texts = malloc(document->texts_cap);
    document->nodes = calloc(YAML_NODES_MAX, sizeof *document->nodes);
    if (document->texts == NULL || document->nodes == NULL)
        yaml_destroy(&document);
    return document;
}

enum err yaml_parse(struct span text, struct yaml_document **out, struct yaml_mark *mark_out,
                    struct err_info *info)
{
    enum err err = check_bytes(text, mark_out, info);
    if (err == ERR_OK)
        err = check_keys(text, mark_out, info);
    if (err != ERR_OK)
        return err;
    struct builder builder = {.document = document_create(text.len), .info = info, .mark = {1, 1}};
    if (builder.document == NULL)
        return ERR_NO_MEMORY;
    err = text.len > 0 ? parse_text(&builder, text) : ERR_OK;
    *mark_out = builder.mark;
    if (err != ERR_OK)
        yaml_destroy(&builder.document);
    *out = builder.document;
    return err;
}

void yaml_destroy(struct yaml_document **document)
{
    if (*document == NULL)
        return;
    free((*document)->texts);
    free((*document)->nodes);
    free(*document);
    *document = NULL;
}

static const struct yaml_node *node_at(const struct yaml_document *document, uint32_t index)
{
    return index != 0 ? &document->nodes[index] : NULL;
}

const struct yaml_node *yaml_root(const struct yaml_document *document)
{
    return node_at(document, document->root);
}

const struct yaml_node *yaml_first(const struct yaml_document *document,
                                   const struct yaml_node *node)
{
    return node_at(document, node->first);
}

const struct yaml_node *yaml_next(const struct yaml_document *document,
                                  const struct yaml_node *node)
{
    return node_at(document, node->next);
}
