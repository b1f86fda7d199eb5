// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What has to hold between spaces, at each commit:
//   a person whose record ends at some time   has a row in the index of what expires, at any minute
//   an entry                                  was made before the state says the next one is
//   an open one                               is not before the state's first open one, and has an
//                                             address, under the minute of its end
//   what has become of an entry, a reference  is of one that there is; and that one has the tag
// Left over without harm are rows of the index whose person was deleted by an earlier one, and
// addresses whose entry was forgotten first: both go by their minute.
#include "store/embedded/survey.h"

#include "store/embedded/journal_codec.h"
#include "store/embedded/merged.h"
#include "store/entry.h"

#include <stdlib.h>

#define RESTORE "restore a backup"
#define NO_START "the server does not start with it: " RESTORE

struct run {
    struct survey *survey;
    struct merged merged;
    uint64_t *indexed; // first bytes of the keys in the index of what expires, sorted
    size_t indexed_held;
    size_t indexed_room;
    bool has_identity; // a row of it, whatever it says
    bool has_state_row;
    bool has_state; // that can be read
    struct codec_state state;
    bool is_out_of_memory;
};

// --- telling ---

static void tell(const struct run *run, const struct survey_fault *fault)
{
    run->survey->on_fault(run->survey->ctx, fault);
}

// Of what a decoder says. False: it was told.
static bool check(const struct run *run, const struct survey_fault *row, enum codec_verdict verdict)
{
    if (verdict == CODEC_OK)
        return true;
    struct survey_fault fault = *row;
    fault.why = verdict == CODEC_NEWER ? "was written by a newer version of otpd" : "is damaged";
    fault.then = verdict == CODEC_NEWER ? "run that version" : row->then;
    tell(run, &fault);
    return false;
}

// --- rows of each space ---

typedef enum table_result look_fn(struct run *run, struct span key, struct span value);

static void look_at_identity(struct run *run, struct survey_fault *fault, struct span value)
{
    struct codec_identity identity;
    const struct digest128 *wanted = run->survey->fingerprint;
    run->has_identity = true;
    if (!check(run, fault, codec_read_identity(value, &identity)) || wanted == NULL)
        return;
    fault->why = "says that the data was made with other keys than these";
    fault->then = "give the key file that it was made with";
    if (memcmp(&identity.fingerprint, wanted, sizeof *wanted) != 0)
        tell(run, fault);
}

static void look_at_state(struct run *run, struct survey_fault *fault, struct span value)
{
    run->has_state_row = true;
    run->has_state = check(run, fault, codec_read_state(value, &run->state));
}

static void look_at_journal(struct run *run, struct survey_fault *fault, struct span value)
{
    struct journal_meta meta;
    (void)check(run, fault, journal_read_meta(value, &meta));
}

static enum table_result look_at_meta(struct run *run, struct span key, struct span value)
{
    static const struct {
        struct span key;
        void (*look)(struct run *run, struct survey_fault *fault, struct span value);
    } rows[] = {
        {SPAN(CODEC_IDENTITY_KEY), look_at_identity},
        {SPAN(CODEC_BACKUP_KEY), look_at_identity},
        {SPAN(CODEC_STATE_KEY), look_at_state},
        {SPAN(JOURNAL_META_KEY), look_at_journal},
    };
    struct survey_fault fault = {.what = "row of META", .key = key, .then = NO_START};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!span_eq(rows[i].key, key))
            continue;
        rows[i].look(run, &fault, value);
        return TABLE_OK;
    }
    fault.why = "is of no sort that this version knows";
    fault.then = "nothing looks at it; a newer version may";
    tell(run, &fault);
    return TABLE_OK;
}

static enum table_result look_at_setting(struct run *run, struct span key, struct span value)
{
    const struct survey_fault fault = {.what = "setting", .key = key, .then = NO_START};
    struct setting setting;
    (void)check(run, &fault, codec_read_setting(key, value, &setting));
    return TABLE_OK;
}

static uint64_t indexed_name(const struct record_key *key)
{
    uint64_t name;
    memcpy(&name, key, sizeof name);
    return name;
}

static bool note_indexed(struct run *run, const struct record_key *key)
{
    if (run->indexed_held == run->indexed_room) {
        size_t room = run->indexed_room > 0 ? 2 * run->indexed_room : 1024;
        uint64_t *names = realloc(run->indexed, room * sizeof *names);
        if (names == NULL)
            return false;
        run->indexed = names;
        run->indexed_room = room;
    }
    run->indexed[run->indexed_held++] = indexed_name(key);
    return true;
}

static enum table_result look_at_expiry(struct run *run, struct span key, struct span value)
{
    const struct survey_fault fault = {
        .what = "row of the index of what expires",
        .key = key,
        .then = "nothing is lost: the server drops it, and a record may stay for longer"};
    struct codec_expiry expiry;
    if (!check(run, &fault, codec_read_expiry(key, value, &expiry)))
        return TABLE_OK;
    run->is_out_of_memory = !note_indexed(run, &expiry.key);
    return run->is_out_of_memory ? TABLE_FAILED : TABLE_OK;
}

