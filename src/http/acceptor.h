// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Takes connections from the one listening socket, on the loop that it is given.

#include "base/err.h"
#include "http/limits.h"

#include <uv.h>

struct http_accepted {
    int fd; // non-blocking; the receiver owns it
    size_t peer_bytes;
    uint8_t peer[HTTP_PEER_BYTES_MAX];
};

struct http_acceptor {
    uv_poll_t poll;
    uv_timer_t retry;
    int fd;
    bool is_open;
    void (*on_accepted)(void *ctx, const struct http_accepted *accepted);
    void *ctx;
};

// Takes `fd` over when it succeeds.
MUST_CHECK enum err http_acceptor_open(struct http_acceptor *acceptor, uv_loop_t *loop, int fd);

// Takes what has already connected, then stops listening.
void http_acceptor_close(struct http_acceptor *acceptor);
