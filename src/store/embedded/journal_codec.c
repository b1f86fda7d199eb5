// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Two checksums: a head's and the table row's are under public keys, since they are what tells the
// id; a record's is under the id, so that a record of another journal is none of this one's.
#include "store/embedded/journal_codec.h"

#include "crypto/pure/mac.h"
#include "store/embedded/bytes.h"

#define MAGIC "otpd journal"
#define FORMAT 1U
#define HEAD_SUMMED_BYTES 44U
#define RECORD_MAGIC 0x6f4a7231U // "oJr1"
#define KEY_VERSION 1U
#define DELETED_BIT 0x80U
#define META_PARTS 1U

static const struct short_key head_key = {"otpd journal key"};

static struct short_key key_of(const struct journal_id *id)
{
    struct short_key key;
    _Static_assert(sizeof key == sizeof *id, "an id is a key");
    memcpy(&key, id, sizeof key);
    return key;
}

static struct span id_span(const struct journal_id *id)
{
    return span_make(id, sizeof *id);
}

static bool read_id(struct reader *reader, struct journal_id *out)
{
    struct span bytes = read_bytes(reader, sizeof *out);
    if (bytes.len == sizeof *out)
        memcpy(out, bytes.data, sizeof *out);
    return bytes.len == sizeof *out;
}

static void put_zeros(struct strbuf *out, size_t len)
{
    uint8_t *at = strbuf_reserve(out, len);
    if (at != NULL)
        memset(at, 0, len);
}

// --- head ---

void journal_put_head(const struct journal_head *head, struct strbuf *out)
{
    size_t from = out->len;
    strbuf_put(out, SPAN(MAGIC));
    put_number(out, FORMAT, 2);
    put_number(out, 0, 2);
    put_number(out, head->segment_bytes, 4);
    put_number(out, head->segment, 8);
    strbuf_put(out, id_span(&head->id));
    put_number(out, short_tag64(&head_key, span_from(strbuf_span(out), from)), 8);
    put_zeros(out, JOURNAL_BLOCK_BYTES - HEAD_SUMMED_BYTES - JOURNAL_CHECKSUM_BYTES);
    ASSERT(!out->is_overflowed);
}

enum codec_verdict journal_read_head(struct span block, struct journal_head *out)
{
    struct reader reader = {.rest = block};
    struct span magic = read_bytes(&reader, sizeof MAGIC - 1);
    uint64_t format = read_number(&reader, 2);
    uint64_t zero = read_number(&reader, 2);
    out->segment_bytes = (uint32_t)read_number(&reader, 4);
    out->segment = read_number(&reader, 8);
    bool is_whole = read_id(&reader, &out->id);
    uint64_t checksum = read_number(&reader, JOURNAL_CHECKSUM_BYTES);
    if (!is_whole || reader.is_short || !span_eq(magic, SPAN(MAGIC)) ||
        checksum != short_tag64(&head_key, span_first(block, HEAD_SUMMED_BYTES)))
        return CODEC_DAMAGED;
    if (format > FORMAT)
        return CODEC_NEWER;
    return format == FORMAT && zero == 0 ? CODEC_OK : CODEC_DAMAGED;
}

// --- record ---

static void put_header(enum journal_type type, size_t rows_bytes, const struct journal_position *at,
                       struct strbuf *out)
{
    put_number(out, RECORD_MAGIC, 4);
    put_number(out, type, 1);
    put_number(out, KEY_VERSION, 1);
    put_number(out, 0, 2);
    put_number(out, rows_bytes, 4);
    put_number(out, at->offset, 4);
    put_number(out, at->sequence + 1, 8);
    put_number(out, at->segment, 8);
    put_number(out, at->checksum, 8);
}

