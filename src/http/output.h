// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The bytes that are to be sent: in the connection's own buffer, or on the heap when they do not
// fit it.

#include "base/strbuf.h"
#include "http/limits.h"

struct http_output {
    uint8_t *data;
    size_t sent;
    size_t end;
    uint8_t own[HTTP_OUTPUT_INLINE_BYTES];
};

void http_output_init(struct http_output *output);
void http_output_fini(struct http_output *output); // drops what is not sent

static inline struct span http_output_unsent(const struct http_output *output)
{
    return span_make(output->data + output->sent, output->end - output->sent);
}

// A builder over at least `bytes_max` of room; http_output_end then takes what it holds. False: no
// memory.
bool http_output_begin(struct http_output *output, size_t bytes_max, struct strbuf *out);
void http_output_end(struct http_output *output, const struct strbuf *built);

void http_output_sent(struct http_output *output, size_t len);
