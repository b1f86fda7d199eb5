// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Counters stand in SHARDS copies, each on cache lines of its own, and the page adds them up. Which
// copy is counted in does not matter for the sum; that processors seldom share one keeps an
// addition at a few nanoseconds. No lock: a page that is written while others count is a moment's
// view in which one counter may be a little newer than another, but a histogram is consistent in
// itself, because its count is the sum of the buckets that were read.
//
// Numbers on the page are integers with the decimal point moved, so that no rounding makes a
// counter go back.
#include "telemetry/metrics.h"

#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SHARDS 8U // a power of two
#define CACHE_LINE_BYTES 64
#define CELLS_MAX 16U // of one metric: the product of its labels' values
#define LABELS_MAX 2U
#define LINE_BYTES_MAX 256U

typedef _Atomic uint64_t cell;

struct label {
    const char *name;
    const char *const *values; // NULL-terminated
};

struct metric_row {
    const char *name;
    const char *help;
    const char *type;
    unsigned decimals; // of the number that is kept: 3 when it counts thousandths
    struct label labels[LABELS_MAX];
};

// "SMS" first, as in the wire names.
static const char *const channels[] = {"SMS", "WHATSAPP", "ZALO", "EMAIL", NULL};

static const char *const hashes[] = {
    [METRIC_HASH_RIGHT] = "right",
    [METRIC_HASH_MISSING] = "missing",
    [METRIC_HASH_MALFORMED] = "malformed",
    [METRIC_HASH_UNREADABLE] = "unreadable",
    [METRIC_HASH_DIFFERS] = "differs",
    [METRIC_HASH_TIME] = "time",
    [METRIC_HASH_USED] = "used",
    [METRIC_HASH_BUSY] = "busy",
    NULL,
};

static const char *const validated[] = {
    [METRIC_VALIDATED_OK] = "ok",
    [METRIC_VALIDATED_WRONG] = "wrong",
    [METRIC_VALIDATED_EXHAUSTED] = "exhausted",
    [METRIC_VALIDATED_NO_CODE] = "no_code",
    [METRIC_VALIDATED_SESSION] = "session",
    NULL,
};

static const char *const limits[] = {
    [METRIC_LIMIT_SENDS] = "sends",
    [METRIC_LIMIT_TRIES] = "tries",
    NULL,
};

static const char *const attempts[] = {
    [METRIC_ATTEMPT_ACCEPTED] = "accepted",
    [METRIC_ATTEMPT_RETRY] = "retry",
    [METRIC_ATTEMPT_PERMANENT] = "permanent",
    [METRIC_ATTEMPT_UNKNOWN] = "unknown",
    NULL,
};

static const char *const endings[] = {
    [METRIC_ENDING_ACCEPTED] = "accepted",   [METRIC_ENDING_FAILED] = "failed",
    [METRIC_ENDING_EXPIRED] = "expired",     [METRIC_ENDING_UNKNOWN] = "unknown",
    [METRIC_ENDING_DELIVERED] = "delivered", [METRIC_ENDING_OBSOLETE] = "obsolete",
    [METRIC_ENDING_DROPPED] = "dropped",     NULL,
};

static const char *const receipts[] = {
    [METRIC_RECEIPT_DELIVERED] = "delivered",
    [METRIC_RECEIPT_FAILED] = "failed",
    [METRIC_RECEIPT_ON_ITS_WAY] = "on_its_way",
    [METRIC_RECEIPT_UNMATCHED] = "unmatched",
    [METRIC_RECEIPT_BUSY] = "busy",
    [METRIC_RECEIPT_REFUSED] = "refused",
    NULL,
};

// By the numbers that METRIC_PROVIDER_BREAKER has.
static const char *const circuit_states[] = {"closed", "half_open", "open", NULL};
#define CIRCUIT_STATES (sizeof circuit_states / sizeof circuit_states[0] - 1)

static const char *const store_errors[] = {
    [METRIC_STORE_BUSY] = "busy",
    [METRIC_STORE_FULL] = "full",
    [METRIC_STORE_FAILED] = "failed",
    [METRIC_STORE_UNKNOWN] = "unknown",
    NULL,
};

static const char *const queued[] = {"queued", NULL};

