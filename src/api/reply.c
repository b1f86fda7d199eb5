// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/reply.h"

void reply_write_status(struct strbuf *out, enum api_status status)
{
    strbuf_put(out, SPAN("{\"status\":"));
    api_status_write(out, status);
    strbuf_put_byte(out, '}');
}

void reply_write_fault(struct strbuf *out, enum api_status status, const struct api_fault *fault)
{
    strbuf_put(out, SPAN("{\"status\":"));
    api_status_write_fault(out, status, fault);
    strbuf_put_byte(out, '}');
}

static void put_token(struct strbuf *out, const struct token_claims *claims)
{
    if (claims == NULL) {
        strbuf_put(out, SPAN("null"));
        return;
    }
    strbuf_put_byte(out, '"');
    token_write(claims, out);
    strbuf_put_byte(out, '"');
}

static void put_user(struct strbuf *out, const struct reply_user *user)
{
    if (user == NULL) {
        strbuf_put(out, SPAN("null"));
        return;
    }
    strbuf_put(out, SPAN("{\"appRegistered\":false,\"sessionId\":"));
    if (user->session_id.data == NULL)
        strbuf_put(out, SPAN("null"));
    else
        strbuf_put_json_string(out, user->session_id);
    strbuf_put(out, SPAN(",\"role\":\""));
    strbuf_put_text(out, token_role_name(user->role));
    strbuf_put(out, SPAN("\",\"userRegisteredForPassword\":false}"));
}

void reply_write_success(struct strbuf *out, const struct reply_success *success)
{
    strbuf_put(out, SPAN("{\"status\":"));
    api_status_write(out, API_SUCCESS);
    strbuf_put(out, SPAN(",\"auth\":{\"token\":"));
    put_token(out, success->token);
    strbuf_put(out, SPAN(",\"key\":"));
    put_token(out, success->key);
    strbuf_put(out, SPAN("},\"user\":"));
    put_user(out, success->user);
    strbuf_put_byte(out, '}');
}
