// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A chunked body (RFC 9112 section 7.1), decoded in place: the data of the chunks is moved together
// over their frames.

#include "base/span.h"

enum http_chunked_state {
    HTTP_CHUNKED_MORE,
    HTTP_CHUNKED_DONE,
    HTTP_CHUNKED_REFUSED, // chunked->status says with what
};

struct http_chunked {
    unsigned step;
    size_t body_bytes;
    size_t body_bytes_max;
    uint64_t left; // of this chunk's data
    size_t size_digits;
    size_t ext_bytes;
    size_t trailer_bytes;
    int status;
};

void http_chunked_start(struct http_chunked *chunked, size_t body_bytes_max);

// `body` is the first byte of the decoded body, which holds chunked->body_bytes so far; `raw` is
// what has newly arrived, in the same buffer at or after the end of these. All of `raw` is used,
// except after DONE.
enum http_chunked_state http_chunked_feed(struct http_chunked *chunked, uint8_t *body,
                                          struct span raw, size_t *used_out);
