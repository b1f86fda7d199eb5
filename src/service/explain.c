// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Three steps: who it may be (a record's key for each brand and kind of name, or a session), what
// messages the store has of them (one pass, however many they are), and what their records say.
// Whoever turns out to be unknown is then left out.
#include "service/explain.h"

#include "base/assert.h"
#include "core/budget.h"
#include "core/window.h"
#include "service/card.h"
#include "telemetry/log.h"

#include <stdlib.h>

#define ROWS_AT_ONCE 32U
#define SESSION_SHOWN_BYTES 6U // "P-1234"

static const char *const kind_names[] = {
    [ADDRESS_MOBILE] = "MOBILE",
    [ADDRESS_EMAIL] = "EMAIL",
    [ADDRESS_USERNAME] = "USERNAME",
};

// What is being explained, on the way.
struct inquiry {
    const struct history *history;
    const struct explain_query *query;
    struct explained *out;
    size_t first; // of the messages: they are a ring until all are there
    size_t people_max;
};

// --- who it may be -----------------------------------------------------------------------------

static void mask(const struct address *address, char out[MASKED_ADDRESS_BYTES_MAX])
{
    if (address->kind == ADDRESS_USERNAME)
        mask_username(address_value(address), out, MASKED_ADDRESS_BYTES_MAX);
    else
        mask_address(address_value(address), out, MASKED_ADDRESS_BYTES_MAX);
}

static void add_person(struct inquiry *inquiry, const struct brand *brand,
                       const struct address *name)
{
    struct explained *out = inquiry->out;
    ASSERT(out->people_count < inquiry->people_max);
    struct explained_person *person = &out->people[out->people_count++];
    person->brand = brand;
    person->kind = kind_names[name->kind];
    person->name = *name;
    if (name->kind != ADDRESS_USERNAME)
        person->to = *name;
    record_key_of(keyring_index(inquiry->history->keyring), brand->id, address_identifier(name),
                  &person->key);
    mask(name, person->masked);
}

// A number or an e-mail address may be somebody's username too; who is not known is left out later.
static void add_people_of(struct inquiry *inquiry, const struct brand *brand)
{
    struct address name;
    struct span who = inquiry->query->who;
    struct span country = span_of_text(brand->settings.default_country);
    if (address_parse(ADDRESS_MOBILE, who, country, &name) ||
        address_parse(ADDRESS_EMAIL, who, SPAN(""), &name))
        add_person(inquiry, brand, &name);
    if (address_parse(ADDRESS_USERNAME, who, SPAN(""), &name))
        add_person(inquiry, brand, &name);
}

static void add_people(struct inquiry *inquiry)
{
    const struct explain_query *query = inquiry->query;
    if (query->brand != NULL) {
        add_people_of(inquiry, query->brand);
        return;
    }
    for (size_t i = 0; i < brand_set_count(query->brands); i++)
        add_people_of(inquiry, brand_set_at(query->brands, i));
}

static bool find_session(struct inquiry *inquiry)
{
    struct session session;
    struct explained *out = inquiry->out;
    const struct session_binding any = {.identifier = SPAN("")};
    const struct epoch_set *epochs = keyring_epochs(inquiry->history->keyring, out->now_ms);
    if (!session_id_open(epochs, inquiry->query->who, out->now_ms, &session))
        return false;
    bool is_over = session.expires_at_ms <= out->now_ms;
    out->session = (struct explained_session){
        .id = session_ref_of(epochs, &session, &any).id,
        .ends_at_ms = session.expires_at_ms,
        .state = is_over ? EXPLAINED_SESSION_OVER : EXPLAINED_SESSION_OPEN,
    };
    struct span shown = span_first(inquiry->query->who, SESSION_SHOWN_BYTES);
    struct strbuf asked = strbuf_over(out->asked, sizeof out->asked - 1);
    strbuf_put(&asked, shown);
    strbuf_put_text(&asked, "•••");
    return true;
}

static bool is_session_shaped(struct span who)
{
    return who.len == SESSION_ID_TEXT_BYTES && span_starts_with(who, SPAN("P-"));
}

