// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Reports on entries of the memory store, which a little courier of the test's own has sent.
#include "outbox/receipts.h"

#include "outbox/test_outbox.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define REF SPAN("SM0123")

static const struct route_provider providers[] = {
    {SPAN("texts"), 1U << CHANNEL_SMS},
    {SPAN("other"), 1U << CHANNEL_SMS},
};

struct fixture {
    struct store *store;
    enum memory_fault fault; // of the next ops …
    unsigned faults;         // … so many
    int64_t now_ms;
    struct seeded seeded;
    struct entropy entropy;
    struct keyring *keyring;
    struct routes *routes;
    struct metrics *metrics;
    struct logger *log;
    int log_descriptor;
    struct receipts *receipts;
};

static int64_t fixture_wall_ms(void *ctx)
{
    const struct fixture *f = ctx;
    return f->now_ms;
}

static struct mono fixture_mono(void *ctx)
{
    const struct fixture *f = ctx;
    return (struct mono){f->now_ms - TEST_NOW_MS};
}

static enum memory_fault next_fault(void *ctx)
{
    struct fixture *f = ctx;
    if (f->faults == 0)
        return MEMORY_FAULT_NONE;
    f->faults--;
    return f->fault;
}

static void open_observers(struct fixture *f, const struct clock *clock)
{
    const struct span names[] = {providers[0].name, providers[1].name};
    const struct metrics_options counted = {.now_ns = clock_system_ns};
    f->log_descriptor = memfd_create("log", MFD_CLOEXEC);
    const struct logger_options options = {.descriptor = f->log_descriptor,
                                           .format = LOG_FORMAT_TEXT,
                                           .least = LOG_DEBUG,
                                           .clock = *clock};
    assert_int_equal(logger_create(&options, &f->log), ERR_OK);
    assert_int_equal(metrics_create(&counted, &f->metrics), ERR_OK);
    metrics_name_providers(f->metrics, names, 2);
}

static void setup(struct fixture *f)
{
    struct err_info info;
    *f = (struct fixture){.now_ms = TEST_NOW_MS};
    const struct clock clock = {fixture_wall_ms, fixture_mono, f};
    const struct routes_options ways = {.providers = providers, .providers_count = 2};
    struct memory_store_options options = memory_store_defaults;
    options.clock = clock;
    options.faults = (struct memory_faults){next_fault, f};
    assert_int_equal(memory_store_create(&options, &f->store), ERR_OK);
    seeded_init(&f->seeded, 42);
    f->entropy = seeded_entropy(&f->seeded);
    f->keyring = keyring_create(&f->entropy, KEYRING_EPOCH_MS_DEFAULT);
    assert_int_equal(routes_create(&ways, &f->routes, &info), ERR_OK);
    open_observers(f, &clock);
    const struct receipts_deps deps = {f->store, f->keyring, f->routes, clock, f->log, f->metrics};
    assert_int_equal(receipts_create(&deps, &f->receipts), ERR_OK);
}

static void teardown(struct fixture *f)
{
    store_destroy(&f->store);
    receipts_destroy(&f->receipts);
    assert_null(f->receipts);
    receipts_destroy(&f->receipts);
    logger_destroy(&f->log);
    metrics_destroy(&f->metrics);
    (void)close(f->log_descriptor);
    keyring_destroy(&f->keyring);
    routes_destroy(&f->routes);
}

static provider_tag tag_of(size_t provider)
{
    return provider_tag_of(providers[provider].name);
}

// --- the little courier ------------------------------------------------------------------------

static void mark(struct delivery_op *op, const struct outbox_entry *entry,
                 const struct record *record, struct delivery *delivery, int64_t now_ms)
{
    struct delivery_moment moment;
    const struct delivery_way way = {
        .route = {.providers = {tag_of(0), tag_of(1)}, .count = 2, .fallback_after_ms = 8000}};
    delivery_moment_of(entry, record, now_ms, &moment);
    assert_int_equal(delivery_look(delivery, &moment, &way), DELIVERY_SEND);
    op->is_changed = true;
}

