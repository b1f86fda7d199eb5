// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Tries a code. The right one gives the person's token; on the mobile URI the `user` object too,
// and where the session belongs to a device, the key that later tokens are made from.
#include "api/request.h"

static request_check *const checks[] = {
    check_shape,        check_brand, check_identifier, check_device, check_session_opens,
    check_session_same, NULL,
};

static void read_guess(struct api_request *request)
{
    const struct api_field *otp = &request->fields.otp;
    if (otp->kind == API_FIELD_NATURAL)
        guess_of_number(otp->natural, request->brand->policy.otp_length, &request->guess);
    else
        guess_of_text(otp->text, &request->guess);
}

static struct token_claims claims_of_key(const struct token_claims *user)
{
    struct token_claims key = *user;
    int64_t ttl_s = user->brand->settings.key_ttl_seconds;
    key.role = TOKEN_AUTH;
    key.expires_at_s = ttl_s != 0 ? user->issued_at_s + ttl_s : 0;
    return key;
}

static void succeed(struct api_request *request)
{
    struct token_claims token = request_claims(request, TOKEN_USER);
    struct token_claims key = claims_of_key(&token);
    struct reply_user user = {.session_id = span_make(NULL, 0), .role = TOKEN_USER};
    bool has_key = request->binding.family == SESSION_MOBILE;
    struct reply_success success = {
        .token = &token,
        .key = has_key ? &key : NULL,
        .user = request->mount->is_web ? NULL : &user,
    };
    request_succeed_with(request, &success);
}

static void on_done(struct api_request *request)
{
    if (request_is_done(request))
        succeed(request);
}

static void try_guess(struct api_request *request)
{
    request_submit(request, COMMAND_VALIDATE, on_done);
}

// The fields are gone once the address is known.
static void validate(struct api_request *request)
{
    read_guess(request);
    request_know_address(request, try_guess);
}

const struct endpoint endpoint_otp_validate = {
    .message = API_OTP_VALIDATE,
    .checks = checks,
    .act = validate,
};
