// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The table is one write transaction, which serves its own reads too; a view is a read transaction
// beside it, kept and renewed. A commit writes the changed pages, syncs, then writes the root page
// through a descriptor that is synchronous (LMDB's default mode), so a torn or lost write leaves
// the last commit whole.
//
// A commit that failed for want of room (the map, the disk, a quota) has applied nothing, unless it
// was the root page that could not be written. LMDB then refuses all further transactions, which is
// how the two are told apart.
#include "store/embedded/lmdb_table.h"

#include "base/strbuf.h"

#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#define FILE_NAME "/table.mdb"
#define FILE_MODE 0600
#define PATH_BYTES_MAX 4096U
#define NO_ROOM_BYTES 65536U // less than a commit of some ops
#define READERS_MAX 8U       // views, and commands that look from outside

struct lmdb_table {
    struct table table;
    MDB_env *env;
    MDB_txn *txn;                        // NULL between transactions
    MDB_dbi spaces[TABLE_SPACES_COUNT_]; // 0: read-only, and of a version that had none of it
    // Where a transaction last put a row: a neighbour is found from there. LMDB closes them.
    MDB_cursor *cursors[TABLE_SPACES_COUNT_];
    int failure; // the last error number
};

static const char *const space_names[TABLE_SPACES_COUNT_] = {
    [TABLE_RECORDS] = "records",       [TABLE_ENTRIES] = "entries", [TABLE_EXPIRY] = "expiry",
    [TABLE_SETTINGS] = "settings",     [TABLE_META] = "meta",       [TABLE_SEALED] = "sealed",
    [TABLE_DELIVERIES] = "deliveries", [TABLE_REFS] = "refs",
};

static struct lmdb_table *lmdb_of(struct table *table)
{
    return (struct lmdb_table *)table;
}

static bool is_no_room(int rc)
{
    return rc == MDB_MAP_FULL || rc == ENOSPC || rc == EDQUOT || rc == EFBIG;
}

static enum table_result result_of(struct lmdb_table *lmdb, int rc)
{
    if (rc == MDB_SUCCESS)
        return TABLE_OK;
    if (rc == MDB_NOTFOUND)
        return TABLE_NONE;
    lmdb->failure = rc;
    return is_no_room(rc) ? TABLE_FULL : TABLE_FAILED;
}

static MDB_val value_of(struct span bytes)
{
    union {
        const uint8_t *read;
        void *unwritten; // LMDB takes what it only reads without const
    } data = {bytes.data};
    return (MDB_val){.mv_size = bytes.len, .mv_data = data.unwritten};
}

static struct span span_of(const MDB_val *value)
{
    return span_make(value->mv_data, value->mv_size);
}

static enum table_result lmdb_begin(struct table *table)
{
    struct lmdb_table *lmdb = lmdb_of(table);
    ASSERT(lmdb->txn == NULL);
    memset(lmdb->cursors, 0, sizeof lmdb->cursors);
    return result_of(lmdb, mdb_txn_begin(lmdb->env, NULL, 0, &lmdb->txn));
}

static int get(MDB_txn *txn, MDB_dbi space, struct span key, struct span *value_out)
{
    MDB_val name = value_of(key), value;
    int rc = space != 0 ? mdb_get(txn, space, &name, &value) : MDB_NOTFOUND;
    if (rc == MDB_SUCCESS)
        *value_out = span_of(&value);
    return rc;
}

static enum table_result lmdb_get(struct table *table, enum table_space space, struct span key,
                                  struct span *value_out)
{
    struct lmdb_table *lmdb = lmdb_of(table);
    return result_of(lmdb, get(lmdb->txn, lmdb->spaces[space], key, value_out));
}

static enum table_result lmdb_put(struct table *table, enum table_space space, struct span key,
                                  struct span value)
{
    struct lmdb_table *lmdb = lmdb_of(table);
    MDB_cursor **cursor = &lmdb->cursors[space];
    MDB_val name = value_of(key), data = value_of(value);
    ASSERT(key.len > 0);
    ASSERT(key.len <= TABLE_KEY_BYTES_MAX);
    int rc =
        *cursor != NULL ? MDB_SUCCESS : mdb_cursor_open(lmdb->txn, lmdb->spaces[space], cursor);
    if (rc == MDB_SUCCESS)
        rc = mdb_cursor_put(*cursor, &name, &data, 0);
    return result_of(lmdb, rc);
}

static enum table_result lmdb_del(struct table *table, enum table_space space, struct span key)
{
    struct lmdb_table *lmdb = lmdb_of(table);
    MDB_val name = value_of(key);
    return result_of(lmdb, mdb_del(lmdb->txn, lmdb->spaces[space], &name, NULL));
}

