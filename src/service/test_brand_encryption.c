// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The keys of payload encryption: in a stored value, and in the registry.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/brand_value.h"
#include "sim/seeded.h"
#include "store/memory/memory.h"

#include <stdlib.h>

#define NAME SPAN("DocDemo")
#define AT_MS INT64_C(1790000000000)
#define TOKEN_SECRET SPAN("0123456789 secret of 32 bytes ok")

static const struct key wrap_key = {"a wrap key of thirty-two bytes.."};
static const struct key other_key = {"another wrap key of 32 bytes...."};

// --- values; what is sealed in them need not be a key ---

struct text {
    char bytes[SETTING_VALUE_BYTES_MAX];
    size_t len;
};

static struct span span_of(const struct text *text)
{
    return span_make(text->bytes, text->len);
}

static struct brand_value sample_value(void)
{
    struct brand_value value = {.id = 0x0123456789abcdefU};
    brand_settings_init(&value.settings);
    assert_int_equal(brand_value_set_name(&value, NAME, NULL), ERR_OK);
    assert_int_equal(brand_value_add_secret(&value, TOKEN_SECRET, 0, NULL), ERR_OK);
    return value;
}

static enum err add_key(struct brand_value *value, const char *secret)
{
    return brand_value_add_encryption_key(value, span_of_text(secret), AT_MS, NULL);
}

static void encode(const struct brand_value *value, struct text *out)
{
    struct seeded seeded;
    seeded_init(&seeded, 7);
    struct entropy entropy = seeded_entropy(&seeded);
    struct strbuf buf = strbuf_over(out->bytes, sizeof out->bytes);
    brand_value_encode(value, &wrap_key, &entropy, &buf);
    assert_false(buf.is_overflowed);
    out->len = buf.len;
}

static void test_keys_come_back(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    struct brand_value again;
    struct text text;
    assert_int_equal(add_key(&value, "one"), ERR_OK);
    assert_int_equal(add_key(&value, "another"), ERR_OK);
    encode(&value, &text);
    assert_null(memmem(text.bytes, text.len, "another", 7));
    assert_int_equal(brand_value_decode(span_of(&text), &wrap_key, &again, NULL), ERR_OK);
    assert_int_equal(again.encryption_held, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(again.encryption[i].number, i + 1);
        assert_true(again.encryption[i].created_at_ms == AT_MS);
        assert_int_equal(again.encryption[i].len, value.encryption[i].len);
        assert_memory_equal(again.encryption[i].bytes, value.encryption[i].bytes,
                            value.encryption[i].len);
    }
}

static void test_a_value_without_keys_does_not_mention_them(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    struct text text;
    encode(&value, &text);
    assert_null(memmem(text.bytes, text.len, "encryption", 10));
}

