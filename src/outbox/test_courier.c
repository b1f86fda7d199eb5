// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "outbox/test_courier.h"
#include "outbox/due.h"
#include "outbox/receipt_path.h"

static void due_entry_is_sent_and_accepted(void **state)
{
    struct fixture f;
    char code[16];
    char expected[64];
    (void)state;
    setup(&f);
    struct outbox_entry entry = enqueue(&f, 0xA1);
    pass(&f, 250);
    code_of(&f, &entry, code);
    (void)snprintf(expected, sizeof expected, "%s for DocDemo, 20 min", code);
    assert_string_equal(f.sms->text, expected);
    assert_string_equal(f.sms->otp, code);
    assert_string_equal(f.sms->to, "919999999993");
    assert_int_equal(f.sms->request.id, 0xA1);
    assert_int_equal(f.sms->request.kind, CHANNEL_SMS);
    assert_int_equal(f.sms->request.sent_at_ms, TEST_NOW_MS + 250);
    assert_int_equal(f.sms->request.deadline_at_ms, entry.deadline_at_ms);
    assert_state(&f, 0xA1, DELIVERY_ACCEPTED);
    assert_int_equal(f.sms->sends, 1);
    assert_int_equal(store_entries(f.store), 0);
    assert_string_equal(logged(&f),
                        "10:00:00.250 info  otp.sent  entry=00000000000000a1 "
                        "brand=DocDemo channel=SMS to=+91•••••993 tries=1 ms=250 provider=texts\n");
    teardown(&f);
}

static void a_wording_is_passed_on_whole(void **state)
{
    struct fixture f;
    char expected[32];
    char code[16];
    (void)state;
    setup(&f);
    f.brand.language = SPAN("pt-BR");
    assert_int_equal(template_compile_subject(SPAN("{otp} from {brand}"), &f.brand.subject, NULL),
                     ERR_OK);
    (void)enqueue(&f, 0xA2);
    struct outbox_entry entry = enqueue_for(&f, 0xA3, CHANNEL_EMAIL);
    run(&f);
    code_of(&f, &entry, code);
    (void)snprintf(expected, sizeof expected, "%s from DocDemo", code);
    assert_string_equal(f.channels[MAIL].subject, expected);
    assert_string_equal(f.sms->subject, "");
    assert_true(span_eq(f.channels[MAIL].request.language, SPAN("pt-BR")));
    assert_true(span_eq(f.sms->request.sender, SPAN("DEMOCO")));
    assert_true(span_eq(f.sms->request.template_id, SPAN("1007")));
    teardown(&f);
}

static void provider_is_told_where_to_report(void **state)
{
    struct fixture f;
    struct delivery_row row;
    uint64_t handle = 0;
    const char *before = "https://otp.example.com/receipts/others/";
    (void)state;
    setup_with(&f, 2, 0);
    (void)enqueue(&f, 0xA1);
    f.sms->result = SEND_REFUSED;
    run(&f);
    const char *url = f.channels[OTHER].url;
    assert_memory_equal(url, before, strlen(before));
    assert_true(test_find(f.store, 0xA1, &row));
    assert_true(receipt_path_open(keyring_index(f.keyring), provider_tag_of(providers[OTHER].name),
                                  span_of_text(url + strlen(before)), &handle));
    assert_int_equal(handle, row.handle);
    teardown(&f);
}

static void log_shows_neither_code_nor_address(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    (void)enqueue(&f, 1);
    run(&f);
    assert_int_equal(f.sms->sends, 1);
    assert_null(strstr(logged(&f), f.sms->otp));
    assert_null(strstr(logged(&f), "9999999"));
    teardown(&f);
}

struct deadline_row {
    const char *name;
    int64_t left_ms;
    unsigned minutes; // in the message; 0: nothing is sent
};

static const struct deadline_row deadline_rows[] = {
    {"all", 1200000, 20},        {"one ms gone", 1199999, 20}, {"a minute gone", 1140000, 19},
    {"just over one", 60001, 2}, {"a minute", 60000, 1},       {"last ms", 1, 1},
    {"at the end", 0, 0},        {"after the end", -1, 0},     {"hours after", -9000000, 0},
};

