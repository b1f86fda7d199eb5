// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "http/output.h"

#include "base/assert.h"

#include <stdlib.h>

void http_output_init(struct http_output *output)
{
    output->data = output->own;
    output->sent = 0;
    output->end = 0;
}

void http_output_fini(struct http_output *output)
{
    if (output->data != output->own)
        free(output->data);
    http_output_init(output);
}

// A heap block has no spare room, so whatever follows moves to a bigger one: rare, as an answer
// waits until the one before it is sent.
bool http_output_begin(struct http_output *output, size_t bytes_max, struct strbuf *out)
{
    struct span unsent = http_output_unsent(output);
    bool is_own = output->data == output->own;
    if (!is_own || bytes_max > sizeof output->own - output->end) {
        uint8_t *big = malloc(unsent.len + bytes_max);
        if (big == NULL)
            return false;
        memcpy(big, unsent.data, unsent.len);
        http_output_fini(output);
        output->data = big;
        output->end = unsent.len;
    }
    *out = strbuf_over(output->data + output->end, bytes_max);
    return true;
}

void http_output_end(struct http_output *output, const struct strbuf *built)
{
    ASSERT(!built->is_overflowed);
    ASSERT(built->data == output->data + output->end);
    output->end += built->len;
}

void http_output_sent(struct http_output *output, size_t len)
{
    ASSERT(len <= output->end - output->sent);
    output->sent += len;
    if (output->sent == output->end)
        http_output_fini(output);
}
