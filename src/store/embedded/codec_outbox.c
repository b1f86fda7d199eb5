// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What the outbox writes: an entry, its address, what has become of it, and its references.
#include "store/embedded/frame.h"

#define MINUTE_MS 60000

// --- outbox entry ---

static void put_promise(const void *thing, struct strbuf *out)
{
    const struct outbox_entry *entry = &((const struct codec_entry *)thing)->entry;
    put_number(out, entry->id, 8);
    put_number(out, entry->brand_id, 8);
    strbuf_put(out, span_make(&entry->key, sizeof entry->key));
    frame_put_session(&entry->session, out);
    put_number(out, entry->salt, 8);
    put_number(out, entry->epoch, 4);
    put_number(out, entry->length, 1);
    put_number(out, entry->channel, 1);
    put_number(out, ((const struct codec_entry *)thing)->provider, 4);
    put_time(out, entry->created_at_ms);
    put_time(out, entry->deadline_at_ms);
}

static bool read_promise(struct reader *reader, void *thing)
{
    struct outbox_entry *entry = &((struct codec_entry *)thing)->entry;
    entry->id = read_number(reader, 8);
    entry->brand_id = read_number(reader, 8);
    struct span key = read_bytes(reader, sizeof entry->key);
    if (key.len > 0)
        memcpy(&entry->key, key.data, key.len);
    entry->session = frame_read_session(reader);
    entry->salt = read_number(reader, 8);
    entry->epoch = (uint32_t)read_number(reader, 4);
    entry->length = (uint8_t)read_number(reader, 1);
    entry->channel = (uint8_t)read_number(reader, 1);
    ((struct codec_entry *)thing)->provider = (provider_tag)read_number(reader, 4);
    entry->created_at_ms = read_time(reader);
    entry->deadline_at_ms = read_time(reader);
    return frame_length_is_valid(entry->length);
}

static bool masked_is_held(const void *thing)
{
    return ((const struct codec_entry *)thing)->entry.masked[0] != '\0';
}

static void put_masked(const void *thing, struct strbuf *out)
{
    const struct outbox_entry *entry = &((const struct codec_entry *)thing)->entry;
    size_t len = strnlen(entry->masked, sizeof entry->masked);
    ASSERT(len < sizeof entry->masked);
    put_number(out, len, 1);
    strbuf_put(out, span_make(entry->masked, len));
}

static bool read_masked(struct reader *reader, void *thing)
{
    struct outbox_entry *entry = &((struct codec_entry *)thing)->entry;
    size_t len = (size_t)read_number(reader, 1);
    if (len >= sizeof entry->masked)
        return false;
    struct span masked = read_bytes(reader, len);
    if (masked.len > 0)
        memcpy(entry->masked, masked.data, masked.len);
    return span_find(masked, '\0') == masked.len;
}

static bool language_is_held(const void *thing)
{
    return ((const struct codec_entry *)thing)->entry.language[0] != '\0';
}

static void put_language(const void *thing, struct strbuf *out)
{
    const struct outbox_entry *entry = &((const struct codec_entry *)thing)->entry;
    size_t len = strnlen(entry->language, sizeof entry->language);
    put_number(out, len, 1);
    strbuf_put(out, span_make(entry->language, len));
}

static bool read_language(struct reader *reader, void *thing)
{
    struct outbox_entry *entry = &((struct codec_entry *)thing)->entry;
    size_t len = (size_t)read_number(reader, 1);
    if (len > sizeof entry->language)
        return false;
    struct span language = read_bytes(reader, len);
    if (language.len > 0)
        memcpy(entry->language, language.data, language.len);
    return language_is_tag(language);
}

static const struct frame_part entry_parts[] = {
    {frame_is_held_always, put_promise, read_promise},
    {masked_is_held, put_masked, read_masked},
    {language_is_held, put_language, read_language},
};

static const struct frame_kind entry_kind = {
    .parts = entry_parts, .count = sizeof entry_parts / sizeof entry_parts[0], .always = 1};

void codec_entry_key(uint64_t sequence, uint8_t out[CODEC_ENTRY_KEY_BYTES])
{
    struct strbuf key = strbuf_over(out, CODEC_ENTRY_KEY_BYTES);
    put_number(&key, sequence, CODEC_ENTRY_KEY_BYTES);
}

