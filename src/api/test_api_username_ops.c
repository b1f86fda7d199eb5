// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The ops that a code for a username takes, each failing, dying, running twice, overtaken or late:
// the number never has more than its window, and is charged at most once too often.
#include "rig/visit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define A ",\"mobile\":\"12025550101\""
#define NONE ""

#define LIMIT 3

static int create_rig(void **state)
{
    *state = rig_create_for(1000);
    return 0;
}

static int destroy_rig(void **state)
{
    rig_destroy(*state);
    return 0;
}

// The ops of a generate that names its address.
enum { EXAMINE, RESERVE, DECIDE, RELEASE };

static void fail_op(struct rig *rig, unsigned op, enum memory_fault fault)
{
    rig->fault = fault;
    rig->fault_skips = op;
}

static void a_send_that_was_refused_counts_no_more(void **state)
{
    struct rig *rig = *state;
    rig_set_limit(rig, 1);
    struct visit visit = visit_open(rig, "somebody", A);
    for (unsigned op = EXAMINE; op <= DECIDE; op++) {
        fail_op(rig, op, MEMORY_FAULT_FULL);
        assert_int_equal(visit_generate(rig, &visit, A), 1503);
        fail_op(rig, op, MEMORY_FAULT_FAILURE);
        assert_int_equal(visit_generate(rig, &visit, A), 503);
    }
    rig_assert_no_message(rig);
    assert_int_equal(visit_generate(rig, &visit, A), 200);
    assert_int_equal(visit_generate(rig, &visit, A), 1534);
}

static void a_full_outbox_leaves_the_window_alone(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    rig_set_limit(rig, 1);
    rig_fill_outbox(rig);
    struct visit visit = visit_open(rig, "somebody", A);
    assert_int_equal(visit_generate(rig, &visit, A), 503);
    rig_take_all(rig);
    assert_int_equal(visit_generate(rig, &visit, A), 200);
    rig_destroy(rig);
}

static void a_release_that_fails_leaves_the_send_counted(void **state)
{
    struct rig *rig = *state;
    rig_set_limit(rig, 1);
    struct visit visit = visit_open(rig, "somebody", A);
    fail_op(rig, DECIDE, MEMORY_FAULT_FULL);
    rig->fault_stays = true;
    assert_int_equal(visit_generate(rig, &visit, A), 1503);
    fail_op(rig, 0, MEMORY_FAULT_NONE);
    assert_int_equal(visit_generate(rig, &visit, A), 1534);
    rig->now_ms += RIG_WINDOW_MINUTES * 60000;
    assert_int_equal(visit_generate(rig, &visit, A), 200);
}

static void a_conflict_counts_once(void **state)
{
    struct rig *rig = *state;
    rig_set_limit(rig, 2);
    struct visit visit = visit_open(rig, "somebody", A);
    fail_op(rig, 0, MEMORY_FAULT_CONFLICT);
    rig->fault_stays = true;
    assert_int_equal(visit_generate(rig, &visit, A), 200);
    struct rig_message message = rig_message_of(rig);
    assert_int_equal(visit_generate(rig, &visit, NONE), 200);
    assert_int_equal(visit_generate(rig, &visit, A), 1534);
    assert_int_equal(visit_validate(rig, &visit, NONE, message.otp), 200);
}

struct crash_row {
    unsigned op;
    enum memory_fault fault;
    unsigned left;     // of the window afterwards
    unsigned messages; // promised
};

static void a_crash_never_gives_more_than_the_window(void **state)
{
    static const struct crash_row rows[] = {
        {EXAMINE, MEMORY_FAULT_CRASH_BEFORE, 2, 0}, {EXAMINE, MEMORY_FAULT_CRASH_AFTER, 2, 0},
        {RESERVE, MEMORY_FAULT_CRASH_BEFORE, 2, 0}, {RESERVE, MEMORY_FAULT_CRASH_AFTER, 1, 0},
        {DECIDE, MEMORY_FAULT_CRASH_BEFORE, 1, 0},  {DECIDE, MEMORY_FAULT_CRASH_AFTER, 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct rig_message message;
        struct rig *rig = rig_create_for(100);
        rig_set_limit(rig, 2);
        struct visit visit = visit_open(rig, "somebody", A);
        fail_op(rig, rows[i].op, rows[i].fault);
        assert_int_equal(visit_generate(rig, &visit, A), 503);
        memory_store_recover(rig->store);
        assert_int_equal(rig_take_message(rig, &message), rows[i].messages);
        assert_int_equal(rig_room_of(rig, "12025550101"), rows[i].left);
        rig_destroy(rig);
    }
}

static void a_crash_at_the_release_counts_one_at_most(void **state)
{
    static const enum memory_fault faults[] = {MEMORY_FAULT_CRASH_BEFORE, MEMORY_FAULT_CRASH_AFTER};
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(faults); i++) {
        struct rig *rig = rig_create();
        rig_set_limit(rig, 2);
        rig_fill_outbox(rig);
        struct visit visit = visit_open(rig, "somebody", A);
        fail_op(rig, RELEASE, faults[i]);
        assert_int_equal(visit_generate(rig, &visit, A), 503);
        assert_true(memory_store_is_crashed(rig->store));
        memory_store_recover(rig->store);
        rig_take_all(rig);
        assert_int_equal(rig_room_of(rig, "12025550101"), 1 + i);
        rig_destroy(rig);
    }
}

