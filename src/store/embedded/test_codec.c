// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/embedded/codec.h"

#include "crypto/pure/mac.h"
#include "rig/codec_rig.h"
#include "sim/seeded.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define NOW_MS INT64_C(1770000000000)
#define TIME_MS_MAX ((INT64_C(1) << 48) - 1)

static const struct record_key key_a = {
    {{0xA0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}};
static const struct record_key key_b = {{{0xB0}}};

// --- values drawn at random, within the bounds that record_assert keeps ---

static int64_t draw_time(struct seeded *dice)
{
    return seeded_below(dice, 10) == 0 ? TIME_MS_MAX : (int64_t)seeded_below(dice, TIME_MS_MAX);
}

static void draw_code(struct seeded *dice, struct live_code *code)
{
    uint8_t tries_max = (uint8_t)(1 + seeded_below(dice, 255));
    *code = (struct live_code){
        .session = {seeded_u64(dice), seeded_u64(dice)},
        .salt = seeded_u64(dice),
        .device = seeded_u64(dice),
        .expires_at_ms = 1 + (int64_t)seeded_below(dice, TIME_MS_MAX),
        .ttl_ms = (uint32_t)(1 + seeded_below(dice, OTP_TTL_MS_MAX)),
        .session_expires_at_s = (uint32_t)seeded_u64(dice),
        .epoch = (uint32_t)seeded_u64(dice),
        .tries = (uint8_t)seeded_below(dice, tries_max + 1U),
        .tries_max = tries_max,
        .length = (uint8_t)(4 + seeded_below(dice, 7)),
        .channel = (uint8_t)seeded_below(dice, 256),
    };
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void draw_lists(struct seeded *dice, struct record *record)
{
    record->sends_held = (uint8_t)seeded_below(dice, RECORD_SENDS_MAX + 1);
    record->sends.base_at_ms = record->sends_held > 0 ? draw_time(dice) : 0;
    for (size_t i = 0; i < record->sends_held; i++)
        record->sends.offsets_ms[i] = (uint32_t)seeded_u64(dice);
    qsort(record->sends.offsets_ms, record->sends_held, sizeof(uint32_t), by_number);
    record->tombstones_held = (uint8_t)seeded_below(dice, RECORD_TOMBSTONES_MAX + 1);
    record->tombstones_spent = (uint8_t)seeded_below(dice, record->tombstones_held + 1U);
    record->tombstones_until_s = (uint32_t)(1 + seeded_below(dice, UINT32_MAX));
    for (size_t i = 0; i < record->tombstones_held; i++)
        record->tombstones[i] = seeded_u64(dice);
    record->codes_held = (uint8_t)seeded_below(dice, RECORD_CODES_MAX + 1);
    for (size_t i = 0; i < record->codes_held; i++)
        draw_code(dice, &record->codes[i]);
}

static void draw_username(struct seeded *dice, struct record *record)
{
    record->kind = RECORD_OF_USERNAME;
    record->is_bound = record->uid != 0;
    if (!record->is_bound && seeded_below(dice, 2) == 0)
        return;
    record->card.tag = 1 + seeded_below(dice, INT64_MAX);
    record->card.len = (uint16_t)(1 + seeded_below(dice, RECORD_CARD_BYTES_MAX));
    memset(record->card.sealed, 0xC5, record->card.len);
}

static void draw_hashes(struct seeded *dice, struct record *record)
{
    struct used_hashes *hashes = &record->hashes;
    record->kind = RECORD_OF_HASHES;
    record->hashes_held = (uint8_t)(1 + seeded_below(dice, RECORD_HASHES_MAX));
    hashes->floor_at_ms = draw_time(dice);
    for (size_t i = 0; i < record->hashes_held; i++) {
        hashes->offsets_ms[i] = (uint32_t)(1 + seeded_below(dice, UINT32_MAX));
        hashes->tags[i] = (uint32_t)seeded_u64(dice);
    }
    qsort(hashes->offsets_ms, record->hashes_held, sizeof(uint32_t), by_number);
}

static struct record draw_record(struct seeded *dice)
{
    struct record record;
    memset(&record, 0, sizeof record);
    if (seeded_below(dice, 8) == 0) {
        draw_hashes(dice, &record);
        return record;
    }
    if (seeded_below(dice, 2) == 0)
        draw_lists(dice, &record);
    if (seeded_below(dice, 2) == 0) {
        record.uid = 1 + seeded_below(dice, INT64_MAX);
        record.last_device = seeded_u64(dice);
    }
    if (record.sends_held == 0 && seeded_below(dice, 2) == 0)
        draw_username(dice, &record);
    if (seeded_below(dice, 2) == 0) {
        record.failures_open = (uint8_t)seeded_below(dice, 256);
        record.failures_reserved = (uint8_t)seeded_below(dice, 256);
        record.budget = (struct failure_budget){draw_time(dice), draw_time(dice)};
    }
    record_assert(&record);
    return record;
}

// --- one way to call all of the decoders ---

static struct span encode_record(struct codec_value *value, const struct record *record)
{
    value->buf = strbuf_over(value->bytes, sizeof value->bytes);
    codec_put_record(&key_a, record, &value->buf);
    return strbuf_span(&value->buf);
}

static const struct setting some_setting = {SPAN("DEFAULT"), SPAN("{\"a\":1}"), 3};
static const struct codec_identity some_identity = {1, {{0xF0, 0xF1}}};
static const struct codec_state some_state = {258, {NOW_MS, {5000}, 500000, {{0xB1, 0xB2}}}, 5, 9};

static struct span encode_setting(struct codec_value *value)
{
    value->buf = strbuf_over(value->bytes, sizeof value->bytes);
    codec_put_setting(&some_setting, &value->buf);
    return strbuf_span(&value->buf);
}

static struct span encode_identity(struct codec_value *value)
{
    value->buf = strbuf_over(value->bytes, sizeof value->bytes);
    codec_put_identity(&some_identity, &value->buf);
    return strbuf_span(&value->buf);
}

static struct span encode_state(struct codec_value *value)
{
    value->buf = strbuf_over(value->bytes, sizeof value->bytes);
    codec_put_state(&some_state, &value->buf);
    return strbuf_span(&value->buf);
}

static const uint8_t expiry_key[CODEC_EXPIRY_KEY_BYTES] = {1, 2, 3, 4, 0xEE};

static struct span encode_expiry(struct codec_value *value)
{
    value->buf = strbuf_over(value->bytes, sizeof value->bytes);
    codec_put_expiry(span_make(expiry_key, sizeof expiry_key), &value->buf);
    return strbuf_span(&value->buf);
}

static enum codec_verdict read_record(struct span bytes)
{
    struct record record;
    return codec_read_record(&key_a, bytes, &record);
}

static enum codec_verdict read_setting(struct span bytes)
{
    struct setting setting;
    return codec_read_setting(SPAN("DEFAULT"), bytes, &setting);
}

static enum codec_verdict read_identity(struct span bytes)
{
    struct codec_identity identity;
    return codec_read_identity(bytes, &identity);
}

static enum codec_verdict read_state(struct span bytes)
{
    struct codec_state read;
    return codec_read_state(bytes, &read);
}

static enum codec_verdict read_expiry(struct span bytes)
{
    struct codec_expiry expiry;
    return codec_read_expiry(span_make(expiry_key, sizeof expiry_key), bytes, &expiry);
}

static struct record full_record(void)
{
    struct seeded dice;
    seeded_init(&dice, 3);
    struct record record = {.uid = 5, .last_device = 6, .failures_open = 7};
    record.sends_held = RECORD_SENDS_MAX;
    record.tombstones_held = RECORD_TOMBSTONES_MAX;
    record.tombstones_until_s = 9;
    record.codes_held = RECORD_CODES_MAX;
    for (size_t i = 0; i < RECORD_CODES_MAX; i++)
        draw_code(&dice, &record.codes[i]);
    return record;
}

// --- tests ---

static void test_records_come_back(void **state)
{
    (void)state;
    struct seeded dice;
    static struct codec_value value, again;
    seeded_init(&dice, 1);
    for (int i = 0; i < 20000; i++) {
        struct record record = draw_record(&dice), read;
        struct span bytes = encode_record(&value, &record);
        assert_true(bytes.len <= CODEC_RECORD_BYTES_MAX);
        assert_int_equal(codec_read_record(&key_a, bytes, &read), CODEC_OK);
        record_assert(&read);
        assert_memory_equal(&read, &record, sizeof record);
        assert_true(span_eq(bytes, encode_record(&again, &read)));
    }
}

static void test_the_largest_record_is_as_large_as_promised(void **state)
{
    (void)state;
    static struct codec_value value;
    struct record record = full_record();
    assert_int_equal(encode_record(&value, &record).len, CODEC_RECORD_BYTES_MAX);
    assert_int_equal(CODEC_RECORD_BYTES_MAX, 999);
}

static void test_nothing_is_a_frame(void **state)
{
    (void)state;
    static struct codec_value value;
    struct record record = {0};
    assert_int_equal(encode_record(&value, &record).len, CODEC_FRAME_BYTES);
}

static void test_settings_come_back(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 100, SETTING_VALUE_BYTES_MAX};
    static uint8_t text[SETTING_VALUE_BYTES_MAX];
    static struct codec_value value;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct setting setting = {SPAN("x"), span_make(text, lengths[i]), UINT64_MAX}, read;
        value.buf = strbuf_over(value.bytes, sizeof value.bytes);
        codec_put_setting(&setting, &value.buf);
        enum codec_verdict verdict = codec_read_setting(SPAN("x"), strbuf_span(&value.buf), &read);
        assert_int_equal(verdict, CODEC_OK);
        assert_true(span_eq(read.value, setting.value));
        assert_true(read.version == UINT64_MAX);
    }
}

