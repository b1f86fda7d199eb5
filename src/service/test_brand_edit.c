// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Changes of stored brands: what they change, what they leave alone, and what becomes of two at
// once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/pure/random.h"
#include "service/brand_set.h"
#include "service/brand_value.h"
#include "sim/seeded.h"
#include "store/memory/memory.h"

#include <pthread.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define SECRET SPAN("0123456789 secret of 32 bytes ok")
#define OTHER_SECRET SPAN("another secret that has more bytes than that")
#define NO_SECRET SPAN("")
#define NAME SPAN("DocDemo")
#define START_MS INT64_C(1790000000000)

static const struct key wrap_key = {"a wrap key of thirty-two bytes.."};

// The registry over a memory store; before a write of its own another writer may come first.
struct fixture {
    struct store door; // first: what the registry is given
    struct store *memory;
    struct brands *brands;
    struct seeded seeded;
    struct entropy entropy;
    int64_t now_ms;
    unsigned writes;
    unsigned rival_writes; // still to come
};

static struct fixture *fixture_of(struct store *store)
{
    return (struct fixture *)store;
}

static struct brand_edit edit(const char *name, const char *text)
{
    const struct option *option = option_find(brand_option_table(), span_of_text(name));
    assert_non_null(option);
    return (struct brand_edit){.option = option,
                               .text = text != NULL ? span_of_text(text) : span_make(NULL, 0)};
}

static enum err change_in(struct brands *brands, const char *name, const char *text)
{
    const struct brand_edit one = edit(name, text);
    return brands_change(brands, NAME, (struct brand_edits){&one, 1, false}, NULL);
}

// Another process, as its registry would do it.
static void write_as_rival(struct fixture *fixture)
{
    struct brands *rival;
    char text[16] = "";
    struct strbuf out = strbuf_over(text, sizeof text - 1);
    strbuf_put_u64(&out, 1000 + fixture->rival_writes);
    assert_int_equal(brands_create(fixture->memory, &wrap_key, &fixture->entropy, &rival), ERR_OK);
    assert_int_equal(change_in(rival, "lockSeconds", text), ERR_OK);
    brands_destroy(&rival);
}

static enum err door_settings_put(struct store *store, const struct setting *setting)
{
    struct fixture *fixture = fixture_of(store);
    fixture->writes++;
    if (fixture->rival_writes > 0) {
        fixture->rival_writes--;
        write_as_rival(fixture);
    }
    return store_settings_put(fixture->memory, setting);
}

static void door_settings_each(struct store *store,
                               void (*on_setting)(void *ctx, const struct setting *), void *ctx)
{
    store_settings_each(fixture_of(store)->memory, on_setting, ctx);
}

static int64_t door_now_ms(struct store *store)
{
    return fixture_of(store)->now_ms++;
}

