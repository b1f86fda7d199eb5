// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Domains are compared as IDNA2008 A-labels in lower case. Nearly all come as such; those never
// meet the library. What is not ASCII, or claims to be an A-label, goes through libidn2 (UTS 46,
// not transitional) and comes back as ASCII or not at all; then the same check is made. Characters
// that no host name has ("_", "@", spaces) are left for that check: they stand unchanged in an
// A-label, and libidn2's own rule for them (IDN2_USE_STD3_ASCII_RULES, 2.3.3) does not refuse but
// drop them, so that "@bücher.example" would name bücher.example.
//
// One dot at the end is the root's and is dropped: "example.com." names the same host. Addresses in
// brackets and bare IP addresses are no domains here, nor are names of a single label.
#include "address/kinds.h"

#include <idn2.h>

#define LABEL_BYTES_MAX 63U
#define DOMAIN_BYTES_MAX 253U
#define LABELS_MIN 2U

// Above what can become DOMAIN_BYTES_MAX of A-labels.
#define SPELLING_BYTES_MAX 1024U

static bool is_alphanumeric(uint8_t byte)
{
    uint8_t lower = ascii_lower(byte);
    return ascii_is_digit(byte) || (lower >= 'a' && lower <= 'z');
}

// RFC 1123 section 2.1: letters, digits and inner hyphens.
static bool is_label(struct span label)
{
    if (label.len == 0 || label.len > LABEL_BYTES_MAX)
        return false;
    if (label.data[0] == '-' || label.data[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!is_alphanumeric(label.data[i]) && label.data[i] != '-')
            return false;
    }
    return true;
}

static bool is_numeric(struct span label)
{
    for (size_t i = 0; i < label.len; i++) {
        if (!ascii_is_digit(label.data[i]))
            return false;
    }
    return true;
}

static bool is_host_name(struct span domain)
{
    size_t labels = 1;
    struct span label = domain;
    for (;;) {
        size_t dot = span_find(label, '.');
        if (!is_label(span_first(label, dot)))
            return false;
        if (dot == label.len)
            break;
        label = span_from(label, dot + 1);
        labels++;
    }
    // A top-level domain of digits alone would be the end of an IP address.
    return labels >= LABELS_MIN && domain.len <= DOMAIN_BYTES_MAX && !is_numeric(label);
}

static bool ascii_parse(struct span spelling, struct strbuf *out)
{
    struct span domain = spelling;
    if (domain.len > 0 && domain.data[domain.len - 1] == '.')
        domain.len--;
    if (!is_host_name(domain))
        return false;
    uint8_t *at = strbuf_reserve(out, domain.len);
    for (size_t i = 0; at != NULL && i < domain.len; i++)
        at[i] = ascii_lower(domain.data[i]);
    return true;
}

static bool needs_idna(struct span domain)
{
    const struct span prefix = SPAN("xn--");
    for (size_t i = 0; i < domain.len; i++) {
        bool is_label_start = i == 0 || domain.data[i - 1] == '.';
        if (domain.data[i] >= 0x80)
            return true;
        if (is_label_start && span_eq_nocase(span_first(span_from(domain, i), prefix.len), prefix))
            return true;
    }
    return false;
}

static bool idna_parse(struct span spelling, struct strbuf *out)
{
    const int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
    uint8_t text[SPELLING_BYTES_MAX + 1];
    if (spelling.len > SPELLING_BYTES_MAX || span_find(spelling, '\0') < spelling.len)
        return false;
    memcpy(text, spelling.data, spelling.len);
    text[spelling.len] = '\0';
    uint8_t *ascii = NULL;
    if (idn2_lookup_u8(text, &ascii, flags) != IDN2_OK)
        return false;
    bool is_domain = ascii_parse(span_of_text((const char *)ascii), out);
    idn2_free(ascii);
    return is_domain;
}

bool domain_parse(struct span spelling, struct strbuf *out)
{
    return needs_idna(spelling) ? idna_parse(spelling, out) : ascii_parse(spelling, out);
}
