// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "rig/codec_rig.h"

#include "crypto/pure/mac.h"
#include "unit/unit.h"

#include <string.h>

void assert_golden(const char *name, struct span bytes, const char *expected)
{
    char hex[2 * CODEC_RECORD_BYTES_MAX + 1] = {0};
    struct strbuf text = strbuf_over(hex, sizeof hex - 1);
    strbuf_put_hex(&text, bytes);
    if (strcmp(hex, expected) != 0)
        fail_msg("%s: got %s", name, hex);
}

void assert_damage_is_seen(const char *name, struct span whole, codec_read_function *read)
{
    static uint8_t bytes[CODEC_VALUE_BYTES_MAX + 1];
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, whole.data, whole.len);
    assert_row_equal(name, read(span_make(bytes, whole.len)), CODEC_OK);
    for (size_t len = 0; len < whole.len; len++)
        assert_row_equal(name, read(span_make(bytes, len)), CODEC_DAMAGED);
    assert_row_equal(name, read(span_make(bytes, whole.len + 1)), CODEC_DAMAGED);
    for (size_t bit = 0; bit < whole.len * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_row_equal(name, read(span_make(bytes, whole.len)), CODEC_DAMAGED);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

struct span codec_frame(struct codec_value *value, enum table_space space, struct span key,
                        struct span body)
{
    static const struct short_key public_key = {"otpd table v0001"};
    uint8_t storage[3 + TABLE_KEY_BYTES_MAX + CODEC_RECORD_BYTES_MAX];
    struct strbuf summed = strbuf_over(storage, sizeof storage);
    const uint8_t head[] = {(uint8_t)space, 0, (uint8_t)key.len};
    strbuf_put(&summed, span_make(head, sizeof head));
    strbuf_put(&summed, key);
    strbuf_put(&summed, body);
    uint64_t tag = short_tag64(&public_key, strbuf_span(&summed));
    value->buf = strbuf_over(value->bytes, sizeof value->bytes);
    strbuf_put(&value->buf, body);
    for (unsigned i = 0; i < 8; i++)
        strbuf_put_byte(&value->buf, (uint8_t)(tag >> (56 - 8 * i)));
    return strbuf_span(&value->buf);
}
