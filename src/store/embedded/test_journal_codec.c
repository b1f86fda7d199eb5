// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/embedded/journal_codec.h"

#include "crypto/pure/mac.h"
#include "unit/unit.h"

#define GOLDEN_HEAD                                    \
    "6f747064206a6f75726e616c000100000040000000000000" \
    "00000007616e206964206f6620313620627974658fceb25b" \
    "5b55e7f8"
#define GOLDEN_RECORD                                  \
    "6f4a7231010100000000000c000010000000000000000001" \
    "00000000000000010000000000000000020300056b657976" \
    "616c7565c2bcc629364eb2d1"
#define GOLDEN_META                                    \
    "01000101616e206964206f66203136206279746500000000" \
    "0000012c0000000000001234000000000000000500003000" \
    "a8e2fb7d6e8932b0"

static const struct journal_id the_id = {"an id of 16 byte"};
static const struct journal_position start = {0, 0, 1, JOURNAL_BLOCK_BYTES};

static void assert_hex(struct span bytes, const char *expected)
{
    uint8_t storage[512];
    struct strbuf text = strbuf_over(storage, sizeof storage);
    strbuf_put_hex(&text, bytes);
    if (!span_eq(strbuf_span(&text), span_of_text(expected)))
        print_message("%.*s\n", (int)text.len, text.data);
    assert_true(span_eq(strbuf_span(&text), span_of_text(expected)));
}

static bool is_zero(struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] != 0)
            return false;
    }
    return true;
}

static struct span put_record(struct journal_position *at, struct span rows, uint8_t *storage)
{
    struct strbuf out = strbuf_over(storage, 4 * JOURNAL_BLOCK_BYTES);
    journal_put_record(&the_id, JOURNAL_LAST, rows, at, &out);
    return strbuf_span(&out);
}

static void test_the_bytes_of_a_head(void **state)
{
    (void)state;
    uint8_t storage[JOURNAL_BLOCK_BYTES];
    struct strbuf out = strbuf_over(storage, sizeof storage);
    struct journal_head head = {7, 4 << 20, the_id}, read;
    journal_put_head(&head, &out);
    assert_int_equal(out.len, JOURNAL_BLOCK_BYTES);
    assert_hex(span_first(strbuf_span(&out), 52), GOLDEN_HEAD);
    assert_true(is_zero(span_from(strbuf_span(&out), 52)));
    assert_int_equal(journal_read_head(strbuf_span(&out), &read), CODEC_OK);
    assert_int_equal(read.segment, 7);
    assert_int_equal(read.segment_bytes, 4 << 20);
    assert_memory_equal(&read.id, &the_id, sizeof the_id);
}

static void test_the_bytes_of_a_record(void **state)
{
    (void)state;
    uint8_t storage[4 * JOURNAL_BLOCK_BYTES], rows[64];
    const struct journal_row row = {TABLE_EXPIRY, false, SPAN("key"), SPAN("value")};
    struct journal_position at = start;
    struct journal_record read;
    journal_put_row(&row, rows);
    struct span bytes = put_record(&at, span_make(rows, journal_row_bytes(&row)), storage);
    assert_int_equal(bytes.len, JOURNAL_BLOCK_BYTES);
    assert_hex(span_first(bytes, 60), GOLDEN_RECORD);
    assert_true(is_zero(span_from(bytes, 60)));
    assert_true(journal_read_record(&the_id, bytes, &read));
    assert_true(journal_continues(&read, &start));
    assert_int_equal(at.sequence, 1);
    assert_int_equal(at.offset, 2 * JOURNAL_BLOCK_BYTES);
    assert_true(at.checksum == read.checksum);
}

static void test_the_bytes_of_where_replay_begins(void **state)
{
    (void)state;
    uint8_t storage[JOURNAL_META_BYTES];
    struct strbuf out = strbuf_over(storage, sizeof storage);
    const struct journal_meta meta = {true, the_id, {300, 0x1234, 5, 3 * JOURNAL_BLOCK_BYTES}};
    struct journal_meta read;
    journal_put_meta(&meta, &out);
    assert_hex(strbuf_span(&out), GOLDEN_META);
    assert_int_equal(journal_read_meta(strbuf_span(&out), &read), CODEC_OK);
    assert_true(read.is_made);
    assert_int_equal(read.from.sequence, 300);
    assert_int_equal(read.from.checksum, 0x1234);
    assert_int_equal(read.from.segment, 5);
    assert_int_equal(read.from.offset, 3 * JOURNAL_BLOCK_BYTES);
}

static void test_a_deleted_row(void **state)
{
    (void)state;
    uint8_t bytes[16];
    const struct journal_row row = {TABLE_META, true, SPAN("k"), SPAN("")};
    struct journal_row read;
    struct span rest = span_make(bytes, journal_row_bytes(&row));
    journal_put_row(&row, bytes);
    assert_hex(rest, "840100006b");
    assert_true(journal_read_row(&rest, &read));
    assert_true(read.is_deleted);
    assert_true(span_is_empty(rest));
}