static const struct metric_row rows[METRIC_COUNT_] = {
    [METRIC_SESSIONS] = {"otpd_sessions_total", "Sessions opened", "counter", 0, {{0}}},
    [METRIC_HASHES] = {"otpd_hashes_total",
                       "Requests that had to have a hash, and what was made of it",
                       "counter",
                       0,
                       {{"result", hashes}}},
    [METRIC_OTP_ISSUED] = {"otpd_otp_issued_total",
                           "Messages with a code that were promised, by the channel they go by",
                           "counter",
                           0,
                           {{"channel", channels}}},
    [METRIC_OTP_VALIDATED] = {"otpd_otp_validated_total",
                              "What the rules said to a code that was given",
                              "counter",
                              0,
                              {{"result", validated}}},
    [METRIC_RATE_LIMITED] = {"otpd_rate_limited_total",
                             "Commands refused by a limit on messages or on guesses",
                             "counter",
                             0,
                             {{"policy", limits}}},
    [METRIC_DELIVERY_ATTEMPTS] = {"otpd_delivery_attempts_total",
                                  "Messages given to a channel, and what it said",
                                  "counter",
                                  0,
                                  {{"channel", channels}, {"result", attempts}}},
    [METRIC_DELIVERIES_ENDED] = {"otpd_deliveries_ended_total",
                                 "Promised messages that are done with, and how",
                                 "counter",
                                 0,
                                 {{"state", endings}}},
    [METRIC_RECEIPTS] = {"otpd_delivery_receipts_total",
                         "What providers reported about messages later",
                         "counter",
                         0,
                         {{"state", receipts}}},
    [METRIC_STORE_ERRORS] = {"otpd_store_errors_total",
                             "Commands that the store did not commit",
                             "counter",
                             0,
                             {{"outcome", store_errors}}},
    [METRIC_STORE_COMMITS] = {"otpd_store_commits_total",
                              "Commits to the disk, each for all commands that had queued",
                              "counter",
                              0,
                              {{0}}},
    [METRIC_OUTBOX_MESSAGES] = {"otpd_outbox_messages",
                                "Promised messages that are not done with",
                                "gauge",
                                0,
                                {{"state", queued}}},
    [METRIC_OUTBOX_OLDEST_AGE_MS] = {"otpd_outbox_oldest_age_seconds",
                                     "How long the message that waits longest has been due",
                                     "gauge",
                                     3,
                                     {{0}}},
    [METRIC_RELOADED_AT_MS] = {"otpd_config_reload_success_timestamp_seconds",
                               "When a configuration was last taken over, at the start or later",
                               "gauge",
                               3,
                               {{0}}},
    [METRIC_TOKENS_TO_MEND] = {"otpd_provider_tokens_to_mend",
                               "Providers whose refresh token is missing, used or refused, or ends "
                               "within 14 days",
                               "gauge",
                               0,
                               {{0}}},
    [METRIC_CPU_US] = {"process_cpu_seconds_total", "User and system time", "counter", 6, {{0}}},
    [METRIC_RESIDENT_BYTES] =
        {"process_resident_memory_bytes", "Resident memory", "gauge", 0, {{0}}},
    [METRIC_OPEN_FDS] = {"process_open_fds", "Open file descriptors", "gauge", 0, {{0}}},
    [METRIC_STARTED_AT_MS] =
        {"process_start_time_seconds", "When the process began", "gauge", 3, {{0}}},
};

// 0 stands for any status that is not listed.
static const uint16_t statuses[] = {0,   200, 204, 303, 304, 400, 403, 404, 405, 406, 408,
                                    409, 413, 415, 417, 429, 431, 500, 501, 503, 505};
#define STATUSES (sizeof statuses / sizeof statuses[0])

struct bucket {
    int64_t most;
    const char *text;
};

// In ns.
static const struct bucket buckets[] = {
    {100000, "0.0001"},  {250000, "0.00025"}, {500000, "0.0005"},  {1000000, "0.001"},
    {2500000, "0.0025"}, {5000000, "0.005"},  {10000000, "0.01"},  {25000000, "0.025"},
    {50000000, "0.05"},  {100000000, "0.1"},  {250000000, "0.25"}, {500000000, "0.5"},
    {1000000000, "1"},   {2500000000, "2.5"}, {5000000000, "5"},   {10000000000, "10"},
    {INT64_MAX, "+Inf"},
};
#define BUCKETS (sizeof buckets / sizeof buckets[0])

