// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A node is a key; it says where the newest version of its row lies. Nodes are found through a
// table of slots with open addressing, half full at most, and in order through a skip list for each
// space that is asked for its order often. How high a node stands follows from its hash: the same
// rows give the same list, in every run.
//
// Abort undoes changes last first, so a node that goes is always the newest one, in the nodes, in
// its links, and in its run of slots.
//
// All places are offsets, since memory moves as it grows.
#include "store/embedded/overlay.h"

#include "base/assert.h"

#include <stdlib.h>

#define SLOTS_LEAST 1024U
#define NEW_NODE UINT32_MAX // in place of an earlier version

struct node {
    uint64_t prefix; // of the key, so that most comparisons need not look at the row
    uint32_t row;
    uint32_t hash;
    uint32_t links; // height, then the next node's number and 1 at each level; of a space without
                    // order: nothing
    uint32_t unused;
};

// A key that is looked for in order.
struct sought {
    struct span key;
    uint64_t prefix;
};

struct change {
    uint32_t node;
    uint32_t row_before;
};

static bool is_ordered(enum table_space space)
{
    return space != TABLE_RECORDS;
}

// --- memory ---

static bool reserve(struct overlay_bytes *bytes, size_t more)
{
    if (more <= bytes->cap - bytes->len)
        return true;
    size_t cap = bytes->cap * 2 + 4096;
    cap = cap < bytes->len + more ? bytes->len + more : cap;
    uint8_t *data = cap <= UINT32_MAX ? realloc(bytes->data, cap) : NULL;
    if (data == NULL)
        return false;
    bytes->data = data;
    bytes->cap = cap;
    return true;
}

static void release(struct overlay_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct overlay_bytes){0};
}

static struct node *nodes_of(const struct overlay *overlay)
{
    return (struct node *)(void *)overlay->nodes.data;
}

static uint32_t *slots_of(const struct overlay *overlay)
{
    return (uint32_t *)(void *)overlay->slots.data;
}

static uint32_t *links_of(const struct overlay *overlay)
{
    return (uint32_t *)(void *)overlay->links.data;
}

static size_t slots_count(const struct overlay *overlay)
{
    return overlay->slots.len / sizeof(uint32_t);
}

size_t overlay_count(const struct overlay *overlay)
{
    return overlay->nodes.len / sizeof(struct node);
}

void overlay_fini(struct overlay *overlay)
{
    release(&overlay->rows);
    release(&overlay->nodes);
    release(&overlay->slots);
    release(&overlay->links);
    release(&overlay->changes);
    *overlay = (struct overlay){0};
}

void overlay_clear(struct overlay *overlay, size_t rows_bytes)
{
    if (overlay->rows.cap > 2 * rows_bytes) {
        overlay_fini(overlay);
        return;
    }
    overlay->rows.len = overlay->nodes.len = overlay->links.len = overlay->changes.len = 0;
    overlay->committed = 0;
    if (overlay->slots.len > 0)
        memset(overlay->slots.data, 0, overlay->slots.len);
    memset(overlay->heads, 0, sizeof overlay->heads);
    memset(overlay->tails, 0, sizeof overlay->tails);
}

// --- rows ---

static void read_at(const struct overlay *overlay, uint32_t at, struct journal_row *out)
{
    struct span rest = span_make(overlay->rows.data + at, overlay->rows.len - at);
    bool is_row = journal_read_row(&rest, out);
    ASSERT(is_row);
}

void overlay_at(const struct overlay *overlay, size_t i, struct journal_row *out)
{
    ASSERT(i < overlay_count(overlay));
    read_at(overlay, nodes_of(overlay)[i].row, out);
}

