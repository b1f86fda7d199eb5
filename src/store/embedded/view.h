// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reads of a table (table.h) by one thread while another one changes it: what was committed before
// view_begin, until view_end.
//
//   begin ─▶ get, next … ─▶ end

#include "store/embedded/table.h"

struct view;

struct view_ops {
    enum table_result (*begin)(struct view *view);
    enum table_result (*get)(struct view *view, enum table_space space, struct span key,
                             struct span *value_out);
    enum table_result (*next)(struct view *view, enum table_space space, struct span after,
                              struct span *key_out, struct span *value_out);
    void (*end)(struct view *view);
    const char *(*failure)(const struct view *view);
    void (*destroy)(struct view *view);
};

// First member of every implementation.
struct view {
    const struct view_ops *ops;
};

MUST_CHECK static inline enum table_result view_begin(struct view *view)
{
    return view->ops->begin(view);
}

// As table_get and table_next; what they give stays where it is until view_end.
MUST_CHECK static inline enum table_result view_get(struct view *view, enum table_space space,
                                                    struct span key, struct span *value_out)
{
    return view->ops->get(view, space, key, value_out);
}

MUST_CHECK static inline enum table_result view_next(struct view *view, enum table_space space,
                                                     struct span after, struct span *key_out,
                                                     struct span *value_out)
{
    return view->ops->next(view, space, after, key_out, value_out);
}

// Of one that was not begun: nothing.
static inline void view_end(struct view *view)
{
    view->ops->end(view);
}

static inline const char *view_failure(const struct view *view)
{
    return view->ops->failure(view);
}

// Before its table is destroyed.
static inline void view_destroy(struct view **view)
{
    if (*view != NULL)
        (*view)->ops->destroy(*view);
    *view = NULL;
}
