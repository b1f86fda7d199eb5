// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The journal's bytes: docs/design/journal-format.md in C. Nothing here does I/O. Encoders append
// to *out, whose room is the caller's business (asserted); decoders read what anybody may have
// damaged.

#include "base/strbuf.h"
#include "store/embedded/codec.h"

#define JOURNAL_BLOCK_BYTES 4096U
#define JOURNAL_HEADER_BYTES 40U
#define JOURNAL_CHECKSUM_BYTES 8U
#define JOURNAL_ROWS_BYTES_MAX (1U << 20)
#define JOURNAL_RECORD_BYTES_MAX (JOURNAL_ROWS_BYTES_MAX + JOURNAL_BLOCK_BYTES)
#define JOURNAL_META_KEY "journal"
#define JOURNAL_META_BYTES (CODEC_FRAME_BYTES + 45U)

struct journal_id {
    uint8_t bytes[16];
};

// Behind a record: where the next one is to be, and what it has to name.
struct journal_position {
    uint64_t sequence; // of the record; 0: none yet
    uint64_t checksum; // of the record
    uint64_t segment;
    uint32_t offset;
};

struct journal_head {
    uint64_t segment;
    uint32_t segment_bytes;
    struct journal_id id;
};

// JOURNAL_BLOCK_BYTES.
void journal_put_head(const struct journal_head *head, struct strbuf *out);
enum codec_verdict journal_read_head(struct span block, struct journal_head *out);

enum journal_type {
    JOURNAL_LAST = 1, // of a commit
    JOURNAL_MORE,     // of it follows
};

// What a record with so many bytes of rows takes: whole blocks.
static inline size_t journal_record_bytes(size_t rows_bytes)
{
    size_t bytes = JOURNAL_HEADER_BYTES + rows_bytes + JOURNAL_CHECKSUM_BYTES;
    return (bytes + JOURNAL_BLOCK_BYTES - 1) / JOURNAL_BLOCK_BYTES * JOURNAL_BLOCK_BYTES;
}

// The record at *at, whole blocks; *at is then behind it.
void journal_put_record(const struct journal_id *id, enum journal_type type, struct span rows,
                        struct journal_position *at, struct strbuf *out);

struct journal_record {
    enum journal_type type;
    uint64_t sequence;
    uint64_t segment;
    uint64_t before; // checksum of the record before
    uint64_t checksum;
    uint32_t offset;
    struct span rows;
};

// The length of the record, its padding left out, that `header` (JOURNAL_HEADER_BYTES) begins; 0:
// it begins none that has `room` bytes.
size_t journal_record_length(struct span header, size_t room);

// Whether `header` is that of the record that belongs at `at`, whatever came of the rest of it.
bool journal_begins(struct span header, const struct journal_position *at);

// Whole by its own words: its checksum is right. `bytes` may go on behind it.
bool journal_read_record(const struct journal_id *id, struct span bytes,
                         struct journal_record *out);

// Whether it is the one that belongs at `at`.
bool journal_continues(const struct journal_record *record, const struct journal_position *at);

// --- rows ---

#define JOURNAL_ROW_HEADER_BYTES 4U
#define JOURNAL_ROW_BYTES_MAX \
    (JOURNAL_ROW_HEADER_BYTES + TABLE_KEY_BYTES_MAX + CODEC_VALUE_BYTES_MAX)

struct journal_row {
    enum table_space space;
    bool is_deleted;
    struct span key;
    struct span value;
};

static inline size_t journal_row_bytes(const struct journal_row *row)
{
    return JOURNAL_ROW_HEADER_BYTES + row->key.len + row->value.len;
}

// To `out`, journal_row_bytes long.
void journal_put_row(const struct journal_row *row, uint8_t *out);

// The first of `rows`, which then begin after it. False: not a row.
bool journal_read_row(struct span *rows, struct journal_row *out);

// --- where replay begins ---

struct journal_meta {
    bool is_made;
    struct journal_id id;
    struct journal_position from;
};

void journal_put_meta(const struct journal_meta *meta, struct strbuf *out);
enum codec_verdict journal_read_meta(struct span value, struct journal_meta *out);