// In ms, of what happens in the world and not in here.
static const struct bucket slow_buckets[] = {
    {500, "0.5"},  {1000, "1"},   {2000, "2"},   {5000, "5"},     {10000, "10"},
    {20000, "20"}, {30000, "30"}, {60000, "60"}, {300000, "300"}, {INT64_MAX, "+Inf"},
};
#define SLOW_BUCKETS (sizeof slow_buckets / sizeof slow_buckets[0])

struct scale {
    const struct bucket *buckets;
    size_t count;
    unsigned decimals; // of a second
};

static const struct scale fast = {buckets, BUCKETS, 9};
static const struct scale slow = {slow_buckets, SLOW_BUCKETS, 3};

#define ATTEMPTS (sizeof attempts / sizeof attempts[0] - 1)

// Where things stand in a shard: the counted metrics, the routes, METRICS_NO_ROUTE last, then the
// providers: attempts, and for each channel the buckets and the sum of the times to delivery; for
// each channel those of the times to a login; and those of commits.
#define ROUTE_CELLS (STATUSES + BUCKETS + 1)
#define PROVIDERS_BEGIN (METRIC_COUNTED_COUNT_ * CELLS_MAX + (METRICS_ROUTES_MAX + 1) * ROUTE_CELLS)
#define SLOW_CELLS (SLOW_BUCKETS + 1)
#define PROVIDER_CELLS (ATTEMPTS + METRIC_CHANNELS * SLOW_CELLS)
#define VALIDATED_BEGIN (PROVIDERS_BEGIN + METRICS_PROVIDERS_MAX * PROVIDER_CELLS)
#define COMMITS_BEGIN (VALIDATED_BEGIN + METRIC_CHANNELS * SLOW_CELLS)
#define SHARD_CELLS (COMMITS_BEGIN + BUCKETS + 1)

struct shard {
    alignas(CACHE_LINE_BYTES) cell cells[SHARD_CELLS];
};

struct metrics {
    struct metrics_options options;
    struct metrics_route routes[METRICS_ROUTES_MAX + 1];
    size_t routes_held;
    struct span providers[METRICS_PROVIDERS_MAX];
    size_t providers_held;
    cell of_providers[METRICS_PROVIDERS_MAX][METRIC_PROVIDER_COUNT_];
    cell measured[METRIC_COUNT_ - METRIC_COUNTED_COUNT_];
    struct shard shards[SHARDS];
};

_Static_assert(METRICS_PAGE_BYTES_MAX >=
                   LINE_BYTES_MAX * ((METRICS_ROUTES_MAX + 1) * (STATUSES + BUCKETS + 2) +
                                     METRIC_COUNT_ * (CELLS_MAX + 2) +
                                     METRIC_CHANNELS * (SLOW_BUCKETS + 4) + BUCKETS + 4 +
                                     METRICS_PROVIDERS_MAX *
                                         (ATTEMPTS + METRIC_PROVIDER_COUNT_ - 1 + CIRCUIT_STATES +
                                          METRIC_CHANNELS * (SLOW_BUCKETS + 2))),
               "a page has room for every line");

enum err metrics_create(const struct metrics_options *options, struct metrics **out)
{
    struct metrics *metrics = aligned_alloc(CACHE_LINE_BYTES, sizeof *metrics);
    if (metrics == NULL)
        return ERR_NO_MEMORY;
    memset(metrics, 0, sizeof *metrics);
    metrics->options = *options;
    metrics->routes[METRICS_NO_ROUTE] = (struct metrics_route){SPAN("other"), SPAN("other")};
    *out = metrics;
    return ERR_OK;
}

void metrics_destroy(struct metrics **metrics)
{
    free(*metrics);
    *metrics = NULL;
}

void metrics_name_routes(struct metrics *metrics, const struct metrics_route *routes, size_t count)
{
    ASSERT(count <= METRICS_ROUTES_MAX);
    for (size_t i = 0; i < count; i++) {
        ASSERT(routes[i].path.len <= METRICS_PATH_BYTES_MAX);
        metrics->routes[i] = routes[i];
    }
    metrics->routes_held = count;
}

void metrics_name_providers(struct metrics *metrics, const struct span *names, size_t count)
{
    ASSERT(count <= METRICS_PROVIDERS_MAX);
    for (size_t i = 0; i < count; i++) {
        ASSERT(names[i].len <= METRICS_PROVIDER_BYTES_MAX);
        metrics->providers[i] = names[i];
    }
    metrics->providers_held = count;
}