static void nothing_is_submitted_from_the_deadline_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof deadline_rows / sizeof deadline_rows[0]; i++) {
        const struct deadline_row *row = &deadline_rows[i];
        struct fixture f;
        char expected[32];
        setup(&f);
        struct outbox_entry entry = enqueue(&f, 5);
        f.now_ms = entry.deadline_at_ms - row->left_ms;
        run(&f);
        assert_row_equal(row->name, f.sms->sends, row->minutes > 0);
        assert_state(&f, 5, row->minutes > 0 ? DELIVERY_ACCEPTED : DELIVERY_EXPIRED);
        (void)snprintf(expected, sizeof expected, "for DocDemo, %u min", row->minutes);
        assert_true(row->minutes == 0 || strstr(f.sms->text, expected) != NULL);
        assert_true(row->minutes > 0 || strstr(logged(&f), "warn  otp.expired ") != NULL);
        teardown(&f);
    }
}

// Both were claimed and written down in time, but the first message took so long that the second
// one's code ended.
static void deadline_counts_at_the_moment_of_sending(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    struct outbox_entry entry = enqueue(&f, 1);
    (void)enqueue(&f, 2);
    f.now_ms = entry.deadline_at_ms - 10;
    f.sms->takes_ms = 10;
    run(&f);
    assert_int_equal(f.sms->sends, 1);
    assert_state(&f, 1, DELIVERY_ACCEPTED);
    assert_state(&f, 2, DELIVERY_EXPIRED);
    assert_int_equal(delivery_of(&f, 2).tries, 0);
    teardown(&f);
}

static void code_that_was_used_is_not_sent(void **state)
{
    struct fixture f;
    (void)state;
    setup_with(&f, 2, 8000);
    struct outbox_entry first = enqueue(&f, 1);
    test_use_code(f.store, &first);
    struct outbox_entry second = enqueue(&f, 2);
    run(&f);
    assert_state(&f, 1, DELIVERY_OBSOLETE);
    assert_logged(&f, "info  otp.obsolete ");
    assert_int_equal(f.sms->sends, 1);
    test_use_code(f.store, &second); // while it waits for a receipt
    pass(&f, 8000);
    assert_state(&f, 2, DELIVERY_ACCEPTED);
    assert_int_equal(f.channels[OTHER].sends, 0);
    teardown(&f);
}

static void attempts_and_endings_are_counted(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    f.sms->result = SEND_RETRY;
    (void)enqueue(&f, 1);
    run(&f);
    assert_counted(&f, "otpd_delivery_attempts_total{channel=\"SMS\",result=\"retry\"} 1\n");
    assert_counted(&f, "otpd_deliveries_ended_total{state=\"accepted\"} 0\n");
    f.sms->result = SEND_ACCEPTED;
    pass(&f, 1000);
    f.sms->result = SEND_REFUSED;
    (void)enqueue(&f, 2);
    run(&f);
    (void)enqueue(&f, 3);
    pass(&f, TEST_DAY_MS);
    assert_counted(&f, "otpd_delivery_attempts_total{channel=\"SMS\",result=\"accepted\"} 1\n");
    assert_counted(&f, "otpd_delivery_attempts_total{channel=\"SMS\",result=\"permanent\"} 1\n");
    assert_counted(&f, "otpd_provider_attempts_total{provider=\"texts\",result=\"retry\"} 1\n");
    assert_counted(&f, "otpd_provider_attempts_total{provider=\"mail\",result=\"retry\"} 0\n");
    assert_counted(&f, "otpd_deliveries_ended_total{state=\"accepted\"} 1\n");
    assert_counted(&f, "otpd_deliveries_ended_total{state=\"failed\"} 1\n");
    assert_counted(&f, "otpd_deliveries_ended_total{state=\"expired\"} 1\n");
    teardown(&f);
}

// The page names the channels by the numbers that entries have.
static void channels_are_counted_under_their_names(void **state)
{
    struct fixture f;
    char line[100];
    (void)state;
    setup(&f);
    for (unsigned kind = 0; kind < CHANNEL_COUNT_; kind++) {
        metrics_count(f.metrics, METRIC_OTP_ISSUED, kind, 0);
        (void)snprintf(line, sizeof line, "otpd_otp_issued_total{channel=\"%s\"} 1\n",
                       channel_name((enum channel_kind)kind));
        assert_counted(&f, line);
    }
    teardown(&f);
}

