// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What can be asked of one brand. Logs have the names of what was changed, never values.
#include "admin/brand_call.h"
#include "admin/brand_edits.h"
#include "admin/brand_page.h"
#include "base/assert.h"
#include "base/number.h"

#define NAMES_BYTES_MAX 512U // of changed settings in a log event
#define WHAT_BYTES_MAX 48U

static const struct ruled_brand *ruled_of(const struct brand_call *call)
{
    return ruled_find(call->http->ruled, call->name);
}

static bool is_changed(const struct option *option, const struct brand *before,
                       const struct brand *after)
{
    if (before == NULL || after == NULL)
        return after != NULL && !option_is_preset(option, &after->settings);
    return !option_is_equal(option, &before->settings, &after->settings);
}

static void put_changed(const struct brand *before, const struct brand *after, struct strbuf *out)
{
    for (size_t i = 0; i < brand_options_count; i++) {
        if (!is_changed(&brand_options[i], before, after))
            continue;
        strbuf_put_text(out, out->len > 0 ? " " : "");
        strbuf_put_text(out, brand_options[i].name);
    }
}

static bool has_same_keys(const struct brand *before, const struct brand *after)
{
    if (before->token_keys_held != after->token_keys_held)
        return false;
    if (before->encryption_keys_held != after->encryption_keys_held)
        return false;
    return brand_signing_key(before)->number == brand_signing_key(after)->number;
}

void brand_call_log(const struct brand_call *call, const char *what, const struct brand *before,
                    const struct brand *after)
{
    char storage[NAMES_BYTES_MAX];
    struct strbuf names = strbuf_over(storage, sizeof storage);
    const struct brand *either = after != NULL ? after : before;
    ASSERT(either != NULL);
    put_changed(before, after, &names);
    if (before != NULL && after != NULL && names.len == 0 && has_same_keys(before, after))
        return;
    LOG_EVENT(call->http->log, LOG_INFO, "brand.changed", log_text("brand", either->name),
              log_text("what", span_of_text(what)), log_text("settings", strbuf_span(&names)));
}

int brand_call_finish(struct brand_call *call, const char *what, int status)
{
    struct brands *brands = call->http->brands;
    const struct brand_set *set = brands_acquire(brands);
    const struct brand *brand = brand_set_find(set, call->name);
    if (brand != NULL) {
        brand_call_log(call, what, call->brand, brand);
        brand_page(brand, ruled_of(call), &call->out);
    }
    brands_release(brands, &set);
    if (brand != NULL)
        return status;
    err_info_set(&call->info, "somebody else has just removed the brand");
    return 409;
}

int brand_action_options(struct brand_call *call)
{
    brand_page_options(&call->out);
    return 200;
}

int brand_action_list(struct brand_call *call)
{
    brand_page_list(call->set, &call->out);
    return 200;
}

int brand_action_show(struct brand_call *call)
{
    brand_page(call->brand, ruled_of(call), &call->out);
    return 200;
}

int brand_action_add(struct brand_call *call)
{
    struct brand_edits_read read = {.count = 0};
    enum err err =
        brand_edits_read_set(&read, json_object_get(call->body, "settings"), &call->info);
    if (err == ERR_OK)
        err = brands_add(call->http->brands, call->name, brand_edits_of(&read, false), &call->info);
    return err == ERR_OK ? brand_call_finish(call, "added", 201) : brand_call_status(err);
}

static enum err read_edits(struct brand_call *call, struct brand_edits_read *read)
{
    enum err err = brand_edits_read_set(read, json_object_get(call->body, "settings"), &call->info);
    if (err != ERR_OK)
        return err;
    return brand_edits_read_unset(read, json_object_get(call->body, "unset"), &call->info);
}

// True when the file rules none of them; else the story says which it does.
static bool may_edit(struct brand_call *call, const struct brand_edits_read *read)
{
    const struct ruled_brand *ruled = ruled_of(call);
    for (size_t i = 0; i < read->count; i++) {
        const struct option *option = read->items[i].option;
        if (!ruled_has_setting(ruled, option))
            continue;
        ruled_tell(call->http->ruled, ruled, option->name,
                   ruled->setting_lines[option - brand_options], &call->info);
        return false;
    }
    return true;
}

int brand_action_change(struct brand_call *call)
{
    struct brand_edits_read read = {.count = 0};
    enum err err = read_edits(call, &read);
    if (err != ERR_OK)
        return brand_call_status(err);
    if (!may_edit(call, &read))
        return 409;
    struct brand_edits edits = brand_edits_of(&read, call->is_forced);
    err = brands_change(call->http->brands, call->name, edits, &call->info);
    return err == ERR_OK ? brand_call_finish(call, "changed", 200) : brand_call_status(err);
}

int brand_action_remove(struct brand_call *call)
{
    const struct ruled_brand *ruled = ruled_of(call);
    if (ruled != NULL) {
        ruled_tell_brand(call->http->ruled, ruled, &call->info);
        return 409;
    }
    enum err err = brands_remove(call->http->brands, call->name, &call->info);
    if (err != ERR_OK)
        return brand_call_status(err);
    brand_call_log(call, "removed", call->brand, NULL);
    strbuf_put_text(&call->out, "{\"removed\":");
    strbuf_put_json_string(&call->out, call->brand->name);
    strbuf_put_byte(&call->out, '}');
    return 200;
}

int brand_action_rotate_key(struct brand_call *call)
{
    const json_t *secret = json_object_get(call->body, "secret");
    const struct ruled_brand *ruled = ruled_of(call);
    struct span text = span_make(json_string_value(secret), json_string_length(secret));
    if (secret != NULL && text.len == 0) {
        err_info_set(&call->info, "secret: a string of 32 to 254 bytes is wanted");
        return 422;
    }
    if (ruled != NULL && ruled->token_key_line > 0) {
        ruled_tell(call->http->ruled, ruled, "tokenKeyFile", ruled->token_key_line, &call->info);
        return 409;
    }
    enum err err = brands_rotate_key(call->http->brands, call->name, text, &call->info);
    return err == ERR_OK ? brand_call_finish(call, "token key rotated", 200)
                         : brand_call_status(err);
}

// The registry calls the signing key not valid to retire; here that is a conflict.
static int status_of_retirement(struct brand_call *call, enum err err)
{
    if (err == ERR_NOT_FOUND)
        call->title = SPAN("No such key");
    return err == ERR_INVALID ? 409 : brand_call_status(err);
}

bool brand_call_number(struct brand_call *call, uint32_t *out)
{
    struct span text;
    uint64_t number = 0;
    if (!http_query_find(call->exchange, SPAN("number"), &text) ||
        !parse_u64(text, UINT32_MAX, &number)) {
        err_info_set(&call->info, "the query names no key, as in &number=1");
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

int brand_action_retire_key(struct brand_call *call)
{
    uint32_t number;
    char storage[WHAT_BYTES_MAX] = {0};
    struct strbuf what = strbuf_over(storage, sizeof storage - 1);
    if (!brand_call_number(call, &number))
        return 400;
    strbuf_put_text(&what, "token key retired: ");
    strbuf_put_u64(&what, number);
    enum err err = brands_retire_key(call->http->brands, call->name, number, &call->info);
    return err == ERR_OK ? brand_call_finish(call, storage, 200) : status_of_retirement(call, err);
}
