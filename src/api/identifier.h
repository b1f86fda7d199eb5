// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Whom a request is about: identifierType and identifierValue, or the legacy body's plain `mobile`
// or `email`, as one canonical address, and the further addresses that the body names. Of those, a
// username's codes go to the mobile number or, without one, to the e-mail address.

#include "address/address.h"
#include "api/fields.h"
#include "service/service.h"

enum identifier_type {
    IDENTIFIER_MOBILE,
    IDENTIFIER_EMAIL,
    IDENTIFIER_USERNAME,
    IDENTIFIER_EXTERNAL_ID, // refused: no brand can enable it
    IDENTIFIER_TYPE_COUNT_,
};

// As on the wire and in tokens.
struct span identifier_type_name(enum identifier_type type);

// What the body says, not yet looked into. Spans as in the fields.
struct identifier_spelling {
    enum identifier_type type;
    struct span value;
    struct span mobile; // further addresses; empty: none
    struct span email;
};

#define IDENTIFIER_OTHERS_BYTES_MAX (2U * (1U + sizeof(((struct address *)0)->text)))

struct identifier {
    enum identifier_type type;
    struct address address;
    union {
        // Further addresses other than `address`, canonical: each a length and a run of that
        // length, a mobile number first. Empty when there is none.
        struct {
            size_t len;
            uint8_t bytes[IDENTIFIER_OTHERS_BYTES_MAX];
        } others;
        // IDENTIFIER_USERNAME: where its codes go; len 0 when nobody has said.
        struct address to;
    };
};

// Its shape: API_SUCCESS, API_IDENTIFIER_TYPE_INVALID, or API_DETAILS_INVALID with a fault.
enum api_status identifier_spell(const struct api_fields *fields,
                                 struct identifier_spelling *spelling_out,
                                 struct api_fault *fault_out);

// Whether people log in to the brand so; of EXTERNALID identifier_parse says.
bool identifier_is_taken(const struct identifier_spelling *spelling, const struct brand *brand);

// Its form: API_SUCCESS, API_EXTERNAL_ID_OFF, or API_DETAILS_INVALID. `default_country` is the
// brand's, for numbers; empty: none.
enum api_status identifier_parse(const struct identifier_spelling *spelling,
                                 struct span default_country, struct identifier *identifier_out);

// Where its codes go; NULL: to be looked up.
const struct address *identifier_to(const struct identifier *identifier);

// What a session is bound to besides the identifier; empty when the request names nothing.
struct span identifier_others(const struct identifier *identifier);
