// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// For the files report*.c alone.

#include "channel/recipe_inside.h"
#include "channel/report.h"

#define REPORT_MEMBERS_MAX 64U // of a form or a query, and of what is signed
#define READER_SECRETS_BYTES_MAX (4U * RECIPE_VALUE_BYTES_MAX)

struct report_reader {
    const struct recipe *recipe;
    struct span secret, verify, app; // in held; data NULL: not set
    size_t held_len;
    uint8_t held[READER_SECRETS_BYTES_MAX];
};

// The pairs of "a=1&b=2" as an object of texts, "+" as a space, percent-encoding undone. NULL: a
// name twice, too many, ill-formed, no UTF-8, or no memory.
json_t *report_form_read(struct span pairs);

// What is nearly JSON; NULL: it is not, or there is no memory.
json_t *report_mend_read(struct span text);

// REPORT_READ when the provider has signed it, or need not. `whole` is what report_form_read or the
// JSON's reader has made of the request.
enum report_verdict report_check(const struct report_reader *reader,
                                 const struct report_request *request, json_t *whole);
