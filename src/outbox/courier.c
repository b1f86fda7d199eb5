// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A claimed entry becomes a job, which holds a place of its provider's share until nothing more is
// to be written down. What waits beyond the share waits in the store, and a provider that hangs
// takes nothing from the others.
//
//   claimed ──▶ waiting ──a connection──▶ marking ──the store: send──▶ sending ──result──▶ settling
//      │           └──none──▶ missing        │  └──too late, ending──▶ withdrawing     │
//      │                         │           └──anything else                          │
//      └──not to be sent──▶ looking ────────────────┴──────────────────────────────────┴──▶ free
//
// An entry is marked when a connection is ready for it, so that no more is marked than there are
// connections, and none that is not about to leave: what is marked is unknown after a crash. Until
// then the claim alone holds it, whose lease is longer than any channel's wait for a connection; it
// ends with the process. So at the end of it, what waits is left as it is.
//
// What the store has no room for is given to it again each second; a connection is not held for so
// long. Without its result an entry would count as unknown.
//
// Those that their channel has (courier_deps.windows) are a few more than it has connections for:
// whichever becomes free finds the next one.
//
// Each provider's entries are claimed apart, as many as it has room for; one, when its breaker is
// half open.
#include "outbox/courier.h"

#include "base/assert.h"
#include "outbox/breaker.h"
#include "outbox/courier_job.h"
#include "outbox/due.h"
#include "outbox/receipts.h"

#include <pthread.h>
#include <stdlib.h>

#define AGAIN_MS 1000
#define IDLE_MS_MIN 1
#define IDLE_MS_MAX 1000

// What waits for a provider that is left alone is not looked at more often.
#define REST_MS_MIN 5000

struct share {
    struct breaker breaker;
    size_t window; // of those that may be asking
    size_t asking; // those that are
    size_t taken;  // places, those included
};

struct courier {
    struct courier_deps deps;
    size_t providers;
    struct share shares[ROUTES_PROVIDERS_MAX + 1]; // the last: of entries whose provider is gone
    bool is_ending;
    int64_t step_at_ms;       // the store's time when it was last asked …
    struct mono step_at_mono; // … and this machine's
    struct claimed_entry claimed[COURIER_BATCH_MAX];
    struct job *again; // what the store had no room for

    pthread_mutex_t lock; // guards `ended`
    struct job *ended;    // newest first
    void (*on_news)(void *ctx);
    void *news_ctx;

    struct job *free; // of those that have been used
    size_t under_way;
    size_t jobs_used;
    size_t jobs_count;
    struct job jobs[];
};

static const enum metric_attempt attempt_of_outcome[] = {
    [SEND_ACCEPTED] = METRIC_ATTEMPT_ACCEPTED,
    [SEND_RETRY] = METRIC_ATTEMPT_RETRY,
    [SEND_REFUSED] = METRIC_ATTEMPT_PERMANENT,
    [SEND_UNKNOWN] = METRIC_ATTEMPT_UNKNOWN,
};

_Static_assert(METRIC_CHANNELS == CHANNEL_COUNT_, "each channel is counted");
_Static_assert(METRICS_PROVIDERS_MAX == ROUTES_PROVIDERS_MAX, "each provider is counted");

static struct mono now_mono(const struct courier *courier)
{
    return clock_mono(&courier->deps.clock);
}

// The store's time may stand still between its commits; a deadline must not.
static int64_t now_ms(const struct courier *courier)
{
    return courier->step_at_ms + (now_mono(courier).ms - courier->step_at_mono.ms);
}

static void read_time(struct courier *courier)
{
    courier->step_at_mono = now_mono(courier);
    courier->step_at_ms = store_now_ms(courier->deps.store);
}

// --- places ------------------------------------------------------------------------------------

static struct job *take_job(struct courier *courier, const struct claimed_entry *claimed)
{
    struct job *job = courier->free;
    if (job == NULL) {
        ASSERT(courier->jobs_used < courier->jobs_count);
        job = &courier->jobs[courier->jobs_used++];
    } else {
        courier->free = job->next;
    }
    job->courier = courier;
    job->claimed = *claimed;
    job->place = routes_number(courier->deps.routes, claimed->delivery.provider);
    job->is_asking = true;
    courier->shares[job->place].asking++;
    courier->shares[job->place].taken++;
    courier->under_way++;
    return job;
}

