// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Templates are parsed once into parts; rendering copies parts and values one after the other. What
// a value holds is never looked at, so that a brand called "{otp}" is only a brand with an odd
// name.
//
//   text = { character | "{{" | "}}" | "{" name "}" }
//
// Invariant of a compiled template: parts are in order, literals lie within source, at least one
// part is the code (but in a subject).
#include "channel/template.h"

#include "base/assert.h"

struct tag {
    struct span name;
    enum template_part_kind kind;
};

static const struct tag tags[] = {
    {SPAN("otp"), TEMPLATE_OTP},
    {SPAN("brand"), TEMPLATE_BRAND},
    {SPAN("minutes"), TEMPLATE_MINUTES},
};

// The source is read through `at`; the story of a failure names the place as people count, from 1.
struct parser {
    struct template *template;
    size_t at;
    bool is_subject;
    struct err_info *info;
};

static struct span rest_of(const struct parser *parser)
{
    return span_from(span_make(parser->template->source, parser->template->source_len), parser->at);
}

static enum err fail(const struct parser *parser, const char *what)
{
    err_info_set(parser->info, "template: %s at byte %zu", what, parser->at + 1);
    return ERR_INVALID;
}

static enum err add_part(struct parser *parser, enum template_part_kind kind, size_t len)
{
    struct template *template = parser->template;
    if (template->parts_held == TEMPLATE_PARTS_MAX)
        return fail(parser, "more than 32 parts");
    template->parts[template->parts_held++] =
        (struct template_part){.kind = kind, .from = (uint16_t)parser->at, .len = (uint16_t)len};
    return ERR_OK;
}

// Line feeds are text; other controls would reach a phone or a mail header.
static bool is_refused(const struct parser *parser, uint8_t byte)
{
    return (byte < 0x20 && (byte != '\n' || parser->is_subject)) || byte == 0x7F;
}

// Characters up to the next brace.
static enum err parse_literal(struct parser *parser)
{
    struct span rest = rest_of(parser);
    size_t len = 0;
    while (len < rest.len && rest.data[len] != '{' && rest.data[len] != '}' &&
           !is_refused(parser, rest.data[len]))
        len++;
    enum err err = len > 0 ? add_part(parser, TEMPLATE_LITERAL, len) : ERR_OK;
    if (err != ERR_OK)
        return err;
    parser->at += len;
    if (len < rest.len && is_refused(parser, rest.data[len]))
        return fail(parser, rest.data[len] == '\n' ? "a second line" : "control character");
    return ERR_OK;
}

static const struct tag *find_tag(struct span name)
{
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        if (span_eq(tags[i].name, name))
            return &tags[i];
    }
    return NULL;
}

static enum err parse_tag(struct parser *parser)
{
    struct span inside = span_from(rest_of(parser), 1);
    struct span name = span_first(inside, span_find(inside, '}'));
    const struct tag *tag = find_tag(name);
    if (name.len == inside.len)
        return fail(parser, "\"{\" without \"}\"");
    if (tag == NULL)
        return fail(parser, "unknown tag (known are {otp}, {brand}, {minutes}; \"{{\" is a brace)");
    enum err err = add_part(parser, tag->kind, 0);
    parser->at += name.len + 2;
    return err;
}

// At a brace: a doubled one stands for itself.
static enum err parse_brace(struct parser *parser)
{
    struct span rest = rest_of(parser);
    bool is_doubled = rest.len > 1 && rest.data[1] == rest.data[0];
    if (is_doubled) {
        enum err err = add_part(parser, TEMPLATE_LITERAL, 1);
        parser->at += 2;
        return err;
    }
    if (rest.data[0] == '}')
        return fail(parser, "\"}\" without \"{\" (\"}}\" is a brace)");
    return parse_tag(parser);
}

static enum err compile(struct parser *parser, struct span source)
{
    struct template *out = parser->template;
    struct err_info *info = parser->info;
    if (source.len > TEMPLATE_SOURCE_BYTES_MAX) {
        err_info_set(info, "template: longer than %u bytes", TEMPLATE_SOURCE_BYTES_MAX);
        return ERR_INVALID;
    }
    *out = (struct template){.source_len = (uint16_t)source.len};
    if (source.len > 0)
        memcpy(out->source, source.data, source.len);
    while (parser->at < source.len) {
        enum err err = parse_literal(parser);
        if (err == ERR_OK && parser->at < source.len)
            err = parse_brace(parser);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static enum err refuse_whole(struct err_info *info, const char *why)
{
    err_info_set(info, "template: %s", why);
    return ERR_INVALID;
}

enum err template_compile(struct span source, struct template *out, struct err_info *info)
{
    struct parser parser = {.template = out, .info = info};
    enum err err = compile(&parser, source);
    if (err == ERR_OK && !template_has_otp(out))
        return refuse_whole(info, "no {otp} in it");
    return err;
}

enum err template_compile_subject(struct span source, struct template *out, struct err_info *info)
{
    struct parser parser = {.template = out, .is_subject = true, .info = info};
    enum err err = compile(&parser, source);
    if (err == ERR_OK && out->parts_held == 0)
        return refuse_whole(info, "it is empty");
    return err;
}

static size_t parts_of(const struct template *template, enum template_part_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < template->parts_held; i++)
        count += template->parts[i].kind == kind ? 1 : 0;
    return count;
}

bool template_has_otp(const struct template *template)
{
    return parts_of(template, TEMPLATE_OTP) > 0;
}

size_t template_bytes_longest(const struct template *template, size_t brand_bytes)
{
    size_t bytes = parts_of(template, TEMPLATE_OTP) * CODE_DIGITS_MAX +
                   parts_of(template, TEMPLATE_BRAND) * brand_bytes +
                   parts_of(template, TEMPLATE_MINUTES) * TEMPLATE_MINUTES_DIGITS_MAX;
    for (size_t i = 0; i < template->parts_held; i++)
        bytes += template->parts[i].len; // of a literal; tags have none
    return bytes;
}

static void render_part(const struct template *template, const struct template_part *part,
                        const struct template_values *values, struct message *out)
{
    switch (part->kind) {
    case TEMPLATE_LITERAL:
        message_put(out, span_make(template->source + part->from, part->len));
        return;
    case TEMPLATE_OTP:
        code_render(values->code, out);
        return;
    case TEMPLATE_BRAND:
        message_put(out, values->brand);
        return;
    case TEMPLATE_MINUTES:
        message_put_u64(out, values->minutes);
        return;
    }
    UNREACHABLE();
}

void template_render(const struct template *template, const struct template_values *values,
                     struct message *out)
{
    ASSERT(template->parts_held > 0);
    for (size_t i = 0; i < template->parts_held; i++)
        render_part(template, &template->parts[i], values, out);
}