static size_t counted_at(enum metric metric, size_t at)
{
    ASSERT(metric < METRIC_COUNTED_COUNT_);
    ASSERT(at < CELLS_MAX);
    return metric * CELLS_MAX + at;
}

static size_t answer_at(size_t route, size_t status)
{
    return METRIC_COUNTED_COUNT_ * CELLS_MAX + route * ROUTE_CELLS + status;
}

// Buckets, and behind them the sum in ns.
static size_t durations_at(size_t route)
{
    return answer_at(route, STATUSES);
}

static size_t attempt_at(size_t provider, size_t attempt)
{
    return PROVIDERS_BEGIN + provider * PROVIDER_CELLS + attempt;
}

// Buckets, and behind them the sum in ms.
static size_t delivered_at(size_t provider, size_t channel)
{
    return attempt_at(provider, ATTEMPTS) + channel * SLOW_CELLS;
}

static size_t validated_at(size_t channel)
{
    return VALIDATED_BEGIN + channel * SLOW_CELLS;
}

static struct shard *near_shard(struct metrics *metrics)
{
    return &metrics->shards[(unsigned)sched_getcpu() % SHARDS];
}

static void add(struct shard *shard, size_t at, uint64_t amount)
{
    (void)atomic_fetch_add_explicit(&shard->cells[at], amount, memory_order_relaxed);
}

static uint64_t value_of(const cell *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static uint64_t sum_of(const struct metrics *metrics, size_t at)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < SHARDS; i++)
        sum += value_of(&metrics->shards[i].cells[at]);
    return sum;
}

static size_t count_values(const struct label *label)
{
    size_t count = 0;
    while (label->name != NULL && label->values[count] != NULL)
        count++;
    return count > 0 ? count : 1;
}

void metrics_count(struct metrics *metrics, enum metric metric, unsigned label, unsigned second)
{
    if (metrics == NULL)
        return;
    size_t at = label * count_values(&rows[metric].labels[1]) + second;
    add(near_shard(metrics), counted_at(metric, at), 1);
}

void metrics_set(struct metrics *metrics, enum metric metric, int64_t value)
{
    ASSERT(metric >= METRIC_COUNTED_COUNT_);
    ASSERT(value >= 0);
    atomic_store_explicit(&metrics->measured[metric - METRIC_COUNTED_COUNT_], (uint64_t)value,
                          memory_order_relaxed);
}

void metrics_count_attempt(struct metrics *metrics, size_t provider, enum metric_attempt attempt)
{
    if (metrics == NULL)
        return;
    ASSERT(provider < metrics->providers_held);
    add(near_shard(metrics), attempt_at(provider, attempt), 1);
}

void metrics_set_provider(struct metrics *metrics, size_t provider, enum metric_provider what,
                          int64_t value)
{
    if (metrics == NULL)
        return;
    ASSERT(provider < metrics->providers_held);
    ASSERT(value >= 0);
    atomic_store_explicit(&metrics->of_providers[provider][what], (uint64_t)value,
                          memory_order_relaxed);
}

static void observe(struct metrics *metrics, const struct scale *scale, size_t at, int64_t duration)
{
    size_t bucket = 0;
    while (duration > scale->buckets[bucket].most)
        bucket++;
    struct shard *shard = near_shard(metrics);
    add(shard, at + bucket, 1);
    add(shard, at + scale->count, duration > 0 ? (uint64_t)duration : 0);
}

void metrics_delivered(struct metrics *metrics, size_t provider, unsigned channel,
                       int64_t duration_ms)
{
    if (metrics == NULL)
        return;
    ASSERT(provider < metrics->providers_held);
    ASSERT(channel < METRIC_CHANNELS);
    observe(metrics, &slow, delivered_at(provider, channel), duration_ms);
}

void metrics_validated(struct metrics *metrics, unsigned channel, int64_t duration_ms)
{
    if (metrics == NULL)
        return;
    ASSERT(channel < METRIC_CHANNELS);
    observe(metrics, &slow, validated_at(channel), duration_ms);
}

int64_t metrics_now_ns(const struct metrics *metrics)
{
    return metrics != NULL ? metrics->options.now_ns() : 0;
}