static enum err identify(struct inquiry *inquiry, struct err_info *info)
{
    struct explained *out = inquiry->out;
    if (is_session_shaped(inquiry->query->who)) {
        if (find_session(inquiry))
            return ERR_OK;
        err_info_set(info, "that is no session of this server, or one that ended more than a day "
                           "ago");
        return ERR_INVALID;
    }
    add_people(inquiry);
    if (out->people_count > 0) {
        memcpy(out->asked, out->people[0].masked, sizeof out->asked);
        return ERR_OK;
    }
    err_info_set(info, "that is no number, e-mail address, username or session id%s",
                 brand_set_count(inquiry->query->brands) == 0 ? ": there is no brand yet" : "");
    return ERR_INVALID;
}

// --- the messages ------------------------------------------------------------------------------

static bool is_key(const struct explained_person *person, const struct record_key *key)
{
    return span_eq(span_make(&person->key, sizeof person->key), span_make(key, sizeof *key));
}

// Who had a code sent in the session, as the message says: its record has the key.
static void add_session_person(struct inquiry *inquiry, const struct outbox_entry *entry)
{
    struct explained_person *person = &inquiry->out->people[inquiry->out->people_count++];
    person->brand = brand_set_find_id(inquiry->query->brands, entry->brand_id);
    person->kind = kind_names[entry->channel == CHANNEL_EMAIL ? ADDRESS_EMAIL : ADDRESS_MOBILE];
    person->key = entry->key;
    memcpy(person->masked, entry->masked, sizeof person->masked);
}

static bool find_person(struct inquiry *inquiry, const struct outbox_entry *entry,
                        size_t *number_out)
{
    const struct explained *out = inquiry->out;
    if (out->session.id != 0 && out->people_count == 0)
        add_session_person(inquiry, entry);
    for (size_t i = 0; i < out->people_count; i++) {
        if (!is_key(&out->people[i], &entry->key))
            continue;
        *number_out = i;
        return true;
    }
    return false;
}

static void keep_message(struct inquiry *inquiry, const struct delivery_row *row)
{
    struct explained *out = inquiry->out;
    size_t person;
    if (!find_person(inquiry, &row->entry, &person))
        return;
    out->people[person].messages++;
    size_t place = (inquiry->first + out->messages_count) % EXPLAIN_MESSAGES_MAX;
    if (out->messages_count == EXPLAIN_MESSAGES_MAX)
        inquiry->first = (inquiry->first + 1) % EXPLAIN_MESSAGES_MAX;
    else
        out->messages_count++;
    out->messages[place].person = person;
    out->messages[place].row = *row;
}

// Turns the ring so that the oldest message is the first one. `spare` has room for all of it.
static void straighten(struct inquiry *inquiry, struct explained_message *spare)
{
    struct explained *out = inquiry->out;
    if (inquiry->first == 0)
        return;
    for (size_t i = 0; i < EXPLAIN_MESSAGES_MAX; i++)
        spare[i] = out->messages[(inquiry->first + i) % EXPLAIN_MESSAGES_MAX];
    memcpy(out->messages, spare, sizeof out->messages);
}

// One person is looked for by the store; several in all that it has.
static enum err collect(struct inquiry *inquiry, struct delivery_row *rows)
{
    const struct explained *out = inquiry->out;
    const struct session_ref session = {.id = out->session.id};
    const struct delivery_filter filter = {
        .key = out->people_count == 1 ? &out->people[0].key : NULL,
        .session = session.id != 0 ? &session : NULL,
    };
    uint64_t after = 0;
    do {
        size_t held = ROWS_AT_ONCE;
        enum err err = store_deliveries(inquiry->history->store, &filter, &after, rows, &held);
        if (err != ERR_OK)
            return err;
        for (size_t i = 0; i < held; i++)
            keep_message(inquiry, &rows[i]);
    } while (after != 0);
    return ERR_OK;
}

static enum err collect_all(struct inquiry *inquiry)
{
    struct delivery_row *rows = calloc(ROWS_AT_ONCE, sizeof *rows);
    struct explained_message *spare = calloc(EXPLAIN_MESSAGES_MAX, sizeof *spare);
    enum err err = ERR_NO_MEMORY;
    if (rows != NULL && spare != NULL)
        err = collect(inquiry, rows);
    if (err == ERR_OK)
        straighten(inquiry, spare);
    free(rows);
    free(spare);
    return err;
}

