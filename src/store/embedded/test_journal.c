// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The journal over files in memory: what comes back after crashes, failures and damage.
//
// DAMAGED_LOGS in the environment says how many journals are damaged in all ways: 1 unless set.
#include "store/embedded/journal.h"

#include "sim/model_files.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#define SEGMENT_BYTES JOURNAL_SEGMENT_BYTES_LEAST
#define COMMITS_MAX 64U
#define ROW_BYTES_MAX 60000U

static const struct journal_id the_id = {{7, 7, 7}};

// What was appended, or replayed: each commit is one row whose value is a run of one byte.
struct commits {
    size_t lengths[COMMITS_MAX];
    size_t held;
    size_t open; // bytes of a commit that has not ended
};

struct fixture {
    struct model_files files;
    struct disk *disk;
    struct journal journal;
    struct journal_meta meta;
    struct seeded dice;
    struct commits written; // and told
    struct commits read;
    bool is_unsure; // the next one was begun, and nobody was told
    size_t unsure_length;
};

static bool keep_one(void *ctx)
{
    return journal_keep(&((struct fixture *)ctx)->journal) == JOURNAL_KEPT;
}

static void open_journal(struct fixture *fixture)
{
    const struct journal_options options = {
        .disk = fixture->disk,
        .segment_bytes = SEGMENT_BYTES,
        .segments_max = 12,
        .reserve = 2,
        .wait = keep_one,
        .ctx = fixture,
    };
    assert_true(journal_init(&fixture->journal, &options));
}

static void begin(struct fixture *fixture)
{
    struct err_info info;
    fixture->disk = model_files_disk(&fixture->files);
    fixture->meta = (struct journal_meta){true, the_id, {0, 0, 1, JOURNAL_BLOCK_BYTES}};
    open_journal(fixture);
    assert_int_equal(journal_begin(&fixture->journal, &the_id, &info), ERR_OK);
}

static void end(struct fixture *fixture)
{
    journal_fini(&fixture->journal);
    disk_destroy(&fixture->disk);
    model_files_fini(&fixture->files);
}

static bool on_row(void *ctx, const struct journal_row *row)
{
    struct commits *read = &((struct fixture *)ctx)->read;
    assert_int_equal(row->space, TABLE_RECORDS);
    assert_int_equal(row->key.len, 1);
    for (size_t i = 0; i < row->value.len; i++)
        assert_int_equal(row->value.data[i], row->key.data[0]);
    assert_int_equal(row->key.data[0], (uint8_t)(read->held + 1));
    read->open += row->value.len;
    return true;
}

static void on_commit(void *ctx, const struct journal_position *end)
{
    struct fixture *fixture = ctx;
    struct commits *read = &fixture->read;
    assert_int_equal(end->sequence > 0, 1);
    read->lengths[read->held++] = read->open;
    read->open = 0;
}

static bool ignore_row(void *ctx, const struct journal_row *row)
{
    (void)ctx;
    (void)row;
    return true;
}

static void note_end(void *ctx, const struct journal_position *end)
{
    *(uint64_t *)ctx = end->sequence;
}

// Whoever reads beside a writer gets the same commits.
static void read_beside(struct fixture *fixture, uint64_t end)
{
    struct err_info info;
    uint64_t calls = fixture->files.calls, last = 0;
    const struct journal_sink sink = {ignore_row, note_end, &last};
    open_journal(fixture);
    assert_int_equal(journal_read(&fixture->journal, &fixture->meta, &sink, &info), ERR_OK);
    journal_fini(&fixture->journal);
    assert_int_equal(fixture->files.calls, calls);
    assert_int_equal(last, end);
}

// What a start would find, found without any change.
static enum err inspect(struct fixture *fixture, struct journal_findings *out,
                        struct err_info *info)
{
    uint64_t calls = fixture->files.calls, last = 0;
    const struct journal_sink sink = {ignore_row, note_end, &last};
    struct journal journal = fixture->journal;
    open_journal(fixture);
    enum err err = journal_inspect(&fixture->journal, &fixture->meta, &sink, out, info);
    journal_fini(&fixture->journal);
    assert_int_equal(fixture->files.calls, calls);
    assert_true(last == 0 || err != ERR_OK || last == out->end.sequence);
    if (err == ERR_OK)
        read_beside(fixture, last);
    fixture->journal = journal;
    return err;
}

