// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// One step a byte, and data by the run. All state is in the struct, nothing of the frame is kept,
// so a frame may be cut anywhere.
//
//   SIZE ──digits──▶ SIZE ──";"──▶ EXT ──CR──▶ SIZE_LF ──LF──▶ DATA ▶ DATA_CR ▶ DATA_LF ▶ SIZE
//                                                 └─size 0──▶ TRAILER_START ──CR──▶ LAST_LF ──▶
//                                                 DONE
//   TRAILER_START ──name──▶ TRAILER_NAME ──":"──▶ TRAILER_VALUE ──CR──▶ TRAILER_LF ──▶
//   TRAILER_START
//
// A size is 1 to 16 hexadecimal digits, nothing else: no sign, no "0x", no space. Extensions and
// trailers are checked as strictly as a head and thrown away: nobody may move a field into the
// trailer.

#include "http/chunked.h"

#include "base/assert.h"
#include "http/bytes.h"
#include "http/limits.h"

enum chunked_step {
    STEP_SIZE,
    STEP_EXT,
    STEP_SIZE_LF,
    STEP_DATA,
    STEP_DATA_CR,
    STEP_DATA_LF,
    STEP_TRAILER_START,
    STEP_TRAILER_NAME,
    STEP_TRAILER_VALUE,
    STEP_TRAILER_LF,
    STEP_LAST_LF,
    STEP_DONE,
};

#define SIZE_DIGITS_MAX 16U

static int go(struct http_chunked *chunked, enum chunked_step step)
{
    chunked->step = step;
    return 0;
}

static int go_if(struct http_chunked *chunked, bool is_right, enum chunked_step step)
{
    return is_right ? go(chunked, step) : 400;
}

static void begin_size(struct http_chunked *chunked)
{
    chunked->step = STEP_SIZE;
    chunked->left = 0;
    chunked->size_digits = 0;
    chunked->ext_bytes = 0;
}

static int on_size(struct http_chunked *chunked, uint8_t byte)
{
    unsigned value = http_hex_value(byte);
    if (value < HTTP_HEX_NONE) {
        chunked->left = chunked->left << 4 | value;
        return ++chunked->size_digits <= SIZE_DIGITS_MAX ? 0 : 400;
    }
    if (chunked->size_digits == 0)
        return 400;
    if (byte == ';')
        return go(chunked, STEP_EXT);
    return go_if(chunked, byte == '\r', STEP_SIZE_LF);
}

static int on_ext(struct http_chunked *chunked, uint8_t byte)
{
    if (byte == '\r')
        return go(chunked, STEP_SIZE_LF);
    bool is_fit = byte != '\t' && http_byte_is(byte, HTTP_BYTE_VALUE) &&
                  ++chunked->ext_bytes <= HTTP_CHUNK_EXT_BYTES_MAX;
    return is_fit ? 0 : 400;
}

static int on_size_lf(struct http_chunked *chunked, uint8_t byte)
{
    if (byte != '\n')
        return 400;
    if (chunked->left > chunked->body_bytes_max - chunked->body_bytes)
        return 413;
    return go(chunked, chunked->left > 0 ? STEP_DATA : STEP_TRAILER_START);
}

static int on_data_cr(struct http_chunked *chunked, uint8_t byte)
{
    return go_if(chunked, byte == '\r', STEP_DATA_LF);
}

static int on_data_lf(struct http_chunked *chunked, uint8_t byte)
{
    if (byte != '\n')
        return 400;
    begin_size(chunked);
    return 0;
}

static int on_trailer_start(struct http_chunked *chunked, uint8_t byte)
{
    if (byte == '\r')
        return go(chunked, STEP_LAST_LF);
    return go_if(chunked, http_byte_is(byte, HTTP_BYTE_TOKEN), STEP_TRAILER_NAME);
}

static int on_trailer_name(struct http_chunked *chunked, uint8_t byte)
{
    if (http_byte_is(byte, HTTP_BYTE_TOKEN))
        return 0;
    return go_if(chunked, byte == ':', STEP_TRAILER_VALUE);
}

static int on_trailer_value(struct http_chunked *chunked, uint8_t byte)
{
    if (http_byte_is(byte, HTTP_BYTE_VALUE))
        return 0;
    return go_if(chunked, byte == '\r', STEP_TRAILER_LF);
}

static int on_trailer_lf(struct http_chunked *chunked, uint8_t byte)
{
    return go_if(chunked, byte == '\n', STEP_TRAILER_START);
}

static int on_last_lf(struct http_chunked *chunked, uint8_t byte)
{
    return go_if(chunked, byte == '\n', STEP_DONE);
}

static int (*const on_byte[])(struct http_chunked *chunked, uint8_t byte) = {
    [STEP_SIZE] = on_size,
    [STEP_EXT] = on_ext,
    [STEP_SIZE_LF] = on_size_lf,
    [STEP_DATA_CR] = on_data_cr,
    [STEP_DATA_LF] = on_data_lf,
    [STEP_TRAILER_START] = on_trailer_start,
    [STEP_TRAILER_NAME] = on_trailer_name,
    [STEP_TRAILER_VALUE] = on_trailer_value,
    [STEP_TRAILER_LF] = on_trailer_lf,
    [STEP_LAST_LF] = on_last_lf,
};

static size_t take_data(struct http_chunked *chunked, uint8_t *body, struct span raw)
{
    size_t len = chunked->left < raw.len ? (size_t)chunked->left : raw.len;
    uint8_t *to = body + chunked->body_bytes;
    ASSERT(to <= raw.data);
    memmove(to, raw.data, len);
    chunked->body_bytes += len;
    chunked->left -= len;
    if (chunked->left == 0)
        chunked->step = STEP_DATA_CR;
    return len;
}

static int take_byte(struct http_chunked *chunked, uint8_t byte)
{
    bool is_trailer = chunked->step >= STEP_TRAILER_START;
    if (is_trailer && ++chunked->trailer_bytes > HTTP_TRAILER_BYTES_MAX)
        return 431;
    return on_byte[chunked->step](chunked, byte);
}

void http_chunked_start(struct http_chunked *chunked, size_t body_bytes_max)
{
    chunked->body_bytes = 0;
    chunked->body_bytes_max = body_bytes_max;
    chunked->trailer_bytes = 0;
    chunked->status = 0;
    begin_size(chunked);
}

enum http_chunked_state http_chunked_feed(struct http_chunked *chunked, uint8_t *body,
                                          struct span raw, size_t *used_out)
{
    size_t used = 0;
    while (used < raw.len && chunked->step != STEP_DONE && chunked->status == 0) {
        if (chunked->step == STEP_DATA)
            used += take_data(chunked, body, span_from(raw, used));
        else
            chunked->status = take_byte(chunked, raw.data[used++]);
    }
    *used_out = used;
    if (chunked->status != 0)
        return HTTP_CHUNKED_REFUSED;
    return chunked->step == STEP_DONE ? HTTP_CHUNKED_DONE : HTTP_CHUNKED_MORE;
}