// It is with its provider no more, or never will be.
static void end_asking(struct job *job)
{
    if (job->is_asking)
        job->courier->shares[job->place].asking--;
    job->is_asking = false;
}

// Nothing of the message or its address outlives this.
static void free_job(struct job *job)
{
    struct courier *courier = job->courier;
    struct share *share = &courier->shares[job->place];
    job_wipe_message(job);
    end_asking(job);
    if (job->has_brand)
        courier->deps.directory.release(courier->deps.directory.ctx, &job->brand);
    if (job->is_probe)
        breaker_withdraw(&share->breaker);
    share->taken--;
    job->is_probe = false;
    job->has_brand = false;
    job->has_result = false;
    job->brand = (struct courier_brand){0};
    job->way = (struct delivery_way){0};
    job->next = courier->free;
    courier->free = job;
    courier->under_way--;
}

static void report(const struct job *job)
{
    const struct courier *courier = job->courier;
    job_report(job, &courier->deps, now_ms(courier) - job->claimed.entry.created_at_ms);
}

// --- the store ---------------------------------------------------------------------------------

static struct job *job_of(struct delivery_op *op)
{
    return (struct job *)(void *)((char *)op - offsetof(struct job, op));
}

// On any thread. The job belongs to the list from here on. News are told under the lock, so that
// nobody who has found the job there, and ends, is told of it afterwards.
static void on_done(struct delivery_op *op, enum store_outcome outcome)
{
    struct job *job = job_of(op);
    struct courier *courier = job->courier;
    job->outcome = outcome;
    (void)pthread_mutex_lock(&courier->lock);
    job->next = courier->ended;
    courier->ended = job;
    if (courier->on_news != NULL)
        courier->on_news(courier->news_ctx);
    (void)pthread_mutex_unlock(&courier->lock);
}

static void note_step(struct job *job, const struct delivery *delivery,
                      const struct delivery_moment *moment, enum delivery_step step)
{
    job->step = step;
    job->delivery = *delivery;
    job->code_ends_at_ms = moment->code_ends_at_ms;
    job->op.is_changed = step != DELIVERY_NOTHING;
}

static void moment_of(const struct job *job, const struct outbox_entry *entry,
                      const struct record *record, int64_t at_ms, struct delivery_moment *out)
{
    delivery_moment_of(entry, record, at_ms, out);
    out->has_address = out->has_address && job->why == NULL;
}

static void mark(struct delivery_op *op, const struct outbox_entry *entry,
                 const struct record *record, struct delivery *delivery, int64_t at_ms)
{
    struct job *job = job_of(op);
    struct delivery_moment moment;
    moment_of(job, entry, record, at_ms, &moment);
    note_step(job, delivery, &moment, delivery_look(delivery, &moment, &job->way));
    if (job->step == DELIVERY_SEND)
        job->sent = (struct delivery_sent){delivery->provider, at_ms};
}

// That it is to be sent after all is only told: it is marked later.
static void look(struct delivery_op *op, const struct outbox_entry *entry,
                 const struct record *record, struct delivery *delivery, int64_t at_ms)
{
    struct job *job = job_of(op);
    const struct delivery before = *delivery;
    mark(op, entry, record, delivery, at_ms);
    if (job->step != DELIVERY_SEND)
        return;
    *delivery = before;
    op->is_changed = false;
}

static void miss(struct delivery_op *op, const struct outbox_entry *entry,
                 const struct record *record, struct delivery *delivery, int64_t at_ms)
{
    struct job *job = job_of(op);
    struct delivery_moment moment;
    moment_of(job, entry, record, at_ms, &moment);
    note_step(job, delivery, &moment,
              delivery_miss(delivery, &moment, &job->way, &job->result, &job->sent));
}