static enum err replay(struct fixture *fixture, struct err_info *info)
{
    const struct journal_sink sink = {on_row, on_commit, fixture};
    struct journal_findings findings;
    struct err_info found;
    journal_fini(&fixture->journal);
    enum err foreseen = inspect(fixture, &findings, &found);
    open_journal(fixture);
    fixture->read = (struct commits){0};
    enum err err = journal_replay(&fixture->journal, &fixture->meta, &sink, info);
    if (foreseen != ERR_OK) {
        assert_int_equal(err, foreseen);
        assert_string_equal(info->text, found.text);
    }
    if (err != ERR_OK) // of its own changes, maybe
        return err;
    const struct journal *journal = &fixture->journal;
    assert_int_equal(findings.end.sequence, journal->end.sequence);
    assert_int_equal(findings.end.segment, journal->end.segment);
    assert_int_equal(findings.end.offset, journal->end.offset);
    assert_int_equal(findings.records, journal->replayed);
    assert_int_equal(findings.is_torn, journal->was_torn);
    return err;
}

// Rows of the n-th commit, of so many bytes of values.
static size_t make_rows(size_t n, size_t bytes, uint8_t *out)
{
    uint8_t key = (uint8_t)n;
    static uint8_t value[16000];
    memset(value, key, sizeof value);
    size_t at = 0;
    do {
        size_t len = bytes < sizeof value ? bytes : sizeof value;
        const struct journal_row row = {TABLE_RECORDS, false, span_make(&key, 1),
                                        span_make(value, len)};
        journal_put_row(&row, out + at);
        at += journal_row_bytes(&row);
        bytes -= len;
    } while (bytes > 0);
    return at;
}

static enum table_result append(struct fixture *fixture, size_t bytes)
{
    static uint8_t rows[2 * ROW_BYTES_MAX];
    struct commits *written = &fixture->written;
    size_t len = make_rows(written->held + 1, bytes, rows);
    enum table_result result = journal_append(&fixture->journal, span_make(rows, len));
    fixture->is_unsure = result == TABLE_FAILED;
    fixture->unsure_length = bytes;
    if (result == TABLE_OK)
        written->lengths[written->held++] = bytes;
    return result;
}

// All that was told, and at most the one that nobody was told of.
static void check_read(struct fixture *fixture)
{
    const struct commits *read = &fixture->read;
    struct commits *written = &fixture->written;
    assert_in_range(read->held, written->held, written->held + fixture->is_unsure);
    if (read->held > written->held)
        written->lengths[written->held++] = fixture->unsure_length;
    assert_memory_equal(read->lengths, written->lengths, read->held * sizeof read->lengths[0]);
    fixture->is_unsure = false;
}

static void check_replay(struct fixture *fixture)
{
    struct err_info info = {{0}};
    enum err err = replay(fixture, &info);
    if (err != ERR_OK)
        print_message("replay: %s\n", info.text);
    assert_int_equal(err, ERR_OK);
    check_read(fixture);
}

static void test_what_was_appended_comes_back(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 0, 4036, 4040, 4044, 9000, 28000, 60000, 100, 20000, 20000};
    struct fixture fixture = {.is_unsure = false};
    begin(&fixture);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        assert_int_equal(append(&fixture, lengths[i]), TABLE_OK);
        check_replay(&fixture);
    }
    assert_true(fixture.journal.end.segment > 4);
    end(&fixture);
}

// One write and one sync a commit.
static void test_a_commit_is_one_sync(void **state)
{
    (void)state;
    struct fixture fixture = {.is_unsure = false};
    begin(&fixture);
    while (journal_keep(&fixture.journal) == JOURNAL_KEPT)
        continue;
    uint64_t calls = fixture.files.calls, syncs = fixture.files.syncs;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(append(&fixture, 300), TABLE_OK);
    assert_int_equal(fixture.files.syncs - syncs, 5);
    assert_int_equal(fixture.files.calls - calls, 10);
    end(&fixture);
}

// Where a checkpoint stands: behind what was read so far.
static void forget(struct fixture *fixture)
{
    fixture->meta.from = fixture->journal.end;
    journal_forget(&fixture->journal, &fixture->meta.from);
}

static void test_segments_come_back_and_stay_few(void **state)
{
    (void)state;
    struct fixture fixture = {.is_unsure = false};
    begin(&fixture);
    for (size_t round = 0; round < 50; round++) {
        fixture.written.held = 0;
        for (size_t i = 0; i < 10; i++)
            assert_int_equal(append(&fixture, 8000), TABLE_OK);
        check_replay(&fixture);
        forget(&fixture);
        while (journal_keep(&fixture.journal) == JOURNAL_KEPT)
            continue;
        assert_in_range(fixture.files.names.held, 1, 8);
    }
    assert_true(fixture.journal.end.segment > 100);
    end(&fixture);
}

