// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Settings that are lists of a few known words, separated by spaces, as sets of bits.

#include "service/brand.h"

// Bits 1 << enum address_kind, and 1 << enum channel_kind. ERR_INVALID with a story that begins
// with the option's name: a word is not known, or there is no identifier type.
MUST_CHECK enum err brand_identifier_types(const struct brand_settings *settings, uint32_t *out,
                                           struct err_info *info);
MUST_CHECK enum err brand_fallback_channels(const struct brand_settings *settings, uint32_t *out,
                                            struct err_info *info);
