// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Base64 (RFC 4648 section 4, with padding) of credentials and signatures, in constant time.

#include "base/strbuf.h"

void base64_put(struct strbuf *out, struct span bytes);

// False when `text` is no base64 or its bytes do not fit. Padding may be left out.
bool base64_take(struct span text, uint8_t *out, size_t cap, size_t *len_out);
