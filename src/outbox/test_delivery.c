// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Lives are written as one letter an act, and what each act led to as one word:
//
//   L  looked at when it is due      a r R u  accepted, retry, refused, unknown
//   m  due, and there was no connection for it
//   A B C  that provider reports "delivered", and a small letter behind it …
//   x y z  … that A, B, C report "failed"
//   s  the code is used              e  the code ends
//   p  a person wants it again       o  a person drops it       w  it is withdrawn
//   0 1 2  A, B, C rest from now on  n  nobody rests any more
//
// Outcomes: - nothing, S send, M moved (and whose queue), W waits, E ended, N noted.
#include "outbox/delivery.h"

#include "outbox/due.h"
#include "sim/seeded.h"
#include "unit/unit.h"

#include <stdio.h>

#define NOW_MS INT64_C(1795341600000)
#define CODE_MS (20 * INT64_C(60000))
#define A 11U
#define PROVIDERS 3U

struct life {
    struct delivery delivery;
    struct delivery_moment moment;
    struct delivery_way way;
    struct delivery_sent sent;
    enum delivery_step step; // the last one's
    char trace[128];
    size_t trace_len;
};

static void begin(struct life *life, size_t providers, int64_t fallback_ms)
{
    *life = (struct life){
        .delivery = {.provider = A, .due_at_ms = NOW_MS},
        .moment = {NOW_MS, NOW_MS + CODE_MS, true, true},
        .way = {.route = {.count = providers, .fallback_after_ms = fallback_ms}, .rest_ms = 5000},
    };
    for (size_t i = 0; i < providers; i++)
        life->way.route.providers[i] = (provider_tag)(A + i);
}

static void look(struct life *life)
{
    const struct delivery *delivery = &life->delivery;
    if (delivery->due_at_ms != STORE_NEVER && delivery->due_at_ms > life->moment.now_ms)
        life->moment.now_ms = delivery->due_at_ms;
    life->step = delivery_look(&life->delivery, &life->moment, &life->way);
    if (life->step != DELIVERY_SEND)
        return;
    const struct attempt *last = &delivery->attempts[delivery->attempts_held - 1];
    life->sent = (struct delivery_sent){last->provider, last->at_ms};
}

static void answer(struct life *life, enum send_outcome outcome)
{
    static const enum send_reason reasons[] = {
        [SEND_ACCEPTED] = SEND_REASON_NONE,
        [SEND_RETRY] = SEND_THROTTLED,
        [SEND_REFUSED] = SEND_UNCLASSIFIED,
        [SEND_UNKNOWN] = SEND_VENDOR_DOWN,
    };
    const struct send_result result = {
        .outcome = outcome,
        .reason = reasons[outcome],
        .provider_ref = outcome == SEND_ACCEPTED ? SPAN("SM0123") : SPAN(""),
        .words = outcome == SEND_REFUSED ? SPAN("we do not like it") : SPAN(""),
    };
    life->moment.now_ms += 200;
    life->step = delivery_result(&life->delivery, &life->moment, &life->way, &life->sent, &result);
}

static void report(struct life *life, provider_tag provider, bool is_delivered)
{
    const struct delivery_report report = {
        .provider = provider,
        .is_delivered = is_delivered,
        .reason = is_delivered ? SEND_REASON_NONE : SEND_UNREACHABLE,
        .words = is_delivered ? SPAN("") : SPAN("switched off"),
    };
    life->moment.now_ms += 700;
    life->step = delivery_receipt(&life->delivery, &life->moment, &report);
}

static void miss(struct life *life)
{
    struct delivery_sent sent;
    const struct send_result result = {.outcome = SEND_RETRY, .reason = SEND_VENDOR_DOWN};
    if (life->delivery.due_at_ms != STORE_NEVER && life->delivery.due_at_ms > life->moment.now_ms)
        life->moment.now_ms = life->delivery.due_at_ms;
    unsigned tries = life->delivery.tries;
    life->step = delivery_miss(&life->delivery, &life->moment, &life->way, &result, &sent);
    assert_int_equal(sent.provider != 0, life->delivery.tries > tries);
    assert_int_not_equal(life->step, DELIVERY_SEND);
}

static void act_by_hand(struct life *life, char act)
{
    if (act == 'p')
        life->step = delivery_retry(&life->delivery, &life->moment);
    else if (act == 'o')
        life->step = delivery_drop(&life->delivery);
    else
        life->step = delivery_withdraw(&life->delivery, &life->moment, &life->sent);
}

