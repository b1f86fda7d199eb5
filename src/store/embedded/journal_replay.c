// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A start: docs/design/journal-format.md, "A start", in its order.
//
//   chain   behind the last record that counts
//   end     behind the last one that ends a commit; what lies between is dropped
#include "base/assert.h"
#include "store/embedded/journal.h"

#include <stdlib.h>

struct replay {
    struct journal *journal;
    const struct journal_sink *sink;
    struct journal_position chain;
    struct journal_position end;
    uint32_t end_bytes; // length of the segment with the end
    uint64_t newest;    // highest number of a segment
    size_t segments;
    struct strbuf segment; // the one that was read last
    struct journal_head head;
};

static enum err tell_damaged(struct err_info *info, uint64_t segment, const char *what)
{
    const struct journal_name name = journal_name("", segment);
    err_info_set(info,
                 "is damaged (journal segment %s: %s); restore a backup, or move the directory "
                 "away to begin anew",
                 name.text, what);
    return ERR_INVALID;
}

static enum err tell_newer(struct err_info *info)
{
    err_info_set(info, "was written by a newer version of otpd (its journal); run that one, or "
                       "choose another --data-dir");
    return ERR_INVALID;
}

static enum err tell_disk(const struct replay *replay, struct err_info *info, const char *what)
{
    return journal_tell(replay->journal, info, what);
}

// --- files ---

static void note_name(void *ctx, const char *name)
{
    struct replay *replay = ctx;
    struct journal *journal = replay->journal;
    uint64_t number;
    bool is_segment = journal_name_number("", name, &number);
    replay->segments += is_segment;
    if (is_segment && number > replay->newest)
        replay->newest = number;
    if (!journal_name_number(JOURNAL_SPARE, name, &number))
        return;
    if (journal->spares_held < JOURNAL_SEGMENTS_MAX)
        journal->spares[journal->spares_held++] = number;
}

static bool is_usable(struct journal *journal, const char *name)
{
    uint8_t storage[JOURNAL_BLOCK_BYTES];
    struct strbuf block = strbuf_over(storage, sizeof storage);
    struct journal_head head;
    int file;
    if (disk_open(journal->options.disk, name, false, &file) != DISK_OK)
        return false;
    enum disk_result result = disk_read(journal->options.disk, file, 0, &block, sizeof storage);
    disk_close(journal->options.disk, file);
    return result == DISK_OK && journal_read_head(strbuf_span(&block), &head) == CODEC_OK &&
           head.segment_bytes == journal->options.segment_bytes;
}

// Spares of another length than segments now have are of no use.
static enum err sort_spares(struct replay *replay, struct err_info *info)
{
    struct journal *journal = replay->journal;
    size_t kept = 0;
    for (size_t i = 0; i < journal->spares_held; i++) {
        const struct journal_name name = journal_name(JOURNAL_SPARE, journal->spares[i]);
        bool is_kept = kept < journal->options.segments_max - 3 && is_usable(journal, name.text);
        if (is_kept)
            journal->spares[kept++] = journal->spares[i];
        else if (disk_remove(journal->options.disk, name.text) != DISK_OK)
            return tell_disk(replay, info, "clear");
    }
    journal->spares_held = kept;
    enum disk_result result = disk_remove(journal->options.disk, JOURNAL_MAKING);
    return result == DISK_OK || result == DISK_NONE ? ERR_OK : tell_disk(replay, info, "clear");
}