static int compare_keys(struct span a, struct span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

// The first eight bytes as a number, which is in the order of the keys but where two are equal.
static uint64_t prefix_of(struct span key)
{
    uint64_t prefix = 0;
    memcpy(&prefix, key.data, key.len < sizeof prefix ? key.len : sizeof prefix);
    return __builtin_bswap64(prefix);
}

static int compare_node(const struct overlay *overlay, uint32_t number, const struct sought *sought)
{
    uint64_t prefix = nodes_of(overlay)[number].prefix;
    struct journal_row row;
    if (prefix != sought->prefix)
        return prefix < sought->prefix ? -1 : 1;
    overlay_at(overlay, number, &row);
    return compare_keys(row.key, sought->key);
}

// --- by key ---

// Keys of records are keyed hashes and the others are made here, so nobody outside chooses any.
static uint32_t hash_of(enum table_space space, struct span key)
{
    uint64_t hash = (uint64_t)space + 1;
    for (size_t at = 0; at < key.len; at += sizeof(uint64_t)) {
        uint64_t word = 0;
        size_t len = key.len - at < sizeof word ? key.len - at : sizeof word;
        memcpy(&word, key.data + at, len);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    hash = (hash ^ key.len) * UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(hash >> 32);
}

// The slot of the key, or the empty one where it belongs. There are slots.
static size_t find_slot(const struct overlay *overlay, enum table_space space, struct span key,
                        uint32_t hash)
{
    const uint32_t *slots = slots_of(overlay);
    size_t mask = slots_count(overlay) - 1;
    size_t at = hash & mask;
    struct journal_row row;
    for (; slots[at] != 0; at = (at + 1) & mask) {
        const struct node *node = &nodes_of(overlay)[slots[at] - 1];
        if (node->hash != hash)
            continue;
        read_at(overlay, node->row, &row);
        if (row.space == space && span_eq(row.key, key))
            return at;
    }
    return at;
}

bool overlay_get(const struct overlay *overlay, enum table_space space, struct span key,
                 struct journal_row *out)
{
    if (overlay->nodes.len == 0)
        return false;
    uint32_t number = slots_of(overlay)[find_slot(overlay, space, key, hash_of(space, key))];
    if (number == 0)
        return false;
    overlay_at(overlay, number - 1, out);
    return true;
}

static void enter(const struct overlay *overlay, uint32_t number)
{
    uint32_t *slots = slots_of(overlay);
    size_t mask = slots_count(overlay) - 1;
    size_t at = nodes_of(overlay)[number].hash & mask;
    while (slots[at] != 0)
        at = (at + 1) & mask;
    slots[at] = number + 1;
}

static void leave(const struct overlay *overlay, uint32_t number)
{
    uint32_t *slots = slots_of(overlay);
    size_t mask = slots_count(overlay) - 1;
    size_t at = nodes_of(overlay)[number].hash & mask;
    while (slots[at] != number + 1)
        at = (at + 1) & mask;
    slots[at] = 0;
}

static bool reserve_slot(struct overlay *overlay)
{
    size_t count = slots_count(overlay);
    if (2 * (overlay_count(overlay) + 1) <= count)
        return true;
    size_t wanted = count == 0 ? SLOTS_LEAST : 2 * count;
    if (!reserve(&overlay->slots, (wanted - count) * sizeof(uint32_t)))
        return false;
    overlay->slots.len = wanted * sizeof(uint32_t);
    memset(overlay->slots.data, 0, overlay->slots.len);
    for (size_t i = 0; i < overlay_count(overlay); i++)
        enter(overlay, (uint32_t)i);
    return true;
}

// --- in order ---

static uint32_t height_of(uint32_t hash)
{
    uint32_t height = 1;
    for (uint32_t bits = hash >> 8; (bits & 3U) == 3U && height < OVERLAY_HEIGHT_MAX; bits >>= 2)
        height++;
    return height;
}

// Where the number of the node after `number` (and 1; 0: the head) stands at that level.
static uint32_t *link_of(struct overlay *overlay, enum table_space space, uint32_t number,
                         uint32_t level)
{
    if (number == 0)
        return &overlay->heads[space][level];
    return &links_of(overlay)[nodes_of(overlay)[number - 1].links + 1 + level];
}

static uint32_t next_of(const struct overlay *overlay, enum table_space space, uint32_t number,
                        uint32_t level)
{
    if (number == 0)
        return overlay->heads[space][level];
    return links_of(overlay)[nodes_of(overlay)[number - 1].links + 1 + level];
}

struct path {
    uint32_t before[OVERLAY_HEIGHT_MAX]; // last node before the key at each level
};

// `is_past`: behind the key itself.
static void find_path(const struct overlay *overlay, enum table_space space,
                      const struct sought *sought, bool is_past, struct path *out)
{
    uint32_t at = 0;
    for (uint32_t level = OVERLAY_HEIGHT_MAX; level-- > 0;) {
        for (;;) {
            uint32_t next = next_of(overlay, space, at, level);
            if (next == 0 || compare_node(overlay, next - 1, sought) >= (is_past ? 1 : 0))
                break;
            at = next;
        }
        out->before[level] = at;
    }
}

// Most rows come in the order of their keys.
static void find_place(const struct overlay *overlay, enum table_space space,
                       const struct sought *sought, struct path *out)
{
    uint32_t last = overlay->tails[space][0];
    if (last != 0 && compare_node(overlay, last - 1, sought) < 0)
        memcpy(out->before, overlay->tails[space], sizeof out->before);
    else
        find_path(overlay, space, sought, false, out);
}

static void link_node(struct overlay *overlay, const struct journal_row *row, uint32_t number)
{
    uint32_t links = nodes_of(overlay)[number].links;
    uint32_t height = links_of(overlay)[links];
    const struct sought sought = {row->key, nodes_of(overlay)[number].prefix};
    struct path path;
    find_place(overlay, row->space, &sought, &path);
    for (uint32_t level = 0; level < height; level++) {
        uint32_t *before = link_of(overlay, row->space, path.before[level], level);
        links_of(overlay)[links + 1 + level] = *before;
        if (*before == 0)
            overlay->tails[row->space][level] = number + 1;
        *before = number + 1;
    }
}

static void unlink_node(struct overlay *overlay, const struct journal_row *row, uint32_t number)
{
    uint32_t links = nodes_of(overlay)[number].links;
    uint32_t height = links_of(overlay)[links];
    const struct sought sought = {row->key, nodes_of(overlay)[number].prefix};
    struct path path;
    find_path(overlay, row->space, &sought, false, &path);
    for (uint32_t level = 0; level < height; level++) {
        uint32_t *before = link_of(overlay, row->space, path.before[level], level);
        ASSERT(*before == number + 1);
        *before = links_of(overlay)[links + 1 + level];
        if (*before == 0)
            overlay->tails[row->space][level] = path.before[level];
    }
}

static bool next_of_any(const struct overlay *overlay, enum table_space space, struct span after,
                        struct journal_row *out)
{
    bool is_found = false;
    struct journal_row row;
    for (size_t i = 0; i < overlay_count(overlay); i++) {
        overlay_at(overlay, i, &row);
        if (row.space != space || compare_keys(row.key, after) <= 0 ||
            (is_found && compare_keys(row.key, out->key) >= 0))
            continue;
        *out = row;
        is_found = true;
    }
    return is_found;
}

bool overlay_next(const struct overlay *overlay, enum table_space space, struct span after,
                  struct journal_row *out)
{
    if (!is_ordered(space))
        return next_of_any(overlay, space, after, out);
    const struct sought sought = {after, span_is_empty(after) ? 0 : prefix_of(after)};
    struct path path;
    find_path(overlay, space, &sought, true, &path);
    uint32_t next = next_of(overlay, space, path.before[0], 0);
    if (next == 0)
        return false;
    overlay_at(overlay, next - 1, out);
    return true;
}

// --- changes ---

static void put_change(struct overlay *overlay, uint32_t node, uint32_t row_before)
{
    const struct change change = {node, row_before};
    memcpy(overlay->changes.data + overlay->changes.len, &change, sizeof change);
    overlay->changes.len += sizeof change;
}

static void add_node(struct overlay *overlay, const struct journal_row *row, uint32_t at,
                     uint32_t hash)
{
    uint32_t number = (uint32_t)overlay_count(overlay);
    uint32_t links = (uint32_t)(overlay->links.len / sizeof(uint32_t));
    const struct node node = {prefix_of(row->key), at, hash, links, 0};
    memcpy(overlay->nodes.data + overlay->nodes.len, &node, sizeof node);
    overlay->nodes.len += sizeof node;
    enter(overlay, number);
    put_change(overlay, number, NEW_NODE);
    if (!is_ordered(row->space))
        return;
    links_of(overlay)[links] = height_of(hash);
    overlay->links.len += (1 + height_of(hash)) * sizeof(uint32_t);
    link_node(overlay, row, number);
}

static bool reserve_all(struct overlay *overlay, size_t row_bytes)
{
    return reserve(&overlay->rows, row_bytes) && reserve(&overlay->nodes, sizeof(struct node)) &&
           reserve(&overlay->changes, sizeof(struct change)) &&
           reserve(&overlay->links, (1 + OVERLAY_HEIGHT_MAX) * sizeof(uint32_t)) &&
           reserve_slot(overlay);
}

bool overlay_put(struct overlay *overlay, const struct journal_row *row)
{
    size_t bytes = journal_row_bytes(row);
    if (!reserve_all(overlay, bytes))
        return false;
    uint32_t at = (uint32_t)overlay->rows.len;
    uint32_t hash = hash_of(row->space, row->key);
    journal_put_row(row, overlay->rows.data + at);
    overlay->rows.len += bytes;
    uint32_t number = slots_of(overlay)[find_slot(overlay, row->space, row->key, hash)];
    if (number == 0) {
        add_node(overlay, row, at, hash);
        return true;
    }
    struct node *node = &nodes_of(overlay)[number - 1];
    put_change(overlay, number - 1, node->row);
    node->row = at;
    return true;
}

void overlay_commit(struct overlay *overlay)
{
    overlay->changes.len = 0;
    overlay->committed = overlay->rows.len;
}

static void remove_node(struct overlay *overlay, uint32_t number)
{
    struct journal_row row;
    ASSERT(number + 1 == overlay_count(overlay));
    overlay_at(overlay, number, &row);
    leave(overlay, number);
    if (is_ordered(row.space)) {
        unlink_node(overlay, &row, number);
        overlay->links.len = nodes_of(overlay)[number].links * sizeof(uint32_t);
    }
    overlay->nodes.len -= sizeof(struct node);
}

void overlay_abort(struct overlay *overlay)
{
    while (overlay->changes.len > 0) {
        struct change change;
        overlay->changes.len -= sizeof change;
        memcpy(&change, overlay->changes.data + overlay->changes.len, sizeof change);
        if (change.row_before == NEW_NODE)
            remove_node(overlay, change.node);
        else
            nodes_of(overlay)[change.node].row = change.row_before;
    }
    overlay->rows.len = overlay->committed;
}

struct span overlay_uncommitted(const struct overlay *overlay)
{
    size_t from = overlay->committed;
    return from < overlay->rows.len ? span_make(overlay->rows.data + from, overlay->rows.len - from)
                                    : span_make(NULL, 0);
}

size_t overlay_bytes(const struct overlay *overlay)
{
    return overlay->rows.len;
}

// --- sorted ---

struct sorted {
    uint64_t prefix;
    uint32_t space;
    uint32_t number;
};

static int compare_sorted(const void *a, const void *b, void *ctx)
{
    const struct sorted *one = a, *other = b;
    const struct overlay *overlay = *(const struct overlay *const *)ctx;
    struct journal_row row;
    if (one->space != other->space)
        return one->space < other->space ? -1 : 1;
    if (one->prefix != other->prefix)
        return one->prefix < other->prefix ? -1 : 1;
    overlay_at(overlay, other->number, &row);
    const struct sought sought = {row.key, other->prefix};
    return compare_node(overlay, one->number, &sought);
}

uint32_t *overlay_sorted(const struct overlay *overlay)
{
    size_t count = overlay_count(overlay);
    struct sorted *rows = malloc((count + 1) * sizeof *rows);
    uint32_t *numbers = rows != NULL ? malloc((count + 1) * sizeof *numbers) : NULL;
    struct journal_row row;
    for (size_t i = 0; numbers != NULL && i < count; i++) {
        overlay_at(overlay, i, &row);
        rows[i] = (struct sorted){nodes_of(overlay)[i].prefix, row.space, (uint32_t)i};
    }
    if (numbers != NULL)
        qsort_r(rows, count, sizeof *rows, compare_sorted, &overlay);
    for (size_t i = 0; numbers != NULL && i < count; i++)
        numbers[i] = rows[i].number;
    free(rows);
    return numbers;
}
