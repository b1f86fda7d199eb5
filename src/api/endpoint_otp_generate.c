// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Sends a code, or sends it again; `?fallbackChannel=` asks for another way of sending.
//
// A code only ever goes to the address that the session is for. `mobile` and `email` beside it are
// words of the caller: sent there, the code of somebody's e-mail address would arrive on a
// stranger's phone, and open that somebody's account; and that number's own limit would not have
// counted it. (A username's session is for one of the two.)
#include "api/hash.h"

static int channel_find(struct span name)
{
    for (int kind = 0; kind < CHANNEL_COUNT_; kind++) {
        if (span_eq(name, span_of_text(channel_name((enum channel_kind)kind))))
            return kind;
    }
    return -1;
}

// The arena of the exchange is as before: each item of a batch looks there anew.
static int channel_asked_for(struct http_exchange *exchange, struct span member)
{
    struct span name;
    size_t used = exchange->arena.used;
    bool is_found = http_query_find(exchange, member, &name);
    exchange->arena.used = used;
    return is_found ? channel_find(name) : -1;
}

static bool check_channel_name(struct api_request *request)
{
    const struct span member = SPAN("fallbackChannel");
    request->channel = -1;
    if (!http_query_has(&request->exchange->request, member))
        return true;
    request->channel = channel_asked_for(request->exchange, member);
    if (request->channel >= 0)
        return true;
    request->fault = (struct api_fault){
        .member = "fallbackChannel",
        .what = "must be SMS, WHATSAPP, ZALO or EMAIL",
    };
    return request_refuse_shape(request, API_DETAILS_INVALID);
}

// Who comes past the CDN learns no more than that the brand exists, which token/generate tells too.
static bool check_let_in(struct api_request *request)
{
    struct span name = request->brand->required_header;
    struct span value = http_request_field(&request->exchange->request, name);
    return brand_lets_in(request->brand, value) || request_refuse(request, API_FORBIDDEN);
}

// Codes outlive their session, so that only this endpoint looks at its end.
static bool check_session_not_over(struct api_request *request)
{
    return request->session.expires_at_ms > request->now_ms ||
           request_refuse(request, API_SESSION_INVALID);
}

// A channel that nobody may ask for comes first: no other identifier would help.
static bool check_channel_fits(struct api_request *request)
{
    if (request->channel < 0)
        return true;
    if (!brand_takes_fallback(request->brand, (enum channel_kind)request->channel))
        return request_refuse(request, API_CHANNEL_NOT_CONFIGURED);
    enum address_kind kind = identifier_to(&request->identifier)->kind;
    bool is_email = request->channel == CHANNEL_EMAIL;
    if (is_email && kind != ADDRESS_EMAIL)
        return request_refuse(request, API_FALLBACK_NEEDS_EMAIL);
    if (!is_email && kind != ADDRESS_MOBILE)
        return request_refuse(request, API_FALLBACK_NEEDS_MOBILE);
    return service_can_send(request->service, (enum channel_kind)request->channel) ||
           request_refuse(request, API_CHANNEL_NOT_CONFIGURED);
}

static request_check *const checks[] = {
    check_shape,         check_channel_name,
    check_brand,         check_let_in,
    check_identifier,    check_device,
    check_session_opens, check_session_not_over,
    check_session_same,  NULL,
};

static void on_done(struct api_request *request)
{
    if (request_is_done(request))
        request_succeed(request);
}

static void send_code(struct api_request *request)
{
    if (check_channel_fits(request))
        request_submit(request, COMMAND_GENERATE, on_done);
}

static void know_address(struct api_request *request)
{
    request_know_address(request, send_code);
}

static void generate(struct api_request *request)
{
    if (request->brand->is_otp_generate_encrypted)
        hash_check(request, know_address);
    else
        know_address(request);
}

const struct endpoint endpoint_otp_generate = {
    .message = API_OTP_GENERATE,
    .checks = checks,
    .act = generate,
};
