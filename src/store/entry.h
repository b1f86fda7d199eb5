// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Outbox entries: what an address is sealed with (whoever seals it and whoever opens it must
// agree), how an entry is copied, and what all stores do with one alike.

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

// For people: without the address.
static inline void outbox_entry_copy_bare(struct outbox_entry *out,
                                          const struct outbox_entry *entry)
{
    memcpy(out, entry, offsetof(struct outbox_entry, address));
    memset(&out->address, 0, sizeof out->address);
}

// The same message: to the same place with the same code.
static inline bool outbox_entry_is_same(const struct outbox_entry *a, const struct outbox_entry *b)
{
    return a->salt == b->salt && a->channel == b->channel && a->session.id == b->session.id &&
           a->session.binding == b->session.binding && memcmp(&a->key, &b->key, sizeof a->key) == 0;
}

// What has become of an entry that is new: nothing, and it is due at once.
static inline struct delivery delivery_of_new(const struct outbox_entry *entry,
                                              provider_tag provider)
{
    return (struct delivery){.provider = provider, .due_at_ms = entry->created_at_ms};
}

static inline bool delivery_is_over(const struct delivery *delivery)
{
    return delivery->due_at_ms == STORE_NEVER;
}

// Over in a way that nobody undoes. Otherwise a receipt, or a person, may want it sent once more
// while its code lives.
static inline bool delivery_needs_no_address(const struct delivery *delivery)
{
    return delivery_is_over(delivery) &&
           (delivery->state == DELIVERY_DELIVERED || delivery->state == DELIVERY_EXPIRED ||
            delivery->state == DELIVERY_OBSOLETE);
}

// Whether store_deliveries gives it.
static inline bool delivery_passes(const struct delivery_filter *filter,
                                   const struct outbox_entry *entry,
                                   const struct delivery *delivery)
{
    if (filter->key != NULL && memcmp(filter->key, &entry->key, sizeof entry->key) != 0)
        return false;
    if (filter->session != NULL && filter->session->id != entry->session.id)
        return false;
    bool is_well = delivery->state == DELIVERY_ACCEPTED || delivery->state == DELIVERY_DELIVERED;
    return !filter->is_troubled || !delivery_is_over(delivery) || !is_well;
}
