// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// All brands out, and in again. An import is checked whole before the first brand is written. What
// the configuration file rules of a brand stays: an import that says otherwise is refused, and one
// that says nothing of it does not reset it.
#include "admin/brand_call.h"
#include "admin/brand_edits.h"
#include "admin/brand_page.h"
#include "service/brand_set.h"

#include <stdlib.h>

#define FORMAT 1

struct import {
    struct brand_call *call;
    struct brand_put *puts;      // one an entry
    const struct brand **before; // NULL: the brand is new
    struct brand_put *changed;   // those of them that are to be written
    size_t count;
    size_t changed_held;
};

int brand_action_export(struct brand_call *call)
{
    brand_page_export(call->set, &call->out);
    return 200;
}

static int refuse(struct import *import, size_t entry, const char *what)
{
    err_info_set(&import->call->info, "brand %zu of the list: %s", entry + 1, what);
    return 422;
}

// Defaults, but for what the file rules, and for secrets, which no export has.
static void begin_settings(const struct import *import, size_t entry)
{
    const struct brand_put *put = &import->puts[entry];
    const struct brand *before = import->before[entry];
    const struct ruled_brand *ruled = ruled_find(import->call->http->ruled, put->name);
    struct brand_settings *settings = &import->puts[entry].settings;
    brand_settings_init(settings);
    if (before == NULL)
        return;
    *settings = before->settings;
    for (size_t i = 0; i < brand_options_count; i++) {
        if (!ruled_has_setting(ruled, &brand_options[i]) && !brand_options[i].is_secret)
            option_reset(&brand_options[i], settings);
    }
}

static enum err apply(struct brand_put *put, json_t *settings, struct err_info *info)
{
    struct brand_edits_read read = {.count = 0};
    enum err err = brand_edits_read_set(&read, settings, info);
    for (size_t i = 0; i < read.count && err == ERR_OK; i++)
        err = brand_edit_apply(&read.items[i], &put->settings, info);
    if (err == ERR_OK)
        err = brand_settings_validate(&put->settings, info);
    return err == ERR_OK ? brand_settings_check_country(&put->settings, info) : err;
}

static bool keeps_ruled(struct import *import, size_t entry)
{
    struct ruled *ruled = import->call->http->ruled;
    const struct brand *before = import->before[entry];
    const struct ruled_brand *row = ruled_find(ruled, import->puts[entry].name);
    for (size_t i = 0; i < brand_options_count && before != NULL; i++) {
        const struct option *option = &brand_options[i];
        if (!ruled_has_setting(row, option))
            continue;
        if (option_is_equal(option, &before->settings, &import->puts[entry].settings))
            continue;
        ruled_tell(ruled, row, option->name, row->setting_lines[i], &import->call->info);
        return false;
    }
    return true;
}

static bool is_named_before(const struct import *import, size_t entry)
{
    for (size_t i = 0; i < entry; i++) {
        if (span_eq_nocase(import->puts[i].name, import->puts[entry].name))
            return true;
    }
    return false;
}

static int read_head(struct import *import, size_t entry, const json_t *object)
{
    const json_t *name = json_object_get(object, "name");
    const json_t *settings = json_object_get(object, "settings");
    struct brand_put *put = &import->puts[entry];
    if (!json_is_string(name))
        return refuse(import, entry, "it has no name");
    if (json_object_size(object) != (settings != NULL ? 2 : 1))
        return refuse(import, entry, "it has other members than name and settings");
    put->name = span_make(json_string_value(name), json_string_length(name));
    if (is_named_before(import, entry))
        return refuse(import, entry, "its name is in the list twice");
    import->before[entry] = brand_set_find(import->call->set, put->name);
    return 0;
}

static enum err check_hazards(const struct import *import, size_t entry)
{
    const struct brand *before = import->before[entry];
    if (before == NULL || import->call->is_forced)
        return ERR_OK;
    return brand_settings_check_hazards(&before->settings, &import->puts[entry].settings,
                                        &import->call->info);
}

// The story of what is wrong with a brand begins with its place in the list: names are long, and
// may be what is wrong.
static int wrap(struct import *import, size_t entry, enum err err)
{
    struct err_info inner = import->call->info;
    return err == ERR_OK ? 0 : refuse(import, entry, inner.text);
}

static enum err check_name(const struct import *import, size_t entry)
{
    struct span name = import->puts[entry].name;
    struct err_info *info = &import->call->info;
    bool is_new = import->before[entry] == NULL;
    return is_new ? brand_name_check_new(name, info) : brand_name_check(name, info);
}

static int read_entry(struct import *import, size_t entry, const json_t *object)
{
    struct brand_put *put = &import->puts[entry];
    int status = read_head(import, entry, object);
    if (status == 0)
        status = wrap(import, entry, check_name(import, entry));
    if (status != 0)
        return status;
    begin_settings(import, entry);
    enum err err = apply(put, json_object_get(object, "settings"), &import->call->info);
    if (err != ERR_OK)
        return wrap(import, entry, err);
    if (!keeps_ruled(import, entry))
        return 409;
    return check_hazards(import, entry) == ERR_OK ? 0 : 409;
}