// The row at or after `after`, and the one after that if it is `after` itself.
static int seek(MDB_cursor *cursor, struct span after, MDB_val *key, MDB_val *value)
{
    if (span_is_empty(after))
        return mdb_cursor_get(cursor, key, value, MDB_FIRST);
    *key = value_of(after);
    int rc = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
    if (rc == MDB_SUCCESS && span_eq(span_of(key), after))
        rc = mdb_cursor_get(cursor, key, value, MDB_NEXT);
    return rc;
}

static int next(MDB_txn *txn, MDB_dbi space, struct span after, struct span *key_out,
                struct span *value_out)
{
    MDB_cursor *cursor = NULL;
    MDB_val key, value;
    int rc = space != 0 ? mdb_cursor_open(txn, space, &cursor) : MDB_NOTFOUND;
    if (rc != MDB_SUCCESS)
        return rc;
    rc = seek(cursor, after, &key, &value);
    mdb_cursor_close(cursor);
    if (rc == MDB_SUCCESS && key.mv_size > TABLE_KEY_BYTES_MAX)
        rc = MDB_CORRUPTED;
    if (rc == MDB_SUCCESS) {
        *key_out = span_of(&key);
        *value_out = span_of(&value);
    }
    return rc;
}

static enum table_result lmdb_next(struct table *table, enum table_space space, struct span after,
                                   struct span *key_out, struct span *value_out)
{
    struct lmdb_table *lmdb = lmdb_of(table);
    return result_of(lmdb, next(lmdb->txn, lmdb->spaces[space], after, key_out, value_out));
}

static void lmdb_abort(struct table *table)
{
    struct lmdb_table *lmdb = lmdb_of(table);
    if (lmdb->txn != NULL)
        mdb_txn_abort(lmdb->txn);
    lmdb->txn = NULL;
}

// After a root page that could not be written, nothing can be begun.
static bool can_go_on(struct lmdb_table *lmdb)
{
    MDB_txn *txn = NULL;
    if (mdb_txn_begin(lmdb->env, NULL, 0, &txn) != MDB_SUCCESS)
        return false;
    mdb_txn_abort(txn);
    return true;
}

// LMDB calls a write that was cut short an I/O error. It is one for want of room when there is none
// left: what was cut off has taken the last of it.
static int cause_of(const struct lmdb_table *lmdb, int rc)
{
    mdb_filehandle_t file;
    struct statvfs disk;
    if (rc != EIO || mdb_env_get_fd(lmdb->env, &file) != MDB_SUCCESS || fstatvfs(file, &disk) != 0)
        return rc;
    return (uint64_t)disk.f_bavail * disk.f_frsize < NO_ROOM_BYTES ? ENOSPC : rc;
}

static enum table_result lmdb_commit(struct table *table)
{
    struct lmdb_table *lmdb = lmdb_of(table);
    ASSERT(lmdb->txn != NULL);
    int rc = cause_of(lmdb, mdb_txn_commit(lmdb->txn));
    lmdb->txn = NULL;
    enum table_result result = result_of(lmdb, rc);
    return result == TABLE_FULL && !can_go_on(lmdb) ? TABLE_FAILED : result;
}

static const char *lmdb_failure(const struct table *table)
{
    return mdb_strerror(((const struct lmdb_table *)table)->failure);
}

static void lmdb_destroy(struct table *table)
{
    struct lmdb_table *lmdb = lmdb_of(table);
    lmdb_abort(table);
    if (lmdb->env != NULL)
        mdb_env_close(lmdb->env);
    free(lmdb);
}

static const struct table_ops lmdb_ops = {
    .begin = lmdb_begin,
    .get = lmdb_get,
    .put = lmdb_put,
    .del = lmdb_del,
    .next = lmdb_next,
    .commit = lmdb_commit,
    .abort = lmdb_abort,
    .failure = lmdb_failure,
    .destroy = lmdb_destroy,
};

