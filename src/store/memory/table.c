// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/memory/table.h"

#include "base/assert.h"

#include <stdlib.h>

#define INDEX_SIZE_FIRST 4096U

static struct cell *cell_at(const struct record_table *table, uint32_t number)
{
    return &table->blocks[number / TABLE_BLOCK_CELLS]->cells[number % TABLE_BLOCK_CELLS];
}

static int64_t *expiry_at(const struct record_table *table, uint32_t number)
{
    return &table->blocks[number / TABLE_BLOCK_CELLS]->expires_at_ms[number % TABLE_BLOCK_CELLS];
}

static size_t home_of(const struct record_table *table, const struct record_key *key)
{
    uint64_t hash;
    memcpy(&hash, key->digest.bytes, sizeof hash);
    return (size_t)hash & (table->index_size - 1);
}

bool record_table_init(struct record_table *table, size_t cells_max)
{
    *table = (struct record_table){.cells_max = cells_max, .first_free = TABLE_NO_CELL};
    table->index_size = INDEX_SIZE_FIRST;
    table->index = calloc(table->index_size, sizeof *table->index);
    return table->index != NULL;
}

void record_table_fini(struct record_table *table)
{
    for (size_t i = 0; i < table->blocks_held; i++)
        free(table->blocks[i]);
    free(table->blocks);
    free(table->index);
    *table = (struct record_table){0};
}

// Where the key's number stands, or the empty place where it would.
static size_t place_of(const struct record_table *table, const struct record_key *key)
{
    size_t at = home_of(table, key);
    while (table->index[at] != 0) {
        const struct cell *cell = cell_at(table, table->index[at] - 1);
        if (memcmp(&cell->key, key, sizeof *key) == 0)
            return at;
        at = (at + 1) & (table->index_size - 1);
    }
    return at;
}

struct cell *record_table_find(struct record_table *table, const struct record_key *key)
{
    uint32_t number = table->index[place_of(table, key)];
    return number != 0 ? cell_at(table, number - 1) : NULL;
}

static bool index_grow(struct record_table *table)
{
    uint32_t *old = table->index;
    size_t old_size = table->index_size;
    uint32_t *grown = calloc(old_size * 2, sizeof *grown);
    if (grown == NULL)
        return false;
    table->index = grown;
    table->index_size = old_size * 2;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i] != 0)
            grown[place_of(table, &cell_at(table, old[i] - 1)->key)] = old[i];
    }
    free(old);
    return true;
}

static bool blocks_make_room(struct record_table *table)
{
    if (table->blocks_held < table->blocks_room)
        return true;
    size_t room = table->blocks_room == 0 ? 16 : table->blocks_room * 2;
    struct cell_block **grown = realloc(table->blocks, room * sizeof(struct cell_block *));
    if (grown == NULL)
        return false;
    table->blocks = grown;
    table->blocks_room = room;
    return true;
}

static bool block_add(struct record_table *table)
{
    if (!blocks_make_room(table))
        return false;
    struct cell_block *block = malloc(sizeof *block);
    if (block == NULL)
        return false;
    uint32_t first = (uint32_t)(table->blocks_held * TABLE_BLOCK_CELLS);
    for (uint32_t i = 0; i < TABLE_BLOCK_CELLS; i++) {
        block->expires_at_ms[i] = INT64_MAX;
        block->cells[i].next_free = i + 1 < TABLE_BLOCK_CELLS ? first + i + 1 : table->first_free;
    }
    table->blocks[table->blocks_held++] = block;
    table->first_free = first;
    return true;
}

struct cell *record_table_add(struct record_table *table, const struct record_key *key)
{
    if (table->used == table->cells_max)
        return NULL;
    if ((table->used + 1) * 4 > table->index_size * 3 && !index_grow(table))
        return NULL;
    if (table->first_free == TABLE_NO_CELL && !block_add(table))
        return NULL;
    uint32_t number = table->first_free;
    struct cell *cell = cell_at(table, number);
    table->first_free = cell->next_free;
    cell->key = *key;
    cell->number = number;
    size_t place = place_of(table, key);
    ASSERT(table->index[place] == 0);
    table->index[place] = number + 1;
    table->used++;
    return cell;
}

// Closes the gap at `hole`, so that every number can still be reached from its home (Knuth, volume
// 3, section 6.4, algorithm R).
static void index_close_gap(struct record_table *table, size_t hole)
{
    size_t mask = table->index_size - 1;
    for (size_t at = (hole + 1) & mask; table->index[at] != 0; at = (at + 1) & mask) {
        size_t home = home_of(table, &cell_at(table, table->index[at] - 1)->key);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        table->index[hole] = table->index[at];
        hole = at;
    }
    table->index[hole] = 0;
}

void record_table_remove(struct record_table *table, struct cell *cell)
{
    size_t place = place_of(table, &cell->key);
    ASSERT(table->index[place] == cell->number + 1);
    index_close_gap(table, place);
    *expiry_at(table, cell->number) = INT64_MAX;
    cell->next_free = table->first_free;
    table->first_free = cell->number;
    table->used--;
}

void record_table_touch(struct record_table *table, const struct cell *cell)
{
    *expiry_at(table, cell->number) = record_expires_at_ms(&cell->record);
}

void record_table_sweep(struct record_table *table, int64_t now_ms, size_t count)
{
    size_t cells = table->blocks_held * TABLE_BLOCK_CELLS;
    for (size_t i = 0; i < count && cells > 0; i++) {
        uint32_t number = table->sweep_at;
        table->sweep_at = (uint32_t)((number + 1U) % cells);
        if (*expiry_at(table, number) <= now_ms)
            record_table_remove(table, cell_at(table, number));
    }
}
