// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What a message costs from the outbox to its provider, without the HTTP server in front of it:
// the store, the courier's thread and the channels, as the daemon puts them together.
//
//   bench_courier store=memory|DIRECTORY ca=FILE rate=N backlog=N days=N
//                 provider=http|https|smtp:PORT:CONNECTIONS:MESSAGES …
//
// Promises MESSAGES for each provider, which go by it alone: all before the courier starts, or,
// with a rate, so many a second, or, with a backlog, so that no more than that are open at once. It
// is over when all messages of the first provider have been accepted; each must be, once. Prints
// one line of JSON: for each provider its results, the seconds to the last of them, and how long
// after its promise a message was accepted; CPU time of the courier's thread, of the store's, and
// of the process but for the one that promises, per accepted message; and what the process occupied
// at 10, 50 and 100 % of the first provider's messages. With `days` the store's clock is then moved
// on by so many and the store left to sweep, with no new promise.
#include "channel/http_channel.h"
#include "channel/http_transport_curl.h"
#include "channel/smtp.h"
#include "config/recipe_file.h"
#include "crypto/pure/random.h"
#include "outbox/courier_thread.h"
#include "store/embedded/embedded.h"
#include "store/entry.h"
#include "store/memory/memory.h"

#include "measure.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PROVIDERS_MAX 4U
#define OPS 1024U // promises that wait for their commit
#define BRAND_ID 7U
#define LIFE_MS (20 * INT64_C(60000))
#define PATIENCE_MS 900000
#define MARKS 3U
#define TRANSFERS_MAX (4U * COURIER_PROVIDER_PLACES) // as in daemon/providers.c

static const unsigned mark_percents[MARKS] = {10, 50, 100};

struct settings {
    const char *store, *ca;
    uint64_t rate, backlog, days;
};

// A channel in front of the real one, which notes when results come.
struct gauge {
    struct channel base;
    struct channel *inner;
    struct http_curl *http; // NULL: SMTP
    struct run *run;
    char kind[8];
    char name[16];
    char number[16]; // that its text messages go to, and no other provider's
    unsigned port;
    size_t connections;
    uint64_t wanted, promised;
    uint64_t refused, unknown, again;
    atomic_ullong accepted; // read by the thread that waits for them
    int64_t last_at_ns;
};

struct message_slot {
    struct gauge *gauge;
    struct sending *outer; // the courier's
    struct sending inner;  // the real channel's
    int64_t promised_at_ns;
    int64_t accepted_after_ns; // −1: not yet
};

struct promise {
    struct store_op op; // first
    struct run *run;
    struct promise *next;
};

struct run {
    struct settings settings;
    struct gauge gauges[PROVIDERS_MAX];
    size_t gauges_held;
    struct clock system;
    atomic_llong ahead_ms; // of the system's clock
    struct random_pool pool, courier_pool;
    struct store *store;
    struct keyring *keyring;
    struct logger *log;
    struct metrics *metrics;
    struct routes *routes;
    struct outbound *outbound;
    struct recipe *recipe;
    struct config_report report;
    struct template text, subject;
    struct courier *courier;
    _Atomic(struct courier_thread *) thread;
    int store_task, courier_task;
    struct message_slot *slots; // of message number i at i − 1
    uint64_t messages;
    struct promise promises[OPS];
    pthread_mutex_t lock; // guards `free`
    struct promise *free;
    int64_t began_ns;
    struct footprint marks[MARKS];
    size_t marks_held;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_courier: %s\n", what);
    exit(1);
}

static void must(enum err err, const char *what)
{
    if (err != ERR_OK)
        die(what);
}

static void nap(long us)
{
    (void)usleep((useconds_t)us);
}

static int64_t shifted_wall_ms(void *ctx)
{
    struct run *run = ctx;
    return clock_wall_ms(&run->system) + atomic_load(&run->ahead_ms);
}

static struct mono shifted_mono(void *ctx)
{
    struct run *run = ctx;
    return mono_after(clock_mono(&run->system), atomic_load(&run->ahead_ms));
}

static struct clock clock_of(struct run *run)
{
    return (struct clock){shifted_wall_ms, shifted_mono, run};
}

// --- the gauges --------------------------------------------------------------------------------

