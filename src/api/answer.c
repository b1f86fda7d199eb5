// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// How a request ends: one function writes the reply and lets go of the brand set, after which the
// request's memory is gone.
#include "api/batch.h"
#include "api/cors.h"

#include "base/assert.h"

#define HTTP_STATUS_OK 200
#define HTTP_STATUS_BAD_REQUEST 400
#define RETRY_AFTER_BUSY_S 1

struct answer {
    int http_status;
    struct span body;
    int64_t retry_after_s; // 0: none
    enum cors_grant grant;
};

// Answers are about one person at one moment: no cache keeps them.
void api_add_common_fields(struct http_reply *reply)
{
    http_reply_add(reply, SPAN("Cache-Control"), SPAN("no-store"));
    http_reply_add(reply, SPAN("X-Content-Type-Options"), SPAN("nosniff"));
}

static void add_retry_after(struct http_reply *reply, struct strbuf *text, int64_t seconds)
{
    if (seconds <= 0)
        return;
    strbuf_put_i64(text, seconds);
    http_reply_add(reply, SPAN("Retry-After"), strbuf_span(text));
}

static void send_answer(struct api_request *request, const struct answer *answer)
{
    uint8_t storage[20];
    struct strbuf retry_after = strbuf_over(storage, sizeof storage);
    struct http_reply reply = {
        .status = answer->http_status,
        .content_type = SPAN("application/json"),
        .body = answer->body,
    };
    api_add_common_fields(&reply);
    add_retry_after(&reply, &retry_after, answer->retry_after_s);
    cors_add_to_answer(&reply, answer->grant, request->exchange->request.origin,
                       request->mount->is_web);
    http_reply(request->exchange, &reply);
}

static void let_go(struct api_request *request)
{
    if (request->brands != NULL)
        brands_release(request->service->deps.brands, &request->brands);
}

static enum cors_grant grant_of(const struct api_request *request)
{
    if (request->brand == NULL)
        return CORS_REFUSED;
    return cors_grant_of_brand(request->brand, request->exchange->request.origin);
}

// An item has no HTTP status and no fields of its own: its body alone goes on.
static void give_to_batch(struct api_request *request, struct span body)
{
    if (request->brand != NULL)
        batch_narrow_grant(request->item, grant_of(request));
    let_go(request);
    batch_take(request, body);
}

static void give(struct api_request *request, int http_status, const struct strbuf *body,
                 int64_t retry_after_s)
{
    ASSERT(!body->is_overflowed);
    if (request->item != NULL) {
        give_to_batch(request, strbuf_span(body));
        return;
    }
    struct answer answer = {http_status, strbuf_span(body), retry_after_s, grant_of(request)};
    let_go(request);
    send_answer(request, &answer);
}

static void answer_status(struct api_request *request, int http_status, enum api_status status,
                          int64_t retry_after_s)
{
    uint8_t storage[512];
    struct strbuf body = strbuf_over(storage, sizeof storage);
    reply_write_status(&body, status);
    give(request, http_status, &body, retry_after_s);
}

// Failures of the business are HTTP 200. What belongs to HTTP itself has its status as its code.
static int http_status_of(enum api_status status)
{
    bool is_of_http = status == API_FORBIDDEN || status == API_MEDIA_TYPE_UNSUPPORTED ||
                      status == API_UNAVAILABLE;
    return is_of_http ? api_status_code(status) : HTTP_STATUS_OK;
}

bool request_refuse(struct api_request *request, enum api_status status)
{
    int64_t retry_after_s = status == API_UNAVAILABLE ? RETRY_AFTER_BUSY_S : 0;
    answer_status(request, http_status_of(status), status, retry_after_s);
    return false;
}

bool request_refuse_shape(struct api_request *request, enum api_status status)
{
    uint8_t storage[512];
    struct strbuf body = strbuf_over(storage, sizeof storage);
    if (status == API_DETAILS_INVALID)
        reply_write_fault(&body, status, &request->fault);
    else
        reply_write_status(&body, status);
    give(request, HTTP_STATUS_BAD_REQUEST, &body, 0);
    return false;
}