static int compare_names(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return (one > other) - (one < other);
}

static bool is_indexed(const struct run *run, const struct record_key *key)
{
    uint64_t name = indexed_name(key);
    return run->indexed_held > 0 &&
           bsearch(&name, run->indexed, run->indexed_held, sizeof name, compare_names) != NULL;
}

static enum table_result look_at_record(struct run *run, struct span key, struct span value)
{
    struct survey_fault fault = {
        .what = "person", .key = key, .then = "all requests of theirs are refused: " RESTORE};
    struct record_key name;
    struct record record;
    enum codec_verdict verdict = CODEC_DAMAGED;
    if (key.len == sizeof name) {
        memcpy(&name, key.data, sizeof name);
        verdict = codec_read_record(&name, value, &record);
    }
    if (!check(run, &fault, verdict))
        return TABLE_OK;
    fault.why = "is missing in the index of what expires";
    fault.then = "nothing is lost, but it is never deleted by itself";
    if (record_expires_at_ms(&record) != INT64_MAX && !is_indexed(run, &name))
        tell(run, &fault);
    return TABLE_OK;
}

// --- the outbox ---

struct entry_rows {
    bool is_found;
    struct codec_entry promise;
    bool has_delivery;
    struct codec_delivery delivery;
};

// Bad ones are not found: they are told where they are walked over.
static enum table_result load_entry(const struct run *run, uint64_t sequence,
                                    struct entry_rows *out)
{
    uint8_t name[CODEC_ENTRY_KEY_BYTES];
    struct span key = span_make(name, sizeof name), value;
    *out = (struct entry_rows){.is_found = false};
    codec_entry_key(sequence, name);
    enum table_result result = merged_get(&run->merged, TABLE_ENTRIES, key, &value);
    if (result != TABLE_OK || span_is_empty(value))
        return result;
    out->is_found = codec_read_entry(sequence, value, &out->promise) == CODEC_OK;
    result = merged_get(&run->merged, TABLE_DELIVERIES, key, &value);
    if (result != TABLE_OK || !out->is_found)
        return result;
    const struct outbox_entry *entry = &out->promise.entry;
    out->has_delivery =
        !span_is_empty(value) &&
        codec_read_delivery(sequence, entry->created_at_ms, value, &out->delivery) == CODEC_OK;
    if (span_is_empty(value))
        out->delivery.delivery = delivery_of_new(entry, out->promise.provider);
    else if (!out->has_delivery)
        out->delivery.delivery.due_at_ms = STORE_NEVER;
    return TABLE_OK;
}

static enum table_result look_at_open(struct run *run, uint64_t sequence,
                                      const struct outbox_entry *entry, struct span key)
{
    struct survey_fault fault = {.what = "outbox entry", .key = key};
    uint8_t name[CODEC_SEALED_KEY_BYTES];
    struct span value;
    run->survey->open_entries++;
    fault.why = "is open, and the state says that all before a later one are over";
    fault.then = "its message is not sent: " RESTORE;
    if (run->has_state && sequence < run->state.first_open)
        tell(run, &fault);
    codec_sealed_key(&(struct codec_sealed_at){codec_minute_of(entry->deadline_at_ms), sequence},
                     name);
    enum table_result result =
        merged_get(&run->merged, TABLE_SEALED, span_make(name, sizeof name), &value);
    fault.why = "is open and has no address";
    if (result == TABLE_OK && span_is_empty(value))
        tell(run, &fault);
    return result;
}

static enum table_result look_at_entry(struct run *run, struct span key, struct span value)
{
    struct survey_fault fault = {.what = "outbox entry", .key = key, .then = NO_START};
    struct entry_rows rows;
    uint64_t sequence;
    bool has_key = codec_entry_sequence(key, &sequence);
    enum codec_verdict verdict =
        has_key ? codec_read_entry(sequence, value, &rows.promise) : CODEC_DAMAGED;
    if (!check(run, &fault, verdict))
        return TABLE_OK;
    fault.why = "is newer than the state: these are rows of two copies of a directory";
    if (run->has_state && sequence >= run->state.next_sequence)
        tell(run, &fault);
    enum table_result result = load_entry(run, sequence, &rows);
    if (result != TABLE_OK || delivery_is_over(&rows.delivery.delivery))
        return result;
    return look_at_open(run, sequence, &rows.promise.entry, key);
}

static enum table_result look_at_sealed(struct run *run, struct span key, struct span value)
{
    struct survey_fault fault = {.what = "sealed address", .key = key, .then = NO_START};
    struct codec_sealed_at at;
    struct sealed address;
    struct entry_rows rows;
    bool has_key = codec_read_sealed_key(key, &at);
    if (!check(run, &fault, has_key ? codec_read_sealed(key, value, &address) : CODEC_DAMAGED))
        return TABLE_OK;
    enum table_result result = load_entry(run, at.sequence, &rows);
    fault.why = "lies under another minute than its outbox entry's";
    fault.then = "the message may not be sent; the address goes by that minute";
    if (result == TABLE_OK && rows.is_found &&
        codec_minute_of(rows.promise.entry.deadline_at_ms) != at.minute)
        tell(run, &fault);
    return result;
}

