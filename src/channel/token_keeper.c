// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/token_keeper.h"

#include "base/assert.h"
#include "crypto/pure/mac.h"

#define MS_PER_SECOND 1000

void keeper_init(struct token_keeper *keeper, int64_t refresh_ms)
{
    *keeper = (struct token_keeper){.state = KEEPER_TO_READ, .refresh_ms = refresh_ms};
}

void keeper_wipe(struct token_keeper *keeper)
{
    wipe(keeper, sizeof *keeper);
}

static bool has_pair(const struct token_keeper *keeper)
{
    return keeper->held.refresh.len > 0;
}

static bool is_same_refresh(const struct token_pair *a, const struct token_pair *b)
{
    return a->refresh.len == b->refresh.len &&
           bytes_equal_secret(a->refresh.bytes, b->refresh.bytes, a->refresh.len);
}

// --- when ------------------------------------------------------------------------------------

// A token that lives for less than twice the usual margin is renewed in the middle of its life.
static int64_t early_ms(const struct token_pair *pair)
{
    int64_t half_ms = (pair->access_ends_at_ms - pair->obtained_at_ms) / 2;
    return half_ms < TOKEN_EARLY_MS ? half_ms : TOKEN_EARLY_MS;
}

static int64_t due_at_ms(const struct token_keeper *keeper)
{
    if (!has_pair(keeper) || keeper->is_spent)
        return INT64_MAX;
    bool is_wanted = keeper->is_refused || keeper->held.access.len == 0;
    int64_t due_ms = is_wanted ? 0 : keeper->held.access_ends_at_ms - early_ms(&keeper->held);
    return due_ms > keeper->retry_at_ms ? due_ms : keeper->retry_at_ms;
}

static void put_off(struct token_keeper *keeper, int64_t now_ms)
{
    int64_t delay_ms = TOKEN_RETRY_FIRST_MS;
    for (unsigned i = 0; i < keeper->failures && delay_ms < TOKEN_RETRY_LONGEST_MS; i++)
        delay_ms *= 2;
    keeper->failures++;
    keeper->retry_at_ms =
        now_ms + (delay_ms < TOKEN_RETRY_LONGEST_MS ? delay_ms : TOKEN_RETRY_LONGEST_MS);
}

static enum keeper_step begin(struct token_keeper *keeper, enum keeper_state state,
                              enum keeper_step step)
{
    keeper->state = state;
    return step;
}

static void look(struct token_keeper *keeper, enum keeper_look look)
{
    keeper->state = KEEPER_TO_READ;
    keeper->look = look;
}

static enum keeper_step rest_until(struct token_keeper *keeper, int64_t at_ms)
{
    keeper->wakes_at_ms = at_ms;
    return KEEPER_REST;
}

static void wake(struct token_keeper *keeper, int64_t now_ms)
{
    if (keeper->state != KEEPER_RESTING)
        return;
    if (keeper->is_changed)
        look(keeper, KEEPER_LOOK);
    else if (due_at_ms(keeper) <= now_ms)
        look(keeper, KEEPER_LOOK_TO_ASK);
}

enum keeper_step keeper_next(struct token_keeper *keeper, int64_t now_ms)
{
    wake(keeper, now_ms);
    switch (keeper->state) {
    case KEEPER_RESTING:
        return rest_until(keeper, due_at_ms(keeper));
    case KEEPER_TO_READ:
        keeper->is_changed = false;
        return begin(keeper, KEEPER_READING, KEEPER_READ);
    case KEEPER_TO_ASK:
        return begin(keeper, KEEPER_ASKING, KEEPER_ASK);
    case KEEPER_TO_WRITE:
        if (keeper->retry_at_ms > now_ms)
            return rest_until(keeper, keeper->retry_at_ms);
        return begin(keeper, KEEPER_WRITING, KEEPER_WRITE);
    case KEEPER_READING:
    case KEEPER_ASKING:
    case KEEPER_WRITING:
        return rest_until(keeper, INT64_MAX); // it is told
    }
    UNREACHABLE();
}

struct span keeper_refresh_token(const struct token_keeper *keeper)
{
    ASSERT(keeper->state == KEEPER_ASKING);
    return token_span(&keeper->held.refresh);
}

const struct token_pair *keeper_fresh(const struct token_keeper *keeper, uint64_t *version_out)
{
    ASSERT(keeper->state == KEEPER_WRITING);
    *version_out = keeper->version + 1;
    return &keeper->fresh;
}

// --- what happened ---------------------------------------------------------------------------

// All that was known of the old pair is of no interest any more.
static void adopt(struct token_keeper *keeper, const struct token_pair *pair, uint64_t version)
{
    keeper->held = *pair;
    keeper->version = version;
    keeper->is_spent = false;
    keeper->is_refused = false;
    keeper->was_told_no = false;
    keeper->failures = 0;
    keeper->retry_at_ms = 0;
    keeper->words_len = 0;
}

static void forget_fresh(struct token_keeper *keeper)
{
    wipe(&keeper->fresh, sizeof keeper->fresh);
}

static void read_to_write(struct token_keeper *keeper, const struct token_pair *stored,
                          uint64_t version)
{
    keeper->state = KEEPER_TO_WRITE;
    if (is_same_refresh(stored, &keeper->held)) {
        keeper->version = version;
        return;
    }
    forget_fresh(keeper);
    adopt(keeper, stored, version);
    keeper->state = KEEPER_RESTING;
}

