// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "channel/token_keeper.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define LIFE_MS (25 * HOUR_MS)
#define BEGIN_MS ((int64_t)1790000000000)

// A keeper with what is stored, and the provider as it really is: it takes one access token and one
// refresh token.
struct fixture {
    struct token_keeper keeper;
    int64_t now_ms;
    struct token_pair stored;
    uint64_t version;
    unsigned made; // pairs, by the provider
    unsigned asked;
};

static struct token_text text_of(const char *name, unsigned number)
{
    struct token_text text;
    uint8_t room[32];
    struct strbuf out = strbuf_over(room, sizeof room);
    strbuf_put_text(&out, name);
    strbuf_put_u64(&out, number);
    assert_true(token_text_set(&text, strbuf_span(&out)));
    return text;
}

static void store_pair(struct fixture *f, unsigned number)
{
    f->stored = (struct token_pair){
        .access = text_of("A", number),
        .refresh = text_of("R", number),
        .obtained_at_ms = f->now_ms,
        .access_ends_at_ms = f->now_ms + LIFE_MS,
        .refresh_ends_at_ms = f->now_ms + 90 * DAY_MS,
    };
    f->version++;
}

static void open_empty(struct fixture *f)
{
    *f = (struct fixture){.now_ms = BEGIN_MS, .made = 1};
    keeper_init(&f->keeper, 90 * DAY_MS);
}

static enum keeper_step next(struct fixture *f)
{
    return keeper_next(&f->keeper, f->now_ms);
}

static void read_stored(struct fixture *f)
{
    assert_int_equal(next(f), KEEPER_READ);
    keeper_read(&f->keeper, &f->stored, f->version);
}

static void open_ready(struct fixture *f)
{
    open_empty(f);
    store_pair(f, 1);
    read_stored(f);
}

static struct token_reply reply_of(enum token_answer answer)
{
    struct token_reply reply = {.answer = answer, .words_len = 2, .words = {'n', 'o'}};
    return reply;
}

// The provider's part: the refresh token works once.
static void answer(struct fixture *f)
{
    struct token_text wanted = text_of("R", f->made);
    bool is_right = span_eq(keeper_refresh_token(&f->keeper), token_span(&wanted));
    struct token_reply reply = reply_of(is_right ? TOKEN_GIVEN : TOKEN_SPENT);
    f->asked++;
    if (is_right) {
        f->made++;
        reply.access = text_of("A", f->made);
        reply.refresh = text_of("R", f->made);
        reply.seconds = (uint32_t)(LIFE_MS / 1000);
    }
    keeper_answered(&f->keeper, f->now_ms, &reply);
}

// The store's part: a compare-and-set.
static void write_fresh(struct fixture *f, enum err err)
{
    uint64_t version;
    const struct token_pair *fresh = keeper_fresh(&f->keeper, &version);
    if (err == ERR_OK && version != f->version + 1)
        err = ERR_BUSY;
    if (err == ERR_OK) {
        f->stored = *fresh;
        f->version = version;
    }
    keeper_written(&f->keeper, f->now_ms, err);
}

static void begin_asking(struct fixture *f)
{
    read_stored(f);
    assert_int_equal(next(f), KEEPER_ASK);
}

static void renew(struct fixture *f)
{
    begin_asking(f);
    answer(f);
    assert_int_equal(next(f), KEEPER_WRITE);
    write_fresh(f, ERR_OK);
}

static void assert_access(struct fixture *f, enum keeper_access access, const char *token)
{
    struct span held;
    uint64_t version;
    assert_int_equal(keeper_use(&f->keeper, f->now_ms, &held, &version), access);
    if (access == KEEPER_USABLE)
        assert_true(span_eq(held, span_of_text(token)));
}

static void assert_rests(struct fixture *f, int64_t until_ms)
{
    assert_int_equal(next(f), KEEPER_REST);
    assert_int_equal(f->keeper.wakes_at_ms, until_ms);
}

static void nothing_is_usable_before_it_was_read(void **state)
{
    struct fixture f;
    (void)state;
    open_empty(&f);
    store_pair(&f, 1);
    assert_access(&f, KEEPER_SOON, "");
    read_stored(&f);
    assert_access(&f, KEEPER_USABLE, "A1");
    assert_rests(&f, BEGIN_MS + LIFE_MS - TOKEN_EARLY_MS);
}

