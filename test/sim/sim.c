// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The simulation: `sim [--seed N] [--seeds N] [--people N] [--usernames N] [--sharers N]
// [--attackers N] [--minutes N] [--crashes N] [--trace N]` runs worlds of one seed each for so many
// invented minutes and prints one TAP line a seed. A failing line has the seed that repeats it, and
// mostly the account that --trace prints the story of.
//
// Each seed turns some of the faults off and draws limits small enough that corners come fast. Even
// seeds have the memory store, odd ones the durable one.
//
// With --crashes all worlds have the durable store with its journal, and so many of a million ops
// are a crash; one start in ten is one too. The server is up again at once, so that most of what
// people do is cut off somewhere.

#include "sim/manager.h"
#include "sim/people.h"

#include "base/number.h"
#include "crypto/pure/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct plan {
    uint64_t seed;
    uint64_t seeds;
    uint64_t people;
    uint64_t usernames;
    uint64_t sharers;
    uint64_t attackers;
    uint64_t minutes;
    uint64_t crashes; // of a million ops; 0: as the seed has it
    uint64_t trace;   // an account; PLAN_NOBODY: none
};

#define PLAN_NOBODY UINT32_MAX

struct outcome {
    unsigned violations;
    char complaint[256];
    struct world_stats stats;
    uint64_t seen[SEEN_COUNT_];
    uint64_t logins;
    uint64_t attempts;
    uint64_t entries_left;
    unsigned lucky;
    unsigned astray;
    double seconds; // of the processor's time
};

// All that a world consists of.
struct cast {
    struct world world;
    struct people people;
    struct model model;
    struct manager manager;
};

#define MINUTE_MS INT64_C(60000)

// Right guesses among the twenty thousand or so that a world draws, one in a million each: more
// than three have a chance below 10^-8.
#define LUCKY_MAX 3U

// Of the hundred or so who name no address where another is known, one in 16384 passes for that
// one, and does so again until the epoch ends.
#define ASTRAY_MAX 6U

// About half of the faults, and in the neighbouring seed, with the other store, the other half; in
// the next seed of the same store the other one again.
struct choice {
    struct seeded dice;
    bool is_other_half;
};

static unsigned some(struct choice *choice, unsigned chance)
{
    bool is_drawn = seeded_below(&choice->dice, 2) == 0;
    return is_drawn != choice->is_other_half ? chance : 0;
}

static bool is_durable(uint64_t seed)
{
    return seed % 2 == 1;
}

static bool has_durable(const struct plan *plan, uint64_t seed)
{
    return plan->crashes > 0 || is_durable(seed);
}

static void add_crashes(const struct plan *plan, struct world_faults *faults)
{
    if (plan->crashes == 0)
        return;
    faults->crash_before = (unsigned)plan->crashes / 2;
    faults->crash_after = (unsigned)(plan->crashes - plan->crashes / 2);
    faults->start = 100000;
}

// The same dice for all, so that any four seeds in a row have both halves with both stores.
static void draw_faults(uint64_t seed, struct world_faults *out)
{
    struct choice choice = {.is_other_half = (seed / 2 + seed) % 2 == 1};
    seeded_init(&choice.dice, 1);
    *out = (struct world_faults){
        .conflict = 50000,
        .delay = some(&choice, 50000),
        .full = some(&choice, 1000),
        .failure = some(&choice, is_durable(seed) ? 300 : 1000),
        .crash_before = some(&choice, 300),
        .crash_after = some(&choice, 300),
        .cut = some(&choice, 10000),
        .send_retry = some(&choice, 100000),
        .send_refused = some(&choice, 30000),
        .send_unknown = some(&choice, 30000),
        .send_hang = some(&choice, 30000),
        .connect_hang = some(&choice, 30000),
        .connect_fail = some(&choice, 50000),
        .report = 300000,
        .clock_step = some(&choice, 100000),
        .restart = 50000,
        .settling = some(&choice, 1000),
        .setting = 250000,
        .outage = 10000,
    };
}

static void draw_settings(uint64_t seed, struct seeded *dice, struct brand_settings *out)
{
    brand_settings_init(out);
    out->otp_ttl_seconds = seeded_below(dice, 2) == 0 ? 1200 : 300;
    out->lock_after_failures = 20 + (unsigned)seeded_below(dice, 81);
    out->lock_seconds = 300 + (unsigned)seeded_below(dice, 1500);
    out->otp_max_attempts = 3 + (unsigned)seeded_below(dice, 4);
    out->resend = (unsigned)seeded_below(dice, 2);
    if (seed % 4 == 0)
        return; // no send limit
    out->otp_max_count = 2 + (unsigned)seeded_below(dice, 8);
    out->otp_time_out_minutes = 1 + (unsigned)seeded_below(dice, 30);
}

