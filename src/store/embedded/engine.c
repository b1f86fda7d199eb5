// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
//   attempt:  begin ─▶ each op ─▶ settled entries ─▶ setting ─▶ a few expiries ─▶ state ─▶ commit
//                │ no room anywhere: all of it vanishes
//                ▼
//   attempt that may not write: who only reads is answered, the others are refused
//
// The second attempt runs every transition again: what a reader saw of an earlier op in the batch
// is gone with it.
//
// While there is no room, expiry and settled entries get a small transaction of their own before
// the ops: deleting may succeed where adding does not, and so makes room again.
//
// Expiry. Each record that will say nothing any more at some time has a row (minute, key) in the
// index. A row is added when there is none and stays where it is when the record changes. When its
// minute has come it is popped and the record looked at, which is then deleted, indexed again at
// its present end, or, when it has none any more, left alone.
#include "store/embedded/engine.h"

#include "base/assert.h"

#define MINUTE_MS 60000
#define EXPIRIES_PER_OP 2U // more than one, so that popping outruns growth
#define EXPIRIES_TIDY 64U

struct attempt {
    struct engine *engine;
    struct engine_batch *batch;
    bool may_write;
    bool is_dirty;
    bool is_unknown; // what became of the commit
    size_t entries_room;
    uint64_t next_sequence;
};

static struct attempt attempt_of(struct engine *engine, struct engine_batch *batch, bool may_write)
{
    return (struct attempt){.engine = engine,
                            .batch = batch,
                            .may_write = may_write,
                            .entries_room = batch->entries_room,
                            .next_sequence = engine->next_sequence};
}

static struct span key_span(const struct record_key *key)
{
    return span_make(key, sizeof *key);
}

static void log_bad_row(const struct engine *engine, const char *what, struct span key,
                        enum codec_verdict verdict)
{
    uint8_t hex[2 * TABLE_KEY_BYTES_MAX];
    struct strbuf text = strbuf_over(hex, sizeof hex);
    strbuf_put_hex(&text, key);
    LOG_EVENT(engine->log, LOG_ERROR, "store.bad_row", log_text("what", span_of_text(what)),
              log_text("key", strbuf_span(&text)),
              log_text("why", span_of_text(codec_verdict_text(verdict))));
}

// --- one op ---

struct loaded {
    struct record record;
    enum codec_verdict verdict;
    int64_t expires_at_ms; // INT64_MAX: has no row in the index
};

static enum table_result load(const struct engine *engine, const struct record_key *key,
                              struct loaded *loaded)
{
    struct span value;
    memset(&loaded->record, 0, sizeof loaded->record);
    loaded->verdict = CODEC_OK;
    loaded->expires_at_ms = INT64_MAX;
    enum table_result result = table_get(engine->table, TABLE_RECORDS, key_span(key), &value);
    if (result == TABLE_NONE)
        return TABLE_OK;
    if (result != TABLE_OK)
        return result;
    loaded->verdict = codec_read_record(key, value, &loaded->record);
    if (loaded->verdict == CODEC_OK)
        loaded->expires_at_ms = record_expires_at_ms(&loaded->record);
    else
        log_bad_row(engine, "record", key_span(key), loaded->verdict);
    return TABLE_OK;
}

// The first minute in which it has expired.
static uint32_t minute_of(int64_t expires_at_ms)
{
    int64_t minute = expires_at_ms / MINUTE_MS + 1;
    return minute < UINT32_MAX ? (uint32_t)minute : UINT32_MAX;
}

static enum table_result put_expiry(const struct engine *engine, const struct record_key *key,
                                    int64_t expires_at_ms)
{
    const struct codec_expiry expiry = {minute_of(expires_at_ms), *key};
    uint8_t name[CODEC_EXPIRY_KEY_BYTES], storage[CODEC_FRAME_BYTES];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    codec_expiry_key(&expiry, name);
    codec_put_expiry(span_make(name, sizeof name), &value);
    return table_put(engine->table, TABLE_EXPIRY, span_make(name, sizeof name),
                     strbuf_span(&value));
}