bool codec_entry_sequence(struct span key, uint64_t *sequence_out)
{
    struct reader reader = {.rest = key};
    *sequence_out = read_number(&reader, CODEC_ENTRY_KEY_BYTES);
    return !reader.is_short && span_is_empty(reader.rest);
}

void codec_put_entry(uint64_t sequence, const struct codec_entry *entry, struct strbuf *out)
{
    uint8_t key[CODEC_ENTRY_KEY_BYTES];
    codec_entry_key(sequence, key);
    ASSERT(frame_length_is_valid(entry->entry.length));
    const struct frame_place place = {TABLE_ENTRIES, span_make(key, sizeof key)};
    frame_put(&entry_kind, &place, entry, out);
}

enum codec_verdict codec_read_entry(uint64_t sequence, struct span value, struct codec_entry *out)
{
    uint8_t key[CODEC_ENTRY_KEY_BYTES];
    codec_entry_key(sequence, key);
    const struct frame_place place = {TABLE_ENTRIES, span_make(key, sizeof key)};
    memset(out, 0, sizeof *out);
    return frame_read(&entry_kind, &place, value, out);
}

// --- sealed address ---

static bool sealed_is_held(const void *thing)
{
    return ((const struct sealed *)thing)->len != 0;
}

static void put_sealed(const void *thing, struct strbuf *out)
{
    const struct sealed *address = thing;
    ASSERT(address->len <= SEAL_BYTES_MAX);
    put_number(out, address->len, 2);
    strbuf_put(out, span_make(address->bytes, address->len));
}

static bool read_sealed(struct reader *reader, void *thing)
{
    struct sealed *address = thing;
    address->len = (uint16_t)read_number(reader, 2);
    if (address->len > SEAL_BYTES_MAX)
        return false;
    struct span bytes = read_bytes(reader, address->len);
    if (bytes.len > 0)
        memcpy(address->bytes, bytes.data, bytes.len);
    return true;
}

static const struct frame_part sealed_parts[] = {{sealed_is_held, put_sealed, read_sealed}};
static const struct frame_kind sealed_kind = {.parts = sealed_parts, .count = 1, .always = 1};

uint32_t codec_minute_of(int64_t at_ms)
{
    int64_t minute = at_ms / MINUTE_MS + 1;
    return minute < UINT32_MAX ? (uint32_t)minute : UINT32_MAX;
}

void codec_sealed_key(const struct codec_sealed_at *at, uint8_t out[CODEC_SEALED_KEY_BYTES])
{
    struct strbuf key = strbuf_over(out, CODEC_SEALED_KEY_BYTES);
    put_number(&key, at->minute, 4);
    put_number(&key, at->sequence, 8);
}

bool codec_read_sealed_key(struct span key, struct codec_sealed_at *out)
{
    struct reader reader = {.rest = key};
    out->minute = (uint32_t)read_number(&reader, 4);
    out->sequence = read_number(&reader, 8);
    return !reader.is_short && span_is_empty(reader.rest);
}

void codec_put_sealed(struct span key, const struct sealed *address, struct strbuf *out)
{
    const struct frame_place place = {TABLE_SEALED, key};
    frame_put(&sealed_kind, &place, address, out);
}

enum codec_verdict codec_read_sealed(struct span key, struct span value, struct sealed *out)
{
    const struct frame_place place = {TABLE_SEALED, key};
    memset(out, 0, sizeof *out);
    return frame_read(&sealed_kind, &place, value, out);
}

// --- delivery ---

static void put_offset(struct strbuf *out, int64_t at_ms, int64_t made_at_ms)
{
    ASSERT(at_ms >= made_at_ms);
    ASSERT(at_ms - made_at_ms <= UINT32_MAX);
    put_number(out, (uint64_t)(at_ms - made_at_ms), 4);
}

static int64_t read_offset(struct reader *reader, int64_t made_at_ms)
{
    return made_at_ms + (int64_t)read_number(reader, 4);
}

static void put_step(const void *thing, struct strbuf *out)
{
    const struct delivery *delivery = &((const struct codec_delivery *)thing)->delivery;
    put_number(out, delivery->state, 1);
    put_number(out, delivery->tries, 1);
    put_number(out, delivery->provider, 4);
}

static bool read_step(struct reader *reader, void *thing)
{
    struct delivery *delivery = &((struct codec_delivery *)thing)->delivery;
    delivery->state = (uint8_t)read_number(reader, 1);
    delivery->tries = (uint8_t)read_number(reader, 1);
    delivery->provider = (provider_tag)read_number(reader, 4);
    return delivery->state < DELIVERY_STATE_COUNT_;
}

