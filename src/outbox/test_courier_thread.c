// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Real threads and the real clock; run under ThreadSanitizer too. Waiting is always for an event.
#include "outbox/courier_thread.h"

#include "channel/capture.h"
#include "outbox/test_outbox.h"

#include <pthread.h>
#include <stdatomic.h>

#define SENDERS 3U
#define ENTRIES_A_SENDER 700U

struct fixture {
    struct store *store;
    struct outbound *outbound; // NULL: none
    struct keyring *keyring;
    struct seeded seeded;
    struct entropy entropy;
    struct seeded jitter; // the courier's
    struct test_brand brand;
    struct channel *channel;
    struct routes *routes;
    struct courier *courier;
    struct courier_thread *thread;
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    unsigned messages;
};

static void on_message(void *ctx, const struct captured_message *message)
{
    struct fixture *f = ctx;
    assert_int_equal(message->otp.len, 6);
    (void)pthread_mutex_lock(&f->lock);
    f->messages++;
    (void)pthread_cond_broadcast(&f->arrived);
    (void)pthread_mutex_unlock(&f->lock);
}

static void on_entries(void *ctx)
{
    struct fixture *f = ctx;
    courier_thread_notify(f->thread);
}

static void await_messages(struct fixture *f, unsigned count)
{
    (void)pthread_mutex_lock(&f->lock);
    while (f->messages < count)
        (void)pthread_cond_wait(&f->arrived, &f->lock);
    (void)pthread_mutex_unlock(&f->lock);
}

static void open_courier(struct fixture *f)
{
    struct err_info info;
    const struct route_provider texts = {SPAN("texts"), 1U << CHANNEL_SMS};
    const struct routes_options ways = {.providers = &texts, .providers_count = 1};
    assert_int_equal(routes_create(&ways, &f->routes, &info), ERR_OK);
    assert_int_equal(capture_create(&(struct capture_sink){on_message, f}, &f->channel), ERR_OK);
    const struct courier_deps deps = {
        .store = f->store,
        .keyring = f->keyring,
        .directory = {test_brand_find, test_brand_release, &f->brand},
        .routes = f->routes,
        .channels = {f->channel},
        .clock = clock_system(),
        .entropy = seeded_entropy(&f->jitter),
    };
    assert_int_equal(courier_create(&deps, &f->courier), ERR_OK);
}

static void setup_with(struct fixture *f, bool has_outbound)
{
    const struct clock clock = clock_system();
    struct memory_store_options options = memory_store_defaults;
    *f = (struct fixture){.lock = PTHREAD_MUTEX_INITIALIZER, .arrived = PTHREAD_COND_INITIALIZER};
    options.clock = clock_system();
    options.notices = (struct store_notices){.on_entries = on_entries, .ctx = f};
    assert_int_equal(memory_store_create(&options, &f->store), ERR_OK);
    seeded_init(&f->seeded, 3);
    seeded_init(&f->jitter, 4);
    f->entropy = seeded_entropy(&f->seeded);
    f->keyring = keyring_create(&f->entropy, KEYRING_EPOCH_MS_DEFAULT);
    assert_int_equal(template_compile(SPAN("{otp}"), &f->brand.template, NULL), ERR_OK);
    open_courier(f);
    if (has_outbound)
        assert_int_equal(outbound_create(&clock, 1, &f->outbound), ERR_OK);
    const struct courier_thread_parts parts = {.courier = f->courier, .outbound = f->outbound};
    assert_int_equal(courier_thread_start(&parts, &f->thread), ERR_OK);
}

static void setup(struct fixture *f)
{
    setup_with(f, false);
}

static void teardown(struct fixture *f)
{
    courier_thread_stop(&f->thread);
    assert_null(f->thread);
    outbound_destroy(&f->outbound);
    courier_destroy(&f->courier);
    f->channel->ops->destroy(f->channel);
    keyring_destroy(&f->keyring);
    routes_destroy(&f->routes);
    store_destroy(&f->store);
    assert_int_equal(f->brand.held, 0);
}

static void started_and_stopped_with_nothing_to_do(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    teardown(&f);
    courier_thread_stop(&f.thread);
    assert_int_equal(f.messages, 0);
}

// Each message must wake a thread that has gone to sleep, or may just be about to.
static void send_one_after_the_other(struct fixture *f)
{
    for (unsigned n = 1; n <= 200; n++) {
        const struct outbox_entry entry =
            test_entry(n, f->keyring, &f->entropy, store_now_ms(f->store));
        test_enqueue(f->store, &entry, provider_tag_of(SPAN("texts")));
        await_messages(f, n);
    }
}

static void one_message_after_the_other_arrives(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    send_one_after_the_other(&f);
    teardown(&f);
}

static void one_after_the_other_while_it_waits_for_connections(void **state)
{
    struct fixture f;
    (void)state;
    setup_with(&f, true);
    send_one_after_the_other(&f);
    teardown(&f);
}

struct sender {
    struct fixture *f;
    uint64_t first_id;
};

static void *send_many(void *arg)
{
    struct sender *sender = arg;
    struct seeded seeded;
    seeded_init(&seeded, sender->first_id);
    const struct entropy entropy = seeded_entropy(&seeded);
    for (uint64_t n = 0; n < ENTRIES_A_SENDER; n++) {
        const struct outbox_entry entry = test_entry(sender->first_id + n, sender->f->keyring,
                                                     &entropy, store_now_ms(sender->f->store));
        test_enqueue(sender->f->store, &entry, provider_tag_of(SPAN("texts")));
    }
    return NULL;
}

static void send_from_many_threads(struct fixture *f)
{
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){f, 1 + i * ENTRIES_A_SENDER};
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
    }
    await_messages(f, SENDERS * ENTRIES_A_SENDER);
    for (unsigned i = 0; i < SENDERS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(f->messages, SENDERS * ENTRIES_A_SENDER);
}

static void messages_of_many_threads_arrive(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    send_from_many_threads(&f);
    teardown(&f);
}

static void those_of_many_threads_while_it_waits_for_connections(void **state)
{
    struct fixture f;
    (void)state;
    setup_with(&f, true);
    send_from_many_threads(&f);
    teardown(&f);
}

// Nobody notifies for an entry that becomes due by time alone.
static void entry_of_the_future_is_sent_when_it_is_due(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    int64_t now_ms = store_now_ms(f.store);
    struct outbox_entry entry = test_entry(1, f.keyring, &f.entropy, now_ms);
    entry.created_at_ms = now_ms + 20;
    test_enqueue(f.store, &entry, provider_tag_of(SPAN("texts")));
    await_messages(&f, 1);
    assert_true(store_now_ms(f.store) >= now_ms + 20);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(started_and_stopped_with_nothing_to_do),
        cmocka_unit_test(one_message_after_the_other_arrives),
        cmocka_unit_test(one_after_the_other_while_it_waits_for_connections),
        cmocka_unit_test(messages_of_many_threads_arrive),
        cmocka_unit_test(those_of_many_threads_while_it_waits_for_connections),
        cmocka_unit_test(entry_of_the_future_is_sent_when_it_is_due),
    };
    return cmocka_run_group_tests_name("outbox/courier_thread", tests, test_group_setup, NULL);
}
