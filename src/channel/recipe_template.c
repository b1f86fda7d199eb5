// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The templates of recipes: "{name}" stands for a parameter or for something of the message, "{{"
// and "}}" for braces. A template is read again whenever a plan is made; what a value holds never
// passes through here.
//
//   template = { character | "{{" | "}}" | "{" name [ "|" filter ] "}" }
#include "channel/recipe_inside.h"

#define VALUE_ROW(name, text, may_be_in_url, is_number) {SPAN(text), may_be_in_url, is_number},
const struct recipe_value_row recipe_values[RECIPE_VALUE_COUNT_] = {RECIPE_VALUE_LIST(VALUE_ROW)};
#undef VALUE_ROW

static enum err fail(struct err_info *info, const char *what, struct span shown)
{
    err_info_set(info, "%s: \"%.*s\"", what, (int)span_first(shown, 64).len,
                 (const char *)shown.data);
    return ERR_INVALID;
}

bool recipe_value_is_known(const struct recipe *recipe, size_t value)
{
    bool is_token =
        value == RECIPE_TOKEN || value == RECIPE_TOKEN_PROOF || value == RECIPE_REFRESH_TOKEN;
    return !is_token || recipe->auth == RECIPE_AUTH_ROTATING;
}

static bool find_name(const struct recipe *recipe, struct span name, struct recipe_part *out)
{
    for (size_t i = 0; i < recipe->parameters_count; i++) {
        if (span_eq(recipe->parameters[i].name, name)) {
            *out = (struct recipe_part){.kind = RECIPE_PART_PARAMETER, .index = i};
            return true;
        }
    }
    for (size_t i = 0; i < RECIPE_VALUE_COUNT_; i++) {
        if (recipe_value_is_known(recipe, i) && span_eq(recipe_values[i].name, name)) {
            *out = (struct recipe_part){.kind = RECIPE_PART_VALUE, .index = i};
            return true;
        }
    }
    return false;
}

static bool find_filter(struct span name, enum recipe_filter *out)
{
    static const struct span names[] = {
        [RECIPE_FILTER_NUMBER] = SPAN("number"),
        [RECIPE_FILTER_URL] = SPAN("url"),
    };
    for (size_t i = RECIPE_FILTER_NUMBER; i < sizeof names / sizeof names[0]; i++) {
        if (span_eq(names[i], name)) {
            *out = (enum recipe_filter)i;
            return true;
        }
    }
    return false;
}

static enum err take_hole(const struct recipe *recipe, struct span *rest, struct recipe_part *out,
                          struct err_info *info)
{
    struct span inside = span_from(*rest, 1);
    size_t len = span_find(inside, '}');
    if (len == inside.len)
        return fail(info, "\"{\" without \"}\" (\"{{\" is a brace)", *rest);
    struct span name = span_first(inside, len);
    struct span filter;
    name = span_split(name, '|', &filter);
    if (!find_name(recipe, name, out))
        return fail(info, "neither a parameter nor something of a message", name);
    bool has_filter = name.len < len;
    if (has_filter && !find_filter(filter, &out->filter))
        return fail(info, "unknown filter (known are number, url)", filter);
    *rest = span_from(inside, len + 1);
    return ERR_OK;
}

enum err recipe_part_take(const struct recipe *recipe, struct span *rest, struct recipe_part *out,
                          struct err_info *info)
{
    size_t len = 0;
    *out = (struct recipe_part){.kind = RECIPE_PART_LITERAL};
    while (len < rest->len && rest->data[len] != '{' && rest->data[len] != '}')
        len++;
    if (len > 0) {
        out->literal = span_first(*rest, len);
        *rest = span_from(*rest, len);
        return ERR_OK;
    }
    if (rest->len > 1 && rest->data[0] == rest->data[1]) {
        out->literal = span_first(*rest, 1);
        *rest = span_from(*rest, 2);
        return ERR_OK;
    }
    if (rest->data[0] == '}')
        return fail(info, "\"}\" without \"{\" (\"}}\" is a brace)", *rest);
    return take_hole(recipe, rest, out, info);
}

static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] == 0x7F)
            return true;
    }
    return false;
}

static bool is_printable_ascii(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7E)
            return false;
    }
    return true;
}

static bool is_url_start(enum recipe_place place)
{
    return place == RECIPE_IN_URL || place == RECIPE_IN_TOKEN_URL || place == RECIPE_IN_PROBE_URL;
}

static bool is_header(enum recipe_place place)
{
    return place == RECIPE_IN_HEADER || place == RECIPE_IN_TOKEN_HEADER ||
           place == RECIPE_IN_PROBE_HEADER;
}

static bool is_json(enum recipe_place place)
{
    return place == RECIPE_IN_JSON || place == RECIPE_IN_PROBE_JSON;
}

// There is no message when a provider is probed.
static bool is_of_message(enum recipe_place place, const struct recipe_part *part)
{
    bool is_probe = place >= RECIPE_IN_PROBE_URL && place <= RECIPE_IN_PROBE_JSON;
    bool is_always = part->index == RECIPE_ID || part->index == RECIPE_TOKEN ||
                     part->index == RECIPE_TOKEN_PROOF;
    return is_probe && part->kind == RECIPE_PART_VALUE &&
           (place == RECIPE_IN_PROBE_URL || !is_always);
}

