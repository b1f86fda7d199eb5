// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The socket is polled with uv_poll and read and written here: libuv's streams would want to own
// what is written, and to ask for buffers. A request costs one recv and one send.
//
// After every event `pump` brings the outside in line with the connection: bytes out, then what to
// poll for, then the timer. The timer is aimed lazily: it is moved only to come earlier. As
// deadlines mostly move away, a busy connection sets it about once an idle time, not once a
// request.

#include "http/link.h"

#include "base/assert.h"
#include "http/reply.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_event(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);

static struct mono now_of(const struct http_link *link)
{
    return clock_mono(&link->loop->clock);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_link *link = handle->data;
    struct http_loop *loop = link->loop;
    if (--link->handles_open > 0)
        return;
    if (link->next != NULL)
        link->next->previous = link->previous;
    if (link->previous != NULL)
        link->previous->next = link->next;
    else
        loop->first = link->next;
    loop->links_held--;
    pool_put(&loop->links, link);
}

// It stays in the list until libuv has let go of it, so that whoever walks the list may close any.
void http_link_close(struct http_link *link)
{
    if (link->conn == NULL)
        return;
    http_conn_close(&link->conn);
    uv_close((uv_handle_t *)&link->poll, on_closed);
    uv_close((uv_handle_t *)&link->timer, on_closed);
    (void)close(link->fd);
}

// As if it had sent its FIN, so that a handler that waits is told; then the socket goes.
static void fail(struct http_link *link)
{
    http_conn_received_end(link->conn, now_of(link));
    http_link_close(link);
}

static bool is_would_block(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static bool flush(struct http_link *link)
{
    struct span unsent;
    while ((unsent = http_conn_output(link->conn)).len > 0) {
        ssize_t sent = send(link->fd, unsent.data, unsent.len, MSG_NOSIGNAL);
        if (sent < 0)
            return is_would_block(errno);
        http_conn_sent(link->conn, (size_t)sent, now_of(link));
    }
    return true;
}

// Input is asked for while there is room for it, so a client that sends faster than it is answered
// is held back by its own socket.
static void aim_events(struct http_link *link)
{
    size_t room;
    (void)http_conn_input(link->conn, &room);
    int events = room > 0 ? UV_READABLE : 0;
    if (http_conn_output(link->conn).len > 0)
        events |= UV_WRITABLE;
    if (events == link->events)
        return;
    link->events = events;
    if (events == 0)
        (void)uv_poll_stop(&link->poll);
    else
        (void)uv_poll_start(&link->poll, events, on_event);
}

static void aim_timer(struct http_link *link)
{
    int64_t due_ms = http_conn_deadline(link->conn).ms;
    if (due_ms >= link->timer_due_ms)
        return;
    int64_t delay_ms = due_ms - now_of(link).ms;
    link->timer_due_ms = due_ms;
    (void)uv_timer_start(&link->timer, on_timer, delay_ms > 0 ? (uint64_t)delay_ms : 0, 0);
}

static void pump(struct http_link *link)
{
    if (!flush(link)) {
        fail(link);
        return;
    }
    if (http_conn_is_finished(link->conn)) {
        http_link_close(link);
        return;
    }
    if (http_conn_is_lingering(link->conn) && !link->has_shut_down) {
        (void)shutdown(link->fd, SHUT_WR);
        link->has_shut_down = true;
    }
    aim_events(link);
    aim_timer(link);
}

static void on_output(void *ctx)
{
    struct http_link *link = ctx;
    pump(link);
}

static void on_timer(uv_timer_t *timer)
{
    struct http_link *link = timer->data;
    link->timer_due_ms = INT64_MAX;
    http_conn_tick(link->conn, now_of(link));
    pump(link);
}

// False: the client is unreachable.
static bool receive(struct http_link *link)
{
    size_t room;
    uint8_t *to = http_conn_input(link->conn, &room);
    if (room == 0)
        return true;
    ssize_t got = recv(link->fd, to, room, 0);
    if (got < 0)
        return is_would_block(errno);
    if (got == 0)
        http_conn_received_end(link->conn, now_of(link));
    else
        http_conn_received(link->conn, (size_t)got, now_of(link));
    return true;
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct http_link *link = poll->data;
    bool is_reachable = status == 0;
    if (is_reachable && (events & UV_READABLE) != 0)
        is_reachable = receive(link);
    if (is_reachable)
        pump(link);
    else
        fail(link);
}

void http_link_drain(struct http_link *link)
{
    if (link->conn == NULL)
        return;
    if (!receive(link)) {
        fail(link);
        return;
    }
    http_conn_drain(link->conn, now_of(link));
    pump(link);
}

// What the client has sent already is read, or closing would reset the connection before it has the
// answer.
void http_link_turn_away(struct http_loop *loop, int fd)
{
    uint8_t bytes[HTTP_OUTPUT_INLINE_BYTES];
    uint8_t made_id[2 * HTTP_MADE_ID_BYTES];
    uint8_t body_bytes[HTTP_ERROR_BODY_BYTES_MAX];
    struct strbuf out = strbuf_over(bytes, sizeof bytes);
    struct strbuf body = strbuf_over(body_bytes, sizeof body_bytes);
    struct http_reply reply = http_reply_of_error(loop->worker->options.router, 503, &body);
    struct http_reply_frame frame = {
        .request_id = http_worker_make_id(loop->worker, made_id),
        .is_closing = true,
    };
    http_reply_write(&reply, &frame, &out);
    ASSERT(!out.is_overflowed);
    (void)send(fd, out.data, out.len, MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    (void)recv(fd, bytes, sizeof bytes, 0);
    (void)close(fd);
}

static void enlist(struct http_loop *loop, struct http_link *link)
{
    link->next = loop->first;
    if (loop->first != NULL)
        loop->first->previous = link;
    loop->first = link;
    loop->links_held++;
}

static bool open_conn(struct http_loop *loop, struct http_link *link,
                      const struct http_accepted *accepted)
{
    struct mono now = clock_mono(&loop->clock);
    struct span peer = span_make(accepted->peer, accepted->peer_bytes);
    link->conn = http_conn_open(loop->worker, peer, now, on_output, link);
    if (link->conn == NULL)
        return false;
    if (uv_poll_init(&loop->uv, &link->poll, accepted->fd) == 0)
        return true;
    http_conn_close(&link->conn);
    return false;
}

void http_link_open(struct http_loop *loop, const struct http_accepted *accepted)
{
    struct http_link *link = pool_get(&loop->links);
    if (link == NULL) {
        http_link_turn_away(loop, accepted->fd);
        return;
    }
    *link = (struct http_link){
        .loop = loop, .fd = accepted->fd, .handles_open = 2, .timer_due_ms = INT64_MAX};
    if (!open_conn(loop, link, accepted)) {
        pool_put(&loop->links, link);
        http_link_turn_away(loop, accepted->fd);
        return;
    }
    (void)uv_timer_init(&loop->uv, &link->timer);
    link->poll.data = link;
    link->timer.data = link;
    enlist(loop, link);
    pump(link);
}
