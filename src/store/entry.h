// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Outbox entries: what an address is sealed with (whoever seals it and whoever opens it must
// agree), and how an entry is copied.

#include "store/store.h"

#define OUTBOX_ENTRY_ASSOCIATED_BYTES 16U

// The entry's id and its brand's, big-endian: an address moved to another entry does not open.
static inline void outbox_entry_associated(const struct outbox_entry *entry,
                                           uint8_t out[OUTBOX_ENTRY_ASSOCIATED_BYTES])
{
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (uint8_t)(entry->id >> (56 - 8 * i));
        out[8 + i] = (uint8_t)(entry->brand_id >> (56 - 8 * i));
    }
}

// A copy without the unused end of the sealed address, which comes last: a third of the whole.
static inline void outbox_entry_copy(struct outbox_entry *out, const struct outbox_entry *entry)
{
    memcpy(out, entry, offsetof(struct outbox_entry, address.bytes) + entry->address.len);
}
