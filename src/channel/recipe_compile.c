// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One table says which keys a recipe may have and who takes the text below them. auth.kind and the
// parameters are taken before all else, so that templates can be checked against them wherever they
// stand; at last comes what concerns several fields at once. Every error has the place of its
// field.
#include "base/number.h"
#include "channel/recipe_inside.h"
#include "channel/sms_text.h"

#include <stdlib.h>

struct compiler {
    struct recipe *recipe;
    const struct recipe_field *fields;
    size_t count;
    const struct recipe_complaints *complaints;
    size_t errors;
};

struct rule {
    const char *keys[RECIPE_KEYS_MAX]; // "*": any; NULL: no more
    enum err (*take)(struct compiler *compiler, const struct rule *rule,
                     const struct recipe_field *field, struct err_info *info);
    size_t offset;              // in struct recipe
    const char *const *choices; // take_choice
    enum recipe_place place;    // take_template, take_pair, take_json
};

static void complain(struct compiler *compiler, const struct recipe_field *field,
                     const struct err_info *info)
{
    compiler->errors++;
    compiler->complaints->on_error(compiler->complaints->ctx, field->line, field->column, info);
}

static void *at(const struct compiler *compiler, const struct rule *rule)
{
    return (uint8_t *)compiler->recipe + rule->offset;
}

enum err recipe_keep(struct recipe *recipe, struct span text, struct span *out,
                     struct err_info *info)
{
    if (text.len > RECIPE_TEXTS_BYTES_MAX - recipe->texts_len) {
        err_info_set(info, "the recipe has more than %u bytes of text", RECIPE_TEXTS_BYTES_MAX);
        return ERR_INVALID;
    }
    uint8_t *copy = recipe->texts_held + recipe->texts_len;
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    recipe->texts_len += text.len;
    *out = span_make(copy, text.len);
    return ERR_OK;
}

static enum err keep(struct compiler *compiler, struct span text, struct span *out,
                     struct err_info *info)
{
    return recipe_keep(compiler->recipe, text, out, info);
}

static enum err take_text(struct compiler *compiler, const struct rule *rule,
                          const struct recipe_field *field, struct err_info *info)
{
    return keep(compiler, field->text, at(compiler, rule), info);
}

static bool is_name(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t lower = ascii_lower(text.data[i]);
        bool is_letter = lower >= 'a' && lower <= 'z';
        if (!is_letter && !ascii_is_digit(text.data[i]) && text.data[i] != '-')
            return false;
    }
    return text.len > 0 && text.len <= 64;
}

static enum err take_name(struct compiler *compiler, const struct rule *rule,
                          const struct recipe_field *field, struct err_info *info)
{
    if (is_name(field->text))
        return take_text(compiler, rule, field, info);
    err_info_set(info, "a name has up to 64 letters, digits and \"-\"");
    return ERR_INVALID;
}

static enum err take_template(struct compiler *compiler, const struct rule *rule,
                              const struct recipe_field *field, struct err_info *info)
{
    if (field->text.len == 0) {
        err_info_set(info, "it is empty");
        return ERR_INVALID;
    }
    enum err err = recipe_template_check(compiler->recipe, rule->place, field->text, info);
    return err == ERR_OK ? take_text(compiler, rule, field, info) : err;
}

// A field name of HTTP (RFC 9110 section 5.1), without those that are the transport's.
static bool is_header_name(struct span name)
{
    static const struct span kept[] = {SPAN("host"), SPAN("content-length"),
                                       SPAN("transfer-encoding"), SPAN("connection")};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        if (span_eq_nocase(kept[i], name))
            return false;
    }
    struct span rest = name;
    while (rest.len > 0) { // "access_token": an underscore is a letter here
        struct span part = span_split(rest, '_', &rest);
        if (part.len > 0 && !is_name(part))
            return false;
    }
    return name.len > 0 && name.len <= 64;
}

