// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What an administrator says for the parameters of a recipe.
#include "channel/recipe_inside.h"
#include "telemetry/utf8.h"

static const struct recipe_parameter *parameter_find(const struct recipe *recipe, struct span name)
{
    for (size_t i = 0; i < recipe->parameters_count; i++) {
        if (span_eq(recipe->parameters[i].name, name))
            return &recipe->parameters[i];
    }
    return NULL;
}

static void say_unknown(const struct recipe *recipe, struct span name, struct err_info *info)
{
    uint8_t room[384];
    struct strbuf known = strbuf_over(room, sizeof room);
    for (size_t i = 0; i < recipe->parameters_count; i++) {
        strbuf_put_text(&known, i > 0 ? ", " : "");
        strbuf_put(&known, recipe->parameters[i].name);
    }
    err_info_set(info, "%.*s has no parameter \"%.*s\"; it has %.*s", (int)recipe->name.len,
                 (const char *)recipe->name.data, (int)span_first(name, 64).len,
                 (const char *)name.data, (int)known.len, (const char *)known.data);
}

static enum err refuse(const struct recipe_parameter *parameter, const char *why,
                       struct err_info *info)
{
    err_info_set(info, "%.*s: %s", (int)parameter->name.len, (const char *)parameter->name.data,
                 why);
    return ERR_INVALID;
}

static bool is_text(struct span value)
{
    while (value.len > 0) {
        uint32_t point;
        size_t len = utf8_next(value, &point);
        if (len == 0 || point < 0x20 || (point >= 0x7F && point < 0xA0))
            return false;
        value = span_from(value, len);
    }
    return true;
}

static enum err set_one(struct plan_binding *binding, const struct recipe_setting *setting,
                        struct err_info *info)
{
    const struct recipe_parameter *parameter = parameter_find(binding->recipe, setting->name);
    if (parameter == NULL) {
        say_unknown(binding->recipe, setting->name, info);
        return ERR_INVALID;
    }
    struct span *value = &binding->values[parameter - binding->recipe->parameters];
    if (value->data != NULL)
        return refuse(parameter, "it is given twice", info);
    if (setting->value.len == 0)
        return refuse(parameter, "it is empty", info);
    if (setting->value.len > RECIPE_VALUE_BYTES_MAX)
        return refuse(parameter, "it is longer than 1024 bytes", info);
    if (!is_text(setting->value))
        return refuse(parameter, "it has a control character, or a byte that is no UTF-8", info);
    *value = setting->value;
    return ERR_OK;
}

static bool is_loopback(struct span host)
{
    return span_eq(host, SPAN("127.0.0.1")) || span_eq(host, SPAN("localhost")) ||
           span_eq(host, SPAN("[::1]"));
}

static bool is_host_byte(uint8_t byte)
{
    uint8_t lower = ascii_lower(byte);
    return (lower >= 'a' && lower <= 'z') || ascii_is_digit(byte) || byte == '-' || byte == '.' ||
           byte == ':' || byte == '[' || byte == ']' || byte == '_';
}

// The authority without its port.
static struct span host_of(struct span authority)
{
    bool is_bracketed = span_starts_with(authority, SPAN("["));
    size_t end = is_bracketed ? span_find(authority, ']') + 1 : span_find(authority, ':');
    return span_first(authority, end);
}

// Of the characters that a URL may have (RFC 3986), but for a fragment, which no server would see.
static bool is_url(struct span value)
{
    bool is_tls = span_starts_with(value, SPAN("https://"));
    struct span rest = span_from(value, is_tls ? 8 : 7);
    size_t authority_len = 0;
    if (!is_tls && !span_starts_with(value, SPAN("http://")))
        return false;
    while (authority_len < rest.len && is_host_byte(rest.data[authority_len]))
        authority_len++;
    struct span host = host_of(span_first(rest, authority_len));
    struct span path = span_from(rest, authority_len);
    if (host.len == 0 || (!is_tls && !is_loopback(host)))
        return false;
    for (size_t i = 0; i < path.len; i++) {
        uint8_t byte = path.data[i];
        if (byte <= 0x20 || byte >= 0x7F || memchr("#\"<>\\^`{|}", byte, 11) != NULL)
            return false;
    }
    return path.len == 0 || path.data[0] == '/' || path.data[0] == '?';
}

static enum err check_url_value(struct plan_binding *binding, struct span url,
                                struct err_info *info)
{
    struct recipe_part part;
    struct span rest = url;
    if (recipe_part_take(binding->recipe, &rest, &part, info) != ERR_OK)
        return ERR_INVALID;
    if (part.filter != RECIPE_FILTER_URL)
        return ERR_OK;
    binding->is_plain |= span_starts_with(binding->values[part.index], SPAN("http://"));
    if (is_url(binding->values[part.index]))
        return ERR_OK;
    return refuse(&binding->recipe->parameters[part.index],
                  "an https:// URL is wanted (http:// for this machine alone)", info);
}

enum err plan_binding_fill(struct plan_binding *binding, const struct recipe_setting *settings,
                           size_t count, struct err_info *info)
{
    const struct recipe *recipe = binding->recipe;
    for (size_t i = 0; i < count; i++) {
        enum err err = set_one(binding, &settings[i], info);
        if (err != ERR_OK)
            return err;
    }
    for (size_t i = 0; i < recipe->parameters_count; i++) {
        const struct recipe_parameter *parameter = &recipe->parameters[i];
        if (binding->values[i].data == NULL)
            binding->values[i] = parameter->preset;
        if (binding->values[i].data == NULL && !parameter->is_optional)
            return refuse(parameter, "it is missing", info);
    }
    const struct span urls[] = {recipe->url, recipe->renewal.url, recipe->probe.url};
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < sizeof urls / sizeof urls[0]; i++) {
        if (urls[i].data != NULL)
            err = check_url_value(binding, urls[i], info);
    }
    return err;
}