static void assert_refused(const struct text *text, const struct key *key, const char *why)
{
    struct brand_value value;
    struct err_info info = {""};
    assert_int_equal(brand_value_decode(span_of(text), key, &value, &info), ERR_INVALID);
    if (strstr(info.text, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", info.text, why);
    assert_int_equal(value.encryption_held, 0);
}

static void change(struct text *text, const char *from, const char *to)
{
    char *at = memmem(text->bytes, text->len, from, strlen(from));
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
}

static void test_keys_that_were_tampered_with_are_refused(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    struct text whole;
    struct text text;
    assert_int_equal(add_key(&value, "one"), ERR_OK);
    encode(&value, &whole);
    assert_refused(&whole, &other_key, "token key does not open");
    text = whole;
    change(&text, "\"encryptionKeys\":[{\"id\":1", "\"encryptionKeys\":[{\"id\":2");
    assert_refused(&text, &wrap_key, "encryption key does not open");
    text = whole;
    change(&text, "\"encryptionKeys\":[{\"id\":1", "\"encryptionKeys\":[{\"id\":0");
    assert_refused(&text, &wrap_key, "encryption key cannot be read");
    text = whole;
    change(&text, "\"encryptionKeys\":[{", "\"encryptionKeyz\":[{");
    assert_refused(&text, &wrap_key, "other members");
    text = whole;
    change(&text, "\"createdAt\":1790000000000,\"sealed", "\"createdAt\":-790000000000,\"sealed");
    assert_refused(&text, &wrap_key, "encryption key cannot be read");
}

static void test_bounds_of_a_value(void **state)
{
    (void)state;
    struct brand_value value = sample_value();
    assert_int_equal(add_key(&value, "one"), ERR_OK);
    assert_int_equal(add_key(&value, "one"), ERR_EXISTS);
    assert_int_equal(add_key(&value, "two"), ERR_OK);
    assert_int_equal(add_key(&value, "three"), ERR_OK);
    assert_int_equal(add_key(&value, "four"), ERR_OK);
    assert_int_equal(add_key(&value, "five"), ERR_INVALID);
    assert_int_equal(brand_value_drop_encryption_key(&value, 5, NULL), ERR_NOT_FOUND);
    assert_int_equal(brand_value_drop_encryption_key(&value, 2, NULL), ERR_OK);
    assert_int_equal(value.encryption[1].number, 3);
    assert_int_equal(add_key(&value, "five"), ERR_OK);
    assert_int_equal(value.encryption[3].number, 5);
}

// --- the registry ---

struct fixture {
    struct store *store;
    struct brands *brands;
    struct seeded seeded;
    struct entropy entropy;
    struct rsa_key *keys[2];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    struct memory_store_options options = memory_store_defaults;
    options.records_max = 16;
    options.entries_max = 16;
    options.clock = clock_system();
    seeded_init(&fixture->seeded, 1);
    fixture->entropy = seeded_entropy(&fixture->seeded);
    assert_int_equal(memory_store_create(&options, &fixture->store), ERR_OK);
    assert_int_equal(brands_create(fixture->store, &wrap_key, &fixture->entropy, &fixture->brands),
                     ERR_OK);
    assert_int_equal(brands_add(fixture->brands, NAME, (struct brand_edits){0}, NULL), ERR_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(rsa_key_generate(2048, &fixture->keys[i]), ERR_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    brands_destroy(&fixture->brands);
    store_destroy(&fixture->store);
    for (size_t i = 0; i < 2; i++)
        rsa_key_destroy(&fixture->keys[i]);
    free(fixture);
    return 0;
}

static enum err switch_to(struct fixture *fixture, const char *endpoints, struct err_info *info)
{
    const struct option *option = option_find(brand_option_table(), SPAN("encryption.endpoints"));
    const struct brand_edit edit = {.option = option, .text = span_of_text(endpoints)};
    return brands_change(fixture->brands, NAME, (struct brand_edits){&edit, 1, false}, info);
}

static void assert_keys(struct fixture *fixture, size_t held, bool is_on)
{
    const struct brand_set *set = brands_acquire(fixture->brands);
    const struct brand *brand = brand_set_find(set, NAME);
    assert_int_equal(brand->encryption_keys_held, held);
    assert_int_equal(brand->is_otp_generate_encrypted, is_on);
    brands_release(fixture->brands, &set);
}

static void test_encryption_wants_a_key_first(void **state)
{
    struct fixture *fixture = *state;
    struct err_info info;
    assert_int_equal(switch_to(fixture, "otp/generate", &info), ERR_INVALID);
    assert_non_null(strstr(info.text, "otpd brand encryption add DocDemo"));
    assert_keys(fixture, 0, false);
    assert_int_equal(brands_add_encryption_key(fixture->brands, NAME, fixture->keys[0], NULL),
                     ERR_OK);
    assert_int_equal(switch_to(fixture, "otp/generate", &info), ERR_OK);
    assert_keys(fixture, 1, true);
    assert_int_equal(brands_retire_encryption_key(fixture->brands, NAME, 1, NULL), ERR_INVALID);
    assert_int_equal(switch_to(fixture, "null", &info), ERR_OK);
    assert_int_equal(brands_retire_encryption_key(fixture->brands, NAME, 1, NULL), ERR_OK);
    assert_keys(fixture, 0, false);
}

static void test_only_endpoints_that_there_are(void **state)
{
    struct fixture *fixture = *state;
    struct err_info info;
    assert_int_equal(switch_to(fixture, "otp/generate otp/validate", &info), ERR_INVALID);
    assert_string_equal(info.text, "encryption.endpoints: \"otp/validate\" is not otp/generate");
}

static void test_keys_of_a_brand_open_what_was_made_for_them(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(brands_add_encryption_key(fixture->brands, NAME, fixture->keys[i], NULL),
                         ERR_OK);
    assert_int_equal(brands_add_encryption_key(fixture->brands, NAME, fixture->keys[1], NULL),
                     ERR_EXISTS);
    const struct brand_set *set = brands_acquire(fixture->brands);
    const struct brand *brand = brand_set_find(set, NAME);
    assert_int_equal(brand->encryption_keys_held, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(brand->encryption_keys[i].number, i + 1);
        assert_true(rsa_key_is_same(brand->encryption_keys[i].rsa, fixture->keys[i]));
    }
    brands_release(fixture->brands, &set);
    assert_int_equal(brands_retire_encryption_key(fixture->brands, NAME, 1, NULL), ERR_OK);
    assert_keys(fixture, 1, false);
    assert_int_equal(brands_retire_encryption_key(fixture->brands, NAME, 1, NULL), ERR_NOT_FOUND);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_come_back),
        cmocka_unit_test(test_a_value_without_keys_does_not_mention_them),
        cmocka_unit_test(test_keys_that_were_tampered_with_are_refused),
        cmocka_unit_test(test_bounds_of_a_value),
        TEST(test_encryption_wants_a_key_first),
        TEST(test_only_endpoints_that_there_are),
        TEST(test_keys_of_a_brand_open_what_was_made_for_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
