// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "outbox/due.h"
#include "outbox/test_outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SETTLEMENTS_MAX (3U * COURIER_PLACES)
#define HELD_MAX COURIER_PLACES
#define LEASE_MS 120000

// A channel that does as it is told and remembers the last message.
struct fake_channel {
    struct channel base;
    enum send_outcome result;
    struct send_result detail; // the rest of it
    bool is_holding;           // results are given later, by release_result
    int64_t takes_ms;
    int64_t *now_ms;
    unsigned sends;
    char text[2100];
    char otp[16];
    char subject[64]; // empty: none
    char to[300];
    struct send_request request;
    const struct send_request *borrowed; // the last one, until its result
    send_done *on_result[HELD_MAX];
    void *ctx[HELD_MAX];
    size_t held;
};

struct fixture {
    struct store spy; // the memory store below, with what was settled written down
    struct store *memory;
    struct settlement settlements[SETTLEMENTS_MAX];
    size_t settlements_held;
    unsigned settle_calls;
    int64_t now_ms;
    struct seeded seeded;
    struct entropy entropy;
    struct keyring *keyring;
    struct test_brand brand;
    struct fake_channel sms, email;
    struct metrics *metrics;
    struct logger *log;
    int log_descriptor;
    struct courier *courier;
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

static struct fixture *fixture_of(struct store *store)
{
    return (struct fixture *)store;
}

static size_t spy_claim(struct store *store, const struct store_claim *claim,
                        struct claimed_entry *out, size_t max)
{
    assert_int_equal(claim->lease_ms, LEASE_MS);
    return store_claim(fixture_of(store)->memory, claim, out, max);
}

static void spy_settle(struct store *store, const struct settlement *settlements, size_t count)
{
    struct fixture *f = fixture_of(store);
    f->settle_calls++;
    for (size_t i = 0; i < count; i++) {
        assert_true(f->settlements_held < SETTLEMENTS_MAX);
        f->settlements[f->settlements_held++] = settlements[i];
    }
    store_settle(f->memory, settlements, count);
}

static int64_t spy_now_ms(struct store *store)
{
    return store_now_ms(fixture_of(store)->memory);
}

static const struct store_ops spy_ops = {
    .claim = spy_claim, .settle = spy_settle, .now_ms = spy_now_ms};

static void keep_text(char *out, size_t cap, struct span text)
{
    assert_true(text.len < cap);
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

static void fake_send(struct channel *channel, const struct send_request *request,
                      send_done *on_result, void *ctx)
{
    struct fake_channel *fake = (struct fake_channel *)channel;
    fake->sends++;
    fake->request = *request;
    fake->borrowed = request;
    keep_text(fake->text, sizeof fake->text, message_reveal(request->text));
    keep_text(fake->otp, sizeof fake->otp, message_reveal(request->otp_only));
    keep_text(fake->to, sizeof fake->to, request->to);
    keep_text(fake->subject, sizeof fake->subject,
              request->subject != NULL ? message_reveal(request->subject) : SPAN(""));
    *fake->now_ms += fake->takes_ms;
    if (!fake->is_holding) {
        struct send_result result = fake->detail;
        result.outcome = fake->result;
        on_result(ctx, &result);
        return;
    }
    assert_true(fake->held < HELD_MAX);
    fake->on_result[fake->held] = on_result;
    fake->ctx[fake->held++] = ctx;
}

static void release_result(struct fake_channel *fake, enum send_outcome result)
{
    fake->held--;
    fake->on_result[fake->held](fake->ctx[fake->held], &(struct send_result){.outcome = result});
}

static const struct channel_ops fake_ops = {.send = fake_send};

static struct courier *open_courier(struct fixture *f)
{
    struct courier *courier = NULL;
    const struct courier_deps deps = {
        .store = &f->spy,
        .keyring = f->keyring,
        .directory = {test_brand_find, test_brand_release, &f->brand},
        .channels = {[CHANNEL_SMS] = &f->sms.base, [CHANNEL_EMAIL] = &f->email.base},
        .providers = {[CHANNEL_SMS] = SPAN("texts")},
        .clock = {fixture_wall_ms, fixture_mono, f},
        .entropy = f->entropy,
        .log = f->log,
        .metrics = f->metrics,
    };
    assert_int_equal(courier_create(&deps, &courier), ERR_OK);
    return courier;
}

static void open_log(struct fixture *f)
{
    f->log_descriptor = memfd_create("log", MFD_CLOEXEC);
    const struct logger_options options = {.descriptor = f->log_descriptor,
                                           .format = LOG_FORMAT_TEXT,
                                           .least = LOG_DEBUG,
                                           .clock = {fixture_wall_ms, fixture_mono, f}};
    assert_int_equal(logger_create(&options, &f->log), ERR_OK);
}

static void setup(struct fixture *f)
{
    *f = (struct fixture){.spy = {.ops = &spy_ops}, .now_ms = TEST_NOW_MS};
    struct memory_store_options options = memory_store_defaults;
    options.clock = (struct clock){fixture_wall_ms, fixture_mono, f};
    assert_int_equal(memory_store_create(&options, &f->memory), ERR_OK);
    seeded_init(&f->seeded, 42);
    f->entropy = seeded_entropy(&f->seeded);
    f->keyring = keyring_create(&f->entropy, KEYRING_EPOCH_MS_DEFAULT);
    assert_int_equal(
        template_compile(SPAN("{otp} for {brand}, {minutes} min"), &f->brand.template, NULL),
        ERR_OK);
    f->sms =
        (struct fake_channel){.base = {&fake_ops}, .result = SEND_ACCEPTED, .now_ms = &f->now_ms};
    f->email = f->sms;
    const struct metrics_options counted = {.now_ns = clock_system_ns};
    assert_int_equal(metrics_create(&counted, &f->metrics), ERR_OK);
    open_log(f);
    f->courier = open_courier(f);
}

static void teardown(struct fixture *f)
{
    assert_int_equal(f->brand.held, 0);
    courier_destroy(&f->courier);
    assert_null(f->courier);
    logger_destroy(&f->log);
    metrics_destroy(&f->metrics);
    (void)close(f->log_descriptor);
    keyring_destroy(&f->keyring);
    store_destroy(&f->memory);
}

// All that has been logged so far.
static const char *logged(const struct fixture *f)
{
    static char text[65536];
    ssize_t len = pread(f->log_descriptor, text, sizeof text - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    return text;
}

static struct outbox_entry enqueue_for(struct fixture *f, uint64_t id, enum channel_kind kind)
{
    struct outbox_entry entry = test_entry(id, f->keyring, &f->entropy, f->now_ms);
    entry.channel = (uint8_t)kind;
    test_enqueue(f->memory, &entry);
    return entry;
}

static struct outbox_entry enqueue(struct fixture *f, uint64_t id)
{
    return enqueue_for(f, id, CHANNEL_SMS);
}

// The code of an entry, derived without the courier.
static void code_of(struct fixture *f, const struct outbox_entry *entry, char out[16])
{
    const struct epoch_set *epochs = keyring_epochs(f->keyring, f->now_ms);
    struct code_source source;
    struct code code;
    code_source_of(&entry->key, &entry->session, entry->salt, &source);
    code_derive(&epoch_find(epochs, entry->epoch)->code, &source, entry->length, &code);
    memcpy(out, code.digits, code.length);
    out[code.length] = '\0';
}

static void assert_settled(const struct fixture *f, uint64_t id, enum delivery_state state)
{
    assert_true(f->settlements_held > 0);
    const struct settlement *last = &f->settlements[f->settlements_held - 1];
    assert_int_equal(last->id, id);
    assert_int_equal(last->state, state);
}

static void due_entry_is_sent_and_accepted(void **state)
{
    struct fixture f;
    char code[16];
    char expected[64];
    (void)state;
    setup(&f);
    struct outbox_entry entry = enqueue(&f, 0xA1);
    f.now_ms += 250;
    assert_int_equal(courier_step(f.courier), 1);
    code_of(&f, &entry, code);
    (void)snprintf(expected, sizeof expected, "%s for DocDemo, 20 min", code);
    assert_string_equal(f.sms.text, expected);
    assert_string_equal(f.sms.otp, code);
    assert_string_equal(f.sms.to, "919999999993");
    assert_int_equal(f.sms.request.id, 0xA1);
    assert_int_equal(f.sms.request.kind, CHANNEL_SMS);
    assert_int_equal(f.sms.request.sent_at_ms, TEST_NOW_MS + 250);
    assert_settled(&f, 0xA1, DELIVERY_ACCEPTED);
    assert_int_equal(courier_step(f.courier), 0);
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
    assert_int_equal(courier_step(f.courier), 2);
    code_of(&f, &entry, code);
    (void)snprintf(expected, sizeof expected, "%s from DocDemo", code);
    assert_string_equal(f.email.subject, expected);
    assert_string_equal(f.sms.subject, "");
    assert_true(span_eq(f.email.request.language, SPAN("pt-BR")));
    assert_true(span_eq(f.sms.request.sender, SPAN("DEMOCO")));
    assert_true(span_eq(f.sms.request.template_id, SPAN("1007")));
    teardown(&f);
}

static void log_shows_neither_code_nor_address(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    (void)enqueue(&f, 1);
    (void)courier_step(f.courier);
    assert_null(strstr(logged(&f), f.sms.otp));
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
    {"at the end", 0, 0},        {"after the end", -1, 0},     {"days after", -90000000, 0},
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
        assert_int_equal(courier_step(f.courier), 1);
        assert_row_equal(row->name, f.sms.sends, row->minutes > 0);
        assert_settled(&f, 5, row->minutes > 0 ? DELIVERY_ACCEPTED : DELIVERY_EXPIRED);
        (void)snprintf(expected, sizeof expected, "for DocDemo, %u min", row->minutes);
        assert_true(row->minutes == 0 || strstr(f.sms.text, expected) != NULL);
        assert_true(row->minutes > 0 || strstr(logged(&f), "warn  otp.expired ") != NULL);
        teardown(&f);
    }
}

// The batch was claimed in time, but the first message took so long that the second one's code
// ended.
static void deadline_counts_at_the_moment_of_sending(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    struct outbox_entry entry = enqueue(&f, 1);
    (void)enqueue(&f, 2);
    f.now_ms = entry.deadline_at_ms - 10;
    f.sms.takes_ms = 10;
    assert_int_equal(courier_step(f.courier), 2);
    assert_int_equal(f.sms.sends, 1);
    assert_int_equal(f.settlements[0].state, DELIVERY_ACCEPTED);
    assert_int_equal(f.settlements[1].state, DELIVERY_EXPIRED);
    teardown(&f);
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

static void attempts_and_endings_are_counted(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    f.sms.result = SEND_RETRY;
    (void)enqueue(&f, 1);
    assert_int_equal(courier_step(f.courier), 1);
    assert_counted(&f, "otpd_delivery_attempts_total{channel=\"SMS\",result=\"retry\"} 1\n");
    assert_counted(&f, "otpd_deliveries_ended_total{state=\"accepted\"} 0\n");
    f.now_ms += 1000;
    f.sms.result = SEND_ACCEPTED;
    assert_int_equal(courier_step(f.courier), 1);
    f.sms.result = SEND_REFUSED;
    (void)enqueue(&f, 2);
    assert_int_equal(courier_step(f.courier), 1);
    (void)enqueue(&f, 3);
    f.now_ms += TEST_DAY_MS;
    assert_int_equal(courier_step(f.courier), 1);
    assert_counted(&f, "otpd_delivery_attempts_total{channel=\"SMS\",result=\"accepted\"} 1\n");
    assert_counted(&f, "otpd_delivery_attempts_total{channel=\"SMS\",result=\"permanent\"} 1\n");
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
    f.sms.result = SEND_REFUSED;
    f.sms.detail = (struct send_result){
        .reason = SEND_UNREACHABLE, .words = SPAN("550 full"), .provider_ref = SPAN("ref-1")};
    assert_int_equal(courier_step(f.courier), 1);
    assert_settled(&f, 3, DELIVERY_FAILED);
    f.now_ms += TEST_DAY_MS;
    assert_int_equal(courier_step(f.courier), 0);
    assert_non_null(strstr(logged(&f), "warn  otp.failed "));
    assert_non_null(strstr(logged(&f),
                           " why=\"the phone or mailbox is not reachable\" provider=texts "
                           "reason=unreachable words=\"550 full\" "
                           "providerRef=ref-1\n"));
    teardown(&f);
}

static void retry_comes_after_its_delay_with_the_same_message(void **state)
{
    struct fixture f;
    char first_otp[16];
    (void)state;
    setup(&f);
    (void)enqueue(&f, 4);
    f.sms.result = SEND_RETRY;
    for (unsigned tries = 1; tries <= 5; tries++) {
        int64_t whole_ms = INT64_C(500) << tries;
        assert_int_equal(courier_step(f.courier), 1);
        assert_settled(&f, 4, DELIVERY_QUEUED);
        int64_t due_at_ms = f.settlements[f.settlements_held - 1].due_at_ms;
        assert_in_range(due_at_ms - f.now_ms, whole_ms / 2, whole_ms);
        assert_true(tries == 1 || strcmp(first_otp, f.sms.otp) == 0);
        memcpy(first_otp, f.sms.otp, sizeof first_otp);
        f.now_ms = due_at_ms - 1;
        assert_int_equal(courier_step(f.courier), 0);
        f.now_ms = due_at_ms;
    }
    f.sms.result = SEND_ACCEPTED;
    assert_int_equal(courier_step(f.courier), 1);
    assert_settled(&f, 4, DELIVERY_ACCEPTED);
    assert_string_equal(first_otp, f.sms.otp);
    assert_non_null(strstr(logged(&f), "info  otp.retry "));
    assert_non_null(strstr(logged(&f), " tries=6 "));
    teardown(&f);
}

static void retry_that_would_come_too_late_is_not_made(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    struct outbox_entry entry = enqueue(&f, 6);
    f.now_ms = entry.deadline_at_ms - DUE_FIRST_RETRY_MS / 2;
    f.sms.result = SEND_RETRY;
    assert_int_equal(courier_step(f.courier), 1);
    assert_settled(&f, 6, DELIVERY_EXPIRED);
    assert_non_null(strstr(logged(&f), "why=\"no time left for another try\""));
    teardown(&f);
}

static void late_result_settles_on_its_own(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    (void)enqueue(&f, 8);
    f.sms.is_holding = true;
    assert_int_equal(courier_step(f.courier), 1);
    assert_int_equal(f.settlements_held, 0);
    assert_int_equal(f.brand.held, 1);
    // What the channel has borrowed is still there.
    assert_int_equal(message_reveal(f.sms.request.text).len, strlen(f.sms.text));
    assert_memory_equal(f.sms.borrowed->to.data, "919999999993", 12);
    assert_ptr_equal(f.sms.borrowed->text, f.sms.request.text);
    f.now_ms += 3000;
    release_result(&f.sms, SEND_ACCEPTED);
    assert_settled(&f, 8, DELIVERY_ACCEPTED);
    assert_int_equal(f.sms.request.text->len, 0); // wiped
    assert_non_null(strstr(logged(&f), " ms=3000 provider=texts\n"));
    teardown(&f);
}

static void no_more_is_claimed_than_a_share_holds(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    for (uint64_t id = 1; id <= COURIER_CHANNEL_PLACES + 3; id++)
        (void)enqueue(&f, id);
    f.sms.is_holding = true;
    for (unsigned i = 0; i < COURIER_CHANNEL_PLACES / COURIER_BATCH_MAX; i++) {
        assert_int_equal(courier_busy(f.courier), 0);
        assert_int_equal(courier_step(f.courier), COURIER_BATCH_MAX);
    }
    assert_int_equal(courier_busy(f.courier), 1U << CHANNEL_SMS);
    assert_int_equal(courier_step(f.courier), 0);
    for (unsigned i = 1; i < COURIER_BATCH_MAX; i++) {
        release_result(&f.sms, SEND_ACCEPTED);
        assert_int_equal(courier_busy(f.courier), 1U << CHANNEL_SMS);
    }
    release_result(&f.sms, SEND_RETRY); // now a whole batch has room
    assert_int_equal(courier_busy(f.courier), 0);
    assert_int_equal(courier_step(f.courier), 3);
    while (f.sms.held > 0)
        release_result(&f.sms, SEND_ACCEPTED);
    assert_int_equal(f.sms.sends, COURIER_CHANNEL_PLACES + 3);
    teardown(&f);
}

static void a_provider_that_hangs_takes_nothing_from_others(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    for (uint64_t id = 1; id <= 2 * COURIER_PLACES; id++)
        (void)enqueue(&f, id);
    f.sms.is_holding = true;
    while (courier_step(f.courier) > 0)
        ;
    assert_int_equal(f.sms.held, COURIER_CHANNEL_PLACES);
    f.now_ms++; // behind all the others
    for (uint64_t id = 1; id <= COURIER_PLACES; id++)
        (void)enqueue_for(&f, 10000 + id, CHANNEL_EMAIL);
    while (courier_step(f.courier) > 0)
        ;
    assert_int_equal(f.email.sends, COURIER_PLACES);
    assert_int_equal(f.sms.sends, COURIER_CHANNEL_PLACES);
    while (f.sms.held > 0)
        release_result(&f.sms, SEND_ACCEPTED);
    teardown(&f);
}

static void provider_may_ask_for_a_longer_delay(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    (void)enqueue(&f, 1);
    f.sms.result = SEND_RETRY;
    f.sms.detail = (struct send_result){.reason = SEND_THROTTLED, .retry_after_ms = 30000};
    assert_int_equal(courier_step(f.courier), 1);
    assert_int_equal(f.settlements[0].due_at_ms, f.now_ms + 30000);
    f.now_ms += 30000;
    f.sms.detail.retry_after_ms = 1;
    assert_int_equal(courier_step(f.courier), 1);
    assert_true(f.settlements[1].due_at_ms >= f.now_ms + 1000); // its own delay is longer
    assert_non_null(strstr(logged(&f), " why=\"the provider asks to send more slowly\" "
                                       "provider=texts reason=throttled\n"));
    teardown(&f);
}

static void batch_is_settled_at_once(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    for (uint64_t id = 1; id <= 40; id++)
        (void)enqueue(&f, id);
    assert_int_equal(courier_step(f.courier), 32);
    assert_int_equal(f.settle_calls, 1);
    assert_int_equal(courier_step(f.courier), 8);
    assert_int_equal(f.settle_calls, 2);
    assert_int_equal(f.settlements_held, 40);
    assert_int_equal(f.sms.sends, 40);
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
    {"no such channel", spoil_channel},
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
        test_enqueue(f.memory, &entry);
        (void)enqueue(&f, 10);
        assert_int_equal(courier_step(f.courier), 2);
        assert_int_equal(f.sms.sends, 1);
        assert_int_equal(f.sms.request.id, 10);
        assert_int_equal(f.settlements[0].state + f.settlements[1].state,
                         DELIVERY_FAILED + DELIVERY_ACCEPTED);
        (void)snprintf(why, sizeof why, "why=\"%s\"\n", broken_rows[i].why);
        assert_non_null(strstr(logged(&f), why));
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
        assert_int_equal(courier_step(f.courier), 1);
        assert_settled(&f, 12, rows[i].state);
        assert_int_equal(f.sms.sends, rows[i].state == DELIVERY_ACCEPTED);
        teardown(&f);
    }
}

// A courier that died holds its entries only until their lease ends; what it says later is not
// heard.
static void lease_ends_and_another_courier_takes_over(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f);
    struct courier *second = open_courier(&f);
    (void)enqueue(&f, 14);
    f.sms.is_holding = true;
    assert_int_equal(courier_step(f.courier), 1);
    f.now_ms += LEASE_MS - 1;
    assert_int_equal(courier_step(second), 0);
    f.now_ms += 1;
    f.sms.is_holding = false;
    f.sms.result = SEND_RETRY;
    assert_int_equal(courier_step(second), 1);
    assert_settled(&f, 14, DELIVERY_QUEUED);
    release_result(&f.sms, SEND_ACCEPTED); // stale: the entry stays queued
    f.now_ms += 60000;
    f.sms.result = SEND_ACCEPTED;
    assert_int_equal(courier_step(second), 1);
    assert_settled(&f, 14, DELIVERY_ACCEPTED);
    courier_destroy(&second);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(due_entry_is_sent_and_accepted),
        cmocka_unit_test(a_wording_is_passed_on_whole),
        cmocka_unit_test(log_shows_neither_code_nor_address),
        cmocka_unit_test(nothing_is_submitted_from_the_deadline_on),
        cmocka_unit_test(deadline_counts_at_the_moment_of_sending),
        cmocka_unit_test(attempts_and_endings_are_counted),
        cmocka_unit_test(channels_are_counted_under_their_names),
        cmocka_unit_test(refused_is_failed),
        cmocka_unit_test(retry_comes_after_its_delay_with_the_same_message),
        cmocka_unit_test(retry_that_would_come_too_late_is_not_made),
        cmocka_unit_test(late_result_settles_on_its_own),
        cmocka_unit_test(no_more_is_claimed_than_a_share_holds),
        cmocka_unit_test(a_provider_that_hangs_takes_nothing_from_others),
        cmocka_unit_test(provider_may_ask_for_a_longer_delay),
        cmocka_unit_test(batch_is_settled_at_once),
        cmocka_unit_test(broken_entries_fail_without_being_sent),
        cmocka_unit_test(too_long_a_message_fails),
        cmocka_unit_test(lease_ends_and_another_courier_takes_over),
    };
    return cmocka_run_group_tests_name("outbox/courier", tests, test_group_setup, NULL);
}
