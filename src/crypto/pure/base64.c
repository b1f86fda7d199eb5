// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "crypto/pure/base64.h"

#include <sodium/utils.h>

void base64_put(struct strbuf *out, struct span bytes)
{
    // The library writes a NUL behind the text, for which no room is given away.
    size_t text_len = (bytes.len + 2) / 3 * 4;
    if (out->is_overflowed || text_len >= out->cap - out->len) {
        out->is_overflowed = true;
        return;
    }
    (void)sodium_bin2base64((char *)out->data + out->len, text_len + 1, bytes.data, bytes.len,
                            sodium_base64_VARIANT_ORIGINAL);
    out->len += text_len;
}

bool base64_take(struct span text, uint8_t *out, size_t cap, size_t *len_out)
{
    while (text.len > 0 && text.data[text.len - 1] == '=')
        text.len--;
    return sodium_base642bin(out, cap, (const char *)text.data, text.len, NULL, len_out, NULL,
                             sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0;
}
