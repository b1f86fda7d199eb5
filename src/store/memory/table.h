// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Records by key: an open-addressed index over blocks of cells. Keys are keyed hashes already, so
// their first bytes serve as the hash and nobody outside can make them collide.
//
// Cells never move. The index grows by doubling at three quarters full. When each record expires
// stands apart from it, eight to a cache line, so that the sweep does not touch the records.

#include "base/err.h"
#include "core/record.h"

struct cell {
    struct record_key key;
    uint32_t number;
    uint32_t next_free; // while unused
    struct record record;
};

#define TABLE_BLOCK_CELLS 1024U
#define TABLE_NO_CELL UINT32_MAX

// expires_at_ms of a cell that is not used: never.
struct cell_block {
    int64_t expires_at_ms[TABLE_BLOCK_CELLS];
    struct cell cells[TABLE_BLOCK_CELLS];
};

struct record_table {
    struct cell_block **blocks;
    size_t blocks_held;
    size_t blocks_room;
    uint32_t *index;   // cell number + 1; 0: empty
    size_t index_size; // a power of two
    size_t used;
    size_t cells_max;
    uint32_t first_free;
    uint32_t sweep_at;
};

MUST_CHECK bool record_table_init(struct record_table *table, size_t cells_max);
void record_table_fini(struct record_table *table);

struct cell *record_table_find(struct record_table *table, const struct record_key *key);

// A cell for a key that is not there; its record is for the caller to write. NULL: full, or no
// memory.
struct cell *record_table_add(struct record_table *table, const struct record_key *key);

// The cell's record has changed.
void record_table_touch(struct record_table *table, const struct cell *cell);

void record_table_remove(struct record_table *table, struct cell *cell);

// Looks at the next `count` cells in turn and removes those whose record has expired.
void record_table_sweep(struct record_table *table, int64_t now_ms, size_t count);