// A generate with A that stands before one of its ops: its answer comes when the store goes on.
static void ask_slowly(struct rig *rig, const struct visit *visit, unsigned op)
{
    fail_op(rig, op, MEMORY_FAULT_DELAY);
    rig_postf(rig, "/auth/v1/otp/generate",
              "{\"identifierType\":\"USERNAME\",\"identifierValue\":\"%s\","
              "\"brand\":\"DocDemo\",\"deviceId\":\"d\",\"sessionId\":\"%s\"" A "}",
              visit->name, visit->id);
    assert_int_equal(rig->status, 0);
}

static void do_nothing(struct store_op *op, struct record *record, int64_t now_ms)
{
    (void)op;
    (void)record;
    (void)now_ms;
}

static void be_done(struct store_op *op, enum store_outcome outcome)
{
    (void)op;
    assert_int_equal(outcome, STORE_UNKNOWN);
}

static void a_decision_that_nobody_knows_of_stays_counted(void **state)
{
    struct rig *rig = *state;
    rig_set_limit(rig, 2);
    struct visit visit = visit_open(rig, "somebody", A);
    ask_slowly(rig, &visit, DECIDE);
    rig->fault = MEMORY_FAULT_CRASH_BEFORE;
    store_submit(rig->store, &(struct store_op){.transition = do_nothing, .done = be_done});
    memory_store_recover(rig->store);
    rig_receive(rig);
    assert_int_equal(rig->status, 503);
    rig_assert_no_message(rig);
    assert_int_equal(rig_room_of(rig, "12025550101"), 1);
}

// A store that does as it is told, and says of one op that nobody knows.
struct forgetful {
    struct store store;
    struct store *inner;
    unsigned skips;
    void (*done)(struct store_op *op, enum store_outcome outcome); // of that op
};

static struct forgetful *forgetful; // done is given nothing but its op

static void be_unknown(struct store_op *op, enum store_outcome outcome)
{
    assert_int_equal(outcome, STORE_COMMITTED);
    forgetful->done(op, STORE_UNKNOWN);
}

static void forgetful_submit(struct store *store, struct store_op *op)
{
    struct forgetful *self = (struct forgetful *)store;
    if (self->skips-- == 0) {
        self->done = op->done;
        op->done = be_unknown;
    }
    store_submit(self->inner, op);
}

static int64_t forgetful_now_ms(struct store *store)
{
    return store_now_ms(((struct forgetful *)store)->inner);
}

static void an_answer_that_was_lost_takes_nothing_back(void **state)
{
    static const struct store_ops ops = {.submit = forgetful_submit, .now_ms = forgetful_now_ms};
    static const unsigned left[] = {[EXAMINE] = 2, [RESERVE] = 1, [DECIDE] = 1};
    (void)state;
    for (unsigned op = EXAMINE; op <= DECIDE; op++) {
        struct rig_message message;
        struct rig *rig = rig_create_for(100);
        rig_set_limit(rig, 2);
        struct visit visit = visit_open(rig, "somebody", A);
        struct forgetful store = {.store = {.ops = &ops}, .inner = rig->store, .skips = op};
        forgetful = &store;
        rig->service.deps.store = &store.store;
        assert_int_equal(visit_generate(rig, &visit, A), 503);
        rig->service.deps.store = rig->store;
        assert_int_equal(rig_take_message(rig, &message), op == DECIDE);
        assert_int_equal(rig_room_of(rig, "12025550101"), left[op]);
        rig_destroy(rig);
    }
}

// A call past the api, whose check of the session's short tag would come first.
struct direct {
    struct address name;
    struct address to;
    struct username_call username;
    struct service_call call;
};

static void ignore_done(struct service_call *call)
{
    assert_int_equal(call->status, SERVICE_DECIDED);
}