// False: an act that changes the world alone and leads to nothing.
static bool act(struct life *life, char act)
{
    static const char answers[] = {'a', 'r', 'R', 'u'};
    const char *answered = memchr(answers, act, sizeof answers);
    life->moment.is_code_live = life->moment.is_code_live && act != 's';
    if (act == 'e')
        life->moment.now_ms = life->moment.code_ends_at_ms;
    else if (act >= '0' && act <= '2')
        life->way.resting |= 1U << (act - '0');
    else if (act == 'n')
        life->way.resting = 0;
    if (strchr("se012n", act) != NULL)
        return false;
    if (act == 'L')
        look(life);
    else if (act == 'm')
        miss(life);
    else if (answered != NULL)
        answer(life, (enum send_outcome)(answered - answers));
    else if (act >= 'A' && act <= 'C')
        report(life, A + (provider_tag)(act - 'A'), true);
    else if (act >= 'x' && act <= 'z')
        report(life, A + (provider_tag)(act - 'x'), false);
    else
        act_by_hand(life, act);
    return true;
}

static void note(struct life *life)
{
    static const char words[] = {
        [DELIVERY_NOTHING] = '-', [DELIVERY_SEND] = 'S',  [DELIVERY_MOVED] = 'M',
        [DELIVERY_WAITS] = 'W',   [DELIVERY_ENDED] = 'E', [DELIVERY_NOTED] = 'N',
    };
    provider_tag provider = life->delivery.provider;
    life->trace[life->trace_len++] = words[life->step];
    if (life->step == DELIVERY_MOVED)
        life->trace[life->trace_len++] = provider != 0 ? (char)('A' + provider - A) : '?';
    life->trace[life->trace_len++] = ' ';
}

static void live(struct life *life, const char *acts)
{
    for (; *acts != '\0'; acts++) {
        if (act(life, *acts))
            note(life);
    }
    life->trace[life->trace_len > 0 ? life->trace_len - 1 : 0] = '\0';
}

struct life_row {
    const char *name;
    size_t providers;
    int64_t fallback_ms;
    const char *acts;
    const char *trace;
    const char *state;
    bool is_open;
};

