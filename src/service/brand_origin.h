// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The list of web origins that a brand allows: exact serialised origins (RFC 6454 section 6.2)
// separated by spaces, or "*" alone.

#include "service/brand.h"

struct origin_list {
    struct span origins[BRAND_ORIGINS_MAX]; // into the text that was parsed
    size_t held;
    bool is_any;
};

// ERR_INVALID with a story that quotes the part in question and says what to write.
MUST_CHECK enum err origin_list_parse(struct span text, struct origin_list *out,
                                      struct err_info *info);
