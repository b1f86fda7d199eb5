// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "crypto/pure/epoch.h"

#include "base/assert.h"

// What a key is for; part of what it is derived from, so never renumbered.
enum purpose {
    PURPOSE_SESSION = 1,
    PURPOSE_TAG = 2,
    PURPOSE_CODE = 3,
};

static void epoch_derive(const struct key *root, uint32_t number, struct epoch *out)
{
    struct key key;
    out->number = number;
    key_derive(root, PURPOSE_SESSION, number, &key);
    permute_key_init(&out->session, &key);
    key_derive(root, PURPOSE_TAG, number, &key);
    for (unsigned tag = 0; tag < EPOCH_TAG_COUNT_; tag++)
        short_key_init(&out->tags[tag], &key, (uint8_t)tag);
    key_derive(root, PURPOSE_CODE, number, &out->code);
    wipe(&key, sizeof key);
}

void epoch_set_derive(const struct key *root, uint32_t number, struct epoch_set *out)
{
    ASSERT(number >= EPOCHS_BEHIND);
    ASSERT(number < UINT32_MAX);
    out->current = number;
    for (uint32_t i = 0; i < EPOCHS_HELD; i++) {
        uint32_t neighbour = number - EPOCHS_BEHIND + i;
        epoch_derive(root, neighbour, &out->slots[neighbour % EPOCHS_HELD]);
    }
}

const struct epoch *epoch_current(const struct epoch_set *set)
{
    return &set->slots[set->current % EPOCHS_HELD];
}

const struct epoch *epoch_find(const struct epoch_set *set, uint32_t number)
{
    const struct epoch *epoch = &set->slots[number % EPOCHS_HELD];
    return epoch->number == number ? epoch : NULL;
}

const struct epoch *epoch_by_mark(const struct epoch_set *set, uint8_t mark)
{
    ASSERT(mark < EPOCHS_HELD);
    return &set->slots[mark];
}
