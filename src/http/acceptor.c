// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// When the process or the machine is out of descriptors, the kernel goes on calling the socket
// readable. Polling stops for a while then: clients wait in the backlog, and nobody spins.

#include "http/acceptor.h"

#include "http/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

// Others on this loop get their turn after so many.
#define BURST_MAX 64U
#define RETRY_MS 100U

static bool is_exhausted(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// Zero, or the error that says why there is no connection.
static int take_one(struct http_acceptor *acceptor)
{
    const int on = 1;
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof peer;
    int fd = accept4(acceptor->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct http_accepted accepted = {.fd = fd};
    accepted.peer_bytes = http_peer_text(&peer, accepted.peer, sizeof accepted.peer);
    acceptor->on_accepted(acceptor->ctx, &accepted);
    return 0;
}

// Errors of the one connection that was about to be taken (ECONNABORTED, EPROTO …) do not end the
// burst.
static int take_burst(struct http_acceptor *acceptor, size_t count)
{
    int error = 0;
    while (count-- > 0 && error != EAGAIN && !is_exhausted(error))
        error = take_one(acceptor);
    return error;
}

static void on_connection(uv_poll_t *poll, int status, int events);

static void on_retry(uv_timer_t *timer)
{
    struct http_acceptor *acceptor = timer->data;
    (void)uv_poll_start(&acceptor->poll, UV_READABLE, on_connection);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct http_acceptor *acceptor = poll->data;
    if (status == 0 && !is_exhausted(take_burst(acceptor, BURST_MAX)))
        return;
    (void)uv_poll_stop(poll);
    (void)uv_timer_start(&acceptor->retry, on_retry, RETRY_MS, 0);
}

enum err http_acceptor_open(struct http_acceptor *acceptor, uv_loop_t *loop, int fd)
{
    if (uv_poll_init(loop, &acceptor->poll, fd) != 0)
        return ERR_IO;
    (void)uv_timer_init(loop, &acceptor->retry);
    acceptor->fd = fd;
    acceptor->is_open = true;
    acceptor->poll.data = acceptor;
    acceptor->retry.data = acceptor;
    (void)uv_poll_start(&acceptor->poll, UV_READABLE, on_connection);
    return ERR_OK;
}

void http_acceptor_close(struct http_acceptor *acceptor)
{
    if (!acceptor->is_open)
        return;
    acceptor->is_open = false;
    (void)take_burst(acceptor, SOMAXCONN);
    (void)uv_poll_stop(&acceptor->poll);
    uv_close((uv_handle_t *)&acceptor->poll, NULL);
    uv_close((uv_handle_t *)&acceptor->retry, NULL);
    (void)close(acceptor->fd);
}
