// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A username is a name that a person chose: any letters, spaces too. No control characters, which
// nobody can type on purpose, and no "|", which ends a name's kind in tokens.
#include "address/kinds.h"
#include "address/normal.h"
#include "base/unicode_digit.h"

// C0, DEL and C1.
static bool is_control(uint32_t scalar)
{
    return scalar < 0x20 || (scalar >= 0x7F && scalar < 0xA0);
}

static bool is_name(struct span text)
{
    while (text.len > 0) {
        uint32_t scalar;
        if (!utf8_take(&text, &scalar) || is_control(scalar) || scalar == '|')
            return false;
    }
    return true;
}

bool username_parse(struct span spelling, struct strbuf *out)
{
    struct normal composed;
    struct folded_text folded;
    struct span text = spelling;
    if (!normal_compose(&text, &composed) || !normal_fold(&text, &folded))
        return false;
    if (text.len == 0 || text.len > USERNAME_BYTES_MAX || !is_name(text))
        return false;
    strbuf_put(out, text);
    return true;
}