static void without_a_pair_a_person_is_needed(void **state)
{
    struct fixture f;
    (void)state;
    open_empty(&f);
    read_stored(&f);
    assert_access(&f, KEEPER_NEVER, "");
    assert_int_equal(keeper_take_news(&f.keeper), KEEPER_NONE);
    assert_int_equal(keeper_take_news(&f.keeper), KEEPER_NO_NEWS);
    assert_rests(&f, INT64_MAX);
    f.now_ms += 90 * DAY_MS;
    assert_rests(&f, INT64_MAX);
}

static void a_refresh_token_that_is_set_buys_the_first_pair(void **state)
{
    struct fixture f;
    (void)state;
    open_empty(&f);
    read_stored(&f);
    store_pair(&f, 1);
    f.stored.access.len = 0;
    keeper_changed(&f.keeper);
    read_stored(&f);
    assert_access(&f, KEEPER_SOON, "");
    renew(&f);
    assert_access(&f, KEEPER_USABLE, "A2");
    assert_int_equal(f.version, 2);
}

static void a_pair_is_renewed_five_minutes_before_its_end(void **state)
{
    struct fixture f;
    (void)state;
    open_ready(&f);
    f.now_ms += LIFE_MS - TOKEN_EARLY_MS - 1;
    assert_rests(&f, f.now_ms + 1);
    f.now_ms++;
    begin_asking(&f);
    assert_access(&f, KEEPER_USABLE, "A1"); // it still has five minutes
    answer(&f);
    assert_access(&f, KEEPER_SOON, ""); // the old one is dead, the new one not written
    assert_int_equal(next(&f), KEEPER_WRITE);
    assert_access(&f, KEEPER_SOON, "");
    write_fresh(&f, ERR_OK);
    assert_access(&f, KEEPER_USABLE, "A2");
    assert_int_equal(keeper_take_news(&f.keeper), KEEPER_RENEWED);
    assert_rests(&f, f.now_ms + LIFE_MS - TOKEN_EARLY_MS);
    assert_int_equal(f.keeper.held.refresh_ends_at_ms, f.now_ms + 90 * DAY_MS);
}

static void a_short_life_is_renewed_in_its_middle(void **state)
{
    struct fixture f;
    (void)state;
    open_empty(&f);
    store_pair(&f, 1);
    f.stored.access_ends_at_ms = f.now_ms + 4 * MINUTE_MS;
    read_stored(&f);
    assert_rests(&f, f.now_ms + 2 * MINUTE_MS);
}

static void what_is_begun_is_not_begun_twice(void **state)
{
    struct fixture f;
    (void)state;
    open_ready(&f);
    f.now_ms += LIFE_MS;
    assert_int_equal(next(&f), KEEPER_READ);
    assert_rests(&f, INT64_MAX);
    keeper_read(&f.keeper, &f.stored, f.version);
    assert_int_equal(next(&f), KEEPER_ASK);
    assert_rests(&f, INT64_MAX);
    answer(&f);
    assert_int_equal(next(&f), KEEPER_WRITE);
    assert_rests(&f, INT64_MAX);
    write_fresh(&f, ERR_OK);
}

static void two_refused_messages_make_one_renewal(void **state)
{
    struct fixture f;
    (void)state;
    open_ready(&f);
    assert_true(keeper_refused(&f.keeper, f.now_ms, 1));
    assert_access(&f, KEEPER_SOON, "");
    assert_true(keeper_refused(&f.keeper, f.now_ms, 1));
    renew(&f);
    assert_true(keeper_refused(&f.keeper, f.now_ms, 1)); // a late one, of the old token
    assert_access(&f, KEEPER_USABLE, "A2");
    assert_int_equal(next(&f), KEEPER_REST);
    assert_int_equal(f.asked, 1);
}

static void a_token_that_is_always_refused_is_renewed_now_and_then_alone(void **state)
{
    struct fixture f;
    (void)state;
    open_ready(&f);
    assert_true(keeper_refused(&f.keeper, f.now_ms, f.version));
    renew(&f);
    for (unsigned i = 0; i < 100; i++) {
        assert_false(keeper_refused(&f.keeper, f.now_ms, f.version));
        assert_int_equal(next(&f), KEEPER_REST);
    }
    f.now_ms += TOKEN_REFUSED_AGAIN_MS;
    assert_true(keeper_refused(&f.keeper, f.now_ms, f.version));
    renew(&f);
    assert_int_equal(f.asked, 2);
}

static void somebody_who_renewed_meanwhile_is_noticed_before_asking(void **state)
{
    struct fixture f;
    (void)state;
    open_ready(&f);
    f.now_ms += LIFE_MS;
    store_pair(&f, 7);
    read_stored(&f);
    assert_access(&f, KEEPER_USABLE, "A7");
    assert_int_equal(next(&f), KEEPER_REST);
    assert_int_equal(f.asked, 0);
}

