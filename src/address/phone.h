// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// ASCII digits as somebody dials them, to the digits of ITU-T E.164. Inside of address/ only.

#include "base/strbuf.h"

// What is worth looking at: a prefix of another network, a calling code, a national number with
// trunk digits before it.
#define PHONE_DIALLED_MAX 32U

// `digits` begin with a calling code. False, with nothing appended: no number can be so.
bool phone_international(struct span digits, struct strbuf *out);

// `digits` are dialled within `country` (ISO 3166-1 alpha-2). False, with nothing appended: no
// valid number there, or no country with numbers of its own.
bool phone_national(struct span digits, struct span country, struct strbuf *out);

// Some number is national in it.
bool phone_has_country(struct span country);