static void test_meta_comes_back(void **state)
{
    (void)state;
    static struct codec_value value;
    struct codec_identity identity;
    struct codec_state read;
    struct codec_expiry expiry;
    assert_int_equal(codec_read_identity(encode_identity(&value), &identity), CODEC_OK);
    assert_memory_equal(&identity, &some_identity, sizeof identity);
    assert_int_equal(codec_read_state(encode_state(&value), &read), CODEC_OK);
    assert_int_equal(read.commit, some_state.commit);
    assert_int_equal(read.mark.at_ms, NOW_MS);
    assert_int_equal(read.mark.mono.ms, 5000);
    assert_int_equal(read.mark.slack_us, 500000);
    assert_memory_equal(&read.mark.boot, &some_state.mark.boot, sizeof read.mark.boot);
    assert_int_equal(read.first_open, 5);
    assert_int_equal(read.next_sequence, 9);
    struct span key = span_make(expiry_key, sizeof expiry_key);
    assert_int_equal(codec_read_expiry(key, encode_expiry(&value), &expiry), CODEC_OK);
    assert_int_equal(expiry.minute, 0x01020304);
    assert_int_equal(expiry.key.digest.bytes[0], 0xEE);
}

static struct record golden_record(void)
{
    struct record record = {.uid = 0x0102030405060708, .last_device = 0x1112131415161718};
    record.budget = (struct failure_budget){NOW_MS, NOW_MS + 1};
    record.failures_open = 3;
    record.failures_reserved = 4;
    record.sends = (struct send_window){NOW_MS, {0, 0x01020304}};
    record.sends_held = 2;
    record.tombstones[0] = 0x2122232425262728;
    record.tombstones_held = record.tombstones_spent = 1;
    record.tombstones_until_s = 0x31323334;
    record.codes_held = 1;
    record.codes[0] = (struct live_code){{0x4142434445464748, 0x5152535455565758},
                                         0x6162636465666768,
                                         0x7172737475767778,
                                         NOW_MS + 2,
                                         0x00112233,
                                         0x81828384,
                                         0x91929394,
                                         1,
                                         5,
                                         6,
                                         2};
    return record;
}