static void give_ref(struct delivery_op *op, const struct outbox_entry *entry,
                     const struct record *record, struct delivery *delivery, int64_t now_ms)
{
    struct delivery_moment moment;
    const struct delivery_way way = {
        .route = {.providers = {tag_of(0), tag_of(1)}, .count = 2, .fallback_after_ms = 8000}};
    const struct attempt *last = &delivery->attempts[delivery->attempts_held - 1];
    const struct delivery_sent sent = {last->provider, last->at_ms};
    const struct send_result result = {.outcome = SEND_ACCEPTED, .provider_ref = REF};
    delivery_moment_of(entry, record, now_ms, &moment);
    (void)delivery_result(delivery, &moment, &way, &sent, &result);
    op->is_changed = true;
    op->give_ref = op->ref_tag;
}

static void marked(struct delivery_op *op, enum store_outcome outcome)
{
    assert_true(op->is_found);
    assert_int_equal(outcome, STORE_COMMITTED);
}

static void submit(struct fixture *f, uint64_t id)
{
    struct claimed_entry claimed;
    const struct store_claim claim = {.lease_ms = 1000};
    const struct outbox_entry entry = test_entry(id, f->keyring, &f->entropy, f->now_ms);
    test_enqueue(f->store, &entry, tag_of(0));
    assert_int_equal(store_claim(f->store, &claim, &claimed, 1), 1);
    struct delivery_op op = {
        .handle = claimed.handle, .token = claimed.token, .transition = mark, .done = marked};
    store_deliver(f->store, &op);
}

static struct delivery_row row_of(const struct fixture *f, uint64_t id)
{
    struct delivery_row row;
    assert_true(test_find(f->store, id, &row));
    return row;
}

static void answer(struct fixture *f, uint64_t id)
{
    struct delivery_op op = {
        .handle = row_of(f, id).handle,
        .ref_tag = receipts_ref_tag(keyring_index(f->keyring), tag_of(0), REF),
        .transition = give_ref,
        .done = marked,
    };
    store_deliver(f->store, &op);
}

// --- what can be seen --------------------------------------------------------------------------

static void report_kind(struct fixture *f, uint64_t handle, struct span ref, enum receipt_kind kind)
{
    const struct receipt_report report = {
        .provider = tag_of(0),
        .handle = handle,
        .ref = ref,
        .kind = kind,
        .reason = kind == RECEIPT_FAILED ? SEND_UNREACHABLE : SEND_REASON_NONE,
        .words = kind == RECEIPT_FAILED ? SPAN("phone is off") : SPAN(""),
    };
    assert_int_equal(receipts_take(f->receipts, &report), ERR_OK);
}

static void assert_state(const struct fixture *f, uint64_t id, enum delivery_state state)
{
    assert_string_equal(delivery_state_name((enum delivery_state)row_of(f, id).delivery.state),
                        delivery_state_name(state));
}

