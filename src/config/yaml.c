// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Built from libyaml's event stream, with an explicit stack of open containers: nothing here
// recurses, and a depth or a number of nodes beyond the bounds ends the reading at once.
//
// All bytes are looked at before libyaml sees them, because it would
// - say of a bad byte how far into the file it is, but not in which line;
// - end a line, and a comment with it, at U+0085, U+2028 and U+2029, where most editors do not;
// - compare each %TAG directive with all before it: a file of 1 MiB of them takes 15 seconds.
//
// libyaml knows YAML 1.1, in which "NO" is a boolean and "0x10" a number. That is of no account:
// its events carry text, and what the text means is decided by whoever asked for the value.
#include "config/yaml.h"

#include "base/assert.h"
#include "base/unicode_digit.h"

#include <stdlib.h>
#include <yaml.h>

#define TAGGED \
    "tags, anchors and aliases are not taken; put quotes around a text that begins with !, & or *"

struct yaml_document {
    struct yaml_node *nodes; // nodes[0] is no node, so that 0 can say "none"
    uint32_t held;
    uint8_t *texts;
    size_t texts_len, texts_cap;
    uint32_t root;
};

struct builder {
    struct span text;
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
    static const uint32_t hidden[] = {0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF};
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        if (scalar == hidden[i])
            return false;
    }
    return scalar == '\n' || scalar == '\r' || scalar == '\t' ||
           (scalar >= 0x20 && (scalar < 0x7F || scalar >= 0xA0));
}

// NULL: none.
static const char *fault_at(struct span *text, uint32_t *scalar_out, bool begins_line)
{
    if (!utf8_take(text, scalar_out) || !is_allowed(*scalar_out))
        return "a control character, or a byte that is no UTF-8";
    if (begins_line && *scalar_out == '%')
        return "a line that begins with a percent sign; directives are not taken";
    return NULL;
}

