// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The queue against an array that is looked through from one end to the other.
#include "store/entry_queue.h"

#include "sim/seeded.h"
#include "store/entry.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 3000, STEPS = 30000, PROVIDERS = 24, LEASE_MS = 500, BUSY = 3 };

struct plain {
    bool is_open;
    bool is_untouched;
    provider_tag provider;
    int64_t claimable_at_ms;
    uint64_t token;
    uint64_t salt;
};

struct bench {
    struct entry_queue queue;
    struct plain plain[ENTRIES + 1]; // by handle
    struct seeded dice;
    int64_t now_ms;
    uint64_t next_handle;
    size_t held;
};

static struct bench *bench_create(uint64_t seed)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_true(entry_queue_init(&bench->queue, ENTRIES));
    seeded_init(&bench->dice, seed);
    bench->now_ms = 1000000;
    bench->next_handle = 1;
    return bench;
}

static void bench_destroy(struct bench *bench)
{
    entry_queue_fini(&bench->queue);
    free(bench);
}

static struct outbox_entry entry_of(uint64_t salt)
{
    return (struct outbox_entry){.salt = salt, .length = 6, .address = {.len = 10}};
}

static void add(struct bench *bench)
{
    if (bench->next_handle > ENTRIES)
        return;
    uint64_t salt = seeded_below(&bench->dice, 100000);
    struct plain *plain = &bench->plain[bench->next_handle];
    const struct outbox_entry entry = entry_of(salt);
    *plain = (struct plain){
        .is_open = true,
        .is_untouched = seeded_below(&bench->dice, 3) > 0,
        .provider = (provider_tag)seeded_below(&bench->dice, PROVIDERS),
        .claimable_at_ms = bench->now_ms + (int64_t)seeded_below(&bench->dice, 1000),
        .salt = salt,
    };
    const struct delivery delivery = {
        .state = plain->is_untouched ? DELIVERY_QUEUED : DELIVERY_UNKNOWN,
        .provider = plain->provider,
        .due_at_ms = plain->claimable_at_ms,
    };
    assert_true(entry_queue_add(&bench->queue, bench->next_handle++, &entry, &delivery));
    bench->held++;
}

static void change(struct bench *bench)
{
    uint64_t handle = seeded_below(&bench->dice, bench->next_handle);
    struct plain *plain = &bench->plain[handle];
    assert_int_equal(entry_queue_find(&bench->queue, handle) != NULL, plain->is_open);
    if (!plain->is_open)
        return;
    bool is_over = seeded_below(&bench->dice, 3) == 0;
    plain->provider = (provider_tag)seeded_below(&bench->dice, PROVIDERS);
    plain->claimable_at_ms = bench->now_ms + (int64_t)seeded_below(&bench->dice, 1000);
    plain->is_untouched = false;
    plain->token = 0;
    plain->is_open = !is_over;
    bench->held -= is_over;
    const struct delivery delivery = {.provider = plain->provider,
                                      .due_at_ms = is_over ? STORE_NEVER : plain->claimable_at_ms};
    entry_queue_change(&bench->queue, handle, &delivery);
}

static bool is_busy(provider_tag provider, unsigned busy_count)
{
    return provider < busy_count; // the busy ones are 0, 1, 2
}

static uint64_t first_of(const struct bench *bench, unsigned busy_count)
{
    uint64_t first = 0;
    for (uint64_t handle = 1; handle < bench->next_handle; handle++) {
        const struct plain *plain = &bench->plain[handle];
        if (!plain->is_open || is_busy(plain->provider, busy_count))
            continue;
        if (first == 0 || plain->claimable_at_ms < bench->plain[first].claimable_at_ms)
            first = handle;
    }
    return first;
}

static void claim(struct bench *bench)
{
    static const provider_tag busy[BUSY] = {0, 1, 2};
    struct claimed_entry claimed;
    const struct store_claim claim = {
        .lease_ms = LEASE_MS, .busy = busy, .busy_count = seeded_below(&bench->dice, BUSY + 1)};
    uint64_t first = first_of(bench, (unsigned)claim.busy_count);
    struct plain *plain = &bench->plain[first];
    int64_t next_ms = first != 0 ? plain->claimable_at_ms : STORE_NEVER;
    assert_true(entry_queue_next_ms(&bench->queue, &claim) == next_ms);
    bool is_due = next_ms <= bench->now_ms;
    assert_int_equal(entry_queue_claim(&bench->queue, bench->now_ms, &claim, &claimed, 1), is_due);
    if (!is_due)
        return;
    assert_int_equal(claimed.handle, first);
    assert_int_equal(claimed.entry.salt, plain->salt);
    assert_int_equal(claimed.delivery.provider, plain->provider);
    assert_true(plain->token == 0 || !entry_queue_is_claim(&bench->queue, first, plain->token));
    assert_true(entry_queue_is_claim(&bench->queue, first, claimed.token));
    plain->token = claimed.token;
    plain->claimable_at_ms = bench->now_ms + LEASE_MS;
    plain->is_untouched = false;
}

