// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Several providers, and stores that fail.
#include "outbox/test_courier.h"

// --- fail-over ---------------------------------------------------------------------------------

static void refused_goes_by_the_next_with_the_same_code(void **state)
{
    struct fixture f;
    (void)state;
    setup_with(&f, 2, 0);
    (void)enqueue(&f, 1);
    f.sms->result = SEND_REFUSED;
    f.sms->detail.reason = SEND_CARRIER_FILTERED;
    run(&f);
    assert_state(&f, 1, DELIVERY_ACCEPTED);
    assert_int_equal(f.channels[OTHER].sends, 1);
    assert_string_equal(f.sms->otp, f.channels[OTHER].otp);
    assert_string_equal(f.sms->to, f.channels[OTHER].to);
    assert_logged(&f, "warn  otp.rerouted ");
    assert_logged(&f, " why=\"a carrier filtered it\" provider=texts next=others "
                      "reason=carrier_filtered\n");
    assert_logged(&f, " tries=2 ms=0 provider=others\n");
    teardown(&f);
}

static void throttled_twice_goes_by_the_next(void **state)
{
    struct fixture f;
    (void)state;
    setup_with(&f, 2, 0);
    (void)enqueue(&f, 1);
    f.sms->result = SEND_RETRY;
    f.sms->detail.reason = SEND_THROTTLED;
    run(&f);
    assert_int_equal(f.channels[OTHER].sends, 0);
    pass(&f, 1000);
    assert_int_equal(f.sms->sends, 2);
    assert_int_equal(f.channels[OTHER].sends, 1);
    assert_state(&f, 1, DELIVERY_ACCEPTED);
    teardown(&f);
}

struct time_row {
    enum send_outcome outcome;
    int64_t fallback_ms;
    int64_t after_ms;
};

static const struct time_row time_rows[] = {
    {SEND_ACCEPTED, 8000, 8000},
    {SEND_UNKNOWN, 8000, 8000},
    {SEND_UNKNOWN, 0, DELIVERY_UNKNOWN_MS},
};

static void no_news_in_time_goes_by_the_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof time_rows / sizeof time_rows[0]; i++) {
        struct fixture f;
        setup_with(&f, 2, time_rows[i].fallback_ms);
        (void)enqueue(&f, 1);
        f.sms->result = time_rows[i].outcome;
        run(&f);
        pass(&f, time_rows[i].after_ms - 1);
        assert_int_equal(f.channels[OTHER].sends, 0);
        pass(&f, 1);
        assert_int_equal(f.channels[OTHER].sends, 1);
        assert_int_equal(f.sms->sends, 1);
        assert_state(&f, 1, DELIVERY_ACCEPTED);
        teardown(&f);
    }
}

static void unknown_is_never_sent_again_the_same_way(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    (void)enqueue(&f, 1);
    f.sms->result = SEND_UNKNOWN;
    f.sms->detail.reason = SEND_VENDOR_DOWN;
    run(&f);
    pass(&f, 3600000);
    assert_state(&f, 1, DELIVERY_UNKNOWN);
    assert_int_equal(f.sms->sends, 1);
    assert_logged(&f, "warn  otp.unknown ");
    teardown(&f);
}

// --- breakers ----------------------------------------------------------------------------------

static void break_texts(struct fixture *f, uint64_t first_id)
{
    f->sms->result = SEND_RETRY;
    f->sms->detail.reason = SEND_VENDOR_DOWN;
    for (uint64_t i = 0; i < 5; i++)
        (void)enqueue(f, first_id + i);
    run(f);
    assert_counted(f, "otpd_provider_circuit_state{provider=\"texts\",state=\"open\"} 1\n");
}

static void dead_provider_is_passed_by_and_heals(void **state)
{
    struct fixture f;
    (void)state;
    setup_with(&f, 2, 0);
    break_texts(&f, 1);
    for (uint64_t id = 10; id < 30; id++)
        (void)enqueue(&f, id);
    run(&f);
    assert_int_equal(f.sms->sends, 5);
    assert_int_equal(f.channels[OTHER].sends, 20);
    assert_logged(&f, " why=\"its provider is left alone for a while\" provider=texts "
                      "next=others\n");
    assert_int_equal(delivery_of(&f, 10).tries, 1); // not one with the dead one
    pass(&f, 5000);
    assert_int_equal(f.channels[OTHER].sends, 25); // those that it had said no to
    (void)enqueue(&f, 40);
    run(&f);
    assert_int_equal(f.sms->sends, 6); // a probe, which fails
    assert_counted(&f, "otpd_provider_circuit_state{provider=\"texts\",state=\"open\"} 1\n");
    f.sms->result = SEND_ACCEPTED;
    pass(&f, 10000);
    for (uint64_t id = 50; id < 60; id++)
        (void)enqueue(&f, id);
    run(&f);
    assert_counted(&f, "otpd_provider_circuit_state{provider=\"texts\",state=\"closed\"} 1\n");
    unsigned before = f.sms->sends;
    (void)enqueue(&f, 70);
    run(&f);
    assert_int_equal(f.sms->sends, before + 1);
    teardown(&f);
}