static void settle(struct delivery_op *op, const struct outbox_entry *entry,
                   const struct record *record, struct delivery *delivery, int64_t at_ms)
{
    struct job *job = job_of(op);
    struct delivery_moment moment;
    const struct key *index_key = keyring_index(job->courier->deps.keyring);
    delivery_moment_of(entry, record, at_ms, &moment);
    note_step(job, delivery, &moment,
              delivery_result(delivery, &moment, &job->way, &job->sent, &job->result));
    if (job->op.is_changed && job->result.provider_ref.len > 0)
        op->give_ref = receipts_ref_tag(index_key, job->sent.provider, job->result.provider_ref);
}

static void withdraw(struct delivery_op *op, const struct outbox_entry *entry,
                     const struct record *record, struct delivery *delivery, int64_t at_ms)
{
    struct job *job = job_of(op);
    struct delivery_moment moment;
    delivery_moment_of(entry, record, at_ms, &moment);
    note_step(job, delivery, &moment, delivery_withdraw(delivery, &moment, &job->sent));
}

typedef void transition(struct delivery_op *op, const struct outbox_entry *entry,
                        const struct record *record, struct delivery *delivery, int64_t at_ms);

static transition *const transitions[] = {
    [JOB_LOOKING] = look,    [JOB_MISSING] = miss,         [JOB_MARKING] = mark,
    [JOB_SETTLING] = settle, [JOB_WITHDRAWING] = withdraw,
};

// Once it is marked it is known by its attempt, and the claim has ended.
static bool has_claim(enum job_stage stage)
{
    return stage == JOB_LOOKING || stage == JOB_MISSING || stage == JOB_MARKING;
}

static void submit(struct job *job, enum job_stage stage)
{
    job->stage = stage;
    job->step = DELIVERY_NOTHING;
    job->op = (struct delivery_op){
        .handle = job->claimed.handle,
        .token = has_claim(stage) ? job->claimed.token : 0,
        .transition = transitions[stage],
        .done = on_done,
    };
    store_queue_delivery(job->courier->deps.store, &job->op);
}

// --- sending -----------------------------------------------------------------------------------

static void find_resting(struct job *job)
{
    struct courier *courier = job->courier;
    struct mono at = now_mono(courier);
    job->way.resting = 0;
    job->way.jitter = (uint32_t)entropy_u64(&courier->deps.entropy);
    for (size_t i = 0; i < job->way.route.count; i++) {
        size_t number = routes_number(courier->deps.routes, job->way.route.providers[i]);
        bool is_own_probe = job->is_probe && number == job->place;
        if (!is_own_probe &&
            breaker_state_at(&courier->shares[number].breaker, at) != BREAKER_CLOSED)
            job->way.resting |= 1U << i;
    }
    job->way.rest_ms = breaker_rest_ms(&courier->shares[job->place].breaker, at);
    if (job->way.rest_ms < REST_MS_MIN)
        job->way.rest_ms = REST_MS_MIN;
}

static void note_attempt(struct job *job)
{
    struct courier *courier = job->courier;
    enum metric_attempt attempt = attempt_of_outcome[job->result.outcome];
    breaker_note(&courier->shares[job->place].breaker, breaker_is_failure(&job->result),
                 now_mono(courier));
    job->is_probe = false;
    metrics_count(courier->deps.metrics, METRIC_DELIVERY_ATTEMPTS, job->claimed.entry.channel,
                  attempt);
    metrics_count_attempt(courier->deps.metrics, job->place, attempt);
}

// While it is being marked, what the store says is waited for.
static void on_result(void *ctx, const struct send_result *result)
{
    struct job *job = ctx;
    enum job_stage stage = job->stage;
    job_keep_result(job, result);
    job_wipe_message(job);
    end_asking(job);
    note_attempt(job);
    find_resting(job);
    if (stage == JOB_SENDING)
        submit(job, JOB_SETTLING);
    else if (stage == JOB_WAITING && job->courier->is_ending)
        free_job(job);
    else if (stage == JOB_WAITING)
        submit(job, JOB_MISSING);
}

static struct channel *channel_of(const struct job *job)
{
    return job->courier->deps.channels[job->place];
}

static void let_go(struct job *job, bool is_wanted)
{
    struct channel *channel = channel_of(job);
    channel->ops->go(channel, &job->sending, is_wanted);
}

