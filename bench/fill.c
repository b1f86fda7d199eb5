// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Fills a data directory that no server has open: `bench_fill DIR BRAND PEOPLE`, in which a
// development server has been once. Afterwards p0@example.com to p(PEOPLE-1)@example.com are known
// to the brand, as people are who have logged in as often as a record remembers.
//
// What it writes goes through the store, journal and checkpoints included, in the order of the
// records' keys, so that the table is written once from front to back.
#include "address/address.h"
#include "crypto/keyring/keyring.h"
#include "crypto/pure/random.h"
#include "service/brand.h"
#include "store/embedded/embedded.h"

#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_MS (INT64_C(86400) * 1000)
#define TABLE_BYTES ((size_t)64 << 30)
#define SLOTS 4096U

struct fill;

struct fill_op {
    struct store_op op; // first
    struct fill *fill;
};

struct fill {
    struct keyring *keyring;
    struct store *store;
    uint64_t brand_id;
    struct record_key *keys; // of all people, in order
    uint64_t people;
    struct fill_op ops[SLOTS]; // a ring
    sem_t room;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_fill: %s\n", what);
    exit(71);
}

static void open_store(struct fill *fill, const char *directory)
{
    struct err_info info = {{0}};
    char path[4096];
    struct embedded_store_options options = embedded_store_defaults;
    (void)snprintf(path, sizeof path, "%s/keys", directory);
    if (keyring_load(path, KEYRING_EPOCH_MS_DEFAULT, &fill->keyring, &info) != ERR_OK)
        die(info.text);
    options.directory = directory;
    options.table_bytes_max = TABLE_BYTES;
    options.entropy = entropy_system();
    options.clock = clock_system();
    keyring_fingerprint(fill->keyring, &options.fingerprint);
    if (embedded_store_create(&options, &fill->store, &info) != ERR_OK)
        die(info.text);
}

static uint64_t find_brand(const struct fill *fill, const char *name)
{
    struct err_info info = {{0}};
    struct brands *brands = NULL;
    struct entropy entropy = entropy_system();
    if (brands_create(fill->store, keyring_wrap(fill->keyring), &entropy, &brands) != ERR_OK ||
        brands_reload(brands, &info) != ERR_OK)
        die("the brands cannot be read");
    const struct brand_set *set = brands_acquire(brands);
    const struct brand *brand = brand_set_find(set, span_of_text(name));
    if (brand == NULL)
        die("there is no such brand");
    uint64_t id = brand->id;
    brands_release(brands, &set);
    brands_destroy(&brands);
    return id;
}

static void name_person(const struct fill *fill, uint64_t person, struct record_key *out)
{
    char spelling[64];
    struct address address;
    (void)snprintf(spelling, sizeof spelling, "p%" PRIu64 "@example.com", person);
    if (!address_parse(ADDRESS_EMAIL, span_of_text(spelling), SPAN(""), &address))
        die("not an address");
    record_key_of(keyring_index(fill->keyring), fill->brand_id, address_identifier(&address), out);
}

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct record_key));
}

static void name_people(struct fill *fill)
{
    fill->keys = calloc(fill->people, sizeof *fill->keys);
    if (fill->keys == NULL)
        die("there is no memory");
    for (uint64_t i = 0; i < fill->people; i++)
        name_person(fill, i, &fill->keys[i]);
    qsort(fill->keys, fill->people, sizeof *fill->keys, by_key);
}

// Spent sessions of all the logins that are remembered; they end in a day.
static void transition(struct store_op *op, struct record *record, int64_t now_ms)
{
    uint64_t number = (uint64_t)now_ms;
    for (size_t i = 0; i < RECORD_TOMBSTONES_MAX; i++) {
        struct live_code *code = record_code_add(record);
        number = number * UINT64_C(6364136223846793005) + op->key.digest.bytes[i % 16] + 1;
        code->session.id = number;
        code->expires_at_ms = now_ms + DAY_MS;
        code->session_expires_at_s = (uint32_t)((now_ms + DAY_MS) / 1000);
        code->ttl_ms = (uint32_t)DAY_MS;
        code->tries_max = 5;
        code->length = 6;
        record_code_spend(record, code);
    }
    record->uid = (number >> 1) | 1;
    op->is_changed = true;
}

static void done(struct store_op *op, enum store_outcome outcome)
{
    struct fill *fill = ((struct fill_op *)op)->fill;
    if (outcome != STORE_COMMITTED)
        die("a record was not committed");
    (void)sem_post(&fill->room);
}

// Ops are done in their order, so that the next one of the ring is free whenever one is.
static void write_people(struct fill *fill)
{
    (void)sem_init(&fill->room, 0, SLOTS);
    for (uint64_t i = 0; i < fill->people; i++) {
        struct fill_op *op = &fill->ops[i % SLOTS];
        (void)sem_wait(&fill->room);
        *op = (struct fill_op){.op = {.key = fill->keys[i], .transition = transition, .done = done},
                               .fill = fill};
        store_submit(fill->store, &op->op);
    }
    for (size_t i = 0; i < SLOTS; i++)
        (void)sem_wait(&fill->room);
}

int main(int argc, char **argv)
{
    struct fill *fill = calloc(1, sizeof *fill);
    if (argc != 4 || fill == NULL || crypto_init() != ERR_OK)
        return 64;
    fill->people = strtoull(argv[3], NULL, 10);
    if (fill->people == 0)
        return 64;
    open_store(fill, argv[1]);
    fill->brand_id = find_brand(fill, argv[2]);
    name_people(fill);
    write_people(fill);
    store_destroy(&fill->store);
    keyring_destroy(&fill->keyring);
    free(fill->keys);
    free(fill);
    return 0;
}