static void one_probe_at_a_time(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    break_texts(&f, 1);
    for (uint64_t id = 10; id < 50; id++)
        (void)enqueue(&f, id);
    run(&f);
    assert_int_equal(f.sms->sends, 5);
    f.sms->is_holding = true;
    pass(&f, 5000);
    assert_int_equal(f.sms->sends, 6);
    pass(&f, 20000);
    assert_int_equal(f.sms->sends, 6);
    f.sms->is_holding = false;
    f.sms->result = SEND_ACCEPTED;
    release_result(f.sms, SEND_ACCEPTED);
    run(&f);
    pass(&f, 5000); // they look at it so often
    assert_int_equal(store_entries(f.store), 0);
    assert_int_equal(f.sms->sends, 50);
    teardown(&f);
}

static void what_waits_for_a_dead_provider_ends_with_its_code(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    break_texts(&f, 1);
    f.sms->is_holding = true;
    struct outbox_entry entry = enqueue(&f, 10);
    (void)enqueue(&f, 11);
    for (unsigned i = 0; i < 300; i++)
        pass(&f, 5000);
    assert_true(f.now_ms > entry.deadline_at_ms);
    assert_int_equal(f.sms->held, 1);
    release_result(f.sms, SEND_RETRY);
    run(&f);
    assert_int_equal(store_entries(f.store), 0);
    assert_state(&f, 11, DELIVERY_EXPIRED);
    teardown(&f);
}

// --- a store that fails ------------------------------------------------------------------------

static void nothing_is_sent_that_is_not_written_down(void **state)
{
    static const struct {
        enum memory_fault fault;
        int64_t again_ms; // the store has no room: soon; else when the claim has ended
    } rows[] = {{MEMORY_FAULT_FULL, 1000}, {MEMORY_FAULT_FAILURE, DELIVERY_LEASE_MS}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        setup(&f);
        (void)enqueue(&f, 1);
        f.fault = rows[i].fault;
        f.faults = 1;
        run(&f);
        assert_int_equal(f.sms->sends, 0);
        assert_int_equal(f.sms->let_off, 1); // its connection is not held for so long
        pass(&f, rows[i].again_ms - 1);
        assert_int_equal(f.sms->sends, 0);
        pass(&f, 1);
        assert_int_equal(f.sms->sends, 1);
        assert_int_equal(delivery_of(&f, 1).tries, 1);
        assert_state(&f, 1, DELIVERY_ACCEPTED);
        teardown(&f);
    }
}

static void result_is_given_again_to_a_store_without_room(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    (void)enqueue(&f, 1);
    f.sms->is_holding = true;
    run(&f);
    f.fault = MEMORY_FAULT_FULL;
    f.faults = 3;
    release_result(f.sms, SEND_ACCEPTED);
    run(&f);
    assert_state(&f, 1, DELIVERY_SUBMITTED);
    for (unsigned i = 0; i < 3; i++)
        pass(&f, 1000);
    assert_state(&f, 1, DELIVERY_ACCEPTED);
    assert_int_equal(f.sms->sends, 1);
    teardown(&f);
}

static void result_that_is_lost_is_in_the_log(void **state)
{
    struct fixture f;
    (void)state;
    setup_with(&f, 2, 0);
    (void)enqueue(&f, 1);
    f.sms->is_holding = true;
    run(&f);
    f.fault = MEMORY_FAULT_FAILURE;
    f.faults = 1;
    release_result(f.sms, SEND_ACCEPTED);
    run(&f);
    assert_logged(&f, "info  otp.sent ");
    assert_state(&f, 1, DELIVERY_SUBMITTED);
    pass(&f, DELIVERY_LEASE_MS); // unknown, and by now long enough
    assert_int_equal(f.sms->sends, 1);
    assert_int_equal(f.channels[OTHER].sends, 1);
    assert_logged(&f, "warn  otp.unknown ");
    teardown(&f);
}