// --- the records -------------------------------------------------------------------------------

static void tell_sends(struct explained_person *person, const struct record *record, int64_t now_ms)
{
    const struct policy *policy = &person->brand->policy;
    if (record->kind != RECORD_OF_ADDRESS)
        return;
    int64_t wait_ms = window_wait_ms(record, policy, now_ms);
    person->has_sends = true;
    person->sends = (struct explained_sends){
        .used = window_used(record, policy, now_ms),
        .most = policy_has_limit(policy) ? policy->otp_max_count : 0,
        .window_ms = policy_has_limit(policy) ? policy->otp_window_ms : 0,
        .free_at_ms = wait_ms > 0 ? now_ms + wait_ms : 0,
    };
}

static void tell_failures(struct explained_person *person, const struct record *record,
                          int64_t now_ms)
{
    const struct policy *policy = &person->brand->policy;
    bool is_locked = !budget_allows(record, policy, 0, now_ms);
    person->failures = (struct explained_failures){
        .count = (unsigned)record->failures_open + record->failures_reserved,
        .most = policy->lock_after_failures,
        .locked_until_ms = is_locked ? record->budget.open_locked_until_ms : 0,
        .may_own_device_try =
            record->last_device != 0 && budget_allows(record, policy, record->last_device, now_ms),
    };
}

static void tell_codes(const struct explained *out, struct explained_person *person,
                       const struct record *record)
{
    for (size_t i = 0; i < record->codes_held; i++) {
        const struct live_code *code = &record->codes[i];
        if (out->session.id != 0 && code->session.id != out->session.id)
            continue;
        unsigned left =
            code->tries < code->tries_max ? (unsigned)(code->tries_max - code->tries) : 0;
        person->codes[person->codes_count++] = (struct explained_code){
            .channel = channel_name((enum channel_kind)code->channel),
            .ends_at_ms = code->expires_at_ms,
            .is_over = code->expires_at_ms <= out->now_ms,
            .tries_left = left,
        };
    }
}

// Sends to a username count where they go to.
static enum err tell_username(struct inquiry *inquiry, struct explained_person *person,
                              const struct record *record)
{
    const struct history *history = inquiry->history;
    struct record_key key;
    struct record counted;
    person->kind = kind_names[ADDRESS_USERNAME];
    if (!card_open(&record->card, history->keyring, &person->key, &person->to)) {
        person->to.len = 0;
        return ERR_OK;
    }
    mask(&person->to, person->masked_to);
    record_key_of(keyring_index(history->keyring), person->brand->id,
                  address_identifier(&person->to), &key);
    enum err err = history_look_at(history, &key, &counted, &inquiry->out->now_ms);
    if (err == ERR_OK)
        tell_sends(person, &counted, inquiry->out->now_ms);
    return err;
}

static void note_session(struct explained *out, const struct record *record)
{
    for (size_t i = 0; i < record->tombstones_held && out->session.id != 0; i++) {
        if (record->tombstones[i] != out->session.id)
            continue;
        bool is_login = i < record->tombstones_spent;
        out->session.state = is_login ? EXPLAINED_SESSION_LOGGED_IN : EXPLAINED_SESSION_DROPPED;
    }
}

// A person whose brand is gone has no policy to be told by.
static enum err tell_record(struct inquiry *inquiry, struct explained_person *person,
                            const struct record *record)
{
    struct explained *out = inquiry->out;
    note_session(out, record);
    tell_codes(out, person, record);
    if (person->brand == NULL)
        return ERR_OK;
    tell_failures(person, record, out->now_ms);
    if (record->kind == RECORD_OF_USERNAME)
        return tell_username(inquiry, person, record);
    if (person->name.len == 0 || person->name.kind != ADDRESS_USERNAME)
        tell_sends(person, record, out->now_ms);
    return ERR_OK;
}

// --- conclusions -------------------------------------------------------------------------------

static struct strbuf text_over(char storage[EXPLAIN_CONCLUSION_BYTES_MAX])
{
    return strbuf_over(storage, EXPLAIN_CONCLUSION_BYTES_MAX - 1); // it ends in NUL
}