void journal_put_record(const struct journal_id *id, enum journal_type type, struct span rows,
                        struct journal_position *at, struct strbuf *out)
{
    struct short_key key = key_of(id);
    size_t from = out->len, bytes = journal_record_bytes(rows.len);
    ASSERT(rows.len <= JOURNAL_ROWS_BYTES_MAX);
    ASSERT(at->offset % JOURNAL_BLOCK_BYTES == 0);
    put_header(type, rows.len, at, out);
    strbuf_put(out, rows);
    uint64_t checksum = short_tag64(&key, span_from(strbuf_span(out), from));
    put_number(out, checksum, JOURNAL_CHECKSUM_BYTES);
    put_zeros(out, from + bytes - out->len);
    ASSERT(!out->is_overflowed);
    *at = (struct journal_position){at->sequence + 1, checksum, at->segment,
                                    at->offset + (uint32_t)bytes};
}

size_t journal_record_length(struct span header, size_t room)
{
    struct reader reader = {.rest = header};
    uint64_t magic = read_number(&reader, 4);
    (void)read_bytes(&reader, 4);
    uint64_t rows_bytes = read_number(&reader, 4);
    size_t length = JOURNAL_HEADER_BYTES + (size_t)rows_bytes + JOURNAL_CHECKSUM_BYTES;
    if (reader.is_short || magic != RECORD_MAGIC || rows_bytes > JOURNAL_ROWS_BYTES_MAX)
        return 0;
    return length <= room ? length : 0;
}

// False: of no type that there is.
static bool read_header(struct reader *reader, struct journal_record *out)
{
    (void)read_bytes(reader, 4);
    uint64_t type = read_number(reader, 1);
    uint64_t key_version = read_number(reader, 1);
    uint64_t zero = read_number(reader, 2);
    (void)read_bytes(reader, 4);
    out->type = (enum journal_type)type;
    out->offset = (uint32_t)read_number(reader, 4);
    out->sequence = read_number(reader, 8);
    out->segment = read_number(reader, 8);
    out->before = read_number(reader, 8);
    bool is_known = type == JOURNAL_LAST || type == JOURNAL_MORE;
    return is_known && key_version == KEY_VERSION && zero == 0;
}

bool journal_read_record(const struct journal_id *id, struct span bytes, struct journal_record *out)
{
    size_t length = journal_record_length(span_first(bytes, JOURNAL_HEADER_BYTES), bytes.len);
    if (length == 0)
        return false;
    struct short_key key = key_of(id);
    struct span summed = span_first(bytes, length - JOURNAL_CHECKSUM_BYTES);
    struct reader tail = {.rest = span_from(bytes, summed.len)};
    out->checksum = read_number(&tail, JOURNAL_CHECKSUM_BYTES);
    if (out->checksum != short_tag64(&key, summed))
        return false;
    struct reader reader = {.rest = summed};
    bool is_known = read_header(&reader, out);
    out->rows = reader.rest;
    return is_known;
}

bool journal_begins(struct span header, const struct journal_position *at)
{
    struct journal_record record;
    struct reader reader = {.rest = header};
    bool is_known = read_header(&reader, &record);
    return is_known && !reader.is_short && journal_continues(&record, at);
}

bool journal_continues(const struct journal_record *record, const struct journal_position *at)
{
    return record->sequence == at->sequence + 1 && record->before == at->checksum &&
           record->segment == at->segment && record->offset == at->offset;
}

// --- rows ---

void journal_put_row(const struct journal_row *row, uint8_t *out)
{
    struct strbuf text = strbuf_over(out, journal_row_bytes(row));
    ASSERT(row->key.len > 0);
    ASSERT(row->key.len <= TABLE_KEY_BYTES_MAX);
    ASSERT(row->value.len <= CODEC_VALUE_BYTES_MAX);
    ASSERT(!row->is_deleted || row->value.len == 0);
    put_number(&text, (unsigned)row->space | (row->is_deleted ? DELETED_BIT : 0U), 1);
    put_number(&text, row->key.len, 1);
    put_number(&text, row->value.len, 2);
    strbuf_put(&text, row->key);
    strbuf_put(&text, row->value);
    ASSERT(!text.is_overflowed);
}