static bool is_unchanged(const struct import *import, size_t entry)
{
    const struct brand *before = import->before[entry];
    const struct brand_put *put = &import->puts[entry];
    if (before == NULL || !span_eq(before->name, put->name))
        return false;
    for (size_t i = 0; i < brand_options_count; i++) {
        if (!option_is_equal(&brand_options[i], &before->settings, &put->settings))
            return false;
    }
    return true;
}

static int read_entries(struct import *import, const json_t *list)
{
    size_t i;
    json_t *object;
    json_array_foreach(list, i, object)
    {
        int status = read_entry(import, i, object);
        if (status != 0)
            return status;
        if (!is_unchanged(import, i))
            import->changed[import->changed_held++] = import->puts[i];
    }
    return 0;
}

static void log_put(const struct import *import, size_t put_count)
{
    struct brands *brands = import->call->http->brands;
    const struct brand_set *set = brands_acquire(brands);
    for (size_t i = 0; i < put_count; i++) {
        struct span name = import->changed[i].name;
        const struct brand *after = brand_set_find(set, name);
        if (after != NULL)
            brand_call_log(import->call, "imported", brand_set_find(import->call->set, name),
                           after);
    }
    brands_release(brands, &set);
}

static int write_changed(struct import *import)
{
    size_t put_count = 0;
    struct err_info inner;
    enum err err = brands_put_all(import->call->http->brands, import->changed, import->changed_held,
                                  &put_count, &inner);
    log_put(import, put_count);
    if (err == ERR_OK)
        return 0;
    err_info_set(&import->call->info, "%zu of %zu brands were written, then: %s", put_count,
                 import->changed_held, inner.text);
    return brand_call_status(err);
}

enum fate { FATE_ADDED, FATE_CHANGED, FATE_UNCHANGED, FATE_COUNT_ };

static enum fate fate_of(const struct import *import, size_t entry)
{
    if (import->before[entry] == NULL)
        return FATE_ADDED;
    return is_unchanged(import, entry) ? FATE_UNCHANGED : FATE_CHANGED;
}

static void put_names(const struct import *import, enum fate fate, struct strbuf *out)
{
    const char *separator = "";
    for (size_t i = 0; i < import->count; i++) {
        if (fate_of(import, i) != fate)
            continue;
        strbuf_put_text(out, separator);
        strbuf_put_json_string(out, import->puts[i].name);
        separator = ",";
    }
}

static void put_answer(const struct import *import, struct strbuf *out)
{
    static const char *const heads[FATE_COUNT_] = {
        [FATE_ADDED] = "{\"added\":[",
        [FATE_CHANGED] = "],\"changed\":[",
        [FATE_UNCHANGED] = "],\"unchanged\":[",
    };
    for (enum fate fate = 0; fate < FATE_COUNT_; fate++) {
        strbuf_put_text(out, heads[fate]);
        put_names(import, fate, out);
    }
    strbuf_put_text(out, "]}");
}

static int run(struct import *import, const json_t *list)
{
    int status = read_entries(import, list);
    if (status == 0)
        status = write_changed(import);
    if (status != 0)
        return status;
    put_answer(import, &import->call->out);
    return 200;
}

static int check_shape(struct brand_call *call, const json_t *list)
{
    const json_t *format = json_object_get(call->body, "format");
    if (!json_is_integer(format) || json_integer_value(format) != FORMAT) {
        err_info_set(&call->info, "format: %d is wanted", FORMAT);
        return 422;
    }
    if (!json_is_array(list) || json_array_size(list) > BRANDS_MAX) {
        err_info_set(&call->info, "brands: a list of at most %u is wanted", BRANDS_MAX);
        return 422;
    }
    return 0;
}

// Settings may be secrets.
static void free_puts(struct brand_put *puts, size_t count)
{
    if (puts != NULL)
        explicit_bzero(puts, count * sizeof *puts);
    free(puts);
}

int brand_action_import(struct brand_call *call)
{
    const json_t *list = json_object_get(call->body, "brands");
    int status = check_shape(call, list);
    if (status != 0)
        return status;
    struct import import = {.call = call, .count = json_array_size(list)};
    import.puts = calloc(import.count + 1, sizeof *import.puts);
    import.changed = calloc(import.count + 1, sizeof *import.changed);
    import.before = calloc(import.count + 1, sizeof(const struct brand *));
    status = 503;
    if (import.puts != NULL && import.changed != NULL && import.before != NULL)
        status = run(&import, list);
    free_puts(import.puts, import.count);
    free_puts(import.changed, import.count);
    free(import.before);
    return status;
}
