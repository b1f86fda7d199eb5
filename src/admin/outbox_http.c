// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/outbox_http.h"

#include "admin/json_body.h"
#include "admin/outbox_page.h"
#include "base/number.h"
#include "http/limits.h"

#include <stdlib.h>

#define ROWS_USUAL 50U
#define NAME_SHOWN_BYTES_MAX 64U

// One request while it is answered. An action returns the HTTP status: below 300 its answer is in
// `out`, from there on the story is in `info`.
struct outbox_call {
    struct outbox_http *http;
    struct http_exchange *exchange;
    const struct brand_set *brands;
    json_t *body;
    struct span title; // of a refusal; empty: the status has one
    struct err_info info;
    struct strbuf out;
};

struct outbox_action {
    enum http_method method;
    struct span path;
    int (*run)(struct outbox_call *call);
    struct json_body_rules body;
};

static int refuse_store(struct outbox_call *call)
{
    err_info_set(&call->info, "the store cannot tell now; the log may say why");
    return 503;
}

// NULL with a status in *status_out: there is no such brand. An empty name is none: NULL and 0.
static const struct brand *find_brand(struct outbox_call *call, struct span name, int *status_out)
{
    struct span shown = span_first(name, NAME_SHOWN_BYTES_MAX);
    *status_out = 0;
    if (name.len == 0)
        return NULL;
    const struct brand *brand = brand_set_find(call->brands, name);
    if (brand != NULL)
        return brand;
    call->title = SPAN("No such brand");
    err_info_set(&call->info, "there is no brand \"%.*s\"", (int)shown.len,
                 (const char *)shown.data);
    *status_out = 404;
    return NULL;
}

// --- looking -----------------------------------------------------------------------------------

// What a list is asked with.
struct list_query {
    struct history_filter filter;
    uint64_t after;
    uint64_t limit;
};

// False: it is there, and is no number of 1 to `max`.
static bool read_number(struct outbox_call *call, struct span name, uint64_t max, uint64_t *out)
{
    struct span text;
    if (!http_query_has(&call->exchange->request, name))
        return true;
    if (http_query_find(call->exchange, name, &text) && parse_u64(text, max, out) && *out > 0)
        return true;
    err_info_set(&call->info, "%.*s: a number of 1 to %llu is wanted", (int)name.len,
                 (const char *)name.data, (unsigned long long)max);
    return false;
}

static int read_list(struct outbox_call *call, struct list_query *out)
{
    int status;
    struct span text;
    struct span brand = SPAN("");
    *out = (struct list_query){.filter.is_troubled = true, .limit = ROWS_USUAL};
    if (!read_number(call, SPAN("after"), INT64_MAX, &out->after) ||
        !read_number(call, SPAN("limit"), OUTBOX_PAGE_ROWS_MAX, &out->limit))
        return 400;
    if (http_query_find(call->exchange, SPAN("all"), &text))
        out->filter.is_troubled = !span_eq(text, SPAN("true"));
    (void)http_query_find(call->exchange, SPAN("brand"), &brand);
    out->filter.brand = find_brand(call, brand, &status);
    return status;
}

static void put_rows(struct outbox_call *call, const struct delivery_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct told_message told;
        history_tell(&call->http->history, call->brands, &rows[i], &told);
        strbuf_put_text(&call->out, i > 0 ? "," : "");
        outbox_page_message(&told, &call->out);
    }
}

// One row more than is asked for says whether there are more.
static int list_into(struct outbox_call *call, struct list_query *query, struct delivery_row *rows)
{
    const struct history *history = &call->http->history;
    size_t held = query->limit + 1;
    if (history_list(history, &query->filter, &query->after, rows, &held) != ERR_OK)
        return refuse_store(call);
    bool has_more = held > query->limit;
    uint64_t next = has_more ? rows[query->limit - 1].handle : query->after;
    outbox_page_time("{\"now\":", store_now_ms(history->store), &call->out);
    strbuf_put_text(&call->out, ",\"messages\":[");
    put_rows(call, rows, has_more ? query->limit : held);
    strbuf_put_text(&call->out, "],\"next\":");
    if (next != 0)
        strbuf_put_u64(&call->out, next);
    else
        strbuf_put_text(&call->out, "null");
    strbuf_put_byte(&call->out, '}');
    return 200;
}

static int list(struct outbox_call *call)
{
    struct list_query query;
    int status = read_list(call, &query);
    if (status != 0)
        return status;
    struct delivery_row *rows = calloc(OUTBOX_PAGE_ROWS_MAX + 1, sizeof *rows);
    if (rows == NULL) {
        err_info_set(&call->info, "%s", err_text(ERR_NO_MEMORY));
        return 503;
    }
    status = list_into(call, &query, rows);
    free(rows);
    return status;
}

static int show(struct outbox_call *call)
{
    uint64_t handle = 0;
    struct delivery_row row;
    struct told_message told;
    if (!read_number(call, SPAN("handle"), INT64_MAX, &handle))
        return 400;
    enum err err = history_find(&call->http->history, handle, &row);
    if (err == ERR_NOT_FOUND) {
        call->title = SPAN("No such message");
        err_info_set(&call->info, "%s", history_answer_text(HISTORY_NOT_FOUND));
        return 404;
    }
    if (err != ERR_OK)
        return refuse_store(call);
    history_tell(&call->http->history, call->brands, &row, &told);
    outbox_page_time("{\"now\":", store_now_ms(call->http->history.store), &call->out);
    strbuf_put_text(&call->out, ",\"message\":");
    outbox_page_message(&told, &call->out);
    strbuf_put_byte(&call->out, '}');
    return 200;
}