bool journal_read_row(struct span *rows, struct journal_row *out)
{
    struct reader reader = {.rest = *rows};
    uint64_t space = read_number(&reader, 1);
    size_t key_len = (size_t)read_number(&reader, 1);
    size_t value_len = (size_t)read_number(&reader, 2);
    out->is_deleted = (space & DELETED_BIT) != 0;
    out->space = (enum table_space)(space & ~(uint64_t)DELETED_BIT);
    out->key = read_bytes(&reader, key_len);
    out->value = read_bytes(&reader, value_len);
    *rows = reader.rest;
    bool has_key = key_len > 0 && key_len <= TABLE_KEY_BYTES_MAX;
    return !reader.is_short && has_key && (space & ~(uint64_t)DELETED_BIT) < TABLE_SPACES_COUNT_ &&
           value_len <= CODEC_VALUE_BYTES_MAX && (!out->is_deleted || value_len == 0);
}

// --- the table's row ---

// As codec.c sums a value: it lies among those.
static uint64_t meta_checksum(struct span value)
{
    static const struct short_key table_key = {"otpd table v0001"};
    uint8_t storage[16 + JOURNAL_META_BYTES];
    struct strbuf summed = strbuf_over(storage, sizeof storage);
    ASSERT(value.data != NULL);
    put_number(&summed, TABLE_META, 1);
    put_number(&summed, sizeof JOURNAL_META_KEY - 1, 2);
    strbuf_put(&summed, SPAN(JOURNAL_META_KEY));
    strbuf_put(&summed, value);
    ASSERT(!summed.is_overflowed);
    return short_tag64(&table_key, strbuf_span(&summed));
}

void journal_put_meta(const struct journal_meta *meta, struct strbuf *out)
{
    size_t from = out->len;
    put_number(out, FORMAT, 1);
    put_number(out, META_PARTS, 2);
    put_number(out, meta->is_made, 1);
    strbuf_put(out, id_span(&meta->id));
    put_number(out, meta->from.sequence, 8);
    put_number(out, meta->from.checksum, 8);
    put_number(out, meta->from.segment, 8);
    put_number(out, meta->from.offset, 4);
    put_number(out, meta_checksum(span_from(strbuf_span(out), from)), JOURNAL_CHECKSUM_BYTES);
    ASSERT(!out->is_overflowed);
}

static enum codec_verdict read_meta(struct reader *reader, struct journal_meta *out)
{
    uint64_t format = read_number(reader, 1);
    uint64_t parts = read_number(reader, 2);
    if (format > FORMAT || (format == FORMAT && parts > META_PARTS))
        return CODEC_NEWER;
    uint64_t is_made = read_number(reader, 1);
    bool has_id = read_id(reader, &out->id);
    out->is_made = is_made == 1;
    out->from.sequence = read_number(reader, 8);
    out->from.checksum = read_number(reader, 8);
    out->from.segment = read_number(reader, 8);
    out->from.offset = (uint32_t)read_number(reader, 4);
    bool is_whole = has_id && !reader->is_short && span_is_empty(reader->rest);
    bool is_one = format == FORMAT && parts == META_PARTS && is_made <= 1;
    bool is_place = out->from.segment > 0 && out->from.offset >= JOURNAL_BLOCK_BYTES &&
                    out->from.offset % JOURNAL_BLOCK_BYTES == 0;
    return is_whole && is_one && is_place ? CODEC_OK : CODEC_DAMAGED;
}

enum codec_verdict journal_read_meta(struct span value, struct journal_meta *out)
{
    if (value.len < CODEC_FRAME_BYTES || value.len > CODEC_VALUE_BYTES_MAX)
        return CODEC_DAMAGED;
    struct span summed = span_first(value, value.len - JOURNAL_CHECKSUM_BYTES);
    struct reader tail = {.rest = span_from(value, summed.len)};
    uint64_t checksum = read_number(&tail, JOURNAL_CHECKSUM_BYTES);
    if (summed.len > JOURNAL_META_BYTES || checksum != meta_checksum(summed))
        return CODEC_DAMAGED;
    struct reader reader = {.rest = summed};
    return read_meta(&reader, out);
}
