// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The outbox's part of the codec.
#include "store/embedded/codec.h"

#include "rig/codec_rig.h"
#include "sim/seeded.h"
#include "unit/unit.h"

#include <string.h>

#define NOW_MS INT64_C(1770000000000)
#define TIME_MS_MAX ((INT64_C(1) << 48) - 1)

static const struct record_key key_a = {
    {{0xA0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}};

static int64_t draw_time(struct seeded *dice)
{
    return seeded_below(dice, 10) == 0 ? TIME_MS_MAX : (int64_t)seeded_below(dice, TIME_MS_MAX);
}

static struct codec_entry draw_entry(struct seeded *dice)
{
    static const char languages[][LANGUAGE_BYTES_MAX + 1] = {"vi", "pt-BR", "zh-Hant"};
    struct codec_entry drawn;
    struct outbox_entry *entry = &drawn.entry;
    memset(&drawn, 0, sizeof drawn);
    entry->id = seeded_u64(dice);
    entry->brand_id = seeded_u64(dice);
    entry->key = key_a;
    entry->session = (struct session_ref){seeded_u64(dice), seeded_u64(dice)};
    entry->salt = seeded_u64(dice);
    entry->epoch = (uint32_t)seeded_u64(dice);
    entry->length = (uint8_t)(4 + seeded_below(dice, 7));
    entry->channel = (uint8_t)seeded_below(dice, 256);
    entry->created_at_ms = draw_time(dice);
    entry->deadline_at_ms = draw_time(dice);
    memset(entry->masked, '*', seeded_below(dice, MASKED_ADDRESS_BYTES_MAX));
    if (seeded_below(dice, 2) == 0)
        memcpy(entry->language, languages[seeded_below(dice, 3)], LANGUAGE_BYTES_MAX);
    drawn.provider = (provider_tag)seeded_u64(dice);
    return drawn;
}

static struct attempt draw_attempt(struct seeded *dice, int64_t made_at_ms)
{
    return (struct attempt){
        .provider = (provider_tag)seeded_u64(dice),
        .state = (uint8_t)seeded_below(dice, DELIVERY_STATE_COUNT_),
        .reason = (uint8_t)seeded_below(dice, 256),
        .at_ms = made_at_ms + (int64_t)seeded_below(dice, UINT64_C(1) << 32),
        .answered_after_ms = (uint32_t)seeded_u64(dice),
        .reported_after_ms = (uint32_t)seeded_u64(dice),
    };
}

static struct codec_delivery draw_delivery(struct seeded *dice)
{
    struct codec_delivery drawn;
    struct delivery *delivery = &drawn.delivery;
    memset(&drawn, 0, sizeof drawn);
    drawn.made_at_ms = (int64_t)seeded_below(dice, TIME_MS_MAX);
    delivery->state = (uint8_t)seeded_below(dice, DELIVERY_STATE_COUNT_);
    delivery->tries = (uint8_t)seeded_below(dice, 256);
    delivery->provider = (provider_tag)seeded_u64(dice);
    delivery->due_at_ms = STORE_NEVER;
    if (seeded_below(dice, 2) == 0)
        delivery->due_at_ms = drawn.made_at_ms + (int64_t)seeded_below(dice, UINT64_C(1) << 32);
    delivery->attempts_held = (uint8_t)seeded_below(dice, DELIVERY_ATTEMPTS_MAX + 1);
    for (size_t i = 0; i < delivery->attempts_held; i++)
        delivery->attempts[i] = draw_attempt(dice, drawn.made_at_ms);
    delivery->ref_len = (uint8_t)seeded_below(dice, DELIVERY_REF_BYTES_MAX + 1);
    memset(delivery->ref, 'r', delivery->ref_len);
    delivery->words_len = (uint8_t)seeded_below(dice, DELIVERY_WORDS_BYTES_MAX + 1);
    memset(delivery->words, 'w', delivery->words_len);
    drawn.refs_held = (uint8_t)seeded_below(dice, CODEC_REFS_MAX + 1);
    for (size_t i = 0; i < drawn.refs_held; i++)
        drawn.refs[i] = 1 + seeded_below(dice, INT64_MAX);
    return drawn;
}

static struct span encode_entry(struct codec_value *value, const struct codec_entry *entry)
{
    value->buf = strbuf_over(value->bytes, sizeof value->bytes);
    codec_put_entry(77, entry, &value->buf);
    return strbuf_span(&value->buf);
}

static struct span encode_delivery(struct codec_value *value, const struct codec_delivery *delivery)
{
    value->buf = strbuf_over(value->bytes, sizeof value->bytes);
    codec_put_delivery(77, delivery, &value->buf);
    return strbuf_span(&value->buf);
}

static const uint8_t sealed_key[CODEC_SEALED_KEY_BYTES] = {1, 2, 3, 4, [11] = 77};

static struct span encode_sealed(struct codec_value *value, const struct sealed *address)
{
    value->buf = strbuf_over(value->bytes, sizeof value->bytes);
    codec_put_sealed(span_make(sealed_key, sizeof sealed_key), address, &value->buf);
    return strbuf_span(&value->buf);
}

static struct span encode_ref(struct codec_value *value)
{
    value->buf = strbuf_over(value->bytes, sizeof value->bytes);
    codec_put_ref(0x0102030405060708, 77, &value->buf);
    return strbuf_span(&value->buf);
}

static enum codec_verdict read_entry(struct span bytes)
{
    struct codec_entry entry;
    return codec_read_entry(77, bytes, &entry);
}

static enum codec_verdict read_delivery(struct span bytes)
{
    struct codec_delivery delivery;
    return codec_read_delivery(77, NOW_MS, bytes, &delivery);
}

static enum codec_verdict read_sealed(struct span bytes)
{
    struct sealed address;
    return codec_read_sealed(span_make(sealed_key, sizeof sealed_key), bytes, &address);
}

static enum codec_verdict read_ref(struct span bytes)
{
    uint64_t sequence = 0;
    return codec_read_ref(0x0102030405060708, bytes, &sequence);
}

static void test_entries_come_back(void **state)
{
    (void)state;
    struct seeded dice;
    static struct codec_value value, again;
    seeded_init(&dice, 2);
    for (int i = 0; i < 5000; i++) {
        struct codec_entry entry = draw_entry(&dice), read;
        struct span bytes = encode_entry(&value, &entry);
        assert_int_equal(codec_read_entry(77, bytes, &read), CODEC_OK);
        assert_memory_equal(&read, &entry, sizeof entry);
        assert_true(span_eq(bytes, encode_entry(&again, &read)));
    }
}

static void test_deliveries_come_back(void **state)
{
    (void)state;
    struct seeded dice;
    static struct codec_value value, again;
    seeded_init(&dice, 4);
    for (int i = 0; i < 5000; i++) {
        struct codec_delivery delivery = draw_delivery(&dice), read;
        struct span bytes = encode_delivery(&value, &delivery);
        assert_true(bytes.len <= CODEC_DELIVERY_BYTES_MAX);
        assert_int_equal(codec_read_delivery(77, delivery.made_at_ms, bytes, &read), CODEC_OK);
        assert_memory_equal(&read, &delivery, sizeof delivery);
        assert_true(span_eq(bytes, encode_delivery(&again, &read)));
    }
}

static void test_the_largest_delivery_is_as_large_as_promised(void **state)
{
    (void)state;
    static struct codec_value value;
    struct codec_delivery delivery = {.refs_held = CODEC_REFS_MAX};
    delivery.delivery.attempts_held = DELIVERY_ATTEMPTS_MAX;
    delivery.delivery.ref_len = DELIVERY_REF_BYTES_MAX;
    delivery.delivery.words_len = DELIVERY_WORDS_BYTES_MAX;
    assert_int_equal(encode_delivery(&value, &delivery).len, CODEC_DELIVERY_BYTES_MAX);
}

static void test_addresses_and_references_come_back(void **state)
{
    (void)state;
    static struct codec_value value;
    static const uint16_t lengths[] = {1, 40, SEAL_BYTES_MAX};
    struct span key = span_make(sealed_key, sizeof sealed_key);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct sealed address = {.len = lengths[i]}, read;
        memset(address.bytes, 0x5A, address.len);
        struct span bytes = encode_sealed(&value, &address);
        assert_int_equal(codec_read_sealed(key, bytes, &read), CODEC_OK);
        assert_memory_equal(&read, &address, sizeof read);
    }
    uint64_t sequence = 0;
    assert_int_equal(codec_read_ref(0x0102030405060708, encode_ref(&value), &sequence), CODEC_OK);
    assert_int_equal(sequence, 77);
    assert_int_equal(encode_ref(&value).len, CODEC_REF_BYTES);
}

