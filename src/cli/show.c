// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/show.h"

#include "cli/put.h"

#include <stdlib.h>

#define NAME_COLUMNS 18  // of the longest setting
#define VALUE_COLUMNS 12 // longer values push their unit to the right
#define TEXT_BYTES_MAX 8192U
#define RANGE_BYTES_MAX 256U

// --- text ------------------------------------------------------------------------------------

// A value of JSON as the user would type it: texts without quotes.
static struct span value_text(const json_t *value, char *storage, size_t cap)
{
    if (json_is_string(value))
        return span_make(json_string_value(value), json_string_length(value));
    size_t len = json_dumpb(value, storage, cap, JSON_ENCODE_ANY | JSON_COMPACT);
    return len <= cap ? span_make(storage, len) : SPAN("...");
}

static bool has_text(const json_t *array, const char *text)
{
    size_t i;
    json_t *element;
    struct span wanted = span_of_text(text);
    json_array_foreach(array, i, element)
    {
        if (json_is_string(element) && span_eq(span_of_text(json_string_value(element)), wanted))
            return true;
    }
    return false;
}

static struct span text_member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? span_make(json_string_value(value), json_string_length(value))
                                 : SPAN("?");
}

// --- brands ----------------------------------------------------------------------------------

void show_brands(const json_t *list, FILE *out)
{
    size_t i;
    json_t *brand;
    const json_t *brands = json_object_get(list, "brands");
    json_array_foreach(brands, i, brand)
    {
        json_int_t changed = json_integer_value(json_object_get(brand, "changed"));
        put_padded(text_member(brand, "name"), NAME_COLUMNS, out);
        if (changed == 0)
            (void)fprintf(out, "  all defaults\n");
        else
            (void)fprintf(out, "  %lld %s changed\n", (long long)changed,
                          changed == 1 ? "setting" : "settings");
    }
    if (json_array_size(brands) == 0)
        (void)fprintf(out, "There is no brand yet; add one: otpd brand add NAME\n");
}

static const char *mark_of(const json_t *brand, const char *name)
{
    if (has_text(json_object_get(brand, "ruledByFile"), name))
        return "=";
    return has_text(json_object_get(brand, "changed"), name) ? "*" : " ";
}

// A setting, or of one that is an object what `name` leads to: translations.vi.smsTemplate.
static const json_t *setting_at(const json_t *brand, const char *name)
{
    const json_t *value = json_object_get(brand, "settings");
    struct span rest = span_of_text(name);
    while (rest.len > 0) {
        struct span part = span_split(rest, '.', &rest);
        value = json_object_getn(value, (const char *)part.data, part.len);
    }
    return value;
}

// The texts of one language, as they are set.
static void put_texts(const char *mark, const char *name, json_t *texts, FILE *out)
{
    const char *text_name;
    json_t *value;
    json_object_foreach(texts, text_name, value)
    {
        (void)fprintf(out, "%s translations.", mark);
        put_text(span_of_text(name), out);
        (void)fprintf(out, ".");
        put_text(span_of_text(text_name), out);
        (void)fprintf(out, "  ");
        put_text(text_member(texts, text_name), out);
        (void)fprintf(out, "\n");
    }
}

static void put_object(const json_t *brand, const char *name, FILE *out)
{
    const char *language;
    json_t *texts;
    json_object_foreach(json_object_get(json_object_get(brand, "settings"), name), language, texts)
    {
        put_texts(mark_of(brand, name), language, texts, out);
    }
}

static void put_setting(const json_t *brand, const char *name, const char *unit, FILE *out)
{
    char storage[TEXT_BYTES_MAX];
    const json_t *value = json_object_get(json_object_get(brand, "settings"), name);
    if (value == NULL)
        return;
    if (json_is_object(value)) {
        put_object(brand, name, out);
        return;
    }
    struct span text = value_text(value, storage, sizeof storage);
    (void)fprintf(out, "%s ", mark_of(brand, name));
    put_padded(span_of_text(name), NAME_COLUMNS, out);
    (void)fprintf(out, "  ");
    if (unit == NULL || json_is_null(value)) {
        put_text(text, out);
    } else {
        put_padded(text, VALUE_COLUMNS, out);
        (void)fprintf(out, "  %s", unit);
    }
    (void)fprintf(out, "\n");
}

static void put_legend(const json_t *brand, FILE *out)
{
    bool has_changed = json_array_size(json_object_get(brand, "changed")) > 0;
    bool has_ruled = json_array_size(json_object_get(brand, "ruledByFile")) > 0;
    if (has_changed || has_ruled)
        (void)fprintf(out, "\n");
    if (has_changed)
        (void)fprintf(out, "* differs from its default\n");
    if (has_ruled)
        (void)fprintf(out, "= set in the configuration file: change it there and reload\n");
}

// The unit of a text says what the text is, which its name says too.
static const char *shown_unit(const struct option *option)
{
    return option->type == OPTION_U32 ? option->unit : NULL;
}

void show_brand(const json_t *brand, struct option_table table, FILE *out)
{
    void *at;
    json_t *settings = json_object_get(brand, "settings");
    put_text(text_member(brand, "name"), out);
    (void)fprintf(out, "\n\n");
    for (size_t i = 0; i < table.count; i++)
        put_setting(brand, table.options[i].name, shown_unit(&table.options[i]), out);
    for (at = json_object_iter(settings); at != NULL; at = json_object_iter_next(settings, at)) {
        const char *name = json_object_iter_key(at);
        if (option_find(table, span_of_text(name)) == NULL)
            put_setting(brand, name, NULL, out);
    }
    put_legend(brand, out);
    (void)fprintf(out, "\n");
    show_keys(brand, out);
}

