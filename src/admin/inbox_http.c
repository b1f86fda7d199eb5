// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A request that waits asks the inbox every few ms for its last id, and looks at messages only when
// that has grown, and then only at the new ones.
//
//   GET ──something to show, or no wait──▶ answered
//    └──nothing──▶ waiting ──message for it, deadline, client gone, server stopping──▶ answered
#include "admin/inbox_http.h"

#include "admin/accept.h"
#include "admin/assets.h"
#include "admin/dev_guard.h"
#include "admin/reply.h"
#include "base/number.h"

#include <stdlib.h>

#define LIMIT_DEFAULT 100U
#define LIMIT_MAX INBOX_MESSAGES_MAX
#define WAIT_MS_MAX 60000
#define POLL_MS 5

// Messages that would make an answer longer are left out. 10,000 of usual length are 3 MB.
#define BODY_BYTES_MAX (6U * 1024U * 1024U)
#define BODY_END_BYTES 2U

#define JSON_TYPE SPAN("application/json")

// One request; lives in the exchange's arena.
struct look {
    const struct inbox_http *http;
    struct inbox_query query;
    struct mono deadline;
    int64_t wait_ms;
    uint64_t seen; // nothing up to this id is for us
    uint8_t to[INBOX_TO_BYTES_MAX];
};

static void put_member(struct strbuf *out, struct span name, struct span text)
{
    strbuf_put(out, name);
    strbuf_put_json_string(out, text);
}

static void put_message(struct strbuf *out, const struct inbox_message *message)
{
    strbuf_put(out, SPAN("{\"id\":\""));
    strbuf_put_u64(out, message->id);
    put_member(out, SPAN("\",\"brand\":"), message->brand);
    put_member(out, SPAN(",\"channel\":"), message->channel);
    put_member(out, SPAN(",\"to\":"), message->to);
    put_member(out, SPAN(",\"text\":"), message->text);
    put_member(out, SPAN(",\"otp\":"), message->otp);
    strbuf_put(out, SPAN(",\"sentAt\":"));
    strbuf_put_i64(out, message->sent_at_ms);
    strbuf_put(out, SPAN("},"));
}

// Each message whole or not at all.
static bool append_message(void *ctx, const struct inbox_message *message)
{
    struct strbuf *out = ctx;
    size_t before = out->len;
    put_message(out, message);
    if (!out->is_overflowed)
        return true;
    *out = (struct strbuf){.data = out->data, .len = before, .cap = out->cap};
    return false;
}

static void reply_messages(struct http_exchange *exchange, const struct look *look)
{
    uint8_t *room = malloc(BODY_BYTES_MAX);
    if (room == NULL) {
        admin_reply_error(exchange, 503, SPAN("Out of memory"));
        return;
    }
    struct strbuf body = strbuf_over(room, BODY_BYTES_MAX - BODY_END_BYTES);
    strbuf_put(&body, SPAN("{\"messages\":["));
    (void)inbox_each(look->http->inbox, &look->query, append_message, &body);
    if (body.data[body.len - 1] == ',')
        body.len--;
    body.cap = BODY_BYTES_MAX;
    strbuf_put(&body, SPAN("]}"));
    struct http_reply reply = admin_reply(200, JSON_TYPE, strbuf_span(&body));
    http_reply_add(&reply, SPAN("Vary"), SPAN("Accept"));
    http_reply(exchange, &reply);
    free(room);
}

static bool stop_at_first(void *ctx, const struct inbox_message *message)
{
    (void)ctx;
    (void)message;
    return false;
}

static bool has_news(struct look *look)
{
    struct inbox *inbox = look->http->inbox;
    uint64_t last_id = inbox_last_id(inbox);
    if (last_id == look->seen)
        return false;
    struct inbox_query query = look->query;
    query.after = look->seen > query.after ? look->seen : query.after;
    look->seen = last_id;
    return inbox_each(inbox, &query, stop_at_first, NULL) > 0;
}

static void answer_or_wait(struct http_exchange *exchange, void *ctx, struct mono now, bool is_gone)
{
    struct look *look = ctx;
    struct mono next = mono_after(now, POLL_MS);
    if (is_gone || has_news(look) || mono_is_due(look->deadline, now) ||
        inbox_has_ended_waits(look->http->inbox)) {
        reply_messages(exchange, look);
        return;
    }
    http_exchange_wake(exchange, next.ms < look->deadline.ms ? next : look->deadline,
                       answer_or_wait, look);
}

// The readers of query members return what is wrong, or NULL.