static struct codec_entry golden_entry(void)
{
    return (struct codec_entry){.entry = {.id = 0x0102030405060708,
                                          .brand_id = 0x1112131415161718,
                                          .key = key_a,
                                          .session = {0x2122232425262728, 0x3132333435363738},
                                          .salt = 0x4142434445464748,
                                          .epoch = 0x51525354,
                                          .length = 6,
                                          .channel = 1,
                                          .created_at_ms = NOW_MS,
                                          .deadline_at_ms = NOW_MS + 1,
                                          .masked = "+1"},
                                .provider = 0x61626364};
}

static struct codec_delivery golden_delivery(void)
{
    return (struct codec_delivery){
        .made_at_ms = NOW_MS,
        .delivery = {.state = DELIVERY_ACCEPTED,
                     .tries = 2,
                     .attempts_held = 2,
                     .provider = 0x61626364,
                     .due_at_ms = NOW_MS + 5,
                     .attempts = {{0x71727374, DELIVERY_FAILED, 3, NOW_MS + 1, 2, 0},
                                  {0x61626364, DELIVERY_ACCEPTED, 0, NOW_MS + 3, 4, 0x01020304}},
                     .ref_len = 2,
                     .words_len = 3,
                     .ref = "r1",
                     .words = "no!"},
        .refs = {0x8182838485868788},
        .refs_held = 1,
    };
}

