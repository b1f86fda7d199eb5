// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The lock is held for a look at what there is, never for a call on the disk. Only the keeper
// makes, renames and removes files once the journal is open, so what it has looked at stays true
// while it works; the writer takes the prepared segment, and a checkpoint raises `needed`.
#include "store/embedded/journal.h"

#include "base/assert.h"
#include "store/embedded/bytes.h"

#include <stdlib.h>

#define ZEROS_BYTES (256U << 10) // written and synced at once: so long may a commit's sync wait
#define NUMBER_DIGITS 16U
#define FOR_A_START 1U // spares that are left alone: a start has to write on a full disk, too
#define NEVER_A_SEGMENT (UINT64_C(1) << 63) // first number of spares that were made as such

static void lock(struct journal *journal)
{
    (void)pthread_mutex_lock(&journal->lock);
}

static void unlock(struct journal *journal)
{
    (void)pthread_mutex_unlock(&journal->lock);
}

// --- names ---

struct journal_name journal_name(const char *prefix, uint64_t number)
{
    struct journal_name name = {{0}};
    uint8_t bytes[8];
    struct strbuf big_endian = strbuf_over(bytes, sizeof bytes);
    struct strbuf text = strbuf_over(name.text, sizeof name.text - 1);
    put_number(&big_endian, number, sizeof bytes);
    strbuf_put_text(&text, prefix);
    strbuf_put_hex(&text, strbuf_span(&big_endian));
    ASSERT(!text.is_overflowed);
    return name;
}

static int digit_of(uint8_t byte)
{
    if (ascii_is_digit(byte))
        return byte - '0';
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

bool journal_name_number(const char *prefix, const char *name, uint64_t *number_out)
{
    struct span text = span_of_text(name), start = span_of_text(prefix);
    if (!span_starts_with(text, start))
        return false;
    struct span digits = span_from(text, start.len);
    *number_out = 0;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = digit_of(digits.data[i]);
        if (digit < 0)
            return false;
        *number_out = *number_out << 4 | (uint64_t)digit;
    }
    return digits.len == NUMBER_DIGITS;
}

// --- life ---

bool journal_init(struct journal *journal, const struct journal_options *options)
{
    *journal = (struct journal){.options = *options, .file = -1, .next_file = -1};
    ASSERT(options->segment_bytes % JOURNAL_BLOCK_BYTES == 0);
    ASSERT(options->segment_bytes >= JOURNAL_SEGMENT_BYTES_LEAST);
    ASSERT(options->segment_bytes <= UINT32_MAX);
    ASSERT(options->segments_max >= 4);
    ASSERT(options->segments_max <= JOURNAL_SEGMENTS_MAX);
    (void)pthread_mutex_init(&journal->lock, NULL);
    void *storage = malloc(JOURNAL_RECORD_BYTES_MAX);
    journal->buffer = strbuf_over(storage, JOURNAL_RECORD_BYTES_MAX);
    return storage != NULL;
}

void journal_fini(struct journal *journal)
{
    if (journal->file >= 0)
        disk_close(journal->options.disk, journal->file);
    if (journal->next_file >= 0)
        disk_close(journal->options.disk, journal->next_file);
    free(journal->buffer.data);
    (void)pthread_mutex_destroy(&journal->lock);
    *journal = (struct journal){.file = -1, .next_file = -1};
}

enum err journal_tell(const struct journal *journal, struct err_info *info, const char *what)
{
    err_info_set(info, "cannot be used: %s its journal: %s", what,
                 disk_failure(journal->options.disk));
    return ERR_IO;
}

static void note_file(void *ctx, const char *name)
{
    bool *has_files = ctx;
    uint64_t number;
    *has_files = *has_files || journal_name_number("", name, &number);
}

enum err journal_has_files(struct journal *journal, bool *has_out, struct err_info *info)
{
    *has_out = false;
    if (disk_list(journal->options.disk, note_file, has_out) == DISK_OK)
        return ERR_OK;
    return journal_tell(journal, info, "list");
}

// --- files ---

static enum disk_result put_zeros(struct journal *journal, int file, size_t bytes)
{
    uint8_t *zeros = calloc(1, ZEROS_BYTES);
    enum disk_result result = zeros != NULL ? DISK_OK : DISK_FULL;
    for (size_t at = 0; at < bytes && result == DISK_OK; at += ZEROS_BYTES) {
        size_t len = bytes - at < ZEROS_BYTES ? bytes - at : ZEROS_BYTES;
        result = disk_write(journal->options.disk, file, at, span_make(zeros, len));
        if (result == DISK_OK)
            result = disk_sync(journal->options.disk, file);
    }
    free(zeros);
    return result;
}