static void on_message(void *ctx, struct span to, struct span otp, int64_t at_ms)
{
    people_on_message(&((struct cast *)ctx)->people, to, otp, at_ms);
}

static void on_failure(void *ctx, struct span to, bool is_final, int64_t at_ms)
{
    people_on_failure(&((struct cast *)ctx)->people, to, is_final, at_ms);
}

static void on_boot(void *ctx)
{
    struct cast *cast = ctx;
    model_on_up(&cast->model, world_time_ms(&cast->world));
    manager_on_boot(&cast->manager);
}

static void on_end(void *ctx)
{
    struct cast *cast = ctx;
    model_on_down(&cast->model, world_time_ms(&cast->world));
}

static void on_delay(void *ctx)
{
    manager_on_delay(&((struct cast *)ctx)->manager);
}

static struct world_options options_of(const struct plan *plan, uint64_t seed, struct cast *cast)
{
    struct seeded dice;
    seeded_init(&dice, ~seed);
    // Under an hour: codes are live whenever an epoch ends.
    struct world_options options = {
        .seed = seed,
        .is_durable = has_durable(plan, seed),
        .is_journaled = plan->crashes > 0 || seed % 8 != 5,
        .is_brief = plan->crashes > 0,
        .epoch_ms = 41 * MINUTE_MS,
        .on_message = on_message,
        .on_failure = on_failure,
        .on_boot = on_boot,
        .on_end = on_end,
        .on_delay = on_delay,
        .ctx = cast,
    };
    draw_faults(seed, &options.faults);
    add_crashes(plan, &options.faults);
    draw_settings(seed, &dice, &options.brand);
    return options;
}

static void begin_world(const struct plan *plan, uint64_t seed, struct cast *cast)
{
    struct world_options options = options_of(plan, seed, cast);
    const struct model_rules rules = manager_rules(&options.brand);
    const struct people_counts counts = {plan->people, plan->sharers, plan->usernames,
                                         plan->attackers};
    bool is_idle = seed % 4 == 2; // in one of four everything stays as it is
    model_init(&cast->model, &rules, plan->people + 1, plan->usernames);
    if (plan->trace < plan->people + 1 + plan->usernames)
        cast->model.traced = plan->trace;
    world_init(&cast->world, &options);
    model_on_up(&cast->model, world_time_ms(&cast->world));
    manager_init(&cast->manager, &cast->world, &cast->model, is_idle);
    people_init(&cast->people, &cast->world, &cast->model, &counts);
}

static void note_outcome(const struct cast *cast, struct outcome *out)
{
    const struct model *model = &cast->model;
    const struct people *people = &cast->people;
    *out = (struct outcome){.violations = model->violations,
                            .lucky = model->lucky,
                            .astray = model->astray,
                            .stats = cast->world.stats,
                            .logins = people->logins,
                            .attempts = people->attempts};
    memcpy(out->complaint, model->complaint, sizeof out->complaint);
    memcpy(out->seen, people->seen, sizeof out->seen);
    out->entries_left =
        store_next_due_ms(cast->world.store, &(struct store_claim){0}) != STORE_NEVER;
}

static void run_world(const struct plan *plan, uint64_t seed, struct outcome *out)
{
    clock_t begun = clock();
    struct cast *cast = calloc(1, sizeof *cast);
    if (cast == NULL)
        abort();
    begin_world(plan, seed, cast);
    world_run(&cast->world, (int64_t)plan->minutes * MINUTE_MS);
    cast->people.is_closing = true;
    cast->manager.is_closing = true;
    world_settle(&cast->world);
    model_check_promises(&cast->model);
    if (cast->world.complaint != NULL)
        model_complain(&cast->model, cast->world.complaint);
    note_outcome(cast, out);
    people_fini(&cast->people);
    world_fini(&cast->world);
    model_fini(&cast->model);
    free(cast);
    out->seconds = (double)(clock() - begun) / (double)CLOCKS_PER_SEC;
}

