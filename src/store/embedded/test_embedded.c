// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The embedded store with its thread, over LMDB in a directory.
#include "store/embedded/embedded.h"

#include "rig/store_cases.h"
#include "sim/seeded.h"
#include "unit/unit.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TABLE_BYTES (64U << 20)

// A store in a directory of its own: DIRECTORY/data, so that it is made too.
struct place {
    struct seeded dice;
    char parent[64];
    char path[80];
};

static void place_make(struct place *place)
{
    memcpy(place->parent, "/tmp/test_embedded.XXXXXX", sizeof "/tmp/test_embedded.XXXXXX");
    seeded_init(&place->dice, 1);
    assert_non_null(mkdtemp(place->parent));
    (void)snprintf(place->path, sizeof place->path, "%s/data", place->parent);
}

static void remove_folder(const char *path)
{
    struct dirent *entry;
    DIR *directory = opendir(path);
    while (directory != NULL && (entry = readdir(directory)) != NULL)
        (void)unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory != NULL)
        assert_int_equal(closedir(directory), 0);
    (void)rmdir(path);
}

static void place_remove(struct place *place)
{
    char journal[PATH_MAX];
    (void)snprintf(journal, sizeof journal, "%s/journal", place->path);
    remove_folder(journal);
    remove_folder(place->path);
    assert_int_equal(rmdir(place->parent), 0);
}

static struct embedded_store_options options_of(struct store_fixture *fixture)
{
    struct embedded_store_options options = embedded_store_defaults;
    options.directory = ((const struct place *)fixture->own)->path;
    options.table_bytes_max = TABLE_BYTES;
    options.journal_bytes = (size_t)4 << 20;
    options.entropy = seeded_entropy(&((struct place *)fixture->own)->dice);
    options.clock = store_fixture_clock(fixture);
    options.notices = store_fixture_notices(fixture);
    return options;
}

static void open_with(struct store_fixture *fixture, const struct embedded_store_options *options)
{
    struct err_info info = {0};
    enum err err = embedded_store_create(options, &fixture->store, &info);
    if (err != ERR_OK)
        fail_msg("%s", info.text);
}

static void open_store(struct store_fixture *fixture)
{
    struct embedded_store_options options = options_of(fixture);
    open_with(fixture, &options);
}

static int set_up(void **state)
{
    struct store_fixture *fixture = calloc(1, sizeof *fixture);
    fixture->wall_ms = CASES_START_MS;
    fixture->mono_ms = 5000;
    fixture->own = calloc(1, sizeof(struct place));
    place_make(fixture->own);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct store_fixture *fixture = *state;
    store_destroy(&fixture->store);
    place_remove(fixture->own);
    free(fixture->own);
    free(fixture);
    return 0;
}

static enum store_outcome run(struct store_fixture *fixture, uint8_t key, bool is_sending)
{
    struct case_op op;
    case_op_init(&op, key, true, is_sending);
    return case_op_run(fixture, &op);
}

static void test_all_is_there_after_closing(void **state)
{
    struct store_fixture *fixture = *state;
    struct setting setting = {SPAN("A"), SPAN("value"), 1};
    open_store(fixture);
    for (uint8_t key = 0; key < 20; key++)
        assert_int_equal(run(fixture, key, true), STORE_COMMITTED);
    assert_int_equal(store_settings_put(fixture->store, &setting), ERR_OK);
    store_destroy(&fixture->store);
    open_store(fixture);
    for (uint8_t key = 0; key < 20; key++)
        assert_int_equal(case_read(fixture, key), 1);
    assert_int_equal(store_entries(fixture->store), 20);
    assert_int_equal(store_settings_put(fixture->store, &setting), ERR_BUSY);
}

static void test_what_has_queued_is_finished(void **state)
{
    struct store_fixture *fixture = *state;
    enum { OPS = 3000 };
    struct case_op *ops = calloc(OPS, sizeof *ops);
    open_store(fixture);
    for (int i = 0; i < OPS; i++) {
        case_op_init(&ops[i], 1, true, false);
        store_submit(fixture->store, &ops[i].op);
    }
    store_destroy(&fixture->store);
    for (int i = 0; i < OPS; i++)
        assert_int_equal(ops[i].told, 1);
    open_store(fixture);
    assert_int_equal(case_read(fixture, 1), OPS);
    free(ops);
}

