// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A provider's pair of tokens in the store: one setting a provider, "tokens/NAME", of one value, so
// that both tokens are there together or not at all.
//
//   byte 0       1, the format
//   then         nonce (24) · cipher text · tag (16), under the wrap key, with the setting's name
//   as
//                associated data: moved to another provider it does not open
//   plain text   obtained, end of access, end of refresh: 8 bytes each, milliseconds since 1970,
//                big-endian; then access and refresh token, each behind 2 bytes of length

#include "channel/token.h"
#include "store/store.h"

#define PROVIDER_TOKENS_NAME_BYTES_MAX (SETTING_NAME_BYTES_MAX - (sizeof SETTING_TOKENS_PREFIX - 1))

struct provider_tokens {
    struct store *store;
    const struct key *wrap_key;
    const struct entropy *entropy; // callable from every thread that writes
    struct span provider;          // its name, of at most PROVIDER_TOKENS_NAME_BYTES_MAX
};

// What is stored, and its version, 0: nothing ever was. No pair is an empty one. ERR_INVALID:
// there is one that does not open, as with another key file; *out is then empty. From any thread.
MUST_CHECK enum err provider_tokens_read(const struct provider_tokens *tokens,
                                         struct token_pair *out, uint64_t *version_out);

// Writes the pair under that version. ERR_BUSY: it is not the present one plus 1. Waits for the
// store, and fails as it does.
MUST_CHECK enum err provider_tokens_write(const struct provider_tokens *tokens,
                                          const struct token_pair *pair, uint64_t version);

// The same, whatever the version is: a person's word counts.
MUST_CHECK enum err provider_tokens_set(const struct provider_tokens *tokens,
                                        const struct token_pair *pair);