// Nothing has changed since the last time.
static void read_the_same(struct token_keeper *keeper)
{
    if (keeper->look == KEEPER_LOOK_TO_ASK)
        keeper->state = KEEPER_TO_ASK;
    if (keeper->look != KEEPER_LOOK_AFTER_SPENT)
        return;
    keeper->is_spent = true;
    keeper->news = KEEPER_SPENT;
}

void keeper_read(struct token_keeper *keeper, const struct token_pair *stored, uint64_t version)
{
    bool is_new = !keeper->is_read || version != keeper->version;
    ASSERT(keeper->state == KEEPER_READING);
    if (keeper->look == KEEPER_LOOK_TO_WRITE) {
        read_to_write(keeper, stored, version);
        return;
    }
    keeper->state = KEEPER_RESTING;
    keeper->is_read = true;
    if (!is_new) {
        read_the_same(keeper);
        return;
    }
    adopt(keeper, stored, version);
    if (!has_pair(keeper))
        keeper->news = KEEPER_NONE;
}

static void given(struct token_keeper *keeper, int64_t now_ms, const struct token_reply *reply)
{
    struct token_pair *fresh = &keeper->fresh;
    bool has_refresh = reply->refresh.len > 0;
    fresh->access = reply->access;
    fresh->refresh = has_refresh ? reply->refresh : keeper->held.refresh;
    fresh->obtained_at_ms = now_ms;
    fresh->access_ends_at_ms = now_ms + (int64_t)reply->seconds * MS_PER_SECOND;
    fresh->refresh_ends_at_ms =
        has_refresh ? now_ms + keeper->refresh_ms : keeper->held.refresh_ends_at_ms;
    keeper->failures = 0;
    keeper->retry_at_ms = 0;
    keeper->state = KEEPER_TO_WRITE;
}

static void not_given(struct token_keeper *keeper, int64_t now_ms, const struct token_reply *reply)
{
    keeper->was_told_no = reply->answer == TOKEN_REFUSED;
    keeper->words_len = reply->words_len;
    memcpy(keeper->words, reply->words, reply->words_len);
    put_off(keeper, now_ms);
    keeper->state = KEEPER_RESTING;
    keeper->news = KEEPER_NOT_RENEWED;
}

void keeper_answered(struct token_keeper *keeper, int64_t now_ms, const struct token_reply *reply)
{
    ASSERT(keeper->state == KEEPER_ASKING);
    if (reply->answer == TOKEN_GIVEN) {
        given(keeper, now_ms, reply);
        return;
    }
    not_given(keeper, now_ms, reply);
    if (reply->answer != TOKEN_SPENT)
        return;
    keeper->news = KEEPER_NO_NEWS; // perhaps somebody else has renewed it
    look(keeper, KEEPER_LOOK_AFTER_SPENT);
}

void keeper_written(struct token_keeper *keeper, int64_t now_ms, enum err err)
{
    ASSERT(keeper->state == KEEPER_WRITING);
    if (err == ERR_BUSY) {
        look(keeper, KEEPER_LOOK_TO_WRITE);
        return;
    }
    if (err != ERR_OK) {
        put_off(keeper, now_ms);
        keeper->state = KEEPER_TO_WRITE;
        keeper->news = KEEPER_NOT_WRITTEN;
        return;
    }
    adopt(keeper, &keeper->fresh, keeper->version + 1);
    forget_fresh(keeper);
    keeper->state = KEEPER_RESTING;
    keeper->news = KEEPER_RENEWED;
}

void keeper_changed(struct token_keeper *keeper)
{
    keeper->is_changed = true;
}

// --- using it --------------------------------------------------------------------------------

static bool has_new_pair(const struct token_keeper *keeper)
{
    return keeper->fresh.refresh.len > 0;
}

enum keeper_access keeper_use(const struct token_keeper *keeper, int64_t now_ms,
                              struct span *token_out, uint64_t *version_out)
{
    const struct token_pair *held = &keeper->held;
    bool is_alive = held->access.len > 0 && held->access_ends_at_ms > now_ms;
    *token_out = token_span(&held->access);
    *version_out = keeper->version;
    if (!keeper->is_read)
        return KEEPER_SOON;
    if (is_alive && !keeper->is_refused && !has_new_pair(keeper))
        return KEEPER_USABLE;
    return keeper_problem(keeper) == KEEPER_NO_NEWS ? KEEPER_SOON : KEEPER_NEVER;
}

bool keeper_refused(struct token_keeper *keeper, int64_t now_ms, uint64_t version)
{
    bool is_other = version != keeper->version || keeper->is_refused || has_new_pair(keeper);
    int64_t ago_ms = now_ms - keeper->refused_at_ms;
    if (is_other)
        return true;
    if (keeper->was_refused && ago_ms >= 0 && ago_ms < TOKEN_REFUSED_AGAIN_MS)
        return false;
    keeper->was_refused = true;
    keeper->refused_at_ms = now_ms;
    keeper->is_refused = true;
    return keeper_problem(keeper) == KEEPER_NO_NEWS;
}

enum keeper_news keeper_problem(const struct token_keeper *keeper)
{
    if (!has_pair(keeper))
        return KEEPER_NONE;
    if (keeper->is_spent)
        return KEEPER_SPENT;
    return keeper->was_told_no ? KEEPER_NOT_RENEWED : KEEPER_NO_NEWS;
}

bool keeper_ends_soon(const struct token_keeper *keeper, int64_t now_ms)
{
    return has_pair(keeper) && keeper->held.refresh_ends_at_ms - now_ms < TOKEN_WARN_MS;
}

enum keeper_news keeper_take_news(struct token_keeper *keeper)
{
    enum keeper_news news = keeper->news;
    keeper->news = KEEPER_NO_NEWS;
    return news;
}