static void on_ready(struct sending *sending)
{
    struct job *job = (struct job *)(void *)((char *)sending - offsetof(struct job, sending));
    if (job->courier->is_ending) {
        let_go(job, false);
        free_job(job);
        return;
    }
    find_resting(job);
    submit(job, JOB_MARKING);
}

static void wait_for_connection(struct job *job)
{
    struct channel *channel = channel_of(job);
    job->stage = JOB_WAITING;
    job_announce(job, now_ms(job->courier));
    job->sending = (struct sending){
        .request = &job->request, .on_ready = on_ready, .on_result = on_result, .ctx = job};
    channel->ops->send(channel, &job->sending);
}

// The provider that it was claimed for is the one that it goes to: a change of providers is a step
// of its own, so that each share is kept.
static void send(struct job *job)
{
    struct courier *courier = job->courier;
    int64_t at_ms = now_ms(courier);
    ASSERT(routes_number(courier->deps.routes, job->sent.provider) == job->place);
    if (courier->is_ending || !due_is_in_time(at_ms, job->code_ends_at_ms)) {
        let_go(job, false);
        end_asking(job);
        submit(job, JOB_WITHDRAWING);
        return;
    }
    job->stage = JOB_SENDING;
    job_write(job, &courier->deps, at_ms);
    if (job->text.is_overflowed) {
        let_go(job, false);
        on_result(job, &(struct send_result){.outcome = SEND_REFUSED,
                                             .reason = SEND_TEMPLATE_PARAMS,
                                             .words = SPAN("message too long")});
        return;
    }
    let_go(job, true);
}

// --- going on ----------------------------------------------------------------------------------

static void put_again(struct job *job, enum job_stage stage)
{
    job->stage = stage;
    job->again_at = mono_after(now_mono(job->courier), AGAIN_MS);
    job->next = job->courier->again;
    job->courier->again = job;
}

static bool has_no_room(const struct job *job)
{
    // Who has found the entry and is refused has lost the claim.
    bool is_busy =
        job->outcome == STORE_REFUSED_BUSY && !(has_claim(job->stage) && job->op.is_found);
    return is_busy || job->outcome == STORE_REFUSED_FULL;
}

static bool may_again(const struct job *job)
{
    return has_no_room(job) && !job->courier->is_ending;
}

static bool is_known(const struct job *job)
{
    return job->outcome == STORE_COMMITTED && job->op.is_found;
}

static void on_looked(struct job *job)
{
    if (may_again(job)) {
        put_again(job, job->stage);
        return;
    }
    if (is_known(job) && job->step == DELIVERY_SEND && !job->courier->is_ending) {
        wait_for_connection(job);
        return;
    }
    if (is_known(job) && job->step != DELIVERY_SEND)
        report(job);
    free_job(job);
}

// A connection that was lost meanwhile is its attempt's result.
static void on_lost(struct job *job)
{
    submit(job, job->courier->is_ending ? JOB_WITHDRAWING : JOB_SETTLING);
}

static void on_marked(struct job *job)
{
    bool is_lost = job->has_result;
    bool is_marked = is_known(job) && job->step == DELIVERY_SEND;
    if (is_marked && is_lost)
        on_lost(job);
    else if (is_marked)
        send(job);
    if (is_marked)
        return;
    if (!is_lost)
        let_go(job, false);
    job->has_result = false;
    if (may_again(job) && !is_lost) {
        put_again(job, JOB_WAITING);
        return;
    }
    if (is_known(job))
        report(job);
    free_job(job);
}

// The result is logged in any case: what the store does not know, the log should.
static void on_settled(struct job *job)
{
    if (may_again(job)) {
        put_again(job, job->stage);
        return;
    }
    if (job->outcome != STORE_COMMITTED)
        job->step = DELIVERY_NOTHING;
    report(job);
    free_job(job);
}

// Only what was to be sent has come to anything.
static void on_missed(struct job *job)
{
    if (is_known(job) && job->sent.provider == 0)
        job->has_result = false;
    on_settled(job);
}

static void go_on(struct job *job)
{
    typedef void step(struct job * job);
    static step *const steps[] = {
        [JOB_LOOKING] = on_looked,   [JOB_MISSING] = on_missed,      [JOB_MARKING] = on_marked,
        [JOB_SETTLING] = on_settled, [JOB_WITHDRAWING] = on_settled,
    };
    steps[job->stage](job);
}