static void assert_logged(const struct fixture *f, const char *part)
{
    static char text[65536];
    ssize_t len = pread(f->log_descriptor, text, sizeof text - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    if (strstr(text, part) == NULL)
        fail_msg("no %s in\n%s", part, text);
}

static void assert_counted(const struct fixture *f, const char *line)
{
    char *page = calloc(1, METRICS_PAGE_BYTES_MAX + 1);
    assert_non_null(page);
    struct strbuf out = strbuf_over(page, METRICS_PAGE_BYTES_MAX);
    metrics_write(f->metrics, &out);
    if (strstr(page, line) == NULL)
        fail_msg("no line %s", line);
    free(page);
}

// --- tests -------------------------------------------------------------------------------------

static void delivered_by_the_reference(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    submit(&f, 1);
    answer(&f, 1);
    assert_state(&f, 1, DELIVERY_ACCEPTED);
    f.now_ms += 3500;
    report_kind(&f, 0, REF, RECEIPT_DELIVERED);
    assert_state(&f, 1, DELIVERY_DELIVERED);
    assert_int_equal(store_entries(f.store), 0);
    assert_logged(&f, "info  otp.delivered  entry=0000000000000001 channel=SMS to=+91•••••993 "
                      "provider=texts ms=3500\n");
    assert_counted(&f, "otpd_delivery_receipts_total{state=\"delivered\"} 1\n");
    assert_counted(&f, "otpd_deliveries_ended_total{state=\"delivered\"} 1\n");
    assert_counted(
        &f,
        "otpd_delivery_latency_seconds_bucket{provider=\"texts\",channel=\"SMS\",le=\"2\"} 0\n");
    assert_counted(
        &f,
        "otpd_delivery_latency_seconds_bucket{provider=\"texts\",channel=\"SMS\",le=\"5\"} 1\n");
    assert_counted(&f,
                   "otpd_delivery_latency_seconds_sum{provider=\"texts\",channel=\"SMS\"} 3.5\n");
    teardown(&f);
}

static void twice_counts_once(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    submit(&f, 1);
    answer(&f, 1);
    for (unsigned i = 0; i < 3; i++)
        report_kind(&f, row_of(&f, 1).handle, SPAN(""), RECEIPT_DELIVERED);
    assert_counted(&f, "otpd_delivery_receipts_total{state=\"delivered\"} 3\n");
    assert_counted(&f, "otpd_deliveries_ended_total{state=\"delivered\"} 1\n");
    assert_counted(&f,
                   "otpd_delivery_latency_seconds_count{provider=\"texts\",channel=\"SMS\"} 1\n");
    teardown(&f);
}

static void before_the_answer_by_its_own_path(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    submit(&f, 1);
    report_kind(&f, row_of(&f, 1).handle, SPAN(""), RECEIPT_DELIVERED);
    assert_state(&f, 1, DELIVERY_DELIVERED);
    answer(&f, 1);
    assert_state(&f, 1, DELIVERY_DELIVERED);
    teardown(&f);
}

static void before_the_answer_it_waits_for_the_reference(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    submit(&f, 1);
    report_kind(&f, 0, REF, RECEIPT_DELIVERED);
    for (unsigned i = 0; i < 5; i++) {
        f.now_ms += 1000;
        receipts_step(f.receipts);
    }
    assert_state(&f, 1, DELIVERY_SUBMITTED);
    answer(&f, 1);
    f.now_ms += 999;
    receipts_step(f.receipts);
    assert_state(&f, 1, DELIVERY_ACCEPTED);
    f.now_ms += 1;
    receipts_step(f.receipts);
    assert_state(&f, 1, DELIVERY_DELIVERED);
    teardown(&f);
}

static void after_a_minute_a_strange_reference_is_dropped(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    submit(&f, 1);
    answer(&f, 1);
    report_kind(&f, 0, SPAN("SM9999"), RECEIPT_DELIVERED);
    for (unsigned i = 0; i < 59; i++) {
        f.now_ms += 1000;
        receipts_step(f.receipts);
    }
    assert_counted(&f, "otpd_delivery_receipts_total{state=\"unmatched\"} 0\n");
    f.now_ms += 1000;
    receipts_step(f.receipts);
    assert_counted(&f, "otpd_delivery_receipts_total{state=\"unmatched\"} 1\n");
    assert_logged(&f, "info  receipt.unmatched  provider=texts providerRef=SM9999\n");
    assert_state(&f, 1, DELIVERY_ACCEPTED);
    teardown(&f);
}

static void strange_handle_is_dropped_at_once(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    report_kind(&f, 999, SPAN(""), RECEIPT_DELIVERED);
    report_kind(&f, 0, SPAN(""), RECEIPT_DELIVERED);
    assert_counted(&f, "otpd_delivery_receipts_total{state=\"unmatched\"} 2\n");
    teardown(&f);
}

// What another provider calls the same is another message.
static void reference_is_the_providers_own(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    submit(&f, 1);
    answer(&f, 1);
    const struct receipt_report report = {
        .provider = tag_of(1), .ref = REF, .kind = RECEIPT_DELIVERED};
    assert_int_equal(receipts_take(f.receipts, &report), ERR_OK);
    assert_state(&f, 1, DELIVERY_ACCEPTED);
    teardown(&f);
}

static void failed_goes_on_at_once(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    submit(&f, 1);
    answer(&f, 1);
    f.now_ms += 2000;
    report_kind(&f, 0, REF, RECEIPT_FAILED);
    const struct delivery delivery = row_of(&f, 1).delivery;
    assert_int_equal(delivery.state, DELIVERY_QUEUED);
    assert_int_equal(delivery.due_at_ms, f.now_ms);
    assert_logged(&f, "warn  otp.undelivered  entry=0000000000000001 channel=SMS "
                      "to=+91•••••993 provider=texts ms=2000 "
                      "why=\"the phone or mailbox is not reachable\" reason=unreachable "
                      "words=\"phone is off\"\n");
    assert_counted(&f, "otpd_delivery_receipts_total{state=\"failed\"} 1\n");
    teardown(&f);
}

static void on_its_way_changes_nothing(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    submit(&f, 1);
    answer(&f, 1);
    const struct delivery_row before = row_of(&f, 1);
    report_kind(&f, 0, REF, RECEIPT_ON_ITS_WAY);
    const struct delivery_row after = row_of(&f, 1);
    assert_memory_equal(&before.delivery, &after.delivery, sizeof after.delivery);
    assert_logged(&f, "debug otp.on_its_way ");
    assert_counted(&f, "otpd_delivery_receipts_total{state=\"on_its_way\"} 1\n");
    teardown(&f);
}

static void a_store_without_room_is_asked_again(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    submit(&f, 1);
    answer(&f, 1);
    f.fault = MEMORY_FAULT_FULL;
    f.faults = 2;
    report_kind(&f, 0, REF, RECEIPT_DELIVERED);
    for (unsigned i = 0; i < 2; i++) {
        assert_state(&f, 1, DELIVERY_ACCEPTED);
        f.now_ms += 1000;
        receipts_step(f.receipts);
    }
    assert_state(&f, 1, DELIVERY_DELIVERED);
    teardown(&f);
}

static void more_than_can_be_held_come_back_later(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    for (unsigned i = 0; i < RECEIPTS_MAX; i++)
        report_kind(&f, 0, SPAN("SM9999"), RECEIPT_DELIVERED);
    const struct receipt_report report = {
        .provider = tag_of(0), .ref = REF, .kind = RECEIPT_DELIVERED};
    assert_int_equal(receipts_take(f.receipts, &report), ERR_BUSY);
    assert_counted(&f, "otpd_delivery_receipts_total{state=\"busy\"} 1\n");
    f.now_ms += RECEIPTS_HELD_MS;
    receipts_step(f.receipts);
    assert_int_equal(receipts_take(f.receipts, &report), ERR_OK);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivered_by_the_reference),
        cmocka_unit_test(twice_counts_once),
        cmocka_unit_test(before_the_answer_by_its_own_path),
        cmocka_unit_test(before_the_answer_it_waits_for_the_reference),
        cmocka_unit_test(after_a_minute_a_strange_reference_is_dropped),
        cmocka_unit_test(strange_handle_is_dropped_at_once),
        cmocka_unit_test(reference_is_the_providers_own),
        cmocka_unit_test(failed_goes_on_at_once),
        cmocka_unit_test(on_its_way_changes_nothing),
        cmocka_unit_test(a_store_without_room_is_asked_again),
        cmocka_unit_test(more_than_can_be_held_come_back_later),
    };
    return cmocka_run_group_tests_name("outbox/receipts", tests, test_group_setup, NULL);
}