static enum err check_bytes(struct span text, struct yaml_mark *mark, struct err_info *info)
{
    uint32_t scalar;
    *mark = (struct yaml_mark){1, 1};
    while (text.len > 0) {
        const char *fault = fault_at(&text, &scalar, mark->column == 1);
        if (fault != NULL) {
            err_info_set(info, "%s", fault);
            return ERR_INVALID;
        }
        mark->column++;
        bool is_first_of_two = scalar == '\r' && text.len > 0 && text.data[0] == '\n';
        if (scalar == '\n' || (scalar == '\r' && !is_first_of_two))
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

static enum err on_scalar(struct builder *builder, const yaml_event_t *event)
{
    if (event->data.scalar.anchor != NULL || event->data.scalar.tag != NULL)
        return refuse(builder, TAGGED);
    struct span text = span_make(event->data.scalar.value, event->data.scalar.length);
    struct yaml_node *node = add_node(builder, YAML_SCALAR);
    if (node == NULL || !keep_text(builder->document, text, &node->text))
        return refuse(builder, "too many values");
    node->is_null = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && is_null_word(text);
    return ERR_OK;
}

static enum err on_mapping_start(struct builder *builder, const yaml_event_t *event)
{
    if (event->data.mapping_start.anchor != NULL || event->data.mapping_start.tag != NULL)
        return refuse(builder, TAGGED);
    return add_container(builder, YAML_MAPPING);
}

static enum err on_sequence_start(struct builder *builder, const yaml_event_t *event)
{
    if (event->data.sequence_start.anchor != NULL || event->data.sequence_start.tag != NULL)
        return refuse(builder, TAGGED);
    return add_container(builder, YAML_SEQUENCE);
}

static enum err on_end(struct builder *builder, const yaml_event_t *event)
{
    (void)event;
    ASSERT(builder->depth > 0);
    builder->depth--;
    return ERR_OK;
}

static enum err on_alias(struct builder *builder, const yaml_event_t *event)
{
    (void)event;
    return refuse(builder, TAGGED);
}

static enum err on_document_start(struct builder *builder, const yaml_event_t *event)
{
    (void)event;
    if (builder->documents++ > 0)
        return refuse(builder, "a second document; one file is one document");
    return ERR_OK;
}

static enum err on_nothing(struct builder *builder, const yaml_event_t *event)
{
    (void)builder;
    (void)event;
    return ERR_OK;
}

static enum err take_event(struct builder *builder, const yaml_event_t *event)
{
    static enum err (*const takers[])(struct builder *, const yaml_event_t *) = {
        [YAML_NO_EVENT] = on_nothing,           [YAML_STREAM_START_EVENT] = on_nothing,
        [YAML_STREAM_END_EVENT] = on_nothing,   [YAML_DOCUMENT_START_EVENT] = on_document_start,
        [YAML_DOCUMENT_END_EVENT] = on_nothing, [YAML_ALIAS_EVENT] = on_alias,
        [YAML_SCALAR_EVENT] = on_scalar,        [YAML_SEQUENCE_START_EVENT] = on_sequence_start,
        [YAML_SEQUENCE_END_EVENT] = on_end,     [YAML_MAPPING_START_EVENT] = on_mapping_start,
        [YAML_MAPPING_END_EVENT] = on_end,
    };
    ASSERT(event->type < sizeof takers / sizeof takers[0]);
    return takers[event->type](builder, event);
}

static struct yaml_mark mark_of(yaml_mark_t mark)
{
    return (struct yaml_mark){(uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

#define TAB "found a tab character that violates indentation"
#define BAD_FIRST "found character that cannot start any token" // a tab too

// What libyaml says, or what it was doing then, in the words of somebody who writes a
// configuration. Where the mistake shows only far behind its cause, the cause is the place.
struct wording {
    const char *theirs, *ours;
    bool is_at_context;
};

// The first row that fits counts.
static const struct wording wordings[] = {
    {TAB, "a tab that indents; use spaces", false},
    {"found a tab character where an indentation space is expected",
     "a tab that indents; use spaces", false},
    {BAD_FIRST, "no text can begin with this character; put quotes around it", false},
    {"while scanning a tag", TAGGED, false},
    {"while parsing a tag", TAGGED, false},
    {"found undefined tag handle", TAGGED, false},
    {"while scanning an anchor", TAGGED, false},
    {"while scanning an alias", TAGGED, false},
    {"while scanning a quoted scalar", "a quote that is not closed", true},
    {"while parsing a quoted scalar",
     "an escape that does not exist; write \\\\ for a backslash, or use single quotes", false},
    {"while scanning a block scalar",
     "something behind | or > that does not belong there; the text begins in the next line", false},
    {"while scanning a simple key", "no colon with a space behind it after this key", true},
    {"mapping values are not allowed in this context",
     "a colon within a text that began before it; check the indent, or put quotes around the text",
     false},
    {"mapping keys are not allowed in this context",
     "a question mark cannot stand alone here; put quotes around the text", false},
    {"block sequence entries are not allowed in this context",
     "a dash cannot begin a list here; the first one has a line of its own", false},
    {"did not find expected key", "no key where one is wanted; check the indent and the quotes",
     false},
    {"did not find expected '-' indicator",
     "no dash where one is wanted; check the indent and the quotes", false},
    {"did not find expected node content",
     "no value where one is wanted; check the brackets and commas", false},
    {"did not find expected ',' or ']'", "neither a comma nor the closing ] of a list", false},
    {"did not find expected ',' or '}'", "neither a comma nor the closing } of a mapping", false},
    {"did not find expected <document start>",
     "more text where the document has ended; check the indent and the quotes", false},
};

static const struct wording *wording_of(struct span problem, struct span context)
{
    for (size_t i = 0; i < sizeof wordings / sizeof wordings[0]; i++) {
        struct span theirs = span_of_text(wordings[i].theirs);
        if (span_eq(theirs, problem) || span_eq(theirs, context))
            return &wordings[i];
    }
    return NULL;
}

static bool is_tab_at(struct span text, size_t index)
{
    uint32_t scalar = 0;
    for (size_t i = 0; i <= index && utf8_take(&text, &scalar); i++)
        ;
    return scalar == '\t';
}

static struct span problem_of(const struct builder *builder, const yaml_parser_t *parser)
{
    struct span problem = span_of_text(parser->problem);
    if (!span_eq(problem, SPAN(BAD_FIRST)))
        return problem;
    return is_tab_at(builder->text, parser->problem_mark.index) ? SPAN(TAB) : problem;
}

static enum err syntax_error(struct builder *builder, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return ERR_NO_MEMORY;
    struct span doing = parser->context != NULL ? span_of_text(parser->context) : SPAN("");
    const struct wording *wording = wording_of(problem_of(builder, parser), doing);
    struct yaml_mark context = mark_of(parser->context_mark);
    bool is_at_context = wording != NULL && wording->is_at_context;
    builder->mark = is_at_context ? context : mark_of(parser->problem_mark);
    const char *story = wording != NULL ? wording->ours : parser->problem;
    if (doing.len == 0 || context.line == builder->mark.line)
        return refuse(builder, story);
    err_info_set(builder->info, "%s (in what begins in line %u)", story, context.line);
    return ERR_INVALID;
}

static enum err take_events(struct builder *builder, yaml_parser_t *parser)
{
    enum err err = ERR_OK;
    bool is_at_end = false;
    while (err == ERR_OK && !is_at_end) {
        yaml_event_t event;
        if (yaml_parser_parse(parser, &event) == 0)
            return syntax_error(builder, parser);
        is_at_end = event.type == YAML_STREAM_END_EVENT;
        builder->mark = mark_of(event.start_mark);
        err = take_event(builder, &event);
        yaml_event_delete(&event);
    }
    return err;
}

static enum err parse_text(struct builder *builder)
{
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0)
        return ERR_NO_MEMORY;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, builder->text.data, builder->text.len);
    enum err err = take_events(builder, &parser);
    yaml_parser_delete(&parser);
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
    const struct span byte_order_mark = SPAN("\xEF\xBB\xBF");
    if (span_starts_with(text, byte_order_mark))
        text = span_from(text, byte_order_mark.len);
    enum err err = check_bytes(text, mark_out, info);
    if (err != ERR_OK)
        return err;
    struct builder builder = {
        .text = text, .document = document_create(text.len), .info = info, .mark = {1, 1}};
    if (builder.document == NULL)
        return ERR_NO_MEMORY;
    err = text.len > 0 ? parse_text(&builder) : ERR_OK;
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