static struct record golden_username(void)
{
    struct record record = {.uid = 0x0102030405060708, .kind = RECORD_OF_USERNAME};
    record.is_bound = true;
    record.card = (struct address_card){0x1112131415161718, 3, {0xAA, 0xBB, 0xCC}};
    return record;
}

static struct record golden_hashes(void)
{
    struct record record = {.kind = RECORD_OF_HASHES, .hashes_held = 2};
    record.hashes = (struct used_hashes){NOW_MS, {1, 0x01020304}, {0x11121314, 0x21222324}};
    return record;
}

static void test_golden_bytes(void **state)
{
    (void)state;
    static struct codec_value value;
    struct record record = golden_record();
    assert_golden(
        "record", encode_record(&value, &record),
        "01001f010203040506070811121314151617180304019c1c38a400019c1c38a401019c1c38a400020000"
        "000001020304010131323334212223242526272801414243444546474851525354555657586162636465"
        "6667687172737475767778019c1c38a40200112233818283849192939401050602231136c39ad0a3b2");
    record = golden_username();
    assert_golden("username", encode_record(&value, &record),
                  "01002101020304050607080000000000000000111213141516171803aabbcc3633aba4c6c3d243");
    record = golden_hashes();
    assert_golden("hashes", encode_record(&value, &record),
                  "010040019c1c38a40002000000011112131401020304212223243e7867491cdddf71");
    assert_golden("setting", encode_setting(&value),
                  "01000300000000000000037b2261223a317d3c3212f031abe0f1");
    assert_golden("identity", encode_identity(&value),
                  "0100010001f0f100000000000000000000000000005c885f2d59f56375");
    assert_golden(
        "state", encode_state(&value),
        "0100010000000000000102019c1c38a4000000000013880007a120b1b200000000000000000000000000"
        "000000000000000005000000000000000924887b8b5167fc91");
    assert_golden("expiry", encode_expiry(&value), "010000b97f1e00c70353a0");
}

