// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What an administrator sets of a mail relay, as plain values; smtp_options describes each.

#include "base/option.h"

#define SMTP_HOST_BYTES_MAX 254U
#define SMTP_USER_BYTES_MAX 255U
#define SMTP_PASSWORD_BYTES_MAX 255U
#define SMTP_PATH_BYTES_MAX 1024U

enum smtp_tls {
    SMTP_TLS_STARTTLS, // the connection begins in plain; without TLS nothing is sent
    SMTP_TLS_TLS,      // from the first byte
    SMTP_TLS_NONE,
};

struct smtp_settings {
    char host[SMTP_HOST_BYTES_MAX];
    uint32_t port;                  // 0: 587, or 465 with SMTP_TLS_TLS
    uint32_t tls;                   // enum smtp_tls
    char user[SMTP_USER_BYTES_MAX]; // empty: no login
    char password_file[SMTP_PATH_BYTES_MAX];
    char from[SMTP_HOST_BYTES_MAX + 1];
    char from_name[129];
    char hello_name[SMTP_HOST_BYTES_MAX]; // empty: the domain of `from`
    char ca_file[SMTP_PATH_BYTES_MAX];    // empty: the machine's
    uint32_t connections_max;
    uint32_t timeout_ms; // of one message, connection and all
};

extern const struct option smtp_options[];
extern const size_t smtp_options_count;

static inline struct option_table smtp_option_table(void)
{
    return (struct option_table){smtp_options, smtp_options_count};
}

// What no single option can say, one check after the other: 0 … SMTP_CHECKS_COUNT − 1. ERR_INVALID
// with a story that begins with the option's name.
#define SMTP_CHECKS_COUNT 5U
MUST_CHECK enum err smtp_settings_check(const struct smtp_settings *settings, unsigned check,
                                        struct err_info *info);

// The port that is meant.
uint32_t smtp_settings_port(const struct smtp_settings *settings);
