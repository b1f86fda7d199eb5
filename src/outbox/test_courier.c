// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "outbox/due.h"
#include "outbox/receipt_path.h"
#include "outbox/receipts.h"
#include "outbox/test_outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HELD_MAX 512U

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
    char url[800];
    struct send_request request;
    const struct send_request *borrowed; // the last one, until its result
    send_done *on_result[HELD_MAX];
    void *ctx[HELD_MAX];
    size_t held;
};

enum { TEXTS, OTHER, MAIL, PROVIDERS };

static const struct route_provider providers[PROVIDERS] = {
    [TEXTS] = {SPAN("texts"), 1U << CHANNEL_SMS},
    [OTHER] = {SPAN("others"), 1U << CHANNEL_SMS},
    [MAIL] = {SPAN("mail"), 1U << CHANNEL_EMAIL},
};

struct fixture {
    struct store *store;
    enum memory_fault fault; // of the next ops …
    unsigned faults;         // … so many
    int64_t now_ms;
    struct seeded seeded;
    struct entropy entropy;
    struct keyring *keyring;
    struct test_brand brand;
    struct routes *routes;
    struct fake_channel channels[PROVIDERS];
    struct fake_channel *sms; // of "texts"
    struct metrics *metrics;
    struct logger *log;
    int log_descriptor;
    size_t window;
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

static struct clock fixture_clock(struct fixture *f)
{
    return (struct clock){fixture_wall_ms, fixture_mono, f};
}

static enum memory_fault next_fault(void *ctx)
{
    struct fixture *f = ctx;
    if (f->faults == 0)
        return MEMORY_FAULT_NONE;
    f->faults--;
    return f->fault;
}

static void keep_text(char *out, size_t cap, struct span text)
{
    assert_true(text.len < cap);
    if (text.len > 0)
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
    keep_text(fake->url, sizeof fake->url, request->receipt_url);
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
    struct courier_deps deps = {
        .store = f->store,
        .keyring = f->keyring,
        .directory = {test_brand_find, test_brand_release, &f->brand},
        .routes = f->routes,
        .receipts_url = SPAN("https://otp.example.com/receipts/"),
        .windows = {[TEXTS] = f->window},
        .clock = fixture_clock(f),
        .entropy = f->entropy,
        .log = f->log,
        .metrics = f->metrics,
    };
    for (size_t i = 0; i < PROVIDERS; i++)
        deps.channels[i] = &f->channels[i].base;
    assert_int_equal(courier_create(&deps, &courier), ERR_OK);
    return courier;
}

static void open_log(struct fixture *f)
{
    f->log_descriptor = memfd_create("log", MFD_CLOEXEC);
    const struct logger_options options = {.descriptor = f->log_descriptor,
                                           .format = LOG_FORMAT_TEXT,
                                           .least = LOG_DEBUG,
                                           .clock = fixture_clock(f)};
    assert_int_equal(logger_create(&options, &f->log), ERR_OK);
}

static void open_metrics(struct fixture *f)
{
    struct span names[PROVIDERS];
    const struct metrics_options counted = {.now_ns = clock_system_ns};
    for (size_t i = 0; i < PROVIDERS; i++)
        names[i] = providers[i].name;
    assert_int_equal(metrics_create(&counted, &f->metrics), ERR_OK);
    metrics_name_providers(f->metrics, names, PROVIDERS);
}

// Texts go by "texts" alone when there is one way, and by "others" too when there are two.
static void open_routes(struct fixture *f, size_t ways, int64_t fallback_ms)
{
    struct err_info info;
    const struct route_rule rule = {CHANNEL_SMS,    SPAN(""), SPAN(""),
                                    {TEXTS, OTHER}, ways,     fallback_ms};
    const struct routes_options options = {providers, PROVIDERS, &rule, 1};
    assert_int_equal(routes_create(&options, &f->routes, &info), ERR_OK);
}

static void setup_with(struct fixture *f, size_t ways, int64_t fallback_ms)
{
    *f = (struct fixture){.now_ms = TEST_NOW_MS};
    struct memory_store_options options = memory_store_defaults;
    options.clock = fixture_clock(f);
    options.faults = (struct memory_faults){next_fault, f};
    assert_int_equal(memory_store_create(&options, &f->store), ERR_OK);
    seeded_init(&f->seeded, 42);
    f->entropy = seeded_entropy(&f->seeded);
    f->keyring = keyring_create(&f->entropy, KEYRING_EPOCH_MS_DEFAULT);
    assert_int_equal(
        template_compile(SPAN("{otp} for {brand}, {minutes} min"), &f->brand.template, NULL),
        ERR_OK);
    for (size_t i = 0; i < PROVIDERS; i++)
        f->channels[i] = (struct fake_channel){
            .base = {&fake_ops}, .result = SEND_ACCEPTED, .now_ms = &f->now_ms};
    f->sms = &f->channels[TEXTS];
    open_metrics(f);
    open_log(f);
    open_routes(f, ways, fallback_ms);
    f->courier = open_courier(f);
}

static void setup(struct fixture *f)
{
    setup_with(f, 1, 0);
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
    store_destroy(&f->store);
    routes_destroy(&f->routes);
}

// Until nothing more can be done now.
static void run(struct fixture *f)
{
    for (unsigned i = 0; courier_step(f->courier) > 0; i++)
        assert_true(i < 1000);
}

static void pass(struct fixture *f, int64_t duration_ms)
{
    f->now_ms += duration_ms;
    run(f);
}

// All that has been logged so far.
static const char *logged(const struct fixture *f)
{
    static char text[262144];
    ssize_t len = pread(f->log_descriptor, text, sizeof text - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    return text;
}

static void assert_logged(const struct fixture *f, const char *part)
{
    if (strstr(logged(f), part) == NULL)
        fail_msg("no %s in\n%s", part, logged(f));
}

static struct outbox_entry enqueue_for(struct fixture *f, uint64_t id, enum channel_kind kind)
{
    struct outbox_entry entry = test_entry(id, f->keyring, &f->entropy, f->now_ms);
    entry.channel = (uint8_t)kind;
    test_enqueue(f->store, &entry,
                 provider_tag_of(kind == CHANNEL_SMS ? SPAN("texts") : SPAN("mail")));
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

static struct delivery delivery_of(const struct fixture *f, uint64_t id)
{
    struct delivery_row row;
    assert_true(test_find(f->store, id, &row));
    return row.delivery;
}

static void assert_state(const struct fixture *f, uint64_t id, enum delivery_state state)
{
    const struct delivery delivery = delivery_of(f, id);
    if (delivery.state != state)
        fail_msg("entry %llu is %s", (unsigned long long)id,
                 delivery_state_name((enum delivery_state)delivery.state));
    bool is_over = state != DELIVERY_QUEUED && state != DELIVERY_SUBMITTED;
    if (is_over)
        assert_int_equal(delivery.due_at_ms, STORE_NEVER);
}

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
    assert_counted(f, "otpd_provider_breaker{provider=\"texts\"} 2\n");
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
    assert_counted(&f, "otpd_provider_breaker{provider=\"texts\"} 2\n");
    f.sms->result = SEND_ACCEPTED;
    pass(&f, 10000);
    for (uint64_t id = 50; id < 60; id++)
        (void)enqueue(&f, id);
    run(&f);
    assert_counted(&f, "otpd_provider_breaker{provider=\"texts\"} 0\n");
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
    static const enum memory_fault faults[] = {MEMORY_FAULT_FULL, MEMORY_FAULT_FAILURE};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture f;
        setup(&f);
        (void)enqueue(&f, 1);
        f.fault = faults[i];
        f.faults = 1;
        run(&f);
        assert_int_equal(f.sms->sends, 0);
        pass(&f, 4999);
        assert_int_equal(f.sms->sends, 0);
        pass(&f, 1); // the claim has ended
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
        cmocka_unit_test(a_courier_that_ends_sends_nothing_more),
        cmocka_unit_test(conflicts_change_nothing),
        cmocka_unit_test(provider_that_is_gone_is_replaced),
    };
    return cmocka_run_group_tests_name("outbox/courier", tests, test_group_setup, NULL);
}
