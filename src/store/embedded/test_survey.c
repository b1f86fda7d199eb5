// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Rows that are damaged, missing, or not of one directory are each told; whole ones never.
#include "store/embedded/survey.h"

#include "rig/model_store.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

#define SEQUENCE_1 "\0\0\0\0\0\0\0\1"
#define TAG 77U
#define TAG_KEY "\0\0\0\0\0\0\0\x4D"
#define MINUTE_OF_END "\1\xC2\x22\x75"

struct found {
    size_t faults;
    char what[64];
    char why[160];
    struct survey survey;
    struct overlay overlay;
};

static void on_fault(void *ctx, const struct survey_fault *fault)
{
    struct found *found = ctx;
    found->faults++;
    assert_true(strlen(fault->then) > 0);
    (void)snprintf(found->what, sizeof found->what, "%s", fault->what);
    (void)snprintf(found->why, sizeof found->why, "%s", fault->why);
}

static void survey(struct model_store *fixture, struct found *found,
                   const struct digest128 *fingerprint)
{
    struct err_info info;
    found->faults = 0;
    found->survey = (struct survey){
        .view = model_view_create(&fixture->disk),
        .overlay = &found->overlay,
        .fingerprint = fingerprint,
        .on_fault = on_fault,
        .ctx = found,
    };
    assert_int_equal(view_begin(found->survey.view), TABLE_OK);
    assert_int_equal(survey_run(&found->survey, &info), ERR_OK);
    view_end(found->survey.view);
    view_destroy(&found->survey.view);
}

// A person with an open entry that has an address, a delivery and a reference; a setting. The
// store is closed.
static void fill(struct model_store *fixture)
{
    struct setting setting = {SPAN("A"), SPAN("value"), 1};
    struct claimed_entry claimed = case_promise(&fixture->store, 1);
    struct case_delivery op;
    case_delivery_init(&op, &claimed, DELIVERY_SUBMITTED, CASES_START_MS + 9000);
    op.ref = TAG;
    assert_int_equal(case_delivery_run(&fixture->store, &op), STORE_COMMITTED);
    assert_int_equal(store_settings_put(fixture->store.store, &setting), ERR_OK);
    store_destroy(&fixture->store.store);
}

static void test_whole_rows_are_counted_and_have_no_fault(void **state)
{
    struct model_store *fixture = *state;
    struct found found = {0};
    const struct digest128 own = {{0}};
    fill(fixture);
    survey(fixture, &found, &own);
    assert_int_equal(found.faults, 0);
    static const uint64_t expected[TABLE_SPACES_COUNT_] = {
        [TABLE_RECORDS] = 1, [TABLE_ENTRIES] = 1, [TABLE_EXPIRY] = 0,     [TABLE_SETTINGS] = 1,
        [TABLE_META] = 2,    [TABLE_SEALED] = 1,  [TABLE_DELIVERIES] = 1, [TABLE_REFS] = 1,
    };
    for (size_t i = 0; i < TABLE_SPACES_COUNT_; i++)
        assert_int_equal(found.survey.rows[i], expected[i]);
    assert_int_equal(found.survey.open_entries, 1);
}

static void test_an_empty_table_is_whole(void **state)
{
    struct model_store fixture = {0};
    struct found found = {0};
    (void)state;
    survey(&fixture, &found, NULL);
    assert_int_equal(found.faults, 0);
}

static const struct {
    enum table_space space;
    struct span key;
    const char *what;
} damages[] = {
    {TABLE_META, SPAN("identity"), "row of META"},
    {TABLE_META, SPAN("state"), "row of META"},
    {TABLE_SETTINGS, SPAN("A"), "setting"},
    {TABLE_ENTRIES, SPAN(SEQUENCE_1), "outbox entry"},
    {TABLE_SEALED, SPAN(MINUTE_OF_END SEQUENCE_1), "sealed address"},
    {TABLE_DELIVERIES, SPAN(SEQUENCE_1), "delivery"},
    {TABLE_REFS, SPAN(TAG_KEY), "reference"},
};

static void test_every_damaged_row_is_told(void **state)
{
    struct model_store *fixture = *state;
    struct found found = {0};
    fill(fixture);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct model_row *row = model_disk_find(&fixture->disk, damages[i].space, damages[i].key);
        assert_non_null(row);
        row->value[row->value_len - 1] ^= 1;
        survey(fixture, &found, NULL);
        assert_true(found.faults > 0);
        row->value[row->value_len - 1] ^= 1;
        survey(fixture, &found, NULL);
        assert_row_equal(damages[i].what, found.faults, 0);
    }
}