static void on_result(void *ctx, const struct send_result *result)
{
    struct message_slot *slot = ctx;
    struct gauge *gauge = slot->gauge;
    int64_t now_ns = clock_system_ns();
    gauge->last_at_ns = now_ns;
    gauge->refused += result->outcome == SEND_REFUSED;
    gauge->unknown += result->outcome == SEND_UNKNOWN;
    gauge->again += result->outcome == SEND_RETRY;
    if (result->outcome == SEND_ACCEPTED) {
        if (slot->accepted_after_ns >= 0)
            die("a message was sent twice");
        slot->accepted_after_ns = now_ns - slot->promised_at_ns;
        (void)atomic_fetch_add_explicit(&gauge->accepted, 1, memory_order_release);
    }
    slot->outer->on_result(slot->outer->ctx, result);
}

static void on_ready(struct sending *sending)
{
    struct message_slot *slot = sending->ctx;
    slot->outer->on_ready(slot->outer);
}

static void gauge_send(struct channel *channel, struct sending *sending)
{
    struct gauge *gauge = (struct gauge *)channel;
    struct message_slot *slot = &gauge->run->slots[sending->request->id - 1];
    slot->gauge = gauge;
    slot->outer = sending;
    slot->inner = (struct sending){
        .request = sending->request, .on_ready = on_ready, .on_result = on_result, .ctx = slot};
    gauge->inner->ops->send(gauge->inner, &slot->inner);
}

static void gauge_go(struct channel *channel, struct sending *sending, bool is_wanted)
{
    struct gauge *gauge = (struct gauge *)channel;
    struct message_slot *slot = &gauge->run->slots[sending->request->id - 1];
    gauge->inner->ops->go(gauge->inner, &slot->inner, is_wanted);
}

static const struct channel_ops gauge_ops = {.send = gauge_send, .go = gauge_go};

static struct recipe_plan *bind_plan(const struct run *run, const struct gauge *gauge)
{
    char url[64];
    struct recipe_plan *plan = NULL;
    struct err_info info;
    (void)snprintf(url, sizeof url, "%s://localhost:%u/", gauge->kind, gauge->port);
    const struct recipe_setting settings[] = {
        {SPAN("url"), span_of_text(url)},
        {SPAN("signingSecret"), SPAN("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")},
    };
    if (recipe_bind(run->recipe, settings, 2, &plan, &info) != ERR_OK)
        die(info.text);
    return plan;
}

static void open_http(struct run *run, struct gauge *gauge)
{
    struct recipe_plan *plan = bind_plan(run, gauge);
    const struct http_curl_settings settings = {
        .ca_file = run->settings.ca,
        .connections_max = gauge->connections,
        .timeout_ms = 10000,
        .may_use_private = true,
    };
    must(http_curl_create(run->outbound, &settings, &gauge->http), "transport");
    const struct http_transport transport = http_curl_transport(gauge->http);
    must(http_channel_create(&plan, &transport, TRANSFERS_MAX, &gauge->inner), "channel");
}

static void open_smtp(struct run *run, struct gauge *gauge)
{
    const struct smtp_settings settings = {
        .host = "127.0.0.1",
        .port = gauge->port,
        .tls = SMTP_TLS_NONE,
        .from = "login@example.com",
        .connections_max = (uint32_t)gauge->connections,
        .timeout_ms = 30000,
    };
    must(smtp_create(run->outbound, &settings, SPAN(""), &gauge->inner), "channel");
}

static bool is_smtp(const struct gauge *gauge)
{
    return strcmp(gauge->kind, "smtp") == 0;
}

// --- putting it together -----------------------------------------------------------------------

static bool find_brand(void *ctx, uint64_t brand_id, const struct courier_wish *wish,
                       struct courier_brand *out)
{
    struct run *run = ctx;
    (void)brand_id;
    *out = (struct courier_brand){
        .name = SPAN("DocDemo"),
        .wording = {.text = &run->text,
                    .subject = wish->kind == CHANNEL_EMAIL ? &run->subject : NULL,
                    .language = SPAN("en")},
    };
    return true;
}

static void release_brand(void *ctx, struct courier_brand *brand)
{
    (void)ctx;
    (void)brand;
}

static void on_entries(void *ctx)
{
    struct run *run = ctx;
    struct courier_thread *thread = atomic_load_explicit(&run->thread, memory_order_acquire);
    if (thread != NULL)
        courier_thread_notify(thread);
}