static size_t status_at(int status)
{
    for (size_t i = 1; i < STATUSES; i++) {
        if (statuses[i] == status)
            return i;
    }
    return 0;
}

void metrics_answer(struct metrics *metrics, size_t route, int status, int64_t began_ns)
{
    if (metrics == NULL)
        return;
    ASSERT(route < metrics->routes_held || route == METRICS_NO_ROUTE);
    add(near_shard(metrics), answer_at(route, status_at(status)), 1);
    if (route != METRICS_NO_ROUTE)
        observe(metrics, &fast, durations_at(route), metrics_now_ns(metrics) - began_ns);
}

void metrics_committed(struct metrics *metrics, int64_t began_ns)
{
    if (metrics == NULL)
        return;
    metrics_count(metrics, METRIC_STORE_COMMITS, 0, 0);
    observe(metrics, &fast, COMMITS_BEGIN, metrics_now_ns(metrics) - began_ns);
}

static void put_number(struct strbuf *out, uint64_t value, unsigned decimals)
{
    uint64_t unit = 1;
    for (unsigned i = 0; i < decimals; i++)
        unit *= 10;
    strbuf_put_u64(out, value / unit);
    uint64_t rest = value % unit;
    if (rest > 0)
        strbuf_put_byte(out, '.');
    while (rest > 0) {
        unit /= 10;
        strbuf_put_byte(out, (uint8_t)('0' + rest / unit));
        rest %= unit;
    }
}

static void put_escaped(struct strbuf *out, struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        bool is_end_of_line = value.data[i] == '\n';
        if (is_end_of_line || value.data[i] == '\\' || value.data[i] == '"')
            strbuf_put_byte(out, '\\');
        strbuf_put_byte(out, is_end_of_line ? 'n' : value.data[i]);
    }
}

static void put_label(struct strbuf *out, const char *name, struct span value)
{
    bool is_first = out->data[out->len - 1] == '{';
    strbuf_put_text(out, is_first ? "" : ",");
    strbuf_put_text(out, name);
    strbuf_put_text(out, "=\"");
    put_escaped(out, value);
    strbuf_put_byte(out, '"');
}

static void put_value(struct strbuf *out, const char *before, uint64_t value, unsigned decimals)
{
    strbuf_put_text(out, before);
    put_number(out, value, decimals);
    strbuf_put_byte(out, '\n');
}

static void put_family(struct strbuf *out, const char *name, const char *help, const char *type)
{
    strbuf_put_text(out, "# HELP ");
    strbuf_put_text(out, name);
    strbuf_put_byte(out, ' ');
    strbuf_put_text(out, help);
    strbuf_put_text(out, "\n# TYPE ");
    strbuf_put_text(out, name);
    strbuf_put_byte(out, ' ');
    strbuf_put_text(out, type);
    strbuf_put_byte(out, '\n');
}

static void put_sample(struct strbuf *out, const struct metric_row *row, size_t at, uint64_t value)
{
    size_t seconds = count_values(&row->labels[1]);
    const size_t values[LABELS_MAX] = {at / seconds, at % seconds};
    strbuf_put_text(out, row->name);
    strbuf_put_text(out, row->labels[0].name != NULL ? "{" : "");
    for (size_t i = 0; i < LABELS_MAX && row->labels[i].name != NULL; i++)
        put_label(out, row->labels[i].name, span_of_text(row->labels[i].values[values[i]]));
    put_value(out, row->labels[0].name != NULL ? "} " : " ", value, row->decimals);
}

static void put_metric(struct strbuf *out, const struct metrics *metrics, enum metric metric)
{
    const struct metric_row *row = &rows[metric];
    size_t count = count_values(&row->labels[0]) * count_values(&row->labels[1]);
    put_family(out, row->name, row->help, row->type);
    if (metric >= METRIC_COUNTED_COUNT_) {
        put_sample(out, row, 0, value_of(&metrics->measured[metric - METRIC_COUNTED_COUNT_]));
        return;
    }
    for (size_t at = 0; at < count; at++)
        put_sample(out, row, at, sum_of(metrics, counted_at(metric, at)));
}

static void put_build(struct strbuf *out, const struct metrics *metrics)
{
    put_family(out, "otpd_build_info", "The version that runs; always 1", "gauge");
    strbuf_put_text(out, "otpd_build_info{");
    put_label(out, "version", metrics->options.version);
    put_value(out, "} ", 1, 0);
}

