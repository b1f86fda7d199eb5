// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows that were changed since some time, in memory: one generation in front of a table. A deleted
// row is held too, as deleted, since it hides the one below.
//
//   put … put ─▶ overlay_commit or overlay_abort ─▶ put …, arrange     by one thread
//   get, next, at, sorted                                              by several meanwhile not
//
// Rows lie one after another as the journal writes them, so that what was put since the last commit
// is a record's rows. A newer version of a row leaves the older one's bytes behind until all is
// cleared.

#include "store/embedded/journal_codec.h"

#define OVERLAY_HEIGHT_MAX 12U

struct overlay_bytes {
    uint8_t *data;
    size_t len;
    size_t cap;
};

struct overlay {
    struct overlay_bytes rows;
    struct overlay_bytes nodes;           // one a key
    struct overlay_bytes slots;           // of a hash table
    struct overlay_bytes links;           // of the ordered spaces
    struct overlay_bytes changes;         // since the last commit
    size_t committed;                     // bytes of rows
    uint32_t chains[TABLE_SPACES_COUNT_]; // the newest node that is not in order, and 1
    uint32_t least[TABLE_SPACES_COUNT_];  // of those the one with the least key, and 1
    uint32_t heads[TABLE_SPACES_COUNT_][OVERLAY_HEIGHT_MAX];
    uint32_t tails[TABLE_SPACES_COUNT_][OVERLAY_HEIGHT_MAX];
};

// All zeros is an empty one.
void overlay_fini(struct overlay *overlay);

// Forgets everything, and gives back memory beyond `rows_bytes` of rows.
void overlay_clear(struct overlay *overlay, size_t rows_bytes);

// False: no memory; abort.
MUST_CHECK bool overlay_put(struct overlay *overlay, const struct journal_row *row);
void overlay_commit(struct overlay *overlay);
void overlay_abort(struct overlay *overlay);

// What was put since the last commit.
struct span overlay_uncommitted(const struct overlay *overlay);

// Bytes of rows, those that were replaced included.
size_t overlay_bytes(const struct overlay *overlay);

// The newest version. False: there is none. It stays where it is until the next put.
bool overlay_get(const struct overlay *overlay, enum table_space space, struct span key,
                 struct journal_row *out);

// Makes overlay_next fast for that `after`, and what follows it, where rows came in no order.
void overlay_arrange(struct overlay *overlay, enum table_space space, struct span after);

// The first one of the space whose key is greater than `after`. Takes long for TABLE_RECORDS, whose
// keys are in no order here, and where overlay_arrange would have something to do.
bool overlay_next(const struct overlay *overlay, enum table_space space, struct span after,
                  struct journal_row *out);

size_t overlay_count(const struct overlay *overlay);

// Row 0 to overlay_count - 1, in the order of first puts.
void overlay_at(const struct overlay *overlay, size_t i, struct journal_row *out);

// Numbers of all rows in order of space and key, overlay_count of them; the caller frees. NULL: no
// memory.
uint32_t *overlay_sorted(const struct overlay *overlay);
