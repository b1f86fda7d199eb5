// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One e-mail as bytes (RFC 5322, MIME), from values that cannot carry a header of their own.
//
// What stands in a header is a mail_text or a mail_address; both come from their checks alone,
// which refuse line ends, NUL and all other controls.

#include "base/strbuf.h"

#define MAIL_ADDRESS_BYTES_MAX 254U
#define MAIL_HEADER_TEXT_BYTES_MAX 256U
#define MAIL_BODY_BYTES_MAX 2048U

// A mail of the longest values, each byte of the text an escaped and then encoded one.
#define MAIL_BYTES_MAX 32768U

struct mail_text {
    struct span span;
};

struct mail_address {
    struct span span;
};

// Well-formed UTF-8 of at most MAIL_HEADER_TEXT_BYTES_MAX bytes without control characters; may be
// empty.
bool mail_text_of(struct span text, struct mail_text *out);

// local@domain: no spaces, controls, quotes, brackets or commas; the domain in ASCII.
bool mail_address_of(struct span text, struct mail_address *out);
bool mail_address_is_ascii(struct mail_address address);
struct span mail_address_domain(struct mail_address address);

struct mail {
    struct mail_address from;
    struct mail_text from_name; // empty: none
    struct mail_address to;
    struct mail_text subject;
    uint64_t id; // of the message; the same one has the same Message-ID
    int64_t sent_at_ms;
    struct span language; // of the text, a tag (base/language.h); empty: not known
    struct span text;     // UTF-8, lines end in "\n"; MAIL_BODY_BYTES_MAX at most
    struct span code;     // shown large where it stands in the text; may be empty
};

// The whole message with CRLF line ends, or out->is_overflowed. With a code in it `out` is secret.
void mail_write(const struct mail *mail, struct strbuf *out);
