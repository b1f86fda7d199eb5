// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/brands_http.h"

#include "admin/brand_call.h"
#include "base/assert.h"
#include "http/limits.h"

#include <stdlib.h>

#define NAME_SHOWN_BYTES_MAX 64U

#define PLAIN .body.bytes_max = JSON_BODY_BYTES_USUAL_MAX
#define NAMED .has_name = true, PLAIN
#define BRAND .has_brand = true, NAMED

static const struct brand_action actions[BRANDS_ROUTES_COUNT] = {
    {HTTP_GET, SPAN("/admin/v1/options"), brand_action_options, PLAIN},
    {HTTP_GET, SPAN("/admin/v1/brands"), brand_action_list, PLAIN},
    {HTTP_GET, SPAN("/admin/v1/brand"), brand_action_show, BRAND},
    {HTTP_POST, SPAN("/admin/v1/brand"), brand_action_add, NAMED, .body.members = {"settings"}},
    {HTTP_PUT, SPAN("/admin/v1/brand"), brand_action_change, BRAND,
     .body.members = {"settings", "unset"}},
    {HTTP_DELETE, SPAN("/admin/v1/brand"), brand_action_remove, BRAND},
    {HTTP_POST, SPAN("/admin/v1/brand/keys"), brand_action_rotate_key, BRAND,
     .body.members = {"secret"}},
    {HTTP_DELETE, SPAN("/admin/v1/brand/keys"), brand_action_retire_key, BRAND},
    {HTTP_GET, SPAN("/admin/v1/brand/encryption"), brand_action_encryption, BRAND},
    {HTTP_POST, SPAN("/admin/v1/brand/encryption"), brand_action_add_encryption_key, BRAND,
     .body.members = {"privateKey"}},
    {HTTP_DELETE, SPAN("/admin/v1/brand/encryption"), brand_action_retire_encryption_key, BRAND},
    {HTTP_POST, SPAN("/admin/v1/brand/encryption/open"), brand_action_open_hash, BRAND,
     .body.members = {"hash", "isOaep"}},
    {HTTP_GET, SPAN("/admin/v1/export"), brand_action_export, PLAIN},
    {HTTP_POST, SPAN("/admin/v1/import"), brand_action_import,
     .body.bytes_max = BRANDS_BODY_BYTES_MAX, .body.members = {"format", "brands"}},
};

int brand_call_status(enum err err)
{
    switch (err) {
    case ERR_NOT_FOUND:
        return 404;
    case ERR_EXISTS:
    case ERR_UNFORCED:
    case ERR_BUSY:
        return 409;
    case ERR_INVALID:
        return 422;
    case ERR_OK:
    case ERR_NO_MEMORY:
    case ERR_TIMEOUT:
    case ERR_IO:
    case ERR_IN_USE:
    case ERR_PERMISSION:
        return 503;
    case ERR_COUNT_:
        break;
    }
    UNREACHABLE();
}

static int no_such_brand(struct brand_call *call)
{
    struct span shown = span_first(call->name, NAME_SHOWN_BYTES_MAX);
    call->title = SPAN("No such brand");
    err_info_set(&call->info, "there is no brand \"%.*s\"", (int)shown.len,
                 (const char *)shown.data);
    return 404;
}

static int find_brand(struct brand_call *call, const struct brand_action *action)
{
    struct span force;
    call->set = brands_acquire(call->http->brands);
    call->is_forced =
        http_query_find(call->exchange, SPAN("force"), &force) && span_eq(force, SPAN("true"));
    if (!action->has_name)
        return 0;
    if (!http_query_find(call->exchange, SPAN("name"), &call->name)) {
        err_info_set(&call->info, "the query names no brand, as in ?name=DocDemo");
        return 400;
    }
    call->brand = brand_set_find(call->set, call->name);
    return action->has_brand && call->brand == NULL ? no_such_brand(call) : 0;
}

static int run(struct brand_call *call, const struct brand_action *action)
{
    int status = find_brand(call, action);
    if (status == 0)
        status = json_body_read(call->exchange, &action->body, &call->body, &call->info);
    return status == 0 ? action->run(call) : status;
}

static void handle(void *ctx, struct http_exchange *exchange)
{
    const struct brands_endpoint *endpoint = ctx;
    struct brand_call call = {.http = endpoint->http, .exchange = exchange};
    // Only what is written of it becomes real memory.
    uint8_t *room = malloc(HTTP_REPLY_BYTES_MAX);
    if (room == NULL) {
        json_reply_no_memory(exchange);
        return;
    }
    call.out = strbuf_over(room, HTTP_REPLY_BYTES_MAX);
    ruled_lock(call.http->ruled);
    int status = run(&call, endpoint->action);
    ruled_unlock(call.http->ruled);
    json_reply(exchange, status, &call.out, call.title, &call.info);
    json_decref(call.body);
    brands_release(call.http->brands, &call.set);
    free(room);
}

void brands_routes(struct brands_http *http, struct http_route out[BRANDS_ROUTES_COUNT])
{
    for (size_t i = 0; i < BRANDS_ROUTES_COUNT; i++) {
        struct brands_endpoint *endpoint = &http->endpoints[i];
        *endpoint = (struct brands_endpoint){http, &actions[i]};
        out[i] = (struct http_route){actions[i].method, actions[i].path, handle, endpoint};
    }
}