static void test_rows_that_are_none(void **state)
{
    (void)state;
    static const struct span none[] = {
        SPAN(""),
        SPAN("\x00\x01\x00"),       // cut in its head
        SPAN("\x00\x02\x00\x00k"),  // in its key
        SPAN("\x00\x01\x00\x02kv"), // in its value
        SPAN("\x40\x01\x00\x00k"),  // no such space
        SPAN("\x00\x00\x00\x01v"),  // no key
        SPAN("\x80\x01\x00\x01kv"), // deleted, and has a value
        SPAN(
            "\x00\x41\x00\x00kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"),
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct span rest = none[i];
        struct journal_row row;
        assert_false(journal_read_row(&rest, &row));
    }
}

static void test_a_record_belongs_in_one_place(void **state)
{
    (void)state;
    uint8_t storage[4 * JOURNAL_BLOCK_BYTES];
    struct journal_position at = start;
    struct journal_record read;
    struct span bytes = put_record(&at, SPAN("no rows, but bytes"), storage);
    const struct journal_position others[] = {
        {1, 0, 1, JOURNAL_BLOCK_BYTES},
        {0, 1, 1, JOURNAL_BLOCK_BYTES},
        {0, 0, 2, JOURNAL_BLOCK_BYTES},
        {0, 0, 1, 2 * JOURNAL_BLOCK_BYTES},
    };
    assert_true(journal_read_record(&the_id, bytes, &read));
    assert_true(journal_begins(span_first(bytes, JOURNAL_HEADER_BYTES), &start));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(journal_continues(&read, &others[i]));
        assert_false(journal_begins(span_first(bytes, JOURNAL_HEADER_BYTES), &others[i]));
    }
}

static void test_records_of_another_journal_are_none(void **state)
{
    (void)state;
    uint8_t storage[4 * JOURNAL_BLOCK_BYTES];
    const struct journal_id other = {"an id of 16 bytE"};
    struct journal_position at = start;
    struct journal_record read;
    struct span bytes = put_record(&at, SPAN("rows"), storage);
    assert_false(journal_read_record(&other, bytes, &read));
}

static void put_checksum(uint8_t *bytes, size_t len, const char key[SHORT_KEY_BYTES])
{
    struct short_key public_key;
    memcpy(&public_key, key, sizeof public_key);
    uint64_t checksum = short_tag64(&public_key, span_make(bytes, len));
    for (size_t i = 0; i < 8; i++)
        bytes[len + i] = (uint8_t)(checksum >> (56 - 8 * i));
}

// Told from damage by its checksum.
static void test_a_newer_format(void **state)
{
    (void)state;
    uint8_t block[JOURNAL_BLOCK_BYTES];
    struct strbuf out = strbuf_over(block, sizeof block);
    struct journal_head read;
    journal_put_head(&(struct journal_head){7, 4 << 20, the_id}, &out);
    block[13] = 2;
    assert_int_equal(journal_read_head(strbuf_span(&out), &read), CODEC_DAMAGED);
    put_checksum(block, 44, "otpd journal key");
    assert_int_equal(journal_read_head(strbuf_span(&out), &read), CODEC_NEWER);
    block[13] = 0;
    put_checksum(block, 44, "otpd journal key");
    assert_int_equal(journal_read_head(strbuf_span(&out), &read), CODEC_DAMAGED);
}

// Each bit of all that is read: none of them may be another value.
static void test_flipped_bits(void **state)
{
    (void)state;
    uint8_t storage[4 * JOURNAL_BLOCK_BYTES], block[JOURNAL_BLOCK_BYTES];
    struct strbuf head = strbuf_over(block, sizeof block);
    struct journal_position at = start;
    struct journal_record record;
    struct journal_head read;
    journal_put_head(&(struct journal_head){7, 4 << 20, the_id}, &head);
    struct span bytes = put_record(&at, SPAN("some rows"), storage);
    for (size_t bit = 0; bit < 8 * 57; bit++) {
        storage[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_false(journal_read_record(&the_id, bytes, &record));
        storage[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * 52; bit++) {
        block[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(journal_read_head(strbuf_span(&head), &read), CODEC_DAMAGED);
        block[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t len = 0; len < 57; len++)
        assert_false(journal_read_record(&the_id, span_first(bytes, len), &record));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bytes_of_a_head),
        cmocka_unit_test(test_the_bytes_of_a_record),
        cmocka_unit_test(test_the_bytes_of_where_replay_begins),
        cmocka_unit_test(test_a_deleted_row),
        cmocka_unit_test(test_rows_that_are_none),
        cmocka_unit_test(test_a_record_belongs_in_one_place),
        cmocka_unit_test(test_records_of_another_journal_are_none),
        cmocka_unit_test(test_a_newer_format),
        cmocka_unit_test(test_flipped_bits),
    };
    return cmocka_run_group_tests_name("journal_codec", tests, NULL, NULL);
}
