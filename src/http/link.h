// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Drives one connection (conn.h) by one socket.

#include "http/loop.h"

struct http_link {
    struct http_loop *loop;
    struct http_link *next;
    struct http_link *previous;
    struct http_conn *conn; // NULL: closed, and soon freed
    uv_poll_t poll;
    uv_timer_t timer;
    unsigned handles_open;
    int fd;
    int events;           // polled for
    int64_t timer_due_ms; // INT64_MAX: not started
    bool has_shut_down;
};

void http_link_open(struct http_loop *loop, const struct http_accepted *accepted);

// Reads what has come already, so that no request that was sent in time is lost, then drains.
void http_link_drain(struct http_link *link);
void http_link_close(struct http_link *link);

// Answers 503 to a client that there is no room for, as far as it can be done without waiting.
void http_link_turn_away(struct http_loop *loop, int fd);