static void put_status(struct strbuf *out, uint16_t status)
{
    uint8_t digits[8];
    struct strbuf text = strbuf_over(digits, sizeof digits);
    strbuf_put_u64(&text, status);
    put_label(out, "code", status > 0 ? strbuf_span(&text) : SPAN("other"));
}

// Only the statuses that a route has given: most never do.
static void put_answers(struct strbuf *out, const struct metrics *metrics, size_t route)
{
    for (size_t i = 0; i < STATUSES; i++) {
        uint64_t sum = sum_of(metrics, answer_at(route, i));
        if (sum == 0)
            continue;
        strbuf_put_text(out, "otpd_http_requests_total{");
        put_label(out, "route", metrics->routes[route].path);
        put_label(out, "method", metrics->routes[route].method);
        put_status(out, statuses[i]);
        put_value(out, "} ", sum, 0);
    }
}

// --- histograms ----------------------------------------------------------------------------------

#define SERIES_LABELS_MAX 2U

struct series {
    const char *name;
    struct {
        const char *name; // NULL: none
        struct span value;
    } labels[SERIES_LABELS_MAX];
    const struct scale *scale;
    size_t at;
};

static void put_series_line(struct strbuf *out, const struct series *series, const char *suffix,
                            const char *bucket)
{
    strbuf_put_text(out, series->name);
    strbuf_put_text(out, suffix);
    strbuf_put_byte(out, '{');
    for (size_t i = 0; i < SERIES_LABELS_MAX && series->labels[i].name != NULL; i++)
        put_label(out, series->labels[i].name, series->labels[i].value);
    if (bucket != NULL)
        put_label(out, "le", span_of_text(bucket));
}

// None while there is nothing to tell.
static void put_series(struct strbuf *out, const struct metrics *metrics,
                       const struct series *series)
{
    const struct scale *scale = series->scale;
    uint64_t sums[BUCKETS > SLOW_BUCKETS ? BUCKETS : SLOW_BUCKETS];
    uint64_t count = 0;
    for (size_t i = 0; i < scale->count; i++)
        sums[i] = count += sum_of(metrics, series->at + i);
    if (count == 0)
        return;
    for (size_t i = 0; i < scale->count; i++) {
        put_series_line(out, series, "_bucket", scale->buckets[i].text);
        put_value(out, "} ", sums[i], 0);
    }
    put_series_line(out, series, "_sum", NULL);
    put_value(out, "} ", sum_of(metrics, series->at + scale->count), scale->decimals);
    put_series_line(out, series, "_count", NULL);
    put_value(out, "} ", count, 0);
}

#define DURATION "otpd_http_request_duration_seconds"

static void put_durations(struct strbuf *out, const struct metrics *metrics, size_t route)
{
    const struct metrics_route *named = &metrics->routes[route];
    const struct series series = {
        .name = DURATION,
        .labels = {{"route", named->path}, {"method", named->method}},
        .scale = &fast,
        .at = durations_at(route),
    };
    put_series(out, metrics, &series);
}

static void put_http(struct strbuf *out, const struct metrics *metrics)
{
    put_family(out, "otpd_http_requests_total", "Answers by route and HTTP status", "counter");
    for (size_t i = 0; i < metrics->routes_held; i++)
        put_answers(out, metrics, i);
    put_answers(out, metrics, METRICS_NO_ROUTE);
    put_family(out, DURATION, "Time from a whole request to its answer", "histogram");
    for (size_t i = 0; i < metrics->routes_held; i++)
        put_durations(out, metrics, i);
}

// --- providers ---------------------------------------------------------------------------------

static void put_attempts(struct strbuf *out, const struct metrics *metrics)
{
    put_family(out, "otpd_provider_attempts_total",
               "Messages given to a provider, and what it said", "counter");
    for (size_t i = 0; i < metrics->providers_held; i++) {
        for (size_t attempt = 0; attempt < ATTEMPTS; attempt++) {
            strbuf_put_text(out, "otpd_provider_attempts_total{");
            put_label(out, "provider", metrics->providers[i]);
            put_label(out, "result", span_of_text(attempts[attempt]));
            put_value(out, "} ", sum_of(metrics, attempt_at(i, attempt)), 0);
        }
    }
}