static enum table_result put_record(const struct engine *engine, const struct record_key *key,
                                    const struct loaded *loaded)
{
    uint8_t storage[CODEC_RECORD_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    codec_put_record(key, &loaded->record, &value);
    enum table_result result =
        table_put(engine->table, TABLE_RECORDS, key_span(key), strbuf_span(&value));
    int64_t expires_at_ms = record_expires_at_ms(&loaded->record);
    bool has_row = loaded->expires_at_ms != INT64_MAX;
    if (result != TABLE_OK || has_row || expires_at_ms == INT64_MAX)
        return result;
    return put_expiry(engine, key, expires_at_ms);
}

static enum table_result put_entry(const struct engine *engine, uint64_t sequence,
                                   const struct outbox_entry *entry)
{
    uint8_t name[CODEC_ENTRY_KEY_BYTES], storage[CODEC_ENTRY_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    codec_entry_key(sequence, name);
    codec_put_entry(sequence, entry, &value);
    return table_put(engine->table, TABLE_ENTRIES, span_make(name, sizeof name),
                     strbuf_span(&value));
}

static enum table_result save(struct attempt *attempt, size_t i, const struct loaded *loaded)
{
    struct engine_batch *batch = attempt->batch;
    const struct store_op *op = batch->ops[i];
    attempt->is_dirty = true;
    enum table_result result = put_record(attempt->engine, &op->key, loaded);
    if (result != TABLE_OK || !op->has_entry)
        return result;
    attempt->entries_room--;
    batch->sequences[i] = attempt->next_sequence++;
    return put_entry(attempt->engine, batch->sequences[i], &op->entry);
}

static enum store_outcome outcome_before_saving(const struct attempt *attempt,
                                                const struct store_op *op)
{
    if (op->has_entry && attempt->entries_room == 0)
        return STORE_REFUSED_BUSY;
    if (op->has_entry && table_is_tight(attempt->engine->table))
        return STORE_REFUSED_FULL; // what is left is for codes that are being validated
    return attempt->may_write ? STORE_COMMITTED : STORE_REFUSED_FULL;
}

static enum table_result run_op(struct attempt *attempt, size_t i)
{
    struct store_op *op = attempt->batch->ops[i];
    enum store_outcome *outcome = &attempt->batch->outcomes[i];
    struct loaded loaded;
    enum table_result result = load(attempt->engine, &op->key, &loaded);
    *outcome = loaded.verdict == CODEC_OK ? STORE_COMMITTED : STORE_REFUSED_FAILED;
    if (result != TABLE_OK || loaded.verdict != CODEC_OK)
        return result;
    op->is_changed = false;
    op->has_entry = false;
    op->transition(op, &loaded.record, attempt->batch->mark.at_ms);
    if (!op->is_changed && !op->has_entry)
        return TABLE_OK;
    *outcome = outcome_before_saving(attempt, op);
    return *outcome == STORE_COMMITTED ? save(attempt, i, &loaded) : TABLE_OK;
}

static enum table_result run_ops(struct attempt *attempt)
{
    enum table_result result = TABLE_OK;
    for (size_t i = 0; result == TABLE_OK && i < attempt->batch->ops_count; i++)
        result = run_op(attempt, i);
    return result;
}

// --- what goes with the ops ---

// An entry that is not there was settled before a crash, and its settlement committed since.
static enum table_result save_change(const struct engine *engine, const struct entry_change *change)
{
    uint8_t name[CODEC_ENTRY_KEY_BYTES];
    struct span value, key = span_make(name, sizeof name);
    struct outbox_entry entry;
    codec_entry_key(change->sequence, name);
    enum table_result result = table_get(engine->table, TABLE_ENTRIES, key, &value);
    if (result != TABLE_OK)
        return result;
    if (change->is_over)
        return table_del(engine->table, TABLE_ENTRIES, key);
    enum codec_verdict verdict = codec_read_entry(change->sequence, value, &entry);
    if (verdict != CODEC_OK) {
        log_bad_row(engine, "outbox entry", key, verdict);
        return TABLE_OK;
    }
    entry.tries = change->tries;
    entry.due_at_ms = change->due_at_ms;
    return put_entry(engine, change->sequence, &entry);
}

static enum table_result save_changes(struct attempt *attempt)
{
    const struct engine_batch *batch = attempt->batch;
    if (batch->has_saved_changes)
        return TABLE_OK;
    for (size_t i = 0; i < batch->changes_count; i++) {
        enum table_result result = save_change(attempt->engine, &batch->changes[i]);
        if (result == TABLE_FULL || result == TABLE_FAILED)
            return result;
        attempt->is_dirty = true;
    }
    return TABLE_OK;
}

static enum table_result save_setting(struct attempt *attempt)
{
    const struct setting *setting = attempt->batch->setting;
    if (setting == NULL)
        return TABLE_OK;
    uint8_t storage[CODEC_VALUE_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    codec_put_setting(setting, &value);
    attempt->is_dirty = true;
    return table_put(attempt->engine->table, TABLE_SETTINGS, setting->name, strbuf_span(&value));
}

// A record whose end has come is deleted; one that ends later is indexed there.
static enum table_result look_at_expired(const struct engine *engine, const struct record_key *key,
                                         int64_t now_ms)
{
    struct loaded loaded;
    enum table_result result = load(engine, key, &loaded);
    if (result != TABLE_OK || loaded.verdict != CODEC_OK || loaded.expires_at_ms == INT64_MAX)
        return result;
    if (loaded.expires_at_ms > now_ms)
        return put_expiry(engine, key, loaded.expires_at_ms);
    return table_del(engine->table, TABLE_RECORDS, key_span(key));
}

// The first row of the index if its minute has come, and TABLE_NONE otherwise.
static enum table_result pop_expiry(const struct engine *engine, int64_t now_ms)
{
    struct codec_expiry expiry;
    struct span key, value;
    uint8_t name[TABLE_KEY_BYTES_MAX];
    enum table_result result =
        table_next(engine->table, TABLE_EXPIRY, span_make(NULL, 0), &key, &value);
    if (result != TABLE_OK)
        return result;
    enum codec_verdict verdict = codec_read_expiry(key, value, &expiry);
    if (verdict != CODEC_OK)
        log_bad_row(engine, "expiry", key, verdict); // a record may stay for longer
    if (verdict == CODEC_OK && (int64_t)expiry.minute * MINUTE_MS > now_ms)
        return TABLE_NONE;
    ASSERT(key.len <= sizeof name);
    memcpy(name, key.data, key.len); // the row itself goes with the first change
    result = table_del(engine->table, TABLE_EXPIRY, span_make(name, key.len));
    if (result != TABLE_OK || verdict != CODEC_OK)
        return result;
    return look_at_expired(engine, &expiry.key, now_ms);
}

static enum table_result expire(struct attempt *attempt, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum table_result result = pop_expiry(attempt->engine, attempt->batch->mark.at_ms);
        if (result == TABLE_NONE)
            return TABLE_OK;
        if (result != TABLE_OK)
            return result;
    }
    return TABLE_OK;
}

static enum table_result save_state(const struct attempt *attempt)
{
    const struct codec_state state = {attempt->engine->commits + 1, attempt->batch->mark};
    uint8_t storage[CODEC_STATE_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    codec_put_state(&state, &value);
    return table_put(attempt->engine->table, TABLE_META, SPAN(CODEC_STATE_KEY),
                     strbuf_span(&value));
}

// --- attempts ---

static void refuse_all(struct engine_batch *batch, enum store_outcome outcome)
{
    for (size_t i = 0; i < batch->ops_count; i++)
        batch->outcomes[i] = outcome;
}

static enum table_result commit(struct attempt *attempt)
{
    struct engine *engine = attempt->engine;
    enum table_result result = save_state(attempt);
    if (result != TABLE_OK)
        return result;
    result = table_commit(engine->table);
    attempt->is_unknown = result == TABLE_FAILED;
    if (result != TABLE_OK)
        return result;
    engine->commits++;
    metrics_count(engine->metrics, METRIC_STORE_COMMITS, 0, 0);
    engine->marked_at_ms = attempt->batch->mark.at_ms;
    engine->next_sequence = attempt->next_sequence;
    return TABLE_OK;
}

static bool is_mark_due(const struct attempt *attempt)
{
    int64_t ahead_ms = attempt->batch->mark.at_ms - attempt->engine->marked_at_ms;
    return ahead_ms >= STORE_TIME_AHEAD_MS;
}

static enum table_result write_all(struct attempt *attempt)
{
    enum table_result result = run_ops(attempt);
    if (result == TABLE_OK)
        result = save_changes(attempt);
    if (result == TABLE_OK)
        result = save_setting(attempt);
    if (result != TABLE_OK || (!attempt->is_dirty && !is_mark_due(attempt)))
        return result;
    result = expire(attempt, EXPIRIES_PER_OP * (attempt->batch->ops_count + 1));
    return result == TABLE_OK ? commit(attempt) : result;
}

static enum table_result write_tidily(struct attempt *attempt)
{
    enum table_result result = save_changes(attempt);
    if (result == TABLE_OK)
        result = expire(attempt, EXPIRIES_TIDY);
    return result == TABLE_OK ? commit(attempt) : result;
}

// What was not committed by then vanishes.
static enum table_result make(struct attempt *attempt,
                              enum table_result (*body)(struct attempt *attempt))
{
    struct table *table = attempt->engine->table;
    enum table_result result = table_begin(table);
    if (result == TABLE_OK)
        result = body(attempt);
    table_abort(table);
    return result;
}

static enum table_result try_tidying(struct engine *engine, struct engine_batch *batch)
{
    struct attempt attempt = attempt_of(engine, batch, true);
    enum table_result result = make(&attempt, write_tidily);
    batch->has_saved_changes = result == TABLE_OK;
    if (result == TABLE_FAILED)
        refuse_all(batch, STORE_REFUSED_FAILED); // the ops were not in it
    return result;
}

static enum table_result try_writing(struct engine *engine, struct engine_batch *batch)
{
    struct attempt attempt = attempt_of(engine, batch, true);
    enum table_result result = make(&attempt, write_all);
    if (result == TABLE_OK) {
        batch->has_saved_changes = true;
        batch->has_saved_setting = batch->setting != NULL;
    }
    if (result == TABLE_FAILED)
        refuse_all(batch, attempt.is_unknown ? STORE_UNKNOWN : STORE_REFUSED_FAILED);
    return result;
}

static enum table_result try_reading(struct engine *engine, struct engine_batch *batch)
{
    struct attempt attempt = attempt_of(engine, batch, false);
    enum table_result result = make(&attempt, run_ops);
    if (result != TABLE_OK)
        refuse_all(batch, STORE_REFUSED_FAILED);
    return result;
}

// One line when the room ends and one when there is some again.
static void set_tight(struct engine *engine, bool is_tight)
{
    if (engine->is_tight == is_tight)
        return;
    engine->is_tight = is_tight;
    if (!is_tight) {
        LOG_EVENT(engine->log, LOG_INFO, "store.has_room",
                  log_number("commit", (int64_t)engine->commits));
        return;
    }
    LOG_EVENT(engine->log, LOG_ERROR, "store.full",
              log_text("what", span_of_text(table_failure(engine->table))));
}

static enum engine_end fail(const struct engine *engine)
{
    LOG_EVENT(engine->log, LOG_ERROR, "store.failed",
              log_text("what", span_of_text(table_failure(engine->table))),
              log_number("commit", (int64_t)engine->commits));
    return ENGINE_FAILED;
}

enum engine_end engine_run(struct engine *engine, struct engine_batch *batch)
{
    ASSERT(batch->ops_count <= ENGINE_OPS_MAX);
    batch->has_saved_changes = false;
    batch->has_saved_setting = false;
    if (engine->is_tight && try_tidying(engine, batch) == TABLE_FAILED)
        return fail(engine);
    uint64_t commits_before = engine->commits;
    enum table_result result = try_writing(engine, batch);
    if (engine->commits != commits_before)
        set_tight(engine, false);
    if (result == TABLE_FULL) {
        set_tight(engine, true);
        result = try_reading(engine, batch);
    }
    return result == TABLE_OK ? ENGINE_DONE : fail(engine);
}