static void test_without_room(void **state)
{
    (void)state;
    struct fixture fixture = {.is_unsure = false};
    fixture.files.bytes_max = 5 * SEGMENT_BYTES + 1000; // one of them for the next start
    begin(&fixture);
    enum table_result result = TABLE_OK;
    while (result == TABLE_OK)
        result = append(&fixture, 20000);
    assert_int_equal(result, TABLE_FULL);
    assert_int_equal(fixture.written.held, 4);
    assert_int_equal(journal_keep(&fixture.journal), JOURNAL_NO_ROOM);
    assert_null(model_files_find(&fixture.files, JOURNAL_MAKING));
    check_replay(&fixture);
    fixture.files.bytes_max = 0;
    assert_int_equal(append(&fixture, 20000), TABLE_OK);
    check_replay(&fixture);
    end(&fixture);
}

// --- a fault at each call ---

// Of all sorts: large and small commits, checkpoints, a restart in the middle. False: it ended.
static bool run_script(struct fixture *fixture)
{
    static const size_t lengths[] = {100, 5000, 20000, 20000, 70000, 10, 20000, 3000, 20000};
    struct err_info info;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (append(fixture, lengths[i]) != TABLE_OK)
            return false;
        if (i % 3 == 2 && journal_keep(&fixture->journal) == JOURNAL_BROKEN)
            return false;
        if (i == 5 && replay(fixture, &info) != ERR_OK)
            return false;
    }
    return true;
}

static bool run_script_with(struct fixture *fixture, uint64_t call, enum model_files_fault fault)
{
    seeded_init(&fixture->dice, call);
    begin(fixture);
    fixture->files.calls = 0;
    fixture->files.fault_at = call;
    fixture->files.fault = fault;
    return run_script(fixture);
}

static void test_a_crash_at_each_call(void **state)
{
    (void)state;
    bool is_past = false;
    uint64_t call = 1;
    for (; !is_past; call++) {
        for (uint64_t dice = 0; dice < 5; dice++) {
            struct fixture fixture = {.is_unsure = false};
            is_past = run_script_with(&fixture, call, MODEL_FILES_CRASH);
            seeded_init(&fixture.dice, call * 1000 + dice);
            model_files_crash(&fixture.files, &fixture.dice);
            check_replay(&fixture);
            // The large one is written over what lies behind the end, the small one before it.
            assert_int_equal(append(&fixture, dice % 2 == 0 ? 30000 : 100), TABLE_OK);
            model_files_crash(&fixture.files, &fixture.dice);
            check_replay(&fixture);
            end(&fixture);
        }
    }
    assert_true(call > 60);
}

// The process ends after the failure; what was in memory then is lost with the machine, later.
static void test_a_failure_at_each_call(void **state)
{
    (void)state;
    bool is_past = false;
    for (uint64_t call = 1; !is_past; call++) {
        struct fixture fixture = {.is_unsure = false};
        is_past = run_script_with(&fixture, call, MODEL_FILES_EIO);
        size_t unsure_length = fixture.unsure_length;
        fixture.files.fault_at = 0;
        if (fixture.is_unsure || fixture.journal.is_failed)
            assert_int_equal(append(&fixture, 1), TABLE_FAILED);
        fixture.unsure_length = unsure_length;
        fixture.is_unsure = !is_past;
        check_replay(&fixture); // reads what the failed sync has left in memory
        model_files_crash(&fixture.files, &fixture.dice);
        check_replay(&fixture);
        assert_int_equal(append(&fixture, 100), TABLE_OK);
        end(&fixture);
    }
}

// Crash after crash, each within the start of the one before.
static void test_crashes_while_it_starts(void **state)
{
    (void)state;
    for (uint64_t call = 1; call < 60; call++) {
        struct fixture fixture = {.is_unsure = false};
        struct err_info info;
        (void)run_script_with(&fixture, 90, MODEL_FILES_CRASH);
        for (uint64_t again = 0; again < 4; again++) {
            model_files_crash(&fixture.files, &fixture.dice);
            fixture.files.calls = 0;
            fixture.files.fault_at = 1 + (call + 7 * again) % 60;
            fixture.files.fault = MODEL_FILES_CRASH;
            if (replay(&fixture, &info) == ERR_OK) {
                check_read(&fixture);
                (void)append(&fixture, 3000);
            }
        }
        model_files_crash(&fixture.files, &fixture.dice);
        check_replay(&fixture);
        end(&fixture);
    }
}

