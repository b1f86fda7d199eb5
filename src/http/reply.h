// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// An answer as bytes.

#include "http/http.h"

// What the answer owes to the request and the connection.
struct http_reply_frame {
    struct span request_id;
    bool is_head;     // the request was HEAD: the body is told of, not sent
    bool is_closing;  // "Connection: close"
    bool is_http_1_0; // keeping the connection has to be said
};

// The answer that no handler makes; its body is built in `body`.
struct http_reply http_reply_of_error(const struct http_router *router, int status,
                                      struct strbuf *body);

// Enough for http_reply_write.
size_t http_reply_bytes_max(const struct http_reply *reply, const struct http_reply_frame *frame);

void http_reply_write(const struct http_reply *reply, const struct http_reply_frame *frame,
                      struct strbuf *out);