static enum err take_pair(struct compiler *compiler, const struct rule *rule,
                          const struct recipe_field *field, struct err_info *info)
{
    struct recipe_pairs *pairs = at(compiler, rule);
    struct span name = field->keys[field->depth - 1];
    bool is_header = rule->place == RECIPE_IN_HEADER || rule->place == RECIPE_IN_TOKEN_HEADER ||
                     rule->place == RECIPE_IN_PROBE_HEADER;
    if (pairs->count == RECIPE_PAIRS_MAX) {
        err_info_set(info, "more than %u of them", RECIPE_PAIRS_MAX);
        return ERR_INVALID;
    }
    if (is_header && !is_header_name(name)) {
        err_info_set(info, "no name of a header, or one that is written without being asked");
        return ERR_INVALID;
    }
    struct recipe_pair *pair = &pairs->held[pairs->count];
    enum err err = recipe_template_check(compiler->recipe, rule->place, field->text, info);
    if (err == ERR_OK)
        err = keep(compiler, name, &pair->name, info);
    if (err == ERR_OK)
        err = keep(compiler, field->text, &pair->template, info);
    if (err == ERR_OK)
        pairs->count++;
    return err;
}

static enum err take_json(struct compiler *compiler, const struct rule *rule,
                          const struct recipe_field *field, struct err_info *info)
{
    uint32_t line;
    struct err_info inner;
    enum err err = recipe_json_read(compiler->recipe, rule->place, field->text, at(compiler, rule),
                                    &line, &inner);
    if (err == ERR_INVALID)
        err_info_set(info, "%s (line %u of the text)", inner.text, line);
    return err;
}

enum err recipe_choose(const char *const *choices, struct span text, uint32_t *out,
                       struct err_info *info)
{
    uint8_t room[256];
    struct strbuf known = strbuf_over(room, sizeof room);
    for (uint32_t i = 0; choices[i] != NULL; i++) {
        if (span_eq(span_of_text(choices[i]), text)) {
            *out = i;
            return ERR_OK;
        }
        strbuf_put_text(&known, i > 0 ? ", " : "");
        strbuf_put_text(&known, choices[i]);
    }
    err_info_set(info, "\"%.*s\" is none of %.*s", (int)span_first(text, 64).len,
                 (const char *)text.data, (int)known.len, (const char *)known.data);
    return ERR_INVALID;
}

static enum err take_choice(struct compiler *compiler, const struct rule *rule,
                            const struct recipe_field *field, struct err_info *info)
{
    return recipe_choose(rule->choices, field->text, at(compiler, rule), info);
}

static enum err take_number(struct compiler *compiler, const struct rule *rule,
                            const struct recipe_field *field, struct err_info *info)
{
    uint64_t value;
    if (!parse_u64(field->text, 1000000, &value) || value == 0) {
        err_info_set(info, "a number from 1 to 1000000 is wanted");
        return ERR_INVALID;
    }
    *(uint32_t *)at(compiler, rule) = (uint32_t)value;
    return ERR_OK;
}

static enum err take_channels(struct compiler *compiler, const struct rule *rule,
                              const struct recipe_field *field, struct err_info *info)
{
    uint32_t *channels = at(compiler, rule);
    struct span rest = field->text;
    while (rest.len > 0) {
        struct span word = span_split(rest, ' ', &rest);
        uint32_t kind = 0;
        while (kind < CHANNEL_COUNT_ &&
               !span_eq(span_of_text(channel_name((enum channel_kind)kind)), word))
            kind++;
        if (kind == CHANNEL_COUNT_) {
            err_info_set(info, "channels are SMS, WHATSAPP, ZALO and EMAIL, with spaces between");
            return ERR_INVALID;
        }
        *channels |= 1U << kind;
    }
    return ERR_OK;
}

static bool is_path_byte(uint8_t byte)
{
    uint8_t lower = ascii_lower(byte);
    return (lower >= 'a' && lower <= 'z') || ascii_is_digit(byte) || byte == '_' || byte == '-' ||
           byte == '@';
}

static bool is_path(struct span path)
{
    size_t segments = 0;
    while (path.len > 0) {
        struct span segment = span_split(path, '.', &path);
        bool is_any = span_eq(segment, SPAN("*"));
        for (size_t i = 0; i < segment.len && !is_any; i++) {
            if (!is_path_byte(segment.data[i]))
                return false;
        }
        if (segment.len == 0 || ++segments > RECIPE_PATH_SEGMENTS_MAX)
            return false;
    }
    return segments > 0;
}

enum err recipe_paths_check(struct span text, struct err_info *info)
{
    struct span rest = text;
    do {
        if (!is_path(span_split(rest, ' ', &rest))) {
            err_info_set(info, "a path is names, numbers and \"*\" with dots between, at most %u",
                         RECIPE_PATH_SEGMENTS_MAX);
            return ERR_INVALID;
        }
    } while (rest.len > 0);
    return ERR_OK;
}