static enum disk_result put_head(struct journal *journal, int file, uint64_t segment, size_t bytes)
{
    const struct journal_head head = {segment, (uint32_t)bytes, journal->id};
    uint8_t storage[JOURNAL_BLOCK_BYTES];
    struct strbuf block = strbuf_over(storage, sizeof storage);
    journal_put_head(&head, &block);
    enum disk_result result = disk_write(journal->options.disk, file, 0, strbuf_span(&block));
    return result == DISK_OK ? disk_sync(journal->options.disk, file) : result;
}

static enum disk_result fill_file(struct journal *journal, const char *name, uint64_t segment,
                                  size_t bytes)
{
    int file;
    enum disk_result result = disk_open(journal->options.disk, name, true, &file);
    if (result != DISK_OK)
        return result;
    result = put_zeros(journal, file, bytes);
    if (result == DISK_OK)
        result = put_head(journal, file, segment, bytes);
    disk_close(journal->options.disk, file);
    return result;
}

static enum disk_result rename_durably(struct journal *journal, const char *from, const char *to)
{
    enum disk_result result = disk_rename(journal->options.disk, from, to);
    return result == DISK_OK ? disk_sync_names(journal->options.disk) : result;
}

// What is half made takes room that others may need.
enum disk_result journal_make_file(struct journal *journal, const char *name, uint64_t segment,
                                   size_t bytes)
{
    enum disk_result result = fill_file(journal, JOURNAL_MAKING, segment, bytes);
    if (result == DISK_OK)
        result = rename_durably(journal, JOURNAL_MAKING, name);
    if (result == DISK_FULL && disk_remove(journal->options.disk, JOURNAL_MAKING) == DISK_FAILED)
        result = DISK_FAILED;
    return result;
}

struct removal {
    struct journal *journal;
    enum disk_result result;
};

static void remove_file(void *ctx, const char *name)
{
    struct removal *removal = ctx;
    uint64_t number;
    bool is_ours = journal_name_number("", name, &number) ||
                   journal_name_number(JOURNAL_SPARE, name, &number) ||
                   strcmp(name, JOURNAL_MAKING) == 0;
    if (is_ours && removal->result == DISK_OK)
        removal->result = disk_remove(removal->journal->options.disk, name);
}

enum err journal_begin(struct journal *journal, const struct journal_id *id, struct err_info *info)
{
    struct disk *disk = journal->options.disk;
    struct removal removal = {journal, DISK_OK};
    journal->id = *id;
    if (disk_list(disk, remove_file, &removal) != DISK_OK || removal.result != DISK_OK)
        return journal_tell(journal, info, "clear");
    const struct journal_name name = journal_name("", 1);
    if (journal_make_file(journal, name.text, 1, journal->options.segment_bytes) != DISK_OK ||
        disk_open(disk, name.text, false, &journal->file) != DISK_OK)
        return journal_tell(journal, info, "make");
    journal->file_bytes = (uint32_t)journal->options.segment_bytes;
    journal->end = (struct journal_position){0, 0, 1, JOURNAL_BLOCK_BYTES};
    journal->first = journal->last = journal->needed = 1;
    return ERR_OK;
}

// --- the writer ---

static size_t rows_room(size_t bytes)
{
    const size_t frame = JOURNAL_HEADER_BYTES + JOURNAL_CHECKSUM_BYTES;
    size_t room = bytes > frame ? bytes - frame : 0;
    return room < JOURNAL_ROWS_BYTES_MAX ? room : JOURNAL_ROWS_BYTES_MAX;
}

size_t journal_ready_segments(struct journal *journal)
{
    lock(journal);
    size_t held = journal->spares_held;
    size_t ready = (held > FOR_A_START ? held - FOR_A_START : 0) + (journal->next_file >= 0);
    unlock(journal);
    return ready;
}

static bool take_next(struct journal *journal)
{
    struct journal_position *end = &journal->end;
    lock(journal);
    int file = journal->next_file;
    journal->next_file = -1;
    journal->last += file >= 0;
    bool is_failed = journal->is_failed;
    unlock(journal);
    if (file < 0 || is_failed)
        return false;
    disk_close(journal->options.disk, journal->file);
    journal->file = file;
    journal->file_bytes = (uint32_t)journal->options.segment_bytes;
    *end = (struct journal_position){end->sequence, end->checksum, end->segment + 1,
                                     JOURNAL_BLOCK_BYTES};
    return true;
}