static void open_store(struct run *run)
{
    const struct store_notices notices = {.on_entries = on_entries, .ctx = run};
    struct err_info info;
    if (strcmp(run->settings.store, "memory") == 0) {
        struct memory_store_options options = memory_store_defaults;
        options.entries_max = run->messages;
        options.clock = clock_of(run);
        options.notices = notices;
        must(memory_store_create(&options, &run->store), "store");
        return;
    }
    struct embedded_store_options options = embedded_store_defaults;
    options.directory = run->settings.store;
    options.entropy = entropy_system();
    options.entries_max = run->messages;
    options.clock = clock_of(run);
    options.notices = notices;
    options.log = run->log;
    options.metrics = run->metrics;
    keyring_fingerprint(run->keyring, &options.fingerprint);
    if (embedded_store_create(&options, &run->store, &info) != ERR_OK)
        die(info.text);
    run->store_task = newest_task();
}

static void open_telemetry(struct run *run)
{
    const struct logger_options options = {
        .descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC),
        .format = LOG_FORMAT_JSON,
        .least = LOG_INFO,
        .is_threaded = true,
        .clock = run->system,
    };
    const struct metrics_options counted = {.now_ns = clock_system_ns};
    must(logger_create(&options, &run->log), "log");
    must(metrics_create(&counted, &run->metrics), "metrics");
}

static void open_recipe(struct run *run)
{
    size_t i = 0;
    while (!span_eq(config_recipe_shipped_name(i), SPAN("webhook")))
        i++;
    config_report_init(&run->report);
    must(config_recipe_parse("webhook", config_recipe_shipped_at(i), &run->recipe, &run->report),
         "recipe");
}

static void open_routes(struct run *run)
{
    struct route_provider providers[PROVIDERS_MAX];
    struct route_rule rules[PROVIDERS_MAX];
    struct span names[PROVIDERS_MAX];
    struct err_info info;
    for (size_t i = 0; i < run->gauges_held; i++) {
        struct gauge *gauge = &run->gauges[i];
        enum channel_kind kind = is_smtp(gauge) ? CHANNEL_EMAIL : CHANNEL_SMS;
        names[i] = span_of_text(gauge->name);
        providers[i] = (struct route_provider){names[i], 1U << kind};
        rules[i] = (struct route_rule){
            kind, is_smtp(gauge) ? SPAN("") : span_of_text(gauge->number), SPAN(""), {i}, 1, 0};
    }
    const struct routes_options options = {providers, run->gauges_held, rules, run->gauges_held};
    must(routes_create(&options, &run->routes, &info), "routes");
    metrics_name_providers(run->metrics, names, run->gauges_held);
}

static void open_courier(struct run *run)
{
    random_pool_init(&run->courier_pool);
    struct courier_deps deps = {
        .store = run->store,
        .keyring = run->keyring,
        .directory = {find_brand, release_brand, run},
        .routes = run->routes,
        .receipts_url = SPAN("https://otp.example.com/receipts/"),
        .clock = clock_of(run),
        .entropy = random_pool_entropy(&run->courier_pool),
        .log = run->log,
        .metrics = run->metrics,
    };
    for (size_t i = 0; i < run->gauges_held; i++) {
        size_t connections = run->gauges[i].connections;
        size_t window = connections + connections / 4 + 1; // as in daemon/providers.c
        deps.channels[i] = &run->gauges[i].base;
        deps.windows[i] = window < COURIER_PROVIDER_PLACES ? window : COURIER_PROVIDER_PLACES;
    }
    must(courier_create(&deps, &run->courier), "courier");
}

static void open_run(struct run *run)
{
    struct err_info info;
    struct entropy entropy = entropy_system();
    must(crypto_init(), "cryptography");
    random_pool_init(&run->pool);
    run->keyring = keyring_create(&entropy, KEYRING_EPOCH_MS_DEFAULT);
    open_telemetry(run);
    open_recipe(run);
    open_store(run);
    open_routes(run);
    must(outbound_create(&run->system, TRANSFERS_MAX, &run->outbound), "outbound");
    for (size_t i = 0; i < run->gauges_held; i++) {
        if (is_smtp(&run->gauges[i]))
            open_smtp(run, &run->gauges[i]);
        else
            open_http(run, &run->gauges[i]);
    }
    must(template_compile(SPAN("{otp} is your code for {brand}. It is valid for {minutes} minutes. "
                               "Never share it."),
                          &run->text, &info),
         "text");
    must(template_compile_subject(SPAN("Your code for {brand}"), &run->subject, &info), "subject");
    open_courier(run);
}

static void start(struct run *run)
{
    struct courier_thread *thread = NULL;
    const struct courier_thread_parts parts = {.courier = run->courier, .outbound = run->outbound};
    must(courier_thread_start(&parts, &thread), "thread");
    run->courier_task = newest_task();
    run->began_ns = clock_system_ns();
    atomic_store_explicit(&run->thread, thread, memory_order_release);
    courier_thread_notify(thread);
}

