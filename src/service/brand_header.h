// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The header that a CDN adds to every request: its name is a field name (RFC 9110 section 5.1), its
// value whatever a field can hold. brand_lets_in (brand.h) compares. Inside of service/ only.

#include "service/brand.h"

// ERR_INVALID with a story that begins with the option's name, and never has the value.
MUST_CHECK enum err brand_header_check(const struct brand_settings *settings,
                                       struct err_info *info);
