// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// NFC comes first: it makes equal what Unicode holds for equal, and may bring an ASCII letter forth
// (U+212A, the Kelvin sign, is K). After the folding it comes again, for letters that compose in
// lower case only: T and U+0308 stay two, t and U+0308 become U+1E97.
#include "address/normal.h"

#include <stdlib.h>
#include <uninorm.h>
#include <unistr.h>

static struct span normal_span(const struct normal *normal)
{
    return span_make(normal->bytes, normal->len);
}

static bool is_ascii(struct span text)
{
    uint8_t all = 0;
    for (size_t i = 0; i < text.len; i++)
        all |= text.data[i];
    return all < 0x80;
}

bool normal_compose(struct span *text, struct normal *storage)
{
    if (is_ascii(*text))
        return true;
    if (text->len > NORMAL_BYTES_MAX || u8_check(text->data, text->len) != NULL)
        return false;
    storage->len = sizeof storage->bytes;
    uint8_t *composed =
        u8_normalize(UNINORM_NFC, text->data, text->len, storage->bytes, &storage->len);
    if (composed != storage->bytes) {
        free(composed); // too long for our buffer, hence too long
        return false;
    }
    *text = normal_span(storage);
    return true;
}

bool normal_fold(struct span *text, struct folded_text *storage)
{
    struct normal *lower = &storage->lower;
    if (text->len > NORMAL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text->len; i++)
        lower->bytes[i] = ascii_lower(text->data[i]);
    lower->len = text->len;
    *text = normal_span(lower);
    return normal_compose(text, &storage->composed);
}