static void close_run(struct run *run)
{
    struct courier_thread *thread = atomic_load(&run->thread);
    courier_thread_stop(&thread);
    store_destroy(&run->store);
    courier_destroy(&run->courier);
    for (size_t i = 0; i < run->gauges_held; i++) {
        struct gauge *gauge = &run->gauges[i];
        gauge->inner->ops->destroy(gauge->inner);
        http_curl_destroy(&gauge->http);
    }
    recipe_destroy(&run->recipe);
    outbound_destroy(&run->outbound);
    routes_destroy(&run->routes);
    keyring_destroy(&run->keyring);
    logger_destroy(&run->log);
    metrics_destroy(&run->metrics);
    free(run->slots);
}

// --- promises ----------------------------------------------------------------------------------

static void promise_message(struct store_op *op, struct record *record, int64_t now_ms)
{
    op->entry.created_at_ms = now_ms;
    op->entry.deadline_at_ms = now_ms + LIFE_MS;
    record->codes[0] = (struct live_code){
        .session = op->entry.session,
        .salt = op->entry.salt,
        .expires_at_ms = op->entry.deadline_at_ms,
        .session_expires_at_s = (uint32_t)((now_ms + LIFE_MS) / 1000),
        .ttl_ms = LIFE_MS,
        .tries_max = 5,
        .length = 6,
    };
    record->codes_held = 1;
    op->is_changed = true;
    op->has_entry = true;
}

static void on_promised(struct store_op *op, enum store_outcome outcome)
{
    struct promise *promise = (struct promise *)op;
    struct run *run = promise->run;
    if (outcome != STORE_COMMITTED)
        die("a promise was refused");
    (void)pthread_mutex_lock(&run->lock);
    promise->next = run->free;
    run->free = promise;
    (void)pthread_mutex_unlock(&run->lock);
}

static struct promise *take_promise(struct run *run)
{
    for (;;) {
        (void)pthread_mutex_lock(&run->lock);
        struct promise *promise = run->free;
        if (promise != NULL)
            run->free = promise->next;
        (void)pthread_mutex_unlock(&run->lock);
        if (promise != NULL)
            return promise;
        nap(100);
    }
}

static void fill_entry(struct run *run, const struct gauge *gauge, uint64_t id,
                       struct outbox_entry *out)
{
    struct entropy entropy = random_pool_entropy(&run->pool);
    uint8_t associated[OUTBOX_ENTRY_ASSOCIATED_BYTES];
    uint64_t spread = id * UINT64_C(0x9E3779B97F4A7C15); // record keys are keyed hashes
    *out = (struct outbox_entry){
        .id = id,
        .brand_id = BRAND_ID,
        .session = {.id = id, .binding = spread},
        .salt = spread,
        .epoch = epoch_current(keyring_epochs(run->keyring, store_now_ms(run->store)))->number,
        .length = 6,
        .channel = is_smtp(gauge) ? CHANNEL_EMAIL : CHANNEL_SMS,
        .language = "en",
        .masked = "+1•••••100",
    };
    memcpy(out->key.digest.bytes, &spread, sizeof spread);
    outbox_entry_associated(out, associated);
    seal_text(keyring_seal(run->keyring), &entropy, span_make(associated, sizeof associated),
              is_smtp(gauge) ? SPAN("person@example.com") : span_of_text(gauge->number),
              &out->address);
}

// The provider that has got the smallest part of what it is to get.
static struct gauge *next_gauge(struct run *run)
{
    struct gauge *found = NULL;
    for (size_t i = 0; i < run->gauges_held; i++) {
        struct gauge *gauge = &run->gauges[i];
        if (gauge->promised < gauge->wanted &&
            (found == NULL || (double)gauge->promised / (double)gauge->wanted <
                                  (double)found->promised / (double)found->wanted))
            found = gauge;
    }
    return found;
}

static void promise_one(struct run *run, uint64_t id)
{
    struct gauge *gauge = next_gauge(run);
    struct promise *promise = take_promise(run);
    struct store_op *op = &promise->op;
    promise->run = run;
    fill_entry(run, gauge, id, &op->entry);
    op->key = op->entry.key;
    op->transition = promise_message;
    op->done = on_promised;
    op->provider = provider_tag_of(span_of_text(gauge->name));
    gauge->promised++;
    run->slots[id - 1].promised_at_ns = clock_system_ns();
    store_submit(run->store, op);
}