static enum err take_paths(struct compiler *compiler, const struct rule *rule,
                           const struct recipe_field *field, struct err_info *info)
{
    enum err err = recipe_paths_check(field->text, info);
    return err == ERR_OK ? take_text(compiler, rule, field, info) : err;
}

bool recipe_range_parse(struct span text, uint64_t *least_out, uint64_t *most_out)
{
    struct span last;
    struct span first = span_split(text, '-', &last);
    if (!parse_u64(first, UINT32_MAX, least_out))
        return false;
    *most_out = *least_out;
    bool is_range = first.len < text.len;
    return !is_range || (parse_u64(last, UINT32_MAX, most_out) && *most_out >= *least_out);
}

static enum err take_statuses(struct compiler *compiler, const struct rule *rule,
                              const struct recipe_field *field, struct err_info *info)
{
    uint64_t least, most;
    if (recipe_range_parse(field->text, &least, &most) && least >= 200 && most <= 299)
        return take_text(compiler, rule, field, info);
    err_info_set(info, "statuses such as 200 or 200-202 are wanted, within 200-299");
    return ERR_INVALID;
}

static bool find_reason(struct span word, struct recipe_mapped *out)
{
    // A provider that says so may have taken the message: nobody sends it there again.
    out->is_unknown = span_eq(word, SPAN("unknown"));
    out->reason = SEND_VENDOR_DOWN;
    for (unsigned i = SEND_REASON_NONE + 1; i < SEND_REASON_COUNT_; i++) {
        if (!span_eq(span_of_text(send_reason_name((enum send_reason)i)), word))
            continue;
        out->reason = (enum send_reason)i;
        return true;
    }
    return out->is_unknown;
}

static enum err say_reasons(const char *beside, struct span word, struct err_info *info)
{
    uint8_t room[400];
    struct strbuf known = strbuf_over(room, sizeof room);
    strbuf_put_text(&known, beside);
    for (unsigned i = SEND_REASON_NONE + 1; i < SEND_REASON_COUNT_; i++) {
        strbuf_put_text(&known, i > 1 ? ", " : "");
        strbuf_put_text(&known, send_reason_name((enum send_reason)i));
    }
    err_info_set(info, "\"%.*s\" is no reason; there are %.*s", (int)span_first(word, 40).len,
                 (const char *)word.data, (int)known.len, (const char *)known.data);
    return ERR_INVALID;
}

enum err recipe_map_add(struct recipe *recipe, struct recipe_map *map, struct span from,
                        struct span reason, struct err_info *info)
{
    if (map->count == RECIPE_MAPPED_MAX) {
        err_info_set(info, "more than %u of them", RECIPE_MAPPED_MAX);
        return ERR_INVALID;
    }
    struct recipe_mapped *mapped = &map->held[map->count];
    mapped->is_ready = false;
    if (!find_reason(reason, mapped))
        return say_reasons("", reason, info);
    enum err err = recipe_keep(recipe, from, &mapped->from, info);
    if (err == ERR_OK)
        map->count++;
    return err;
}

enum err recipe_map_add_probed(struct recipe *recipe, struct recipe_map *map, struct span from,
                               struct span word, struct err_info *info)
{
    bool is_ready = span_eq(word, SPAN("ready"));
    if (span_eq(word, SPAN("unknown"))) // nothing was sent that could have arrived
        return say_reasons("ready, ", word, info);
    enum err err = recipe_map_add(recipe, map, from, is_ready ? SPAN("unclassified") : word, info);
    if (err == ERR_OK)
        map->held[map->count - 1].is_ready = is_ready;
    return err;
}

static bool is_status(struct span text, struct err_info *info)
{
    uint64_t least, most;
    if (recipe_range_parse(text, &least, &most))
        return true;
    err_info_set(info, "a status such as 418, or 500-599, is wanted");
    return false;
}

static enum err take_mapped(struct compiler *compiler, const struct rule *rule,
                            const struct recipe_field *field, struct err_info *info)
{
    struct recipe_map *map = at(compiler, rule);
    if (map == &compiler->recipe->statuses && !is_status(field->keys[1], info))
        return ERR_INVALID;
    return recipe_map_add(compiler->recipe, map, field->keys[1], field->text, info);
}