// A disk that lies loses what was told: the test sees that.
static void test_a_disk_that_lies_is_noticed_by_the_test(void **state)
{
    (void)state;
    struct fixture fixture = {.is_unsure = false};
    struct err_info info;
    size_t lost = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        fixture = (struct fixture){.is_unsure = false};
        seeded_init(&fixture.dice, seed);
        begin(&fixture);
        fixture.files.lies_from = 1;
        assert_int_equal(append(&fixture, 9000), TABLE_OK);
        model_files_crash(&fixture.files, &fixture.dice);
        lost += replay(&fixture, &info) != ERR_OK || fixture.read.held < fixture.written.held;
        end(&fixture);
    }
    assert_true(lost > 10);
}

// --- damage ---

struct damage {
    size_t files;
    size_t refused;
    size_t shorter;
    size_t whole;
};

// Whatever was done to the files: a prefix of what was written, or a refusal.
static void look_at(struct fixture *damaged, const struct fixture *original, struct damage *damage)
{
    struct err_info info = {{0}};
    damaged->disk = model_files_disk(&damaged->files);
    damaged->meta = original->meta;
    open_journal(damaged);
    enum err err = replay(damaged, &info);
    damage->files++;
    damage->refused += err != ERR_OK;
    if (err == ERR_OK) {
        assert_true(damaged->read.held <= original->written.held);
        assert_memory_equal(damaged->read.lengths, original->written.lengths,
                            damaged->read.held * sizeof damaged->read.lengths[0]);
        damage->shorter += damaged->read.held < original->written.held;
        damage->whole += damaged->read.held == original->written.held;
    }
    end(damaged);
}

static struct model_file *last_file(struct fixture *fixture)
{
    const struct journal_name name = journal_name("", fixture->journal.last);
    return model_files_find(&fixture->files, name.text);
}

static void copy(const struct fixture *original, struct fixture *out)
{
    *out = (struct fixture){.is_unsure = false};
    out->journal.last = original->journal.last;
    model_files_copy(&original->files, &out->files);
}

static void flip(const struct fixture *original, size_t byte, unsigned bit, struct damage *damage)
{
    struct fixture damaged;
    copy(original, &damaged);
    last_file(&damaged)->cached[byte] ^= (uint8_t)(1U << bit);
    look_at(&damaged, original, damage);
}

static void cut(const struct fixture *original, size_t len, struct damage *damage)
{
    struct fixture damaged;
    copy(original, &damaged);
    struct model_file *file = last_file(&damaged);
    memset(file->cached + len, 0, file->len - len);
    file->len = len;
    look_at(&damaged, original, damage);
}

static void swap(const struct fixture *original, size_t a, size_t b, struct damage *damage)
{
    uint8_t block[JOURNAL_BLOCK_BYTES];
    struct fixture damaged;
    copy(original, &damaged);
    uint8_t *at = last_file(&damaged)->cached;
    memcpy(block, at + a * sizeof block, sizeof block);
    memcpy(at + a * sizeof block, at + b * sizeof block, sizeof block);
    memcpy(at + b * sizeof block, block, sizeof block);
    look_at(&damaged, original, damage);
}

static void damage_records(const struct fixture *original, size_t records, struct damage *damage)
{
    size_t to = original->journal.end.offset;
    size_t from = to - records * JOURNAL_BLOCK_BYTES;
    for (size_t byte = from; byte < to; byte++) {
        bool is_record = byte % JOURNAL_BLOCK_BYTES < 200;
        for (unsigned bit = 0; bit < 8 && (is_record || byte % 16 == 0); bit++)
            flip(original, byte, bit, damage);
        if (is_record || byte % 8 == 0)
            cut(original, byte, damage);
    }
}

