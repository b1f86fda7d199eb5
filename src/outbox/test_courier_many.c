// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Many messages one after the other: none is lost, none is sent twice, and the process stays as
// large as it was. bench/courier does the same with a million of them and real connections.
#include "outbox/test_courier.h"

#define MESSAGES 20000U
#define AT_ONCE 100U  // people, each with one message under way
#define WARM_UP 5000U // the store remembers that many, and no more
#define GROWTH_BYTES_MAX (INT64_C(1) << 20)

struct counting_channel {
    struct channel base;
    uint8_t times[MESSAGES]; // that a message was sent
    unsigned refusals;       // before the next message is taken
};

// Every seventh message is taken at the second try alone.
static void count_go(struct channel *channel, struct sending *sending, bool is_wanted)
{
    struct counting_channel *counting = (struct counting_channel *)channel;
    size_t number = (size_t)(sending->request->id - 1);
    assert_true(is_wanted);
    assert_in_range(number, 0, MESSAGES - 1);
    counting->times[number]++;
    bool is_refused = number % 7 == 0 && counting->times[number] == 1;
    counting->refusals += is_refused;
    const struct send_result result = {
        .outcome = is_refused ? SEND_RETRY : SEND_ACCEPTED,
        .reason = is_refused ? SEND_THROTTLED : SEND_REASON_NONE,
    };
    sending->on_result(sending->ctx, &result);
}

static void be_ready(struct channel *channel, struct sending *sending)
{
    (void)channel;
    sending->on_ready(sending);
}

static const struct channel_ops counting_ops = {.send = be_ready, .go = count_go};

static int64_t resident_bytes(void)
{
    long long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lld %lld", &pages, &resident), 2);
    (void)fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

// The same people again and again, so that the store has no more of them.
static void enqueue_some(struct fixture *f, uint64_t first)
{
    for (uint64_t id = first; id < first + AT_ONCE; id++) {
        struct outbox_entry entry = test_entry(id, f->keyring, &f->entropy, f->now_ms);
        uint64_t person = id % AT_ONCE;
        memcpy(entry.key.digest.bytes, &person, sizeof person);
        test_enqueue(f->store, &entry, provider_tag_of(SPAN("texts")));
    }
}

static void many_messages_leave_once_and_nothing_behind(void **state)
{
    struct fixture f;
    struct counting_channel *counting = calloc(1, sizeof *counting);
    int64_t warm_bytes = 0;
    (void)state;
    assert_non_null(counting);
    counting->base.ops = &counting_ops;
    setup(&f);
    courier_destroy(&f.courier);
    f.courier = open_courier_with(&f, &counting->base);
    for (uint64_t id = 1; id <= MESSAGES; id += AT_ONCE) {
        enqueue_some(&f, id);
        run(&f);
        while (store_entries(f.store) > 0)
            pass(&f, 1000);
        if (id == WARM_UP + 1)
            warm_bytes = resident_bytes();
    }
    assert_true(resident_bytes() - warm_bytes < GROWTH_BYTES_MAX);
    assert_true(counting->refusals > MESSAGES / 8);
    for (size_t i = 0; i < MESSAGES; i++)
        assert_int_equal(counting->times[i], i % 7 == 0 ? 2 : 1);
    teardown(&f);
    free(counting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_messages_leave_once_and_nothing_behind),
    };
    return cmocka_run_group_tests_name("outbox/courier_many", tests, test_group_setup, NULL);
}