static const struct explained_message *newest_of(const struct explained *out, size_t person)
{
    for (size_t i = out->messages_count; i > 0; i--) {
        if (out->messages[i - 1].person == person)
            return &out->messages[i - 1];
    }
    return NULL;
}

static void conclude(struct inquiry *inquiry, size_t number)
{
    struct explained *out = inquiry->out;
    struct explained_person *person = &out->people[number];
    const struct explained_message *newest = newest_of(out, number);
    struct strbuf text = text_over(person->conclusion);
    struct told_message told;
    if (newest != NULL) {
        history_tell(inquiry->history, inquiry->query->brands, &newest->row, &told);
        history_conclude(&told, &text);
    } else {
        strbuf_put_text(&text, "the person has not asked for a code in the last day");
    }
    if (person->sends.free_at_ms != 0)
        strbuf_put_text(&text, "; the limit of sends is reached");
    if (person->failures.locked_until_ms != 0)
        strbuf_put_text(&text, "; no code is accepted now, after too many wrong ones");
}

static void conclude_unknown(struct explained *out)
{
    struct strbuf text = text_over(out->conclusion);
    strbuf_put_text(&text, out->session.id != 0
                               ? "no code was asked for in this session in the last day"
                               : "nobody of that name has asked for a code in the last day");
}

// --- the whole ---------------------------------------------------------------------------------

// Messages of those who stay get their new numbers; those who go have none.
static void renumber(struct explained *out, size_t from, size_t to)
{
    for (size_t i = 0; i < out->messages_count; i++) {
        if (out->messages[i].person == from)
            out->messages[i].person = to;
    }
}

static bool is_known(const struct record *record)
{
    return record->uid != 0 || record->codes_held > 0 || record->tombstones_held > 0 ||
           record->sends_held > 0 || record->failures_open > 0 || record->failures_reserved > 0 ||
           (record->kind == RECORD_OF_USERNAME && record->card.tag != 0);
}

static enum err tell_people(struct inquiry *inquiry)
{
    struct explained *out = inquiry->out;
    size_t kept = 0;
    for (size_t i = 0; i < out->people_count; i++) {
        struct record record;
        enum err err =
            history_look_at(inquiry->history, &out->people[i].key, &record, &out->now_ms);
        if (err != ERR_OK)
            return err;
        if (out->people[i].messages == 0 && !is_known(&record))
            continue;
        if (kept != i) {
            out->people[kept] = out->people[i];
            renumber(out, i, kept);
        }
        err = tell_record(inquiry, &out->people[kept], &record);
        if (err != ERR_OK)
            return err;
        conclude(inquiry, kept++);
    }
    out->people_count = kept;
    if (kept == 0)
        conclude_unknown(out);
    return ERR_OK;
}

// Each brand may know a number and a username; a session is of one person.
static size_t people_max(const struct explain_query *query)
{
    size_t brands = query->brand != NULL ? 1 : brand_set_count(query->brands);
    return 2 * brands + 1;
}

static enum err inquire(struct inquiry *inquiry, struct err_info *info)
{
    err_info_set(info, "the store cannot tell now");
    enum err err = identify(inquiry, info);
    if (err == ERR_OK)
        err = collect_all(inquiry);
    return err == ERR_OK ? tell_people(inquiry) : err;
}

enum err explain_create(const struct history *history, const struct explain_query *query,
                        struct explained **out, struct err_info *info)
{
    struct inquiry inquiry = {.history = history, .query = query, .people_max = people_max(query)};
    struct explained *explained = calloc(1, sizeof *explained);
    enum err err = ERR_NO_MEMORY;
    if (explained != NULL)
        explained->people = calloc(inquiry.people_max, sizeof *explained->people);
    if (explained != NULL && explained->people != NULL) {
        explained->now_ms = store_now_ms(history->store);
        inquiry.out = explained;
        err = inquire(&inquiry, info);
    }
    if (err == ERR_NO_MEMORY)
        err_info_set(info, "%s", err_text(err));
    *out = explained;
    if (err != ERR_OK)
        explain_destroy(out);
    return err;
}

void explain_destroy(struct explained **explained)
{
    if (*explained == NULL)
        return;
    free((*explained)->people);
    free(*explained);
    *explained = NULL;
}
