// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The server's keys: four kinds in one file that never lies beside the data or in a backup.
//
//   index   names records. Never rotates: without it every person's record is lost.
//   epochs  root of the session and code keys. Epochs follow the clock (crypto/pure/epoch.h).
//   seal    addresses in the outbox, and those that usernames' codes go to.
//   wrap    brand secrets in the store.
//
// The file is text, one "name base64" a line after the line "otpd-keys 1", mode 0600 (0400 will
// do), owned by the server's user or root, a regular file and no symbolic link. Anything else is
// refused with a story that names the command which mends it.
//
// Threads: a keyring does not change after it is loaded; the epoch set does, see keyring_epochs.

#include "base/env.h"
#include "base/err.h"
#include "crypto/pure/epoch.h"

struct keyring;

// Longest time for which a session id or code made now may still have to verify.
#define KEYRING_LIFE_MS_MAX ((int64_t)2 * 86400 * 1000)

#define KEYRING_EPOCH_MS_DEFAULT ((int64_t)86400 * 1000)

// Fresh keys that live in memory alone (development, simulator). `epoch_ms` ≥ life_ms / 2, where
// life_ms is the longest session and code life together that will be used with it.
struct keyring *keyring_create(const struct entropy *entropy, int64_t epoch_ms);

// ERR_NOT_FOUND, ERR_PERMISSION, ERR_INVALID (damaged, placeholder or newer format), ERR_IO.
MUST_CHECK enum err keyring_load(const char *path, int64_t epoch_ms, struct keyring **out,
                                 struct err_info *info);

// Writes a new key file, of mode 0600: whole and on the disk, or not at all, also when the process
// is killed.
// ERR_IN_USE when the path exists: keys are never overwritten. ERR_NOT_FOUND, ERR_PERMISSION and
// ERR_IO are of its directory.
MUST_CHECK enum err keyring_create_file(const char *path, const struct entropy *entropy,
                                        struct err_info *info);

void keyring_destroy(struct keyring **keyring);

// Tells data of these keys from data of others: derived from the index key, and says nothing of it.
void keyring_fingerprint(const struct keyring *keyring, struct digest128 *out);

const struct key *keyring_index(const struct keyring *keyring);
const struct key *keyring_seal(const struct keyring *keyring);
const struct key *keyring_wrap(const struct keyring *keyring);

// The epoch keys at now_ms. Derives a new set when an epoch has begun since the last call (some
// microseconds, once an epoch); otherwise one atomic load. Callable from any thread.
// The set stays valid for one whole further epoch after it was replaced: two sets take turns. An
// earlier now_ms than before gets the newest set: the epoch never goes back. So there is one clock
// for it, the store's T; a keyring begins before any T (at epoch 2) and knows no other.
const struct epoch_set *keyring_epochs(struct keyring *keyring, int64_t now_ms);