static bool due_is_held(const void *thing)
{
    return ((const struct codec_delivery *)thing)->delivery.due_at_ms != STORE_NEVER;
}

static void put_due(const void *thing, struct strbuf *out)
{
    const struct codec_delivery *stored = thing;
    put_offset(out, stored->delivery.due_at_ms, stored->made_at_ms);
}

static bool read_due(struct reader *reader, void *thing)
{
    struct codec_delivery *stored = thing;
    stored->delivery.due_at_ms = read_offset(reader, stored->made_at_ms);
    return true;
}

static bool attempts_are_held(const void *thing)
{
    return ((const struct codec_delivery *)thing)->delivery.attempts_held != 0;
}

static void put_attempts(const void *thing, struct strbuf *out)
{
    const struct codec_delivery *stored = thing;
    put_number(out, stored->delivery.attempts_held, 1);
    for (size_t i = 0; i < stored->delivery.attempts_held; i++) {
        const struct attempt *attempt = &stored->delivery.attempts[i];
        put_number(out, attempt->provider, 4);
        put_number(out, attempt->state, 1);
        put_number(out, attempt->reason, 1);
        put_offset(out, attempt->at_ms, stored->made_at_ms);
        put_number(out, attempt->answered_after_ms, 4);
        put_number(out, attempt->reported_after_ms, 4);
    }
}

static bool read_attempt(struct reader *reader, int64_t made_at_ms, struct attempt *attempt)
{
    attempt->provider = (provider_tag)read_number(reader, 4);
    attempt->state = (uint8_t)read_number(reader, 1);
    attempt->reason = (uint8_t)read_number(reader, 1);
    attempt->at_ms = read_offset(reader, made_at_ms);
    attempt->answered_after_ms = (uint32_t)read_number(reader, 4);
    attempt->reported_after_ms = (uint32_t)read_number(reader, 4);
    return attempt->state < DELIVERY_STATE_COUNT_;
}

static bool read_attempts(struct reader *reader, void *thing)
{
    struct codec_delivery *stored = thing;
    struct delivery *delivery = &stored->delivery;
    delivery->attempts_held = (uint8_t)read_number(reader, 1);
    if (delivery->attempts_held > DELIVERY_ATTEMPTS_MAX)
        return false;
    for (size_t i = 0; i < delivery->attempts_held; i++) {
        if (!read_attempt(reader, stored->made_at_ms, &delivery->attempts[i]))
            return false;
    }
    return true;
}

static void put_text(struct strbuf *out, const uint8_t *bytes, uint8_t len)
{
    put_number(out, len, 1);
    strbuf_put(out, span_make(bytes, len));
}

static bool read_text(struct reader *reader, uint8_t *bytes, uint8_t *len, size_t max)
{
    *len = (uint8_t)read_number(reader, 1);
    if (*len > max)
        return false;
    struct span text = read_bytes(reader, *len);
    if (text.len > 0)
        memcpy(bytes, text.data, text.len);
    return true;
}

static bool ref_is_held(const void *thing)
{
    return ((const struct codec_delivery *)thing)->delivery.ref_len != 0;
}

static void put_ref(const void *thing, struct strbuf *out)
{
    const struct delivery *delivery = &((const struct codec_delivery *)thing)->delivery;
    put_text(out, delivery->ref, delivery->ref_len);
}

static bool read_ref(struct reader *reader, void *thing)
{
    struct delivery *delivery = &((struct codec_delivery *)thing)->delivery;
    return read_text(reader, delivery->ref, &delivery->ref_len, sizeof delivery->ref);
}

static bool words_are_held(const void *thing)
{
    return ((const struct codec_delivery *)thing)->delivery.words_len != 0;
}

static void put_words(const void *thing, struct strbuf *out)
{
    const struct delivery *delivery = &((const struct codec_delivery *)thing)->delivery;
    put_text(out, delivery->words, delivery->words_len);
}

static bool read_words(struct reader *reader, void *thing)
{
    struct delivery *delivery = &((struct codec_delivery *)thing)->delivery;
    return read_text(reader, delivery->words, &delivery->words_len, sizeof delivery->words);
}

static bool tags_are_held(const void *thing)
{
    return ((const struct codec_delivery *)thing)->refs_held != 0;
}

