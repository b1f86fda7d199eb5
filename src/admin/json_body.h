// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the calls of the admin API have in common: a body that is a JSON object, and an answer that
// is one too, or else a problem.

#include "base/err.h"
#include "http/http.h"

#include <jansson.h>

#define JSON_BODY_MEMBERS_MAX 3U
#define JSON_BODY_BYTES_USUAL_MAX 65536U

// Which bodies a call takes.
struct json_body_rules {
    size_t bytes_max;
    const char *members[JSON_BODY_MEMBERS_MAX]; // that it may have; NULL-terminated
};

// 0: *out is an object, {} when none was sent, for the caller to release. Else the status of a
// refusal, with its story.
int json_body_read(const struct http_exchange *exchange, const struct json_body_rules *rules,
                   json_t **out, struct err_info *info);

// Answers with *out below status 300, else with a problem that says `info`; an empty `title` stands
// for the status's own. What *out holds is lost.
void json_reply(struct http_exchange *exchange, int status, struct strbuf *out, struct span title,
                struct err_info *info);

// 503, without a word of what it was about.
void json_reply_no_memory(struct http_exchange *exchange);
