// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The keys of a brand's payload encryption inside its stored value, sealed as token secrets are:
//
//   "encryptionKeys":[{"id":1,"createdAt":1790000000000,"sealed":"<base64url>"}]
//
// A value without any has no such member. What is sealed is rsa_key_put_secret's, with the letter
// E, the brand's id and the key's number as associated data. Inside of service/ only.

#include "service/brand_value.h"

#include <jansson.h>

// The member with the comma before it; nothing when there is no key.
void encryption_keys_put(const struct brand_value *value, const struct key *wrap_key,
                         const struct entropy *entropy, struct strbuf *out);

// The member, or NULL where the value has none, into *value, whose id is known. ERR_INVALID.
MUST_CHECK enum err encryption_keys_read(const json_t *list, const struct key *wrap_key,
                                         struct brand_value *value, struct err_info *info);