static void look_for_same(struct bench *bench)
{
    uint64_t handle = 1 + seeded_below(&bench->dice, bench->next_handle);
    if (handle >= bench->next_handle)
        return;
    const struct plain *plain = &bench->plain[handle];
    const struct outbox_entry entry = entry_of(plain->salt);
    uint64_t found = entry_queue_find_same(&bench->queue, &entry);
    if (plain->is_open && plain->is_untouched)
        assert_true(found != 0);
    if (found == 0)
        return;
    const struct plain *same = &bench->plain[found];
    assert_true(same->is_open);
    assert_true(same->is_untouched);
    assert_int_equal(same->salt, plain->salt);
}

static void test_it_is_as_a_plain_array(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct bench *bench = bench_create(seed);
        for (int step = 0; step < STEPS; step++) {
            static void (*const acts[])(struct bench *) = {add, change, claim, claim,
                                                           look_for_same};
            acts[seeded_below(&bench->dice, sizeof acts / sizeof acts[0])](bench);
            bench->now_ms += (int64_t)seeded_below(&bench->dice, 20);
            assert_int_equal(bench->queue.held, bench->held);
            assert_int_equal(entry_queue_room(&bench->queue), ENTRIES - bench->held);
        }
        bench_destroy(bench);
    }
}

static void test_what_is_hastened_is_first(void **state)
{
    (void)state;
    struct entry_queue queue;
    struct claimed_entry claimed;
    const struct outbox_entry entry = entry_of(1);
    assert_true(entry_queue_init(&queue, 10));
    for (uint64_t handle = 1; handle <= 3; handle++) {
        const struct delivery delivery = {.state = DELIVERY_SUBMITTED,
                                          .due_at_ms = 1000 * (int64_t)handle};
        assert_true(entry_queue_add(&queue, handle, &entry, &delivery));
    }
    entry_queue_hasten(&queue, 3);
    assert_int_equal(
        entry_queue_claim(&queue, 1, &(struct store_claim){.lease_ms = 5}, &claimed, 1), 1);
    assert_int_equal(claimed.handle, 3);
    assert_true(claimed.delivery.due_at_ms == 3000);
    entry_queue_fini(&queue);
}

// More providers than heaps: the last ones share one, and may wait for each other.
static void test_more_providers_than_heaps(void **state)
{
    (void)state;
    struct entry_queue queue;
    struct claimed_entry claimed[64];
    const struct outbox_entry entry = entry_of(1);
    assert_true(entry_queue_init(&queue, 100));
    for (provider_tag provider = 0; provider < ENTRY_HEAPS + 8; provider++) {
        const struct delivery delivery = {.provider = provider, .due_at_ms = provider};
        assert_true(entry_queue_add(&queue, provider + 1, &entry, &delivery));
    }
    const provider_tag busy[] = {3, ENTRY_HEAPS};
    struct store_claim claim = {.lease_ms = 1000, .busy = busy, .busy_count = 2};
    assert_int_equal(entry_queue_claim(&queue, 500, &claim, claimed, 64), ENTRY_HEAPS - 1);
    claim.busy_count = 1;
    assert_int_equal(entry_queue_claim(&queue, 500, &claim, claimed, 64), 8);
    claim.busy_count = 0;
    assert_int_equal(entry_queue_claim(&queue, 500, &claim, claimed, 64), 1);
    assert_int_equal(claimed[0].delivery.provider, 3);
    entry_queue_fini(&queue);
}

struct same_row {
    const char *name;
    struct outbox_entry entry;
    bool is_same;
};

static const struct same_row same_rows[] = {
    {"itself", {.salt = 1, .channel = 2, .session = {3, 4}, .key = {{{5}}}}, true},
    {"another id", {.id = 9, .salt = 1, .channel = 2, .session = {3, 4}, .key = {{{5}}}}, true},
    {"another salt", {.salt = 9, .channel = 2, .session = {3, 4}, .key = {{{5}}}}, false},
    {"another channel", {.salt = 1, .channel = 9, .session = {3, 4}, .key = {{{5}}}}, false},
    {"another session", {.salt = 1, .channel = 2, .session = {9, 4}, .key = {{{5}}}}, false},
    {"another binding", {.salt = 1, .channel = 2, .session = {3, 9}, .key = {{{5}}}}, false},
    {"another record", {.salt = 1, .channel = 2, .session = {3, 4}, .key = {{{9}}}}, false},
};

static void test_what_is_the_same(void **state)
{
    (void)state;
    struct entry_queue queue;
    const struct delivery delivery = {.due_at_ms = 1000};
    assert_true(entry_queue_init(&queue, 10));
    assert_true(entry_queue_add(&queue, 8, &same_rows[0].entry, &delivery));
    for (size_t i = 0; i < sizeof same_rows / sizeof same_rows[0]; i++)
        assert_row_equal(same_rows[i].name, entry_queue_find_same(&queue, &same_rows[i].entry),
                         same_rows[i].is_same ? 8 : 0);
    entry_queue_fini(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_as_a_plain_array),
        cmocka_unit_test(test_what_is_hastened_is_first),
        cmocka_unit_test(test_more_providers_than_heaps),
        cmocka_unit_test(test_what_is_the_same),
    };
    return cmocka_run_group_tests_name("entry_queue", tests, NULL, NULL);
}
