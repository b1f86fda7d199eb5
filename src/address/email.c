// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// An address is local part, "@", domain (RFC 5321 section 4.1.2, RFC 6531 section 3.3); the domain
// is domain.c's matter.
//
// The local part is a dot-atom, letters of any script allowed. Quoted local parts are refused: they
// let one mailbox be spelt in many ways. So are characters that are invisible or look like "@".
//
// Canonical: see address/normal.h; the local part in its folded form. No letter but ASCII's is
// folded: whether "Ä" and "ä" are one mailbox is for its host to say.
#include "address/kinds.h"
#include "address/normal.h"
#include "base/unicode_digit.h"

#include <unictype.h>

#define LOCAL_BYTES_MAX 64U // RFC 5321 section 4.5.3.1.1

// RFC 5322 section 3.2.3: letters, digits and these.
static bool is_atext(uint8_t byte)
{
    static const struct span specials = SPAN("!#$%&'*+-/=?^_`{|}~");
    uint8_t lower = ascii_lower(byte);
    if (ascii_is_digit(byte) || (lower >= 'a' && lower <= 'z'))
        return true;
    return span_find(specials, byte) < specials.len;
}

// Letters, marks, numbers, punctuation and symbols; no spaces, controls, private or unassigned
// ones, nothing that may be left out when shown (joiners, variation selectors, fillers).
static bool is_visible(uint32_t scalar)
{
    const uint32_t kinds = UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N |
                           UC_CATEGORY_MASK_P | UC_CATEGORY_MASK_S;
    bool is_like_at = scalar == 0xFF20 || scalar == 0xFE6B;
    return !is_like_at && uc_is_general_category_withtable(scalar, kinds) &&
           !uc_is_property_default_ignorable_code_point(scalar);
}

static bool is_local_scalar(uint32_t scalar)
{
    return scalar < 0x80 ? is_atext((uint8_t)scalar) : is_visible(scalar);
}

// Dots stand alone between other characters.
static bool is_dot_atom(struct span text)
{
    bool is_after_dot = true;
    while (text.len > 0) {
        uint32_t scalar;
        if (!utf8_take(&text, &scalar))
            return false;
        bool is_dot = scalar == '.';
        if (is_dot ? is_after_dot : !is_local_scalar(scalar))
            return false;
        is_after_dot = is_dot;
    }
    return !is_after_dot;
}

static bool local_parse(struct span spelling, struct strbuf *out)
{
    struct folded_text folded;
    struct span local = spelling;
    if (!normal_fold(&local, &folded) || local.len > LOCAL_BYTES_MAX || !is_dot_atom(local))
        return false;
    strbuf_put(out, local);
    return true;
}

bool email_parse(struct span spelling, struct strbuf *out)
{
    struct normal composed;
    struct span text = span_trim(spelling);
    if (!normal_compose(&text, &composed))
        return false;
    // A second "@" would be in the domain, which knows none.
    struct span domain;
    struct span local = span_split(text, '@', &domain);
    if (!local_parse(local, out))
        return false;
    strbuf_put_byte(out, '@');
    return domain_parse(domain, out);
}
