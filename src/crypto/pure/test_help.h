// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// For the tests of crypto/ alone: repeatable keys, and bytes as text to compare with vectors.

#include "base/assert.h"
#include "base/strbuf.h"
#include "crypto/pure/mac.h"
#include "sim/seeded.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// first, first + 1, …
static inline struct key counting_key(unsigned first)
{
    struct key key;
    for (size_t i = 0; i < KEY_BYTES; i++)
        key.bytes[i] = (uint8_t)(first + i);
    return key;
}

struct hex {
    char text[2 * 256 + 1];
};

static inline struct hex hex_of(const void *bytes, size_t len)
{
    struct hex hex = {0};
    struct strbuf buf = strbuf_over(hex.text, sizeof hex.text - 1);
    strbuf_put_hex(&buf, span_make(bytes, len));
    ASSERT(!buf.is_overflowed);
    return hex;
}

// Does that end the process by an ASSERT? Tried in a child, without its message and its core file.
static inline bool is_fatal(void (*call)(void))
{
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        call();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