// In the order in which they ended.
static struct job *take_ended(struct courier *courier)
{
    struct job *first = NULL;
    (void)pthread_mutex_lock(&courier->lock);
    struct job *ended = courier->ended;
    courier->ended = NULL;
    (void)pthread_mutex_unlock(&courier->lock);
    while (ended != NULL) {
        struct job *next = ended->next;
        ended->next = first;
        first = ended;
        ended = next;
    }
    return first;
}

static size_t go_on_with_ended(struct courier *courier)
{
    size_t count = 0;
    struct job *next = NULL;
    for (struct job *job = take_ended(courier); job != NULL; job = next) {
        next = job->next;
        if (count++ == 0)
            read_time(courier);
        go_on(job);
    }
    return count;
}

static void try_again(struct job *job)
{
    if (job->courier->is_ending && (has_claim(job->stage) || job->stage == JOB_WAITING))
        free_job(job);
    else if (job->stage == JOB_WAITING)
        wait_for_connection(job);
    else
        submit(job, job->stage);
}

static size_t go_on_with_refused(struct courier *courier)
{
    size_t count = 0;
    struct mono at = now_mono(courier);
    struct job *next = NULL;
    struct job *waiting = courier->again;
    courier->again = NULL;
    for (struct job *job = waiting; job != NULL; job = next) {
        next = job->next;
        if (courier->is_ending || mono_is_due(job->again_at, at)) {
            try_again(job);
            count++;
            continue;
        }
        job->next = courier->again;
        courier->again = job;
    }
    return count;
}

// --- claiming ----------------------------------------------------------------------------------

static enum breaker_state breaker_of(const struct courier *courier, size_t provider)
{
    return breaker_state_at(&courier->shares[provider].breaker, now_mono(courier));
}

// How many more of its entries may be claimed.
static size_t room_of(const struct courier *courier, size_t provider)
{
    const struct share *share = &courier->shares[provider];
    size_t places = COURIER_PROVIDER_PLACES - share->taken;
    size_t window = share->asking < share->window ? share->window - share->asking : 0;
    size_t room = places < window ? places : window;
    if (provider < courier->providers && breaker_of(courier, provider) == BREAKER_HALF_OPEN)
        room = room < 1 ? room : 1;
    return room < COURIER_BATCH_MAX ? room : COURIER_BATCH_MAX;
}

struct busy {
    provider_tag tags[ROUTES_PROVIDERS_MAX];
    size_t count;
};

static void add_busy(const struct courier *courier, struct busy *busy, size_t provider)
{
    busy->tags[busy->count++] = routes_tag(courier->deps.routes, provider);
}

static struct store_claim claim_but(const struct busy *busy)
{
    return (struct store_claim){
        .lease_ms = DELIVERY_LEASE_MS, .busy = busy->tags, .busy_count = busy->count};
}

// As far as can be told without its record.
static bool may_be_sent(const struct job *job)
{
    struct delivery delivery = job->claimed.delivery;
    const struct delivery_moment moment = {
        .now_ms = job->courier->step_at_ms,
        .code_ends_at_ms = job->code_ends_at_ms,
        .is_code_live = true,
        .has_address = job->why == NULL,
    };
    return delivery_look(&delivery, &moment, &job->way) == DELIVERY_SEND;
}

static void begin(struct courier *courier, const struct claimed_entry *claimed)
{
    struct job *job = take_job(courier, claimed);
    struct share *share = &courier->shares[job->place];
    bool is_known = job->place < courier->providers;
    if (is_known && breaker_of(courier, job->place) == BREAKER_HALF_OPEN) {
        breaker_begin(&share->breaker, now_mono(courier));
        job->is_probe = true;
    }
    job_prepare(job, &courier->deps, courier->step_at_ms);
    find_resting(job);
    job->code_ends_at_ms = claimed->entry.deadline_at_ms;
    if (may_be_sent(job))
        wait_for_connection(job);
    else
        submit(job, JOB_LOOKING);
}

