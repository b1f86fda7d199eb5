// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Authenticated encryption of a short text at rest: XChaCha20-Poly1305 with a random 192-bit nonce,
// so that keys may be used without counting. What it belongs to goes in as associated data: a
// sealed address moved to another entry or brand does not open.

#include "base/env.h"
#include "base/strbuf.h"
#include "crypto/pure/mac.h"

#define SEAL_PLAIN_BYTES_MAX 254U
#define SEAL_OVERHEAD_BYTES 40U // nonce 24, tag 16
#define SEAL_BYTES_MAX (SEAL_PLAIN_BYTES_MAX + SEAL_OVERHEAD_BYTES)

struct sealed {
    uint16_t len;
    uint8_t bytes[SEAL_BYTES_MAX];
};

// `plain` at most SEAL_PLAIN_BYTES_MAX (asserted).
void seal_text(const struct key *key, const struct entropy *entropy, struct span associated,
               struct span plain, struct sealed *out);

// The same for a text of any length; what it makes, as long as the text and SEAL_OVERHEAD_BYTES, is
// appended to *out.
void seal_put(const struct key *key, const struct entropy *entropy, struct span associated,
              struct span plain, struct strbuf *out);

// Opens what seal_put made into `out` of `cap` bytes. False also when it has not that much room.
bool seal_take(const struct key *key, struct span associated, struct span sealed, uint8_t *out,
               size_t cap, size_t *len_out);

// Opens into `out` of SEAL_PLAIN_BYTES_MAX bytes; the length goes to *len_out. False when the key
// or the associated data differ or a byte was changed: then nothing of the plain text is in `out`.
bool seal_open(const struct key *key, struct span associated, const struct sealed *sealed,
               uint8_t *out, size_t *len_out);