static const struct sealed golden_sealed = {.len = 3, .bytes = {0xAA, 0xBB, 0xCC}};

static void test_golden_bytes(void **state)
{
    (void)state;
    static struct codec_value value;
    struct codec_entry entry = golden_entry();
    struct codec_delivery delivery = golden_delivery();
    assert_golden(
        "entry", encode_entry(&value, &entry),
        "01000301020304050607081112131415161718a00102030405060708090a0b0c0d0e0f21222324252627"
        "283132333435363738414243444546474851525354060161626364019c1c38a400019c1c38a401022b31"
        "7a10a1c3ed051478");
    assert_golden(
        "delivery", encode_delivery(&value, &delivery),
        "01003f020261626364000000050271727374040300000001000000020000000061626364020000000003"
        "0000000401020304027231036e6f2101818283848586878889ce9beea2fa7c3d");
    assert_golden("sealed address", encode_sealed(&value, &golden_sealed),
                  "0100010003aabbcced0f9d2d6c101953");
    assert_golden("reference", encode_ref(&value), "010001000000000000004d0f1c1f207c11d889");
}

static void test_damage_is_refused(void **state)
{
    (void)state;
    static struct codec_value value;
    struct codec_entry entry = golden_entry();
    struct codec_delivery delivery = golden_delivery();
    assert_damage_is_seen("entry", encode_entry(&value, &entry), read_entry);
    assert_damage_is_seen("delivery", encode_delivery(&value, &delivery), read_delivery);
    assert_damage_is_seen("sealed address", encode_sealed(&value, &golden_sealed), read_sealed);
    assert_damage_is_seen("reference", encode_ref(&value), read_ref);
}

static void test_a_value_under_another_key_is_refused(void **state)
{
    (void)state;
    static struct codec_value value;
    struct codec_entry entry = golden_entry(), read_back;
    struct codec_delivery delivery = golden_delivery(), delivery_back;
    struct sealed address;
    uint64_t sequence;
    struct span bytes = encode_entry(&value, &entry);
    assert_int_equal(codec_read_entry(78, bytes, &read_back), CODEC_DAMAGED);
    bytes = encode_delivery(&value, &delivery);
    assert_int_equal(codec_read_delivery(78, NOW_MS, bytes, &delivery_back), CODEC_DAMAGED);
    bytes = encode_sealed(&value, &golden_sealed);
    struct span other_key = span_make("123456789abc", CODEC_SEALED_KEY_BYTES);
    assert_int_equal(codec_read_sealed(other_key, bytes, &address), CODEC_DAMAGED);
    assert_int_equal(codec_read_ref(78, encode_ref(&value), &sequence), CODEC_DAMAGED);
}

#define STEP "\2\1\0\0\0\5"
#define ATTEMPT "\0\0\0\5\2\0\0\0\0\0\0\0\0\0\0\0\0\0"