static const struct life_row life_rows[] = {
    {"taken", 1, 0, "La", "S E", "accepted", false},
    {"taken, and that is all", 1, 5000, "La", "S E", "accepted", false},
    {"taken, of two", 2, 0, "La", "S E", "accepted", false},
    {"refused", 1, 0, "LR", "S E", "failed", false},
    {"refused by all", 3, 0, "LRLRLR", "S MB S MC S E", "failed", false},
    {"the second takes it", 2, 0, "LRLa", "S MB S E", "accepted", false},
    {"patience with one", 1, 0, "LrLrLrLa", "S W S W S W S E", "accepted", false},
    {"patience twice, then the other", 2, 0, "LrLrLa", "S W S MB S E", "accepted", false},
    {"both ask for patience", 2, 0, "LrLrLrLrLa", "S W S MB S W S W S E", "accepted", false},
    {"back to who asked for patience", 2, 0, "LrLrLRLa", "S W S MB S MA S E", "accepted", false},
    {"unknown, alone", 1, 0, "Lu", "S E", "unknown", false},
    {"unknown, then the next", 2, 0, "LuLLa", "S W MB S E", "accepted", false},
    {"unknown, then refused", 2, 0, "LuLLR", "S W MB S E", "unknown", false},
    {"unknown twice", 2, 5000, "LuLLu", "S W MB S E", "unknown", false},
    {"crashed, alone", 1, 0, "LL", "S E", "unknown", false},
    {"crashed, then the next", 2, 0, "LLLLa", "S W MB S E", "accepted", false},
    {"fallback by time", 2, 8000, "LaLLa", "S W MB S E", "accepted", false},
    {"fallback by time fails", 2, 8000, "LaLLR", "S W MB S E", "accepted", false},
    {"delivered in time", 2, 8000, "LaA", "S W E", "delivered", false},
    {"delivered while the next has it", 2, 8000, "LaLLAa", "S W MB S E N", "delivered", false},
    {"delivered while it waits for the next", 2, 8000, "LaLAL", "S W MB E -", "delivered", false},
    {"reported before the answer", 1, 0, "LAa", "S E N", "delivered", false},
    {"reported twice", 1, 0, "LaAA", "S E E -", "delivered", false},
    {"never undone", 1, 0, "LaAx", "S E E -", "delivered", false},
    {"failed first, then delivered", 1, 0, "LaxA", "S E MA E", "delivered", false},
    {"reported to have failed", 2, 0, "LaxLLa", "S E MA MB S E", "accepted", false},
    {"reported to have failed, alone", 1, 0, "LaxL", "S E MA E", "failed", false},
    {"and twice", 2, 0, "LaxxLLa", "S E MA - MB S E", "accepted", false},
    {"failed before the answer", 2, 0, "LxaLLa", "S MA N MB S E", "accepted", false},
    {"failed later, of an earlier one", 2, 8000, "LaLLax", "S W MB S E N", "accepted", false},
    {"failed when the code has ended", 2, 0, "Laex", "S E E", "failed", false},
    {"the report of a stranger", 2, 0, "LayC", "S E - E", "delivered", false},
    {"used before it was sent", 1, 0, "sL", "E", "obsolete", false},
    {"used before it was sent again", 1, 0, "LrsL", "S W E", "obsolete", false},
    {"used before the fallback", 2, 8000, "LasL", "S W E", "accepted", false},
    {"used after unknown", 2, 8000, "LusL", "S W E", "unknown", false},
    {"used between the queues", 2, 8000, "LuLsL", "S W MB E", "unknown", false},
    {"ended before it was sent", 1, 0, "eL", "E", "expired", false},
    {"ended before it was sent again", 1, 0, "LreL", "S W E", "expired", false},
    {"ended before the fallback", 2, 8000, "LaeL", "S W E", "accepted", false},
    {"the first rests", 2, 0, "0LLa", "MB S E", "accepted", false},
    {"all rest", 2, 0, "01LnLa", "W S E", "accepted", false},
    {"one alone rests until the end", 1, 0, "0LeL", "W E", "expired", false},
    {"the next rests, the one after it not", 3, 0, "1LRLa", "S MC S E", "accepted", false},
    {"back to who was left alone", 2, 0, "0LnLRLa", "MB S MA S E", "accepted", false},
    {"not sent after all", 1, 0, "LwLa", "S MA S E", "accepted", false},
    {"no connection, then one", 1, 0, "mLa", "W S E", "accepted", false},
    {"no connection twice, then the other", 2, 0, "mmLa", "W MB S E", "accepted", false},
    {"no connection, and it rests since", 2, 0, "0mLLa", "W MB S E", "accepted", false},
    {"no connection, and used", 1, 0, "sm", "E", "obsolete", false},
    {"no connection before its end", 1, 0, "em", "E", "expired", false},
    {"no connection to the next", 2, 0, "LumLa", "S W MB S E", "accepted", false},
    {"dropped while it waits", 1, 0, "Lro", "S W E", "dropped", false},
    {"dropped while it is sent", 1, 0, "Loa", "S E N", "dropped", false},
    {"dropped when over", 1, 0, "Lao", "S E -", "accepted", false},
    {"again after a failure", 2, 0, "LRLRpLLa", "S MB S E M? MA S E", "accepted", false},
    {"not again when it was taken", 1, 0, "Lap", "S E -", "accepted", false},
    {"not again when its code is used", 1, 0, "LRsp", "S E -", "failed", false},
    {"again, and then the first one arrives", 1, 0, "LupLA", "S E M? MA E", "delivered", false},
    {"waits to be looked at", 2, 0, "Lu", "S W", "unknown", true},
};

static void lives(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof life_rows / sizeof life_rows[0]; i++) {
        const struct life_row *row = &life_rows[i];
        struct life life;
        begin(&life, row->providers, row->fallback_ms);
        live(&life, row->acts);
        if (strcmp(life.trace, row->trace) != 0)
            fail_msg("%s: %s gave %s", row->name, row->acts, life.trace);
        const char *name = delivery_state_name((enum delivery_state)life.delivery.state);
        if (strcmp(name, row->state) != 0)
            fail_msg("%s: it is %s", row->name, name);
        assert_row_equal(row->name, life.delivery.due_at_ms != STORE_NEVER, row->is_open);
    }
}

static void nothing_happens_before_it_is_due(void **state)
{
    struct life life;
    (void)state;
    begin(&life, 2, 0);
    live(&life, "Lr");
    struct delivery before = life.delivery;
    assert_true(life.delivery.due_at_ms > life.moment.now_ms);
    assert_int_equal(delivery_look(&life.delivery, &life.moment, &life.way), DELIVERY_NOTHING);
    assert_memory_equal(&before, &life.delivery, sizeof before);
}

