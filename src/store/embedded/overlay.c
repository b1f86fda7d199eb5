// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A node is a key; it says where the newest version of its row lies. Nodes are found through a
// table of slots with open addressing, half full at most, and in order through a skip list for each
// space that is asked for its order often. How high a node stands follows from its hash: the same
// rows give the same list, in every run.
//
// Only a node whose key is greater than all that are linked is linked at once. What comes in no
// order (what expires, references) is chained, and of the chain only the least key is known; that
// is enough until somebody asks for what lies behind it, and mostly nobody does before the
// generation ends.
//
// Abort undoes changes last first, so a node that goes is always the newest one, in the nodes, in
// its links or its chain, and in its run of slots.
//
// All places are offsets, since memory moves as it grows.
#include "store/embedded/overlay.h"

#include "base/assert.h"

#include <stdlib.h>

#define SLOTS_LEAST 1024U
#define NEW_NODE UINT32_MAX // in place of an earlier version
#define NOT_LINKED UINT32_MAX

struct node {
    uint64_t prefix; // of the key, so that most comparisons need not look at the row
    uint32_t row;
    uint32_t hash;
    uint32_t links; // height, then the next node's number and 1 at each level; or NOT_LINKED
    uint32_t chain; // in a chain: the node that came before it, and 1
};