static const struct codec_body_row delivery_rows[] = {
    CODEC_ROW("a step", "\1\0\1" STEP, CODEC_OK),
    CODEC_ROW("no step", "\1\0\2\0\0\0\1", CODEC_DAMAGED),
    CODEC_ROW("an unknown state", "\1\0\1\x09\1\0\0\0\5", CODEC_DAMAGED),
    CODEC_ROW("an unknown part", "\1\0\x41" STEP, CODEC_NEWER),
    CODEC_ROW("due at once", "\1\0\3" STEP "\0\0\0\0", CODEC_OK),
    CODEC_ROW("an attempt", "\1\0\5" STEP "\1" ATTEMPT, CODEC_OK),
    CODEC_ROW("no attempts", "\1\0\5" STEP "\0", CODEC_DAMAGED),
    CODEC_ROW("an attempt too few", "\1\0\5" STEP "\2" ATTEMPT, CODEC_DAMAGED),
    CODEC_ROW("nine attempts",
              "\1\0\5" STEP
              "\x09" ATTEMPT ATTEMPT ATTEMPT ATTEMPT ATTEMPT ATTEMPT ATTEMPT ATTEMPT ATTEMPT,
              CODEC_DAMAGED),
    CODEC_ROW("an attempt in no state", "\1\0\5" STEP "\1\0\0\0\5\x09\0" ZEROS_6 ZEROS_6,
              CODEC_DAMAGED),
    CODEC_ROW("an empty reference", "\1\0\x09" STEP "\0", CODEC_DAMAGED),
    CODEC_ROW("a reference too long", "\1\0\x09" STEP "\x41" ZEROS_48 ZEROS_6 ZEROS_6 "12345",
              CODEC_DAMAGED),
    CODEC_ROW("empty words", "\1\0\x11" STEP "\0", CODEC_DAMAGED),
    CODEC_ROW("words too long", "\1\0\x11" STEP "\x61" ZEROS_48 ZEROS_48 "1", CODEC_DAMAGED),
    CODEC_ROW("a tag", "\1\0\x21" STEP "\1\0\0\0\0\0\0\0\1", CODEC_OK),
    CODEC_ROW("a tag of nobody", "\1\0\x21" STEP "\1\0\0\0\0\0\0\0\0", CODEC_DAMAGED),
    CODEC_ROW("no tags", "\1\0\x21" STEP "\0", CODEC_DAMAGED),
};

static struct span delivery_frame(struct codec_value *value, struct span body)
{
    uint8_t key[CODEC_ENTRY_KEY_BYTES];
    codec_entry_key(77, key);
    return codec_frame(value, TABLE_DELIVERIES, span_make(key, sizeof key), body);
}

static void test_bodies_of_deliveries(void **state)
{
    (void)state;
    static struct codec_value value;
    for (size_t i = 0; i < sizeof delivery_rows / sizeof delivery_rows[0]; i++) {
        const struct codec_body_row *row = &delivery_rows[i];
        assert_row_equal(row->name, read_delivery(delivery_frame(&value, row->body)), row->verdict);
    }
}

static void test_keys_are_ordered_as_numbers(void **state)
{
    (void)state;
    uint8_t first[CODEC_SEALED_KEY_BYTES], second[CODEC_SEALED_KEY_BYTES];
    struct codec_sealed_at at;
    codec_sealed_key(&(struct codec_sealed_at){255, 9}, first);
    codec_sealed_key(&(struct codec_sealed_at){256, 3}, second);
    assert_true(memcmp(first, second, sizeof first) < 0);
    assert_true(codec_read_sealed_key(span_make(second, sizeof second), &at));
    assert_int_equal(at.minute, 256);
    assert_int_equal(at.sequence, 3);
    assert_false(codec_read_sealed_key(span_make(second, sizeof second - 1), &at));
    assert_int_equal(codec_minute_of(119999), 2);
    assert_int_equal(codec_minute_of(120000), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_come_back),
        cmocka_unit_test(test_deliveries_come_back),
        cmocka_unit_test(test_the_largest_delivery_is_as_large_as_promised),
        cmocka_unit_test(test_addresses_and_references_come_back),
        cmocka_unit_test(test_golden_bytes),
        cmocka_unit_test(test_damage_is_refused),
        cmocka_unit_test(test_a_value_under_another_key_is_refused),
        cmocka_unit_test(test_bodies_of_deliveries),
        cmocka_unit_test(test_keys_are_ordered_as_numbers),
    };
    return cmocka_run_group_tests_name("codec_outbox", tests, NULL, NULL);
}
