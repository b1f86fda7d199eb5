// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What tests of encoders and decoders have in common.

#include "store/embedded/codec.h"

struct codec_value {
    uint8_t bytes[CODEC_VALUE_BYTES_MAX];
    struct strbuf buf; // over bytes
};

typedef enum codec_verdict codec_read_function(struct span bytes);

// Fails the test unless the bytes are those, in hex.
void assert_golden(const char *name, struct span bytes, const char *expected);

// `whole` is read, and nothing else: every truncation, one byte more, and every flip of one bit.
void assert_damage_is_seen(const char *name, struct span whole, codec_read_function *read);

// The frame once more, by hand, as a later or a careless writer might fill it: a body (format,
// parts) with the checksum that it should have.
struct span codec_frame(struct codec_value *value, enum table_space space, struct span key,
                        struct span body);

struct codec_body_row {
    const char *name;
    struct span body;
    enum codec_verdict verdict;
};

#define CODEC_ROW(name, body, verdict) \
    {                                  \
        name, SPAN(body), verdict      \
    }
#define ZEROS_6 "\0\0\0\0\0\0"
#define ZEROS_48 ZEROS_6 ZEROS_6 ZEROS_6 ZEROS_6 ZEROS_6 ZEROS_6 ZEROS_6 ZEROS_6
