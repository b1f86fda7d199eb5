// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The four keys as values, and as the text of the key file; keyring.h describes both. Inside of
// crypto/keyring only.

#include "base/err.h"
#include "base/strbuf.h"
#include "crypto/pure/mac.h"

enum keyfile_name { KEYFILE_INDEX, KEYFILE_EPOCHS, KEYFILE_SEAL, KEYFILE_WRAP, KEYFILE_COUNT_ };

// Secret: whoever fills one wipes it.
struct keyfile {
    struct key keys[KEYFILE_COUNT_];
};

// Above what a key file can be, and small enough for the stack.
#define KEYFILE_BYTES_MAX 512U

// Strict: exactly what keyfile_format writes, but that the keys may come in any order. ERR_INVALID
// with a story that names the line and never quotes it.
MUST_CHECK enum err keyfile_parse(struct span text, struct keyfile *out, struct err_info *info);

// `out` of KEYFILE_BYTES_MAX bytes holds it.
void keyfile_format(const struct keyfile *keyfile, struct strbuf *out);

// The file itself, its mode and owner included; errors and stories as in keyring.h.
MUST_CHECK enum err keyfile_read(const char *path, struct keyfile *out, struct err_info *info);
MUST_CHECK enum err keyfile_write_new(const char *path, const struct keyfile *keyfile,
                                      struct err_info *info);
