// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// An ordered table of bytes with one transaction at a time: what the engine asks of a library such
// as LMDB, and what a model of it in a test gives as well.
//
//   begin ─▶ get, put, del, next … ─▶ commit (all of it, durable) or abort (nothing of it)
//
// A number that has to go with the data, as that of the last commit, is a row of TABLE_META like
// any other.
//
// Everything but create and destroy is called within a transaction, by one thread. After anything
// but TABLE_OK and TABLE_NONE the transaction is good for `abort` only; commit ends it whatever it
// returns.

#include "base/err.h"
#include "store/store.h"

// Numbers are part of the stored checksums.
enum table_space {
    TABLE_RECORDS,
    TABLE_ENTRIES,
    TABLE_EXPIRY,
    TABLE_SETTINGS,
    TABLE_META,
    TABLE_SEALED,
    TABLE_DELIVERIES,
    TABLE_REFS,
    TABLE_SPACES_COUNT_,
};

enum table_result {
    TABLE_OK,
    TABLE_NONE,   // there is no such row
    TABLE_FULL,   // no room; of a commit: nothing of it was applied
    TABLE_FAILED, // of a commit: perhaps applied
};

#define TABLE_KEY_BYTES_MAX 64U

struct table;

struct table_ops {
    enum table_result (*begin)(struct table *table);
    enum table_result (*get)(struct table *table, enum table_space space, struct span key,
                             struct span *value_out);
    enum table_result (*put)(struct table *table, enum table_space space, struct span key,
                             struct span value);
    enum table_result (*del)(struct table *table, enum table_space space, struct span key);
    enum table_result (*next)(struct table *table, enum table_space space, struct span after,
                              struct span *key_out, struct span *value_out);
    enum table_result (*commit)(struct table *table);
    void (*abort)(struct table *table);
    bool (*is_tight)(const struct table *table);     // NULL: never
    uint64_t (*position)(const struct table *table); // both NULL: a commit is its own proof
    uint64_t (*synced)(const struct table *table);
    const char *(*failure)(const struct table *table);
    void (*destroy)(struct table *table);
};

// First member of every implementation.
struct table {
    const struct table_ops *ops;
};

MUST_CHECK static inline enum table_result table_begin(struct table *table)
{
    return table->ops->begin(table);
}

// The value stays where it is until the next change or the transaction's end.
MUST_CHECK static inline enum table_result table_get(struct table *table, enum table_space space,
                                                     struct span key, struct span *value_out)
{
    return table->ops->get(table, space, key, value_out);
}

// Sets a row, there or not. Key of 1 to TABLE_KEY_BYTES_MAX bytes.
MUST_CHECK static inline enum table_result table_put(struct table *table, enum table_space space,
                                                     struct span key, struct span value)
{
    return table->ops->put(table, space, key, value);
}

MUST_CHECK static inline enum table_result table_del(struct table *table, enum table_space space,
                                                     struct span key)
{
    return table->ops->del(table, space, key);
}

// The first row whose key is greater than `after`, as strings of bytes; the first of all when that
// is empty. Key (TABLE_KEY_BYTES_MAX at most) and value stay as table_get's value does.
MUST_CHECK static inline enum table_result table_next(struct table *table, enum table_space space,
                                                      struct span after, struct span *key_out,
                                                      struct span *value_out)
{
    return table->ops->next(table, space, after, key_out, value_out);
}

MUST_CHECK static inline enum table_result table_commit(struct table *table)
{
    return table->ops->commit(table);
}

static inline void table_abort(struct table *table)
{
    table->ops->abort(table);
}

// There is little room left: what begins something new should not be put any more, so that what
// ends something still can be.
static inline bool table_is_tight(const struct table *table)
{
    return table->ops->is_tight != NULL && table->ops->is_tight(table);
}

// Of the last commit, by the thread that commits.
static inline uint64_t table_position(const struct table *table)
{
    return table->ops->position != NULL ? table->ops->position(table) : 0;
}

// Up to where commits are on the disk; from any thread.
static inline uint64_t table_synced(const struct table *table)
{
    return table->ops->synced != NULL ? table->ops->synced(table) : UINT64_MAX;
}

// What the last result but TABLE_OK and TABLE_NONE was about, for a person.
static inline const char *table_failure(const struct table *table)
{
    return table->ops->failure(table);
}

// Ends an open transaction without effect.
static inline void table_destroy(struct table **table)
{
    if (*table != NULL)
        (*table)->ops->destroy(*table);
    *table = NULL;
}