static void test_damage_is_refused(void **state)
{
    (void)state;
    static struct codec_value value;
    struct record record = full_record();
    assert_damage_is_seen("record", encode_record(&value, &record), read_record);
    record = golden_username();
    assert_damage_is_seen("username", encode_record(&value, &record), read_record);
    record = golden_hashes();
    assert_damage_is_seen("hashes", encode_record(&value, &record), read_record);
    assert_damage_is_seen("setting", encode_setting(&value), read_setting);
    assert_damage_is_seen("identity", encode_identity(&value), read_identity);
    assert_damage_is_seen("state", encode_state(&value), read_state);
    assert_damage_is_seen("expiry", encode_expiry(&value), read_expiry);
}

static void test_a_value_under_another_key_is_refused(void **state)
{
    (void)state;
    static struct codec_value value;
    struct record record = golden_record(), read;
    struct setting setting;
    struct span bytes = encode_record(&value, &record);
    assert_int_equal(codec_read_record(&key_b, bytes, &read), CODEC_DAMAGED);
    bytes = encode_setting(&value);
    assert_int_equal(codec_read_setting(SPAN("DEFAULU"), bytes, &setting), CODEC_DAMAGED);
    assert_int_equal(read_identity(encode_state(&value)), CODEC_DAMAGED);
}

static struct span record_frame(struct codec_value *value, struct span body)
{
    struct span key = span_make(&key_a, sizeof key_a);
    return codec_frame(value, TABLE_RECORDS, key, body);
}

