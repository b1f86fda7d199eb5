// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reply bodies: compact, members in the order of the contract, since some clients search the text.

#include "api/status.h"
#include "api/token.h"

struct reply_user {
    struct span session_id; // data NULL: null
    enum token_role role;
};

// What a success carries besides its status.
struct reply_success {
    const struct token_claims *token;
    const struct token_claims *key; // NULL: null
    const struct reply_user *user;  // NULL: null
};

#define REPLY_BYTES_MAX (512U + 2U * TOKEN_BYTES_MAX)

// {"status":{…}}
void reply_write_status(struct strbuf *out, enum api_status status);

// {"status":{…}}, with the fault in its message
void reply_write_fault(struct strbuf *out, enum api_status status, const struct api_fault *fault);

// {"status":{…},"auth":{"token":…,"key":…},"user":{…}}
void reply_write_success(struct strbuf *out, const struct reply_success *success);