// --- having something done ---------------------------------------------------------------------

typedef enum history_answer history_order(const struct history *history, uint64_t handle);

static bool are_handles(const json_t *handles)
{
    size_t i;
    json_t *handle;
    size_t count = json_array_size(handles);
    json_array_foreach(handles, i, handle)
    {
        if (json_integer_value(handle) < 1)
            return false;
    }
    return count > 0 && count <= OUTBOX_HANDLES_MAX;
}

static void put_result(struct outbox_call *call, uint64_t handle, enum history_answer answer)
{
    bool is_done = answer == HISTORY_DONE;
    strbuf_put_text(&call->out, "{\"handle\":");
    strbuf_put_u64(&call->out, handle);
    strbuf_put_text(&call->out,
                    is_done ? ",\"isDone\":true,\"why\":" : ",\"isDone\":false,\"why\":");
    if (is_done)
        strbuf_put_text(&call->out, "null");
    else
        strbuf_put_json_string(&call->out, span_of_text(history_answer_text(answer)));
    strbuf_put_byte(&call->out, '}');
}

static int order(struct outbox_call *call, history_order *give, const char *event)
{
    size_t i;
    json_t *handle;
    const json_t *handles = json_object_get(call->body, "handles");
    if (!are_handles(handles)) {
        err_info_set(&call->info, "handles: a list of 1 to %u numbers is wanted",
                     OUTBOX_HANDLES_MAX);
        return 422;
    }
    strbuf_put_text(&call->out, "{\"results\":[");
    json_array_foreach(handles, i, handle)
    {
        json_int_t number = json_integer_value(handle);
        enum history_answer answer = give(&call->http->history, (uint64_t)number);
        LOG_EVENT(call->http->log, LOG_INFO, event, log_number("handle", number),
                  log_text("result", span_of_text(history_answer_text(answer))));
        strbuf_put_text(&call->out, i > 0 ? "," : "");
        put_result(call, (uint64_t)number, answer);
    }
    strbuf_put_text(&call->out, "]}");
    return 200;
}

static int retry(struct outbox_call *call)
{
    return order(call, history_retry, "outbox.retried");
}

static int drop(struct outbox_call *call)
{
    return order(call, history_drop, "outbox.dropped");
}

// --- explaining --------------------------------------------------------------------------------

static struct span text_of(const struct outbox_call *call, const char *member)
{
    const json_t *value = json_object_get(call->body, member);
    return span_make(json_string_value(value), json_string_length(value));
}

static int explain(struct outbox_call *call)
{
    int status;
    struct explained *explained = NULL;
    struct explain_query query = {.who = text_of(call, "who"), .brands = call->brands};
    query.brand = find_brand(call, text_of(call, "brand"), &status);
    if (status != 0)
        return status;
    enum err err = explain_create(&call->http->history, &query, &explained, &call->info);
    if (err != ERR_OK)
        return err == ERR_INVALID ? 422 : 503;
    LOG_EVENT(call->http->log, LOG_INFO, "person.explained",
              log_text("who", span_of_text(explained->asked)),
              log_number("messages", (int64_t)explained->messages_count));
    outbox_page_explained(&call->http->history, call->brands, explained, &call->out);
    explain_destroy(&explained);
    return 200;
}

// --- the whole ---------------------------------------------------------------------------------

#define NO_BODY .body.bytes_max = JSON_BODY_BYTES_USUAL_MAX
#define BODY(...) .body = {JSON_BODY_BYTES_USUAL_MAX, {__VA_ARGS__}}

static const struct outbox_action actions[OUTBOX_ROUTES_COUNT] = {
    {HTTP_GET, SPAN("/admin/v1/outbox"), list, NO_BODY},
    {HTTP_GET, SPAN("/admin/v1/outbox/message"), show, NO_BODY},
    {HTTP_POST, SPAN("/admin/v1/outbox/retry"), retry, BODY("handles")},
    {HTTP_POST, SPAN("/admin/v1/outbox/drop"), drop, BODY("handles")},
    {HTTP_POST, SPAN("/admin/v1/explain"), explain, BODY("who", "brand")},
};

static int run(struct outbox_call *call, const struct outbox_action *action)
{
    int status = json_body_read(call->exchange, &action->body, &call->body, &call->info);
    return status == 0 ? action->run(call) : status;
}

static void handle(void *ctx, struct http_exchange *exchange)
{
    const struct outbox_endpoint *endpoint = ctx;
    struct outbox_call call = {.http = endpoint->http, .exchange = exchange};
    // Only what is written of it becomes real memory.
    uint8_t *room = malloc(HTTP_REPLY_BYTES_MAX);
    if (room == NULL) {
        json_reply_no_memory(exchange);
        return;
    }
    call.out = strbuf_over(room, HTTP_REPLY_BYTES_MAX);
    call.brands = brands_acquire(call.http->brands);
    int status = run(&call, endpoint->action);
    json_reply(exchange, status, &call.out, call.title, &call.info);
    json_decref(call.body);
    brands_release(call.http->brands, &call.brands);
    free(room);
}

void outbox_routes(struct outbox_http *http, struct http_route out[OUTBOX_ROUTES_COUNT])
{
    for (size_t i = 0; i < OUTBOX_ROUTES_COUNT; i++) {
        http->endpoints[i] = (struct outbox_endpoint){http, &actions[i]};
        out[i] =
            (struct http_route){actions[i].method, actions[i].path, handle, &http->endpoints[i]};
    }
}