static enum err take_probed(struct compiler *compiler, const struct rule *rule,
                            const struct recipe_field *field, struct err_info *info)
{
    struct recipe_map *map = at(compiler, rule);
    if (map == &compiler->recipe->probe.statuses && !is_status(field->keys[2], info))
        return ERR_INVALID;
    return recipe_map_add_probed(compiler->recipe, map, field->keys[2], field->text, info);
}

static enum err take_receipt(struct compiler *compiler, const struct rule *rule,
                             const struct recipe_field *field, struct err_info *info)
{
    (void)rule;
    return recipe_receipt_take(compiler->recipe, field, info);
}

static enum err take_advice(struct compiler *compiler, const struct rule *rule,
                            const struct recipe_field *field, struct err_info *info)
{
    struct span *advice = at(compiler, rule);
    struct recipe_mapped mapped;
    if (!find_reason(field->keys[1], &mapped) || mapped.is_unknown)
        return say_reasons("", field->keys[1], info);
    return keep(compiler, field->text, &advice[mapped.reason], info);
}

static struct recipe_parameter *parameter_of(struct compiler *compiler, struct span name)
{
    struct recipe *recipe = compiler->recipe;
    for (size_t i = 0; i < recipe->parameters_count; i++) {
        if (span_eq(recipe->parameters[i].name, name))
            return &recipe->parameters[i];
    }
    struct recipe_parameter *parameter = &recipe->parameters[recipe->parameters_count];
    if (recipe->parameters_count == RECIPE_PARAMETERS_MAX)
        return NULL;
    if (keep(compiler, name, &parameter->name, NULL) != ERR_OK)
        return NULL;
    recipe->parameters_count++;
    return parameter;
}

static bool is_reserved(const struct recipe *recipe, struct span name)
{
    for (size_t i = 0; i < RECIPE_VALUE_COUNT_; i++) {
        if (recipe_value_is_known(recipe, i) && span_eq(recipe_values[i].name, name))
            return true;
    }
    return false;
}

static enum err set_flag(struct span text, bool *out, struct err_info *info)
{
    *out = span_eq(text, SPAN("true"));
    if (*out || span_eq(text, SPAN("false")))
        return ERR_OK;
    err_info_set(info, "true or false is wanted");
    return ERR_INVALID;
}

// Only of what a brand has; a code or a text is no setting.
static enum err set_overrider(struct span text, uint8_t *out, struct err_info *info)
{
    for (unsigned i = RECIPE_LANGUAGE; i < RECIPE_VALUE_COUNT_; i++) {
        if (!span_eq(recipe_values[i].name, text))
            continue;
        *out = (uint8_t)i;
        return ERR_OK;
    }
    err_info_set(info, "messageLanguage, messageLocale, brandSender or brandTemplateId is wanted");
    return ERR_INVALID;
}

static enum err take_parameter(struct compiler *compiler, const struct rule *rule,
                               const struct recipe_field *field, struct err_info *info)
{
    (void)rule;
    struct span name = field->keys[1];
    struct span key = field->keys[2];
    if (!is_name(name) || is_reserved(compiler->recipe, name)) {
        err_info_set(info, "\"%.*s\" cannot be a parameter's name", (int)span_first(name, 64).len,
                     (const char *)name.data);
        return ERR_INVALID;
    }
    struct recipe_parameter *parameter = parameter_of(compiler, name);
    if (parameter == NULL) {
        err_info_set(info, "more than %u parameters", RECIPE_PARAMETERS_MAX);
        return ERR_INVALID;
    }
    if (span_eq(key, SPAN("help")))
        return keep(compiler, field->text, &parameter->help, info);
    if (span_eq(key, SPAN("preset")))
        return keep(compiler, field->text, &parameter->preset, info);
    if (span_eq(key, SPAN("secret")))
        return set_flag(field->text, &parameter->is_secret, info);
    if (span_eq(key, SPAN("optional")))
        return set_flag(field->text, &parameter->is_optional, info);
    if (span_eq(key, SPAN("overriddenBy")))
        return set_overrider(
            field->text, &compiler->recipe->overriders[parameter - compiler->recipe->parameters],
            info);
    err_info_set(info, "a parameter has help, preset, secret, optional and overriddenBy");
    return ERR_INVALID;
}

static const char *const methods[] = {"POST", "GET", NULL};
static const char *const probe_methods[] = {"GET", "POST", NULL};
static const char *const numbers[] = {"plus", "digits", NULL};
static const char *const auths[] = {"none",     "basic", "bearer", "aws", "standardWebhooks",
                                    "rotating", NULL};
