// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Values of a brand's settings as JSON, both ways: an integer, a boolean, a string (also for a
// choice), or null where the option allows it. The store and the admin API write them alike.

#include "service/brand.h"

#include <jansson.h>

#define BRAND_SETTING_DIGITS_MAX 24U // room that brand_setting_text needs

// The value; a secret as "***".
void brand_setting_put_json(const struct option *option, const struct brand_settings *settings,
                            struct strbuf *out);

// The text that option_set takes, in `storage` or in the value. False: its type is not the
// option's.
bool brand_setting_text(const struct option *option, const json_t *value, struct strbuf *storage,
                        struct span *out);