static void put_tags(const void *thing, struct strbuf *out)
{
    const struct codec_delivery *stored = thing;
    put_number(out, stored->refs_held, 1);
    for (size_t i = 0; i < stored->refs_held; i++)
        put_number(out, stored->refs[i], 8);
}

static bool read_tags(struct reader *reader, void *thing)
{
    struct codec_delivery *stored = thing;
    stored->refs_held = (uint8_t)read_number(reader, 1);
    if (stored->refs_held > CODEC_REFS_MAX)
        return false;
    for (size_t i = 0; i < stored->refs_held; i++) {
        stored->refs[i] = read_number(reader, 8);
        if (stored->refs[i] == 0)
            return false;
    }
    return true;
}

static const struct frame_part delivery_parts[] = {
    {frame_is_held_always, put_step, read_step},      {due_is_held, put_due, read_due},
    {attempts_are_held, put_attempts, read_attempts}, {ref_is_held, put_ref, read_ref},
    {words_are_held, put_words, read_words},          {tags_are_held, put_tags, read_tags},
};

static const struct frame_kind delivery_kind = {.parts = delivery_parts,
                                                .count = sizeof delivery_parts /
                                                         sizeof delivery_parts[0],
                                                .always = 1};

static void delivery_assert(const struct codec_delivery *stored)
{
    const struct delivery *delivery = &stored->delivery;
    ASSERT(delivery->state < DELIVERY_STATE_COUNT_);
    ASSERT(delivery->attempts_held <= DELIVERY_ATTEMPTS_MAX);
    ASSERT(delivery->ref_len <= DELIVERY_REF_BYTES_MAX);
    ASSERT(delivery->words_len <= DELIVERY_WORDS_BYTES_MAX);
    ASSERT(stored->refs_held <= CODEC_REFS_MAX);
    for (size_t i = 0; i < delivery->attempts_held; i++)
        ASSERT(delivery->attempts[i].state < DELIVERY_STATE_COUNT_);
}

void codec_put_delivery(uint64_t sequence, const struct codec_delivery *delivery,
                        struct strbuf *out)
{
    uint8_t key[CODEC_ENTRY_KEY_BYTES];
    codec_entry_key(sequence, key);
    delivery_assert(delivery);
    const struct frame_place place = {TABLE_DELIVERIES, span_make(key, sizeof key)};
    frame_put(&delivery_kind, &place, delivery, out);
}

enum codec_verdict codec_read_delivery(uint64_t sequence, int64_t made_at_ms, struct span value,
                                       struct codec_delivery *out)
{
    uint8_t key[CODEC_ENTRY_KEY_BYTES];
    codec_entry_key(sequence, key);
    const struct frame_place place = {TABLE_DELIVERIES, span_make(key, sizeof key)};
    memset(out, 0, sizeof *out);
    out->made_at_ms = made_at_ms;
    out->delivery.due_at_ms = STORE_NEVER;
    return frame_read(&delivery_kind, &place, value, out);
}

// --- reference ---

static void put_owner(const void *thing, struct strbuf *out)
{
    put_number(out, *(const uint64_t *)thing, 8);
}

static bool read_owner(struct reader *reader, void *thing)
{
    uint64_t *sequence = thing;
    *sequence = read_number(reader, 8);
    return *sequence != 0;
}

static const struct frame_part ref_parts[] = {{frame_is_held_always, put_owner, read_owner}};
static const struct frame_kind ref_kind = {.parts = ref_parts, .count = 1, .always = 1};

void codec_ref_key(uint64_t tag, uint8_t out[CODEC_REF_KEY_BYTES])
{
    struct strbuf key = strbuf_over(out, CODEC_REF_KEY_BYTES);
    put_number(&key, tag, CODEC_REF_KEY_BYTES);
}

void codec_put_ref(uint64_t tag, uint64_t sequence, struct strbuf *out)
{
    uint8_t key[CODEC_REF_KEY_BYTES];
    codec_ref_key(tag, key);
    ASSERT(sequence != 0);
    const struct frame_place place = {TABLE_REFS, span_make(key, sizeof key)};
    frame_put(&ref_kind, &place, &sequence, out);
}

enum codec_verdict codec_read_ref(uint64_t tag, struct span value, uint64_t *sequence_out)
{
    uint8_t key[CODEC_REF_KEY_BYTES];
    codec_ref_key(tag, key);
    const struct frame_place place = {TABLE_REFS, span_make(key, sizeof key)};
    return frame_read(&ref_kind, &place, value, sequence_out);
}
