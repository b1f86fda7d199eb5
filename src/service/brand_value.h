// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One brand as the store holds it: a JSON text, versioned, with the token secret sealed in it.
//
//   {"format":1,"id":"<16 hex>","name":"DocDemo","settings":{"otpMaxCount":3},
//    "tokenKeys":[{"id":1,"sealed":"<base64url>"}]}
//
// Settings that have their default are left out, so that a later version's better default reaches
// those who never chose. The secret is sealed under the wrap key with the brand's id and the key's
// number as associated data: moved to another brand it does not open.

#include "service/brand.h"

#define BRAND_TOKEN_SECRET_BYTES_MIN 32U
#define BRAND_TOKEN_SECRET_BYTES_MAX SEAL_PLAIN_BYTES_MAX

// Holds a secret: wipe it.
struct brand_value {
    uint64_t id;
    uint32_t token_key_number; // 1 for the brand's first, one more for each that replaced it
    uint16_t token_secret_len;
    uint8_t token_secret[BRAND_TOKEN_SECRET_BYTES_MAX];
    char name[BRAND_NAME_BYTES_MAX + 1]; // NUL-terminated
    struct brand_settings settings;
};

void brand_value_wipe(struct brand_value *value);

// ERR_INVALID as brand_name_check says.
MUST_CHECK enum err brand_value_set_name(struct brand_value *value, struct span name,
                                         struct err_info *info);

// ERR_INVALID when `secret` is shorter or longer than the bounds above.
MUST_CHECK enum err brand_value_set_secret(struct brand_value *value, struct span secret,
                                           struct err_info *info);

static inline struct span brand_value_secret(const struct brand_value *value)
{
    return span_make(value->token_secret, value->token_secret_len);
}

// ASCII upper case of `name`, at most BRAND_NAME_BYTES_MAX bytes of it, into `storage` of that
// size.
struct span brand_name_upper(struct span name, char *storage);

// The whole text is in `out`, or out->is_overflowed.
void brand_value_encode(const struct brand_value *value, const struct key *wrap_key,
                        const struct entropy *entropy, struct strbuf *out);

// ERR_INVALID, with a story that repeats nothing of the text, for whatever is damaged, of a newer
// format, sealed under another key, or no longer within the range of its option.
MUST_CHECK enum err brand_value_decode(struct span text, const struct key *wrap_key,
                                       struct brand_value *out, struct err_info *info);