static void refused_is_failed(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    (void)enqueue(&f, 3);
    f.sms->result = SEND_REFUSED;
    f.sms->detail = (struct send_result){
        .reason = SEND_UNREACHABLE, .words = SPAN("550 full"), .provider_ref = SPAN("ref-1")};
    run(&f);
    assert_state(&f, 3, DELIVERY_FAILED);
    pass(&f, 3600000);
    assert_int_equal(f.sms->sends, 1);
    assert_logged(&f, "warn  otp.failed ");
    assert_logged(&f, " why=\"the phone or mailbox is not reachable\" provider=texts "
                      "reason=unreachable words=\"550 full\" providerRef=ref-1\n");
    teardown(&f);
}

static void retry_comes_after_its_delay_with_the_same_message(void **state)
{
    struct fixture f;
    char first_otp[16];
    (void)state;
    setup(&f);
    (void)enqueue(&f, 4);
    f.sms->result = SEND_RETRY;
    for (unsigned tries = 1; tries <= 5; tries++) {
        int64_t whole_ms = INT64_C(500) << tries;
        run(&f);
        assert_int_equal(f.sms->sends, tries);
        assert_state(&f, 4, DELIVERY_QUEUED);
        int64_t due_at_ms = delivery_of(&f, 4).due_at_ms;
        assert_in_range(due_at_ms - f.now_ms, whole_ms / 2, whole_ms);
        assert_true(tries == 1 || strcmp(first_otp, f.sms->otp) == 0);
        memcpy(first_otp, f.sms->otp, sizeof first_otp);
        f.now_ms = due_at_ms - 1;
        run(&f);
        assert_int_equal(f.sms->sends, tries);
        f.now_ms = due_at_ms;
    }
    f.sms->result = SEND_ACCEPTED;
    run(&f);
    assert_state(&f, 4, DELIVERY_ACCEPTED);
    assert_string_equal(first_otp, f.sms->otp);
    assert_logged(&f, "info  otp.retry ");
    assert_logged(&f, " tries=6 ");
    teardown(&f);
}

static void retry_that_would_come_too_late_is_not_made(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    struct outbox_entry entry = enqueue(&f, 6);
    f.now_ms = entry.deadline_at_ms - DUE_FIRST_RETRY_MS / 2;
    f.sms->result = SEND_RETRY;
    run(&f);
    assert_state(&f, 6, DELIVERY_EXPIRED);
    assert_logged(&f, "why=\"no time left for another try\"");
    teardown(&f);
}

static void message_is_kept_for_its_channel_and_wiped_after_it(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    (void)enqueue(&f, 8);
    f.sms->is_holding = true;
    run(&f);
    assert_state(&f, 8, DELIVERY_SUBMITTED);
    assert_int_equal(f.brand.held, 1);
    // What the channel has borrowed is still there.
    assert_int_equal(message_reveal(f.sms->request.text).len, strlen(f.sms->text));
    assert_memory_equal(f.sms->borrowed->to.data, "919999999993", 12);
    assert_ptr_equal(f.sms->borrowed->text, f.sms->request.text);
    f.now_ms += 3000;
    release_result(f.sms, SEND_ACCEPTED);
    assert_int_equal(f.sms->request.text->len, 0); // wiped
    run(&f);
    assert_state(&f, 8, DELIVERY_ACCEPTED);
    assert_logged(&f, " ms=3000 provider=texts\n");
    teardown(&f);
}