static void test_only_its_owner_may_enter(void **state)
{
    struct store_fixture *fixture = *state;
    const struct place *place = fixture->own;
    struct stat status;
    char path[96];
    open_store(fixture);
    assert_int_equal(stat(place->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    (void)snprintf(path, sizeof path, "%s/lock", place->path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

// Blocks the store's thread in the middle of a transition, until the test lets go.
struct gate {
    struct case_op op;
    int entered[2];
    int leave[2];
};

static void wait_at_gate(struct store_op *op, struct record *record, int64_t now_ms)
{
    struct gate *gate = (struct gate *)op;
    char byte = 0;
    (void)record;
    (void)now_ms;
    assert_int_equal(write(gate->entered[1], &byte, 1), 1);
    assert_int_equal(read(gate->leave[0], &byte, 1), 1);
}

static void gate_close(struct store_fixture *fixture, struct gate *gate)
{
    char byte;
    case_op_init(&gate->op, 200, false, false);
    gate->op.op.transition = wait_at_gate;
    assert_int_equal(pipe(gate->entered), 0);
    assert_int_equal(pipe(gate->leave), 0);
    store_submit(fixture->store, &gate->op.op);
    struct pollfd ready = {.fd = gate->entered[0], .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 10000), 1);
    assert_int_equal(read(gate->entered[0], &byte, 1), 1);
}

static void gate_open(struct gate *gate)
{
    assert_int_equal(write(gate->leave[1], "", 1), 1);
    case_op_await(&gate->op);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(close(gate->entered[i]), 0);
        assert_int_equal(close(gate->leave[i]), 0);
    }
}

enum { QUEUED = 255 }; // one less than begins by itself

// So long that a writer who had been woken would have begun.
static void let_others_run(void)
{
    for (int i = 0; i < 100; i++)
        (void)sched_yield();
}

static void test_what_is_queued_shares_a_commit(void **state)
{
    struct store_fixture *fixture = *state;
    struct case_op *ops = calloc(QUEUED + 1, sizeof *ops);
    open_store(fixture);
    for (uint8_t i = 0; i < QUEUED; i++) {
        case_op_init(&ops[i], i, true, false);
        store_queue(fixture->store, &ops[i].op);
        let_others_run();
    }
    store_wake(fixture->store);
    for (int i = 0; i < QUEUED; i++) {
        case_op_await(&ops[i]);
        assert_int_equal(ops[i].outcome, STORE_COMMITTED);
        assert_int_equal(ops[i].op.position, ops[0].op.position);
    }
    store_destroy(&fixture->store); // the last of them may still be under its `done`
    free(ops);
}

static void test_many_that_are_queued_wait_for_nobody(void **state)
{
    struct store_fixture *fixture = *state;
    struct case_op *ops = calloc(QUEUED + 1, sizeof *ops);
    open_store(fixture);
    for (int i = 0; i <= QUEUED; i++) {
        case_op_init(&ops[i], (uint8_t)i, true, false);
        store_queue(fixture->store, &ops[i].op);
    }
    for (int i = 0; i <= QUEUED; i++)
        case_op_await(&ops[i]);
    store_destroy(&fixture->store);
    free(ops);
}

static void test_a_full_queue_refuses_at_once(void **state)
{
    struct store_fixture *fixture = *state;
    struct gate gate;
    struct case_op ops[5];
    struct embedded_store_options options = options_of(fixture);
    options.ops_max = 3;
    open_with(fixture, &options);
    gate_close(fixture, &gate);
    for (int i = 0; i < 5; i++) {
        case_op_init(&ops[i], 1, true, false);
        store_submit(fixture->store, &ops[i].op);
    }
    assert_int_equal(ops[2].told, 0);
    assert_int_equal(ops[3].told, 1);
    assert_int_equal(ops[3].outcome, STORE_REFUSED_BUSY);
    assert_int_equal(ops[4].outcome, STORE_REFUSED_BUSY);
    gate_open(&gate);
    for (int i = 0; i < 3; i++) {
        case_op_await(&ops[i]);
        assert_int_equal(ops[i].outcome, STORE_COMMITTED);
    }
    assert_int_equal(case_read(fixture, 1), 3);
}

static void test_a_full_queue_of_deliveries_refuses_at_once(void **state)
{
    struct store_fixture *fixture = *state;
    struct gate gate;
    struct case_delivery ops[4];
    struct case_op op;
    struct embedded_store_options options = options_of(fixture);
    options.ops_max = 3;
    open_with(fixture, &options);
    struct claimed_entry claimed = case_promise(fixture, 1);
    claimed.token = 0;
    gate_close(fixture, &gate);
    for (uint8_t i = 0; i < 4; i++) {
        case_delivery_init(&ops[i], &claimed, DELIVERY_QUEUED, CASES_START_MS);
        ops[i].delivery.tries = (uint8_t)(i + 1);
        store_deliver(fixture->store, &ops[i].op);
    }
    assert_int_equal(ops[2].told, 0);
    assert_int_equal(ops[3].told, 1);
    assert_int_equal(ops[3].outcome, STORE_REFUSED_BUSY);
    case_op_init(&op, 2, true, false); // people have a queue of their own
    store_submit(fixture->store, &op.op);
    assert_int_equal(op.told, 0);
    gate_open(&gate);
    for (int i = 0; i < 3; i++) {
        case_delivery_await(&ops[i]);
        assert_int_equal(ops[i].outcome, STORE_COMMITTED);
        assert_int_equal(ops[i].seen.tries, i);
    }
    case_op_await(&op);
    assert_int_equal(op.outcome, STORE_COMMITTED);
}

// While the store's thread is at work, the others do not wait for it.
static void test_nobody_waits_for_a_batch(void **state)
{
    struct store_fixture *fixture = *state;
    struct gate gate;
    struct claimed_entry claimed;
    open_store(fixture);
    assert_int_equal(run(fixture, 1, true), STORE_COMMITTED);
    gate_close(fixture, &gate);
    assert_true(store_now_ms(fixture->store) >= CASES_START_MS);
    assert_int_equal(store_claim(fixture->store, &(struct store_claim){.lease_ms = 1}, &claimed, 1),
                     1);
    struct case_delivery op;
    case_delivery_init(&op, &claimed, DELIVERY_ACCEPTED, STORE_NEVER);
    store_deliver(fixture->store, &op.op);
    assert_int_equal(op.told, 0);
    assert_int_equal(store_entries(fixture->store), 1);
    assert_true(case_next_due_ms(fixture) > CASES_START_MS);
    gate_open(&gate);
    case_delivery_await(&op);
    assert_int_equal(op.outcome, STORE_COMMITTED);
    store_destroy(&fixture->store);
    open_store(fixture);
    assert_int_equal(store_entries(fixture->store), 0);
}

static void check_full(struct store_fixture *fixture)
{
    enum { OPS = 20000 };
    struct case_op *ops = calloc(OPS, sizeof *ops);
    int committed = 0, full = 0;
    for (uint32_t i = 0; i < OPS; i++) {
        uint32_t number = i + 1000;
        case_op_init(&ops[i], 0, true, true);
        memcpy(&ops[i].op.key, &number, sizeof number);
        store_submit(fixture->store, &ops[i].op);
    }
    for (int i = 0; i < OPS; i++) {
        case_op_await(&ops[i]);
        committed += ops[i].outcome == STORE_COMMITTED;
        full += ops[i].outcome == STORE_REFUSED_FULL;
    }
    assert_int_equal(committed + full, OPS);
    assert_true(full > 0);
    assert_int_equal(store_entries(fixture->store), committed);
    free(ops);
}

static void test_a_full_table(void **state)
{
    struct store_fixture *fixture = *state;
    struct embedded_store_options options = options_of(fixture);
    options.table_bytes_max = 512U << 10;
    open_with(fixture, &options);
    assert_int_equal(run(fixture, 1, false), STORE_COMMITTED);
    check_full(fixture);
    assert_int_equal(case_read(fixture, 1), 1);
    store_destroy(&fixture->store);
    open_with(fixture, &options);
    assert_int_equal(case_read(fixture, 1), 1);
    store_destroy(&fixture->store);
    options.table_bytes_max = TABLE_BYTES;
    open_with(fixture, &options);
    assert_int_equal(run(fixture, 1, false), STORE_COMMITTED);
}

// In a child process, as the lock is the process's; its name is the test's.
static int open_in_child(struct store_fixture *fixture, char story[512])
{
    int pipes[2], status = -1;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct err_info info = {0};
        struct embedded_store_options options = options_of(fixture);
        enum err err = embedded_store_create(&options, &fixture->store, &info);
        (void)!write(pipes[1], info.text, sizeof info.text);
        _exit((int)err);
    }
    assert_int_equal(close(pipes[1]), 0);
    assert_int_equal(read(pipes[0], story, 512), 512);
    assert_int_equal(close(pipes[0]), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

static void test_a_directory_is_for_one_process(void **state)
{
    struct store_fixture *fixture = *state;
    char story[512], expected[512];
    open_store(fixture);
    assert_int_equal(open_in_child(fixture, story), ERR_IN_USE);
    (void)snprintf(expected, sizeof expected,
                   "the data directory %s is in use by process %ld (test_embedded); stop it, or "
                   "choose another --data-dir",
                   ((const struct place *)fixture->own)->path, (long)getpid());
    assert_string_equal(story, expected);
    store_destroy(&fixture->store);
    assert_int_equal(open_in_child(fixture, story), ERR_OK);
    open_store(fixture);
}

static void test_a_directory_that_cannot_be_made(void **state)
{
    struct store_fixture *fixture = *state;
    struct err_info info = {0};
    struct embedded_store_options options = options_of(fixture);
    options.directory = "/nowhere/data";
    assert_int_equal(embedded_store_create(&options, &fixture->store, &info), ERR_NOT_FOUND);
    assert_string_equal(info.text,
                        "cannot make the data directory /nowhere/data: No such file or directory");
}

static void test_data_of_other_keys_is_refused(void **state)
{
    struct store_fixture *fixture = *state;
    struct err_info info = {0};
    open_store(fixture);
    store_destroy(&fixture->store);
    struct embedded_store_options options = options_of(fixture);
    options.fingerprint.bytes[15] ^= 1;
    assert_int_equal(embedded_store_create(&options, &fixture->store, &info), ERR_INVALID);
    assert_non_null(strstr(info.text, "/data was made with other keys than the ones given"));
    open_store(fixture);
}

// --- many threads ---

enum { CALLERS = 4, OPS_EACH = 400, KEYS = 8 };

struct caller {
    struct store_fixture *fixture;
    pthread_t thread;
    uint8_t number;
    struct case_op ops[OPS_EACH];
};

static void list_some(struct store_fixture *fixture)
{
    const struct delivery_filter filter = {.is_troubled = true};
    struct delivery_row rows[4];
    uint64_t after = 0;
    size_t held = 4;
    assert_int_equal(store_deliveries(fixture->store, &filter, &after, rows, &held), ERR_OK);
    for (size_t i = 0; i < held; i++)
        assert_int_not_equal(rows[i].delivery.state, DELIVERY_ACCEPTED);
}

static void *call(void *arg)
{
    struct caller *caller = arg;
    struct claimed_entry claimed[16];
    for (int i = 0; i < OPS_EACH; i++) {
        struct case_op *op = &caller->ops[i];
        case_op_init(op, (uint8_t)((caller->number + i) % KEYS), true, i % 4 == 0);
        store_submit(caller->fixture->store, &op->op);
        if (i % 32 != 0)
            continue;
        caller->fixture->mono_ms++;
        (void)store_now_ms(caller->fixture->store);
        size_t count = store_claim(caller->fixture->store, &(struct store_claim){.lease_ms = 60000},
                                   claimed, 16);
        for (size_t n = 0; n < count; n++)
            case_must(caller->fixture, &claimed[n], DELIVERY_ACCEPTED, STORE_NEVER);
        list_some(caller->fixture);
    }
    const struct setting setting = {span_make(&caller->number, 1), SPAN("value"), 1};
    assert_int_equal(store_settings_put(caller->fixture->store, &setting), ERR_OK);
    return NULL;
}

static void test_many_threads(void **state)
{
    struct store_fixture *fixture = *state;
    struct caller *callers = calloc(CALLERS, sizeof *callers);
    open_store(fixture);
    for (uint8_t i = 0; i < CALLERS; i++) {
        callers[i].fixture = fixture;
        callers[i].number = i;
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        for (int n = 0; n < OPS_EACH; n++) {
            case_op_await(&callers[i].ops[n]);
            assert_int_equal(callers[i].ops[n].outcome, STORE_COMMITTED);
        }
    }
    for (uint8_t key = 0; key < KEYS; key++)
        assert_int_equal(case_read(fixture, key), CALLERS * OPS_EACH / KEYS);
    free(callers);
}

static void create_for_case(struct store_fixture *fixture, size_t entries_max)
{
    fixture->own = calloc(1, sizeof(struct place));
    place_make(fixture->own);
    struct embedded_store_options options = options_of(fixture);
    options.entries_max = entries_max;
    open_with(fixture, &options);
}

static void destroy_for_case(struct store_fixture *fixture)
{
    place_remove(fixture->own);
    free(fixture->own);
}

int main(void)
{
#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_all_is_there_after_closing),
        CASE(test_what_has_queued_is_finished),
        CASE(test_only_its_owner_may_enter),
        CASE(test_what_is_queued_shares_a_commit),
        CASE(test_many_that_are_queued_wait_for_nobody),
        CASE(test_a_full_queue_refuses_at_once),
        CASE(test_a_full_queue_of_deliveries_refuses_at_once),
        CASE(test_nobody_waits_for_a_batch),
        CASE(test_a_full_table),
        CASE(test_a_directory_is_for_one_process),
        CASE(test_a_directory_that_cannot_be_made),
        CASE(test_data_of_other_keys_is_refused),
        CASE(test_many_threads),
    };
    const struct store_maker maker = {
        .name = "embedded store", .create = create_for_case, .destroy = destroy_for_case};
    return store_cases_run(&maker, tests, sizeof tests / sizeof tests[0]);
}