static bool judge(const struct outcome *outcome, uint64_t seed, uint64_t number)
{
    const char *fault = NULL;
    if (outcome->violations > 0)
        fault = outcome->complaint;
    else if (outcome->lucky > LUCKY_MAX)
        fault = "more random guesses were right than chance allows";
    else if (outcome->astray > ASTRAY_MAX)
        fault = "more codes went astray than chance allows";
    else if (outcome->entries_left > 0)
        fault = "the outbox is not empty after the faults have ended";
    else if (outcome->logins * 3 < outcome->attempts * 2)
        fault = "fewer than two in three honest logins succeeded";
    (void)printf("%s %llu - world of seed %llu\n", fault == NULL ? "ok" : "not ok",
                 (unsigned long long)number, (unsigned long long)seed);
    if (fault != NULL)
        (void)printf("# seed %llu: %s (violations %u, logins %llu of %llu)\n",
                     (unsigned long long)seed, fault, outcome->violations,
                     (unsigned long long)outcome->logins, (unsigned long long)outcome->attempts);
    return fault == NULL;
}

static void add_up(struct outcome *total, const struct outcome *one)
{
    total->stats.requests += one->stats.requests;
    total->stats.lost += one->stats.lost;
    total->stats.messages += one->stats.messages;
    total->stats.crashes += one->stats.crashes;
    total->stats.start_crashes += one->stats.start_crashes;
    total->stats.torn += one->stats.torn;
    total->violations += one->violations;
    total->stats.clock_steps += one->stats.clock_steps;
    total->logins += one->logins;
    total->astray += one->astray;
    for (size_t i = 0; i < SEEN_COUNT_; i++)
        total->seen[i] += one->seen[i];
    for (size_t i = 0; i <= MEMORY_FAULT_CRASH_AFTER; i++)
        total->stats.faults[i] += one->stats.faults[i];
    for (size_t i = 0; i < MARK_COUNT_; i++)
        total->stats.marks[i] += one->stats.marks[i];
    total->stats.boots += one->stats.boots;
    total->seconds += one->seconds;
}

// What few seeds need not come across.
static bool judge_marks(const struct outcome *total, const struct plan *plan, uint64_t number)
{
    static const char *const names[MARK_COUNT_] = {
        [MARK_RESTART] = "orderly restarts",
        [MARK_REQUEUED] = "entries requeued",
        [MARK_TIME_RESTORED] = "T restored",
        [MARK_TIME_LEAPT] = "T leapt",
        [MARK_TIME_KEPT] = "T kept",
        [MARK_EXPIRED] = "records expired",
        [MARK_CHANGE_MEANTIME] = "settings changed under way",
        [MARK_CHANGE_FAILED] = "changes of settings that failed",
        [MARK_CHANGE_BETWEEN] = "settings changed before a login",
        [MARK_RESTART_BETWEEN] = "restarted before a login",
        [MARK_OTHERS_SENDS] = "1534 for another's sends",
        [MARK_MOVED] = "messages to another provider",
        [MARK_INTERRUPTED] = "sends interrupted",
        [MARK_DELIVERED] = "delivered",
        [MARK_FAILED] = "failed",
        [MARK_UNKNOWN] = "unknown",
        [MARK_OBSOLETE] = "obsolete",
        [MARK_BATCHED] = "batches",
    };
    bool is_all = true;
    for (size_t i = 0; i < MARK_COUNT_; i++)
        is_all = is_all && (total->stats.marks[i] > 0 || plan->seeds < 4);
    (void)printf("%s %llu - every corner was seen by four seeds\n#", is_all ? "ok" : "not ok",
                 (unsigned long long)number);
    for (size_t i = 0; i < MARK_COUNT_; i++)
        (void)printf("%s %s %llu", i > 0 ? "," : "", names[i],
                     (unsigned long long)total->stats.marks[i]);
    (void)printf("\n");
    return is_all;
}

static void print_speed(const char *store, const struct outcome *total)
{
    if (total->seconds > 0)
        (void)printf("# %s: %.0f requests a second\n", store,
                     (double)total->stats.requests / total->seconds);
}

