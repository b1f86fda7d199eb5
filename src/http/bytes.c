// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "http/bytes.h"

#define T HTTP_BYTE_TOKEN
#define V HTTP_BYTE_VALUE
#define U HTTP_BYTE_TARGET
#define H HTTP_BYTE_HOST
#define I HTTP_BYTE_ID
#define WORD (T | V | U | H | I)
#define MARK (T | V | U | H)

const uint8_t http_byte_classes[256] = {
    ['\t'] = V,
    [' '] = V,
    ['!'] = MARK,
    ['"'] = V | U,
    ['#'] = T | V,
    ['$' ... '\''] = MARK,
    ['(' ... ')'] = V | U | H,
    ['*' ... '+'] = MARK,
    [','] = V | U | H,
    ['-' ... '.'] = WORD,
    ['/'] = V | U,
    ['0' ... '9'] = WORD,
    [':' ... ';'] = V | U | H,
    ['<'] = V | U,
    ['='] = V | U | H,
    ['>' ... '@'] = V | U,
    ['A' ... 'Z'] = WORD,
    ['['] = V | U | H,
    ['\\'] = V | U,
    [']'] = V | U | H,
    ['^'] = T | V | U,
    ['_'] = WORD,
    ['`'] = T | V | U,
    ['a' ... 'z'] = WORD,
    ['{'] = V | U,
    ['|'] = T | V | U,
    ['}'] = V | U,
    ['~'] = MARK,
    [0x80 ... 0xFF] = V,
};

size_t http_bytes_run(struct span bytes, unsigned classes)
{
    size_t i = 0;
    while (i < bytes.len && http_byte_is(bytes.data[i], classes))
        i++;
    return i;
}

bool http_bytes_are(struct span bytes, unsigned classes)
{
    return http_bytes_run(bytes, classes) == bytes.len;
}

// True when one of the eight bytes is below 0x20 or is 0x7F: a control character, or a tab.
static bool has_control(uint64_t eight)
{
    const uint64_t ones = UINT64_MAX / 255;
    uint64_t below_space = (eight - ones * 0x20) & ~eight;
    uint64_t from_delete = eight ^ ones * 0x7F;
    uint64_t is_delete = (from_delete - ones) & ~from_delete;
    return ((below_space | is_delete) & ones * 0x80) != 0;
}

bool http_bytes_are_value(struct span bytes)
{
    while (bytes.len >= sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, bytes.data, sizeof eight);
        if (has_control(eight) && !http_bytes_are(span_first(bytes, sizeof eight), V))
            return false;
        bytes = span_from(bytes, sizeof eight);
    }
    return http_bytes_are(bytes, V);
}

unsigned http_hex_value(uint8_t byte)
{
    uint8_t lower = ascii_lower(byte);
    if (ascii_is_digit(byte))
        return byte - (unsigned)'0';
    return lower >= 'a' && lower <= 'f' ? lower - (unsigned)'a' + 10U : HTTP_HEX_NONE;
}
