// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// An entry is some rows: what was promised (ENTRIES, never rewritten), its address (SEALED, until
// nobody needs it), what has become of it (DELIVERIES, none while it is new), and the references it
// was given (REFS). An op of an entry loads them all, as they are in this transaction, so that it
// sees what ops before it have done.
//
// Whoever holds the open entries in memory knows those that were committed: a claim, or an entry
// that nobody has looked at, counts only as long as no op of this batch has changed it.
#include "store/embedded/pass.h"

#include "base/assert.h"
#include "store/entry.h"

#define MINUTE_MS INT64_C(60000)
#define OPEN_LOOKS_MAX 4096U // sequences that one commit looks at to find the first open one
#define LIST_LOOKS_MAX 256U  // entries that one piece of a listing looks at

// What a commit sweeps at least, so that a server that has become idle, and commits once a second,
// is soon done with the addresses of a busy hour, and with the entries of a busy day in a day. An
// entry's references lie apart from each other, and cost a page each.
#define ADDRESSES_SWEPT_MIN 128U
#define ENTRIES_SWEPT_MIN 16U

struct rows {
    uint64_t sequence; // 0: there is no such entry
    struct codec_entry promise;
    struct codec_delivery delivery;
    enum codec_verdict verdict; // of the first one that is bad
};

static enum table_result get(const struct engine *engine, enum table_space space, struct span key,
                             struct span *value)
{
    *value = span_make(NULL, 0);
    enum table_result result = table_get(engine->table, space, key, value);
    return result == TABLE_NONE ? TABLE_OK : result;
}

static enum table_result del(const struct engine *engine, enum table_space space, struct span key)
{
    enum table_result result = table_del(engine->table, space, key);
    return result == TABLE_NONE ? TABLE_OK : result;
}

static bool note_verdict(const struct engine *engine, struct rows *rows, const char *what,
                         struct span key, enum codec_verdict verdict)
{
    rows->verdict = verdict;
    if (verdict != CODEC_OK)
        pass_log_bad(engine, what, key, verdict);
    return verdict == CODEC_OK;
}

// --- loading ---

static enum table_result load_delivery(const struct engine *engine, struct rows *rows)
{
    uint8_t name[CODEC_ENTRY_KEY_BYTES];
    struct span key = span_make(name, sizeof name), value;
    const struct outbox_entry *entry = &rows->promise.entry;
    codec_entry_key(rows->sequence, name);
    enum table_result result = get(engine, TABLE_DELIVERIES, key, &value);
    if (result != TABLE_OK)
        return result;
    if (span_is_empty(value)) {
        rows->delivery =
            (struct codec_delivery){.made_at_ms = entry->created_at_ms,
                                    .delivery = delivery_of_new(entry, rows->promise.provider)};
        return TABLE_OK;
    }
    enum codec_verdict verdict =
        codec_read_delivery(rows->sequence, entry->created_at_ms, value, &rows->delivery);
    (void)note_verdict(engine, rows, "delivery", key, verdict);
    return TABLE_OK;
}

// What the value of a row in ENTRIES, and its row in DELIVERIES, say.
static enum table_result load_rows(const struct engine *engine, uint64_t sequence,
                                   struct span value, struct rows *rows)
{
    uint8_t name[CODEC_ENTRY_KEY_BYTES];
    codec_entry_key(sequence, name);
    rows->sequence = sequence;
    enum codec_verdict verdict = codec_read_entry(sequence, value, &rows->promise);
    if (!note_verdict(engine, rows, "outbox entry", span_make(name, sizeof name), verdict))
        return TABLE_OK;
    return load_delivery(engine, rows);
}

static enum table_result load_sequence(const struct engine *engine, uint64_t sequence,
                                       struct rows *rows)
{
    uint8_t name[CODEC_ENTRY_KEY_BYTES];
    struct span value;
    rows->sequence = 0;
    rows->verdict = CODEC_OK;
    codec_entry_key(sequence, name);
    enum table_result result = get(engine, TABLE_ENTRIES, span_make(name, sizeof name), &value);
    if (result != TABLE_OK || span_is_empty(value))
        return result;
    return load_rows(engine, sequence, value, rows);
}