// A segment's whole file. DISK_NONE: it is not there.
static enum disk_result read_file(struct replay *replay, const char *name)
{
    struct disk *disk = replay->journal->options.disk;
    struct strbuf *segment = &replay->segment;
    int file;
    enum disk_result result = disk_open(disk, name, false, &file);
    if (result != DISK_OK)
        return result;
    segment->len = 0;
    result = disk_read(disk, file, 0, segment, JOURNAL_BLOCK_BYTES);
    enum codec_verdict verdict = journal_read_head(strbuf_span(segment), &replay->head);
    size_t more = verdict == CODEC_OK ? replay->head.segment_bytes : 0;
    more = more > segment->len ? more - segment->len : 0;
    if (result == DISK_OK && more > segment->cap - segment->len) {
        uint8_t *data = realloc(segment->data, segment->len + more);
        segment->data = data != NULL ? data : segment->data;
        segment->cap = data != NULL ? segment->len + more : segment->cap;
        result = data != NULL ? DISK_OK : DISK_FULL;
    }
    if (result == DISK_OK)
        result = disk_read(disk, file, segment->len, segment, more);
    disk_close(disk, file);
    return result;
}

static enum err check_head(const struct replay *replay, uint64_t number, struct err_info *info)
{
    struct journal_head head;
    enum codec_verdict verdict = journal_read_head(strbuf_span(&replay->segment), &head);
    if (verdict == CODEC_NEWER)
        return tell_newer(info);
    if (verdict != CODEC_OK)
        return tell_damaged(info, number, "its head");
    if (memcmp(&head.id, &replay->journal->id, sizeof head.id) != 0)
        return tell_damaged(info, number, "it belongs to another directory");
    return head.segment == number ? ERR_OK : tell_damaged(info, number, "it is another one");
}

// ERR_NOT_FOUND: there is no such segment.
static enum err read_segment(struct replay *replay, uint64_t number, struct err_info *info)
{
    const struct journal_name name = journal_name("", number);
    enum disk_result result = read_file(replay, name.text);
    if (result == DISK_NONE)
        return ERR_NOT_FOUND;
    if (result != DISK_OK)
        return tell_disk(replay, info, "read");
    return check_head(replay, number, info);
}

// --- records ---

static bool record_at(const struct replay *replay, size_t offset, struct journal_record *out)
{
    struct span bytes = span_from(strbuf_span(&replay->segment), offset);
    return journal_read_record(&replay->journal->id, bytes, out);
}

static bool take_rows(const struct replay *replay, struct span rows)
{
    struct journal_row row;
    while (!span_is_empty(rows)) {
        bool is_row = journal_read_row(&rows, &row);
        ASSERT(is_row); // its checksum is right, so we have written it
        if (!replay->sink->on_row(replay->sink->ctx, &row))
            return false;
    }
    return true;
}

static enum err take_record(struct replay *replay, const struct journal_record *record)
{
    uint32_t bytes = (uint32_t)journal_record_bytes(record->rows.len);
    replay->journal->replayed++;
    replay->chain = (struct journal_position){record->sequence, record->checksum, record->segment,
                                              record->offset + bytes};
    if (!take_rows(replay, record->rows))
        return ERR_NO_MEMORY;
    if (record->type == JOURNAL_MORE)
        return ERR_OK;
    replay->end = replay->chain;
    replay->end_bytes = replay->head.segment_bytes;
    replay->sink->on_commit(replay->sink->ctx, &replay->end);
    return ERR_OK;
}

static enum err take_segment(struct replay *replay)
{
    struct journal_record record;
    enum err err = ERR_OK;
    while (err == ERR_OK && record_at(replay, replay->chain.offset, &record) &&
           journal_continues(&record, &replay->chain))
        err = take_record(replay, &record);
    return err;
}

// The chain's place if it goes on in the next segment.
static struct journal_position next_place(const struct replay *replay)
{
    struct journal_position place = replay->chain;
    place.segment++;
    place.offset = JOURNAL_BLOCK_BYTES;
    return place;
}

static bool goes_on(const struct replay *replay, const struct journal_position *place)
{
    struct journal_record record;
    return record_at(replay, place->offset, &record) && journal_continues(&record, place);
}