static const struct codec_body_row body_rows[] = {
    CODEC_ROW("nothing", "\1\0\0", CODEC_OK),
    CODEC_ROW("format 0", "\0\0\0", CODEC_DAMAGED),
    CODEC_ROW("format 2", "\2\0\0", CODEC_NEWER),
    CODEC_ROW("format 255 and anything", "\xff!!", CODEC_NEWER),
    CODEC_ROW("an unknown part",
              "\1\0\x80"
              "whatever",
              CODEC_NEWER),
    CODEC_ROW("a username", "\1\0\x20\0\0\0\0\0\0\0\0\0", CODEC_OK),
    CODEC_ROW("a username with a card", "\1\0\x20\0\0\0\0\0\0\0\1\2xx", CODEC_OK),
    CODEC_ROW("a card without an address", "\1\0\x20\0\0\0\0\0\0\0\1\0", CODEC_DAMAGED),
    CODEC_ROW("an address without a tag", "\1\0\x20\0\0\0\0\0\0\0\0\2xx", CODEC_DAMAGED),
    CODEC_ROW("a username with sends",
              "\1\0\x24" ZEROS_6 "\1\0\0\0\0"
              "\0\0\0\0\0\0\0\0\0",
              CODEC_DAMAGED),
    CODEC_ROW("a bound username without a card",
              "\1\0\x21\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0"
              "\0\0\0\0\0\0\0\0\0",
              CODEC_DAMAGED),
    CODEC_ROW("a bound username",
              "\1\0\x21\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0"
              "\0\0\0\0\0\0\0\1\1x",
              CODEC_OK),
    CODEC_ROW("a hash", "\1\0\x40" ZEROS_6 "\1\0\0\0\1abcd", CODEC_OK),
    CODEC_ROW("two hashes at one time", "\1\0\x40" ZEROS_6 "\2\0\0\0\1abcd\0\0\0\1abcd", CODEC_OK),
    CODEC_ROW("no hashes", "\1\0\x40" ZEROS_6 "\0", CODEC_DAMAGED),
    CODEC_ROW("too many hashes", "\1\0\x40" ZEROS_6 "\x21", CODEC_DAMAGED),
    CODEC_ROW("a hash at the floor", "\1\0\x40" ZEROS_6 "\1\0\0\0\0abcd", CODEC_DAMAGED),
    CODEC_ROW("hashes out of order", "\1\0\x40" ZEROS_6 "\2\0\0\0\2abcd\0\0\0\1abcd",
              CODEC_DAMAGED),
    CODEC_ROW("a hash with a person",
              "\1\0\x41\0\0\0\0\0\0\0\1" ZEROS_6 "\0\0" ZEROS_6 "\1\0\0\0\1abcd", CODEC_DAMAGED),
    CODEC_ROW("a hash with a username", "\1\0\x60\0\0\0\0\0\0\0\0\0" ZEROS_6 "\1\0\0\0\1abcd",
              CODEC_DAMAGED),
    CODEC_ROW("the highest part", "\1\x80\0", CODEC_NEWER),
    CODEC_ROW("no parts field", "\1\0", CODEC_DAMAGED),
    CODEC_ROW("bytes after the end", "\1\0\0x", CODEC_DAMAGED),
    CODEC_ROW("a part that is missing", "\1\0\1", CODEC_DAMAGED),
    CODEC_ROW("a part that says nothing", "\1\0\2\0\0" ZEROS_6 ZEROS_6, CODEC_DAMAGED),
    CODEC_ROW("no uid", "\1\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", CODEC_DAMAGED),
    CODEC_ROW("a uid out of bounds", "\1\0\1\x80\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0", CODEC_DAMAGED),
    CODEC_ROW("a send", "\1\0\4" ZEROS_6 "\1\0\0\0\0", CODEC_OK),
    CODEC_ROW("no sends", "\1\0\4" ZEROS_6 "\0", CODEC_DAMAGED),
    CODEC_ROW("65 sends", "\1\0\4" ZEROS_6 "\x41", CODEC_DAMAGED),
    CODEC_ROW("sends out of order", "\1\0\4" ZEROS_6 "\2\0\0\0\2\0\0\0\1", CODEC_DAMAGED),
    CODEC_ROW("ring position out of bounds", "\1\0\x08\0\x20\0\0\0\1", CODEC_DAMAGED),
    CODEC_ROW("33 tombstones", "\1\0\x08\x21\0\0\0\0\1", CODEC_DAMAGED),
    CODEC_ROW("tombstones without end", "\1\0\x08\1\1\0\0\0\0\0\0\0\0\0\0\0\1", CODEC_DAMAGED),
    CODEC_ROW("9 codes", "\1\0\x10\x09", CODEC_DAMAGED),
    CODEC_ROW("no codes", "\1\0\x10\0", CODEC_DAMAGED),
    CODEC_ROW("a code without anything", "\1\0\x10\1" ZEROS_48 ZEROS_6, CODEC_DAMAGED),
};