// The hash stands here too, so that a node of another key is hardly ever looked at.
struct slot {
    uint32_t hash;
    uint32_t number; // of the node and 1; 0: free
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

static struct slot *slots_of(const struct overlay *overlay)
{
    return (struct slot *)(void *)overlay->slots.data;
}

static uint32_t *links_of(const struct overlay *overlay)
{
    return (uint32_t *)(void *)overlay->links.data;
}

static size_t slots_count(const struct overlay *overlay)
{
    return overlay->slots.len / sizeof(struct slot);
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
    memset(overlay->chains, 0, sizeof overlay->chains);
    memset(overlay->least, 0, sizeof overlay->least);
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

// The number of the key's node and 1; 0: there is none. There are slots.
static uint32_t find_node(const struct overlay *overlay, enum table_space space, struct span key,
                          uint32_t hash, struct journal_row *out)
{
    const struct slot *slots = slots_of(overlay);
    size_t mask = slots_count(overlay) - 1;
    for (size_t at = hash & mask; slots[at].number != 0; at = (at + 1) & mask) {
        if (slots[at].hash != hash)
            continue;
        overlay_at(overlay, slots[at].number - 1, out);
        if (out->space == space && span_eq(out->key, key))
            return slots[at].number;
    }
    return 0;
}

bool overlay_get(const struct overlay *overlay, enum table_space space, struct span key,
                 struct journal_row *out)
{
    return overlay->nodes.len > 0 && find_node(overlay, space, key, hash_of(space, key), out) != 0;
}

static void enter(const struct overlay *overlay, uint32_t number)
{
    struct slot *slots = slots_of(overlay);
    uint32_t hash = nodes_of(overlay)[number].hash;
    size_t mask = slots_count(overlay) - 1;
    size_t at = hash & mask;
    while (slots[at].number != 0)
        at = (at + 1) & mask;
    slots[at] = (struct slot){hash, number + 1};
}

static void leave(const struct overlay *overlay, uint32_t number)
{
    struct slot *slots = slots_of(overlay);
    size_t mask = slots_count(overlay) - 1;
    size_t at = nodes_of(overlay)[number].hash & mask;
    while (slots[at].number != number + 1)
        at = (at + 1) & mask;
    slots[at] = (struct slot){0, 0};
}

static bool reserve_slot(struct overlay *overlay)
{
    size_t count = slots_count(overlay);
    if (2 * (overlay_count(overlay) + 1) <= count)
        return true;
    size_t wanted = count == 0 ? SLOTS_LEAST : 2 * count;
    if (!reserve(&overlay->slots, (wanted - count) * sizeof(struct slot)))
        return false;
    overlay->slots.len = wanted * sizeof(struct slot);
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

static struct sought sought_at(const struct overlay *overlay, uint32_t number)
{
    struct journal_row row;
    overlay_at(overlay, number, &row);
    return (struct sought){row.key, nodes_of(overlay)[number].prefix};
}

// There is room in `links`.
static void link_node(struct overlay *overlay, enum table_space space, uint32_t number,
                      const uint32_t before[OVERLAY_HEIGHT_MAX])
{
    struct node *node = &nodes_of(overlay)[number];
    uint32_t height = height_of(node->hash);
    node->links = (uint32_t)(overlay->links.len / sizeof(uint32_t));
    overlay->links.len += (1 + height) * sizeof(uint32_t);
    links_of(overlay)[node->links] = height;
    for (uint32_t level = 0; level < height; level++) {
        uint32_t *link = link_of(overlay, space, before[level], level);
        links_of(overlay)[node->links + 1 + level] = *link;
        if (*link == 0)
            overlay->tails[space][level] = number + 1;
        *link = number + 1;
    }
}

static void chain_node(struct overlay *overlay, enum table_space space, uint32_t number,
                       const struct sought *sought)
{
    uint32_t least = overlay->least[space];
    nodes_of(overlay)[number].chain = overlay->chains[space];
    overlay->chains[space] = number + 1;
    if (least == 0 || compare_node(overlay, least - 1, sought) > 0)
        overlay->least[space] = number + 1;
}

static void place_node(struct overlay *overlay, const struct journal_row *row, uint32_t number)
{
    const struct sought sought = {row->key, nodes_of(overlay)[number].prefix};
    uint32_t last = overlay->tails[row->space][0];
    if (last == 0 || compare_node(overlay, last - 1, &sought) < 0)
        link_node(overlay, row->space, number, overlay->tails[row->space]);
    else
        chain_node(overlay, row->space, number, &sought);
}

static void unlink_node(struct overlay *overlay, enum table_space space, uint32_t number)
{
    uint32_t links = nodes_of(overlay)[number].links;
    uint32_t height = links_of(overlay)[links];
    const struct sought sought = sought_at(overlay, number);
    struct path path;
    find_path(overlay, space, &sought, false, &path);
    for (uint32_t level = 0; level < height; level++) {
        uint32_t *before = link_of(overlay, space, path.before[level], level);
        ASSERT(*before == number + 1);
        *before = links_of(overlay)[links + 1 + level];
        if (*before == 0)
            overlay->tails[space][level] = path.before[level];
    }
    size_t end = overlay->links.len / sizeof(uint32_t);
    if (links + 1 + height == end) // or it was arranged, and others with it
        overlay->links.len = links * sizeof(uint32_t);
}

// The node in the chain with the least key that is greater than `after`, and 1.
static uint32_t least_after(const struct overlay *overlay, enum table_space space,
                            const struct sought *after)
{
    uint32_t least = 0;
    for (uint32_t at = overlay->chains[space]; at != 0; at = nodes_of(overlay)[at - 1].chain) {
        const struct sought sought = sought_at(overlay, at - 1);
        if (compare_node(overlay, at - 1, after) > 0 &&
            (least == 0 || compare_node(overlay, least - 1, &sought) > 0))
            least = at;
    }
    return least;
}

static void unchain_node(struct overlay *overlay, enum table_space space, uint32_t number)
{
    const struct sought nothing = {.prefix = 0};
    ASSERT(overlay->chains[space] == number + 1);
    overlay->chains[space] = nodes_of(overlay)[number].chain;
    if (overlay->least[space] == number + 1)
        overlay->least[space] = least_after(overlay, space, &nothing);
}

static struct sought sought_after(struct span after)
{
    return (struct sought){after, span_is_empty(after) ? 0 : prefix_of(after)};
}

// The least key of a chain is known; where the next one lies is not.
static bool is_before_chain(const struct overlay *overlay, enum table_space space,
                            const struct sought *after)
{
    uint32_t least = overlay->least[space];
    return least == 0 || compare_node(overlay, least - 1, after) > 0;
}

static size_t links_of_chain(const struct overlay *overlay, enum table_space space)
{
    size_t links = 0;
    for (uint32_t at = overlay->chains[space]; at != 0; at = nodes_of(overlay)[at - 1].chain)
        links += 1 + height_of(nodes_of(overlay)[at - 1].hash);
    return links;
}

// Without memory all stays as it is, and takes its time.
void overlay_arrange(struct overlay *overlay, enum table_space space, struct span after)
{
    const struct sought start = sought_after(after);
    uint32_t at = overlay->chains[space];
    if (is_before_chain(overlay, space, &start) ||
        !reserve(&overlay->links, links_of_chain(overlay, space) * sizeof(uint32_t)))
        return;
    while (at != 0) {
        const struct sought sought = sought_at(overlay, at - 1);
        struct path path;
        find_path(overlay, space, &sought, false, &path);
        link_node(overlay, space, at - 1, path.before);
        at = nodes_of(overlay)[at - 1].chain;
    }
    overlay->chains[space] = overlay->least[space] = 0;
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

// Of two nodes' numbers and 1, either of which may be 0.
static uint32_t first_of(const struct overlay *overlay, uint32_t one, uint32_t other)
{
    if (one == 0 || other == 0)
        return one + other;
    const struct sought sought = sought_at(overlay, other - 1);
    return compare_node(overlay, one - 1, &sought) < 0 ? one : other;
}

bool overlay_next(const struct overlay *overlay, enum table_space space, struct span after,
                  struct journal_row *out)
{
    if (!is_ordered(space))
        return next_of_any(overlay, space, after, out);
    const struct sought start = sought_after(after);
    struct path path;
    find_path(overlay, space, &start, true, &path);
    uint32_t next = next_of(overlay, space, path.before[0], 0);
    uint32_t chained = is_before_chain(overlay, space, &start)
                           ? overlay->least[space]
                           : least_after(overlay, space, &start);
    next = first_of(overlay, next, chained);
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
    const struct node node = {prefix_of(row->key), at, hash, NOT_LINKED, 0};
    memcpy(overlay->nodes.data + overlay->nodes.len, &node, sizeof node);
    overlay->nodes.len += sizeof node;
    enter(overlay, number);
    put_change(overlay, number, NEW_NODE);
    if (is_ordered(row->space))
        place_node(overlay, row, number);
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
    struct journal_row before;
    uint32_t number = find_node(overlay, row->space, row->key, hash, &before);
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
    if (nodes_of(overlay)[number].links != NOT_LINKED)
        unlink_node(overlay, row.space, number);
    else if (is_ordered(row.space))
        unchain_node(overlay, row.space, number);
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

// Those that no list has in order; returns how many.
static size_t gather(const struct overlay *overlay, struct sorted *rows)
{
    struct journal_row row;
    size_t held = 0;
    for (size_t i = 0; i < overlay_count(overlay); i++) {
        const struct node *node = &nodes_of(overlay)[i];
        if (node->links != NOT_LINKED)
            continue;
        overlay_at(overlay, i, &row);
        rows[held++] = (struct sorted){node->prefix, row.space, (uint32_t)i};
    }
    return held;
}

static void merge(const struct overlay *overlay, const struct sorted *rows, size_t count,
                  uint32_t *numbers)
{
    const struct sorted *end = rows + count;
    for (uint32_t space = 0; space < TABLE_SPACES_COUNT_; space++) {
        uint32_t linked = overlay->heads[space][0];
        while (linked != 0 || (rows < end && rows->space == space)) {
            uint32_t sorted = rows < end && rows->space == space ? rows->number + 1 : 0;
            uint32_t first = first_of(overlay, linked, sorted);
            *numbers++ = first - 1;
            if (first == linked)
                linked = next_of(overlay, space, linked, 0);
            else
                rows++;
        }
    }
}

uint32_t *overlay_sorted(const struct overlay *overlay)
{
    size_t count = overlay_count(overlay);
    struct sorted *rows = malloc((count + 1) * sizeof *rows);
    uint32_t *numbers = rows != NULL ? malloc((count + 1) * sizeof *numbers) : NULL;
    if (numbers != NULL) {
        size_t held = gather(overlay, rows);
        qsort_r(rows, held, sizeof *rows, compare_sorted, &overlay);
        merge(overlay, rows, held, numbers);
    }
    free(rows);
    return numbers;
}