static void await_all_promised(const struct run *run)
{
    while (store_entries(run->store) < run->messages)
        nap(1000);
}

static void note_footprint(struct run *run)
{
    const struct gauge *first = &run->gauges[0];
    while (run->marks_held < MARKS &&
           first->accepted * 100 >= first->wanted * mark_percents[run->marks_held])
        run->marks[run->marks_held++] = read_footprint();
}

// Until the next one may be promised.
static void pace(struct run *run, uint64_t id)
{
    const struct settings *settings = &run->settings;
    int64_t due_ns = settings->rate > 0
                         ? run->began_ns + (int64_t)((double)id * 1e9 / (double)settings->rate)
                         : 0;
    while (due_ns > clock_system_ns())
        nap(200);
    while (settings->backlog > 0 && store_entries(run->store) >= settings->backlog)
        nap(200);
}

static void promise_all(struct run *run)
{
    for (uint64_t id = 1; id <= run->messages; id++) {
        pace(run, id);
        promise_one(run, id);
        if (id % 1024 == 0)
            note_footprint(run);
    }
}

static void await_first(struct run *run)
{
    const struct gauge *first = &run->gauges[0];
    int64_t end_ns = clock_system_ns() + PATIENCE_MS * INT64_C(1000000);
    while (first->accepted < first->wanted) {
        if (clock_system_ns() > end_ns)
            die("not all messages were accepted in time");
        note_footprint(run);
        nap(500);
    }
    note_footprint(run);
}

// --- the report --------------------------------------------------------------------------------

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// The accepted messages' times from promise to acceptance, in order; the caller's to free.
static int64_t *sorted_times(const struct run *run, const struct gauge *gauge, size_t *count_out)
{
    int64_t *times = calloc(run->messages, sizeof *times);
    if (times == NULL)
        die("memory");
    *count_out = 0;
    for (uint64_t i = 0; i < run->messages; i++) {
        const struct message_slot *slot = &run->slots[i];
        if (slot->gauge == gauge && slot->accepted_after_ns >= 0)
            times[(*count_out)++] = slot->accepted_after_ns;
    }
    qsort(times, *count_out, sizeof *times, by_value);
    return times;
}

static void report_gauge(const struct run *run, const struct gauge *gauge)
{
    size_t count;
    int64_t *times = sorted_times(run, gauge, &count);
    (void)printf("{\"kind\":\"%s\",\"accepted\":%llu,\"refused\":%" PRIu64 ",\"unknown\":%" PRIu64
                 ",\"again\":%" PRIu64 ",\"seconds\":%.4f,\"p50Ms\":%.2f,\"p99Ms\":%.2f}",
                 gauge->kind, gauge->accepted, gauge->refused, gauge->unknown, gauge->again,
                 gauge->last_at_ns > 0 ? (double)(gauge->last_at_ns - run->began_ns) / 1e9 : 0,
                 count > 0 ? (double)times[count / 2] / 1e6 : 0,
                 count > 0 ? (double)times[count * 99 / 100] / 1e6 : 0);
    free(times);
}

struct cpu {
    int64_t courier_ns, store_ns, all_ns;
};

static struct cpu read_cpu(const struct run *run)
{
    return (struct cpu){task_ns(run->courier_task),
                        run->store_task != 0 ? task_ns(run->store_task) : 0, others_ns()};
}

static void report(const struct run *run, const struct cpu *before, const struct cpu *after)
{
    double count = 0;
    (void)printf("{\"providers\":[");
    for (size_t i = 0; i < run->gauges_held; i++) {
        (void)printf("%s", i > 0 ? "," : "");
        report_gauge(run, &run->gauges[i]);
        count += (double)run->gauges[i].accepted;
    }
    (void)printf("],\"courierUs\":%.2f,\"storeUs\":%.2f,\"allUs\":%.2f",
                 (double)(after->courier_ns - before->courier_ns) / 1e3 / count,
                 (double)(after->store_ns - before->store_ns) / 1e3 / count,
                 (double)(after->all_ns - before->all_ns) / 1e3 / count);
    (void)printf(",\"anonymousKib\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
                 run->marks[0].anonymous_kib, run->marks[1].anonymous_kib,
                 run->marks[2].anonymous_kib);
    (void)printf(",\"fileKib\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", run->marks[0].file_kib,
                 run->marks[1].file_kib, run->marks[2].file_kib);
}