static const enum api_status not_done[] = {
    [COMMAND_GENERATE] = API_NOT_GENERATED,
    [COMMAND_VALIDATE] = API_NOT_VALIDATED,
};

// Overload and a stopped store are HTTP's own 503; that it cannot be done here is the API's.
static enum api_status status_of_service(const struct service_call *call)
{
    ASSERT(call->status != SERVICE_DECIDED);
    bool is_for_later = call->status == SERVICE_BUSY || call->status == SERVICE_FAILED;
    return is_for_later ? API_UNAVAILABLE : not_done[call->command.kind];
}

static const enum api_status status_of_verdict[] = {
    [VERDICT_DONE] = API_SUCCESS,
    [VERDICT_SESSION_INVALID] = API_SESSION_INVALID,
    [VERDICT_BINDING_DIFFERS] = API_DEVICE_DIFFERS,
    [VERDICT_TOO_MANY_TRIES] = API_TRIES_SPENT,
    [VERDICT_USERNAME_TAKEN] = API_USERNAME_TAKEN,
    [VERDICT_TOO_MANY_SENDS] = API_SENDS_SPENT,
    [VERDICT_NO_CODE] = API_NO_OTP,
    [VERDICT_WRONG_CODE] = API_OTP_WRONG,
};

_Static_assert(sizeof status_of_verdict / sizeof status_of_verdict[0] == VERDICT_COUNT_,
               "a status for each verdict");

// What binds a username's session, and only the record can tell, is where its codes go.
static enum api_status status_of_decision(const struct api_request *request)
{
    enum verdict verdict = request->call.decision.verdict;
    ASSERT(verdict < VERDICT_COUNT_);
    bool is_username = request->identifier.type == IDENTIFIER_USERNAME;
    if (verdict == VERDICT_BINDING_DIFFERS && is_username)
        return API_IDENTIFIER_DIFFERS;
    return status_of_verdict[verdict];
}

bool request_is_done(struct api_request *request)
{
    const struct service_call *call = &request->call;
    if (call->status != SERVICE_DECIDED)
        return request_refuse(request, status_of_service(call));
    const struct decision *decision = &call->decision;
    if (decision->verdict == VERDICT_DONE)
        return true;
    bool may_retry = decision->verdict == VERDICT_TOO_MANY_SENDS;
    answer_status(request, HTTP_STATUS_OK, status_of_decision(request),
                  may_retry ? (decision->retry_after_ms + 999) / 1000 : 0);
    return false;
}

void request_succeed(struct api_request *request)
{
    answer_status(request, HTTP_STATUS_OK, API_SUCCESS, 0);
}

void request_succeed_with(struct api_request *request, const struct reply_success *success)
{
    uint8_t storage[REPLY_BYTES_MAX];
    struct strbuf body = strbuf_over(storage, sizeof storage);
    reply_write_success(&body, success);
    give(request, HTTP_STATUS_OK, &body, 0);
}

void request_answer_batch(struct api_request *request, struct span replies, enum cors_grant grant)
{
    send_answer(request, &(struct answer){HTTP_STATUS_OK, replies, 0, grant});
}

struct token_claims request_claims(const struct api_request *request, enum token_role role)
{
    const struct brand_settings *settings = &request->brand->settings;
    int64_t start_s = clock_wall_ms(&request->worker->clock) / 1000;
    int64_t ttl_s =
        request->mount->is_web ? settings->web_token_ttl_seconds : settings->token_ttl_seconds;
    return (struct token_claims){
        .role = role,
        .brand = request->brand,
        .identifier = &request->identifier,
        .device = request->device,
        .uid = request->call.decision.uid,
        .issued_at_s = start_s,
        .expires_at_s = start_s + ttl_s,
    };
}
