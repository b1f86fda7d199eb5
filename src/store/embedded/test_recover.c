// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What is found when a store is opened: damage, other people's data, and less room than before.
#include "store/embedded/codec.h"

#include "rig/model_store.h"
#include "unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define SEQUENCE_1 "\0\0\0\0\0\0\0\1"
#define MINUTE_OF_END "\1\xC2\x22\x75"

struct opening_row {
    const char *name;
    enum table_space space;
    struct span key;
    bool is_gone; // the row, else a bit of it is flipped
    const char *story;
};

static const struct opening_row opening_rows[] = {
    {"identity", TABLE_META, SPAN("identity"), false, "is damaged (its identity)"},
    {"no identity", TABLE_META, SPAN("identity"), true, "is damaged (its identity is missing)"},
    {"state", TABLE_META, SPAN("state"), false, "is damaged (its state)"},
    {"no state", TABLE_META, SPAN("state"), true, "is damaged (its state is missing)"},
    {"entry", TABLE_ENTRIES, SPAN(SEQUENCE_1), false, "is damaged (an outbox entry)"},
    {"address", TABLE_SEALED, SPAN(MINUTE_OF_END SEQUENCE_1), false,
     "is damaged (a sealed address)"},
    {"delivery", TABLE_DELIVERIES, SPAN(SEQUENCE_1), false, "is damaged (a delivery)"},
    {"setting", TABLE_SETTINGS, SPAN("A"), false, "is damaged (a brand's settings)"},
};

static void damage(struct model_store *fixture, const struct opening_row *row)
{
    struct model_row *found = model_disk_find(&fixture->disk, row->space, row->key);
    assert_non_null(found);
    found->value[4] ^= 0x10;
    if (row->is_gone) { // out of the way, under a name that nobody looks for
        found->space = TABLE_META;
        found->key[found->key_len - 1] = 'z';
    }
}

static enum err try_open(struct model_store *fixture, struct digest128 fingerprint,
                         struct err_info *info)
{
    struct embedded_store_options options = model_store_options(fixture);
    options.fingerprint = fingerprint;
    return embedded_store_create(&options, &fixture->store.store, info);
}

static void test_damage_is_found_when_it_is_opened(void **state)
{
    (void)state;
    struct setting setting = {SPAN("A"), SPAN("value"), 1};
    for (size_t i = 0; i < sizeof opening_rows / sizeof opening_rows[0]; i++) {
        const struct opening_row *row = &opening_rows[i];
        struct err_info info = {0};
        void *own;
        (void)model_store_set_up(&own);
        struct model_store *fixture = own;
        const struct claimed_entry claimed = case_promise(&fixture->store, 1);
        case_must(&fixture->store, &claimed, DELIVERY_SUBMITTED, CASES_START_MS + 9000);
        assert_int_equal(store_settings_put(fixture->store.store, &setting), ERR_OK);
        store_destroy(&fixture->store.store);
        damage(fixture, row);
        enum err err = try_open(fixture, (struct digest128){{0}}, &info);
        assert_row_equal(row->name, err, ERR_INVALID);
        if (strstr(info.text, row->story) == NULL)
            fail_msg("%s: %s", row->name, info.text);
        assert_null(fixture->store.store);
        (void)model_store_tear_down(&own);
    }
}

// Rows of two copies of a directory.
static void test_entries_ahead_of_the_state_are_damage(void **state)
{
    struct model_store *fixture = *state;
    struct err_info info = {0};
    uint8_t before[CODEC_STATE_BYTES_MAX];
    struct model_row *row = model_disk_find(&fixture->disk, TABLE_META, SPAN("state"));
    assert_int_equal(row->value_len, sizeof before);
    memcpy(before, row->value, sizeof before);
    assert_int_equal(model_store_run(fixture, 1, true, true), STORE_COMMITTED);
    store_destroy(&fixture->store.store);
    row = model_disk_find(&fixture->disk, TABLE_META, SPAN("state"));
    memcpy(row->value, before, sizeof before);
    assert_int_equal(try_open(fixture, (struct digest128){{0}}, &info), ERR_INVALID);
    assert_non_null(strstr(info.text, "is damaged (an outbox entry)"));
}

static void test_data_of_other_keys_is_refused(void **state)
{
    struct model_store *fixture = *state;
    struct err_info info = {0};
    store_destroy(&fixture->store.store);
    assert_int_equal(try_open(fixture, (struct digest128){{1}}, &info), ERR_INVALID);
    assert_string_equal(info.text,
                        "the data in table was made with other keys than the ones given; give the "
                        "key file that it was made with, or choose another --data-dir");
    assert_int_equal(try_open(fixture, (struct digest128){{0}}, &info), ERR_OK);
}

static void test_newer_data_is_refused(void **state)
{
    struct model_store *fixture = *state;
    struct err_info info = {0};
    uint8_t storage[64];
    struct strbuf value = strbuf_over(storage, sizeof storage);
    struct codec_identity identity = {CODEC_DATA_FORMAT + 1, {{0}}};
    store_destroy(&fixture->store.store);
    codec_put_identity(&identity, &value);
    struct model_row *row = model_disk_find(&fixture->disk, TABLE_META, SPAN("identity"));
    assert_int_equal(row->value_len, value.len);
    memcpy(row->value, value.data, value.len);
    assert_int_equal(try_open(fixture, (struct digest128){{0}}, &info), ERR_INVALID);
    assert_string_equal(info.text, "the data in table was written by a newer version of otpd (its "
                                   "identity); run that one, or choose another --data-dir");
}

static void test_more_entries_than_are_now_allowed_are_kept(void **state)
{
    struct model_store *fixture = *state;
    struct err_info info = {0};
    for (uint8_t i = 0; i < 5; i++)
        assert_int_equal(model_store_run(fixture, i, true, true), STORE_COMMITTED);
    store_destroy(&fixture->store.store);
    struct embedded_store_options options = model_store_options(fixture);
    options.entries_max = 2;
    enum err err = embedded_store_create(&options, &fixture->store.store, &info);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(store_entries(fixture->store.store), 5);
    assert_int_equal(model_store_run(fixture, 7, true, true), STORE_REFUSED_BUSY);
}

int main(void)
{
#define CASE(function) \
    cmocka_unit_test_setup_teardown(function, model_store_set_up, model_store_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage_is_found_when_it_is_opened),
        CASE(test_entries_ahead_of_the_state_are_damage),
        CASE(test_data_of_other_keys_is_refused),
        CASE(test_newer_data_is_refused),
        CASE(test_more_entries_than_are_now_allowed_are_kept),
    };
    return cmocka_run_group_tests_name("recover", tests, NULL, NULL);
}
