// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What other threads wake a loop with.

#include "base/err.h"

#include <uv.h>

// Caller-allocated; must not move between open and close.
struct http_bell {
    uv_poll_t poll;
    int fd;
    void (*on_ring)(void *ctx); // on the loop's thread, once for all rings since the last time
    void *ctx;
};

// ERR_IO: no descriptor is left.
MUST_CHECK enum err http_bell_open(struct http_bell *bell, uv_loop_t *loop,
                                   void (*on_ring)(void *ctx), void *ctx);

// From any thread while it is open.
void http_bell_ring(const struct http_bell *bell);

// On the loop's thread. The loop lets go of its memory in a later turn.
void http_bell_close(struct http_bell *bell);
