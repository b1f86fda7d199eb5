// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// People, the index of what expires, settings, and what the directory is.
#include "store/embedded/frame.h"

// --- record ---

static bool person_is_held(const void *thing)
{
    return ((const struct record *)thing)->uid != 0;
}

static void put_person(const void *thing, struct strbuf *out)
{
    const struct record *record = thing;
    put_number(out, record->uid, 8);
    put_number(out, record->last_device, 8);
}

static bool read_person(struct reader *reader, void *thing)
{
    struct record *record = thing;
    record->uid = read_number(reader, 8);
    record->last_device = read_number(reader, 8);
    return record->uid <= (uint64_t)INT64_MAX + 1;
}

static bool budget_is_held(const void *thing)
{
    const struct record *record = thing;
    return record->failures_open != 0 || record->failures_reserved != 0 ||
           record->budget.open_locked_until_ms != 0 || record->budget.reserve_locked_until_ms != 0;
}

static void put_budget(const void *thing, struct strbuf *out)
{
    const struct record *record = thing;
    put_number(out, record->failures_open, 1);
    put_number(out, record->failures_reserved, 1);
    put_time(out, record->budget.open_locked_until_ms);
    put_time(out, record->budget.reserve_locked_until_ms);
}

static bool read_budget(struct reader *reader, void *thing)
{
    struct record *record = thing;
    record->failures_open = (uint8_t)read_number(reader, 1);
    record->failures_reserved = (uint8_t)read_number(reader, 1);
    record->budget.open_locked_until_ms = read_time(reader);
    record->budget.reserve_locked_until_ms = read_time(reader);
    return true;
}

static bool sends_are_held(const void *thing)
{
    return ((const struct record *)thing)->sends_held != 0;
}

static void put_sends(const void *thing, struct strbuf *out)
{
    const struct record *record = thing;
    put_time(out, record->sends.base_at_ms);
    put_number(out, record->sends_held, 1);
    for (size_t i = 0; i < record->sends_held; i++)
        put_number(out, record->sends.offsets_ms[i], 4);
}

static bool read_sends(struct reader *reader, void *thing)
{
    struct record *record = thing;
    record->sends.base_at_ms = read_time(reader);
    record->sends_held = (uint8_t)read_number(reader, 1);
    if (record->sends_held > RECORD_SENDS_MAX)
        return false;
    uint32_t last_ms = 0;
    for (size_t i = 0; i < record->sends_held; i++) {
        uint32_t offset_ms = (uint32_t)read_number(reader, 4);
        if (offset_ms < last_ms)
            return false;
        record->sends.offsets_ms[i] = last_ms = offset_ms;
    }
    return true;
}

static bool tombstones_are_held(const void *thing)
{
    const struct record *record = thing;
    return record->tombstones_held != 0 || record->tombstones_until_s != 0;
}

static void put_tombstones(const void *thing, struct strbuf *out)
{
    const struct record *record = thing;
    put_number(out, record->tombstones_held, 1);
    put_number(out, record->tombstones_spent, 1);
    put_number(out, record->tombstones_until_s, 4);
    for (size_t i = 0; i < record->tombstones_held; i++)
        put_number(out, record->tombstones[i], 8);
}

static bool read_tombstones(struct reader *reader, void *thing)
{
    struct record *record = thing;
    record->tombstones_held = (uint8_t)read_number(reader, 1);
    record->tombstones_spent = (uint8_t)read_number(reader, 1);
    record->tombstones_until_s = (uint32_t)read_number(reader, 4);
    if (record->tombstones_held > RECORD_TOMBSTONES_MAX ||
        record->tombstones_spent > record->tombstones_held)
        return false;
    for (size_t i = 0; i < record->tombstones_held; i++)
        record->tombstones[i] = read_number(reader, 8);
    return record->tombstones_held == 0 || record->tombstones_until_s > 0;
}

static void put_code(const struct live_code *code, struct strbuf *out)
{
    frame_put_session(&code->session, out);
    put_number(out, code->salt, 8);
    put_number(out, code->device, 8);
    put_time(out, code->expires_at_ms);
    put_number(out, code->ttl_ms, 4);
    put_number(out, code->session_expires_at_s, 4);
    put_number(out, code->epoch, 4);
    put_number(out, code->tries, 1);
    put_number(out, code->tries_max, 1);
    put_number(out, code->length, 1);
    put_number(out, code->channel, 1);
}