// The process ended between the mark and the result: another courier goes on.
static void crash_while_it_is_sent(void **state)
{
    struct fixture f;
    (void)state;
    setup_with(&f, 2, 8000);
    struct courier *dead = f.courier;
    (void)enqueue(&f, 1);
    f.sms->is_holding = true;
    run(&f);
    assert_int_equal(f.sms->sends, 1);
    f.courier = open_courier(&f);
    pass(&f, DELIVERY_LEASE_MS - 1);
    assert_state(&f, 1, DELIVERY_SUBMITTED);
    pass(&f, 1);
    assert_logged(&f, "warn  otp.unknown ");
    assert_logged(&f, " why=\"the server ended while it was sent\" provider=texts\n");
    assert_int_equal(f.channels[OTHER].sends, 1);
    assert_int_equal(f.sms->sends, 1);
    release_result(f.sms, SEND_ACCEPTED); // of the dead one: noted, and nothing else
    while (courier_step(dead) > 0)
        ;
    assert_state(&f, 1, DELIVERY_ACCEPTED);
    courier_destroy(&dead);
    teardown(&f);
}

// It had no connection yet: nobody has to wonder.
static void crash_while_it_waits_for_a_connection(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    struct courier *dead = f.courier;
    (void)enqueue(&f, 1);
    f.sms->is_unconnected = true;
    run(&f);
    assert_int_equal(f.sms->waiting_held, 1);
    assert_state(&f, 1, DELIVERY_QUEUED);
    assert_int_equal(delivery_of(&f, 1).tries, 0);
    f.courier = open_courier(&f);
    f.sms->is_unconnected = false;
    pass(&f, DELIVERY_LEASE_MS); // of the claim, as nobody has told the store of the end
    assert_state(&f, 1, DELIVERY_ACCEPTED);
    connect(f.sms); // of the dead one, whose claim is no longer in force
    while (courier_step(dead) > 0)
        ;
    assert_int_equal(f.sms->let_off, 1);
    assert_int_equal(f.sms->sends, 1);
    courier_destroy(&dead);
    teardown(&f);
}

static void a_courier_that_ends_leaves_what_waits_as_it_is(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    (void)enqueue(&f, 1);
    (void)enqueue(&f, 2);
    f.sms->is_unconnected = true;
    run(&f);
    assert_int_equal(courier_end(f.courier), 2);
    fail_to_connect(f.sms);
    connect(f.sms);
    assert_int_equal(courier_end(f.courier), 0);
    assert_int_equal(f.sms->let_off, 1);
    for (uint64_t id = 1; id <= 2; id++) {
        assert_state(&f, id, DELIVERY_QUEUED);
        assert_int_equal(delivery_of(&f, id).tries, 0);
    }
    teardown(&f);
}

static void no_connection_is_an_attempt(void **state)
{
    struct fixture f;
    (void)state;
    setup_with(&f, 2, 0);
    (void)enqueue(&f, 1);
    f.sms->is_unconnected = true;
    run(&f);
    fail_to_connect(f.sms);
    run(&f);
    assert_state(&f, 1, DELIVERY_QUEUED);
    assert_int_equal(delivery_of(&f, 1).tries, 1);
    assert_int_equal(delivery_of(&f, 1).attempts[0].reason, SEND_VENDOR_DOWN);
    pass(&f, 1000);
    fail_to_connect(f.sms);
    run(&f);
    assert_int_equal(delivery_of(&f, 1).tries, 3);
    assert_int_equal(f.channels[OTHER].sends, 1);
    assert_int_equal(f.sms->sends, 0);
    assert_state(&f, 1, DELIVERY_ACCEPTED);
    assert_logged(&f, " provider=texts reason=vendor_down\n");
    teardown(&f);
}

static void used_while_it_waits_for_a_connection(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    const struct outbox_entry first = enqueue(&f, 1);
    const struct outbox_entry second = enqueue(&f, 2);
    f.sms->is_unconnected = true;
    run(&f);
    test_use_code(f.store, &first);
    test_use_code(f.store, &second);
    connect(f.sms);
    fail_to_connect(f.sms);
    run(&f);
    assert_int_equal(f.sms->let_off, 1);
    assert_int_equal(f.sms->sends, 0);
    for (uint64_t id = 1; id <= 2; id++) {
        assert_state(&f, id, DELIVERY_OBSOLETE);
        assert_int_equal(delivery_of(&f, id).tries, 0);
    }
    assert_null(strstr(logged(&f), "otp.retry"));
    teardown(&f);
}