static void no_more_is_claimed_than_a_share_holds(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    for (uint64_t id = 1; id <= COURIER_PROVIDER_PLACES + 3; id++)
        (void)enqueue(&f, id);
    f.sms->is_holding = true;
    run(&f);
    assert_int_equal(f.sms->sends, COURIER_PROVIDER_PLACES);
    assert_counted(&f, "otpd_provider_in_flight{provider=\"texts\"} 128\n");
    assert_int_equal(courier_idle_ms(f.courier), 1000); // there is no place for what is due
    release_result(f.sms, SEND_ACCEPTED);
    run(&f);
    assert_int_equal(f.sms->sends, COURIER_PROVIDER_PLACES + 1);
    release_result(f.sms, SEND_RETRY);
    release_result(f.sms, SEND_ACCEPTED);
    run(&f);
    assert_int_equal(f.sms->sends, COURIER_PROVIDER_PLACES + 3);
    while (f.sms->held > 0)
        release_result(f.sms, SEND_ACCEPTED);
    run(&f);
    assert_int_equal(store_entries(f.store), 1);
    teardown(&f);
}

// What would only wait for a connection is not marked: after a crash nobody has to wonder.
static void no_more_is_marked_than_a_provider_can_be_given(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    courier_destroy(&f.courier);
    f.window = 6;
    f.courier = open_courier(&f);
    for (uint64_t id = 1; id <= 20; id++)
        (void)enqueue(&f, id);
    f.sms->is_holding = true;
    run(&f);
    assert_int_equal(f.sms->sends, 6);
    assert_state(&f, 7, DELIVERY_QUEUED);
    f.fault = MEMORY_FAULT_DELAY; // results that wait for the store are no reason to wait
    f.faults = 3;
    for (unsigned i = 0; i < 3; i++)
        release_result(f.sms, SEND_ACCEPTED);
    run(&f);
    assert_int_equal(f.sms->sends, 9);
    assert_int_equal(memory_store_release(f.store), 3);
    while (f.sms->held > 0) {
        release_result(f.sms, SEND_ACCEPTED);
        run(&f);
    }
    assert_int_equal(f.sms->sends, 20);
    teardown(&f);
}

static void a_provider_that_hangs_takes_nothing_from_others(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    for (uint64_t id = 1; id <= 2 * COURIER_PROVIDER_PLACES; id++)
        (void)enqueue(&f, id);
    f.sms->is_holding = true;
    run(&f);
    f.now_ms++; // behind all the others
    for (uint64_t id = 1; id <= 300; id++)
        (void)enqueue_for(&f, 10000 + id, CHANNEL_EMAIL);
    run(&f);
    assert_int_equal(f.channels[MAIL].sends, 300);
    assert_int_equal(f.sms->sends, COURIER_PROVIDER_PLACES);
    f.sms->is_holding = false;
    while (f.sms->held > 0)
        release_result(f.sms, SEND_ACCEPTED);
    run(&f);
    assert_int_equal(store_entries(f.store), 0);
    teardown(&f);
}

static void provider_may_ask_for_a_longer_delay(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    (void)enqueue(&f, 1);
    f.sms->result = SEND_RETRY;
    f.sms->detail = (struct send_result){.reason = SEND_THROTTLED, .retry_after_ms = 30000};
    run(&f);
    assert_int_equal(delivery_of(&f, 1).due_at_ms, f.now_ms + 30000);
    f.sms->detail.retry_after_ms = 1;
    pass(&f, 30000);
    assert_true(delivery_of(&f, 1).due_at_ms >= f.now_ms + 1000); // its own delay is longer
    assert_logged(&f, " why=\"the provider asks to send more slowly\" "
                      "provider=texts reason=throttled\n");
    teardown(&f);
}

struct broken_row {
    const char *why;
    void (*spoil)(struct outbox_entry *entry);
};

static void spoil_brand(struct outbox_entry *entry)
{
    entry->brand_id = 9;
}

static void spoil_brand_of_address(struct outbox_entry *entry)
{
    entry->brand_id = TEST_OTHER_BRAND_ID;
}

static void spoil_channel(struct outbox_entry *entry)
{
    entry->channel = CHANNEL_ZALO;
}

static void spoil_channel_number(struct outbox_entry *entry)
{
    entry->channel = 200;
}

static void spoil_address(struct outbox_entry *entry)
{
    entry->address.bytes[30] ^= 1;
}

static void spoil_address_length(struct outbox_entry *entry)
{
    entry->address.len--;
}

// As if the sealed address had been copied to another entry.
static void spoil_id(struct outbox_entry *entry)
{
    entry->id ^= 256;
}