static const char *const formats[] = {"json", "xml", "fields", "nothing", NULL};
#define AT(member) offsetof(struct recipe, member)

static const struct rule parameter_rule = {.keys = {"parameters", "*", "*"},
                                           .take = take_parameter};

// What may be written in templates depends on it.
static const struct rule auth_rule = {
    .keys = {"auth", "kind"}, .take = take_choice, .offset = AT(auth), .choices = auths};

static const struct rule rules[] = {
    {.keys = {"recipe"}, .take = take_name, .offset = AT(name)},
    {.keys = {"title"}, .take = take_text, .offset = AT(title)},
    {.keys = {"channels"}, .take = take_channels, .offset = AT(channels)},
    {.keys = {"request", "method"}, .take = take_choice, .offset = AT(method), .choices = methods},
    {.keys = {"request", "url"}, .take = take_template, .offset = AT(url), .place = RECIPE_IN_URL},
    {.keys = {"request", "number"}, .take = take_choice, .offset = AT(number), .choices = numbers},
    {.keys = {"request", "textBytesMax"}, .take = take_number, .offset = AT(text_bytes_max)},
    {.keys = {"request", "gsm7"}, .take = take_text, .offset = AT(text_types[SMS_GSM7])},
    {.keys = {"request", "ucs2"}, .take = take_text, .offset = AT(text_types[SMS_UCS2])},
    {.keys = {"request", "secondsMin"}, .take = take_number, .offset = AT(seconds_min)},
    {.keys = {"request", "secondsMax"}, .take = take_number, .offset = AT(seconds_max)},
    {.keys = {"auth", "user"}, .take = take_template, .offset = AT(user), .place = RECIPE_IN_AUTH},
    {.keys = {"auth", "password"},
     .take = take_template,
     .offset = AT(password),
     .place = RECIPE_IN_AUTH},
    {.keys = {"auth", "token"},
     .take = take_template,
     .offset = AT(token),
     .place = RECIPE_IN_AUTH},
    {.keys = {"auth", "secret"},
     .take = take_template,
     .offset = AT(secret),
     .place = RECIPE_IN_AUTH},
    {.keys = {"auth", "region"},
     .take = take_template,
     .offset = AT(region),
     .place = RECIPE_IN_AUTH},
    {.keys = {"auth", "service"},
     .take = take_template,
     .offset = AT(service),
     .place = RECIPE_IN_AUTH},
    {.keys = {"auth", "proof"},
     .take = take_template,
     .offset = AT(proof),
     .place = RECIPE_IN_PROOF},
    {.keys = {"probe", "help"}, .take = take_text, .offset = AT(probe.help)},
    {.keys = {"probe", "method"},
     .take = take_choice,
     .offset = AT(probe.method),
     .choices = probe_methods},
    {.keys = {"probe", "url"},
     .take = take_template,
     .offset = AT(probe.url),
     .place = RECIPE_IN_PROBE_URL},
    {.keys = {"probe", "user"},
     .take = take_template,
     .offset = AT(probe.user),
     .place = RECIPE_IN_AUTH},
    {.keys = {"probe", "password"},
     .take = take_template,
     .offset = AT(probe.password),
     .place = RECIPE_IN_AUTH},
    {.keys = {"probe", "headers", "*"},
     .take = take_pair,
     .offset = AT(probe.headers),
     .place = RECIPE_IN_PROBE_HEADER},
    {.keys = {"probe", "form", "*"},
     .take = take_pair,
     .offset = AT(probe.form),
     .place = RECIPE_IN_PROBE_FORM},
    {.keys = {"probe", "json"},
     .take = take_json,
     .offset = AT(probe.json),
     .place = RECIPE_IN_PROBE_JSON},
    {.keys = {"probe", "acceptedPath"},
     .take = take_paths,
     .offset = AT(probe.reply.accepted_path)},
    {.keys = {"probe", "acceptedValues"},
     .take = take_text,
     .offset = AT(probe.reply.accepted_values)},
    {.keys = {"probe", "code"}, .take = take_paths, .offset = AT(probe.reply.code)},
    {.keys = {"probe", "words"}, .take = take_paths, .offset = AT(probe.reply.words)},
    {.keys = {"probe", "statuses", "*"}, .take = take_probed, .offset = AT(probe.statuses)},
    {.keys = {"probe", "codes", "*"}, .take = take_probed, .offset = AT(probe.codes)},
    {.keys = {"probe", "texts", "*"}, .take = take_probed, .offset = AT(probe.texts)},
    {.keys = {"token", "url"},
     .take = take_template,
     .offset = AT(renewal.url),
     .place = RECIPE_IN_TOKEN_URL},
    {.keys = {"token", "headers", "*"},
     .take = take_pair,
     .offset = AT(renewal.headers),
     .place = RECIPE_IN_TOKEN_HEADER},
    {.keys = {"token", "form", "*"},
     .take = take_pair,
     .offset = AT(renewal.form),
     .place = RECIPE_IN_TOKEN_FORM},
    {.keys = {"token", "access"}, .take = take_paths, .offset = AT(renewal.access)},
    {.keys = {"token", "refresh"}, .take = take_paths, .offset = AT(renewal.refresh)},
    {.keys = {"token", "seconds"}, .take = take_paths, .offset = AT(renewal.seconds)},
    {.keys = {"token", "code"}, .take = take_paths, .offset = AT(renewal.code)},
    {.keys = {"token", "words"}, .take = take_paths, .offset = AT(renewal.words)},
    {.keys = {"token", "spentCodes"}, .take = take_text, .offset = AT(renewal.spent_codes)},
    {.keys = {"token", "refreshDays"}, .take = take_number, .offset = AT(renewal.refresh_days)},
    {.keys = {"headers", "*"}, .take = take_pair, .offset = AT(headers), .place = RECIPE_IN_HEADER},
    {.keys = {"query", "*"}, .take = take_pair, .offset = AT(query), .place = RECIPE_IN_QUERY},
    {.keys = {"form", "*"}, .take = take_pair, .offset = AT(form), .place = RECIPE_IN_FORM},
    {.keys = {"json"}, .take = take_json, .offset = AT(json), .place = RECIPE_IN_JSON},
    {.keys = {"reply", "format"},
     .take = take_choice,
     .offset = AT(reply.format),
     .choices = formats},
    {.keys = {"reply", "statuses"}, .take = take_statuses, .offset = AT(reply.statuses)},
    {.keys = {"reply", "acceptedPath"}, .take = take_paths, .offset = AT(reply.accepted_path)},
    {.keys = {"reply", "acceptedValues"}, .take = take_text, .offset = AT(reply.accepted_values)},
    {.keys = {"reply", "id"}, .take = take_paths, .offset = AT(reply.id)},
    {.keys = {"reply", "code"}, .take = take_paths, .offset = AT(reply.code)},
    {.keys = {"reply", "words"}, .take = take_paths, .offset = AT(reply.words)},
    {.keys = {"statuses", "*"}, .take = take_mapped, .offset = AT(statuses)},
    {.keys = {"codes", "*"}, .take = take_mapped, .offset = AT(codes)},
    {.keys = {"texts", "*"}, .take = take_mapped, .offset = AT(texts)},
    {.keys = {"advice", "*"}, .take = take_advice, .offset = AT(advice)},
    {.keys = {"receipt", "*"}, .take = take_receipt},
    {.keys = {"receipt", "*", "*"}, .take = take_receipt},
};

