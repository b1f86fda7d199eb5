// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The keyring lies in memory of its own between guard pages, locked against swapping and left out
// of core files as far as the system allows, and is cleared when it is destroyed.
//
// Epoch sets. `current` points to one of two sets. Readers load it and use what they find; a set is
// never changed while it is current. Who finds that a newer epoch has begun takes the mutex,
// derives into the set that is not current and makes it current:
//
//   sets[0]   epoch n ───── current ─────▶ still valid ──▶ epoch n + 2 is written over it
//   sets[1]                     epoch n + 1 ─── current ────▶ …
//
// So a pointer may be held from one epoch into the next and no longer. The epoch never goes back: a
// clock that does (another thread's older reading, a step) gets the newest set, which still holds
// the two epochs before it.
#include "crypto/keyring/keyring.h"

#include "base/assert.h"
#include "crypto/keyring/keyfile.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

struct keyring {
    struct keyfile roots;
    int64_t epoch_ms;
    pthread_mutex_t deriving;
    struct epoch_set sets[2];
    _Atomic(const struct epoch_set *) current;
};

static int64_t epoch_number(const struct keyring *keyring, int64_t now_ms)
{
    return now_ms / keyring->epoch_ms;
}

static void epochs_derive(const struct keyring *keyring, int64_t number, struct epoch_set *out)
{
    ASSERT(number >= 0);
    ASSERT(number < UINT32_MAX);
    epoch_set_derive(&keyring->roots.keys[KEYFILE_EPOCHS], (uint32_t)number, out);
}

// Takes the keys over from *roots, which is wiped.
static struct keyring *keyring_over(struct keyfile *roots, int64_t epoch_ms)
{
    ASSERT(epoch_ms > 0);
    struct keyring *keyring = sodium_malloc(sizeof *keyring);
    ASSERT(keyring != NULL); // only at start-up, when nothing has been promised yet
    keyring->roots = *roots;
    wipe(roots, sizeof *roots);
    keyring->epoch_ms = epoch_ms;
    int rc = pthread_mutex_init(&keyring->deriving, NULL);
    ASSERT(rc == 0);
    epochs_derive(keyring, EPOCHS_BEHIND, &keyring->sets[0]);
    atomic_init(&keyring->current, &keyring->sets[0]);
    return keyring;
}

struct keyring *keyring_create(const struct entropy *entropy, int64_t epoch_ms)
{
    struct keyfile roots;
    entropy_fill(entropy, &roots, sizeof roots);
    return keyring_over(&roots, epoch_ms);
}

enum err keyring_load(const char *path, int64_t epoch_ms, struct keyring **out,
                      struct err_info *info)
{
    if (epoch_ms < KEYRING_LIFE_MS_MAX / 2) {
        err_info_set(info, "an epoch of %lld ms is shorter than half the longest life, %lld ms",
                     (long long)epoch_ms, (long long)KEYRING_LIFE_MS_MAX / 2);
        return ERR_INVALID;
    }
    struct keyfile roots;
    enum err err = keyfile_read(path, &roots, info);
    if (err == ERR_OK)
        *out = keyring_over(&roots, epoch_ms);
    wipe(&roots, sizeof roots);
    return err;
}

// What would not load must not be written: entropy that is broken, or one bad luck in 2^34.
static enum err check_fresh(const struct keyfile *fresh, struct err_info *info)
{
    uint8_t storage[KEYFILE_BYTES_MAX];
    struct strbuf text = strbuf_over(storage, sizeof storage);
    struct keyfile parsed;
    keyfile_format(fresh, &text);
    enum err err = keyfile_parse(strbuf_span(&text), &parsed, info);
    wipe(storage, sizeof storage);
    wipe(&parsed, sizeof parsed);
    if (err != ERR_OK)
        err_info_wrap(info, "the keys that were drawn are not random");
    return err;
}

enum err keyring_create_file(const char *path, const struct entropy *entropy, struct err_info *info)
{
    struct keyfile fresh;
    entropy_fill(entropy, &fresh, sizeof fresh);
    enum err err = check_fresh(&fresh, info);
    if (err == ERR_OK)
        err = keyfile_write_new(path, &fresh, info);
    wipe(&fresh, sizeof fresh);
    return err;
}

void keyring_destroy(struct keyring **keyring)
{
    if (*keyring == NULL)
        return;
    int rc = pthread_mutex_destroy(&(*keyring)->deriving);
    ASSERT(rc == 0);
    sodium_free(*keyring); // clears it
    *keyring = NULL;
}

const struct key *keyring_index(const struct keyring *keyring)
{
    return &keyring->roots.keys[KEYFILE_INDEX];
}

const struct key *keyring_seal(const struct keyring *keyring)
{
    return &keyring->roots.keys[KEYFILE_SEAL];
}

const struct key *keyring_wrap(const struct keyring *keyring)
{
    return &keyring->roots.keys[KEYFILE_WRAP];
}

void keyring_fingerprint(const struct keyring *keyring, struct digest128 *out)
{
    struct mac_message nothing;
    mac_message_init(&nothing);
    mac_compute(keyring_index(keyring), MAC_FINGERPRINT, &nothing, out->bytes, sizeof out->bytes);
}

static const struct epoch_set *epochs_advance(struct keyring *keyring, int64_t number)
{
    (void)pthread_mutex_lock(&keyring->deriving); // of a plain mutex, neither of the two can fail
    const struct epoch_set *set = atomic_load_explicit(&keyring->current, memory_order_relaxed);
    if (number > set->current) {
        struct epoch_set *spare = &keyring->sets[set == &keyring->sets[0]];
        epochs_derive(keyring, number, spare);
        atomic_store_explicit(&keyring->current, spare, memory_order_release);
        set = spare;
    }
    (void)pthread_mutex_unlock(&keyring->deriving);
    return set;
}

const struct epoch_set *keyring_epochs(struct keyring *keyring, int64_t now_ms)
{
    int64_t number = epoch_number(keyring, now_ms);
    const struct epoch_set *set = atomic_load_explicit(&keyring->current, memory_order_acquire);
    return number <= set->current ? set : epochs_advance(keyring, number);
}