static void sealed_key(const struct rows *rows, uint8_t name[CODEC_SEALED_KEY_BYTES])
{
    codec_sealed_key(&(struct codec_sealed_at){codec_minute_of(rows->promise.entry.deadline_at_ms),
                                               rows->sequence},
                     name);
}

static enum table_result load_address(const struct engine *engine, struct rows *rows)
{
    uint8_t name[CODEC_SEALED_KEY_BYTES];
    struct span key = span_make(name, sizeof name), value;
    sealed_key(rows, name);
    enum table_result result = get(engine, TABLE_SEALED, key, &value);
    if (result != TABLE_OK || span_is_empty(value))
        return result;
    enum codec_verdict verdict = codec_read_sealed(key, value, &rows->promise.entry.address);
    (void)note_verdict(engine, rows, "sealed address", key, verdict);
    return TABLE_OK;
}

// --- references ---

// *sequence_out is 0 when nobody has it.
static enum table_result find_ref(const struct engine *engine, uint64_t tag, uint64_t *sequence_out,
                                  enum codec_verdict *verdict_out)
{
    uint8_t name[CODEC_REF_KEY_BYTES];
    struct span key = span_make(name, sizeof name), value;
    *sequence_out = 0;
    *verdict_out = CODEC_OK;
    codec_ref_key(tag, name);
    enum table_result result = get(engine, TABLE_REFS, key, &value);
    if (result != TABLE_OK || span_is_empty(value))
        return result;
    *verdict_out = codec_read_ref(tag, value, sequence_out);
    if (*verdict_out != CODEC_OK)
        pass_log_bad(engine, "reference", key, *verdict_out);
    return TABLE_OK;
}

static enum table_result put_ref(const struct engine *engine, uint64_t tag, uint64_t sequence)
{
    uint8_t name[CODEC_REF_KEY_BYTES], storage[CODEC_REF_BYTES];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    codec_ref_key(tag, name);
    codec_put_ref(tag, sequence, &value);
    return table_put(engine->table, TABLE_REFS, span_make(name, sizeof name), strbuf_span(&value));
}

// Unless a later entry has it by now.
static enum table_result drop_ref(const struct engine *engine, uint64_t tag, uint64_t sequence)
{
    uint8_t name[CODEC_REF_KEY_BYTES];
    uint64_t owner;
    enum codec_verdict verdict;
    enum table_result result = find_ref(engine, tag, &owner, &verdict);
    if (result != TABLE_OK || (verdict == CODEC_OK && owner != sequence))
        return result;
    codec_ref_key(tag, name);
    return del(engine, TABLE_REFS, span_make(name, sizeof name));
}

static bool has_ref(const struct codec_delivery *delivery, uint64_t tag)
{
    for (size_t i = 0; i < delivery->refs_held; i++) {
        if (delivery->refs[i] == tag)
            return true;
    }
    return false;
}

static enum table_result give_ref(const struct engine *engine, struct rows *rows, uint64_t tag)
{
    struct codec_delivery *delivery = &rows->delivery;
    if (has_ref(delivery, tag))
        return put_ref(engine, tag, rows->sequence);
    if (delivery->refs_held == CODEC_REFS_MAX) {
        enum table_result result = drop_ref(engine, delivery->refs[0], rows->sequence);
        if (result != TABLE_OK)
            return result;
        delivery->refs_held--;
        memmove(delivery->refs, delivery->refs + 1, delivery->refs_held * sizeof(uint64_t));
    }
    delivery->refs[delivery->refs_held++] = tag;
    return put_ref(engine, tag, rows->sequence);
}

// --- a new entry ---

bool pass_is_promised(const struct pass *pass, const struct outbox_entry *entry)
{
    const struct engine_entries *entries = &pass->engine->entries;
    for (size_t i = 0; i < pass->new_count; i++) {
        if (pass->salts[i] == entry->salt &&
            outbox_entry_is_same(&pass->batch->ops[pass->new_ops[i]]->entry, entry))
            return true;
    }
    return entries->find_same(entries->ctx, entry) != 0;
}

