// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The order of the end: the first loop closes the listening socket, and only then tells the others
// to drain, so that no connection reaches a loop that has ended.

#include "http/server.h"

#include "base/assert.h"
#include "base/thread.h"
#include "http/link.h"
#include "http/listen.h"
#include "http/loop.h"

#include <stdlib.h>

struct http_server {
    struct http_server_options options;
    struct http_limits limits;
    struct http_listener listener;
    struct http_acceptor acceptor;
    size_t next_loop; // whose turn it is
    size_t loops_held;
    size_t threads_held;
    bool is_over; // all threads have ended
    bool is_abandoned;
    pthread_t threads[HTTP_LOOPS_MAX];
    struct http_loop loops[];
};

// In turn; a loop whose inbox is full is passed over, and the first takes what nobody else can.
static void on_accepted(void *ctx, const struct http_accepted *accepted)
{
    struct http_server *server = ctx;
    for (size_t i = 0; i < server->loops_held; i++) {
        size_t turn = server->next_loop++ % server->loops_held;
        if (turn == 0) {
            http_link_open(&server->loops[0], accepted);
            return;
        }
        if (http_loop_hand(&server->loops[turn], accepted))
            return;
    }
    UNREACHABLE();
}

static void on_drain(void *ctx, struct http_loop *loop)
{
    struct http_server *server = ctx;
    int64_t drain_ms = loop->drain_at.ms - clock_mono(&loop->clock).ms;
    http_unlisten(&server->listener); // while the acceptor holds the socket: see listen.h
    http_acceptor_close(&server->acceptor);
    for (size_t i = 1; i < server->loops_held; i++)
        http_loop_ask_drain(&server->loops[i], drain_ms > 0 ? drain_ms : 0);
}

static enum err add_worker(struct http_server *server, struct http_loop *loop)
{
    struct http_worker_options worker_options = {
        .limits = &server->limits,
        .clock = server->options.clock,
        .post = http_loop_post,
        .leave = http_loop_leave,
        .post_ctx = loop,
    };
    enum err err = server->options.on_worker(server->options.ctx, &loop->uv, &worker_options);
    if (err != ERR_OK)
        return err;
    loop->worker = http_worker_create(&worker_options);
    if (loop->worker == NULL)
        server->options.on_worker_stop(server->options.ctx, worker_options.user);
    return loop->worker != NULL ? ERR_OK : ERR_NO_MEMORY;
}

// A loop without its worker has no part in the server: it is run out and taken apart here.
static void remove_bare_loop(struct http_loop *loop)
{
    http_loop_close_handles(loop);
    http_loop_run(loop);
    http_loop_fini(loop);
}

static enum err add_loop(struct http_server *server)
{
    struct http_loop *loop = &server->loops[server->loops_held];
    enum err err = http_loop_init(loop, &server->limits, server->options.clock);
    if (err != ERR_OK)
        return err;
    loop->ctx = server;
    loop->stop_ctx = server->options.ctx;
    loop->turn_ctx = server->options.ctx;
    loop->on_stop = server->options.on_worker_stop;
    loop->on_turn = server->options.on_turn;
    err = add_worker(server, loop);
    if (err != ERR_OK) {
        remove_bare_loop(loop);
        return err;
    }
    server->loops_held++;
    return ERR_OK;
}

static enum err set_up(struct http_server *server, struct err_info *info)
{
    enum err err = http_listen(server->options.address, &server->listener, info);
    for (size_t i = 0; err == ERR_OK && i < server->options.loops_count; i++)
        err = add_loop(server);
    if (err != ERR_OK)
        return err;
    server->loops[0].on_drain = on_drain;
    server->acceptor.on_accepted = on_accepted;
    server->acceptor.ctx = server;
    err = http_acceptor_open(&server->acceptor, &server->loops[0].uv, server->listener.fd);
    if (err == ERR_OK)
        server->listener.fd = -1;
    return err;
}

enum err http_server_create(const struct http_server_options *options, struct http_server **out,
                            struct err_info *info)
{
    ASSERT(options->loops_count >= 1);
    ASSERT(options->loops_count <= HTTP_LOOPS_MAX);
    struct http_server *server =
        calloc(1, sizeof *server + options->loops_count * sizeof server->loops[0]);
    if (server == NULL)
        return ERR_NO_MEMORY;
    server->options = *options;
    server->limits = *options->limits;
    server->listener.fd = -1;
    enum err err = set_up(server, info);
    if (err != ERR_OK) {
        http_server_destroy(&server);
        return err;
    }
    *out = server;
    return ERR_OK;
}

static void *run_loop(void *loop)
{
    http_loop_run(loop);
    return NULL;
}

enum err http_server_start(struct http_server *server)
{
    ASSERT(server->threads_held == 0);
    while (server->threads_held < server->loops_held) {
        size_t i = server->threads_held;
        if (!thread_start(&server->threads[i], "loop", run_loop, &server->loops[i]))
            return ERR_NO_MEMORY;
        server->threads_held++;
    }
    return ERR_OK;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->listener.port;
}

void http_server_wake(struct http_server *server)
{
    for (size_t i = 0; i < server->loops_held; i++)
        http_loop_wake(&server->loops[i]);
}

void http_server_drain(struct http_server *server, int64_t drain_ms)
{
    ASSERT(drain_ms >= 0);
    http_loop_ask_drain(&server->loops[0], drain_ms);
}

enum err http_server_join(struct http_server *server)
{
    for (size_t i = 0; i < server->threads_held; i++) {
        int status = pthread_join(server->threads[i], NULL);
        ASSERT(status == 0);
        server->is_abandoned |= server->loops[i].is_abandoned;
    }
    server->is_over = server->threads_held == server->loops_held;
    return server->is_abandoned ? ERR_TIMEOUT : ERR_OK;
}

// Loops that have no thread end on this one.
static void run_out(struct http_server *server)
{
    ASSERT(server->threads_held < server->loops_held); // or it was started and not joined
    http_server_drain(server, 0);
    enum err err = http_server_join(server);
    ASSERT(err == ERR_OK);
    for (size_t i = server->threads_held; i < server->loops_held; i++) {
        http_loop_ask_drain(&server->loops[i], 0);
        http_loop_run(&server->loops[i]);
    }
}

void http_server_destroy(struct http_server **server_ref)
{
    struct http_server *server = *server_ref;
    *server_ref = NULL;
    if (server == NULL || server->is_abandoned)
        return;
    if (!server->is_over && server->loops_held > 0)
        run_out(server);
    for (size_t i = 0; i < server->loops_held; i++)
        http_loop_fini(&server->loops[i]);
    http_unlisten(&server->listener);
    free(server);
}
