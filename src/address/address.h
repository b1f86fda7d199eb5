// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Canonical addresses: every spelling of one destination becomes one value, which is what is
// limited, compared, sealed and sent to. Nothing typed by a person goes further than here.
// Usernames are made canonical in the same way, though nothing can be sent to one.

#include "base/span.h"

enum address_kind {
    ADDRESS_MOBILE,   // E.164 digits without the plus, 7 to 15 of them
    ADDRESS_EMAIL,    // local part (ASCII lower case, NFC) @ domain (lower-case A-labels)
    ADDRESS_USERNAME, // UTF-8 (ASCII lower case, NFC) without control characters and "|"
};

#define ADDRESS_VALUE_BYTES_MAX 254U
#define USERNAME_BYTES_MAX 128U

// A kind letter and the canonical value in one run, so that a number is never an e-mail address.
struct address {
    enum address_kind kind;
    uint16_t len; // of text, letter included
    uint8_t text[1 + ADDRESS_VALUE_BYTES_MAX];
};

// False when `spelling` cannot be an address of that kind; *out is then unspecified. A number
// without plus or 00 may be one of `default_country` (ISO 3166-1 alpha-2; empty: of none).
bool address_parse(enum address_kind kind, struct span spelling, struct span default_country,
                   struct address *out);

// Whether numbers can belong to it (ISO 3166-1 alpha-2); of any other one address_parse knows none.
bool address_has_country(struct span country);

// What address_identifier gave for a mobile number or an e-mail address, as that address again.
// False when it cannot have.
bool address_of_run(struct span run, struct address *out);

// The canonical value: what tokens carry and messages go to.
static inline struct span address_value(const struct address *address)
{
    return span_make(address->text + 1, address->len - 1U);
}

// Kind letter and value: what records are named by and sessions are bound to.
static inline struct span address_identifier(const struct address *address)
{
    return span_make(address->text, address->len);
}
