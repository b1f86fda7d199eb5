// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/embedded/recover.h"

#include "store/entry.h"

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
    recovery->state = (struct codec_state){1, store_time_mark(&recovery->time), 1, 1};
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

// Of the row of `key`, if there is one: else an empty span.
static enum err get(struct table *table, enum table_space space, struct span key,
                    struct span *value, struct err_info *info)
{
    *value = span_make(NULL, 0);
    enum table_result result = table_get(table, space, key, value);
    return result == TABLE_OK || result == TABLE_NONE ? ERR_OK : tell_failure(info, table);
}

static enum err read_delivery(struct table *table, uint64_t sequence,
                              const struct codec_entry *promise, struct delivery *delivery,
                              struct err_info *info)
{
    uint8_t name[CODEC_ENTRY_KEY_BYTES];
    struct codec_delivery stored;
    struct span value;
    codec_entry_key(sequence, name);
    enum err err = get(table, TABLE_DELIVERIES, span_make(name, sizeof name), &value, info);
    *delivery = delivery_of_new(&promise->entry, promise->provider);
    if (err != ERR_OK || span_is_empty(value))
        return err;
    enum codec_verdict verdict =
        codec_read_delivery(sequence, promise->entry.created_at_ms, value, &stored);
    if (verdict != CODEC_OK)
        return tell_bad(info, "a delivery", verdict);
    *delivery = stored.delivery;
    return ERR_OK;
}

static enum err read_address(struct table *table, uint64_t sequence, struct outbox_entry *entry,
                             struct err_info *info)
{
    uint8_t name[CODEC_SEALED_KEY_BYTES];
    struct span key = span_make(name, sizeof name), value;
    codec_sealed_key(&(struct codec_sealed_at){codec_minute_of(entry->deadline_at_ms), sequence},
                     name);
    enum err err = get(table, TABLE_SEALED, key, &value, info);
    if (err != ERR_OK || span_is_empty(value))
        return err;
    enum codec_verdict verdict = codec_read_sealed(key, value, &entry->address);
    return verdict == CODEC_OK ? ERR_OK : tell_bad(info, "a sealed address", verdict);
}

static enum err add_entry(struct table *table, struct recovery *recovery, uint64_t sequence,
                          struct codec_entry *promise, struct err_info *info)
{
    struct delivery delivery;
    enum err err = read_delivery(table, sequence, promise, &delivery, info);
    if (err != ERR_OK || delivery_is_over(&delivery))
        return err;
    err = read_address(table, sequence, &promise->entry, info);
    if (err != ERR_OK)
        return err;
    if (!entry_queue_add(recovery->entries, sequence, &promise->entry, &delivery))
        return ERR_NO_MEMORY;
    if (delivery.state == DELIVERY_SUBMITTED) // its lease was another process's
        entry_queue_hasten(recovery->entries, sequence);
    return ERR_OK;
}

static enum err read_entry(struct table *table, struct recovery *recovery, struct span key,
                           struct span value, struct err_info *info)
{
    struct codec_entry promise;
    uint64_t sequence;
    bool has_sequence = codec_entry_sequence(key, &sequence);
    enum codec_verdict verdict =
        has_sequence ? codec_read_entry(sequence, value, &promise) : CODEC_DAMAGED;
    if (verdict == CODEC_OK && sequence >= recovery->state.next_sequence)
        verdict = CODEC_DAMAGED;
    if (verdict != CODEC_OK)
        return tell_bad(info, "an outbox entry", verdict);
    return add_entry(table, recovery, sequence, &promise, info);
}

static enum err read_setting(struct table *table, struct recovery *recovery, struct span key,
                             struct span value, struct err_info *info)
{
    struct setting setting;
    (void)table;
    enum codec_verdict verdict = codec_read_setting(key, value, &setting);
    if (verdict != CODEC_OK)
        return tell_bad(info, "a brand's settings", verdict);
    return settings_list_load(recovery->settings, &setting);
}

// The rows of a space whose keys are greater than `after`.
struct range {
    enum table_space space;
    struct span after;
    enum err (*read)(struct table *table, struct recovery *recovery, struct span key,
                     struct span value, struct err_info *info);
};

static enum err read_range(struct table *table, const struct range *range,
                           struct recovery *recovery, struct err_info *info)
{
    struct span key = range->after, value;
    for (;;) {
        enum table_result result = table_next(table, range->space, key, &key, &value);
        if (result == TABLE_NONE)
            return ERR_OK;
        if (result != TABLE_OK)
            return tell_failure(info, table);
        enum err err = range->read(table, recovery, key, value, info);
        if (err != ERR_OK)
            return err;
    }
}

static enum err read_rows(struct table *table, struct recovery *recovery, struct err_info *info)
{
    uint8_t name[CODEC_ENTRY_KEY_BYTES];
    const struct range entries = {TABLE_ENTRIES, span_make(name, sizeof name), read_entry};
    const struct range settings = {TABLE_SETTINGS, span_make(NULL, 0), read_setting};
    codec_entry_key(recovery->state.first_open - 1, name);
    enum err err = read_range(table, &entries, recovery, info);
    return err == ERR_OK ? read_range(table, &settings, recovery, info) : err;
}

static enum err tell_no_identity(struct table *table, struct err_info *info)
{
    struct span value;
    if (table_get(table, TABLE_META, SPAN(CODEC_BACKUP_KEY), &value) != TABLE_OK)
        return tell_bad(info, "its identity is missing", CODEC_DAMAGED);
    err_info_set(info, "is a backup; otpd restore makes a data directory of it");
    return ERR_INVALID;
}

static enum err read_all(struct table *table, struct recovery *recovery, struct err_info *info)
{
    struct span value;
    enum table_result result = table_get(table, TABLE_META, SPAN(CODEC_IDENTITY_KEY), &value);
    if (result == TABLE_NONE && is_empty(table))
        return begin_new(table, recovery, info);
    if (result == TABLE_NONE)
        return tell_no_identity(table, info);
    if (result != TABLE_OK)
        return tell_failure(info, table);
    enum err err = read_identity(recovery, value, info);
    if (err == ERR_OK)
        err = read_state(table, recovery, info);
    return err == ERR_OK ? read_rows(table, recovery, info) : err;
}

enum err recover(struct table *table, struct recovery *recovery, struct err_info *info)
{
    if (table_begin(table) != TABLE_OK)
        return tell_failure(info, table);
    enum err err = read_all(table, recovery, info);
    table_abort(table);
    if (err == ERR_NO_MEMORY)
        err_info_set(info, "does not fit into memory");
    return err;
}
