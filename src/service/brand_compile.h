// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// From a brand's plain values to what requests are answered with: texts compiled, origins split,
// the rules' policy, the token key. Done once at a change, never in a request.

#include "service/brand_value.h"

// ERR_INVALID for settings that do not fit each other; ERR_NO_MEMORY.
MUST_CHECK enum err brand_create(const struct brand_value *value, struct brand **out,
                                 struct err_info *info);

void brand_destroy(struct brand **brand);