static enum table_result look_at_delivery(struct run *run, struct span key, struct span value)
{
    struct survey_fault fault = {.what = "delivery", .key = key, .then = NO_START};
    struct codec_delivery delivery;
    struct entry_rows rows = {.is_found = false};
    uint64_t sequence;
    bool has_key = codec_entry_sequence(key, &sequence);
    enum table_result result = has_key ? load_entry(run, sequence, &rows) : TABLE_OK;
    if (result != TABLE_OK)
        return result;
    fault.why = "has no outbox entry";
    if (has_key && !rows.is_found) {
        fault.then = "nothing is sent for it, and nothing deletes it";
        tell(run, &fault);
        return TABLE_OK;
    }
    int64_t made_at_ms = rows.promise.entry.created_at_ms;
    (void)check(run, &fault,
                has_key ? codec_read_delivery(sequence, made_at_ms, value, &delivery)
                        : CODEC_DAMAGED);
    return TABLE_OK;
}

static bool has_tag(const struct entry_rows *rows, uint64_t tag)
{
    for (size_t i = 0; rows->has_delivery && i < rows->delivery.refs_held; i++) {
        if (rows->delivery.refs[i] == tag)
            return true;
    }
    return false;
}

static enum table_result look_at_ref(struct run *run, struct span key, struct span value)
{
    struct survey_fault fault = {
        .what = "reference", .key = key, .then = "a receipt by it is not understood"};
    struct entry_rows rows;
    uint64_t tag, sequence;
    bool has_key = codec_entry_sequence(key, &tag); // a number of eight bytes, too
    if (!check(run, &fault, has_key ? codec_read_ref(tag, value, &sequence) : CODEC_DAMAGED))
        return TABLE_OK;
    enum table_result result = load_entry(run, sequence, &rows);
    fault.why = "is of an outbox entry that does not know it";
    if (result == TABLE_OK && !has_tag(&rows, tag))
        tell(run, &fault);
    return result;
}

// --- all of it ---

static enum table_result walk(struct run *run, enum table_space space, look_fn *look)
{
    struct merged_walk walk;
    struct journal_row row;
    enum table_result result = merged_begin(&run->merged, space, &walk);
    while (result == TABLE_OK) {
        result = merged_next(&run->merged, &walk, &row);
        if (result != TABLE_OK)
            break;
        run->survey->rows[space]++;
        result = look(run, row.key, row.value);
    }
    return result == TABLE_NONE ? TABLE_OK : result;
}

static void check_meta(const struct run *run)
{
    static const struct survey_fault identity = {
        .what = "the table's identity", .why = "is missing", .then = NO_START};
    static const struct survey_fault state = {
        .what = "the table's state", .why = "is missing", .then = NO_START};
    uint64_t rows = 0;
    for (size_t i = 0; i < TABLE_SPACES_COUNT_; i++)
        rows += i == TABLE_META ? 0 : run->survey->rows[i];
    bool is_new = rows == 0 && !run->has_identity && !run->has_state_row;
    if (!run->has_identity && !is_new)
        tell(run, &identity);
    if (!run->has_state_row && !is_new)
        tell(run, &state);
}

static enum table_result walk_all(struct run *run)
{
    static const struct {
        enum table_space space;
        look_fn *look;
    } walks[] = {
        {TABLE_META, look_at_meta},           {TABLE_SETTINGS, look_at_setting},
        {TABLE_EXPIRY, look_at_expiry},       {TABLE_RECORDS, look_at_record},
        {TABLE_ENTRIES, look_at_entry},       {TABLE_SEALED, look_at_sealed},
        {TABLE_DELIVERIES, look_at_delivery}, {TABLE_REFS, look_at_ref},
    };
    enum table_result result = TABLE_OK;
    for (size_t i = 0; i < sizeof walks / sizeof walks[0] && result == TABLE_OK; i++) {
        if (walks[i].space == TABLE_RECORDS && run->indexed_held > 0)
            qsort(run->indexed, run->indexed_held, sizeof *run->indexed, compare_names);
        result = walk(run, walks[i].space, walks[i].look);
    }
    if (result == TABLE_OK)
        check_meta(run);
    return result;
}

enum err survey_run(struct survey *survey, struct err_info *info)
{
    struct run run = {.survey = survey};
    memset(survey->rows, 0, sizeof survey->rows);
    survey->open_entries = 0;
    run.is_out_of_memory = !merged_init(&run.merged, survey->view, survey->overlay);
    enum table_result result = run.is_out_of_memory ? TABLE_FAILED : walk_all(&run);
    merged_fini(&run.merged);
    free(run.indexed);
    if (result == TABLE_OK)
        return ERR_OK;
    if (run.is_out_of_memory)
        return ERR_NO_MEMORY;
    err_info_set(info, "cannot be read: %s", view_failure(survey->view));
    return ERR_IO;
}
