// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Memory of one request: a fixed block that is handed out from the front and given back all at
// once. Nothing is freed singly. When it is full the allocation fails, and the edge answers 503.

#include "base/span.h"

struct arena {
    uint8_t *base;
    size_t used;
    size_t cap;
};

static inline struct arena arena_over(void *storage, size_t cap)
{
    return (struct arena){.base = storage, .used = 0, .cap = cap};
}

// `size` bytes aligned for any object, not cleared; NULL when the arena is full.
void *arena_alloc(struct arena *arena, size_t size);

// A copy of `bytes` that lives as long as the arena's content; is_ok_out says whether it fitted.
struct span arena_copy(struct arena *arena, struct span bytes, bool *is_ok_out);
