// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// An address is local part, "@", domain (RFC 5321 section 4.1.2, RFC 6531 section 3.3); the domain
// is domain.c's matter.
//
// The local part is a dot-atom, letters of any script allowed. Quoted local parts are refused: they
// let one mailbox be spelt in many ways. So are characters that are invisible or look like "@".
//
// Canonical: all in NFC, then ASCII A to Z to lower case, then NFC again. The first makes equal
// what Unicode holds for equal, and may bring an ASCII letter forth (U+212A, the Kelvin sign, is
// K). The last is for letters that compose in lower case only: T and U+0308 stay two, t and U+0308
// become U+1E97. No other letter is folded: whether "Ä" and "ä" are one mailbox is for its host to
// say.
#include "address/kinds.h"
#include "base/unicode_digit.h"

#include <stdlib.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#define LOCAL_BYTES_MAX 64U // RFC 5321 section 4.5.3.1.1

// Decomposed, an address may be several times as long as it will be, but not longer than this.
#define NORMAL_BYTES_MAX 1024U

struct normal {
    size_t len;
    uint8_t bytes[NORMAL_BYTES_MAX];
};

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

static void lower_into(struct span text, struct normal *out)
{
    for (size_t i = 0; i < text.len; i++)
        out->bytes[i] = ascii_lower(text.data[i]);
    out->len = text.len;
}

// Leaves *text as it is when it is ASCII, else makes it the composed text in `storage`.
static bool compose(struct span *text, struct normal *storage)
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
    struct normal lower, composed;
    if (spelling.len > NORMAL_BYTES_MAX)
        return false;
    lower_into(spelling, &lower);
    struct span local = normal_span(&lower);
    if (!compose(&local, &composed) || local.len > LOCAL_BYTES_MAX || !is_dot_atom(local))
        return false;
    strbuf_put(out, local);
    return true;
}

bool email_parse(struct span spelling, struct strbuf *out)
{
    struct normal composed;
    struct span text = span_trim(spelling);
    if (!compose(&text, &composed))
        return false;
    // A second "@" would be in the domain, which knows none.
    struct span domain;
    struct span local = span_split(text, '@', &domain);
    if (!local_parse(local, out))
        return false;
    strbuf_put_byte(out, '@');
    return domain_parse(domain, out);
}
