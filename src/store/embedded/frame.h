// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What all values of the table have in common: see docs/design/record-format.md.
//
//   value = format (1) · parts (2) · each part whose bit is set, lowest bit first · checksum (8)
//
// A kind of value is a table of parts. A part that says nothing is left out, and one that is there
// and says nothing is refused, so that each value has one encoding.
//
// The checksum's key is public: it is there to find damage, not malice. Frame and checksum are for
// all formats to come: only so can a newer value be told from a damaged one.

#include "store/embedded/bytes.h"
#include "store/embedded/codec.h"

// Which row a value is of.
struct frame_place {
    enum table_space space;
    struct span key;
};

// `thing` is the value as the module's users know it.
struct frame_part {
    bool (*is_held)(const void *thing);
    void (*put)(const void *thing, struct strbuf *out);
    // False: out of bounds. That it ran out of bytes is seen later.
    bool (*read)(struct reader *reader, void *thing);
};

struct frame_kind {
    const struct frame_part *parts;
    size_t count;
    unsigned always; // the bits that have to be set
};

void frame_put(const struct frame_kind *kind, const struct frame_place *place, const void *thing,
               struct strbuf *out);

// *thing must say nothing.
enum codec_verdict frame_read(const struct frame_kind *kind, const struct frame_place *place,
                              struct span value, void *thing);

// Of a part that has to be there.
bool frame_is_held_always(const void *thing);

static inline void frame_put_session(const struct session_ref *session, struct strbuf *out)
{
    put_number(out, session->id, 8);
    put_number(out, session->binding, 8);
}

static inline struct session_ref frame_read_session(struct reader *reader)
{
    struct session_ref session;
    session.id = read_number(reader, 8);
    session.binding = read_number(reader, 8);
    return session;
}

// Of the digits of a code.
static inline bool frame_length_is_valid(uint8_t length)
{
    return length >= CODE_DIGITS_MIN && length <= CODE_DIGITS_MAX;
}
