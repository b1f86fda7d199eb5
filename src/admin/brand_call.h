// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One request of the admin API while it is answered. brands_http.c checks what all have in common
// and replies; an action does what is asked and leaves its answer here.
//
// An action returns the HTTP status. Below 300 its answer is in `out`, from there on the story is
// in `info`, and nothing was changed but where the story says so. The lock of `ruled` is held.

#include "admin/brands_http.h"
#include "admin/json_body.h"

struct brand_call {
    struct brands_http *http;
    struct http_exchange *exchange;
    struct span name;            // of the query
    bool is_forced;              // force=true is in it
    const struct brand_set *set; // as it was when the request came
    const struct brand *brand;   // in it; NULL: not there, or not asked for
    json_t *body;                // an object; {} when none was sent
    struct span title;           // of a refusal; empty: the status has one
    struct err_info info;
    struct strbuf out;
};

struct brand_action {
    enum http_method method;
    struct span path;
    int (*run)(struct brand_call *call);
    bool has_name;  // in the query
    bool has_brand; // the name must be a brand's
    struct json_body_rules body;
};

// 422 and the like, with the error's story in call->info.
int brand_call_status(enum err err);

// Logs what was changed, by names alone, and answers with the brand as it is now.
int brand_call_finish(struct brand_call *call, const char *what, int status);

// Logs one change; before or after NULL: added or removed. Nothing, when they are the same.
void brand_call_log(const struct brand_call *call, const char *what, const struct brand *before,
                    const struct brand *after);

// The number=N of the query. False: the story says so.
bool brand_call_number(struct brand_call *call, uint32_t *out);

int brand_action_options(struct brand_call *call);
int brand_action_list(struct brand_call *call);
int brand_action_show(struct brand_call *call);
int brand_action_add(struct brand_call *call);
int brand_action_change(struct brand_call *call);
int brand_action_remove(struct brand_call *call);
int brand_action_rotate_key(struct brand_call *call);
int brand_action_retire_key(struct brand_call *call);
int brand_action_encryption(struct brand_call *call);
int brand_action_add_encryption_key(struct brand_call *call);
int brand_action_retire_encryption_key(struct brand_call *call);
int brand_action_open_hash(struct brand_call *call);
int brand_action_export(struct brand_call *call);
int brand_action_import(struct brand_call *call);
