// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a newcomer sees first: addresses to click, and one command to paste.

#include "base/strbuf.h"

struct banner {
    struct span version;
    struct span listen;   // host:port, as bound
    struct span data_dir; // empty: none
    struct span control;  // the socket's path
    struct span brand;
    int64_t ready_ms;
};

#define BANNER_BYTES_MAX 4096U

void banner_write(const struct banner *banner, struct strbuf *out);