static bool rule_matches(const struct rule *rule, const struct recipe_field *field)
{
    size_t depth = 0;
    while (depth < RECIPE_KEYS_MAX && rule->keys[depth] != NULL) {
        struct span key = span_of_text(rule->keys[depth]);
        bool is_any = span_eq(key, SPAN("*"));
        if (depth >= field->depth || (!is_any && !span_eq(key, field->keys[depth])))
            return false;
        depth++;
    }
    return depth == field->depth;
}

static const struct rule *rule_of(const struct recipe_field *field)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rule_matches(&rules[i], field))
            return &rules[i];
    }
    return NULL;
}

static void say_unknown(const struct recipe_field *field, struct err_info *info)
{
    uint8_t room[256];
    struct strbuf path = strbuf_over(room, sizeof room);
    for (size_t i = 0; i < field->depth; i++) {
        strbuf_put_text(&path, i > 0 ? "." : "");
        strbuf_put(&path, span_first(field->keys[i], 64));
    }
    err_info_set(info, "a recipe has no \"%.*s\"", (int)path.len, (const char *)path.data);
}

// The reader of a notation may let a key through twice.
static const struct recipe_field *earlier(const struct compiler *compiler,
                                          const struct recipe_field *field)
{
    for (const struct recipe_field *other = compiler->fields; other < field; other++) {
        size_t same = 0;
        while (same < field->depth && same < other->depth &&
               span_eq(field->keys[same], other->keys[same]))
            same++;
        if (same == field->depth && same == other->depth)
            return other;
    }
    return NULL;
}

