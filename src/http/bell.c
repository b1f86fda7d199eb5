// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// uv_async_t does the same, but a loop that has been woken by it spins until whoever rang has run
// on. He is preempted by the very loop that he wakes when both are on one core, and has to wait for
// that loop's time slice to end: milliseconds in which it answers nobody. Here nothing waits for
// him.

#include "http/bell.h"

#include "base/assert.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void on_readable(uv_poll_t *poll, int status, int events)
{
    const struct http_bell *bell = poll->data;
    eventfd_t rings;
    (void)events;
    if (status == 0 && eventfd_read(bell->fd, &rings) == 0)
        bell->on_ring(bell->ctx);
}

enum err http_bell_open(struct http_bell *bell, uv_loop_t *loop, void (*on_ring)(void *ctx),
                        void *ctx)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    if (uv_poll_init(loop, &bell->poll, fd) != 0) {
        (void)close(fd);
        return ERR_IO;
    }
    bell->fd = fd;
    bell->on_ring = on_ring;
    bell->ctx = ctx;
    bell->poll.data = bell;
    (void)uv_poll_start(&bell->poll, UV_READABLE, on_readable);
    return ERR_OK;
}

void http_bell_ring(const struct http_bell *bell)
{
    int rc = eventfd_write(bell->fd, 1);
    ASSERT(rc == 0 || errno == EAGAIN); // it has been rung 2^64 times and not been heard
}

void http_bell_close(struct http_bell *bell)
{
    uv_close((uv_handle_t *)&bell->poll, NULL);
    (void)close(bell->fd);
}
