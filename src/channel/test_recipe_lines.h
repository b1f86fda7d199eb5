// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A recipe for tests and fuzzers: lines of "key.key.key=text", each a field.

#include "channel/recipe.h"

// The fields lie in `text`. Takes as many lines as there is room for.
static inline size_t recipe_lines_split(struct span text, struct recipe_field *fields, size_t most)
{
    size_t count = 0;
    for (uint32_t line = 1; text.len > 0 && count < most; line++) {
        struct span row = span_split(text, '\n', &text);
        struct span value;
        struct span path = span_split(row, '=', &value);
        struct recipe_field *field = &fields[count++];
        *field = (struct recipe_field){.text = value, .line = line, .column = 1};
        while (path.len > 0 && field->depth < RECIPE_KEYS_MAX)
            field->keys[field->depth++] = span_split(path, '.', &path);
    }
    return count;
}