void show_keys(const json_t *brand, FILE *out)
{
    size_t i;
    json_t *key;
    json_array_foreach(json_object_get(brand, "tokenKeys"), i, key)
    {
        bool is_signing = json_is_true(json_object_get(key, "isSigning"));
        (void)fprintf(out, "token key %lld  %s  since ",
                      (long long)json_integer_value(json_object_get(key, "number")),
                      is_signing ? "signs" : "older");
        put_text(text_member(key, "createdAt"), out);
        (void)fprintf(out, "\n");
    }
}

static void put_encryption_line(const json_t *key, FILE *out)
{
    (void)fprintf(out, "encryption key %lld  %lld bits  since ",
                  (long long)json_integer_value(json_object_get(key, "number")),
                  (long long)json_integer_value(json_object_get(key, "bits")));
    put_text(text_member(key, "createdAt"), out);
    (void)fprintf(out, "\n");
}

void show_encryption_keys(const json_t *page, FILE *out)
{
    size_t i;
    json_t *key;
    json_array_foreach(json_object_get(page, "encryptionKeys"), i, key)
        put_encryption_line(key, out);
}

// Line by line: what a terminal obeys is not printed.
static void put_public(const json_t *key, FILE *out)
{
    struct span rest = text_member(key, "publicKey");
    put_encryption_line(key, out);
    (void)fprintf(out, "\n");
    while (rest.len > 0) {
        put_text(span_split(rest, '\n', &rest), out);
        (void)fprintf(out, "\n");
    }
    (void)fprintf(out, "\n");
    put_text(text_member(key, "publicKeyDer"), out);
    (void)fprintf(out, "\n");
}

bool show_encryption_key(const json_t *page, uint32_t number, FILE *out)
{
    size_t i;
    json_t *key;
    json_array_foreach(json_object_get(page, "encryptionKeys"), i, key)
    {
        if (json_integer_value(json_object_get(key, "number")) != (json_int_t)number)
            continue;
        put_public(key, out);
        return true;
    }
    return false;
}

void show_newest_encryption_key(const json_t *page, FILE *out)
{
    const json_t *newest = json_array_get(json_object_get(page, "encryptionKeys"), 0);
    if (newest != NULL)
        put_public(newest, out);
}

static void put_value(const json_t *brand, const char *name, FILE *out)
{
    char storage[TEXT_BYTES_MAX];
    const json_t *value = setting_at(brand, name);
    struct span nothing = strchr(name, '.') != NULL ? SPAN("null") : SPAN("?");
    put_text(value != NULL ? value_text(value, storage, sizeof storage) : nothing, out);
}

void show_changes(const json_t *before, const json_t *after, const json_t *names, FILE *out)
{
    size_t i;
    json_t *element;
    json_array_foreach(names, i, element)
    {
        const char *name = json_string_value(element);
        const json_t *old = setting_at(before, name);
        const json_t *fresh = setting_at(after, name);
        put_padded(span_of_text(name), NAME_COLUMNS, out);
        (void)fprintf(out, "  ");
        put_value(before, name, out);
        bool is_unset = old == NULL && fresh == NULL && strchr(name, '.') != NULL;
        if (is_unset || json_equal(old, fresh)) {
            (void)fprintf(out, " (as before)\n");
            continue;
        }
        (void)fprintf(out, " → ");
        put_value(after, name, out);
        (void)fprintf(out, "\n");
    }
}

void show_import(const json_t *report, FILE *out)
{
    static const char *const verdicts[] = {"added", "changed", "unchanged"};
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        size_t j;
        json_t *name;
        json_array_foreach(json_object_get(report, verdicts[i]), j, name)
        {
            (void)fprintf(out, "%-9s  ", verdicts[i]);
            put_text(span_of_text(json_is_string(name) ? json_string_value(name) : "?"), out);
            (void)fprintf(out, "\n");
        }
    }
}

// --- the table -------------------------------------------------------------------------------

static void put_range(const struct option *option, FILE *out)
{
    uint8_t storage[RANGE_BYTES_MAX];
    struct strbuf range = strbuf_over(storage, sizeof storage);
    option_describe_range(option, &range);
    (void)fwrite(range.data, 1, range.len, out);
}

void show_option(const struct option *option, FILE *out)
{
    const char *preset = option->preset != NULL ? option->preset : "null";
    (void)fprintf(out, "%s\n  %s.\n  Value    ", option->name, option->help);
    put_range(option, out);
    (void)fprintf(out, "%s\n  Default  ", option->is_secret ? "; a secret, never shown" : "");
    put_text(span_of_text(preset), out);
    if (option->hazard != NULL)
        (void)fprintf(out, "\n  Changing it needs --force: %s", option->hazard);
    (void)fprintf(out, "\n");
}

void show_options(struct option_table table, FILE *out)
{
    for (size_t i = 0; i < table.count; i++) {
        if (i > 0)
            (void)fprintf(out, "\n");
        show_option(&table.options[i], out);
    }
}