static enum err take_all(struct replay *replay, struct err_info *info)
{
    enum err err = read_segment(replay, replay->chain.segment, info);
    if (err == ERR_NOT_FOUND)
        return tell_damaged(info, replay->chain.segment, "it is missing");
    replay->end_bytes = replay->head.segment_bytes;
    while (err == ERR_OK) {
        err = take_segment(replay);
        if (err != ERR_OK)
            return err;
        const struct journal_position place = next_place(replay);
        err = read_segment(replay, place.segment, info);
        if (err == ERR_NOT_FOUND || (err == ERR_OK && !goes_on(replay, &place)))
            return ERR_OK;
        replay->chain = place;
    }
    return err;
}

// --- what lies behind the end ---

static bool is_torn(const struct replay *replay)
{
    struct span rest = span_from(strbuf_span(&replay->segment), replay->chain.offset);
    return journal_begins(span_first(rest, JOURNAL_HEADER_BYTES), &replay->chain);
}

static bool has_later_record(const struct replay *replay, size_t from)
{
    struct journal_record record;
    for (size_t at = from; at < replay->segment.len; at += JOURNAL_BLOCK_BYTES) {
        if (record_at(replay, at, &record) && record.sequence > replay->chain.sequence)
            return true;
    }
    return false;
}

static enum err look_behind(struct replay *replay, struct err_info *info)
{
    for (uint64_t number = replay->chain.segment; number <= replay->newest; number++) {
        bool is_last = number == replay->chain.segment;
        enum err err = read_segment(replay, number, info);
        if (err == ERR_NOT_FOUND && !is_last)
            continue;
        if (err != ERR_OK)
            return err;
        if (is_last)
            replay->journal->was_torn = is_torn(replay);
        if (has_later_record(replay, is_last ? replay->chain.offset : JOURNAL_BLOCK_BYTES))
            return tell_damaged(info, number, "something before its last record");
    }
    return ERR_OK;
}

static enum err remove_behind(struct replay *replay, struct err_info *info)
{
    struct disk *disk = replay->journal->options.disk;
    for (uint64_t number = replay->end.segment + 1; number <= replay->newest; number++) {
        const struct journal_name name = journal_name("", number);
        if (disk_remove(disk, name.text) == DISK_FAILED)
            return tell_disk(replay, info, "clear");
    }
    return disk_sync_names(disk) == DISK_OK ? ERR_OK : tell_disk(replay, info, "sync");
}

// --- the segment with the end, anew ---

// A spare, or a new file, under the name of one that is no segment.
static enum disk_result get_file(struct replay *replay, int *file_out)
{
    struct journal *journal = replay->journal;
    struct disk *disk = journal->options.disk;
    bool has_length = replay->end_bytes == journal->options.segment_bytes;
    enum disk_result result = DISK_OK;
    if (has_length && journal->spares_held > 0) {
        uint64_t spare = journal->spares[--journal->spares_held];
        const struct journal_name name = journal_name(JOURNAL_SPARE, spare);
        result = disk_rename(disk, name.text, JOURNAL_MAKING);
    } else {
        result = journal_make_file(journal, JOURNAL_MAKING, replay->end.segment, replay->end_bytes);
    }
    return result == DISK_OK ? disk_open(disk, JOURNAL_MAKING, false, file_out) : result;
}

static enum disk_result fill(struct replay *replay, int file)
{
    struct disk *disk = replay->journal->options.disk;
    struct span valid = span_first(strbuf_span(&replay->segment), replay->end.offset);
    enum disk_result result = disk_write(disk, file, 0, valid);
    if (result == DISK_OK)
        result = disk_sync(disk, file);
    if (result != DISK_OK)
        return result;
    const struct journal_name name = journal_name("", replay->end.segment);
    result = disk_rename(disk, JOURNAL_MAKING, name.text);
    return result == DISK_OK ? disk_sync_names(disk) : result;
}

static enum err write_anew(struct replay *replay, struct err_info *info)
{
    struct journal *journal = replay->journal;
    enum err err = read_segment(replay, replay->end.segment, info);
    if (err != ERR_OK)
        return err;
    if (get_file(replay, &journal->file) != DISK_OK || fill(replay, journal->file) != DISK_OK)
        return tell_disk(replay, info, "write to");
    journal->file_bytes = replay->end_bytes;
    journal->end = replay->end;
    return ERR_OK;
}