static enum verdict submit_direct(struct rig *rig, enum command_kind kind, const char *number,
                                  const char *otp)
{
    struct direct direct;
    const struct brand_set *set = brands_acquire(rig->brands);
    assert_true(address_parse(ADDRESS_USERNAME, SPAN("somebody"), SPAN(""), &direct.name));
    assert_true(address_parse(ADDRESS_MOBILE, span_of_text(number), SPAN(""), &direct.to));
    direct.call = (struct service_call){
        .command = {.kind = kind,
                    .session = {.id = 1, .binding = 2},
                    .session_expires_at_ms = RIG_START_MS + 1000000,
                    .guess = span_of_text(otp),
                    .epochs = keyring_epochs(rig->keyring, rig->now_ms)},
        .brand = brand_set_find(set, SPAN("DocDemo")),
        .identifier = &direct.name,
        .to = &direct.to,
        .username = &direct.username,
        .channel = -1,
        .on_done = ignore_done,
    };
    service_submit(&rig->service, &direct.call, &rig->entropy);
    brands_release(rig->brands, &set);
    return direct.call.decision.verdict;
}

static void a_code_is_bound_to_the_whole_address(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(submit_direct(rig, COMMAND_GENERATE, "12025550101", ""), VERDICT_DONE);
    struct rig_message message = rig_message_of(rig);
    assert_int_equal(submit_direct(rig, COMMAND_GENERATE, "12025550102", ""),
                     VERDICT_BINDING_DIFFERS);
    assert_int_equal(submit_direct(rig, COMMAND_VALIDATE, "12025550102", message.otp),
                     VERDICT_BINDING_DIFFERS);
    assert_int_equal(submit_direct(rig, COMMAND_VALIDATE, "12025550101", message.otp),
                     VERDICT_DONE);
}

static void who_is_overtaken_gets_the_send_back(void **state)
{
    struct rig *rig = *state;
    rig_set_limit(rig, LIMIT);
    struct visit visit = visit_open(rig, "somebody", A);
    ask_slowly(rig, &visit, RESERVE); // found nothing wrong, and waits for the number
    assert_int_equal(submit_direct(rig, COMMAND_GENERATE, "12025550102", ""), VERDICT_DONE);
    struct rig_message message = rig_message_of(rig);
    assert_int_equal(submit_direct(rig, COMMAND_VALIDATE, "12025550102", message.otp),
                     VERDICT_DONE);
    assert_int_equal(memory_store_release(rig->store), 1);
    rig_receive(rig);
    assert_int_equal(rig_code(rig), 1543);
    rig_assert_no_message(rig);
    assert_int_equal(rig_room_of(rig, "12025550101"), LIMIT);
}

static void a_promise_is_not_made_long_after_its_send_was_counted(void **state)
{
    struct rig *rig = *state;
    rig_set_limit(rig, LIMIT);
    struct visit visit = visit_open(rig, "somebody", A);
    ask_slowly(rig, &visit, DECIDE);
    rig->now_ms += SLOT_MS_MAX;
    assert_int_equal(memory_store_release(rig->store), 1);
    rig_receive(rig);
    assert_int_equal(rig_code(rig), 200);
    (void)rig_message_of(rig);
    ask_slowly(rig, &visit, DECIDE);
    rig->now_ms += SLOT_MS_MAX + 1;
    assert_int_equal(memory_store_release(rig->store), 1);
    rig_receive(rig);
    assert_int_equal(rig_code(rig), 503);
    rig_assert_no_message(rig);
    assert_int_equal(rig_room_of(rig, "12025550101"), LIMIT - 1);
}

struct copying {
    struct store_op op;
    struct address_card card;
};

static void copy_out(struct store_op *op, struct record *record, int64_t now_ms)
{
    (void)now_ms;
    ((struct copying *)op)->card = record->card;
}

// A card with another's tag, so that all but its seal looks right.
static void copy_in(struct store_op *op, struct record *record, int64_t now_ms)
{
    (void)now_ms;
    uint64_t tag = record->card.tag;
    record->card = ((struct copying *)op)->card;
    record->card.tag = tag;
    op->is_changed = true;
}

static void be_committed(struct store_op *op, enum store_outcome outcome)
{
    (void)op;
    assert_int_equal(outcome, STORE_COMMITTED);
}

static void copy_card(struct rig *rig, struct span run, struct copying *copying,
                      void (*transition)(struct store_op *, struct record *, int64_t))
{
    const struct brand_set *set = brands_acquire(rig->brands);
    const struct brand *brand = brand_set_find(set, SPAN("DocDemo"));
    record_key_of(keyring_index(rig->keyring), brand->id, run, &copying->op.key);
    brands_release(rig->brands, &set);
    copying->op.transition = transition;
    copying->op.done = be_committed;
    store_submit(rig->store, &copying->op);
}