// A keeper that has nothing to do may have done it just before it was asked.
static bool move_on(struct journal *journal)
{
    bool can_wait = true, is_taken = take_next(journal);
    while (!is_taken && can_wait) {
        can_wait = journal->options.wait(journal->options.ctx);
        is_taken = take_next(journal);
    }
    return is_taken;
}

static enum disk_result write_record(struct journal *journal, enum journal_type type,
                                     struct span rows)
{
    struct disk *disk = journal->options.disk;
    struct journal_position end = journal->end;
    uint64_t offset = end.offset;
    journal->buffer.len = 0;
    journal_put_record(&journal->id, type, rows, &end, &journal->buffer);
    enum disk_result result =
        disk_write(disk, journal->file, offset, strbuf_span(&journal->buffer));
    if (result == DISK_OK)
        result = disk_sync(disk, journal->file);
    if (result != DISK_OK)
        return result;
    journal->end = end;
    journal->bytes_written += journal->buffer.len;
    atomic_store_explicit(&journal->synced, end.sequence, memory_order_release);
    return DISK_OK;
}

static void fail(struct journal *journal)
{
    lock(journal);
    journal->is_failed = true;
    unlock(journal);
}

// As many of the rows as a record takes, whole.
static struct span first_rows(struct span rows, size_t most)
{
    struct journal_row row;
    struct span rest = rows;
    size_t len = 0;
    if (rows.len <= most)
        return rows;
    while (journal_read_row(&rest, &row) && len + journal_row_bytes(&row) <= most)
        len += journal_row_bytes(&row);
    return span_first(rows, len);
}

// The first record of what is left of the rows: all of it if a segment can hold that.
static enum disk_result append_part(struct journal *journal, struct span *rows)
{
    size_t most = rows_room(journal->options.segment_bytes - JOURNAL_BLOCK_BYTES);
    struct span part = first_rows(*rows, most);
    bool fits = journal_record_bytes(part.len) <= journal->file_bytes - journal->end.offset;
    if (!fits && !move_on(journal))
        return DISK_FAILED;
    *rows = span_from(*rows, part.len);
    return write_record(journal, span_is_empty(*rows) ? JOURNAL_LAST : JOURNAL_MORE, part);
}

static bool is_failed(struct journal *journal)
{
    lock(journal);
    bool is_failed = journal->is_failed;
    unlock(journal);
    return is_failed;
}

// Segments that a commit needs which does not fit into what is left of this one.
static size_t segments_of(const struct journal *journal, size_t rows_bytes)
{
    size_t segment = journal->options.segment_bytes - JOURNAL_BLOCK_BYTES;
    size_t most = rows_room(segment);
    size_t least = most - (JOURNAL_ROW_BYTES_MAX - 1); // in each but the last
    size_t records = rows_bytes <= most ? 1 : (rows_bytes + least - 1) / least;
    size_t in_one = segment / journal_record_bytes(most);
    return (records + in_one - 1) / in_one;
}

static void want(struct journal *journal, size_t segments)
{
    lock(journal);
    journal->wanted = segments;
    unlock(journal);
}

// Room for all of it is certain before the first byte is written.
static bool wait_for_room(struct journal *journal, size_t rows_bytes)
{
    if (rows_room(journal->file_bytes - journal->end.offset) >= rows_bytes)
        return true;
    size_t segments = segments_of(journal, rows_bytes);
    bool can_wait = true;
    want(journal, segments);
    bool has_room = journal_ready_segments(journal) >= segments;
    while (!has_room && can_wait) {
        can_wait = journal->options.wait(journal->options.ctx);
        has_room = journal_ready_segments(journal) >= segments;
    }
    want(journal, 0);
    return has_room;
}

enum table_result journal_append(struct journal *journal, struct span rows)
{
    if (is_failed(journal))
        return TABLE_FAILED;
    if (!wait_for_room(journal, rows.len))
        return is_failed(journal) ? TABLE_FAILED : TABLE_FULL;
    enum disk_result result = DISK_OK;
    do {
        result = append_part(journal, &rows);
    } while (result == DISK_OK && !span_is_empty(rows));
    if (result == DISK_OK)
        return TABLE_OK;
    fail(journal);
    return TABLE_FAILED;
}

// --- the keeper ---

void journal_forget(struct journal *journal, const struct journal_position *from)
{
    lock(journal);
    ASSERT(from->segment >= journal->needed);
    ASSERT(from->segment <= journal->last);
    journal->needed = from->segment;
    unlock(journal);
}

