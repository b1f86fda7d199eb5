// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include "base/assert.h"

#include <stdalign.h>

void *arena_alloc(struct arena *arena, size_t size)
{
    ASSERT(arena->used <= arena->cap);
    uintptr_t address = (uintptr_t)(arena->base + arena->used);
    size_t padding = (size_t)(-address & (alignof(max_align_t) - 1));
    size_t room = arena->cap - arena->used;
    if (padding > room || size > room - padding)
        return NULL;
    void *at = arena->base + arena->used + padding;
    arena->used += padding + size;
    return at;
}

struct span arena_copy(struct arena *arena, struct span bytes, bool *is_ok_out)
{
    void *at = arena_alloc(arena, bytes.len);
    *is_ok_out = at != NULL;
    if (at == NULL)
        return span_make(NULL, 0);
    if (bytes.len > 0)
        memcpy(at, bytes.data, bytes.len);
    return span_make(at, bytes.len);
}