static bool read_code(struct reader *reader, struct live_code *code)
{
    code->session = frame_read_session(reader);
    code->salt = read_number(reader, 8);
    code->device = read_number(reader, 8);
    code->expires_at_ms = read_time(reader);
    code->ttl_ms = (uint32_t)read_number(reader, 4);
    code->session_expires_at_s = (uint32_t)read_number(reader, 4);
    code->epoch = (uint32_t)read_number(reader, 4);
    code->tries = (uint8_t)read_number(reader, 1);
    code->tries_max = (uint8_t)read_number(reader, 1);
    code->length = (uint8_t)read_number(reader, 1);
    code->channel = (uint8_t)read_number(reader, 1);
    bool has_tries = code->tries_max > 0 && code->tries <= code->tries_max;
    bool has_life =
        code->expires_at_ms > 0 && code->ttl_ms > 0 && (int64_t)code->ttl_ms <= OTP_TTL_MS_MAX;
    return frame_length_is_valid(code->length) && has_tries && has_life;
}

static bool codes_are_held(const void *thing)
{
    return ((const struct record *)thing)->codes_held != 0;
}

static void put_codes(const void *thing, struct strbuf *out)
{
    const struct record *record = thing;
    put_number(out, record->codes_held, 1);
    for (size_t i = 0; i < record->codes_held; i++)
        put_code(&record->codes[i], out);
}

static bool read_codes(struct reader *reader, void *thing)
{
    struct record *record = thing;
    record->codes_held = (uint8_t)read_number(reader, 1);
    if (record->codes_held > RECORD_CODES_MAX)
        return false;
    for (size_t i = 0; i < record->codes_held; i++) {
        if (!read_code(reader, &record->codes[i]))
            return false;
    }
    return true;
}

static bool username_is_held(const void *thing)
{
    return ((const struct record *)thing)->kind == RECORD_OF_USERNAME;
}

static void put_username(const void *thing, struct strbuf *out)
{
    const struct address_card *card = &((const struct record *)thing)->card;
    _Static_assert(RECORD_CARD_BYTES_MAX <= UINT8_MAX, "its length is one byte");
    put_number(out, card->tag, 8);
    put_number(out, card->len, 1);
    strbuf_put(out, span_make(card->sealed, card->len));
}

// The card lies where sends would, and its address is bound once somebody has logged in: both are
// of parts with lower bits, and known by now.
static bool read_username(struct reader *reader, void *thing)
{
    struct record *record = thing;
    if (record->sends_held != 0)
        return false;
    record->kind = RECORD_OF_USERNAME;
    record->is_bound = record->uid != 0;
    record->card.tag = read_number(reader, 8);
    record->card.len = (uint16_t)read_number(reader, 1);
    if (record->card.len > RECORD_CARD_BYTES_MAX)
        return false;
    struct span sealed = read_bytes(reader, record->card.len);
    if (sealed.len > 0)
        memcpy(record->card.sealed, sealed.data, sealed.len);
    bool has_card = record->card.tag != 0;
    return has_card == (record->card.len > 0) && (has_card || !record->is_bound);
}

static bool hashes_are_held(const void *thing)
{
    return ((const struct record *)thing)->kind == RECORD_OF_HASHES;
}

static void put_hashes(const void *thing, struct strbuf *out)
{
    const struct record *record = thing;
    put_time(out, record->hashes.floor_at_ms);
    put_number(out, record->hashes_held, 1);
    for (size_t i = 0; i < record->hashes_held; i++) {
        put_number(out, record->hashes.offsets_ms[i], 4);
        put_number(out, record->hashes.tags[i], 4);
    }
}

// Nothing of the parts with lower bits.
static bool is_only_hashes(const struct record *record)
{
    return !person_is_held(record) && !budget_is_held(record) && !sends_are_held(record) &&
           !tombstones_are_held(record) && !codes_are_held(record) && !username_is_held(record);
}

