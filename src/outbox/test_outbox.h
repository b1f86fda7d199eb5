// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// For the tests of outbox/ alone: entries and their codes as the service makes them, and a
// directory of two brands.

#include "crypto/pure/random.h"
#include "outbox/courier.h"
#include "outbox/delivery.h"
#include "store/entry.h"
#include "store/memory/memory.h"

#include "sim/seeded.h"
#include "unit/unit.h"

#define TEST_NOW_MS INT64_C(1795341600000)
#define TEST_DAY_MS INT64_C(86400000)
#define TEST_BRAND_ID 7U
#define TEST_OTHER_BRAND_ID 8U

struct test_brand {
    struct span name; // empty: DocDemo
    struct template template;
    struct template subject; // all zero: none
    struct span language;
    int held; // found and not released
};

static inline bool test_brand_find(void *ctx, uint64_t brand_id, const struct courier_wish *wish,
                                   struct courier_brand *out)
{
    struct test_brand *brand = ctx;
    bool has_subject = wish->kind == CHANNEL_EMAIL && brand->subject.parts_held > 0;
    if (brand_id != TEST_BRAND_ID && brand_id != TEST_OTHER_BRAND_ID)
        return false;
    struct span name = brand->name.len > 0 ? brand->name : SPAN("DocDemo");
    const struct wording wording = {
        .text = &brand->template,
        .subject = has_subject ? &brand->subject : NULL,
        .language = brand->language,
        .sender = SPAN("DEMOCO"),
        .template_id = SPAN("1007"),
    };
    *out = (struct courier_brand){name, wording, brand};
    brand->held++;
    return true;
}

static inline void test_brand_release(void *ctx, struct courier_brand *brand)
{
    struct test_brand *test_brand = ctx;
    assert_ptr_equal(brand->held, ctx);
    test_brand->held--;
}

static inline void test_seal(struct outbox_entry *entry, const struct keyring *keyring,
                             const struct entropy *entropy, struct span to)
{
    uint8_t associated[OUTBOX_ENTRY_ASSOCIATED_BYTES];
    outbox_entry_associated(entry, associated);
    seal_text(keyring_seal(keyring), entropy, span_make(associated, sizeof associated), to,
              &entry->address);
}

// Entry number `id`: due now, its code ends in 20 minutes.
static inline struct outbox_entry test_entry(uint64_t id, struct keyring *keyring,
                                             const struct entropy *entropy, int64_t now_ms)
{
    struct outbox_entry entry = {
        .id = id,
        .brand_id = TEST_BRAND_ID,
        .session = {.id = 11 * id, .binding = 13 * id},
        .salt = 17 * id,
        .epoch = epoch_current(keyring_epochs(keyring, now_ms))->number,
        .length = 6,
        .channel = CHANNEL_SMS,
        .created_at_ms = now_ms,
        .deadline_at_ms = now_ms + 20 * 60000,
        .masked = "+91•••••993",
    };
    memcpy(entry.key.digest.bytes, &id, sizeof id);
    test_seal(&entry, keyring, entropy, SPAN("919999999993"));
    return entry;
}

// Its code, and nothing else, into the record.
static inline void test_promise(struct store_op *op, struct record *record, int64_t now_ms)
{
    (void)now_ms;
    record->codes[0] = (struct live_code){
        .session = op->entry.session,
        .salt = op->entry.salt,
        .expires_at_ms = op->entry.deadline_at_ms,
        .tries_max = 5,
    };
    record->codes_held = 1;
    op->is_changed = true;
    op->has_entry = true;
}

static inline void test_promised(struct store_op *op, enum store_outcome outcome)
{
    (void)op;
    assert_int_equal(outcome, STORE_COMMITTED);
}

static inline void test_enqueue(struct store *store, const struct outbox_entry *entry,
                                provider_tag provider)
{
    struct store_op op = {.key = entry->key,
                          .transition = test_promise,
                          .done = test_promised,
                          .provider = provider,
                          .entry = *entry};
    store_submit(store, &op);
}

static inline void test_forget(struct store_op *op, struct record *record, int64_t now_ms)
{
    (void)now_ms;
    record->codes_held = 0;
    op->is_changed = true;
}

// Its code has logged in.
static inline void test_use_code(struct store *store, const struct outbox_entry *entry)
{
    struct store_op op = {.key = entry->key, .transition = test_forget, .done = test_promised};
    store_submit(store, &op);
}

// What the store has of entry number `id`; false: nothing.
static inline bool test_find(struct store *store, uint64_t id, struct delivery_row *out)
{
    const struct delivery_filter all = {.key = NULL};
    uint64_t after = 0;
    size_t held = 1;
    do {
        held = 1;
        assert_int_equal(store_deliveries(store, &all, &after, out, &held), ERR_OK);
        if (held == 1 && out->entry.id == id)
            return true;
    } while (after != 0);
    return false;
}

static inline int test_group_setup(void **state)
{
    (void)state;
    return crypto_init() == ERR_OK ? 0 : -1;
}