// Those of one provider, or (ROUTES_NO_PROVIDER) of none that is known, which may come with any.
static size_t claim_for(struct courier *courier, size_t provider)
{
    struct busy busy = {.count = 0};
    size_t room = room_of(courier, provider);
    size_t strangers = room_of(courier, ROUTES_NO_PROVIDER);
    for (size_t i = 0; i < courier->providers; i++) {
        if (i != provider)
            add_busy(courier, &busy, i);
    }
    const struct store_claim wanted = claim_but(&busy);
    size_t max = room < strangers ? room : strangers;
    size_t count = max > 0 ? store_claim(courier->deps.store, &wanted, courier->claimed, max) : 0;
    if (count > 0)
        read_time(courier);
    for (size_t i = 0; i < count; i++)
        begin(courier, &courier->claimed[i]);
    return count;
}

static size_t claim_all(struct courier *courier)
{
    size_t count = claim_for(courier, ROUTES_NO_PROVIDER);
    for (size_t i = 0; i < courier->providers; i++)
        count += claim_for(courier, i);
    return count;
}

static void show(const struct courier *courier)
{
    struct metrics *metrics = courier->deps.metrics;
    for (size_t i = 0; i < courier->providers; i++) {
        metrics_set_provider(metrics, i, METRIC_PROVIDER_BREAKER, breaker_of(courier, i));
        metrics_set_provider(metrics, i, METRIC_PROVIDER_IN_FLIGHT,
                             (int64_t)courier->shares[i].taken);
    }
}

size_t courier_step(struct courier *courier)
{
    size_t count = go_on_with_ended(courier);
    count += go_on_with_refused(courier);
    count += claim_all(courier);
    store_wake(courier->deps.store);
    show(courier);
    return count;
}

int64_t courier_idle_ms(struct courier *courier)
{
    struct busy busy = {.count = 0};
    for (size_t i = 0; i < courier->providers; i++) {
        if (room_of(courier, i) == 0) // a result will be news
            add_busy(courier, &busy, i);
    }
    const struct store_claim wanted = claim_but(&busy);
    int64_t due_ms = store_next_due_ms(courier->deps.store, &wanted);
    if (due_ms == STORE_NEVER) // who reads the time has it kept, see store/embedded
        return IDLE_MS_MAX;
    int64_t left_ms = due_ms - store_now_ms(courier->deps.store);
    if (left_ms < IDLE_MS_MIN)
        return IDLE_MS_MIN;
    return left_ms < IDLE_MS_MAX ? left_ms : IDLE_MS_MAX;
}

size_t courier_end(struct courier *courier)
{
    courier->is_ending = true;
    (void)go_on_with_refused(courier);
    (void)go_on_with_ended(courier);
    store_wake(courier->deps.store);
    return courier->under_way;
}

// --- life --------------------------------------------------------------------------------------

void courier_on_news(struct courier *courier, void (*on_news)(void *ctx), void *ctx)
{
    courier->on_news = on_news;
    courier->news_ctx = ctx;
}

enum err courier_create(const struct courier_deps *deps, struct courier **out)
{
    size_t providers = routes_providers(deps->routes);
    size_t jobs = (providers + 1) * COURIER_PROVIDER_PLACES;
    struct courier *courier = calloc(1, sizeof *courier + jobs * sizeof courier->jobs[0]);
    if (courier == NULL)
        return ERR_NO_MEMORY;
    ASSERT(deps->receipts_url.len <= COURIER_RECEIPTS_URL_BYTES_MAX);
    courier->deps = *deps;
    courier->providers = providers;
    courier->jobs_count = jobs;
    for (size_t i = 0; i <= ROUTES_PROVIDERS_MAX; i++)
        courier->shares[i].window = COURIER_PROVIDER_PLACES;
    for (size_t i = 0; i < providers; i++) {
        if (deps->windows[i] > 0)
            courier->shares[i].window = deps->windows[i];
    }
    (void)pthread_mutex_init(&courier->lock, NULL);
    *out = courier;
    return ERR_OK;
}

void courier_destroy(struct courier **courier)
{
    if (*courier == NULL)
        return;
    ASSERT((*courier)->under_way == 0);
    (void)pthread_mutex_destroy(&(*courier)->lock);
    free(*courier);
    *courier = NULL;
}
