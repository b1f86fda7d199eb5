// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/record.h"

#include "base/assert.h"

#include <string.h>

#define DOMAIN_DEVICE 0x44U

static void code_assert(const struct live_code *code)
{
    ASSERT(code->length >= CODE_DIGITS_MIN);
    ASSERT(code->length <= CODE_DIGITS_MAX);
    ASSERT(code->tries_max > 0);
    ASSERT(code->tries <= code->tries_max);
    ASSERT(code->ttl_ms > 0);
    ASSERT(code->ttl_ms <= OTP_TTL_MS_MAX);
    ASSERT(code->expires_at_ms > 0);
}

static void username_assert(const struct record *record)
{
    ASSERT(record->sends_held == 0);
    ASSERT(record->card.len <= RECORD_CARD_BYTES_MAX);
    ASSERT((record->card.tag != 0) == (record->card.len > 0));
    ASSERT(record->is_bound == (record->uid != 0));
    ASSERT(!record->is_bound || record->card.tag != 0);
}

static void hashes_assert(const struct record *record)
{
    const struct used_hashes *hashes = &record->hashes;
    ASSERT(record->uid == 0);
    ASSERT(record->codes_held == 0);
    ASSERT(record->tombstones_held == 0);
    ASSERT(record->sends_held == 0);
    for (size_t i = 0; i < record->hashes_held; i++)
        ASSERT(hashes->offsets_ms[i] > (i > 0 ? hashes->offsets_ms[i - 1] - 1 : 0));
}

static void address_assert(const struct record *record)
{
    ASSERT(record->kind == RECORD_OF_ADDRESS);
    ASSERT(!record->is_bound);
    for (size_t i = 1; i < record->sends_held; i++)
        ASSERT(record->sends.offsets_ms[i - 1] <= record->sends.offsets_ms[i]);
}

void record_assert(const struct record *record)
{
    ASSERT(record->codes_held <= RECORD_CODES_MAX);
    ASSERT(record->sends_held <= RECORD_SENDS_MAX);
    ASSERT(record->tombstones_held <= RECORD_TOMBSTONES_MAX);
    ASSERT(record->tombstones_spent <= record->tombstones_held);
    ASSERT(record->tombstones_held == 0 || record->tombstones_until_s > 0);
    ASSERT(record->uid <= (uint64_t)INT64_MAX + 1);
    ASSERT(record->last_device == 0 || record->uid != 0);
    for (size_t i = 0; i < record->codes_held; i++)
        code_assert(&record->codes[i]);
    ASSERT(record->hashes_held <= (record->kind == RECORD_OF_HASHES ? RECORD_HASHES_MAX : 0));
    if (record->kind == RECORD_OF_USERNAME)
        username_assert(record);
    else if (record->kind == RECORD_OF_HASHES)
        hashes_assert(record);
    else
        address_assert(record);
}

void record_key_of(const struct key *index_key, uint64_t brand_id, struct span identifier,
                   struct record_key *out)
{
    struct mac_message message;
    mac_message_init(&message);
    mac_message_put_u64(&message, brand_id);
    mac_message_put(&message, identifier);
    mac_compute(index_key, MAC_RECORD_KEY, &message, out->digest.bytes, sizeof out->digest.bytes);
}

// Another list of fields than that of record_key_of.
void record_key_of_hashes(const struct key *index_key, uint64_t brand_id, struct span identifier,
                          struct record_key *out)
{
    struct mac_message message;
    mac_message_init(&message);
    mac_message_put_u64(&message, brand_id);
    mac_message_put(&message, identifier);
    mac_message_put(&message, SPAN("hashes"));
    mac_compute(index_key, MAC_RECORD_KEY, &message, out->digest.bytes, sizeof out->digest.bytes);
}

