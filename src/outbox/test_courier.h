// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A courier over the memory store, on a clock that the test moves, with three providers that do as
// they are told: "texts" and "others" for SMS, "mail" for e-mail.

#include "outbox/test_outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HELD_MAX 512U

// A channel that does as it is told and remembers the last message. A connection is there at once
// or, when it is told so, by connect or fail_to_connect.
struct fake_channel {
    struct channel base;
    enum send_outcome result;
    struct send_result detail; // the rest of it
    bool is_unconnected;
    struct sending *waiting[HELD_MAX];
    size_t waiting_held;
    unsigned let_off; // ready, and not wanted
    bool is_holding;  // results are given later, by release_result
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

static inline int64_t fixture_wall_ms(void *ctx)
{
    const struct fixture *f = ctx;
    return f->now_ms;
}

static inline struct mono fixture_mono(void *ctx)
{
    const struct fixture *f = ctx;
    return (struct mono){f->now_ms - TEST_NOW_MS};
}

static inline struct clock fixture_clock(struct fixture *f)
{
    return (struct clock){fixture_wall_ms, fixture_mono, f};
}

static inline enum memory_fault next_fault(void *ctx)
{
    struct fixture *f = ctx;
    if (f->faults == 0)
        return MEMORY_FAULT_NONE;
    f->faults--;
    return f->fault;
}

static inline void keep_text(char *out, size_t cap, struct span text)
{
    assert_true(text.len < cap);
    if (text.len > 0)
        memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

static inline void fake_take(struct fake_channel *fake, const struct sending *sending)
{
    const struct send_request *request = sending->request;
    fake->sends++;
    fake->request = *request;
    fake->borrowed = request;
    keep_text(fake->text, sizeof fake->text, message_reveal(request->text));
    keep_text(fake->otp, sizeof fake->otp, message_reveal(request->otp_only));
    keep_text(fake->subject, sizeof fake->subject,
              request->subject != NULL ? message_reveal(request->subject) : SPAN(""));
    keep_text(fake->to, sizeof fake->to, request->to);
    keep_text(fake->url, sizeof fake->url, request->receipt_url);
    *fake->now_ms += fake->takes_ms;
    if (!fake->is_holding) {
        struct send_result result = fake->detail;
        result.outcome = fake->result;
        sending->on_result(sending->ctx, &result);
        return;
    }
    assert_true(fake->held < HELD_MAX);
    fake->on_result[fake->held] = sending->on_result;
    fake->ctx[fake->held++] = sending->ctx;
}

static inline void fake_send(struct channel *channel, struct sending *sending)
{
    struct fake_channel *fake = (struct fake_channel *)channel;
    assert_int_equal(message_reveal(sending->request->text).len, 0);
    assert_int_equal(message_reveal(sending->request->otp_only).len, 0);
    if (!fake->is_unconnected) {
        sending->on_ready(sending);
        return;
    }
    assert_true(fake->waiting_held < HELD_MAX);
    fake->waiting[fake->waiting_held++] = sending;
}

static inline void fake_go(struct channel *channel, struct sending *sending, bool is_wanted)
{
    struct fake_channel *fake = (struct fake_channel *)channel;
    fake->let_off += !is_wanted;
    if (is_wanted)
        fake_take(fake, sending);
}

static inline void connect(struct fake_channel *fake)
{
    struct sending *sending = fake->waiting[--fake->waiting_held];
    sending->on_ready(sending);
}

static inline void fail_to_connect(struct fake_channel *fake)
{
    const struct sending *sending = fake->waiting[--fake->waiting_held];
    sending->on_result(sending->ctx,
                       &(struct send_result){.outcome = SEND_RETRY, .reason = SEND_VENDOR_DOWN});
}

static inline void release_result(struct fake_channel *fake, enum send_outcome result)
{
    fake->held--;
    fake->on_result[fake->held](fake->ctx[fake->held], &(struct send_result){.outcome = result});
}

static const struct channel_ops fake_ops = {.send = fake_send, .go = fake_go};

// With another channel in the place of that of "texts".
static inline struct courier *open_courier_with(struct fixture *f, struct channel *texts)
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
        deps.channels[i] = i == TEXTS ? texts : &f->channels[i].base;
    assert_int_equal(courier_create(&deps, &courier), ERR_OK);
    return courier;
}

static inline struct courier *open_courier(struct fixture *f)
{
    return open_courier_with(f, &f->channels[TEXTS].base);
}

static inline void open_log(struct fixture *f)
{
    f->log_descriptor = memfd_create("log", MFD_CLOEXEC);
    const struct logger_options options = {.descriptor = f->log_descriptor,
                                           .format = LOG_FORMAT_TEXT,
                                           .least = LOG_DEBUG,
                                           .clock = fixture_clock(f)};
    assert_int_equal(logger_create(&options, &f->log), ERR_OK);
}

static inline void open_metrics(struct fixture *f)
{
    struct span names[PROVIDERS];
    const struct metrics_options counted = {.now_ns = clock_system_ns};
    for (size_t i = 0; i < PROVIDERS; i++)
        names[i] = providers[i].name;
    assert_int_equal(metrics_create(&counted, &f->metrics), ERR_OK);
    metrics_name_providers(f->metrics, names, PROVIDERS);
}

// Texts go by "texts" alone when there is one way, and by "others" too when there are two.
static inline void open_routes(struct fixture *f, size_t ways, int64_t fallback_ms)
{
    struct err_info info;
    const struct route_rule rule = {CHANNEL_SMS,    SPAN(""), SPAN(""),
                                    {TEXTS, OTHER}, ways,     fallback_ms};
    const struct routes_options options = {providers, PROVIDERS, &rule, 1};
    assert_int_equal(routes_create(&options, &f->routes, &info), ERR_OK);
}

static inline void setup_with(struct fixture *f, size_t ways, int64_t fallback_ms)
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

static inline void setup(struct fixture *f)
{
    setup_with(f, 1, 0);
}

static inline void teardown(struct fixture *f)
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
static inline void run(struct fixture *f)
{
    for (unsigned i = 0; courier_step(f->courier) > 0; i++)
        assert_true(i < 1000);
}

static inline void pass(struct fixture *f, int64_t duration_ms)
{
    f->now_ms += duration_ms;
    run(f);
}

// All that has been logged so far.
static inline const char *logged(const struct fixture *f)
{
    static char text[262144];
    ssize_t len = pread(f->log_descriptor, text, sizeof text - 1, 0);
    assert_true(len >= 0);
    text[len] = '\0';
    return text;
}

static inline void assert_logged(const struct fixture *f, const char *part)
{
    if (strstr(logged(f), part) == NULL)
        fail_msg("no %s in\n%s", part, logged(f));
}

static inline struct outbox_entry enqueue_for(struct fixture *f, uint64_t id,
                                              enum channel_kind kind)
{
    struct outbox_entry entry = test_entry(id, f->keyring, &f->entropy, f->now_ms);
    entry.channel = (uint8_t)kind;
    test_enqueue(f->store, &entry,
                 provider_tag_of(kind == CHANNEL_SMS ? SPAN("texts") : SPAN("mail")));
    return entry;
}

static inline struct outbox_entry enqueue(struct fixture *f, uint64_t id)
{
    return enqueue_for(f, id, CHANNEL_SMS);
}

// The code of an entry, derived without the courier.
static inline void code_of(struct fixture *f, const struct outbox_entry *entry, char out[16])
{
    const struct epoch_set *epochs = keyring_epochs(f->keyring, f->now_ms);
    struct code_source source;
    struct code code;
    code_source_of(&entry->key, &entry->session, entry->salt, &source);
    code_derive(&epoch_find(epochs, entry->epoch)->code, &source, entry->length, &code);
    memcpy(out, code.digits, code.length);
    out[code.length] = '\0';
}

static inline struct delivery delivery_of(const struct fixture *f, uint64_t id)
{
    struct delivery_row row;
    assert_true(test_find(f->store, id, &row));
    return row.delivery;
}

static inline void assert_state(const struct fixture *f, uint64_t id, enum delivery_state state)
{
    const struct delivery delivery = delivery_of(f, id);
    if (delivery.state != state)
        fail_msg("entry %llu is %s", (unsigned long long)id,
                 delivery_state_name((enum delivery_state)delivery.state));
    bool is_over = state != DELIVERY_QUEUED && state != DELIVERY_SUBMITTED;
    if (is_over)
        assert_int_equal(delivery.due_at_ms, STORE_NEVER);
}

static inline void assert_counted(const struct fixture *f, const char *line)
{
    char *page = calloc(1, METRICS_PAGE_BYTES_MAX + 1);
    assert_non_null(page);
    struct strbuf out = strbuf_over(page, METRICS_PAGE_BYTES_MAX);
    metrics_write(f->metrics, &out);
    if (strstr(page, line) == NULL)
        fail_msg("no line %s", line);
    free(page);
}