// Who can write to the store, and has no keys, cannot make codes go to his own number.
static void a_card_moved_to_another_record_does_not_open(void **state)
{
    struct rig *rig = *state;
    struct copying copying = {0};
    visit_log_in(rig, "somebody", A);
    visit_log_in(rig, "thief", A);
    struct visit visit = visit_open(rig, "somebody", A);
    assert_int_equal(visit_generate(rig, &visit, NONE), 200);
    assert_string_equal(rig_message_of(rig).to, "12025550101");
    copy_card(rig, SPAN("Uthief"), &copying, copy_out);
    copy_card(rig, SPAN("Usomebody"), &copying, copy_in);
    assert_int_equal(visit_generate(rig, &visit, NONE), 1540);
    rig_assert_no_message(rig);
    assert_int_equal(visit_generate(rig, &visit, A), 200);
}

// Many at once, by usernames and by the number itself, each op put off behind all others.
#define CROWD 200U

struct crowd {
    struct rig *rig;
    unsigned done;
    unsigned accepted;
    struct address number;
    struct address names[CROWD];
    struct username_call usernames[CROWD];
    struct service_call calls[CROWD];
};

static void on_crowd_done(struct service_call *call)
{
    struct crowd *crowd = call->ctx;
    assert_int_equal(call->status, SERVICE_DECIDED);
    bool is_accepted = call->decision.verdict == VERDICT_DONE;
    assert_true(is_accepted || call->decision.verdict == VERDICT_TOO_MANY_SENDS);
    crowd->accepted += is_accepted;
    crowd->done++;
}

static void submit_one(struct crowd *crowd, size_t i, const struct brand *brand)
{
    struct rig *rig = crowd->rig;
    struct service_call *call = &crowd->calls[i];
    char name[16];
    int len = snprintf(name, sizeof name, "name%zu", i % 7);
    bool is_username = i % 3 > 0;
    assert_true(
        address_parse(ADDRESS_USERNAME, span_make(name, (size_t)len), SPAN(""), &crowd->names[i]));
    *call = (struct service_call){
        .command = {.kind = COMMAND_GENERATE,
                    .session = {.id = i + 1, .binding = i},
                    .session_expires_at_ms = RIG_START_MS + 1000000,
                    .epochs = keyring_epochs(rig->keyring, rig->now_ms)},
        .brand = brand,
        .identifier = is_username ? &crowd->names[i] : &crowd->number,
        .to = &crowd->number,
        .username = is_username ? &crowd->usernames[i] : NULL,
        .channel = -1,
        .on_done = on_crowd_done,
        .ctx = crowd,
    };
    service_submit(&rig->service, call, &rig->entropy);
}

static void two_hundred_at_once_get_what_one_number_may(void **state)
{
    struct rig *rig = *state;
    struct crowd *crowd = calloc(1, sizeof *crowd);
    assert_non_null(crowd);
    rig_set_limit(rig, LIMIT);
    crowd->rig = rig;
    assert_true(address_parse(ADDRESS_MOBILE, SPAN("12025550101"), SPAN(""), &crowd->number));
    const struct brand_set *set = brands_acquire(rig->brands);
    rig->fault = MEMORY_FAULT_DELAY;
    rig->fault_stays = true;
    for (size_t i = 0; i < CROWD; i++)
        submit_one(crowd, i, brand_set_find(set, SPAN("DocDemo")));
    assert_int_equal(crowd->done, 0);
    while (memory_store_release(rig->store) > 0)
        ;
    brands_release(rig->brands, &set);
    assert_int_equal(crowd->done, CROWD);
    assert_int_equal(crowd->accepted, LIMIT);
    assert_int_equal(store_entries(rig->store), LIMIT);
    free(crowd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create_rig, destroy_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_send_that_was_refused_counts_no_more),
        cmocka_unit_test(a_full_outbox_leaves_the_window_alone),
        TEST(a_release_that_fails_leaves_the_send_counted),
        TEST(a_conflict_counts_once),
        cmocka_unit_test(a_crash_never_gives_more_than_the_window),
        cmocka_unit_test(a_crash_at_the_release_counts_one_at_most),
        TEST(a_decision_that_nobody_knows_of_stays_counted),
        cmocka_unit_test(an_answer_that_was_lost_takes_nothing_back),
        TEST(a_code_is_bound_to_the_whole_address),
        TEST(who_is_overtaken_gets_the_send_back),
        TEST(a_promise_is_not_made_long_after_its_send_was_counted),
        TEST(a_card_moved_to_another_record_does_not_open),
        TEST(two_hundred_at_once_get_what_one_number_may),
    };
    return cmocka_run_group_tests_name("api_username_ops", tests, NULL, NULL);
}