static void spoil_epoch(struct outbox_entry *entry)
{
    entry->epoch -= EPOCHS_HELD;
}

static const struct broken_row broken_rows[] = {
    {"unknown brand", spoil_brand},
    {"nobody carries its channel", spoil_channel},
    {"no such channel", spoil_channel_number},
    {"address does not open", spoil_address},
    {"address does not open", spoil_address_length},
    {"address does not open", spoil_id},
    {"address does not open", spoil_brand_of_address},
    {"keys of its epoch are gone", spoil_epoch},
};

static void broken_entries_fail_without_being_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broken_rows / sizeof broken_rows[0]; i++) {
        struct fixture f;
        char why[64];
        setup(&f);
        struct outbox_entry entry = test_entry(9, f.keyring, &f.entropy, f.now_ms);
        broken_rows[i].spoil(&entry);
        test_enqueue(f.store, &entry, provider_tag_of(SPAN("texts")));
        (void)enqueue(&f, 10);
        run(&f);
        assert_int_equal(f.sms->sends, 1);
        assert_int_equal(f.sms->request.id, 10);
        assert_state(&f, 10, DELIVERY_ACCEPTED);
        assert_state(&f, entry.id, DELIVERY_FAILED);
        (void)snprintf(why, sizeof why, "why=\"%s\" provider=texts\n", broken_rows[i].why);
        assert_logged(&f, why);
        teardown(&f);
    }
}

static void too_long_a_message_fails(void **state)
{
    static const struct {
        size_t padding;
        enum delivery_state state;
    } rows[] = {{MESSAGE_TEXT_BYTES_MAX - 30 * 64 - 6, DELIVERY_ACCEPTED},
                {MESSAGE_TEXT_BYTES_MAX - 30 * 64 - 5, DELIVERY_FAILED}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        char name[64];
        char source[TEMPLATE_SOURCE_BYTES_MAX] = "";
        size_t len = 0;
        setup(&f);
        memset(name, 'b', sizeof name);
        f.brand.name = span_make(name, sizeof name);
        for (; len < 30 * 7; len += 7)
            memcpy(source + len, "{brand}", 7);
        memcpy(source + len, "{otp}", 5);
        memset(source + len + 5, 'x', rows[i].padding);
        len += 5 + rows[i].padding;
        assert_int_equal(template_compile(span_make(source, len), &f.brand.template, NULL), ERR_OK);
        (void)enqueue(&f, 12);
        run(&f);
        assert_state(&f, 12, rows[i].state);
        assert_int_equal(f.sms->sends, rows[i].state == DELIVERY_ACCEPTED);
        teardown(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due_entry_is_sent_and_accepted),
        cmocka_unit_test(a_wording_is_passed_on_whole),
        cmocka_unit_test(provider_is_told_where_to_report),
        cmocka_unit_test(log_shows_neither_code_nor_address),
        cmocka_unit_test(nothing_is_submitted_from_the_deadline_on),
        cmocka_unit_test(deadline_counts_at_the_moment_of_sending),
        cmocka_unit_test(code_that_was_used_is_not_sent),
        cmocka_unit_test(attempts_and_endings_are_counted),
        cmocka_unit_test(channels_are_counted_under_their_names),
        cmocka_unit_test(refused_is_failed),
        cmocka_unit_test(retry_comes_after_its_delay_with_the_same_message),
        cmocka_unit_test(retry_that_would_come_too_late_is_not_made),
        cmocka_unit_test(message_is_kept_for_its_channel_and_wiped_after_it),
        cmocka_unit_test(no_more_is_claimed_than_a_share_holds),
        cmocka_unit_test(no_more_is_marked_than_a_provider_can_be_given),
        cmocka_unit_test(a_provider_that_hangs_takes_nothing_from_others),
        cmocka_unit_test(provider_may_ask_for_a_longer_delay),
        cmocka_unit_test(broken_entries_fail_without_being_sent),
        cmocka_unit_test(too_long_a_message_fails),
    };
    return cmocka_run_group_tests_name("outbox/%s", tests, test_group_setup, NULL);
}
