// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Stored bytes, whatever they are: a decoder refuses them, or gives something that keeps all bounds
// and encodes to the same bytes. The first byte says which kind of value; the checksum is put right
// in every other run, else hardly any input would come past it.
#include "crypto/pure/mac.h"
#include "store/embedded/bytes.h"
#include "store/embedded/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KINDS 9U
#define CHECKSUM_BYTES 8U

static const struct record_key record_key = {{{1, 2, 3}}};
static const uint8_t expiry_key[CODEC_EXPIRY_KEY_BYTES] = {4, 5, 6};
static const uint8_t entry_key[CODEC_ENTRY_KEY_BYTES] = {[7] = 77}; // of a reference too
static const uint8_t sealed_key[CODEC_SEALED_KEY_BYTES] = {7, 8, 9};

static bool again_record(struct span value, struct strbuf *out)
{
    struct record record;
    if (codec_read_record(&record_key, value, &record) != CODEC_OK)
        return false;
    record_assert(&record);
    codec_put_record(&record_key, &record, out);
    return true;
}

static bool again_entry(struct span value, struct strbuf *out)
{
    struct codec_entry entry;
    if (codec_read_entry(77, value, &entry) != CODEC_OK)
        return false;
    codec_put_entry(77, &entry, out);
    return true;
}

#define MADE_AT_MS INT64_C(1770000000000)

static bool again_delivery(struct span value, struct strbuf *out)
{
    struct codec_delivery delivery;
    if (codec_read_delivery(77, MADE_AT_MS, value, &delivery) != CODEC_OK)
        return false;
    codec_put_delivery(77, &delivery, out);
    return true;
}

static bool again_sealed(struct span value, struct strbuf *out)
{
    struct sealed address;
    struct span key = span_make(sealed_key, sizeof sealed_key);
    if (codec_read_sealed(key, value, &address) != CODEC_OK)
        return false;
    codec_put_sealed(key, &address, out);
    return true;
}

static bool again_ref(struct span value, struct strbuf *out)
{
    uint64_t sequence = 0;
    if (codec_read_ref(77, value, &sequence) != CODEC_OK)
        return false;
    codec_put_ref(77, sequence, out);
    return true;
}

static bool again_expiry(struct span value, struct strbuf *out)
{
    struct codec_expiry expiry;
    struct span key = span_make(expiry_key, sizeof expiry_key);
    if (codec_read_expiry(key, value, &expiry) != CODEC_OK)
        return false;
    codec_put_expiry(key, out);
    return true;
}

static bool again_setting(struct span value, struct strbuf *out)
{
    struct setting setting;
    if (codec_read_setting(SPAN("NAME"), value, &setting) != CODEC_OK)
        return false;
    codec_put_setting(&setting, out);
    return true;
}

static bool again_identity(struct span value, struct strbuf *out)
{
    struct codec_identity identity;
    if (codec_read_identity(value, &identity) != CODEC_OK)
        return false;
    codec_put_identity(&identity, out);
    return true;
}

static bool again_state(struct span value, struct strbuf *out)
{
    struct codec_state state;
    if (codec_read_state(value, &state) != CODEC_OK)
        return false;
    codec_put_state(&state, out);
    return true;
}

static const struct {
    uint8_t space;
    struct span key;
    bool (*again)(struct span value, struct strbuf *out);
} kinds[KINDS] = {
    {TABLE_RECORDS, {(const uint8_t *)&record_key, sizeof record_key}, again_record},
    {TABLE_ENTRIES, {entry_key, sizeof entry_key}, again_entry},
    {TABLE_EXPIRY, {expiry_key, sizeof expiry_key}, again_expiry},
    {TABLE_SETTINGS, SPAN("NAME"), again_setting},
    {TABLE_META, SPAN(CODEC_IDENTITY_KEY), again_identity},
    {TABLE_META, SPAN(CODEC_STATE_KEY), again_state},
    {TABLE_SEALED, {sealed_key, sizeof sealed_key}, again_sealed},
    {TABLE_DELIVERIES, {entry_key, sizeof entry_key}, again_delivery},
    {TABLE_REFS, {entry_key, sizeof entry_key}, again_ref},
};

static void put_right(unsigned kind, struct span body, struct strbuf *value)
{
    static const struct short_key key = {"otpd table v0001"};
    uint8_t storage[3 + TABLE_KEY_BYTES_MAX + CODEC_VALUE_BYTES_MAX];
    struct strbuf summed = strbuf_over(storage, sizeof storage);
    put_number(&summed, kinds[kind].space, 1);
    put_number(&summed, kinds[kind].key.len, 2);
    strbuf_put(&summed, kinds[kind].key);
    strbuf_put(&summed, body);
    strbuf_put(value, body);
    put_number(value, short_tag64(&key, strbuf_span(&summed)), CHECKSUM_BYTES);
}

static void check(unsigned kind, struct span value)
{
    static uint8_t storage[CODEC_VALUE_BYTES_MAX];
    struct strbuf out = strbuf_over(storage, sizeof storage);
    if (kinds[kind].again(value, &out))
        ASSERT(span_eq(strbuf_span(&out), value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t storage[CODEC_VALUE_BYTES_MAX];
    if (size == 0 || size - 1 > sizeof storage - CHECKSUM_BYTES)
        return 0;
    struct span body = span_make(data + 1, size - 1);
    unsigned kind = data[0] / 2 % KINDS;
    if (data[0] % 2 == 0) {
        check(kind, body);
        return 0;
    }
    struct strbuf value = strbuf_over(storage, sizeof storage);
    put_right(kind, body, &value);
    check(kind, strbuf_span(&value));
    return 0;
}
