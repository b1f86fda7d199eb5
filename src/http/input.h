// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The bytes that have come and are not used up: in the connection's own buffer, or in a big one
// that is borrowed from the worker for as long as it takes.
//
//   data ──used──▶ at ──pending──▶ end ──room──▶ cap ──slack, always readable──▶

#include "http/limits.h"
#include "http/pool.h"

struct http_input {
    uint8_t *data;
    size_t at;
    size_t end;
    size_t cap;
    struct pool *big_buffers;
    uint8_t own[HTTP_INPUT_INLINE_BYTES];
};

void http_input_init(struct http_input *input, struct pool *big_buffers);
void http_input_fini(struct http_input *input); // gives a borrowed buffer back

static inline struct span http_input_pending(const struct http_input *input)
{
    return span_make(input->data + input->at, input->end - input->at);
}

// Makes `bytes` from `at` on fit, by moving what is pending. False: no big buffer is to be had.
bool http_input_fit(struct http_input *input, size_t bytes);

// Everything before `at` is used up. Moves what is pending back into the own buffer when it fits.
void http_input_use(struct http_input *input, size_t at);