uint64_t record_device_tag(const struct key *index_key, struct span device)
{
    if (span_is_empty(device))
        return 0;
    struct short_key key;
    short_key_init(&key, index_key, DOMAIN_DEVICE);
    uint64_t tag = short_tag64(&key, device);
    wipe(&key, sizeof key);
    return tag != 0 ? tag : 1;
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof value; i++)
        value = value << 8 | at[i];
    return value;
}

uint64_t record_address_tag(const struct key *index_key, const struct record_key *owner,
                            struct span address)
{
    struct mac_message message;
    uint8_t bytes[8];
    mac_message_init(&message);
    mac_message_put(&message, span_make(owner->digest.bytes, sizeof owner->digest.bytes));
    mac_message_put(&message, address);
    mac_compute(index_key, MAC_ADDRESS, &message, bytes, sizeof bytes);
    uint64_t tag = get_u64(bytes);
    return tag != 0 ? tag : 1;
}

static void be(struct record *record, enum record_kind kind)
{
    if (record->kind == kind)
        return;
    ASSERT(record->kind == RECORD_OF_ADDRESS);
    ASSERT(record->uid == 0);
    ASSERT(record->sends_held == 0);
    ASSERT(record->codes_held == 0);
    ASSERT(record->tombstones_held == 0);
    memset(&record->sends, 0, sizeof record->sends);
    record->kind = (uint8_t)kind;
}

void record_be_username(struct record *record)
{
    be(record, RECORD_OF_USERNAME);
}

void record_be_hashes(struct record *record)
{
    be(record, RECORD_OF_HASHES);
}

static void put_u64(uint8_t *at, uint64_t value)
{
    for (size_t i = 0; i < sizeof value; i++)
        at[i] = (uint8_t)(value >> (56 - 8 * i));
}

void code_source_of(const struct record_key *key, const struct session_ref *session, uint64_t salt,
                    struct code_source *out)
{
    out->record_key = key->digest;
    put_u64(out->session.bytes, session->id);
    put_u64(out->session.bytes + 8, session->binding);
    out->salt = salt;
}

struct live_code *record_code_find(struct record *record, uint64_t session_id)
{
    for (size_t i = 0; i < record->codes_held; i++) {
        if (record->codes[i].session.id == session_id)
            return &record->codes[i];
    }
    return NULL;
}

bool record_is_spent(const struct record *record, uint64_t session_id)
{
    for (size_t i = 0; i < record->tombstones_held; i++) {
        if (record->tombstones[i] == session_id)
            return true;
    }
    return false;
}

static void code_remove(struct record *record, struct live_code *code)
{
    size_t at = (size_t)(code - record->codes);
    ASSERT(code >= record->codes);
    ASSERT(at < record->codes_held);
    size_t after = record->codes_held - at - 1U;
    memmove(code, code + 1, after * sizeof *code);
    record->codes_held--;
    memset(&record->codes[record->codes_held], 0, sizeof *code);
}

// An id verifies at most until its own end and, while it has a code, the code's; a tombstone is
// kept through the lingering after that.
static uint32_t code_traces_end_at_s(const struct live_code *code)
{
    int64_t session_end_ms = (int64_t)code->session_expires_at_s * 1000;
    int64_t end_ms = code->expires_at_ms > session_end_ms ? code->expires_at_ms : session_end_ms;
    return (uint32_t)((end_ms + CODE_LINGER_MS) / 1000 + 1);
}

static void tombstone_remove(struct record *record, size_t at)
{
    ASSERT(at < record->tombstones_held);
    size_t after = record->tombstones_held - at - 1U;
    memmove(&record->tombstones[at], &record->tombstones[at + 1],
            after * sizeof record->tombstones[0]);
    record->tombstones_held--;
    record->tombstones[record->tombstones_held] = 0;
    if (at < record->tombstones_spent)
        record->tombstones_spent--;
}

static void tombstone_insert(struct record *record, size_t at, uint64_t session_id)
{
    ASSERT(record->tombstones_held < RECORD_TOMBSTONES_MAX);
    memmove(&record->tombstones[at + 1], &record->tombstones[at],
            (record->tombstones_held - at) * sizeof record->tombstones[0]);
    record->tombstones[at] = session_id;
    record->tombstones_held++;
}

