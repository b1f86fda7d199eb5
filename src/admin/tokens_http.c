// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/tokens_http.h"

#include "admin/problem.h"
#include "admin/reply.h"

#include <jansson.h>
#include <time.h>

#define PATH SPAN("/admin/v1/provider/tokens")
#define PROBE_PATH SPAN("/admin/v1/provider/probe")
#define BODY_BYTES_MAX 16384U // a token, each byte of which may be six
#define PAGE_BYTES_MAX 4096U
#define NAME_SHOWN_BYTES_MAX 64U

static void refuse(struct http_exchange *exchange, int status, const struct err_info *info)
{
    uint8_t room[PAGE_BYTES_MAX];
    struct strbuf body = strbuf_over(room, sizeof room);
    problem_put(status, problem_title(status), span_of_text(info->text), &body);
    const struct http_reply reply = admin_reply(status, PROBLEM_TYPE, strbuf_span(&body));
    http_reply(exchange, &reply);
}

static void refuse_name(struct http_exchange *exchange, struct span name)
{
    struct err_info info;
    struct span shown = span_first(name, NAME_SHOWN_BYTES_MAX);
    err_info_set(&info, "no provider \"%.*s\" that is running has tokens to renew", (int)shown.len,
                 (const char *)shown.data);
    refuse(exchange, 404, &info);
}

// False: it has been answered.
static bool find_name(struct http_exchange *exchange, struct span *out)
{
    struct err_info info;
    if (http_query_find(exchange, SPAN("name"), out))
        return true;
    err_info_set(&info, "the query names no provider, as in ?name=my-zalo");
    refuse(exchange, 400, &info);
    return false;
}

static void put_time(const char *name, int64_t at_ms, struct strbuf *out)
{
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(at_ms / 1000);
    bool is_known = at_ms > 0 && gmtime_r(&seconds, &tm) != NULL &&
                    strftime(text, sizeof text, "\"%Y-%m-%dT%H:%M:%SZ\"", &tm) > 0;
    strbuf_put_text(out, name);
    strbuf_put_text(out, is_known ? text : "null");
}

static void put_page(struct http_exchange *exchange, struct span name,
                     const struct tokens_page *page)
{
    uint8_t room[PAGE_BYTES_MAX];
    struct strbuf body = strbuf_over(room, sizeof room);
    strbuf_put_text(&body, "{\"provider\":");
    strbuf_put_json_string(&body, name);
    strbuf_put_text(&body, ",\"state\":");
    strbuf_put_json_string(&body, span_of_text(page->state));
    strbuf_put_text(&body, ",\"needsPerson\":");
    strbuf_put_text(&body, page->needs_person ? "true" : "false");
    put_time(",\"accessEndsAt\":", page->access_ends_at_ms, &body);
    put_time(",\"refreshEndsAt\":", page->refresh_ends_at_ms, &body);
    strbuf_put_text(&body, ",\"words\":");
    strbuf_put_json_string(&body, span_make(page->words, page->words_len));
    strbuf_put_byte(&body, '}');
    const struct http_reply reply = admin_reply(200, SPAN("application/json"), strbuf_span(&body));
    http_reply(exchange, &reply);
}

static void show(void *ctx, struct http_exchange *exchange)
{
    const struct tokens_http *http = ctx;
    struct tokens_page page;
    struct span name;
    if (!find_name(exchange, &name))
        return;
    if (http->show(http->ctx, name, &page))
        put_page(exchange, name, &page);
    else
        refuse_name(exchange, name);
}

static enum err set_from(const struct tokens_http *http, struct span name, struct span body,
                         struct err_info *info)
{
    json_t *json = json_loadb((const char *)body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *refresh = json_object_get(json, "refreshToken");
    struct span token = span_make(json_string_value(refresh), json_string_length(refresh));
    enum err err = ERR_INVALID;
    if (json_is_string(refresh) && json_object_size(json) == 1)
        err = http->set(http->ctx, name, token);
    json_decref(json);
    if (err == ERR_INVALID)
        err_info_set(info, "refreshToken: 1 to 2048 characters of printable ASCII without spaces "
                           "are wanted, and nothing else");
    else if (err != ERR_OK)
        err_info_set(info, "store the token: %s", err_text(err));
    return err;
}

static void set(void *ctx, struct http_exchange *exchange)
{
    const struct tokens_http *http = ctx;
    struct tokens_page page;
    struct err_info info;
    struct span name;
    if (!find_name(exchange, &name))
        return;
    if (!http->show(http->ctx, name, &page)) {
        refuse_name(exchange, name);
        return;
    }
    struct span body = exchange->request.body;
    if (body.len > BODY_BYTES_MAX)
        body.len = 0; // which is no token
    enum err err = set_from(http, name, body, &info);
    if (err != ERR_OK) {
        refuse(exchange, err == ERR_INVALID ? 422 : 503, &info);
        return;
    }
    LOG_EVENT(http->log, LOG_INFO, "token.set", log_text("provider", name));
    show(ctx, exchange);
}

static void put_probe_page(struct http_exchange *exchange, struct span name,
                           const struct tokens_probe_page *page)
{
    uint8_t room[PAGE_BYTES_MAX];
    struct strbuf body = strbuf_over(room, sizeof room);
    strbuf_put_text(&body, "{\"provider\":");
    strbuf_put_json_string(&body, name);
    strbuf_put_text(&body, ",\"ready\":");
    strbuf_put_text(&body, page->is_ready ? "true" : "false");
    strbuf_put_text(&body, ",\"reason\":");
    strbuf_put_json_string(&body, span_of_text(page->reason));
    strbuf_put_text(&body, ",\"words\":");
    strbuf_put_json_string(&body, span_make(page->words, page->words_len));
    strbuf_put_byte(&body, '}');
    const struct http_reply reply = admin_reply(200, SPAN("application/json"), strbuf_span(&body));
    http_reply(exchange, &reply);
}

static void probe(void *ctx, struct http_exchange *exchange)
{
    const struct tokens_http *http = ctx;
    struct tokens_probe_page page;
    struct span name;
    if (!find_name(exchange, &name))
        return;
    if (http->probe(http->ctx, name, &page))
        put_probe_page(exchange, name, &page);
    else
        refuse_name(exchange, name);
}

void tokens_routes(struct tokens_http *http, struct http_route out[TOKENS_ROUTES_COUNT])
{
    out[0] = (struct http_route){HTTP_GET, PATH, show, http};
    out[1] = (struct http_route){HTTP_POST, PATH, set, http};
    out[2] = (struct http_route){HTTP_POST, PROBE_PATH, probe, http};
}
