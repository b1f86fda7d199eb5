// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Values of a brand's settings as JSON, both ways: an integer, a boolean, a string (also for a
// choice), an object, or null where the option allows it. The store and the admin API write them
// alike.

#include "service/brand.h"

#include <jansson.h>

// Room that brand_setting_text needs: for an object the latter.
#define BRAND_SETTING_DIGITS_MAX 24U
#define BRAND_SETTING_OBJECT_MAX BRAND_TRANSLATIONS_BYTES_MAX

// All that differs from its default, so that the store's value has room for name and keys.
#define BRAND_SETTINGS_JSON_BYTES_MAX 14000U

// The value; a secret as "***".
void brand_setting_put_json(const struct option *option, const struct brand_settings *settings,
                            struct strbuf *out);

// An object of those that differ from their defaults and are no secrets, in the table's order, so
// that equal settings are equal texts.
void brand_settings_put_json(const struct brand_settings *settings, struct strbuf *out);

// The text that option_set takes, in `storage` or in the value. False: its type is not the
// option's, or it is an object that `storage` has no room for.
bool brand_setting_text(const struct option *option, const json_t *value, struct strbuf *storage,
                        struct span *out);

// What strbuf_put_base64url has written as a string, `cap` bytes at most. False: not a string, or
// of something else.
bool json_read_base64url(const json_t *text, uint8_t *out, size_t cap, size_t *len_out);
bool json_read_sealed(const json_t *text, struct sealed *out);