static int open_space(struct lmdb_table *lmdb, size_t i, bool is_read_only)
{
    unsigned flags = is_read_only ? 0 : MDB_CREATE;
    int rc = mdb_dbi_open(lmdb->txn, space_names[i], flags, &lmdb->spaces[i]);
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

static int open_spaces(struct lmdb_table *lmdb, bool is_read_only)
{
    int rc = mdb_txn_begin(lmdb->env, NULL, is_read_only ? MDB_RDONLY : 0, &lmdb->txn);
    for (size_t i = 0; rc == MDB_SUCCESS && i < TABLE_SPACES_COUNT_; i++)
        rc = open_space(lmdb, i, is_read_only);
    if (rc != MDB_SUCCESS)
        return rc;
    rc = mdb_txn_commit(lmdb->txn);
    lmdb->txn = NULL;
    return rc;
}

// People come in no order, so reading ahead would only fill memory with strangers.
static int open_env(struct lmdb_table *lmdb, const char *path,
                    const struct lmdb_table_options *options)
{
    bool is_read_only = options->is_read_only;
    unsigned flags = MDB_NOSUBDIR | MDB_NORDAHEAD | MDB_NOTLS | (is_read_only ? MDB_RDONLY : 0);
    flags |= is_read_only && !options->is_shared ? MDB_NOLOCK : 0;
    int rc = mdb_env_create(&lmdb->env);
    if (rc == MDB_SUCCESS && !is_read_only)
        rc = mdb_env_set_mapsize(lmdb->env, options->bytes_max);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_set_maxdbs(lmdb->env, TABLE_SPACES_COUNT_);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_set_maxreaders(lmdb->env, READERS_MAX);
    if (rc == MDB_SUCCESS)
        rc = mdb_env_open(lmdb->env, path, flags, FILE_MODE);
    return rc == MDB_SUCCESS ? open_spaces(lmdb, is_read_only) : rc;
}

static enum err err_of(int rc)
{
    if (rc == EACCES || rc == EPERM || rc == EROFS)
        return ERR_PERMISSION;
    if (rc == ENOMEM)
        return ERR_NO_MEMORY;
    bool is_other = rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH || rc == MDB_CORRUPTED ||
                    rc == MDB_PAGE_NOTFOUND || rc == MDB_INCOMPATIBLE;
    return is_other ? ERR_INVALID : ERR_IO;
}

enum err lmdb_table_create(const struct lmdb_table_options *options, struct table **out,
                           struct err_info *info)
{
    char path[PATH_BYTES_MAX] = {0};
    struct strbuf text = strbuf_over(path, sizeof path - 1);
    strbuf_put_text(&text, options->directory);
    strbuf_put_text(&text, FILE_NAME);
    if (text.is_overflowed) {
        err_info_set(info, "the path of the data directory is too long");
        return ERR_INVALID;
    }
    struct lmdb_table *lmdb = calloc(1, sizeof *lmdb);
    if (lmdb == NULL)
        return ERR_NO_MEMORY;
    lmdb->table.ops = &lmdb_ops;
    *out = &lmdb->table;
    int rc = open_env(lmdb, path, options);
    if (rc == MDB_SUCCESS)
        return ERR_OK;
    err_info_set(info, "cannot open %s: %s", path, mdb_strerror(rc));
    table_destroy(out);
    return err_of(rc);
}

// --- views ---

struct lmdb_view {
    struct view view;
    struct lmdb_table *lmdb;
    MDB_txn *txn; // NULL before the first begin
    bool is_begun;
    int failure;
};

static struct lmdb_view *view_of(struct view *view)
{
    return (struct lmdb_view *)view;
}

static enum table_result view_result(struct lmdb_view *view, int rc)
{
    if (rc == MDB_SUCCESS)
        return TABLE_OK;
    if (rc == MDB_NOTFOUND)
        return TABLE_NONE;
    view->failure = rc;
    return TABLE_FAILED;
}

static enum table_result lmdb_view_begin(struct view *base)
{
    struct lmdb_view *view = view_of(base);
    ASSERT(!view->is_begun);
    int rc = view->txn != NULL ? mdb_txn_renew(view->txn)
                               : mdb_txn_begin(view->lmdb->env, NULL, MDB_RDONLY, &view->txn);
    view->is_begun = rc == MDB_SUCCESS;
    return view_result(view, rc);
}

static enum table_result lmdb_view_get(struct view *base, enum table_space space, struct span key,
                                       struct span *value_out)
{
    struct lmdb_view *view = view_of(base);
    return view_result(view, get(view->txn, view->lmdb->spaces[space], key, value_out));
}

static enum table_result lmdb_view_next(struct view *base, enum table_space space,
                                        struct span after, struct span *key_out,
                                        struct span *value_out)
{
    struct lmdb_view *view = view_of(base);
    return view_result(view, next(view->txn, view->lmdb->spaces[space], after, key_out, value_out));
}

static void lmdb_view_end(struct view *base)
{
    struct lmdb_view *view = view_of(base);
    if (view->is_begun)
        mdb_txn_reset(view->txn);
    view->is_begun = false;
}

static const char *lmdb_view_failure(const struct view *base)
{
    return mdb_strerror(((const struct lmdb_view *)base)->failure);
}

static void lmdb_view_destroy(struct view *base)
{
    struct lmdb_view *view = view_of(base);
    if (view->txn != NULL)
        mdb_txn_abort(view->txn);
    free(view);
}

static const struct view_ops lmdb_view_ops = {
    .begin = lmdb_view_begin,
    .get = lmdb_view_get,
    .next = lmdb_view_next,
    .end = lmdb_view_end,
    .failure = lmdb_view_failure,
    .destroy = lmdb_view_destroy,
};

struct view *lmdb_view_create(struct table *table)
{
    struct lmdb_view *view = calloc(1, sizeof *view);
    ASSERT(view != NULL); // only at start-up
    view->view.ops = &lmdb_view_ops;
    view->lmdb = lmdb_of(table);
    return &view->view;
}