// The oldest dropped one makes room; where there is none, the oldest spent one.
static void tombstones_make_room(struct record *record)
{
    bool has_dropped = record->tombstones_spent < record->tombstones_held;
    if (record->tombstones_held == RECORD_TOMBSTONES_MAX)
        tombstone_remove(record, has_dropped ? record->tombstones_spent : 0);
}

static void bury(struct record *record, struct live_code *code, size_t at)
{
    uint32_t until_s = code_traces_end_at_s(code);
    tombstone_insert(record, at, code->session.id);
    if (record->tombstones_until_s < until_s)
        record->tombstones_until_s = until_s;
    code_remove(record, code);
}

void record_code_spend(struct record *record, struct live_code *code)
{
    tombstones_make_room(record);
    bury(record, code, record->tombstones_spent);
    record->tombstones_spent++;
}

// While all tombstones are of logins, a dropped session gets none: it may begin anew, which is less
// than what forgetting one of them would allow.
static void code_drop(struct record *record, struct live_code *code)
{
    if (record->tombstones_spent == RECORD_TOMBSTONES_MAX) {
        code_remove(record, code);
        return;
    }
    tombstones_make_room(record);
    bury(record, code, record->tombstones_held);
}

// Strangers who open session after session push out each other's codes, not the owner's.
static struct live_code *code_to_drop(struct record *record)
{
    ASSERT(record->codes_held == RECORD_CODES_MAX);
    for (size_t i = 0; i < record->codes_held; i++) {
        if (record->last_device == 0 || record->codes[i].device != record->last_device)
            return &record->codes[i];
    }
    return &record->codes[0];
}

struct live_code *record_code_add(struct record *record)
{
    if (record->codes_held == RECORD_CODES_MAX)
        code_drop(record, code_to_drop(record));
    ASSERT(record->codes_held < RECORD_CODES_MAX);
    struct live_code *code = &record->codes[record->codes_held++];
    memset(code, 0, sizeof *code);
    return code;
}

void record_prune(struct record *record, int64_t now_ms)
{
    for (size_t i = record->codes_held; i > 0; i--) {
        struct live_code *code = &record->codes[i - 1];
        if (now_ms >= (int64_t)code_traces_end_at_s(code) * 1000)
            code_remove(record, code);
    }
    if (record->tombstones_held == 0 || now_ms < (int64_t)record->tombstones_until_s * 1000)
        return;
    memset(record->tombstones, 0, sizeof record->tombstones);
    record->tombstones_held = 0;
    record->tombstones_spent = 0;
    record->tombstones_until_s = 0;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

// Send times matter as long as the longest window that may be set later.
static int64_t sends_end_at_ms(const struct record *record)
{
    if (record->sends_held == 0)
        return 0;
    int64_t last = record->sends.base_at_ms + record->sends.offsets_ms[record->sends_held - 1U];
    return last + OTP_WINDOW_MS_MAX;
}

// From a day after the latest one no hash that is in it can be taken any more.
static int64_t hashes_end_at_ms(const struct record *record)
{
    if (record->hashes_held == 0)
        return 0;
    return record->hashes.floor_at_ms + record->hashes.offsets_ms[record->hashes_held - 1U] +
           USED_HASH_MEMORY_MS;
}

int64_t record_expires_at_ms(const struct record *record)
{
    if (record->kind == RECORD_OF_HASHES)
        return hashes_end_at_ms(record);
    bool has_failures = record->failures_open > 0 || record->failures_reserved > 0;
    if (record->uid != 0 || has_failures)
        return INT64_MAX;
    int64_t end = later(sends_end_at_ms(record), (int64_t)record->tombstones_until_s * 1000);
    for (size_t i = 0; i < record->codes_held; i++)
        end = later(end, (int64_t)code_traces_end_at_s(&record->codes[i]) * 1000);
    return end;
}