static void test_bodies(void **state)
{
    (void)state;
    static struct codec_value value;
    for (size_t i = 0; i < sizeof body_rows / sizeof body_rows[0]; i++) {
        const struct codec_body_row *row = &body_rows[i];
        assert_row_equal(row->name, read_record(record_frame(&value, row->body)), row->verdict);
    }
}

struct code_row {
    const char *name;
    size_t at; // in the code
    struct span bytes;
};

static const struct code_row code_rows[] = {
    {"no end", 32, SPAN("\0\0\0\0\0\0")},
    {"no life", 38, SPAN("\0\0\0\0")},
    {"a life too long", 38, SPAN("\x05\x26\x5c\x01")},
    {"more tries than allowed", 50, SPAN("\6")},
    {"no tries allowed", 50, SPAN("\0\0")},
    {"3 digits", 52, SPAN("\3")},
    {"11 digits", 52, SPAN("\x0b")},
};

static void test_bounds_of_codes(void **state)
{
    (void)state;
    static struct codec_value value, changed;
    struct record record = {.codes_held = 1}, full = golden_record();
    record.codes[0] = full.codes[0];
    struct span whole = encode_record(&value, &record);
    assert_int_equal(whole.len, 3 + 1 + CODEC_CODE_BYTES + 8);
    for (size_t i = 0; i < sizeof code_rows / sizeof code_rows[0]; i++) {
        const struct code_row *row = &code_rows[i];
        uint8_t body[4 + CODEC_CODE_BYTES];
        memcpy(body, whole.data, sizeof body);
        memcpy(body + 4 + row->at, row->bytes.data, row->bytes.len);
        struct span bytes = record_frame(&changed, span_make(body, sizeof body));
        assert_row_equal(row->name, read_record(bytes), CODEC_DAMAGED);
    }
}

static void test_identity_of_a_newer_version(void **state)
{
    (void)state;
    static struct codec_value value;
    struct codec_identity identity = {CODEC_DATA_FORMAT + 1, {{0}}};
    value.buf = strbuf_over(value.bytes, sizeof value.bytes);
    codec_put_identity(&identity, &value.buf);
    assert_int_equal(read_identity(strbuf_span(&value.buf)), CODEC_NEWER);
}

static void test_keys_are_ordered_as_numbers(void **state)
{
    (void)state;
    uint8_t a[CODEC_ENTRY_KEY_BYTES], b[CODEC_ENTRY_KEY_BYTES];
    uint64_t sequence;
    codec_entry_key(255, a);
    codec_entry_key(256, b);
    assert_true(memcmp(a, b, sizeof a) < 0);
    assert_true(codec_entry_sequence(span_make(b, sizeof b), &sequence));
    assert_int_equal(sequence, 256);
    assert_false(codec_entry_sequence(span_make(b, sizeof b - 1), &sequence));
    struct codec_expiry early = {255, key_b}, late = {256, key_a};
    uint8_t c[CODEC_EXPIRY_KEY_BYTES], d[CODEC_EXPIRY_KEY_BYTES];
    codec_expiry_key(&early, c);
    codec_expiry_key(&late, d);
    assert_true(memcmp(c, d, sizeof c) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_come_back),
        cmocka_unit_test(test_the_largest_record_is_as_large_as_promised),
        cmocka_unit_test(test_nothing_is_a_frame),
        cmocka_unit_test(test_settings_come_back),
        cmocka_unit_test(test_meta_comes_back),
        cmocka_unit_test(test_golden_bytes),
        cmocka_unit_test(test_damage_is_refused),
        cmocka_unit_test(test_a_value_under_another_key_is_refused),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_bounds_of_codes),
        cmocka_unit_test(test_identity_of_a_newer_version),
        cmocka_unit_test(test_keys_are_ordered_as_numbers),
    };
    return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
