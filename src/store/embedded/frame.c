// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/embedded/frame.h"

#include "crypto/pure/mac.h"

#define FORMAT 1U
#define HEAD_BYTES 3U
#define CHECKSUM_BYTES 8U
#define SUMMED_PREFIX_BYTES (3U + TABLE_KEY_BYTES_MAX)

_Static_assert(HEAD_BYTES + CHECKSUM_BYTES == CODEC_FRAME_BYTES, "the frame is what it is");

const char *codec_verdict_text(enum codec_verdict verdict)
{
    ASSERT(verdict != CODEC_OK);
    return verdict == CODEC_NEWER ? "written by a newer version" : "damaged";
}

static uint64_t checksum(const struct frame_place *place, struct span value)
{
    static const struct short_key public_key = {"otpd table v0001"};
    uint8_t storage[SUMMED_PREFIX_BYTES + CODEC_VALUE_BYTES_MAX];
    struct strbuf summed = strbuf_over(storage, sizeof storage);
    ASSERT(place->key.data != NULL);
    ASSERT(value.data != NULL);
    put_number(&summed, place->space, 1);
    put_number(&summed, place->key.len, 2);
    strbuf_put(&summed, place->key);
    strbuf_put(&summed, value);
    ASSERT(!summed.is_overflowed);
    return short_tag64(&public_key, strbuf_span(&summed));
}

void frame_put(const struct frame_kind *kind, const struct frame_place *place, const void *thing,
               struct strbuf *out)
{
    size_t from = out->len;
    unsigned parts = 0;
    for (size_t i = 0; i < kind->count; i++)
        parts |= kind->parts[i].is_held(thing) ? 1U << i : 0;
    ASSERT((parts & kind->always) == kind->always);
    put_number(out, FORMAT, 1);
    put_number(out, parts, 2);
    for (size_t i = 0; i < kind->count; i++) {
        if ((parts >> i & 1U) != 0)
            kind->parts[i].put(thing, out);
    }
    put_number(out, checksum(place, span_from(strbuf_span(out), from)), CHECKSUM_BYTES);
    ASSERT(!out->is_overflowed);
}

static bool read_part(const struct frame_part *part, struct reader *reader, void *thing)
{
    return part->read(reader, thing) && !reader->is_short && part->is_held(thing);
}

static enum codec_verdict read_parts(const struct frame_kind *kind, struct reader *reader,
                                     void *thing)
{
    uint64_t format = read_number(reader, 1);
    uint64_t parts = read_number(reader, 2);
    if (format > FORMAT || (format == FORMAT && parts >> kind->count != 0))
        return CODEC_NEWER;
    if (format < FORMAT || (parts & kind->always) != kind->always)
        return CODEC_DAMAGED;
    for (size_t i = 0; i < kind->count; i++) {
        if ((parts >> i & 1U) != 0 && !read_part(&kind->parts[i], reader, thing))
            return CODEC_DAMAGED;
    }
    return span_is_empty(reader->rest) ? CODEC_OK : CODEC_DAMAGED;
}

enum codec_verdict frame_read(const struct frame_kind *kind, const struct frame_place *place,
                              struct span value, void *thing)
{
    if (value.len < CODEC_FRAME_BYTES || value.len > CODEC_VALUE_BYTES_MAX ||
        place->key.len > TABLE_KEY_BYTES_MAX)
        return CODEC_DAMAGED;
    struct span summed = span_first(value, value.len - CHECKSUM_BYTES);
    struct reader tail = {.rest = span_from(value, summed.len)};
    if (read_number(&tail, CHECKSUM_BYTES) != checksum(place, summed))
        return CODEC_DAMAGED;
    struct reader reader = {.rest = summed};
    return read_parts(kind, &reader, thing);
}

bool frame_is_held_always(const void *thing)
{
    (void)thing;
    return true;
}
