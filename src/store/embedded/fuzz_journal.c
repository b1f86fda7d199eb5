// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Bytes of a journal, whatever they are: a reader refuses them, or gives something that encodes to
// the same bytes. The first byte says of what; checksums are put right in every other run.
#include "crypto/pure/mac.h"
#include "store/embedded/journal_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_BYTES_MAX (2U * JOURNAL_BLOCK_BYTES)

static const struct journal_id the_id = {"an id of 16 byte"};

static void put_checksum(uint8_t *at, const char key[SHORT_KEY_BYTES], struct span summed)
{
    struct short_key public_key;
    memcpy(&public_key, key, sizeof public_key);
    uint64_t checksum = short_tag64(&public_key, summed);
    for (size_t i = 0; i < 8; i++)
        at[i] = (uint8_t)(checksum >> (56 - 8 * i));
}

static void try_rows(struct span rows)
{
    struct journal_row row;
    uint8_t again[JOURNAL_ROW_BYTES_MAX];
    struct span before = rows;
    while (journal_read_row(&rows, &row)) {
        journal_put_row(&row, again);
        ASSERT(span_eq(span_make(again, journal_row_bytes(&row)),
                       span_first(before, journal_row_bytes(&row))));
        before = rows;
    }
}

static void try_record(uint8_t *bytes, size_t size, bool is_put_right)
{
    static uint8_t storage[INPUT_BYTES_MAX + JOURNAL_BLOCK_BYTES];
    struct journal_record record;
    size_t length = journal_record_length(span_make(bytes, size), size);
    if (length > 0 && is_put_right)
        put_checksum(bytes + length - 8, (const char *)the_id.bytes, span_make(bytes, length - 8));
    if (!journal_read_record(&the_id, span_make(bytes, size), &record))
        return;
    try_rows(record.rows);
    if (record.sequence == 0 || record.offset % JOURNAL_BLOCK_BYTES != 0)
        return;
    struct strbuf out = strbuf_over(storage, sizeof storage);
    struct journal_position at = {record.sequence - 1, record.before, record.segment,
                                  record.offset};
    ASSERT(journal_continues(&record, &at));
    journal_put_record(&the_id, record.type, record.rows, &at, &out);
    ASSERT(span_eq(span_first(strbuf_span(&out), length), span_make(bytes, length)));
}

static void try_head(uint8_t *bytes, size_t size, bool is_put_right)
{
    uint8_t storage[JOURNAL_BLOCK_BYTES];
    struct strbuf out = strbuf_over(storage, sizeof storage);
    struct journal_head head;
    if (size >= 52 && is_put_right)
        put_checksum(bytes + 44, "otpd journal key", span_make(bytes, 44));
    if (journal_read_head(span_make(bytes, size), &head) != CODEC_OK)
        return;
    journal_put_head(&head, &out);
    ASSERT(span_eq(span_first(strbuf_span(&out), 52), span_make(bytes, 52)));
}

static void try_meta(struct span value)
{
    uint8_t storage[JOURNAL_META_BYTES];
    struct strbuf out = strbuf_over(storage, sizeof storage);
    struct journal_meta meta;
    if (journal_read_meta(value, &meta) != CODEC_OK)
        return;
    journal_put_meta(&meta, &out);
    ASSERT(span_eq(strbuf_span(&out), value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[INPUT_BYTES_MAX];
    if (size == 0 || size - 1 > sizeof bytes)
        return 0;
    memcpy(bytes, data + 1, size - 1);
    bool is_put_right = (data[0] & 1U) != 0;
    switch (data[0] >> 1 & 3U) {
    case 0:
        try_head(bytes, size - 1, is_put_right);
        break;
    case 1:
        try_meta(span_make(bytes, size - 1));
        break;
    case 2:
        try_rows(span_make(bytes, size - 1));
        break;
    default:
        try_record(bytes, size - 1, is_put_right);
        break;
    }
    return 0;
}
