// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/brand_set.h"

// Two sorted arrays over the same brands: by name and by id. A search is at most ten comparisons,
// for any input the same; names from the wire meet no hash that they could be chosen against.
//
// A set is const to all but its owner record, which holds the count and the way back to a pointer
// that may be freed.

#include "base/assert.h"
#include "service/brand_compile.h"

#include <stdatomic.h>
#include <stdlib.h>

struct set_owner {
    atomic_size_t references;
    struct brand_set *set;
};

struct brand_set {
    struct set_owner *owner;
    size_t count;
    struct brand **by_name;
    struct brand **by_id;
};

// Orders by ASCII upper case, byte by byte, then by length.
static int compare_names(struct span a, struct span b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < shared; i++) {
        int difference = (int)ascii_upper(a.data[i]) - (int)ascii_upper(b.data[i]);
        if (difference != 0)
            return difference;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static int compare_ids(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int order_by_name(const void *a, const void *b)
{
    const struct brand *const *left = a;
    const struct brand *const *right = b;
    return compare_names((*left)->name_upper, (*right)->name_upper);
}

static int order_by_id(const void *a, const void *b)
{
    const struct brand *const *left = a;
    const struct brand *const *right = b;
    return compare_ids((*left)->id, (*right)->id);
}

static enum err check_distinct(const struct brand_set *set, struct err_info *info)
{
    for (size_t i = 1; i < set->count; i++) {
        bool is_same_name = order_by_name(&set->by_name[i - 1], &set->by_name[i]) == 0;
        if (!is_same_name && order_by_id(&set->by_id[i - 1], &set->by_id[i]) != 0)
            continue;
        const struct brand *brand = is_same_name ? set->by_name[i] : set->by_id[i];
        err_info_set(info, "two brands have the %s of %.*s", is_same_name ? "name" : "id",
                     (int)brand->name.len, (const char *)brand->name.data);
        return ERR_INVALID;
    }
    return ERR_OK;
}

static void set_free(struct set_owner *owner)
{
    struct brand_set *set = owner->set;
    for (size_t i = 0; i < set->count; i++)
        brand_destroy(&set->by_name[i]);
    free(set->by_name);
    free(set->by_id);
    free(set);
    free(owner);
}

static struct brand **copy_of(struct brand **brands, size_t count)
{
    struct brand **copy = calloc(count + 1, sizeof(struct brand *));
    for (size_t i = 0; copy != NULL && i < count; i++)
        copy[i] = brands[i];
    return copy;
}

static struct brand_set *set_allocate(struct brand **brands, size_t count)
{
    struct brand_set *set = calloc(1, sizeof *set);
    struct set_owner *owner = calloc(1, sizeof *owner);
    struct brand **by_name = copy_of(brands, count);
    struct brand **by_id = copy_of(brands, count);
    if (set == NULL || owner == NULL || by_name == NULL || by_id == NULL) {
        free(set);
        free(owner);
        free(by_name);
        free(by_id);
        return NULL;
    }
    atomic_init(&owner->references, 1);
    owner->set = set;
    *set = (struct brand_set){owner, count, by_name, by_id};
    return set;
}

enum err brand_set_create(struct brand **brands, size_t count, struct brand_set **out,
                          struct err_info *info)
{
    struct brand_set *set = set_allocate(brands, count);
    if (set == NULL) {
        for (size_t i = 0; i < count; i++)
            brand_destroy(&brands[i]);
        err_info_set(info, "%s", err_text(ERR_NO_MEMORY));
        return ERR_NO_MEMORY;
    }
    qsort(set->by_name, count, sizeof(struct brand *), order_by_name);
    qsort(set->by_id, count, sizeof(struct brand *), order_by_id);
    enum err err = check_distinct(set, info);
    if (err != ERR_OK) {
        set_free(set->owner);
        return err;
    }
    *out = set;
    return ERR_OK;
}

void brand_set_ref(struct brand_set *set)
{
    (void)atomic_fetch_add_explicit(&set->owner->references, 1, memory_order_relaxed);
}

// Release, so that this thread's reads are over before the free; acquire, so that the one who frees
// is behind everybody's reads.
void brand_set_unref(const struct brand_set **set)
{
    struct set_owner *owner = (*set)->owner;
    *set = NULL;
    size_t before = atomic_fetch_sub_explicit(&owner->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before == 1)
        set_free(owner);
}

static int order_of_name(const void *name, const void *entry)
{
    const struct brand *const *brand = entry;
    return compare_names(*(const struct span *)name, (*brand)->name_upper);
}

static int order_of_id(const void *id, const void *entry)
{
    const struct brand *const *brand = entry;
    return compare_ids(*(const uint64_t *)id, (*brand)->id);
}

const struct brand *brand_set_find(const struct brand_set *set, struct span name)
{
    struct brand *const *hit =
        bsearch(&name, set->by_name, set->count, sizeof(struct brand *), order_of_name);
    return hit != NULL ? *hit : NULL;
}

const struct brand *brand_set_find_id(const struct brand_set *set, uint64_t id)
{
    struct brand *const *hit =
        bsearch(&id, set->by_id, set->count, sizeof(struct brand *), order_of_id);
    return hit != NULL ? *hit : NULL;
}

size_t brand_set_count(const struct brand_set *set)
{
    return set->count;
}

const struct brand *brand_set_at(const struct brand_set *set, size_t index)
{
    ASSERT(index < set->count);
    return set->by_name[index];
}

bool brand_allows_origin(const struct brand *brand, struct span origin)
{
    if (brand->is_any_origin)
        return true;
    for (size_t i = 0; i < brand->origins_held; i++) {
        if (span_eq(brand->origins[i], origin))
            return true;
    }
    return false;
}

bool brand_set_allows_origin(const struct brand_set *set, struct span origin)
{
    for (size_t i = 0; i < set->count; i++) {
        if (brand_allows_origin(set->by_name[i], origin))
            return true;
    }
    return false;
}