// --- all of it ---

static enum err find_oldest(struct replay *replay, struct err_info *info)
{
    struct journal *journal = replay->journal;
    struct disk *disk = journal->options.disk;
    uint64_t number = replay->end.segment;
    int file;
    enum disk_result result = DISK_OK;
    while (result == DISK_OK) {
        const struct journal_name name = journal_name("", number - 1);
        result = number > 1 ? disk_open(disk, name.text, false, &file) : DISK_NONE;
        if (result == DISK_OK) {
            disk_close(disk, file);
            number--;
        }
    }
    journal->first = number;
    journal->last = replay->end.segment;
    return result == DISK_NONE ? ERR_OK : tell_disk(replay, info, "open");
}

// All that changes nothing.
static enum err look(struct replay *replay, struct err_info *info)
{
    enum err err = take_all(replay, info);
    return err == ERR_OK ? look_behind(replay, info) : err;
}

static enum err list(struct replay *replay, struct err_info *info)
{
    enum disk_result result = disk_list(replay->journal->options.disk, note_name, replay);
    return result == DISK_OK ? ERR_OK : tell_disk(replay, info, "list");
}

static enum err run(struct replay *replay, struct err_info *info)
{
    enum err err = list(replay, info);
    if (err == ERR_OK)
        err = sort_spares(replay, info);
    if (err == ERR_OK)
        err = look(replay, info);
    if (err == ERR_OK)
        err = remove_behind(replay, info);
    if (err == ERR_OK)
        err = write_anew(replay, info);
    return err == ERR_OK ? find_oldest(replay, info) : err;
}

static bool begin(struct replay *replay, struct journal *journal, const struct journal_meta *meta,
                  const struct journal_sink *sink)
{
    *replay =
        (struct replay){.journal = journal, .sink = sink, .chain = meta->from, .end = meta->from};
    journal->id = meta->id;
    journal->needed = meta->from.segment;
    replay->segment = strbuf_over(malloc(JOURNAL_BLOCK_BYTES), JOURNAL_BLOCK_BYTES);
    return replay->segment.data != NULL;
}

static enum err finish(struct replay *replay, enum err err, struct err_info *info)
{
    free(replay->segment.data);
    if (err == ERR_NO_MEMORY)
        err_info_set(info, "does not fit into memory");
    return err;
}

enum err journal_replay(struct journal *journal, const struct journal_meta *meta,
                        const struct journal_sink *sink, struct err_info *info)
{
    struct replay replay;
    enum err err = begin(&replay, journal, meta, sink) ? run(&replay, info) : ERR_NO_MEMORY;
    atomic_store(&journal->synced, journal->end.sequence);
    return finish(&replay, err, info);
}

enum err journal_inspect(struct journal *journal, const struct journal_meta *meta,
                         const struct journal_sink *sink, struct journal_findings *out,
                         struct err_info *info)
{
    struct replay replay;
    enum err err = begin(&replay, journal, meta, sink) ? list(&replay, info) : ERR_NO_MEMORY;
    if (err == ERR_OK)
        err = look(&replay, info);
    *out = (struct journal_findings){
        .segments = replay.segments,
        .spares = journal->spares_held,
        .records = journal->replayed,
        .end = replay.end,
        .unfinished = replay.chain.sequence - replay.end.sequence,
        .is_torn = journal->was_torn,
    };
    return finish(&replay, err, info);
}

enum err journal_read(struct journal *journal, const struct journal_meta *meta,
                      const struct journal_sink *sink, struct err_info *info)
{
    struct replay replay;
    bool has_begun = begin(&replay, journal, meta, sink);
    return finish(&replay, has_begun ? take_all(&replay, info) : ERR_NO_MEMORY, info);
}
