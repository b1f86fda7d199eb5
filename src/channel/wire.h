// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The bytes of a request on its way to a provider: they hold a code and credentials.
//
// It is no strbuf on purpose, for the reasons that struct message is none: nothing that logs or
// stores takes one, and wire_reveal is for transports alone (the layer check names them). Every
// function that appends data encodes it for the place where it goes, so that data cannot leave its
// place.

#include "base/strbuf.h"

enum wire_encoding {
    WIRE_RAW,       // literals of a recipe, encoded before
    WIRE_URL,       // percent-encoded but for unreserved characters (RFC 3986 section 2.3)
    WIRE_FORM,      // application/x-www-form-urlencoded, a space as "+"
    WIRE_JSON_TEXT, // the inside of a JSON string
    WIRE_HEADER,    // a header's value: printable ASCII, spaces within
};

struct wire {
    struct strbuf hidden;
    bool is_refused; // something was put that its encoding cannot carry
};

struct wire wire_over(void *storage, size_t cap);

// Marks the wire as refused when the data is no UTF-8, or for WIRE_HEADER when it has a character
// that a header cannot have. WIRE_RAW is not looked at.
void wire_put(struct wire *wire, enum wire_encoding encoding, struct span data);
void wire_put_u64(struct wire *wire, uint64_t value);

// Everything that was put is there, as it was put.
bool wire_is_whole(const struct wire *wire);

// Asserts that it is whole.
struct span wire_reveal(const struct wire *wire);

// Overwrites all that has been written, and begins anew.
void wire_wipe(struct wire *wire);
