// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The append-only journal: docs/design/journal-format.md. Three who never wait for each other but
// where it is said:
//
//   the writer      journal_append: one write, one sync
//   the keeper      journal_keep: prepares segments ahead of the writer, takes old ones back
//   a checkpoint    journal_forget: segments that the table is past
//
// The keeper may be a thread, or whoever writes calls it in between. After any failed write or sync
// the journal is at its end: nothing more is written by this process.

#include "store/embedded/disk.h"
#include "store/embedded/journal_codec.h"

#include <pthread.h>
#include <stdatomic.h>

#define JOURNAL_SEGMENTS_MAX 32U
#define JOURNAL_SEGMENT_BYTES_LEAST (10U * JOURNAL_BLOCK_BYTES) // the longest row, and some more

struct journal_options {
    struct disk *disk;    // borrowed
    size_t segment_bytes; // whole blocks, JOURNAL_SEGMENT_BYTES_LEAST or more
    size_t segments_max;  // files, spares included; 4 to JOURNAL_SEGMENTS_MAX
    size_t reserve;       // segments that are made before they are needed
    // Called by the writer when the keeper is behind: returns when that has done something; false:
    // it cannot.
    bool (*wait)(void *ctx);
    void *ctx;
};

struct journal {
    struct journal_options options;
    struct journal_id id;

    // The writer's.
    int file;            // of the segment with the end; -1: none
    uint32_t file_bytes; // its length
    struct journal_position end;
    struct strbuf buffer; // a record
    uint64_t bytes_written;
    uint64_t replayed;       // records, at the start
    bool was_torn;           // behind them there was one that had not come through whole
    _Atomic uint64_t synced; // sequence of the last record that is on the disk

    pthread_mutex_t lock; // guards all below
    int next_file;        // of the segment after the one with the end; -1: not prepared
    uint64_t first;       // oldest segment that there is
    uint64_t last;        // the one with the end
    uint64_t needed;      // oldest segment that a start would read
    uint64_t spares[JOURNAL_SEGMENTS_MAX];
    size_t spares_held;
    size_t wanted; // segments that the writer waits for
    bool is_failed;
};

// What replay finds, commit by commit. False: it cannot be taken (no memory).
struct journal_sink {
    bool (*on_row)(void *ctx, const struct journal_row *row);
    void (*on_commit)(void *ctx, const struct journal_position *end);
    void *ctx;
};

// Before anything else; all of it is zeros but the options.
MUST_CHECK bool journal_init(struct journal *journal, const struct journal_options *options);
void journal_fini(struct journal *journal);

// Files of a journal are there already.
MUST_CHECK enum err journal_has_files(struct journal *journal, bool *has_out,
                                      struct err_info *info);

// A new journal with its first segment. What lies there is removed.
MUST_CHECK enum err journal_begin(struct journal *journal, const struct journal_id *id,
                                  struct err_info *info);

// Reads on from `meta->from`, and is ready to append behind the end. ERR_INVALID: damaged, another
// table's, or a newer version's; the story ends "the data in DIR …".
MUST_CHECK enum err journal_replay(struct journal *journal, const struct journal_meta *meta,
                                   const struct journal_sink *sink, struct err_info *info);

// What a start would find.
struct journal_findings {
    size_t segments; // files of each sort
    size_t spares;
    uint64_t records; // that replay reads
    struct journal_position end;
    uint64_t unfinished; // records behind the end, of a commit without its last one
    bool is_torn;        // and one that has not come through whole
};

// Does what journal_replay does but for its changes, and is not ready to append.
MUST_CHECK enum err journal_inspect(struct journal *journal, const struct journal_meta *meta,
                                    const struct journal_sink *sink, struct journal_findings *out,
                                    struct err_info *info);

// Gives the sink what replay would, while another process may go on writing: up to what that has
// written by now. Changes nothing.
MUST_CHECK enum err journal_read(struct journal *journal, const struct journal_meta *meta,
                                 const struct journal_sink *sink, struct err_info *info);

// One commit, durable on return. TABLE_FULL: there is no room and nothing was written.
// TABLE_FAILED: perhaps written.
enum table_result journal_append(struct journal *journal, struct span rows);

// The table has all up to `from`.
void journal_forget(struct journal *journal, const struct journal_position *from);

enum journal_kept {
    JOURNAL_IDLE,
    JOURNAL_KEPT,    // a step; there may be more
    JOURNAL_NO_ROOM, // on the disk; later it may work
    JOURNAL_BROKEN,
};

// The keeper's next step.
enum journal_kept journal_keep(struct journal *journal);

// What can be written to on a full disk: the prepared segment and spares, but the one that is left
// for the next start.
size_t journal_ready_segments(struct journal *journal);

// For journal_replay.c and tests.
enum disk_result journal_make_file(struct journal *journal, const char *name, uint64_t segment,
                                   size_t bytes);
enum err journal_tell(const struct journal *journal, struct err_info *info, const char *what);

struct journal_name {
    char text[DISK_NAME_BYTES_MAX];
};

#define JOURNAL_MAKING "making"
#define JOURNAL_SPARE "spare-"

// `prefix` is JOURNAL_SPARE, or empty of a segment.
struct journal_name journal_name(const char *prefix, uint64_t number);
// False: not a name of that sort.
bool journal_name_number(const char *prefix, const char *name, uint64_t *number_out);