// A fault generator that never fires, or an answer that never comes, is a mistake of the
// simulation.
static bool judge_coverage(const struct outcome *total, const struct plan *plan, uint64_t number)
{
    bool is_all = total->stats.clock_steps > 0;
    for (size_t i = 0; i < SEEN_COUNT_; i++) {
        // The memory store's conflicts, and what a full disk refuses between two crashes.
        bool is_rare = plan->crashes > 0 && (i == SEEN_1502 || i == SEEN_1503);
        is_all = is_all && (total->seen[i] > 0 || is_rare);
    }
    for (size_t i = 1; i <= MEMORY_FAULT_CRASH_AFTER; i++)
        is_all = is_all && total->stats.faults[i] > 0;
    (void)printf("%s %llu - every answer and every fault was seen\n", is_all ? "ok" : "not ok",
                 (unsigned long long)number);
    (void)printf("# requests %llu, lost answers %llu, messages %llu, astray %u, logins %llu, "
                 "crashes %llu (at a start %llu, that left something torn %llu), clock steps %llu, "
                 "violations %u\n# answers:",
                 (unsigned long long)total->stats.requests, (unsigned long long)total->stats.lost,
                 (unsigned long long)total->stats.messages, total->astray,
                 (unsigned long long)total->logins, (unsigned long long)total->stats.crashes,
                 (unsigned long long)total->stats.start_crashes,
                 (unsigned long long)total->stats.torn,
                 (unsigned long long)total->stats.clock_steps, total->violations);
    static const char *const names[SEEN_COUNT_] = {
        "login", "login by name", "1505", "1506", "1507", "1508", "1518", "1534", "1537",
        "1540",  "1541",          "1543", "503",  "1502", "1503", "lost", "other"};
    for (size_t i = 0; i < SEEN_COUNT_; i++)
        (void)printf(" %s %llu", names[i], (unsigned long long)total->seen[i]);
    (void)printf("\n");
    return is_all;
}

static bool judge_repeat(const struct plan *plan, const struct outcome *first, uint64_t number)
{
    struct outcome again;
    struct plan silent = *plan;
    silent.trace = PLAN_NOBODY;
    run_world(&silent, plan->seed, &again);
    bool is_same = first->stats.trace == again.stats.trace;
    (void)printf("%s %llu - the same seed gives the same run\n", is_same ? "ok" : "not ok",
                 (unsigned long long)number);
    return is_same;
}

static bool read_plan(int argc, char **argv, struct plan *plan)
{
    struct {
        const char *name;
        uint64_t *value;
    } options[] = {{"--seed", &plan->seed},       {"--seeds", &plan->seeds},
                   {"--people", &plan->people},   {"--usernames", &plan->usernames},
                   {"--sharers", &plan->sharers}, {"--attackers", &plan->attackers},
                   {"--minutes", &plan->minutes}, {"--crashes", &plan->crashes},
                   {"--trace", &plan->trace}};
    for (int i = 1; i < argc; i += 2) {
        bool is_known = false;
        for (size_t k = 0; k < sizeof options / sizeof options[0] && i + 1 < argc; k++) {
            if (strcmp(argv[i], options[k].name) == 0)
                is_known = parse_u64(span_of_text(argv[i + 1]), UINT32_MAX, options[k].value);
        }
        if (!is_known)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct plan plan = {.seed = 1,
                        .seeds = 4,
                        .people = 2000,
                        .usernames = 80,
                        .sharers = 40,
                        .attackers = 40,
                        .minutes = 160,
                        .trace = PLAN_NOBODY};
    if (!read_plan(argc, argv, &plan) || crypto_init() != ERR_OK) {
        (void)fprintf(stderr, "usage: sim [--seed N] [--seeds N] [--people N] [--usernames N] "
                              "[--sharers N] [--attackers N] [--minutes N] [--crashes N] "
                              "[--trace N]\n");
        return 64;
    }
    struct outcome total = {0}, by_store[2] = {{0}}, first = {0}, one;
    bool is_good = true;
    (void)printf("1..%llu\n", (unsigned long long)plan.seeds + 3);
    for (uint64_t i = 0; i < plan.seeds; i++) {
        run_world(&plan, plan.seed + i, &one);
        is_good = judge(&one, plan.seed + i, i + 1) && is_good;
        add_up(&total, &one);
        add_up(&by_store[has_durable(&plan, plan.seed + i)], &one);
        first = i == 0 ? one : first;
    }
    is_good = judge_coverage(&total, &plan, plan.seeds + 1) && is_good;
    is_good = judge_marks(&total, &plan, plan.seeds + 2) && is_good;
    is_good = judge_repeat(&plan, &first, plan.seeds + 3) && is_good;
    print_speed("memory store", &by_store[false]);
    print_speed("durable store", &by_store[true]);
    return is_good ? 0 : 1;
}