static enum table_result put_address(const struct pass *pass, const struct rows *rows,
                                     const struct sealed *address)
{
    uint8_t name[CODEC_SEALED_KEY_BYTES], storage[CODEC_SEALED_BYTES_MAX];
    struct span key = span_make(name, sizeof name);
    struct strbuf value = strbuf_over(storage, sizeof storage);
    if (address->len == 0)
        return TABLE_OK;
    sealed_key(rows, name);
    codec_put_sealed(key, address, &value);
    return table_put(pass->engine->table, TABLE_SEALED, key, strbuf_span(&value));
}

enum table_result pass_add_entry(struct pass *pass, size_t i)
{
    uint8_t name[CODEC_ENTRY_KEY_BYTES], storage[CODEC_ENTRY_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    const struct store_op *op = pass->batch->ops[i];
    struct rows rows = {.sequence = pass->next_sequence++};
    pass->entries_room--;
    pass->salts[pass->new_count] = op->entry.salt;
    pass->new_ops[pass->new_count++] = i;
    pass->batch->sequences[i] = rows.sequence;
    outbox_entry_copy_bare(&rows.promise.entry, &op->entry);
    rows.promise.provider = op->provider;
    codec_entry_key(rows.sequence, name);
    codec_put_entry(rows.sequence, &rows.promise, &value);
    enum table_result result = table_put(pass->engine->table, TABLE_ENTRIES,
                                         span_make(name, sizeof name), strbuf_span(&value));
    return result == TABLE_OK ? put_address(pass, &rows, &op->entry.address) : result;
}

// --- one op of an entry ---

static bool is_changed_here(const struct pass *pass, uint64_t sequence)
{
    for (size_t i = 0; i < pass->changed_count; i++) {
        if (pass->changed[i] == sequence)
            return true;
    }
    return false;
}

static bool is_claim(const struct pass *pass, const struct delivery_op *op)
{
    const struct engine_entries *entries = &pass->engine->entries;
    return !is_changed_here(pass, op->handle) &&
           entries->is_claim(entries->ctx, op->handle, op->token);
}

// The entry, its address and its record.
static enum table_result load_all(const struct pass *pass, const struct delivery_op *op,
                                  struct rows *rows, struct loaded_record *record)
{
    const struct engine *engine = pass->engine;
    uint64_t sequence = op->handle;
    enum table_result result = TABLE_OK;
    *rows = (struct rows){0};
    if (sequence == 0)
        result = find_ref(engine, op->ref_tag, &sequence, &rows->verdict);
    if (result == TABLE_OK && sequence != 0)
        result = load_sequence(engine, sequence, rows);
    if (result != TABLE_OK || rows->verdict != CODEC_OK || rows->sequence == 0)
        return result;
    result = load_address(engine, rows);
    if (result != TABLE_OK || rows->verdict != CODEC_OK)
        return result;
    result = pass_load_record(engine, &rows->promise.entry.key, record);
    rows->verdict = record->verdict;
    return result;
}

static enum table_result put_delivery(const struct engine *engine, const struct rows *rows)
{
    uint8_t name[CODEC_ENTRY_KEY_BYTES], storage[CODEC_DELIVERY_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    codec_entry_key(rows->sequence, name);
    codec_put_delivery(rows->sequence, &rows->delivery, &value);
    return table_put(engine->table, TABLE_DELIVERIES, span_make(name, sizeof name),
                     strbuf_span(&value));
}

static enum table_result drop_address(const struct engine *engine, const struct rows *rows)
{
    uint8_t name[CODEC_SEALED_KEY_BYTES];
    sealed_key(rows, name);
    return del(engine, TABLE_SEALED, span_make(name, sizeof name));
}

static void note_change(struct pass *pass, size_t i, const struct rows *rows, bool was_over)
{
    struct engine_change *change = &pass->batch->changes[i];
    change->handle = rows->sequence;
    change->delivery = rows->delivery.delivery;
    pass->changed[pass->changed_count++] = rows->sequence;
    if (delivery_is_over(&change->delivery))
        return;
    if (rows->sequence < pass->first_reopened)
        pass->first_reopened = rows->sequence;
    if (!was_over)
        return;
    pass->entries_room--;
    outbox_entry_copy(&change->entry, &rows->promise.entry);
}

static enum table_result save_rows(struct pass *pass, size_t i, struct rows *rows)
{
    const struct engine *engine = pass->engine;
    uint64_t tag = pass->batch->deliveries[i]->give_ref;
    pass->is_dirty = true;
    enum table_result result = tag != 0 ? give_ref(engine, rows, tag) : TABLE_OK;
    if (result == TABLE_OK)
        result = put_delivery(engine, rows);
    bool may_erase =
        rows->promise.entry.address.len > 0 && delivery_needs_no_address(&rows->delivery.delivery);
    if (result == TABLE_OK && may_erase)
        result = drop_address(engine, rows);
    return result;
}

// The transition has changed it.
static enum table_result try_saving(struct pass *pass, size_t i, struct rows *rows, bool was_over)
{
    enum store_outcome *outcome = &pass->batch->delivery_outcomes[i];
    bool is_reopened = was_over && !delivery_is_over(&rows->delivery.delivery);
    if (is_reopened && pass->entries_room == 0)
        *outcome = STORE_REFUSED_BUSY;
    else if (!pass->may_write)
        *outcome = STORE_REFUSED_FULL;
    if (*outcome != STORE_COMMITTED)
        return TABLE_OK;
    enum table_result result = save_rows(pass, i, rows);
    if (result == TABLE_OK)
        note_change(pass, i, rows, was_over);
    return result;
}

static enum table_result run_delivery(struct pass *pass, size_t i)
{
    struct delivery_op *op = pass->batch->deliveries[i];
    enum store_outcome *outcome = &pass->batch->delivery_outcomes[i];
    struct loaded_record record;
    struct rows rows;
    op->is_changed = op->is_found = false;
    op->give_ref = 0;
    pass->batch->changes[i].handle = 0;
    enum table_result result = load_all(pass, op, &rows, &record);
    *outcome = rows.verdict == CODEC_OK ? STORE_COMMITTED : STORE_REFUSED_FAILED;
    if (result != TABLE_OK || rows.verdict != CODEC_OK || rows.sequence == 0)
        return result;
    op->is_found = true;
    if (op->token != 0 && !is_claim(pass, op)) {
        *outcome = STORE_REFUSED_BUSY;
        return TABLE_OK;
    }
    bool was_over = delivery_is_over(&rows.delivery.delivery);
    op->transition(op, &rows.promise.entry, &record.record, &rows.delivery.delivery,
                   pass->batch->mark.at_ms);
    return op->is_changed ? try_saving(pass, i, &rows, was_over) : TABLE_OK;
}

enum table_result pass_run_deliveries(struct pass *pass)
{
    enum table_result result = TABLE_OK;
    for (size_t i = 0; result == TABLE_OK && i < pass->batch->deliveries_count; i++)
        result = run_delivery(pass, i);
    return result;
}

// --- sweeping ---

// What an op of this batch has changed is left for another time.
static bool may_be_open(const struct pass *pass, uint64_t sequence)
{
    const struct engine_entries *entries = &pass->engine->entries;
    return sequence >= pass->engine->next_sequence || entries->is_open(entries->ctx, sequence) ||
           is_changed_here(pass, sequence);
}

// A key that outlives changes of the table.
struct kept_key {
    uint8_t bytes[TABLE_KEY_BYTES_MAX];
    size_t len;
};

static struct span keep_key(struct kept_key *kept, struct span key)
{
    ASSERT(key.len <= sizeof kept->bytes);
    memcpy(kept->bytes, key.data, key.len);
    kept->len = key.len;
    return span_make(kept->bytes, kept->len);
}

// Addresses of entries that are open are passed over: they are few, and soon over.
static enum table_result sweep_addresses(const struct pass *pass, size_t count)
{
    const struct engine *engine = pass->engine;
    struct kept_key kept;
    struct span key = span_make(NULL, 0), value;
    for (size_t i = 0; i < count; i++) {
        struct codec_sealed_at at;
        enum table_result result = table_next(engine->table, TABLE_SEALED, key, &key, &value);
        if (result != TABLE_OK)
            return result == TABLE_NONE ? TABLE_OK : result;
        key = keep_key(&kept, key);
        bool has_key = codec_read_sealed_key(key, &at);
        if (!has_key)
            pass_log_bad(engine, "sealed address", key, CODEC_DAMAGED);
        if (has_key && at.minute * MINUTE_MS > pass->batch->mark.at_ms)
            return TABLE_OK;
        if (has_key && may_be_open(pass, at.sequence))
            continue;
        result = del(engine, TABLE_SEALED, key);
        if (result != TABLE_OK)
            return result;
    }
    return TABLE_OK;
}

// Its address, if it is still there, goes by the end of its code.
static enum table_result forget(const struct engine *engine, struct rows *rows, struct span key)
{
    enum table_result result = TABLE_OK;
    for (size_t i = 0; result == TABLE_OK && i < rows->delivery.refs_held; i++)
        result = drop_ref(engine, rows->delivery.refs[i], rows->sequence);
    if (result == TABLE_OK)
        result = del(engine, TABLE_DELIVERIES, key);
    return result == TABLE_OK ? del(engine, TABLE_ENTRIES, key) : result;
}

// TABLE_NONE: the first entry is not to be forgotten yet. One that does not decode is: it says
// nothing, and what is behind it would stay for ever.
static enum table_result forget_first(const struct pass *pass)
{
    const struct engine *engine = pass->engine;
    struct kept_key kept;
    struct span key, value;
    struct rows rows = {0};
    uint64_t sequence = 0;
    enum table_result result =
        table_next(engine->table, TABLE_ENTRIES, span_make(NULL, 0), &key, &value);
    if (result != TABLE_OK)
        return result;
    bool has_key = codec_entry_sequence(key, &sequence);
    if (has_key && may_be_open(pass, sequence))
        return TABLE_NONE;
    key = keep_key(&kept, key);
    result = has_key ? load_rows(engine, sequence, value, &rows) : TABLE_OK;
    if (result != TABLE_OK)
        return result;
    int64_t made_at_ms = rows.promise.entry.created_at_ms;
    if (has_key && rows.verdict == CODEC_OK &&
        made_at_ms + STORE_HISTORY_MS > pass->batch->mark.at_ms)
        return TABLE_NONE;
    return forget(engine, &rows, key);
}

enum table_result pass_sweep_outbox(struct pass *pass, size_t count)
{
    size_t addresses = count > ADDRESSES_SWEPT_MIN ? count : ADDRESSES_SWEPT_MIN;
    size_t entries = count > ENTRIES_SWEPT_MIN ? count : ENTRIES_SWEPT_MIN;
    enum table_result result = sweep_addresses(pass, addresses);
    for (size_t i = 0; result == TABLE_OK && i < entries; i++)
        result = forget_first(pass);
    return result == TABLE_NONE ? TABLE_OK : result;
}

uint64_t pass_first_open(const struct pass *pass)
{
    uint64_t first = pass->engine->first_open;
    for (size_t i = 0; i < OPEN_LOOKS_MAX && !may_be_open(pass, first); i++)
        first++;
    return first < pass->first_reopened ? first : pass->first_reopened;
}

// --- listing ---

static enum table_result list_one(const struct engine *engine, struct engine_listing *listing,
                                  struct span key, struct span value)
{
    struct rows rows;
    uint64_t sequence;
    if (!codec_entry_sequence(key, &sequence))
        return TABLE_OK;
    enum table_result result = load_rows(engine, sequence, value, &rows);
    *listing->after = sequence;
    if (result != TABLE_OK || rows.verdict != CODEC_OK)
        return result;
    const struct delivery *delivery = &rows.delivery.delivery;
    if (!delivery_passes(listing->filter, &rows.promise.entry, delivery))
        return TABLE_OK;
    struct delivery_row *row = &listing->out[listing->held++];
    row->handle = sequence;
    row->entry = rows.promise.entry;
    row->delivery = *delivery;
    return TABLE_OK;
}

enum table_result pass_list(const struct engine *engine, struct engine_listing *listing)
{
    uint8_t name[CODEC_ENTRY_KEY_BYTES];
    struct span key = span_make(name, sizeof name), value;
    codec_entry_key(*listing->after, name);
    for (size_t i = 0; i < LIST_LOOKS_MAX && listing->held < listing->room; i++) {
        enum table_result result = table_next(engine->table, TABLE_ENTRIES, key, &key, &value);
        if (result == TABLE_NONE)
            *listing->after = 0;
        if (result == TABLE_OK)
            result = list_one(engine, listing, key, value);
        if (result != TABLE_OK)
            return result;
    }
    return TABLE_OK;
}