static size_t kept(const struct run *run)
{
    static struct delivery_row rows[64];
    const struct delivery_filter all = {.key = NULL};
    uint64_t after = 0;
    size_t sum = 0;
    do {
        size_t held = sizeof rows / sizeof rows[0];
        must(store_deliveries(run->store, &all, &after, rows, &held), "listing");
        sum += held;
    } while (after != 0);
    return sum;
}

// The store sweeps with each commit, at least once a second of its time.
static void sweep(struct run *run)
{
    size_t before = kept(run), left = before;
    uint64_t size = directory_kib(run->settings.store);
    int64_t end_ns = clock_system_ns() + PATIENCE_MS * INT64_C(1000000);
    (void)atomic_fetch_add(&run->ahead_ms, (int64_t)run->settings.days * 86400000);
    while (left > 0 && clock_system_ns() < end_ns) {
        for (unsigned i = 0; i < 2000; i++) {
            (void)atomic_fetch_add(&run->ahead_ms, STORE_TIME_AHEAD_MS);
            (void)store_now_ms(run->store);
            nap(100);
        }
        left = kept(run);
    }
    (void)printf(",\"kept\":[%zu,%zu],\"directoryKib\":[%" PRIu64 ",%" PRIu64 "]", before, left,
                 size, directory_kib(run->settings.store));
}

// --- words -------------------------------------------------------------------------------------

static void add_gauge(struct run *run, const char *word)
{
    struct gauge *gauge = &run->gauges[run->gauges_held];
    if (run->gauges_held == PROVIDERS_MAX)
        die("too many providers");
    *gauge = (struct gauge){.base = {&gauge_ops}, .run = run};
    char *rest = NULL;
    (void)snprintf(gauge->kind, sizeof gauge->kind, "%.*s", (int)strcspn(word, ":"), word);
    (void)snprintf(gauge->name, sizeof gauge->name, "provider%zu", run->gauges_held);
    (void)snprintf(gauge->number, sizeof gauge->number, "1202555010%zu", run->gauges_held);
    gauge->port = (unsigned)strtoul(word + strlen(gauge->kind) + 1, &rest, 10);
    gauge->connections = strtoul(rest + 1, &rest, 10);
    gauge->wanted = strtoull(rest + 1, &rest, 10);
    if (gauge->connections == 0 || gauge->wanted == 0)
        die(word);
    run->messages += gauge->wanted;
    run->gauges_held++;
}

static void read_word(struct run *run, const char *word)
{
    const char *value = strchr(word, '=');
    struct settings *settings = &run->settings;
    if (value == NULL)
        die(word);
    value++;
    if (strncmp(word, "store=", 6) == 0)
        settings->store = value;
    else if (strncmp(word, "ca=", 3) == 0)
        settings->ca = value;
    else if (strncmp(word, "rate=", 5) == 0)
        settings->rate = strtoull(value, NULL, 10);
    else if (strncmp(word, "backlog=", 8) == 0)
        settings->backlog = strtoull(value, NULL, 10);
    else if (strncmp(word, "days=", 5) == 0)
        settings->days = strtoull(value, NULL, 10);
    else if (strncmp(word, "provider=", 9) == 0)
        add_gauge(run, value);
    else
        die(word);
}

static void make_slots(struct run *run)
{
    run->slots = calloc(run->messages, sizeof *run->slots);
    if (run->slots == NULL)
        die("memory");
    for (uint64_t i = 0; i < run->messages; i++) // each page is there before anything is measured
        run->slots[i].accepted_after_ns = -1;
    for (size_t i = 0; i < OPS; i++) {
        run->promises[i].next = run->free;
        run->free = &run->promises[i];
    }
}

int main(int argc, char **argv)
{
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        die("memory");
    run->settings.store = "memory";
    run->system = clock_system();
    (void)pthread_mutex_init(&run->lock, NULL);
    for (int i = 1; i < argc; i++)
        read_word(run, argv[i]);
    if (run->gauges_held == 0)
        die("no provider");
    make_slots(run);
    open_run(run);
    bool is_before = run->settings.rate == 0 && run->settings.backlog == 0;
    if (is_before) {
        promise_all(run);
        await_all_promised(run);
    }
    start(run);
    const struct cpu before = read_cpu(run);
    if (!is_before)
        promise_all(run);
    await_first(run);
    const struct cpu after = read_cpu(run);
    report(run, &before, &after);
    (void)fflush(stdout);
    if (run->settings.days > 0)
        sweep(run);
    (void)printf("}\n");
    close_run(run);
    free(run);
    return 0;
}
