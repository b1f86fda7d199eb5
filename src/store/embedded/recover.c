// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/embedded/recover.h"

static enum err tell_failure(struct err_info *info, const struct table *table)
{
    err_info_set(info, "cannot be read: %s", table_failure(table));
    return ERR_IO;
}

static enum err tell_bad(struct err_info *info, const char *what, enum codec_verdict verdict)
{
    if (verdict == CODEC_NEWER) {
        err_info_set(info,
                     "was written by a newer version of otpd (%s); run that one, or choose "
                     "another --data-dir",
                     what);
        return ERR_INVALID;
    }
    err_info_set(
        info, "is damaged (%s); restore a backup, or move the directory away to begin anew", what);
    return ERR_INVALID;
}

static enum err check_fingerprint(const struct recovery *recovery,
                                  const struct codec_identity *identity, struct err_info *info)
{
    if (memcmp(&identity->fingerprint, &recovery->fingerprint, sizeof identity->fingerprint) == 0)
        return ERR_OK;
    err_info_set(info, "was made with other keys than the ones given; give the key file that it "
                       "was made with, or choose another --data-dir");
    return ERR_INVALID;
}

// A table without an identity has to be empty: else the identity was lost.
static bool is_empty(struct table *table)
{
    struct span key, value;
    for (int space = 0; space < TABLE_SPACES_COUNT_; space++) {
        if (table_next(table, (enum table_space)space, span_make(NULL, 0), &key, &value) !=
            TABLE_NONE)
            return false;
    }
    return true;
}

static enum table_result put_meta(struct table *table, const char *name, const struct strbuf *value)
{
    return table_put(table, TABLE_META, span_of_text(name), strbuf_span(value));
}

static enum err begin_new(struct table *table, struct recovery *recovery, struct err_info *info)
{
    uint8_t identity_storage[CODEC_STATE_BYTES_MAX], state_storage[CODEC_STATE_BYTES_MAX];
    struct strbuf identity = strbuf_over(identity_storage, sizeof identity_storage);
    struct strbuf state = strbuf_over(state_storage, sizeof state_storage);
    store_time_begin(&recovery->time, &recovery->clock, &recovery->boot, NULL);
    recovery->state = (struct codec_state){1, store_time_mark(&recovery->time)};
    codec_put_identity(&(struct codec_identity){CODEC_DATA_FORMAT, recovery->fingerprint},
                       &identity);
    codec_put_state(&recovery->state, &state);
    enum table_result result = put_meta(table, CODEC_IDENTITY_KEY, &identity);
    if (result == TABLE_OK)
        result = put_meta(table, CODEC_STATE_KEY, &state);
    if (result == TABLE_OK)
        result = table_commit(table);
    return result == TABLE_OK ? ERR_OK : tell_failure(info, table);
}

static enum err read_identity(const struct recovery *recovery, struct span value,
                              struct err_info *info)
{
    struct codec_identity identity;
    enum codec_verdict verdict = codec_read_identity(value, &identity);
    if (verdict != CODEC_OK)
        return tell_bad(info, "its identity", verdict);
    return check_fingerprint(recovery, &identity, info);
}

static enum err read_state(struct table *table, struct recovery *recovery, struct err_info *info)
{
    struct span value;
    enum table_result result = table_get(table, TABLE_META, SPAN(CODEC_STATE_KEY), &value);
    if (result == TABLE_NONE)
        return tell_bad(info, "its state is missing", CODEC_DAMAGED);
    if (result != TABLE_OK)
        return tell_failure(info, table);
    enum codec_verdict verdict = codec_read_state(value, &recovery->state);
    if (verdict != CODEC_OK)
        return tell_bad(info, "its state", verdict);
    store_time_begin(&recovery->time, &recovery->clock, &recovery->boot, &recovery->state.mark);
    return ERR_OK;
}

static enum err read_entry(struct recovery *recovery, struct span key, struct span value,
                           struct err_info *info)
{
    struct outbox_entry entry;
    uint64_t sequence;
    bool has_sequence = codec_entry_sequence(key, &sequence);
    enum codec_verdict verdict =
        has_sequence ? codec_read_entry(sequence, value, &entry) : CODEC_DAMAGED;
    if (verdict != CODEC_OK)
        return tell_bad(info, "an outbox entry", verdict);
    recovery->next_sequence = sequence + 1;
    return entry_queue_add(recovery->entries, &entry, sequence) ? ERR_OK : ERR_NO_MEMORY;
}

static enum err read_setting(struct recovery *recovery, struct span key, struct span value,
                             struct err_info *info)
{
    struct setting setting;
    enum codec_verdict verdict = codec_read_setting(key, value, &setting);
    if (verdict != CODEC_OK)
        return tell_bad(info, "a brand's settings", verdict);
    return settings_list_load(recovery->settings, &setting);
}

typedef enum err read_row(struct recovery *recovery, struct span key, struct span value,
                          struct err_info *info);

static enum err read_each(struct table *table, enum table_space space, read_row *read,
                          struct recovery *recovery, struct err_info *info)
{
    struct span key = span_make(NULL, 0), value;
    for (;;) {
        enum table_result result = table_next(table, space, key, &key, &value);
        if (result == TABLE_NONE)
            return ERR_OK;
        if (result != TABLE_OK)
            return tell_failure(info, table);
        enum err err = read(recovery, key, value, info);
        if (err != ERR_OK)
            return err;
    }
}

static enum err read_all(struct table *table, struct recovery *recovery, struct err_info *info)
{
    struct span value;
    enum table_result result = table_get(table, TABLE_META, SPAN(CODEC_IDENTITY_KEY), &value);
    if (result == TABLE_NONE && is_empty(table))
        return begin_new(table, recovery, info);
    if (result == TABLE_NONE)
        return tell_bad(info, "its identity is missing", CODEC_DAMAGED);
    if (result != TABLE_OK)
        return tell_failure(info, table);
    enum err err = read_identity(recovery, value, info);
    if (err == ERR_OK)
        err = read_state(table, recovery, info);
    if (err == ERR_OK)
        err = read_each(table, TABLE_ENTRIES, read_entry, recovery, info);
    if (err == ERR_OK)
        err = read_each(table, TABLE_SETTINGS, read_setting, recovery, info);
    return err;
}

enum err recover(struct table *table, struct recovery *recovery, struct err_info *info)
{
    recovery->next_sequence = 1;
    if (table_begin(table) != TABLE_OK)
        return tell_failure(info, table);
    enum err err = read_all(table, recovery, info);
    table_abort(table);
    if (err == ERR_NO_MEMORY)
        err_info_set(info, "does not fit into memory");
    return err;
}
