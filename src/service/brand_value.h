// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One brand as the store holds it: a JSON text, versioned, with the token secrets sealed in it.
//
//   {"format":1,"id":"<16 hex>","name":"DocDemo","settings":{"otpMaxCount":3},
//    "tokenKeys":[{"id":1,"sealed":"<base64url>"},{"id":2,"createdAt":1790000000000,"sealed":…}]}
//
// Settings that have their default are left out, so that a later version's better default reaches
// those who never chose. Token keys stand in the order of their numbers; the last one signs. A key
// without createdAt (milliseconds since 1970) was made before that was kept. A secret is sealed
// under the wrap key with the brand's id and the key's number as associated data: moved to another
// brand, or to another key's place, it does not open. Keys of payload encryption stand behind them
// (service/brand_encryption.h), and then settings that are secrets (service/brand_sealed.h).

#include "service/brand.h"

#define BRAND_TOKEN_SECRET_BYTES_MIN 32U
#define BRAND_TOKEN_SECRET_BYTES_MAX SEAL_PLAIN_BYTES_MAX

struct token_secret {
    uint32_t number;       // 1 for the brand's first, one more for each after it
    int64_t created_at_ms; // 0: not known
    uint16_t len;
    uint8_t bytes[BRAND_TOKEN_SECRET_BYTES_MAX];
};

// What rsa_key_put_secret wrote.
struct encryption_secret {
    uint32_t number;
    int64_t created_at_ms;
    uint16_t len;
    uint8_t bytes[RSA_SECRET_BYTES_MAX];
};

// Holds secrets: wipe it.
struct brand_value {
    uint64_t id;
    struct token_secret secrets[BRAND_TOKEN_KEYS_MAX];              // by number; the last one signs
    size_t secrets_held;                                            // at least 1 in a whole value
    struct encryption_secret encryption[BRAND_ENCRYPTION_KEYS_MAX]; // by number
    size_t encryption_held;
    char name[BRAND_NAME_BYTES_MAX + 1]; // NUL-terminated
    struct brand_settings settings;
};

void brand_value_wipe(struct brand_value *value);

// ERR_INVALID as brand_name_check says.
MUST_CHECK enum err brand_value_set_name(struct brand_value *value, struct span name,
                                         struct err_info *info);

// A further token key, which signs from now on; of BRAND_TOKEN_KEYS_MAX the oldest goes.
// ERR_INVALID when `secret` is shorter or longer than the bounds above, or no number is left.
MUST_CHECK enum err brand_value_add_secret(struct brand_value *value, struct span secret,
                                           int64_t now_ms, struct err_info *info);

// Takes one out. ERR_NOT_FOUND; ERR_INVALID: it is the one that signs.
MUST_CHECK enum err brand_value_drop_secret(struct brand_value *value, uint32_t number,
                                            struct err_info *info);

// A further encryption key. ERR_EXISTS: that very key is there. ERR_INVALID: there is no room, or
// no number is left.
MUST_CHECK enum err brand_value_add_encryption_key(struct brand_value *value, struct span secret,
                                                   int64_t now_ms, struct err_info *info);

// Takes one out. ERR_NOT_FOUND.
MUST_CHECK enum err brand_value_drop_encryption_key(struct brand_value *value, uint32_t number,
                                                    struct err_info *info);

// The secret that signs.
static inline struct span brand_value_secret(const struct brand_value *value)
{
    const struct token_secret *newest = &value->secrets[value->secrets_held - 1];
    return span_make(newest->bytes, newest->len);
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
