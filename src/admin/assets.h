// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Files that are part of the program (assets.S).

#include "base/span.h"

#define ASSET(name)                                                            \
    static inline struct span asset_##name(void)                               \
    {                                                                          \
        extern const uint8_t asset_##name##_begin[];                           \
        extern const uint8_t asset_##name##_end[];                             \
        return span_make(asset_##name##_begin,                                 \
                         (size_t)(asset_##name##_end - asset_##name##_begin)); \
    }

ASSET(inbox_html)
ASSET(inbox_js)
ASSET(inbox_css)

#undef ASSET
