// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The sealed address on a username's card. It opens in the record that it was sealed for alone, and
// nowhere else: neither in another record nor in the outbox. Inside of service/ only.

#include "address/address.h"
#include "core/record.h"
#include "crypto/keyring/keyring.h"

// Everything of the card for the record `owner`.
void card_write(struct address_card *card, const struct keyring *keyring,
                const struct entropy *entropy, const struct record_key *owner,
                const struct address *to);

// False: there is no address on it, or it does not open.
bool card_open(const struct address_card *card, const struct keyring *keyring,
               const struct record_key *owner, struct address *out);
