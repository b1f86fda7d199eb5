// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What an administrator sets of any provider that is spoken to by HTTP, besides its recipe's
// parameters; http_options describes each.

#include "base/option.h"

#define HTTP_PATH_BYTES_MAX 1024U
#define HTTP_CHANNELS_BYTES_MAX 64U

struct http_settings {
    char recipe_file[HTTP_PATH_BYTES_MAX];  // empty: none
    char channels[HTTP_CHANNELS_BYTES_MAX]; // see http_settings_channels
    char ca_file[HTTP_PATH_BYTES_MAX];      // empty: the machine's
    bool may_use_private;
    uint32_t connections_max;
    uint32_t timeout_ms; // of one request, connection and all
};

extern const struct option http_options[];
extern const size_t http_options_count;

static inline struct option_table http_option_table(void)
{
    return (struct option_table){http_options, http_options_count};
}

// The channels that are meant, as bits 1 << enum channel_kind: those named, else all that the
// recipe has. ERR_INVALID with a story that begins with "channels".
MUST_CHECK enum err http_settings_channels(const struct http_settings *settings, uint32_t offered,
                                           uint32_t *out, struct err_info *info);
