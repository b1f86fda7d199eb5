// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "core/used_hash.h"

#include "base/assert.h"

#include <string.h>

#define DOMAIN_HASH 0x48U

uint32_t used_hash_tag(const struct key *index_key, struct span cipher)
{
    struct short_key key;
    short_key_init(&key, index_key, DOMAIN_HASH);
    uint64_t tag = short_tag64(&key, cipher);
    wipe(&key, sizeof key);
    return (uint32_t)tag;
}

static void forget_first(struct record *record, size_t count)
{
    struct used_hashes *hashes = &record->hashes;
    size_t left = record->hashes_held - count;
    ASSERT(count <= record->hashes_held);
    memmove(hashes->offsets_ms, hashes->offsets_ms + count, left * sizeof hashes->offsets_ms[0]);
    memmove(hashes->tags, hashes->tags + count, left * sizeof hashes->tags[0]);
    memset(hashes->offsets_ms + left, 0, count * sizeof hashes->offsets_ms[0]);
    memset(hashes->tags + left, 0, count * sizeof hashes->tags[0]);
    record->hashes_held = (uint8_t)left;
}

static void raise_floor(struct record *record, int64_t floor_at_ms)
{
    struct used_hashes *hashes = &record->hashes;
    int64_t by_ms = floor_at_ms - hashes->floor_at_ms;
    size_t below = 0;
    if (by_ms <= 0)
        return;
    while (below < record->hashes_held && hashes->offsets_ms[below] <= by_ms)
        below++;
    forget_first(record, below);
    for (size_t i = 0; i < record->hashes_held; i++)
        hashes->offsets_ms[i] -= (uint32_t)by_ms;
    hashes->floor_at_ms = floor_at_ms;
}

static bool is_known(const struct record *record, uint32_t offset_ms, uint32_t tag)
{
    const struct used_hashes *hashes = &record->hashes;
    for (size_t i = 0; i < record->hashes_held; i++) {
        if (hashes->offsets_ms[i] == offset_ms && hashes->tags[i] == tag)
            return true;
    }
    return false;
}

static void insert(struct record *record, uint32_t offset_ms, uint32_t tag)
{
    struct used_hashes *hashes = &record->hashes;
    size_t at = record->hashes_held++;
    ASSERT(record->hashes_held <= RECORD_HASHES_MAX);
    for (; at > 0 && hashes->offsets_ms[at - 1] > offset_ms; at--) {
        hashes->offsets_ms[at] = hashes->offsets_ms[at - 1];
        hashes->tags[at] = hashes->tags[at - 1];
    }
    hashes->offsets_ms[at] = offset_ms;
    hashes->tags[at] = tag;
}

// When the one that comes is the oldest of all, it is taken, and is itself the floor.
static void remember(struct record *record, const struct hash_mark *mark)
{
    struct used_hashes *hashes = &record->hashes;
    bool is_full = record->hashes_held == RECORD_HASHES_MAX;
    int64_t oldest_at_ms = hashes->floor_at_ms + hashes->offsets_ms[0];
    if (is_full && mark->made_at_ms <= oldest_at_ms) {
        raise_floor(record, mark->made_at_ms);
        return;
    }
    if (is_full)
        raise_floor(record, oldest_at_ms);
    insert(record, (uint32_t)(mark->made_at_ms - hashes->floor_at_ms), mark->tag);
}

enum hash_use used_hash_take(struct record *record, const struct hash_mark *mark, int64_t now_ms)
{
    record_assert(record);
    record_be_hashes(record);
    raise_floor(record, now_ms - USED_HASH_MEMORY_MS);
    int64_t offset_ms = mark->made_at_ms - record->hashes.floor_at_ms;
    if (mark->made_at_ms > now_ms + USED_HASH_MEMORY_MS)
        return HASH_USE_AHEAD;
    if (offset_ms <= 0)
        return HASH_USE_FORGOTTEN;
    if (is_known(record, (uint32_t)offset_ms, mark->tag))
        return HASH_USE_AGAIN;
    remember(record, mark);
    record_assert(record);
    return HASH_USE_FIRST;
}
