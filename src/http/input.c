// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "http/input.h"

#include "base/assert.h"

static void be_own(struct http_input *input)
{
    input->data = input->own;
    input->cap = sizeof input->own - HTTP_BODY_SLACK_BYTES;
}

static void move_to(struct http_input *input, uint8_t *to)
{
    size_t pending = input->end - input->at;
    memmove(to, input->data + input->at, pending);
    input->at = 0;
    input->end = pending;
}

static void give_back(struct http_input *input)
{
    if (input->data == input->own)
        return;
    pool_put(input->big_buffers, input->data);
    be_own(input);
}

void http_input_init(struct http_input *input, struct pool *big_buffers)
{
    input->at = 0;
    input->end = 0;
    input->big_buffers = big_buffers;
    be_own(input);
}

void http_input_fini(struct http_input *input)
{
    give_back(input);
    input->at = 0;
    input->end = 0;
}

// Own buffer as it is; own buffer from its start; a big one. A request moves up at most once.
bool http_input_fit(struct http_input *input, size_t bytes)
{
    if (input->at + bytes <= input->cap)
        return true;
    if (bytes <= input->cap) {
        move_to(input, input->data);
        return true;
    }
    ASSERT(input->data == input->own);
    uint8_t *big = pool_get(input->big_buffers);
    if (big == NULL)
        return false;
    move_to(input, big);
    input->data = big;
    input->cap = input->big_buffers->block_bytes - HTTP_BODY_SLACK_BYTES;
    ASSERT(bytes <= input->cap);
    return true;
}

// Going back to the own buffer early keeps the big ones for those who need them.
void http_input_use(struct http_input *input, size_t at)
{
    ASSERT(at <= input->end);
    input->at = at;
    size_t pending = input->end - at;
    if (pending == 0) {
        http_input_fini(input);
        return;
    }
    if (input->data == input->own || pending > sizeof input->own - HTTP_BODY_SLACK_BYTES)
        return;
    uint8_t *big = input->data;
    move_to(input, input->own);
    input->data = big;
    give_back(input);
}