static void connection_that_is_lost_while_it_is_marked(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    (void)enqueue(&f, 1);
    f.sms->is_unconnected = true;
    run(&f);
    f.fault = MEMORY_FAULT_DELAY;
    f.faults = 1;
    connect(f.sms);
    f.sms->waiting_held++; // and then:
    fail_to_connect(f.sms);
    assert_int_equal(memory_store_release(f.store), 1);
    run(&f);
    assert_int_equal(f.sms->sends + f.sms->let_off, 0);
    assert_state(&f, 1, DELIVERY_QUEUED);
    assert_int_equal(delivery_of(&f, 1).tries, 1);
    assert_true(delivery_of(&f, 1).due_at_ms > f.now_ms);
    teardown(&f);
}

static void a_courier_that_ends_sends_nothing_more(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    (void)enqueue(&f, 1);
    (void)enqueue(&f, 2);
    f.sms->is_holding = true;
    run(&f);
    (void)enqueue(&f, 3);
    f.fault = MEMORY_FAULT_DELAY;
    f.faults = 1;
    assert_int_equal(courier_step(f.courier), 1); // about to be marked
    assert_int_equal(courier_end(f.courier), 3);
    assert_int_equal(memory_store_release(f.store), 1);
    while (f.sms->held > 0)
        release_result(f.sms, SEND_ACCEPTED);
    while (courier_end(f.courier) > 0)
        ;
    assert_int_equal(f.sms->sends, 2);
    assert_state(&f, 1, DELIVERY_ACCEPTED);
    assert_state(&f, 3, DELIVERY_QUEUED);
    assert_int_equal(delivery_of(&f, 3).tries, 0);
    teardown(&f);
}

static void conflicts_change_nothing(void **state)
{
    struct fixture f;
    (void)state;
    setup_with(&f, 2, 0);
    for (uint64_t id = 1; id <= 20; id++)
        (void)enqueue(&f, id);
    f.sms->result = SEND_REFUSED;
    f.fault = MEMORY_FAULT_CONFLICT;
    f.faults = 1000;
    run(&f);
    f.faults = 0;
    assert_int_equal(f.sms->sends, 20);
    assert_int_equal(f.channels[OTHER].sends, 20);
    for (uint64_t id = 1; id <= 20; id++)
        assert_int_equal(delivery_of(&f, id).tries, 2);
    teardown(&f);
}

static void provider_that_is_gone_is_replaced(void **state)
{
    struct fixture f;
    (void)state;
    setup_with(&f, 2, 0);
    struct outbox_entry entry = test_entry(1, f.keyring, &f.entropy, f.now_ms);
    test_enqueue(f.store, &entry, provider_tag_of(SPAN("of yesterday")));
    run(&f);
    assert_state(&f, 1, DELIVERY_ACCEPTED);
    assert_int_equal(f.sms->sends, 1);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_goes_by_the_next_with_the_same_code),
        cmocka_unit_test(throttled_twice_goes_by_the_next),
        cmocka_unit_test(no_news_in_time_goes_by_the_next),
        cmocka_unit_test(unknown_is_never_sent_again_the_same_way),
        cmocka_unit_test(dead_provider_is_passed_by_and_heals),
        cmocka_unit_test(one_probe_at_a_time),
        cmocka_unit_test(what_waits_for_a_dead_provider_ends_with_its_code),
        cmocka_unit_test(nothing_is_sent_that_is_not_written_down),
        cmocka_unit_test(result_is_given_again_to_a_store_without_room),
        cmocka_unit_test(result_that_is_lost_is_in_the_log),
        cmocka_unit_test(crash_while_it_is_sent),
        cmocka_unit_test(crash_while_it_waits_for_a_connection),
        cmocka_unit_test(a_courier_that_ends_leaves_what_waits_as_it_is),
        cmocka_unit_test(no_connection_is_an_attempt),
        cmocka_unit_test(used_while_it_waits_for_a_connection),
        cmocka_unit_test(connection_that_is_lost_while_it_is_marked),
        cmocka_unit_test(a_courier_that_ends_sends_nothing_more),
        cmocka_unit_test(conflicts_change_nothing),
        cmocka_unit_test(provider_that_is_gone_is_replaced),
    };
    return cmocka_run_group_tests_name("outbox/%s", tests, test_group_setup, NULL);
}