static const struct {
    const char *name;
    const char *help;
    unsigned decimals;
    const char *const *states; // a series for each, 1 where it is the value; NULL: a plain number
} provider_rows[METRIC_PROVIDER_COUNT_] = {
    [METRIC_PROVIDER_BREAKER] = {"otpd_provider_circuit_state",
                                 "Whether the provider is used (closed), tried again (half_open) "
                                 "or left alone (open)",
                                 0, circuit_states},
    [METRIC_PROVIDER_IN_FLIGHT] = {"otpd_provider_in_flight",
                                   "Messages that the provider is being given", 0, NULL},
    [METRIC_PROVIDER_OLDEST_AGE_MS] = {"otpd_provider_oldest_age_seconds",
                                       "How long the provider's oldest message has been due", 3,
                                       NULL},
};

static void put_state(struct strbuf *out, struct span provider, enum metric_provider what,
                      const char *state, bool is_present)
{
    strbuf_put_text(out, provider_rows[what].name);
    strbuf_put_byte(out, '{');
    put_label(out, "provider", provider);
    put_label(out, "state", span_of_text(state));
    put_value(out, "} ", is_present ? 1 : 0, 0);
}

static void put_plain(struct strbuf *out, struct span provider, enum metric_provider what,
                      uint64_t value)
{
    strbuf_put_text(out, provider_rows[what].name);
    strbuf_put_byte(out, '{');
    put_label(out, "provider", provider);
    put_value(out, "} ", value, provider_rows[what].decimals);
}

static void put_provider_gauge(struct strbuf *out, const struct metrics *metrics,
                               enum metric_provider what)
{
    put_family(out, provider_rows[what].name, provider_rows[what].help, "gauge");
    const char *const *states = provider_rows[what].states;
    for (size_t i = 0; i < metrics->providers_held; i++) {
        uint64_t value = value_of(&metrics->of_providers[i][what]);
        if (states == NULL)
            put_plain(out, metrics->providers[i], what, value);
        for (size_t state = 0; states != NULL && states[state] != NULL; state++)
            put_state(out, metrics->providers[i], what, states[state], state == value);
    }
}

#define DELIVERY "otpd_delivery_latency_seconds"
#define COMMITS "otpd_store_duration_seconds"
#define VALIDATION "otpd_otp_time_to_validate_seconds"

static void put_validations(struct strbuf *out, const struct metrics *metrics)
{
    put_family(out, VALIDATION, "Time from the issue of a code to the login with it", "histogram");
    for (size_t channel = 0; channel < METRIC_CHANNELS; channel++) {
        const struct series series = {
            .name = VALIDATION,
            .labels = {{"channel", span_of_text(channels[channel])}},
            .scale = &slow,
            .at = validated_at(channel),
        };
        put_series(out, metrics, &series);
    }
}

static void put_commits(struct strbuf *out, const struct metrics *metrics)
{
    const struct series series = {
        .name = COMMITS, .labels = {{"op", SPAN("commit")}}, .scale = &fast, .at = COMMITS_BEGIN};
    put_family(out, COMMITS, "Time that the store takes, waiting for the disk included",
               "histogram");
    put_series(out, metrics, &series);
}

static void put_deliveries(struct strbuf *out, const struct metrics *metrics, size_t provider)
{
    for (size_t channel = 0; channel < METRIC_CHANNELS; channel++) {
        const struct series series = {
            .name = DELIVERY,
            .labels = {{"provider", metrics->providers[provider]},
                       {"channel", span_of_text(channels[channel])}},
            .scale = &slow,
            .at = delivered_at(provider, channel),
        };
        put_series(out, metrics, &series);
    }
}

static void put_providers(struct strbuf *out, const struct metrics *metrics)
{
    put_attempts(out, metrics);
    for (enum metric_provider what = 0; what < METRIC_PROVIDER_COUNT_; what++)
        put_provider_gauge(out, metrics, what);
    put_family(out, DELIVERY, "Time from a promise to the receipt that it has arrived",
               "histogram");
    for (size_t i = 0; i < metrics->providers_held; i++)
        put_deliveries(out, metrics, i);
}

void metrics_write(const struct metrics *metrics, struct strbuf *out)
{
    put_build(out, metrics);
    put_http(out, metrics);
    for (enum metric metric = 0; metric < METRIC_COUNT_; metric++)
        put_metric(out, metrics, metric);
    put_validations(out, metrics);
    put_commits(out, metrics);
    put_providers(out, metrics);
}