static const struct store_ops door_ops = {
    .settings_put = door_settings_put,
    .settings_each = door_settings_each,
    .now_ms = door_now_ms,
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    struct memory_store_options options = memory_store_defaults;
    options.records_max = 16;
    options.entries_max = 16;
    options.clock = clock_system();
    fixture->door.ops = &door_ops;
    fixture->now_ms = START_MS;
    seeded_init(&fixture->seeded, 1);
    fixture->entropy = seeded_entropy(&fixture->seeded);
    assert_int_equal(memory_store_create(&options, &fixture->memory), ERR_OK);
    assert_int_equal(brands_create(&fixture->door, &wrap_key, &fixture->entropy, &fixture->brands),
                     ERR_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    brands_destroy(&fixture->brands);
    store_destroy(&fixture->memory);
    free(fixture);
    return 0;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static const struct brand_edits no_edits = {0};

static void add(struct fixture *fixture)
{
    assert_int_equal(brands_add(fixture->brands, NAME, no_edits, NULL), ERR_OK);
    fixture->writes = 0;
}

static void assert_setting(struct fixture *fixture, const char *name, const char *expected)
{
    char text[128] = "";
    struct strbuf out = strbuf_over(text, sizeof text - 1);
    const struct brand_set *set = brands_acquire(fixture->brands);
    option_show(edit(name, NULL).option, &brand_set_find(set, NAME)->settings, &out);
    brands_release(fixture->brands, &set);
    assert_string_equal(text, expected);
}

static void assert_keys(struct fixture *fixture, const char *expected)
{
    char text[128] = "";
    struct strbuf out = strbuf_over(text, sizeof text - 1);
    const struct brand_set *set = brands_acquire(fixture->brands);
    const struct brand *brand = brand_set_find(set, NAME);
    for (size_t i = 0; i < brand->token_keys_held; i++) {
        strbuf_put_u64(&out, brand->token_keys[i].number);
        strbuf_put_byte(&out, ' ');
    }
    brands_release(fixture->brands, &set);
    assert_string_equal(text, expected);
}

// Of the brand's keys, the number of the one that signs as that secret does.
static void assert_signed_by(struct fixture *fixture, struct span secret, uint32_t number)
{
    struct hs256_key key;
    uint8_t expected[HS256_BYTES], signature[HS256_BYTES];
    uint32_t found = 0;
    hs256_key_init(&key, secret);
    hs256_sign(&key, SPAN("message"), expected);
    const struct brand_set *set = brands_acquire(fixture->brands);
    const struct brand *brand = brand_set_find(set, NAME);
    for (size_t i = 0; i < brand->token_keys_held; i++) {
        hs256_sign(&brand->token_keys[i].hs256, SPAN("message"), signature);
        if (memcmp(signature, expected, HS256_BYTES) == 0)
            found = brand->token_keys[i].number;
    }
    brands_release(fixture->brands, &set);
    assert_int_equal(found, number);
}

static void test_adding_is_done_once(void **state)
{
    struct fixture *fixture = *state;
    struct err_info info;
    const struct brand_edit items[] = {edit("otpMaxCount", "3"), edit("issuer", "Example")};
    const struct brand_edits edits = {items, COUNT_OF(items), false};
    assert_int_equal(brands_add(fixture->brands, NAME, edits, NULL), ERR_OK);
    assert_setting(fixture, "otpMaxCount", "3");
    assert_setting(fixture, "issuer", "Example");
    assert_setting(fixture, "otpLength", "6");
    assert_keys(fixture, "1 ");
    assert_int_equal(brands_add(fixture->brands, SPAN("docdemo"), no_edits, &info), ERR_EXISTS);
    assert_string_equal(info.text, "there is a brand of that name already");
    assert_int_equal(fixture->writes, 1);
}

static void test_only_what_is_named_changes(void **state)
{
    struct fixture *fixture = *state;
    add(fixture);
    assert_int_equal(change_in(fixture->brands, "otpMaxCount", "3"), ERR_OK);
    assert_int_equal(change_in(fixture->brands, "issuer", "Example"), ERR_OK);
    assert_int_equal(change_in(fixture->brands, "otpTimeOut", "60"), ERR_OK);
    assert_int_equal(change_in(fixture->brands, "otpTimeOut", "null"), ERR_OK);
    assert_int_equal(change_in(fixture->brands, "issuer", NULL), ERR_OK);
    assert_setting(fixture, "otpMaxCount", "3");
    assert_setting(fixture, "otpTimeOut", "null");
    assert_setting(fixture, "issuer", "otpd");
    assert_int_equal(fixture->writes, 5);
    assert_int_equal(change_in(fixture->brands, "issuer", "otpd"), ERR_OK);
    assert_int_equal(brands_change(fixture->brands, NAME, no_edits, NULL), ERR_OK);
    assert_int_equal(fixture->writes, 5);
    assert_keys(fixture, "1 ");
}

static void test_a_country_has_numbers(void **state)
{
    struct fixture *fixture = *state;
    struct err_info info;
    const struct brand_edit one = edit("defaultCountry", "XX");
    const struct brand_edits forced = {&one, 1, true};
    add(fixture);
    assert_int_equal(brands_change(fixture->brands, NAME, forced, &info), ERR_INVALID);
    assert_string_equal(info.text,
                        "defaultCountry: no country with numbers of its own is called \"XX\"");
    assert_setting(fixture, "defaultCountry", "null");
}

static void test_what_makes_people_others_changes_only_by_force(void **state)
{
    struct fixture *fixture = *state;
    struct err_info info;
    const struct brand_edit one = edit("defaultCountry", "IN");
    const struct brand_edits plain = {&one, 1, false}, forced = {&one, 1, true};
    add(fixture);
    assert_int_equal(brands_change(fixture->brands, NAME, plain, &info), ERR_UNFORCED);
    assert_string_equal(info.text,
                        "defaultCountry: people whose numbers come without plus or 00 would be "
                        "others, known to nobody; it changes only by force (--force)");
    assert_int_equal(brands_ensure(fixture->brands, NAME, plain, NO_SECRET, NULL), ERR_UNFORCED);
    assert_setting(fixture, "defaultCountry", "null");
    assert_int_equal(brands_change(fixture->brands, NAME, forced, NULL), ERR_OK);
    assert_int_equal(brands_change(fixture->brands, NAME, plain, NULL), ERR_OK);
    assert_int_equal(change_in(fixture->brands, "otpMaxCount", "3"), ERR_OK);
    assert_setting(fixture, "defaultCountry", "IN");
    assert_int_equal(brands_add(fixture->brands, SPAN("New"), plain, NULL), ERR_OK);
}

// One bad value, or values that do not fit each other: none of the others is taken.
static void test_a_change_is_whole_or_none(void **state)
{
    struct fixture *fixture = *state;
    struct err_info info;
    const struct brand_edit bad_value[] = {edit("otpLength", "8"), edit("otpMaxCount", "65")};
    const struct brand_edit bad_pair[] = {edit("otpLength", "8"), edit("lockAfterFailures", "5"),
                                          edit("otpMaxAttempts", "6")};
    add(fixture);
    assert_int_equal(
        brands_change(fixture->brands, NAME, (struct brand_edits){bad_value, 2, false}, &info),
        ERR_INVALID);
    assert_string_equal(info.text, "otpMaxCount: \"65\" is not 1 to 64, or null");
    assert_int_equal(
        brands_change(fixture->brands, NAME, (struct brand_edits){bad_pair, 3, false}, &info),
        ERR_INVALID);
    assert_string_equal(info.text, "otpMaxAttempts: 6 is more than lockAfterFailures, which is 5");
    assert_setting(fixture, "otpLength", "6");
    assert_setting(fixture, "lockAfterFailures", "100");
    assert_int_equal(fixture->writes, 0);
}

static void test_a_header_with_a_value_has_a_name(void **state)
{
    struct fixture *fixture = *state;
    struct err_info info;
    const struct brand_edit both[] = {edit("rejectWithoutHeader", "X-Cdn"),
                                      edit("rejectWithoutHeaderValue", "v")};
    const struct brand_edit neither[] = {edit("rejectWithoutHeader", "null"),
                                         edit("rejectWithoutHeaderValue", "null")};
    const struct brand_edits value = {&both[1], 1, false};
    add(fixture);
    assert_int_equal(brands_change(fixture->brands, NAME, value, &info), ERR_INVALID);
    assert_string_equal(info.text,
                        "rejectWithoutHeaderValue: rejectWithoutHeader has to say of which header");
    assert_int_equal(brands_add(fixture->brands, SPAN("New"), value, NULL), ERR_INVALID);
    assert_int_equal(
        brands_change(fixture->brands, NAME, (struct brand_edits){both, 2, false}, NULL), ERR_OK);
    assert_setting(fixture, "rejectWithoutHeaderValue", "***");
    assert_int_equal(change_in(fixture->brands, "rejectWithoutHeader", NULL), ERR_INVALID);
    assert_int_equal(
        brands_change(fixture->brands, NAME, (struct brand_edits){neither, 2, false}, NULL),
        ERR_OK);
    // A file that takes the name away must not end a start; nor is anything else held up by it.
    assert_int_equal(brands_ensure(fixture->brands, NAME, value, NO_SECRET, NULL), ERR_OK);
    assert_int_equal(change_in(fixture->brands, "otpLength", "8"), ERR_OK);
}

static void test_what_is_not_there_is_not_changed(void **state)
{
    struct fixture *fixture = *state;
    char name[BRAND_NAME_BYTES_MAX + 1];
    memset(name, 'x', sizeof name);
    assert_int_equal(
        brands_add(fixture->brands, span_make(name, BRAND_NAME_BYTES_MAX), no_edits, NULL), ERR_OK);
    const struct span absent[] = {NAME, span_make(name, sizeof name), SPAN("")};
    for (size_t i = 0; i < COUNT_OF(absent); i++) {
        assert_int_equal(brands_change(fixture->brands, absent[i], no_edits, NULL), ERR_NOT_FOUND);
        assert_int_equal(brands_rotate_key(fixture->brands, absent[i], NO_SECRET, NULL),
                         ERR_NOT_FOUND);
        assert_int_equal(brands_retire_key(fixture->brands, absent[i], 1, NULL), ERR_NOT_FOUND);
        assert_int_equal(brands_remove(fixture->brands, absent[i], NULL), ERR_NOT_FOUND);
    }
    assert_int_equal(fixture->writes, 1);
}

// As the configuration file puts its brands.
static void test_ensuring_adds_and_then_rules_what_is_named(void **state)
{
    struct fixture *fixture = *state;
    const struct brand_edit named = edit("otpMaxCount", "3");
    const struct brand_edits edits = {&named, 1, false};
    assert_int_equal(brands_ensure(fixture->brands, SPAN("docdemo"), edits, SECRET, NULL), ERR_OK);
    assert_int_equal(change_in(fixture->brands, "otpMaxCount", "9"), ERR_OK);
    assert_int_equal(change_in(fixture->brands, "otpLength", "8"), ERR_OK);
    assert_int_equal(brands_ensure(fixture->brands, NAME, edits, NO_SECRET, NULL), ERR_OK);
    assert_setting(fixture, "otpMaxCount", "3");
    assert_setting(fixture, "otpLength", "8");
    assert_keys(fixture, "1 ");
    const struct brand_set *set = brands_acquire(fixture->brands);
    assert_true(span_eq(brand_set_at(set, 0)->name, NAME));
    brands_release(fixture->brands, &set);
    fixture->writes = 0;
    assert_int_equal(brands_ensure(fixture->brands, NAME, edits, SECRET, NULL), ERR_OK);
    assert_int_equal(fixture->writes, 0);
    assert_int_equal(brands_ensure(fixture->brands, NAME, edits, OTHER_SECRET, NULL), ERR_OK);
    assert_keys(fixture, "1 2 ");
}

static void test_older_keys_verify_until_they_are_retired(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(brands_ensure(fixture->brands, NAME, no_edits, SECRET, NULL), ERR_OK);
    assert_int_equal(brands_rotate_key(fixture->brands, NAME, OTHER_SECRET, NULL), ERR_OK);
    assert_int_equal(brands_rotate_key(fixture->brands, NAME, NO_SECRET, NULL), ERR_OK);
    assert_keys(fixture, "1 2 3 ");
    assert_signed_by(fixture, SECRET, 1);
    assert_signed_by(fixture, OTHER_SECRET, 2);
    assert_int_equal(brands_retire_key(fixture->brands, NAME, 3, NULL), ERR_INVALID);
    assert_int_equal(brands_retire_key(fixture->brands, NAME, 1, NULL), ERR_OK);
    assert_int_equal(brands_retire_key(fixture->brands, NAME, 1, NULL), ERR_NOT_FOUND);
    assert_signed_by(fixture, SECRET, 0);
    assert_signed_by(fixture, OTHER_SECRET, 2);
    assert_keys(fixture, "2 3 ");
}

static void test_a_fifth_key_drops_the_oldest(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(brands_ensure(fixture->brands, NAME, no_edits, SECRET, NULL), ERR_OK);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(brands_rotate_key(fixture->brands, NAME, NO_SECRET, NULL), ERR_OK);
    assert_keys(fixture, "2 3 4 5 ");
    assert_signed_by(fixture, SECRET, 0);
}

static void test_keys_know_when_they_were_made(void **state)
{
    struct fixture *fixture = *state;
    add(fixture);
    fixture->now_ms = START_MS + 5000;
    assert_int_equal(brands_rotate_key(fixture->brands, NAME, NO_SECRET, NULL), ERR_OK);
    const struct brand_set *set = brands_acquire(fixture->brands);
    const struct brand *brand = brand_set_find(set, NAME);
    assert_true(brand->token_keys[0].created_at_ms == START_MS);
    assert_true(brand->token_keys[1].created_at_ms == START_MS + 5000);
    assert_ptr_equal(brand_signing_key(brand), &brand->token_keys[1]);
    brands_release(fixture->brands, &set);
}

// A client that asks again because it has seen no answer.
static void test_rotating_to_the_secret_that_signs_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    add(fixture);
    assert_int_equal(brands_rotate_key(fixture->brands, NAME, SECRET, NULL), ERR_OK);
    assert_int_equal(brands_rotate_key(fixture->brands, NAME, SECRET, NULL), ERR_OK);
    assert_int_equal(brands_rotate_key(fixture->brands, NAME, SPAN("short"), NULL), ERR_INVALID);
    assert_keys(fixture, "1 2 ");
}

static void test_a_change_that_came_between_is_kept(void **state)
{
    struct fixture *fixture = *state;
    add(fixture);
    fixture->rival_writes = 2;
    assert_int_equal(change_in(fixture->brands, "otpLength", "8"), ERR_OK);
    assert_int_equal(fixture->writes, 3);
    assert_setting(fixture, "otpLength", "8");
    assert_setting(fixture, "lockSeconds", "1000");
    fixture->rival_writes = 1;
    assert_int_equal(brands_rotate_key(fixture->brands, NAME, SECRET, NULL), ERR_OK);
    assert_keys(fixture, "1 2 ");
    fixture->rival_writes = 3;
    assert_int_equal(change_in(fixture->brands, "otpLength", "9"), ERR_BUSY);
    assert_setting(fixture, "otpLength", "8");
}

static void test_many_are_put_with_one_reading(void **state)
{
    struct fixture *fixture = *state;
    struct brand_put puts[3] = {{.name = SPAN("One")}, {.name = SPAN("Two")}, {.name = SPAN(" ")}};
    struct err_info info;
    size_t put_count = 9;
    for (size_t i = 0; i < COUNT_OF(puts); i++)
        brand_settings_init(&puts[i].settings);
    puts[1].settings.otp_length = 8;
    assert_int_equal(brands_put_all(fixture->brands, puts, 3, &put_count, &info), ERR_INVALID);
    assert_string_equal(info.text,
                        "name: a brand's name is not empty and has no spaces at its ends");
    assert_int_equal(put_count, 2);
    const struct brand_set *set = brands_acquire(fixture->brands);
    assert_int_equal(brand_set_count(set), 2);
    assert_int_equal(brand_set_find(set, SPAN("two"))->settings.otp_length, 8);
    brands_release(fixture->brands, &set);
}

// One more than there can be would make every later reading fail.
static void test_there_is_a_last_brand(void **state)
{
    struct fixture *fixture = *state;
    struct brand_put *puts = calloc(BRANDS_MAX + 1, sizeof *puts);
    char names[BRANDS_MAX + 1][8];
    struct err_info info;
    size_t put_count;
    assert_non_null(puts);
    for (size_t i = 0; i <= BRANDS_MAX; i++) {
        struct strbuf name = strbuf_over(names[i], sizeof names[i]);
        strbuf_put_u64(&name, i);
        puts[i].name = strbuf_span(&name);
        brand_settings_init(&puts[i].settings);
    }
    assert_int_equal(brands_put_all(fixture->brands, puts, BRANDS_MAX + 1, &put_count, &info),
                     ERR_INVALID);
    assert_string_equal(info.text, "1025 brands are more than the 1024 that can be");
    assert_int_equal(fixture->writes, 0);
    assert_int_equal(brands_put_all(fixture->brands, puts, BRANDS_MAX, &put_count, NULL), ERR_OK);
    assert_int_equal(brands_add(fixture->brands, NAME, no_edits, &info), ERR_INVALID);
    assert_string_equal(info.text, "there are 1024 brands already, and no more can be");
    assert_int_equal(brands_put_all(fixture->brands, puts, BRANDS_MAX, &put_count, NULL), ERR_OK);
    free(puts);
}

#define WRITERS 2U
#define CHANGES 100U

struct writer {
    struct brands *brands;
    const char *name;
    const char *values[2];
    unsigned lost; // changes that came through and were not there afterwards
};

static void *change_many_times(void *ctx)
{
    struct writer *writer = ctx;
    for (unsigned i = 0; i < CHANGES; i++) {
        const struct brand_edit one = edit(writer->name, writer->values[i % 2]);
        while (brands_change(writer->brands, NAME, (struct brand_edits){&one, 1, false}, NULL) ==
               ERR_BUSY)
            continue;
        const struct brand_set *set = brands_acquire(writer->brands);
        struct brand_settings wanted = brand_set_find(set, NAME)->settings;
        enum err err = option_set(one.option, &wanted, one.text, NULL);
        bool is_there = err == ERR_OK &&
                        option_is_equal(one.option, &wanted, &brand_set_find(set, NAME)->settings);
        writer->lost += is_there ? 0 : 1;
        brands_release(writer->brands, &set);
    }
    return NULL;
}

// Each has a setting of its own, in one brand: by versions no change is lost.
static void test_two_writers_lose_nothing(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[WRITERS];
    struct brands *brands;
    struct entropy entropy = entropy_system();
    assert_int_equal(brands_create(fixture->memory, &wrap_key, &entropy, &brands), ERR_OK);
    assert_int_equal(brands_add(brands, NAME, no_edits, NULL), ERR_OK);
    struct writer writers[WRITERS] = {
        {.brands = brands, .name = "otpLength", .values = {"7", "8"}},
        {.brands = brands, .name = "issuer", .values = {"One", "Two"}},
    };
    for (size_t i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, change_many_times, &writers[i]), 0);
    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(writers[i].lost, 0);
    }
    brands_destroy(&brands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_adding_is_done_once),
        TEST(test_only_what_is_named_changes),
        TEST(test_a_country_has_numbers),
        TEST(test_what_makes_people_others_changes_only_by_force),
        TEST(test_a_change_is_whole_or_none),
        TEST(test_a_header_with_a_value_has_a_name),
        TEST(test_what_is_not_there_is_not_changed),
        TEST(test_ensuring_adds_and_then_rules_what_is_named),
        TEST(test_older_keys_verify_until_they_are_retired),
        TEST(test_a_fifth_key_drops_the_oldest),
        TEST(test_keys_know_when_they_were_made),
        TEST(test_rotating_to_the_secret_that_signs_changes_nothing),
        TEST(test_a_change_that_came_between_is_kept),
        TEST(test_many_are_put_with_one_reading),
        TEST(test_there_is_a_last_brand),
        TEST(test_two_writers_lose_nothing),
    };
    return cmocka_run_group_tests_name("brand_edit", tests, NULL, NULL);
}
