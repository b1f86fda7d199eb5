// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The parsers of the kinds of address, one file each. Inside of address/ only.

#include "address/address.h"
#include "base/strbuf.h"

// Each appends the canonical value to `out`, which has room for ADDRESS_VALUE_BYTES_MAX. False: not
// an address of that kind; what is in `out` is then of no use.
bool mobile_parse(struct span spelling, struct span default_country, struct strbuf *out);
bool email_parse(struct span spelling, struct strbuf *out);
bool username_parse(struct span spelling, struct strbuf *out);

// The domain of an e-mail address, as A-labels in lower case.
bool domain_parse(struct span spelling, struct strbuf *out);
