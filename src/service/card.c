// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/card.h"

#include "base/assert.h"
#include "crypto/pure/seal.h"

#define CARD_ASSOCIATED_BYTES (1U + sizeof(struct record_key))

static void card_associated(const struct record_key *owner, uint8_t out[CARD_ASSOCIATED_BYTES])
{
    out[0] = 'U';
    memcpy(out + 1, owner->digest.bytes, sizeof owner->digest.bytes);
}

void card_write(struct address_card *card, const struct keyring *keyring,
                const struct entropy *entropy, const struct record_key *owner,
                const struct address *to)
{
    uint8_t associated[CARD_ASSOCIATED_BYTES];
    struct sealed sealed;
    struct span run = address_identifier(to);
    card->tag = record_address_tag(keyring_index(keyring), owner, run);
    card_associated(owner, associated);
    seal_text(keyring_seal(keyring), entropy, span_make(associated, sizeof associated), run,
              &sealed);
    ASSERT(sealed.len <= sizeof card->sealed);
    card->len = sealed.len;
    memcpy(card->sealed, sealed.bytes, sealed.len);
}

bool card_open(const struct address_card *card, const struct keyring *keyring,
               const struct record_key *owner, struct address *out)
{
    uint8_t associated[CARD_ASSOCIATED_BYTES];
    uint8_t run[SEAL_PLAIN_BYTES_MAX];
    struct sealed sealed = {.len = card->len};
    size_t len = 0;
    if (card->tag == 0)
        return false;
    memcpy(sealed.bytes, card->sealed, card->len);
    card_associated(owner, associated);
    return seal_open(keyring_seal(keyring), span_make(associated, sizeof associated), &sealed, run,
                     &len) &&
           address_of_run(span_make(run, len), out);
}