static void test_a_damaged_person_is_told(void **state)
{
    struct model_store *fixture = *state;
    struct found found = {0};
    fill(fixture);
    for (size_t i = 0; i < fixture->disk.rows.held; i++) {
        struct model_row *row = fixture->disk.rows.rows[i];
        if (row->space == TABLE_RECORDS)
            row->value[row->value_len - 1] ^= 1;
    }
    survey(fixture, &found, NULL);
    assert_int_equal(found.faults, 1);
    assert_string_equal(found.what, "person");
    assert_string_equal(found.why, "is damaged");
}

static void test_other_keys_are_told(void **state)
{
    struct model_store *fixture = *state;
    struct found found = {0};
    const struct digest128 other = {{1}};
    fill(fixture);
    survey(fixture, &found, &other);
    assert_int_equal(found.faults, 1);
    assert_string_equal(found.why, "says that the data was made with other keys than these");
}

// --- rows that are not there ---

static void del(struct found *found, enum table_space space, struct span key)
{
    const struct journal_row row = {space, true, key, span_make(NULL, 0)};
    assert_true(overlay_put(&found->overlay, &row));
    overlay_commit(&found->overlay);
}

static const struct {
    enum table_space space;
    struct span key;
    size_t faults;
    const char *what;
    const char *why;
} losses[] = {
    {TABLE_META, SPAN("identity"), 1, "the table's identity", "is missing"},
    {TABLE_META, SPAN("state"), 1, "the table's state", "is missing"},
    {TABLE_SETTINGS, SPAN("A"), 0, "", ""},
    // What has become of it, and its reference.
    {TABLE_ENTRIES, SPAN(SEQUENCE_1), 2, "reference",
     "is of an outbox entry that does not know it"},
    {TABLE_SEALED, SPAN(MINUTE_OF_END SEQUENCE_1), 1, "outbox entry", "is open and has no address"},
    {TABLE_DELIVERIES, SPAN(SEQUENCE_1), 1, "reference",
     "is of an outbox entry that does not know it"},
    {TABLE_REFS, SPAN(TAG_KEY), 0, "", ""},
};

static void test_what_the_overlay_deletes_is_missed(void **state)
{
    struct model_store *fixture = *state;
    fill(fixture);
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        struct found found = {0};
        del(&found, losses[i].space, losses[i].key);
        survey(fixture, &found, NULL);
        assert_int_equal(found.faults, losses[i].faults);
        assert_string_equal(found.what, losses[i].what);
        assert_string_equal(found.why, losses[i].why);
        overlay_fini(&found.overlay);
    }
}

// What is in both is the overlay's: a damaged row behind it counts for nothing.
static void test_the_overlay_goes_first(void **state)
{
    struct model_store *fixture = *state;
    struct found found = {0};
    uint8_t kept[CODEC_VALUE_BYTES_MAX];
    fill(fixture);
    struct model_row *row = model_disk_find(&fixture->disk, TABLE_SETTINGS, SPAN("A"));
    const struct journal_row whole = {TABLE_SETTINGS, false, SPAN("A"),
                                      span_make(kept, row->value_len)};
    memcpy(kept, row->value, row->value_len);
    row->value[0] ^= 0x80;
    assert_true(overlay_put(&found.overlay, &whole));
    overlay_commit(&found.overlay);
    survey(fixture, &found, NULL);
    assert_int_equal(found.faults, 0);
    assert_int_equal(found.survey.rows[TABLE_SETTINGS], 1);
    overlay_fini(&found.overlay);
}

// --- rows that contradict each other ---

