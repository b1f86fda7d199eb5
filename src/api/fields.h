// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The members that a request body may have, one table row each: name, types, which messages use it
// and which need it. What a value means is not looked at here (api/request.h).

#include "api/json.h"
#include "api/status.h"

enum api_message {
    API_TOKEN_GENERATE,
    API_OTP_GENERATE,
    API_OTP_VALIDATE,
    API_HASH, // what a request's hash says (api/hash_plain.h)
    API_MESSAGE_COUNT_,
};

enum api_field_kind {
    API_FIELD_ABSENT, // not there, null, or not used by the message
    API_FIELD_TEXT,
    API_FIELD_NATURAL,
};

struct api_field {
    enum api_field_kind kind;
    struct span text; // API_FIELD_TEXT: no U+0000; lives until the parser's next parse
    uint64_t natural; // API_FIELD_NATURAL
};

struct api_fields {
    struct api_field identifier_type;
    struct api_field identifier_value;
    struct api_field brand;
    struct api_field device_id;
    struct api_field session_id;
    struct api_field mobile;
    struct api_field email;
    struct api_field otp;
    struct api_field hash;
    struct api_field time_stamp;
};

// API_SUCCESS, or API_DETAILS_INVALID with a fault (not JSON, not an object, a known member of the
// wrong type, given twice or with U+0000, a missing one), or API_IDENTIFIER_TYPE_INVALID, which
// goes before the others. Of a JSON object all fields that are right are filled, whatever is
// returned. `body` is read as json_parse reads it.
enum api_status api_fields_read(struct json_parser *parser, struct span body,
                                enum api_message message, bool is_web,
                                struct api_fields *fields_out, struct api_fault *fault_out);

static inline bool api_field_is_present(const struct api_field *field)
{
    return field->kind != API_FIELD_ABSENT;
}
