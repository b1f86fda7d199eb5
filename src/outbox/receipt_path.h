// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The unguessable end of the URL that a provider reports to: /receipts/NAME/TOKEN. Nothing is
// stored of it, and nobody who has seen one token can make another.
//
//   token = hex(handle, 8 bytes, most significant first) hex(keyed hash of provider and handle, 16)
//
// Handle 0 stands for no message: it is the URL to register with a provider that takes one URL for
// all of its receipts. Any other handle is the message that was sent with that URL.

#include "base/strbuf.h"
#include "crypto/pure/mac.h"
#include "store/store.h"

#define RECEIPT_TOKEN_BYTES 48U

// `index_key` is the keyring's: a URL that has been registered holds as long as that key.
void receipt_path_put(const struct key *index_key, provider_tag provider, uint64_t handle,
                      struct strbuf *out);

// False, with *handle_out untouched, unless receipt_path_put has made this very token under that
// key for that provider. Takes as long for a token that is nearly right as for one that is not.
bool receipt_path_open(const struct key *index_key, provider_tag provider, struct span token,
                       uint64_t *handle_out);
