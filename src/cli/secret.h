// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A secret that a command needs. It never stands in the command itself, where every user of the
// machine could read it: the word says where it is, "@FILE" or "-" for standard input.

#include "base/err.h"

#define SECRET_BYTES_MAX 4096U

// Holds a secret: wipe it.
struct secret {
    size_t len;
    uint8_t bytes[SECRET_BYTES_MAX];
};

static inline struct span secret_span(const struct secret *secret)
{
    return span_make(secret->bytes, secret->len);
}

// Reads what `from` points to, without the line feed at its end. `name` is the word's key, for the
// story. ERR_INVALID when `from` is neither form, when the file is no regular one or others may
// read it, and when there is nothing, too much or no text in it; then *out holds nothing.
MUST_CHECK enum err secret_read(const char *name, struct span from, struct secret *out,
                                struct err_info *info);

// The same, and fit to sign tokens: as long as such a secret must be, and no placeholder.
MUST_CHECK enum err secret_read_token_key(const char *name, struct span from, struct secret *out,
                                          struct err_info *info);

void secret_wipe(struct secret *secret);
