// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The rows of a table with an overlay in front of it, as a start would see them: two ordered
// sequences as one. What is in both is the overlay's.

#include "store/embedded/overlay.h"
#include "store/embedded/view.h"

struct merged {
    struct view *view;             // begun; borrowed
    const struct overlay *overlay; // borrowed; it does not change
    uint32_t *order;               // of the overlay's rows
    size_t order_held;
};

// False: no memory.
MUST_CHECK bool merged_init(struct merged *merged, struct view *view,
                            const struct overlay *overlay);
void merged_fini(struct merged *merged);

// *value is empty when there is no such row.
MUST_CHECK enum table_result merged_get(const struct merged *merged, enum table_space space,
                                        struct span key, struct span *value);

struct merged_walk {
    enum table_space space;
    size_t next; // in the overlay's order
    struct journal_row behind;
    bool has_behind;
};

MUST_CHECK enum table_result merged_begin(const struct merged *merged, enum table_space space,
                                          struct merged_walk *walk);

// The next row of the space in order of keys, which stays where it is until the view's end.
// TABLE_NONE: that was all.
MUST_CHECK enum table_result merged_next(const struct merged *merged, struct merged_walk *walk,
                                         struct journal_row *out);