static void times_of_an_attempt_are_kept(void **state)
{
    struct life life;
    (void)state;
    begin(&life, 1, 0);
    live(&life, "LaA");
    const struct attempt *attempt = &life.delivery.attempts[0];
    assert_int_equal(life.delivery.attempts_held, 1);
    assert_int_equal(attempt->provider, A);
    assert_int_equal(attempt->state, DELIVERY_DELIVERED);
    assert_int_equal(attempt->at_ms, NOW_MS);
    assert_int_equal(attempt->answered_after_ms, 200);
    assert_int_equal(attempt->reported_after_ms, 900);
    assert_int_equal(life.delivery.tries, 1);
}

static void a_lease_is_longer_than_a_channel_takes(void **state)
{
    struct life life;
    (void)state;
    begin(&life, 1, 0);
    live(&life, "L");
    assert_int_equal(life.delivery.state, DELIVERY_SUBMITTED);
    assert_int_equal(life.delivery.due_at_ms, NOW_MS + DELIVERY_LEASE_MS);
}

struct due_row {
    const char *name;
    int64_t fallback_ms;
    const char *acts;
    int64_t after_ms; // the submit
};

static const struct due_row due_rows[] = {
    {"unknown, nothing set", 0, "Lu", DELIVERY_UNKNOWN_MS},
    {"unknown", 8000, "Lu", 8000},
    {"taken", 8000, "La", 8000},
    {"refused: at once", 8000, "LR", 200},
    {"crashed: the time is over when it is seen", 8000, "LL", DELIVERY_LEASE_MS},
    {"reported to have failed: at once", 8000, "Lax", 900},
    {"at rest", 0, "01L", 5000},
};

static void next_look_is_when_the_route_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof due_rows / sizeof due_rows[0]; i++) {
        struct life life;
        begin(&life, 2, due_rows[i].fallback_ms);
        live(&life, due_rows[i].acts);
        assert_row_equal(due_rows[i].name, life.delivery.due_at_ms - NOW_MS, due_rows[i].after_ms);
    }
}

static void a_provider_may_ask_for_a_longer_delay(void **state)
{
    static const int64_t asked_ms[] = {0, 90000, CODE_MS};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct life life;
        const struct send_result result = {
            .outcome = SEND_RETRY, .reason = SEND_THROTTLED, .retry_after_ms = asked_ms[i]};
        begin(&life, 1, 0);
        live(&life, "L");
        enum delivery_step step =
            delivery_result(&life.delivery, &life.moment, &life.way, &life.sent, &result);
        assert_int_equal(step, i < 2 ? DELIVERY_WAITS : DELIVERY_ENDED);
        int64_t least_ms = asked_ms[i] > 0 ? asked_ms[i] : due_retry_delay_ms(1, 0);
        assert_int_equal(life.delivery.due_at_ms, i < 2 ? NOW_MS + least_ms : STORE_NEVER);
        assert_int_equal(life.delivery.state, i < 2 ? DELIVERY_QUEUED : DELIVERY_EXPIRED);
    }
}

static void a_long_delay_is_for_others_too_late(void **state)
{
    struct life life;
    const struct send_result result = {
        .outcome = SEND_RETRY, .reason = SEND_THROTTLED, .retry_after_ms = CODE_MS};
    (void)state;
    begin(&life, 2, 0);
    live(&life, "L");
    assert_int_equal(delivery_result(&life.delivery, &life.moment, &life.way, &life.sent, &result),
                     DELIVERY_MOVED);
    assert_int_equal(life.delivery.provider, A + 1);
    assert_int_equal(life.delivery.due_at_ms, NOW_MS);
}

static void texts_are_kept_as_far_as_there_is_room(void **state)
{
    static const uint8_t text[200] = "abc";
    struct life life;
    (void)state;
    begin(&life, 2, 0);
    live(&life, "L");
    struct send_result result = {.outcome = SEND_ACCEPTED,
                                 .provider_ref = span_make(text, DELIVERY_REF_BYTES_MAX)};
    (void)delivery_result(&life.delivery, &life.moment, &life.way, &life.sent, &result);
    assert_int_equal(life.delivery.ref_len, DELIVERY_REF_BYTES_MAX);
    assert_memory_equal(life.delivery.ref, text, DELIVERY_REF_BYTES_MAX);
    begin(&life, 2, 0);
    live(&life, "L");
    result = (struct send_result){.outcome = SEND_REFUSED,
                                  .provider_ref = span_make(text, DELIVERY_REF_BYTES_MAX + 1),
                                  .words = span_make(text, sizeof text)};
    (void)delivery_result(&life.delivery, &life.moment, &life.way, &life.sent, &result);
    assert_int_equal(life.delivery.ref_len, 0); // half a name would name something else
    assert_int_equal(life.delivery.words_len, DELIVERY_WORDS_BYTES_MAX);
    assert_memory_equal(life.delivery.words, text, DELIVERY_WORDS_BYTES_MAX);
}