static bool read_hashes(struct reader *reader, void *thing)
{
    struct record *record = thing;
    if (!is_only_hashes(record))
        return false;
    record->kind = RECORD_OF_HASHES;
    record->hashes.floor_at_ms = read_time(reader);
    record->hashes_held = (uint8_t)read_number(reader, 1);
    if (record->hashes_held == 0 || record->hashes_held > RECORD_HASHES_MAX)
        return false;
    uint32_t last_ms = 1;
    for (size_t i = 0; i < record->hashes_held; i++) {
        uint32_t offset_ms = (uint32_t)read_number(reader, 4);
        if (offset_ms < last_ms)
            return false;
        record->hashes.offsets_ms[i] = last_ms = offset_ms;
        record->hashes.tags[i] = (uint32_t)read_number(reader, 4);
    }
    return true;
}

static const struct frame_part record_parts[] = {
    {person_is_held, put_person, read_person},
    {budget_is_held, put_budget, read_budget},
    {sends_are_held, put_sends, read_sends},
    {tombstones_are_held, put_tombstones, read_tombstones},
    {codes_are_held, put_codes, read_codes},
    {username_is_held, put_username, read_username},
    {hashes_are_held, put_hashes, read_hashes},
};

static const struct frame_kind record_kind = {
    .parts = record_parts, .count = sizeof record_parts / sizeof record_parts[0]};

static struct frame_place record_place(const struct record_key *key)
{
    return (struct frame_place){TABLE_RECORDS, span_make(key, sizeof *key)};
}

void codec_put_record(const struct record_key *key, const struct record *record, struct strbuf *out)
{
    struct frame_place place = record_place(key);
    record_assert(record);
    frame_put(&record_kind, &place, record, out);
}

enum codec_verdict codec_read_record(const struct record_key *key, struct span value,
                                     struct record *out)
{
    struct frame_place place = record_place(key);
    memset(out, 0, sizeof *out);
    return frame_read(&record_kind, &place, value, out);
}

// --- expiry ---

static const struct frame_kind expiry_kind = {0};

void codec_expiry_key(const struct codec_expiry *expiry, uint8_t out[CODEC_EXPIRY_KEY_BYTES])
{
    struct strbuf key = strbuf_over(out, CODEC_EXPIRY_KEY_BYTES);
    put_number(&key, expiry->minute, 4);
    strbuf_put(&key, span_make(&expiry->key, sizeof expiry->key));
}

void codec_put_expiry(struct span key, struct strbuf *out)
{
    const struct frame_place place = {TABLE_EXPIRY, key};
    frame_put(&expiry_kind, &place, NULL, out);
}

enum codec_verdict codec_read_expiry(struct span key, struct span value, struct codec_expiry *out)
{
    const struct frame_place place = {TABLE_EXPIRY, key};
    if (key.len != CODEC_EXPIRY_KEY_BYTES)
        return CODEC_DAMAGED;
    struct reader reader = {.rest = key};
    out->minute = (uint32_t)read_number(&reader, 4);
    memcpy(&out->key, reader.rest.data, sizeof out->key);
    return frame_read(&expiry_kind, &place, value, NULL);
}

// --- setting ---

static void put_version(const void *thing, struct strbuf *out)
{
    put_number(out, ((const struct setting *)thing)->version, 8);
}

static bool read_version(struct reader *reader, void *thing)
{
    struct setting *setting = thing;
    setting->version = read_number(reader, 8);
    return setting->version > 0;
}

static bool value_is_held(const void *thing)
{
    return !span_is_empty(((const struct setting *)thing)->value);
}

static void put_setting_value(const void *thing, struct strbuf *out)
{
    strbuf_put(out, ((const struct setting *)thing)->value);
}

static bool read_setting_value(struct reader *reader, void *thing)
{
    struct setting *setting = thing;
    setting->value = read_bytes(reader, reader->rest.len);
    return setting->value.len <= SETTING_VALUE_BYTES_MAX;
}

static const struct frame_part setting_parts[] = {
    {frame_is_held_always, put_version, read_version},
    {value_is_held, put_setting_value, read_setting_value},
};

static const struct frame_kind setting_kind = {
    .parts = setting_parts, .count = sizeof setting_parts / sizeof setting_parts[0], .always = 1};

