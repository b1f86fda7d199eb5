// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
//   pass:  begin ─▶ each op ─▶ setting ─▶ a few expiries, of all sorts ─▶ state ─▶ commit
//                │ no room anywhere: all of it vanishes
//                ▼
//   pass that may not write: who only reads is answered, the others are refused
//
// The second pass runs every transition again: what a reader saw of an earlier op in the batch
// is gone with it.
//
// While there is no room, expiry gets a small transaction of its own before the ops: deleting may
// succeed where adding does not, and so makes room again.
//
// Expiry. Each record that will say nothing any more at some time has a row (minute, key) in the
// index. A row is added when there is none and stays where it is when the record changes. When its
// minute has come it is popped and the record looked at, which is then deleted, indexed again at
// its present end, or, when it has none any more, left alone.
#include "store/embedded/pass.h"

#include "base/assert.h"

#define MINUTE_MS 60000
#define EXPIRIES_PER_OP 2U // more than one, so that popping outruns growth
#define EXPIRIES_TIDY 64U

static void pass_init(struct pass *pass, struct engine *engine, struct engine_batch *batch,
                      bool may_write)
{
    pass->engine = engine;
    pass->batch = batch;
    pass->may_write = may_write;
    pass->is_dirty = pass->is_unknown = false;
    pass->entries_room = batch->entries_room;
    pass->next_sequence = engine->next_sequence;
    pass->first_reopened = UINT64_MAX;
    pass->new_count = pass->changed_count = 0;
}

static struct span key_span(const struct record_key *key)
{
    return span_make(key, sizeof *key);
}

void pass_log_bad(const struct engine *engine, const char *what, struct span key,
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

enum table_result pass_load_record(const struct engine *engine, const struct record_key *key,
                                   struct loaded_record *loaded)
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
        pass_log_bad(engine, "record", key_span(key), loaded->verdict);
    return TABLE_OK;
}

static enum table_result put_expiry(const struct engine *engine, const struct record_key *key,
                                    int64_t expires_at_ms)
{
    const struct codec_expiry expiry = {codec_minute_of(expires_at_ms), *key};
    uint8_t name[CODEC_EXPIRY_KEY_BYTES], storage[CODEC_FRAME_BYTES];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    codec_expiry_key(&expiry, name);
    codec_put_expiry(span_make(name, sizeof name), &value);
    return table_put(engine->table, TABLE_EXPIRY, span_make(name, sizeof name),
                     strbuf_span(&value));
}

static enum table_result put_record(const struct engine *engine, const struct record_key *key,
                                    const struct loaded_record *loaded)
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

static enum table_result save(struct pass *pass, size_t i, const struct loaded_record *loaded)
{
    const struct store_op *op = pass->batch->ops[i];
    pass->is_dirty = true;
    enum table_result result = put_record(pass->engine, &op->key, loaded);
    if (result != TABLE_OK || !op->has_entry || pass_is_promised(pass, &op->entry))
        return result;
    return pass_add_entry(pass, i);
}

static enum store_outcome outcome_before_saving(const struct pass *pass, const struct store_op *op)
{
    bool has_room = pass->entries_room > 0 || !op->has_entry;
    if (!has_room && !pass_is_promised(pass, &op->entry))
        return STORE_REFUSED_BUSY;
    if (op->has_entry && table_is_tight(pass->engine->table))
        return STORE_REFUSED_FULL; // what is left is for codes that are being validated
    return pass->may_write ? STORE_COMMITTED : STORE_REFUSED_FULL;
}

static enum table_result run_op(struct pass *pass, size_t i)
{
    struct store_op *op = pass->batch->ops[i];
    enum store_outcome *outcome = &pass->batch->outcomes[i];
    struct loaded_record loaded;
    pass->batch->sequences[i] = 0;
    enum table_result result = pass_load_record(pass->engine, &op->key, &loaded);
    *outcome = loaded.verdict == CODEC_OK ? STORE_COMMITTED : STORE_REFUSED_FAILED;
    if (result != TABLE_OK || loaded.verdict != CODEC_OK)
        return result;
    op->is_changed = false;
    op->has_entry = false;
    op->transition(op, &loaded.record, pass->batch->mark.at_ms);
    if (!op->is_changed && !op->has_entry)
        return TABLE_OK;
    *outcome = outcome_before_saving(pass, op);
    return *outcome == STORE_COMMITTED ? save(pass, i, &loaded) : TABLE_OK;
}

static enum table_result run_ops(struct pass *pass)
{
    enum table_result result = TABLE_OK;
    for (size_t i = 0; result == TABLE_OK && i < pass->batch->ops_count; i++)
        result = run_op(pass, i);
    return result == TABLE_OK ? pass_run_deliveries(pass) : result;
}

// --- what goes with the ops ---