static void provider_that_left_the_route_is_replaced(void **state)
{
    struct life life;
    (void)state;
    begin(&life, 2, 0);
    life.delivery.provider = 999;
    live(&life, "LLa");
    assert_string_equal(life.trace, "MA S E");
    begin(&life, 0, 0);
    live(&life, "L");
    assert_int_equal(life.delivery.state, DELIVERY_FAILED);
}

static void erased_address_fails(void **state)
{
    struct life life;
    (void)state;
    begin(&life, 1, 0);
    life.moment.has_address = false;
    live(&life, "L");
    assert_int_equal(life.delivery.state, DELIVERY_FAILED);
    begin(&life, 2, 0);
    live(&life, "La");
    life.moment.has_address = false;
    live(&life, "x");
    assert_int_equal(life.delivery.state, DELIVERY_FAILED);
}

// --- whatever happens --------------------------------------------------------------------------

struct history {
    bool is_barred[PROVIDERS]; // took it, refused it, or may have it
    unsigned sends;
    bool was_delivered;
};

static void note_acts(struct history *history, const struct life *life, char act)
{
    size_t provider = life->sent.provider - A;
    if (life->step == DELIVERY_NOTHING)
        return;
    if (act == 'a' || act == 'R' || act == 'u')
        history->is_barred[provider] = true;
    if (act == 'w' || (act == 'r' && life->step != DELIVERY_NOTED))
        history->is_barred[provider] = false; // it was not unknown after all
    if (act >= 'x' && act <= 'z' && life->step != DELIVERY_NOTHING)
        history->is_barred[act - 'x'] = true;
    if (act >= 'A' && act <= 'C')
        history->was_delivered = true;
    if (act == 'p')
        memset(history->is_barred, 0, sizeof history->is_barred);
}

static void assert_in_order(const struct life *life, const struct history *history)
{
    const struct delivery *delivery = &life->delivery;
    assert_in_range(delivery->attempts_held, 0, DELIVERY_ATTEMPTS_MAX);
    assert_true(delivery->state < DELIVERY_STATE_COUNT_);
    for (size_t i = 0; i + 1 < delivery->attempts_held; i++)
        assert_int_not_equal(delivery->attempts[i].state, DELIVERY_SUBMITTED);
    if (history->was_delivered) {
        assert_int_equal(delivery->state, DELIVERY_DELIVERED);
        assert_int_equal(delivery->due_at_ms, STORE_NEVER);
    }
    bool is_open = delivery->due_at_ms != STORE_NEVER;
    if (delivery->state == DELIVERY_QUEUED || delivery->state == DELIVERY_SUBMITTED)
        assert_true(is_open);
    if (delivery->state > DELIVERY_UNKNOWN || delivery->state == DELIVERY_FAILED)
        assert_false(is_open);
}

static void assert_may_send(const struct life *life, struct history *history, bool was_crash)
{
    if (was_crash)
        history->is_barred[life->sent.provider - A] = true;
    if (life->step != DELIVERY_SEND)
        return;
    history->sends++;
    assert_true(life->moment.is_code_live);
    assert_true(life->moment.now_ms < life->moment.code_ends_at_ms);
    assert_false(history->is_barred[life->sent.provider - A]);
    assert_false(history->was_delivered);
}