void codec_put_setting(const struct setting *setting, struct strbuf *out)
{
    const struct frame_place place = {TABLE_SETTINGS, setting->name};
    ASSERT(setting->value.len <= SETTING_VALUE_BYTES_MAX);
    frame_put(&setting_kind, &place, setting, out);
}

enum codec_verdict codec_read_setting(struct span name, struct span value, struct setting *out)
{
    const struct frame_place place = {TABLE_SETTINGS, name};
    *out = (struct setting){.name = name};
    if (name.len == 0 || name.len > SETTING_NAME_BYTES_MAX)
        return CODEC_DAMAGED;
    return frame_read(&setting_kind, &place, value, out);
}

// --- meta ---

static void put_identity(const void *thing, struct strbuf *out)
{
    const struct codec_identity *identity = thing;
    put_number(out, identity->format, 2);
    strbuf_put(out, span_make(&identity->fingerprint, sizeof identity->fingerprint));
}

static bool read_identity(struct reader *reader, void *thing)
{
    struct codec_identity *identity = thing;
    identity->format = (uint16_t)read_number(reader, 2);
    struct span fingerprint = read_bytes(reader, sizeof identity->fingerprint);
    if (fingerprint.len > 0)
        memcpy(&identity->fingerprint, fingerprint.data, fingerprint.len);
    return identity->format > 0;
}

static void put_state(const void *thing, struct strbuf *out)
{
    const struct codec_state *state = thing;
    put_number(out, state->commit, 8);
    put_time(out, state->mark.at_ms);
    put_time(out, state->mark.mono.ms);
    put_number(out, state->mark.slack_us, 4);
    strbuf_put(out, span_make(&state->mark.boot, sizeof state->mark.boot));
    put_number(out, state->first_open, 8);
    put_number(out, state->next_sequence, 8);
}

static bool read_state(struct reader *reader, void *thing)
{
    struct codec_state *state = thing;
    state->commit = read_number(reader, 8);
    state->mark.at_ms = read_time(reader);
    state->mark.mono.ms = read_time(reader);
    state->mark.slack_us = (uint32_t)read_number(reader, 4);
    struct span boot = read_bytes(reader, sizeof state->mark.boot);
    if (boot.len > 0)
        memcpy(&state->mark.boot, boot.data, boot.len);
    state->first_open = read_number(reader, 8);
    state->next_sequence = read_number(reader, 8);
    bool has_order = state->first_open > 0 && state->first_open <= state->next_sequence;
    return state->commit > 0 && has_order;
}

static const struct frame_part identity_parts[] = {
    {frame_is_held_always, put_identity, read_identity}};
static const struct frame_part state_parts[] = {{frame_is_held_always, put_state, read_state}};
static const struct frame_kind identity_kind = {.parts = identity_parts, .count = 1, .always = 1};
static const struct frame_kind state_kind = {.parts = state_parts, .count = 1, .always = 1};
static const struct frame_place identity_place = {
    TABLE_META, {(const uint8_t *)CODEC_IDENTITY_KEY, sizeof CODEC_IDENTITY_KEY - 1}};
static const struct frame_place state_place = {
    TABLE_META, {(const uint8_t *)CODEC_STATE_KEY, sizeof CODEC_STATE_KEY - 1}};

void codec_put_identity(const struct codec_identity *identity, struct strbuf *out)
{
    frame_put(&identity_kind, &identity_place, identity, out);
}

enum codec_verdict codec_read_identity(struct span value, struct codec_identity *out)
{
    memset(out, 0, sizeof *out);
    enum codec_verdict verdict = frame_read(&identity_kind, &identity_place, value, out);
    bool is_newer = verdict == CODEC_OK && out->format > CODEC_DATA_FORMAT;
    return is_newer ? CODEC_NEWER : verdict;
}

void codec_put_state(const struct codec_state *state, struct strbuf *out)
{
    frame_put(&state_kind, &state_place, state, out);
}

enum codec_verdict codec_read_state(struct span value, struct codec_state *out)
{
    memset(out, 0, sizeof *out);
    return frame_read(&state_kind, &state_place, value, out);
}