static enum table_result save_setting(struct pass *pass)
{
    const struct setting *setting = pass->batch->setting;
    if (setting == NULL)
        return TABLE_OK;
    uint8_t storage[CODEC_VALUE_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    codec_put_setting(setting, &value);
    pass->is_dirty = true;
    return table_put(pass->engine->table, TABLE_SETTINGS, setting->name, strbuf_span(&value));
}

// A record whose end has come is deleted; one that ends later is indexed there.
static enum table_result look_at_expired(const struct engine *engine, const struct record_key *key,
                                         int64_t now_ms)
{
    struct loaded_record loaded;
    enum table_result result = pass_load_record(engine, key, &loaded);
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
        pass_log_bad(engine, "expiry", key, verdict); // a record may stay for longer
    if (verdict == CODEC_OK && (int64_t)expiry.minute * MINUTE_MS > now_ms)
        return TABLE_NONE;
    ASSERT(key.len <= sizeof name);
    memcpy(name, key.data, key.len); // the row itself goes with the first change
    result = table_del(engine->table, TABLE_EXPIRY, span_make(name, key.len));
    if (result != TABLE_OK || verdict != CODEC_OK)
        return result;
    return look_at_expired(engine, &expiry.key, now_ms);
}

static enum table_result expire(struct pass *pass, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum table_result result = pop_expiry(pass->engine, pass->batch->mark.at_ms);
        if (result == TABLE_NONE)
            break;
        if (result != TABLE_OK)
            return result;
    }
    return pass_sweep_outbox(pass, count);
}

static enum table_result save_state(const struct pass *pass, uint64_t first_open)
{
    const struct codec_state state = {
        .commit = pass->engine->commits + 1,
        .mark = pass->batch->mark,
        .first_open = first_open,
        .next_sequence = pass->next_sequence,
    };
    uint8_t storage[CODEC_STATE_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    codec_put_state(&state, &value);
    return table_put(pass->engine->table, TABLE_META, SPAN(CODEC_STATE_KEY), strbuf_span(&value));
}

// --- passs ---

static void refuse_all(struct engine_batch *batch, enum store_outcome outcome)
{
    for (size_t i = 0; i < batch->ops_count; i++)
        batch->outcomes[i] = outcome;
    for (size_t i = 0; i < batch->deliveries_count; i++)
        batch->delivery_outcomes[i] = outcome;
}

static enum table_result commit(struct pass *pass)
{
    struct engine *engine = pass->engine;
    uint64_t first_open = pass_first_open(pass);
    int64_t began_ns = metrics_now_ns(engine->metrics);
    enum table_result result = save_state(pass, first_open);
    if (result != TABLE_OK)
        return result;
    result = table_commit(engine->table);
    pass->is_unknown = result == TABLE_FAILED;
    if (result != TABLE_OK)
        return result;
    engine->commits++;
    metrics_committed(engine->metrics, began_ns);
    engine->marked_at_ms = pass->batch->mark.at_ms;
    engine->next_sequence = pass->next_sequence;
    engine->first_open = first_open;
    return TABLE_OK;
}

static bool is_mark_due(const struct pass *pass)
{
    int64_t ahead_ms = pass->batch->mark.at_ms - pass->engine->marked_at_ms;
    return ahead_ms >= STORE_TIME_AHEAD_MS;
}

static enum table_result write_all(struct pass *pass)
{
    enum table_result result = run_ops(pass);
    if (result == TABLE_OK)
        result = save_setting(pass);
    if (result != TABLE_OK || (!pass->is_dirty && !is_mark_due(pass)))
        return result;
    size_t ops = pass->batch->ops_count + pass->batch->deliveries_count;
    result = expire(pass, EXPIRIES_PER_OP * (ops + 1));
    return result == TABLE_OK ? commit(pass) : result;
}

static enum table_result write_tidily(struct pass *pass)
{
    enum table_result result = expire(pass, EXPIRIES_TIDY);
    return result == TABLE_OK ? commit(pass) : result;
}

// What was not committed by then vanishes.
static enum table_result make(struct pass *pass, enum table_result (*body)(struct pass *pass))
{
    struct table *table = pass->engine->table;
    enum table_result result = table_begin(table);
    if (result == TABLE_OK)
        result = body(pass);
    table_abort(table);
    return result;
}

static enum table_result try_tidying(struct engine *engine, struct engine_batch *batch)
{
    struct pass pass;
    pass_init(&pass, engine, batch, true);
    enum table_result result = make(&pass, write_tidily);
    if (result == TABLE_FAILED)
        refuse_all(batch, STORE_REFUSED_FAILED); // the ops were not in it
    return result;
}

static enum table_result try_writing(struct engine *engine, struct engine_batch *batch)
{
    struct pass pass;
    pass_init(&pass, engine, batch, true);
    enum table_result result = make(&pass, write_all);
    batch->has_saved_setting = result == TABLE_OK && batch->setting != NULL;
    if (result == TABLE_FAILED)
        refuse_all(batch, pass.is_unknown ? STORE_UNKNOWN : STORE_REFUSED_FAILED);
    return result;
}

static enum table_result try_reading(struct engine *engine, struct engine_batch *batch)
{
    struct pass pass;
    pass_init(&pass, engine, batch, false);
    enum table_result result = make(&pass, run_ops);
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
    ASSERT(batch->deliveries_count <= ENGINE_OPS_MAX);
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

enum engine_end engine_list(struct engine *engine, struct engine_listing *listing)
{
    listing->held = 0;
    enum table_result result = table_begin(engine->table);
    if (result == TABLE_OK)
        result = pass_list(engine, listing);
    table_abort(engine->table);
    return result == TABLE_OK || result == TABLE_NONE ? ENGINE_DONE : fail(engine);
}
