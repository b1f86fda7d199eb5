// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Commands that hand a secret to the server: its word, NAME=@FILE, and the request that carries it.

#include "cli/admin.h"
#include "cli/secret.h"

// How such a secret is named, in the word and in the request alike, and where it goes.
struct admin_secret {
    const char *name;
    const char *path;
    enum err (*read)(const char *name, struct span from, struct secret *out, struct err_info *info);
};

// Both return an exit status, as the functions of cli/admin.h do.

// Reads the secret that the second word names. Wipe it in any case.
int admin_secret_take(const struct admin *admin, const struct admin_secret *kind,
                      struct secret *out);

// Sends it for whom the first word names; an empty one is left out of the request. *out is to be
// ended in any case.
int admin_secret_send(const struct admin *admin, const struct admin_secret *kind,
                      const struct secret *secret, struct control_reply *out);
