// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Texts of jansson's errors quote the input, which may be a secret; only the place is told.
#include "admin/json_body.h"

#include "admin/problem.h"
#include "admin/reply.h"
#include "http/limits.h"

#define JSON_TYPE SPAN("application/json")
#define NAME_SHOWN_BYTES_MAX 64U

static bool is_json(struct span content_type)
{
    struct span rest;
    return span_eq_nocase(span_trim(span_split(content_type, ';', &rest)), JSON_TYPE);
}

static bool is_member(const struct json_body_rules *rules, const char *name)
{
    for (size_t i = 0; rules->members[i] != NULL; i++) {
        if (span_eq(span_of_text(rules->members[i]), span_of_text(name)))
            return true;
    }
    return false;
}

static int check_members(const struct json_body_rules *rules, json_t *body, struct err_info *info)
{
    const char *name;
    json_t *value;
    json_object_foreach(body, name, value)
    {
        if (is_member(rules, name))
            continue;
        err_info_set(info, "the body has no member \"%.*s\"", (int)NAME_SHOWN_BYTES_MAX, name);
        return 400;
    }
    return 0;
}

static int parse(struct span body, json_t **out, struct err_info *info)
{
    json_error_t error;
    *out = json_loadb((const char *)body.data, body.len, JSON_REJECT_DUPLICATES, &error);
    if (*out == NULL) {
        err_info_set(info, "the body is not JSON (line %d, column %d)", error.line, error.column);
        return 400;
    }
    if (json_is_object(*out))
        return 0;
    err_info_set(info, "the body is not a JSON object");
    return 400;
}

static int read_object(const struct http_exchange *exchange, const struct json_body_rules *rules,
                       json_t **out, struct err_info *info)
{
    struct span body = exchange->request.body;
    if (body.len > rules->bytes_max) {
        err_info_set(info, "the body has %zu bytes, and at most %zu are taken", body.len,
                     rules->bytes_max);
        return 413;
    }
    if (body.len > 0 && !is_json(exchange->request.content_type)) {
        err_info_set(info, "send it with Content-Type: application/json");
        return 415;
    }
    int status = parse(body.len > 0 ? body : SPAN("{}"), out, info);
    return status == 0 ? check_members(rules, *out, info) : status;
}

int json_body_read(const struct http_exchange *exchange, const struct json_body_rules *rules,
                   json_t **out, struct err_info *info)
{
    *out = NULL;
    int status = read_object(exchange, rules, out, info);
    if (status == 0)
        return 0;
    json_decref(*out);
    *out = NULL;
    return status;
}

void json_reply(struct http_exchange *exchange, int status, struct strbuf *out, struct span title,
                struct err_info *info)
{
    if (out->is_overflowed) {
        err_info_set(info, "the answer would have more than %zu bytes", out->cap);
        status = 503;
    }
    bool is_problem = status >= 300;
    if (is_problem) {
        *out = strbuf_over(out->data, out->cap);
        problem_put(status, title.len > 0 ? title : problem_title(status), span_of_text(info->text),
                    out);
    }
    const struct http_reply reply =
        admin_reply(status, is_problem ? PROBLEM_TYPE : JSON_TYPE, strbuf_span(out));
    http_reply(exchange, &reply);
}

void json_reply_no_memory(struct http_exchange *exchange)
{
    uint8_t room[HTTP_ERROR_BODY_BYTES_MAX];
    struct strbuf body = strbuf_over(room, sizeof room);
    problem_put_status(503, &body);
    const struct http_reply reply = admin_reply(503, PROBLEM_TYPE, strbuf_span(&body));
    http_reply(exchange, &reply);
}