static const char *read_to(struct look *look, struct span value)
{
    // A leading space can only be a plus that was not encoded.
    uint8_t storage[INBOX_TO_BYTES_MAX + 1];
    struct strbuf spelling = strbuf_over(storage, sizeof storage);
    struct strbuf canonical = strbuf_over(look->to, sizeof look->to);
    bool is_email = span_find(value, '@') < value.len;
    bool has_plus = !is_email && value.len > 0 && value.data[0] == ' ';
    strbuf_put(&spelling, has_plus ? SPAN("+") : SPAN(""));
    strbuf_put(&spelling, span_from(value, has_plus ? 1 : 0));
    if (spelling.is_overflowed ||
        !look->http->canonical(look->http->ctx, is_email, strbuf_span(&spelling), &canonical) ||
        canonical.is_overflowed || canonical.len == 0)
        return "to must be a mobile number or an e-mail address";
    look->query.to = strbuf_span(&canonical);
    return NULL;
}

static const char *read_wait(struct look *look, struct span value)
{
    return parse_duration_ms(value, WAIT_MS_MAX, &look->wait_ms)
               ? NULL
               : "wait must be a time such as 5s, at most 60s";
}

static const char *read_after(struct look *look, struct span value)
{
    if (!parse_u64(value, UINT64_MAX, &look->query.after))
        return "after must be the id of a message";
    if (look->query.after > inbox_last_id(look->http->inbox))
        look->query.after = 0;
    return NULL;
}

static const char *read_limit(struct look *look, struct span value)
{
    uint64_t limit = 0;
    if (!parse_u64(value, LIMIT_MAX, &limit) || limit == 0)
        return "limit must be 1 to 10000";
    look->query.limit = (size_t)limit;
    return NULL;
}

struct parameter {
    struct span name;
    const char *(*read)(struct look *look, struct span value);
};

static const struct parameter parameters[] = {
    {SPAN("to"), read_to},
    {SPAN("wait"), read_wait},
    {SPAN("after"), read_after},
    {SPAN("limit"), read_limit},
};

static const char *read_parameters(struct http_exchange *exchange, struct look *look)
{
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        struct span value;
        if (!http_query_has(&exchange->request, parameters[i].name))
            continue;
        if (!http_query_find(exchange, parameters[i].name, &value))
            return "The query is not well-formed";
        const char *why = parameters[i].read(look, value);
        if (why != NULL)
            return why;
    }
    return NULL;
}

static void reply_asset(struct http_exchange *exchange, struct span type, struct span bytes)
{
    struct http_reply reply = admin_reply(200, type, bytes);
    http_reply_add(&reply, SPAN("Vary"), SPAN("Accept"));
    http_reply(exchange, &reply);
}

static void get_messages(const struct inbox_http *http, struct http_exchange *exchange)
{
    struct look *look = arena_alloc(&exchange->arena, sizeof *look);
    if (look == NULL) {
        admin_reply_error(exchange, 503, SPAN("Out of memory"));
        return;
    }
    *look = (struct look){.http = http, .query = {.limit = LIMIT_DEFAULT}};
    const char *why = read_parameters(exchange, look);
    if (why != NULL) {
        admin_reply_error(exchange, 400, span_of_text(why));
        return;
    }
    look->deadline = mono_after(exchange->received_at, look->wait_ms);
    answer_or_wait(exchange, look, exchange->received_at, false);
}

static void get_inbox(void *ctx, struct http_exchange *exchange)
{
    if (!dev_guard_admit(exchange))
        return;
    if (accept_prefers_html(http_request_field(&exchange->request, SPAN("Accept"))))
        reply_asset(exchange, SPAN("text/html; charset=utf-8"), asset_inbox_html());
    else
        get_messages(ctx, exchange);
}

static void delete_inbox(void *ctx, struct http_exchange *exchange)
{
    const struct inbox_http *http = ctx;
    if (!dev_guard_admit(exchange))
        return;
    inbox_clear(http->inbox);
    const struct http_reply reply = admin_reply(204, SPAN(""), SPAN(""));
    http_reply(exchange, &reply);
}

static void get_script(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    if (dev_guard_admit(exchange))
        reply_asset(exchange, SPAN("text/javascript; charset=utf-8"), asset_inbox_js());
}

static void get_style(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    if (dev_guard_admit(exchange))
        reply_asset(exchange, SPAN("text/css; charset=utf-8"), asset_inbox_css());
}

void inbox_routes(struct inbox_http *http, struct http_route out[INBOX_ROUTES_COUNT])
{
    const struct http_route routes[INBOX_ROUTES_COUNT] = {
        {HTTP_GET, SPAN("/dev/inbox"), get_inbox, http},
        {HTTP_DELETE, SPAN("/dev/inbox"), delete_inbox, http},
        {HTTP_GET, SPAN("/dev/inbox.js"), get_script, http},
        {HTTP_GET, SPAN("/dev/inbox.css"), get_style, http},
    };
    memcpy(out, routes, sizeof routes);
}