// ERR_NO_MEMORY, or what was wrong has been complained about.
static enum err take_field(struct compiler *compiler, const struct rule *rule,
                           const struct recipe_field *field)
{
    struct err_info info;
    enum err err = ERR_INVALID;
    const struct recipe_field *other = earlier(compiler, field);
    if (other != NULL)
        err_info_set(&info, "it is given twice; first in line %u", other->line);
    else if (rule == NULL)
        say_unknown(field, &info);
    else if (field->text.len > RECIPE_FIELD_BYTES_MAX)
        err_info_set(&info, "longer than %u bytes", RECIPE_FIELD_BYTES_MAX);
    else
        err = rule->take(compiler, rule, field, &info);
    if (err == ERR_INVALID)
        complain(compiler, field, &info);
    return err == ERR_NO_MEMORY ? err : ERR_OK;
}

// All fields that the rule is for.
static enum err take_by(struct compiler *compiler, const struct rule *rule)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < compiler->count && err == ERR_OK; i++) {
        if (rule_matches(rule, &compiler->fields[i]))
            err = take_field(compiler, rule, &compiler->fields[i]);
    }
    return err;
}

static enum err take_all(struct compiler *compiler)
{
    enum err err = take_by(compiler, &auth_rule);
    if (err == ERR_OK)
        err = take_by(compiler, &parameter_rule);
    for (size_t i = 0; i < compiler->count && err == ERR_OK; i++) {
        const struct recipe_field *field = &compiler->fields[i];
        bool is_taken = rule_matches(&auth_rule, field) || rule_matches(&parameter_rule, field);
        if (!is_taken)
            err = take_field(compiler, rule_of(field), field);
    }
    return err;
}

// What concerns several fields has no place of its own.
static void on_fault(void *ctx, const char *story)
{
    static const struct recipe_field top = {.line = 1, .column = 1};
    struct err_info info;
    err_info_set(&info, "%s", story);
    complain(ctx, &top, &info);
}

// What a probe's answer does not say in a way of its own it says as those to messages.
static void complete_probe(struct recipe *recipe)
{
    struct recipe_reply *reply = &recipe->probe.reply;
    reply->format = recipe->reply.format;
    if (reply->code.data == NULL)
        reply->code = recipe->reply.code;
    if (reply->words.data == NULL)
        reply->words = recipe->reply.words;
}

enum err recipe_compile(const struct recipe_field *fields, size_t count,
                        const struct recipe_complaints *complaints, struct recipe **out)
{
    struct compiler compiler = {.fields = fields, .count = count, .complaints = complaints};
    *out = NULL;
    compiler.recipe = calloc(1, sizeof *compiler.recipe);
    if (compiler.recipe == NULL)
        return ERR_NO_MEMORY;
    ASSERT(count <= RECIPE_FIELDS_MAX);
    enum err err = take_all(&compiler);
    if (err == ERR_OK && compiler.errors == 0)
        recipe_check_whole(compiler.recipe, on_fault, &compiler);
    if (err == ERR_OK && compiler.errors > 0)
        err = ERR_INVALID;
    complete_probe(compiler.recipe);
    if (err != ERR_OK)
        recipe_destroy(&compiler.recipe);
    *out = compiler.recipe;
    return err;
}

void recipe_destroy(struct recipe **recipe)
{
    if (*recipe == NULL)
        return;
    json_decref((*recipe)->json);
    json_decref((*recipe)->probe.json);
    free(*recipe);
    *recipe = NULL;
}

uint32_t recipe_channels(const struct recipe *recipe)
{
    return recipe->channels;
}

size_t recipe_parameters(const struct recipe *recipe, const struct recipe_parameter **out)
{
    *out = recipe->parameters;
    return recipe->parameters_count;
}

struct span recipe_advice(const struct recipe *recipe, enum send_reason reason)
{
    ASSERT(reason < SEND_REASON_COUNT_);
    return recipe->advice[reason];
}