static void run_random_life(struct seeded *dice)
{
    static const char acts[] = "LLLLLLLLmmaarrrRRuuABCxyzsepw01n";
    struct life life;
    struct history history = {.sends = 0};
    begin(&life, 1 + seeded_below(dice, PROVIDERS), seeded_below(dice, 2) == 0 ? 0 : 8000);
    for (unsigned i = 0; i < 40; i++) {
        char next = acts[seeded_below(dice, sizeof acts - 1)];
        bool is_submitted = life.delivery.state == DELIVERY_SUBMITTED;
        bool is_rare = strchr("ABCsep", next) != NULL && seeded_below(dice, 6) != 0;
        if (is_rare || (strchr("arRuw", next) != NULL && life.sent.provider == 0))
            continue;
        life.way.jitter = (uint32_t)seeded_u64(dice);
        bool is_done = act(&life, next);
        if (next == 'L' || next == 'm')
            assert_may_send(&life, &history, is_submitted);
        else if (is_done)
            note_acts(&history, &life, next);
        assert_in_order(&life, &history);
    }
    for (unsigned i = 0; i < 60 && life.delivery.due_at_ms != STORE_NEVER; i++) {
        (void)act(&life, 'n');
        (void)act(&life, 'L');
        if (life.step == DELIVERY_SEND)
            (void)act(&life, i % 2 == 0 ? 'R' : 'a');
    }
    assert_int_equal(life.delivery.due_at_ms, STORE_NEVER);
}

static void no_life_breaks_a_promise(void **state)
{
    struct seeded dice;
    (void)state;
    seeded_init(&dice, 7);
    for (unsigned i = 0; i < 20000; i++)
        run_random_life(&dice);
}

// With eight providers that all asked for patience, none is forgotten for another's retries.
static void latest_word_of_each_provider_is_remembered(void **state)
{
    struct life life;
    (void)state;
    begin(&life, ROUTE_PROVIDERS_MAX, 1000);
    live(&life, "LuL");
    for (unsigned i = 0; i < 7; i++) {
        look(&life);
        answer(&life, SEND_RETRY);
        look(&life);
        answer(&life, SEND_RETRY);
    }
    for (unsigned i = 0; i < 12; i++) {
        look(&life);
        assert_int_equal(life.step, DELIVERY_SEND);
        assert_int_not_equal(life.sent.provider, A);
        answer(&life, SEND_RETRY);
    }
    assert_int_equal(life.delivery.attempts[0].provider, A);
    assert_int_equal(life.delivery.attempts[0].state, DELIVERY_UNKNOWN);
}

// --- the code ----------------------------------------------------------------------------------

static void the_record_says_whether_the_code_lives(void **state)
{
    struct outbox_entry entry = {.session = {.id = 5}, .salt = 9, .deadline_at_ms = NOW_MS + 10};
    struct record record = {.codes_held = 2,
                            .codes = {{.session = {.id = 4}, .salt = 9, .tries_max = 5},
                                      {.session = {.id = 5},
                                       .salt = 9,
                                       .tries = 4,
                                       .tries_max = 5,
                                       .expires_at_ms = NOW_MS + 99}}};
    struct delivery_moment moment;
    (void)state;
    entry.address.len = 60;
    delivery_moment_of(&entry, &record, NOW_MS, &moment);
    assert_true(moment.is_code_live);
    assert_true(moment.has_address);
    assert_int_equal(moment.now_ms, NOW_MS);
    assert_int_equal(moment.code_ends_at_ms, NOW_MS + 99); // a resend has moved it
    record.codes[1].tries = 5;
    delivery_moment_of(&entry, &record, NOW_MS, &moment);
    assert_false(moment.is_code_live);
    record.codes[1] = (struct live_code){.session = {.id = 5}, .salt = 10, .tries_max = 5};
    delivery_moment_of(&entry, &record, NOW_MS, &moment);
    assert_false(moment.is_code_live); // replaced
    record.codes_held = 1;
    entry.address.len = 0;
    delivery_moment_of(&entry, &record, NOW_MS, &moment);
    assert_false(moment.is_code_live); // used
    assert_false(moment.has_address);
    assert_int_equal(moment.code_ends_at_ms, NOW_MS + 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lives),
        cmocka_unit_test(nothing_happens_before_it_is_due),
        cmocka_unit_test(times_of_an_attempt_are_kept),
        cmocka_unit_test(a_lease_is_longer_than_a_channel_takes),
        cmocka_unit_test(next_look_is_when_the_route_says),
        cmocka_unit_test(a_provider_may_ask_for_a_longer_delay),
        cmocka_unit_test(a_long_delay_is_for_others_too_late),
        cmocka_unit_test(texts_are_kept_as_far_as_there_is_room),
        cmocka_unit_test(provider_that_left_the_route_is_replaced),
        cmocka_unit_test(erased_address_fails),
        cmocka_unit_test(no_life_breaks_a_promise),
        cmocka_unit_test(latest_word_of_each_provider_is_remembered),
        cmocka_unit_test(the_record_says_whether_the_code_lives),
    };
    return cmocka_run_group_tests_name("outbox/delivery", tests, NULL, NULL);
}
