// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What each byte may be in HTTP/1.1, as one table.

#include "base/span.h"

#define HTTP_BYTE_TOKEN 1U  // RFC 9110 section 5.6.2: methods, field names
#define HTTP_BYTE_VALUE 2U  // RFC 9110 section 5.5: visible, space, tab, obs-text
#define HTTP_BYTE_TARGET 4U // visible ASCII but "#"
#define HTTP_BYTE_HOST 8U   // RFC 3986 section 3.2.2, and ":" of the port
#define HTTP_BYTE_ID 16U    // X-Request-Id: letters, digits, ".", "_", "-"

extern const uint8_t http_byte_classes[256];

static inline bool http_byte_is(uint8_t byte, unsigned classes)
{
    return (http_byte_classes[byte] & classes) != 0;
}

bool http_bytes_are(struct span bytes, unsigned classes);

// Index of the first byte that is in none of the classes; bytes.len when there is none.
size_t http_bytes_run(struct span bytes, unsigned classes);

// http_bytes_are(bytes, HTTP_BYTE_VALUE), eight bytes at a time.
bool http_bytes_are_value(struct span bytes);

#define HTTP_HEX_NONE 16U

// 0 to 15, or HTTP_HEX_NONE.
unsigned http_hex_value(uint8_t byte);