static void make_log(struct fixture *fixture, uint64_t seed)
{
    *fixture = (struct fixture){.is_unsure = false};
    seeded_init(&fixture->dice, seed);
    begin(fixture);
    for (size_t i = 0; i < 20 && fixture->journal.end.segment < 3; i++)
        assert_int_equal(append(fixture, 3000 + seeded_below(&fixture->dice, 4000)), TABLE_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(append(fixture, 20 + seeded_below(&fixture->dice, 100)), TABLE_OK);
}

static size_t logs_count(void)
{
    const char *text = getenv("DAMAGED_LOGS");
    size_t count = 0;
    for (; text != NULL && ascii_is_digit((uint8_t)*text); text++)
        count = count * 10 + (size_t)(*text - '0');
    return count > 0 ? count : 1;
}

static void test_every_flip_and_cut_of_the_last_records(void **state)
{
    (void)state;
    struct damage damage = {0};
    for (uint64_t seed = 1; seed <= logs_count(); seed++) {
        struct fixture original;
        make_log(&original, seed);
        damage_records(&original, 3, &damage);
        for (size_t a = 0; a < 8; a++) {
            for (size_t b = 0; b < a; b++)
                swap(&original, a, b, &damage);
        }
        end(&original);
    }
    print_message("# damaged files %zu: refused %zu, one commit less %zu, nothing lost %zu; "
                  "wrongly accepted 0, crashes 0\n",
                  damage.files, damage.refused, damage.shorter, damage.whole);
    assert_true(damage.refused > 0);
    assert_true(damage.shorter > 0);
}

// What lies before the last record was told to somebody: no start without it.
static void test_damage_in_the_middle_is_told(void **state)
{
    (void)state;
    struct fixture original;
    struct damage damage = {0};
    make_log(&original, 99);
    size_t last = original.journal.end.offset - JOURNAL_BLOCK_BYTES;
    for (size_t byte = last - JOURNAL_BLOCK_BYTES; byte < last - JOURNAL_BLOCK_BYTES + 60; byte++)
        flip(&original, byte, 3, &damage);
    assert_int_equal(damage.refused, 60);
    for (size_t byte = last; byte < last + 60; byte++)
        flip(&original, byte, 3, &damage);
    assert_int_equal(damage.refused, 60);
    assert_int_equal(damage.shorter, 60);
    end(&original);
}

// A segment of an earlier time under a later one's name, and one that is not there.
static void test_stale_and_missing_segments(void **state)
{
    (void)state;
    struct fixture original, damaged;
    struct damage damage = {0};
    make_log(&original, 5);
    assert_true(original.journal.last > 1);
    for (uint64_t from = 1; from <= original.journal.last; from++) {
        for (uint64_t to = 1; to <= original.journal.last; to++) {
            copy(&original, &damaged);
            struct model_file *stale =
                model_files_find(&damaged.files, journal_name("", from).text);
            struct model_file *file = model_files_find(&damaged.files, journal_name("", to).text);
            memcpy(file->cached, stale->cached, stale->len);
            look_at(&damaged, &original, &damage);
        }
    }
    assert_int_equal(damage.whole, original.journal.last); // those that are themselves
    assert_int_equal(damage.shorter, 0);
    copy(&original, &damaged);
    damaged.files.names.items[0] = damaged.files.names.items[--damaged.files.names.held];
    look_at(&damaged, &original, &damage);
    end(&original);
}

// Two histories of one journal, from a copy of its directory: records of the one are none of the
// other's, though id, sequence and place are right.
static void test_a_record_of_another_history(void **state)
{
    (void)state;
    struct fixture original, other;
    struct damage damage = {0};
    make_log(&original, 7);
    copy(&original, &other);
    other.disk = model_files_disk(&other.files);
    other.meta = original.meta;
    open_journal(&other);
    struct err_info info;
    assert_int_equal(replay(&other, &info), ERR_OK);
    other.written = other.read;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(append(&original, 100 + i), TABLE_OK);
        assert_int_equal(append(&other, 200 + i), TABLE_OK);
    }
    assert_int_equal(original.journal.end.offset, other.journal.end.offset);
    size_t last = original.journal.end.offset - JOURNAL_BLOCK_BYTES;
    memcpy(last_file(&original)->cached + last, last_file(&other)->cached + last,
           JOURNAL_BLOCK_BYTES);
    struct fixture damaged;
    copy(&original, &damaged);
    look_at(&damaged, &original, &damage);
    assert_int_equal(damage.refused, 1);
    end(&other);
    end(&original);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_appended_comes_back),
        cmocka_unit_test(test_a_commit_is_one_sync),
        cmocka_unit_test(test_segments_come_back_and_stay_few),
        cmocka_unit_test(test_without_room),
        cmocka_unit_test(test_a_crash_at_each_call),
        cmocka_unit_test(test_a_failure_at_each_call),
        cmocka_unit_test(test_crashes_while_it_starts),
        cmocka_unit_test(test_a_disk_that_lies_is_noticed_by_the_test),
        cmocka_unit_test(test_every_flip_and_cut_of_the_last_records),
        cmocka_unit_test(test_damage_in_the_middle_is_told),
        cmocka_unit_test(test_stale_and_missing_segments),
        cmocka_unit_test(test_a_record_of_another_history),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
