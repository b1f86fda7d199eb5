// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tokens in the manner of a JSON Web Token (RFC 7519), signed with HMAC-SHA-256 by the brand's key.
// What sets them apart: the claims about the person stand in the header, and there is no `typ`.

#include "api/identifier.h"
#include "base/strbuf.h"
#include "service/brand.h"

#define DEVICE_ID_BYTES_MAX 128U

enum token_role {
    TOKEN_VIEW, // a session was opened; nothing is proven
    TOKEN_USER, // the code was right
    TOKEN_AUTH, // the refresh key of a device
    TOKEN_ROLE_COUNT_,
};

const char *token_role_name(enum token_role role);

struct token_claims {
    enum token_role role;
    const struct brand *brand;
    const struct identifier *identifier;
    struct span device; // empty: null
    uint64_t uid;       // TOKEN_USER, TOKEN_AUTH
    int64_t issued_at_s;
    int64_t expires_at_s; // 0: TOKEN_AUTH that does not end
};

// Ceilings, each text taken at its longest once escaped: six bytes for a control character in JSON,
// two for a quote and for a third of a line separator (identifiers and device ids have no control
// characters).
#define TOKEN_IDENTITIES_BYTES_MAX (2U * (ADDRESS_VALUE_BYTES_MAX + USERNAME_BYTES_MAX))
#define TOKEN_HEADER_BYTES_MAX \
    (80U + TOKEN_IDENTITIES_BYTES_MAX + 2U * DEVICE_ID_BYTES_MAX + 6U * BRAND_NAME_BYTES_MAX)
#define TOKEN_PAYLOAD_BYTES_MAX (192U + 6U * 2U * BRAND_ISSUER_BYTES_MAX)
#define TOKEN_BYTES_MAX ((TOKEN_HEADER_BYTES_MAX + TOKEN_PAYLOAD_BYTES_MAX + 40U) / 3U * 4U)

// Appends header.payload.signature; TOKEN_BYTES_MAX is always room enough.
void token_write(const struct token_claims *claims, struct strbuf *out);
