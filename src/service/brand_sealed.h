// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Settings that are secrets, as the store holds them: sealed, a member a setting.
//
//   "sealedSettings":{"rejectWithoutHeaderValue":"<base64url>"}
//
// A value without any has no such member. Associated data are the letter S, the brand's id and the
// setting's name: moved to another brand, or to another setting, it does not open. Inside of
// service/ only.

#include "service/brand_value.h"

#include <jansson.h>

// The member with the comma before it; nothing when all secrets have their defaults.
void sealed_settings_put(const struct brand_value *value, const struct key *wrap_key,
                         const struct entropy *entropy, struct strbuf *out);

// The member, or NULL where the value has none, into value->settings; the id is known. ERR_INVALID.
MUST_CHECK enum err sealed_settings_read(json_t *object, const struct key *wrap_key,
                                         struct brand_value *value, struct err_info *info);
