// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// otpd brand keys: the keys that a brand's tokens are signed with.

#include "cli/admin.h"
#include "cli/secret.h"

int brand_keys_list(struct admin *admin);
int brand_keys_rotate(struct admin *admin);
int brand_keys_retire(struct admin *admin);

// Sets a new signing key for the brand that the first word names; an empty secret: a random one.
// As admin_ask.
int brand_keys_send(const struct admin *admin, const struct secret *secret,
                    struct control_reply *out);