enum step {
    STEP_NONE,
    STEP_PREPARE,
    STEP_RETIRE,
    STEP_REMOVE,
    STEP_MAKE,
};

struct plan {
    enum step step;
    uint64_t segment; // prepared or retired
    uint64_t spare;   // taken, or made
};

static size_t files_count(const struct journal *journal)
{
    return (size_t)(journal->last - journal->first) + 1 + (journal->next_file >= 0) +
           journal->spares_held;
}

static uint64_t free_spare_number(const struct journal *journal)
{
    uint64_t number = NEVER_A_SEGMENT;
    for (size_t i = 0; i < journal->spares_held; i++) {
        if (journal->spares[i] >= number)
            number = journal->spares[i] + 1;
    }
    return number;
}

// With the lock held.
static struct plan plan(const struct journal *journal)
{
    size_t files = files_count(journal), held = journal->spares_held;
    if (journal->next_file < 0 && held > FOR_A_START)
        return (struct plan){STEP_PREPARE, journal->last + 1, journal->spares[held - 1]};
    if (journal->first < journal->needed && files > journal->options.segments_max)
        return (struct plan){STEP_REMOVE, journal->first, 0};
    if (journal->first < journal->needed)
        return (struct plan){STEP_RETIRE, journal->first, journal->first};
    size_t least = journal->options.reserve;
    least = journal->wanted > least ? journal->wanted : least;
    if (held < least + FOR_A_START && files < journal->options.segments_max)
        return (struct plan){STEP_MAKE, 0, free_spare_number(journal)};
    return (struct plan){STEP_NONE, 0, 0};
}

static enum disk_result prepare(struct journal *journal, const struct plan *plan, int *file_out)
{
    struct disk *disk = journal->options.disk;
    size_t bytes = journal->options.segment_bytes;
    const struct journal_name spare = journal_name(JOURNAL_SPARE, plan->spare);
    const struct journal_name name = journal_name("", plan->segment);
    enum disk_result result = disk_open(disk, spare.text, false, file_out);
    if (result != DISK_OK)
        return DISK_FAILED;
    result = put_head(journal, *file_out, plan->segment, bytes);
    if (result == DISK_OK)
        result = rename_durably(journal, spare.text, name.text);
    if (result != DISK_OK)
        disk_close(disk, *file_out);
    return result;
}

static enum disk_result act(struct journal *journal, const struct plan *plan, int *file_out)
{
    const struct journal_name name = journal_name("", plan->segment);
    const struct journal_name spare = journal_name(JOURNAL_SPARE, plan->spare);
    switch (plan->step) {
    case STEP_PREPARE:
        return prepare(journal, plan, file_out);
    case STEP_RETIRE:
        return rename_durably(journal, name.text, spare.text);
    case STEP_REMOVE:
        return disk_remove(journal->options.disk, name.text);
    case STEP_MAKE:
        return journal_make_file(journal, spare.text, 0, journal->options.segment_bytes);
    case STEP_NONE:
        return DISK_OK;
    }
    UNREACHABLE();
}

// With the lock held.
static void note(struct journal *journal, const struct plan *plan, int file)
{
    switch (plan->step) {
    case STEP_PREPARE:
        journal->next_file = file;
        journal->spares_held--;
        return;
    case STEP_RETIRE:
        journal->first++;
        journal->spares[journal->spares_held++] = plan->spare;
        return;
    case STEP_REMOVE:
        journal->first++;
        return;
    case STEP_MAKE:
        journal->spares[journal->spares_held++] = plan->spare;
        return;
    case STEP_NONE:
        return;
    }
    UNREACHABLE();
}

enum journal_kept journal_keep(struct journal *journal)
{
    int file = -1;
    lock(journal);
    const struct plan next = plan(journal);
    bool is_broken = journal->is_failed;
    unlock(journal);
    if (is_broken)
        return JOURNAL_BROKEN;
    if (next.step == STEP_NONE)
        return JOURNAL_IDLE;
    enum disk_result result = act(journal, &next, &file);
    lock(journal);
    if (result == DISK_OK)
        note(journal, &next, file);
    journal->is_failed = journal->is_failed || result == DISK_FAILED || result == DISK_NONE;
    is_broken = journal->is_failed;
    unlock(journal);
    if (is_broken)
        return JOURNAL_BROKEN;
    return result == DISK_OK ? JOURNAL_KEPT : JOURNAL_NO_ROOM;
}