static void a_spent_token_is_looked_at_again_and_then_a_person_is_needed(void **state)
{
    struct fixture f;
    (void)state;
    open_ready(&f);
    f.made = 2; // as when the process ended between the answer and the disk
    f.now_ms += LIFE_MS;
    begin_asking(&f);
    answer(&f);
    assert_int_equal(keeper_take_news(&f.keeper), KEEPER_NO_NEWS);
    read_stored(&f);
    assert_int_equal(keeper_take_news(&f.keeper), KEEPER_SPENT);
    assert_access(&f, KEEPER_NEVER, "");
    f.now_ms += 90 * DAY_MS;
    assert_rests(&f, INT64_MAX);
    assert_int_equal(f.asked, 1);
    store_pair(&f, 2); // the person has been there
    keeper_changed(&f.keeper);
    read_stored(&f);
    assert_access(&f, KEEPER_USABLE, "A2");
}

static void a_token_spent_by_somebody_who_stored_the_next_is_no_trouble(void **state)
{
    struct fixture f;
    (void)state;
    open_ready(&f);
    f.now_ms += LIFE_MS;
    begin_asking(&f);
    f.made = 2;
    store_pair(&f, 2);
    answer(&f);
    read_stored(&f);
    assert_access(&f, KEEPER_USABLE, "A2");
    assert_int_equal(keeper_take_news(&f.keeper), KEEPER_NO_NEWS);
}

static void a_lost_race_for_the_store_takes_the_winner_s_pair(void **state)
{
    struct fixture f;
    (void)state;
    open_ready(&f);
    f.now_ms += LIFE_MS;
    begin_asking(&f);
    answer(&f);
    store_pair(&f, 9); // a person set another one meanwhile
    assert_int_equal(next(&f), KEEPER_WRITE);
    write_fresh(&f, ERR_OK);
    read_stored(&f);
    assert_access(&f, KEEPER_USABLE, "A9");
    assert_int_equal(f.keeper.fresh.refresh.len, 0);
}

static void a_version_more_of_the_spent_pair_is_written_over(void **state)
{
    struct fixture f;
    (void)state;
    open_ready(&f);
    f.now_ms += LIFE_MS;
    begin_asking(&f);
    answer(&f);
    f.version++; // the same pair, written again
    assert_int_equal(next(&f), KEEPER_WRITE);
    write_fresh(&f, ERR_OK);
    read_stored(&f);
    assert_int_equal(next(&f), KEEPER_WRITE);
    write_fresh(&f, ERR_OK);
    assert_access(&f, KEEPER_USABLE, "A2");
    assert_int_equal(f.version, 3);
}

// The disk was full. The pair is not used before it is written, however long that takes.
static void a_write_that_fails_is_repeated(void **state)
{
    struct fixture f;
    (void)state;
    open_ready(&f);
    f.now_ms += LIFE_MS;
    begin_asking(&f);
    answer(&f);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(next(&f), KEEPER_WRITE);
        write_fresh(&f, ERR_IO);
        assert_int_equal(keeper_take_news(&f.keeper), KEEPER_NOT_WRITTEN);
        assert_access(&f, KEEPER_SOON, "");
        assert_int_equal(next(&f), KEEPER_REST);
        int64_t wait_ms = f.keeper.wakes_at_ms - f.now_ms;
        assert_true(wait_ms >= TOKEN_RETRY_FIRST_MS && wait_ms <= TOKEN_RETRY_LONGEST_MS);
        f.now_ms = f.keeper.wakes_at_ms;
    }
    assert_int_equal(next(&f), KEEPER_WRITE);
    write_fresh(&f, ERR_OK);
    assert_access(&f, KEEPER_USABLE, "A2");
    assert_int_equal(f.asked, 1);
}

// It said that it failed, and had worked.
static void a_write_that_worked_after_all_is_recognised(void **state)
{
    struct fixture f;
    uint64_t version;
    (void)state;
    open_ready(&f);
    f.now_ms += LIFE_MS;
    begin_asking(&f);
    answer(&f);
    assert_int_equal(next(&f), KEEPER_WRITE);
    f.stored = *keeper_fresh(&f.keeper, &version);
    f.version = version;
    keeper_written(&f.keeper, f.now_ms, ERR_IO);
    f.now_ms += TOKEN_RETRY_LONGEST_MS;
    assert_int_equal(next(&f), KEEPER_WRITE);
    write_fresh(&f, ERR_OK);
    read_stored(&f);
    assert_access(&f, KEEPER_USABLE, "A2");
}