// A refresh token is for fetching others alone, and there is no message then.
static bool is_value_at_home(enum recipe_place place, enum recipe_value value)
{
    bool is_fetching = place == RECIPE_IN_TOKEN_URL || place == RECIPE_IN_TOKEN_HEADER ||
                       place == RECIPE_IN_TOKEN_FORM;
    return is_fetching == (value == RECIPE_REFRESH_TOKEN);
}

// Without it nothing could be sent.
static bool is_needed(const struct recipe *recipe, enum recipe_place place,
                      const struct recipe_part *part)
{
    if (!is_url_start(place) && place != RECIPE_IN_AUTH)
        return false;
    if (part->kind == RECIPE_PART_VALUE)
        return part->index >= RECIPE_VALUES_ALWAYS;
    return part->kind == RECIPE_PART_PARAMETER && recipe->parameters[part->index].is_optional &&
           recipe->parameters[part->index].preset.data == NULL;
}

// A message's own value is encoded for its place; credentials and whole URLs are settled before.
static bool is_overridden_where_fixed(const struct recipe *recipe, enum recipe_place place,
                                      const struct recipe_part *part)
{
    if (part->kind != RECIPE_PART_PARAMETER || recipe->overriders[part->index] == 0)
        return false;
    return place == RECIPE_IN_AUTH || part->filter == RECIPE_FILTER_URL;
}

static bool may_be_in_url(const struct recipe *recipe, const struct recipe_part *part)
{
    if (part->kind == RECIPE_PART_PARAMETER)
        return !recipe->parameters[part->index].is_secret;
    return part->kind == RECIPE_PART_LITERAL || recipe_values[part->index].may_be_in_url;
}

static bool is_filter_at_home(const struct recipe_part *part, enum recipe_place place,
                              bool is_first, bool is_alone)
{
    if (part->filter == RECIPE_FILTER_URL)
        return is_url_start(place) && is_first && part->kind == RECIPE_PART_PARAMETER;
    if (part->filter == RECIPE_FILTER_NUMBER)
        return is_json(place) && is_alone && part->kind == RECIPE_PART_VALUE &&
               recipe_values[part->index].is_number;
    return true;
}

// NULL: what the data of that part is may stand there.
static const char *fault_of_data(const struct recipe *recipe, enum recipe_place place,
                                 const struct recipe_part *part)
{
    bool is_url = is_url_start(place) || place == RECIPE_IN_QUERY;
    bool is_auth =
        place == RECIPE_IN_AUTH || place == RECIPE_IN_PROOF || place == RECIPE_IN_RECEIPT;
    if (is_url && !may_be_in_url(recipe, part))
        return "a code, a text or a secret must not stand in a URL: URLs are logged";
    if (is_auth && part->kind == RECIPE_PART_VALUE)
        return "only parameters are for credentials";
    if (is_of_message(place, part))
        return "a probe knows nothing of a message";
    if (part->kind == RECIPE_PART_VALUE && !is_value_at_home(place, (enum recipe_value)part->index))
        return "fetching a token knows {refreshToken} and nothing of a message; a message knows no "
               "{refreshToken}";
    if (is_needed(recipe, place, part))
        return "what may be unset cannot stand here";
    if (is_overridden_where_fixed(recipe, place, part))
        return "a parameter with \"overriddenBy\" cannot stand here";
    return NULL;
}

static const char *fault_of_literal(enum recipe_place place, struct span literal)
{
    bool is_url = is_url_start(place) || place == RECIPE_IN_QUERY;
    if ((is_url || is_header(place)) && !is_printable_ascii(literal))
        return "only printable ASCII can stand here";
    if (!is_json(place) && has_control(literal))
        return "a control character";
    return NULL;
}

static enum err check_part(const struct recipe *recipe, enum recipe_place place,
                           const struct recipe_part *part, struct err_info *info)
{
    const char *fault = fault_of_data(recipe, place, part);
    if (fault == NULL)
        fault = fault_of_literal(place, part->literal);
    if (fault == NULL)
        return ERR_OK;
    err_info_set(info, "%s", fault);
    return ERR_INVALID;
}

// A URL that is written out is https; otherwise it begins with a parameter that is one.
static enum err check_url_start(const struct recipe_part *part, struct err_info *info)
{
    bool is_given = part->filter == RECIPE_FILTER_URL;
    if (is_given || span_starts_with(part->literal, SPAN("https://")))
        return ERR_OK;
    err_info_set(info, "a URL begins with https:// or with {parameter|url}");
    return ERR_INVALID;
}

enum err recipe_template_check(const struct recipe *recipe, enum recipe_place place,
                               struct span template, struct err_info *info)
{
    struct span rest = template;
    while (rest.len > 0) {
        struct recipe_part part;
        bool is_first = rest.len == template.len;
        enum err err = recipe_part_take(recipe, &rest, &part, info);
        if (err == ERR_OK)
            err = check_part(recipe, place, &part, info);
        if (err == ERR_OK && is_url_start(place) && is_first)
            err = check_url_start(&part, info);
        if (err != ERR_OK)
            return err;
        if (!is_filter_at_home(&part, place, is_first, is_first && rest.len == 0)) {
            err_info_set(info, "|url is for a parameter that a URL begins with, |number for a "
                               "number that is alone in a JSON string");
            return ERR_INVALID;
        }
    }
    return ERR_OK;
}
