// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Texts of jansson's errors quote the input, which may be a secret; only the place is told.
#include "admin/brands_http.h"

#include "admin/brand_call.h"
#include "admin/problem.h"
#include "admin/reply.h"
#include "base/assert.h"
#include "http/limits.h"

#include <stdlib.h>

#define JSON_TYPE SPAN("application/json")
#define BODY_BYTES_USUAL_MAX 65536U
#define NAME_SHOWN_BYTES_MAX 64U

#define PLAIN .body_bytes_max = BODY_BYTES_USUAL_MAX
#define NAMED .has_name = true, PLAIN
#define BRAND .has_brand = true, NAMED

static const struct brand_action actions[BRANDS_ROUTES_COUNT] = {
    {HTTP_GET, SPAN("/admin/v1/options"), brand_action_options, PLAIN},
    {HTTP_GET, SPAN("/admin/v1/brands"), brand_action_list, PLAIN},
    {HTTP_GET, SPAN("/admin/v1/brand"), brand_action_show, BRAND},
    {HTTP_POST, SPAN("/admin/v1/brand"), brand_action_add, NAMED, .members = {"settings"}},
    {HTTP_PUT, SPAN("/admin/v1/brand"), brand_action_change, BRAND,
     .members = {"settings", "unset"}},
    {HTTP_DELETE, SPAN("/admin/v1/brand"), brand_action_remove, BRAND},
    {HTTP_POST, SPAN("/admin/v1/brand/keys"), brand_action_rotate_key, BRAND,
     .members = {"secret"}},
    {HTTP_DELETE, SPAN("/admin/v1/brand/keys"), brand_action_retire_key, BRAND},
    {HTTP_GET, SPAN("/admin/v1/brand/encryption"), brand_action_encryption, BRAND},
    {HTTP_POST, SPAN("/admin/v1/brand/encryption"), brand_action_add_encryption_key, BRAND,
     .members = {"privateKey"}},
    {HTTP_DELETE, SPAN("/admin/v1/brand/encryption"), brand_action_retire_encryption_key, BRAND},
    {HTTP_POST, SPAN("/admin/v1/brand/encryption/open"), brand_action_open_hash, BRAND,
     .members = {"hash", "isOaep"}},
    {HTTP_GET, SPAN("/admin/v1/export"), brand_action_export, PLAIN},
    {HTTP_POST, SPAN("/admin/v1/import"), brand_action_import,
     .body_bytes_max = BRANDS_BODY_BYTES_MAX, .members = {"format", "brands"}},
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

static bool is_json(struct span content_type)
{
    struct span rest;
    return span_eq_nocase(span_trim(span_split(content_type, ';', &rest)), JSON_TYPE);
}

static bool is_member(const struct brand_action *action, const char *name)
{
    for (size_t i = 0; action->members[i] != NULL; i++) {
        if (span_eq(span_of_text(action->members[i]), span_of_text(name)))
            return true;
    }
    return false;
}

static int check_members(struct brand_call *call, const struct brand_action *action)
{
    const char *name;
    json_t *value;
    json_object_foreach(call->body, name, value)
    {
        if (is_member(action, name))
            continue;
        err_info_set(&call->info, "the body has no member \"%.*s\"", (int)NAME_SHOWN_BYTES_MAX,
                     name);
        return 400;
    }
    return 0;
}

static int parse_body(struct brand_call *call, struct span body)
{
    json_error_t error;
    call->body = json_loadb((const char *)body.data, body.len, JSON_REJECT_DUPLICATES, &error);
    if (call->body == NULL) {
        err_info_set(&call->info, "the body is not JSON (line %d, column %d)", error.line,
                     error.column);
        return 400;
    }
    if (json_is_object(call->body))
        return 0;
    err_info_set(&call->info, "the body is not a JSON object");
    return 400;
}

static int read_body(struct brand_call *call, const struct brand_action *action)
{
    struct span body = call->exchange->request.body;
    if (body.len > action->body_bytes_max) {
        err_info_set(&call->info, "the body has %zu bytes, and at most %zu are taken", body.len,
                     action->body_bytes_max);
        return 413;
    }
    if (body.len > 0 && !is_json(call->exchange->request.content_type)) {
        err_info_set(&call->info, "send it with Content-Type: application/json");
        return 415;
    }
    int status = parse_body(call, body.len > 0 ? body : SPAN("{}"));
    return status == 0 ? check_members(call, action) : status;
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
        status = read_body(call, action);
    return status == 0 ? action->run(call) : status;
}

static void reply(struct brand_call *call, int status)
{
    if (call->out.is_overflowed) {
        err_info_set(&call->info, "the answer would have more than %zu bytes", call->out.cap);
        status = 503;
    }
    bool is_problem = status >= 300;
    if (is_problem) {
        struct span title = call->title.len > 0 ? call->title : problem_title(status);
        call->out = strbuf_over(call->out.data, call->out.cap);
        problem_put(status, title, span_of_text(call->info.text), &call->out);
    }
    const struct http_reply reply =
        admin_reply(status, is_problem ? PROBLEM_TYPE : JSON_TYPE, strbuf_span(&call->out));
    http_reply(call->exchange, &reply);
}

static void reply_no_memory(struct http_exchange *exchange)
{
    uint8_t room[HTTP_ERROR_BODY_BYTES_MAX];
    struct strbuf body = strbuf_over(room, sizeof room);
    problem_put_status(503, &body);
    const struct http_reply reply = admin_reply(503, PROBLEM_TYPE, strbuf_span(&body));
    http_reply(exchange, &reply);
}

static void handle(void *ctx, struct http_exchange *exchange)
{
    const struct brands_endpoint *endpoint = ctx;
    struct brand_call call = {.http = endpoint->http, .exchange = exchange};
    // Only what is written of it becomes real memory.
    uint8_t *room = malloc(HTTP_REPLY_BYTES_MAX);
    if (room == NULL) {
        reply_no_memory(exchange);
        return;
    }
    call.out = strbuf_over(room, HTTP_REPLY_BYTES_MAX);
    ruled_lock(call.http->ruled);
    int status = run(&call, endpoint->action);
    ruled_unlock(call.http->ruled);
    reply(&call, status);
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