static void put_state(struct found *found, uint64_t first_open, uint64_t next_sequence)
{
    const struct codec_state stored = {
        .commit = 5, .first_open = first_open, .next_sequence = next_sequence};
    uint8_t storage[CODEC_STATE_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    codec_put_state(&stored, &value);
    const struct journal_row row = {TABLE_META, false, SPAN("state"), strbuf_span(&value)};
    assert_true(overlay_put(&found->overlay, &row));
    overlay_commit(&found->overlay);
}

static void test_a_state_of_another_copy_is_told(void **state)
{
    struct model_store *fixture = *state;
    struct found found = {0};
    fill(fixture);
    put_state(&found, 1, 1);
    survey(fixture, &found, NULL);
    assert_int_equal(found.faults, 1);
    assert_string_equal(found.why,
                        "is newer than the state: these are rows of two copies of a directory");
    put_state(&found, 2, 2);
    survey(fixture, &found, NULL);
    assert_int_equal(found.faults, 1);
    assert_string_equal(found.why,
                        "is open, and the state says that all before a later one are over");
    overlay_fini(&found.overlay);
}

static void test_an_address_under_another_minute_is_told(void **state)
{
    struct model_store *fixture = *state;
    struct found found = {0};
    const struct sealed address = {.len = 3, .bytes = "abc"};
    uint8_t storage[CODEC_SEALED_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    const struct span key = SPAN("\1\2\3\4" SEQUENCE_1);
    fill(fixture);
    codec_put_sealed(key, &address, &value);
    const struct journal_row row = {TABLE_SEALED, false, key, strbuf_span(&value)};
    assert_true(overlay_put(&found.overlay, &row));
    overlay_commit(&found.overlay);
    survey(fixture, &found, NULL);
    assert_int_equal(found.faults, 1);
    assert_string_equal(found.why, "lies under another minute than its outbox entry's");
    overlay_fini(&found.overlay);
}

static void test_a_row_of_no_known_sort_is_told(void **state)
{
    struct model_store *fixture = *state;
    struct found found = {0};
    const struct journal_row row = {TABLE_META, false, SPAN("later"), SPAN("value")};
    fill(fixture);
    assert_true(overlay_put(&found.overlay, &row));
    overlay_commit(&found.overlay);
    survey(fixture, &found, NULL);
    assert_int_equal(found.faults, 1);
    assert_string_equal(found.why, "is of no sort that this version knows");
    overlay_fini(&found.overlay);
}

// --- the index of what expires ---

static void put_record(struct found *found, const struct record_key *key)
{
    const struct record record = {
        .codes_held = 1,
        .codes = {{.session = {1, 1},
                   .expires_at_ms = CASES_START_MS,
                   .ttl_ms = 1000,
                   .session_expires_at_s = CASES_START_MS / 1000,
                   .tries_max = 3,
                   .length = 6}},
    };
    uint8_t storage[CODEC_RECORD_BYTES_MAX];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    codec_put_record(key, &record, &value);
    const struct journal_row row = {TABLE_RECORDS, false, span_make(key, sizeof *key),
                                    strbuf_span(&value)};
    assert_true(overlay_put(&found->overlay, &row));
    overlay_commit(&found->overlay);
}

static void put_expiry(struct found *found, const struct record_key *key)
{
    const struct codec_expiry expiry = {5, *key};
    uint8_t name[CODEC_EXPIRY_KEY_BYTES], storage[CODEC_FRAME_BYTES];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    codec_expiry_key(&expiry, name);
    codec_put_expiry(span_make(name, sizeof name), &value);
    const struct journal_row row = {TABLE_EXPIRY, false, span_make(name, sizeof name),
                                    strbuf_span(&value)};
    assert_true(overlay_put(&found->overlay, &row));
    overlay_commit(&found->overlay);
}

static void test_a_person_that_would_never_go_is_told(void **state)
{
    struct model_store *fixture = *state;
    struct found found = {0};
    const struct record_key key = {{{9, 9}}}, other = {{{8, 9}}};
    fill(fixture);
    put_record(&found, &key);
    put_expiry(&found, &other); // of somebody who is gone: no fault
    survey(fixture, &found, NULL);
    assert_int_equal(found.faults, 1);
    assert_string_equal(found.why, "is missing in the index of what expires");
    put_expiry(&found, &key);
    survey(fixture, &found, NULL);
    assert_int_equal(found.faults, 0);
    overlay_fini(&found.overlay);
}

int main(void)
{
#define CASE(function) \
    cmocka_unit_test_setup_teardown(function, model_store_set_up, model_store_tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_whole_rows_are_counted_and_have_no_fault),
        cmocka_unit_test(test_an_empty_table_is_whole),
        CASE(test_every_damaged_row_is_told),
        CASE(test_a_damaged_person_is_told),
        CASE(test_other_keys_are_told),
        CASE(test_what_the_overlay_deletes_is_missed),
        CASE(test_the_overlay_goes_first),
        CASE(test_a_state_of_another_copy_is_told),
        CASE(test_an_address_under_another_minute_is_told),
        CASE(test_a_row_of_no_known_sort_is_told),
        CASE(test_a_person_that_would_never_go_is_told),
    };
    return cmocka_run_group_tests_name("survey", tests, NULL, NULL);
}