struct failure_case {
    enum token_answer answer;
    enum keeper_access access_after_its_end;
};

static void failures_are_tried_again_later_and_later(void **state)
{
    static const struct failure_case cases[] = {
        {TOKEN_LOST, KEEPER_SOON},
        {TOKEN_NOT_ASKED, KEEPER_SOON},
        {TOKEN_REFUSED, KEEPER_NEVER},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        const struct token_reply reply = reply_of(cases[i].answer);
        int64_t wait_ms = TOKEN_RETRY_FIRST_MS;
        open_ready(&f);
        f.now_ms += LIFE_MS - TOKEN_EARLY_MS;
        for (unsigned k = 0; k < 12; k++) {
            begin_asking(&f);
            keeper_answered(&f.keeper, f.now_ms, &reply);
            assert_int_equal(keeper_take_news(&f.keeper), KEEPER_NOT_RENEWED);
            assert_rests(&f, f.now_ms + wait_ms);
            bool is_over = f.now_ms >= f.stored.access_ends_at_ms;
            assert_access(&f, is_over ? cases[i].access_after_its_end : KEEPER_USABLE, "A1");
            f.now_ms += wait_ms;
            wait_ms = 2 * wait_ms < TOKEN_RETRY_LONGEST_MS ? 2 * wait_ms : TOKEN_RETRY_LONGEST_MS;
        }
        renew(&f);
        assert_access(&f, KEEPER_USABLE, "A2");
        assert_int_equal(f.keeper.failures, 0);
    }
}

static void a_refresh_token_that_is_not_replaced_goes_on(void **state)
{
    struct fixture f;
    struct token_reply reply = {.answer = TOKEN_GIVEN, .seconds = 60};
    (void)state;
    open_ready(&f);
    int64_t ends_at_ms = f.stored.refresh_ends_at_ms;
    reply.access = text_of("A", 2);
    f.now_ms += LIFE_MS;
    begin_asking(&f);
    keeper_answered(&f.keeper, f.now_ms, &reply);
    assert_int_equal(next(&f), KEEPER_WRITE);
    write_fresh(&f, ERR_OK);
    assert_true(span_eq(token_span(&f.stored.refresh), SPAN("R1")));
    assert_int_equal(f.stored.refresh_ends_at_ms, ends_at_ms);
}

static void the_end_of_the_refresh_token_is_told_a_fortnight_before(void **state)
{
    struct fixture f;
    (void)state;
    open_empty(&f);
    assert_false(keeper_ends_soon(&f.keeper, f.now_ms));
    store_pair(&f, 1);
    read_stored(&f);
    assert_false(keeper_ends_soon(&f.keeper, f.now_ms + 76 * DAY_MS));
    assert_true(keeper_ends_soon(&f.keeper, f.now_ms + 76 * DAY_MS + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_usable_before_it_was_read),
        cmocka_unit_test(without_a_pair_a_person_is_needed),
        cmocka_unit_test(a_refresh_token_that_is_set_buys_the_first_pair),
        cmocka_unit_test(a_pair_is_renewed_five_minutes_before_its_end),
        cmocka_unit_test(a_short_life_is_renewed_in_its_middle),
        cmocka_unit_test(what_is_begun_is_not_begun_twice),
        cmocka_unit_test(two_refused_messages_make_one_renewal),
        cmocka_unit_test(a_token_that_is_always_refused_is_renewed_now_and_then_alone),
        cmocka_unit_test(somebody_who_renewed_meanwhile_is_noticed_before_asking),
        cmocka_unit_test(a_spent_token_is_looked_at_again_and_then_a_person_is_needed),
        cmocka_unit_test(a_token_spent_by_somebody_who_stored_the_next_is_no_trouble),
        cmocka_unit_test(a_lost_race_for_the_store_takes_the_winner_s_pair),
        cmocka_unit_test(a_version_more_of_the_spent_pair_is_written_over),
        cmocka_unit_test(a_write_that_fails_is_repeated),
        cmocka_unit_test(a_write_that_worked_after_all_is_recognised),
        cmocka_unit_test(failures_are_tried_again_later_and_later),
        cmocka_unit_test(a_refresh_token_that_is_not_replaced_goes_on),
        cmocka_unit_test(the_end_of_the_refresh_token_is_told_a_fortnight_before),
    };
    return cmocka_run_group_tests_name("channel/token_keeper", tests, NULL, NULL);
}
