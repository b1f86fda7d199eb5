// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/brand_set.h"
#include "service/brand_value.h"
#include "sim/seeded.h"
#include "store/memory/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define SECRET SPAN("0123456789 secret of 32 bytes ok")
#define OTHER_SECRET SPAN("another secret that has more bytes than that")
#define NO_SECRET SPAN("")

static const struct key wrap_key = {"a wrap key of thirty-two bytes.."};

// The registry over a memory store, with a door between them that counts writes and can lose races.
struct fixture {
    struct store door; // first: what the registry is given
    struct store *memory;
    struct brands *brands;
    struct seeded seeded;
    struct entropy entropy;
    unsigned writes;
    unsigned races_to_lose;
    unsigned extra_brands;
};

static struct fixture *fixture_of(struct store *store)
{
    return (struct fixture *)store;
}

static enum err door_settings_put(struct store *store, const struct setting *setting)
{
    struct fixture *fixture = fixture_of(store);
    fixture->writes++;
    if (fixture->races_to_lose > 0) {
        fixture->races_to_lose--;
        return ERR_BUSY;
    }
    return store_settings_put(fixture->memory, setting);
}

// Brands "B0", "B1", … beside those of the memory store, each with an id of its own.
static void give_extra_brand(unsigned number, void (*on_setting)(void *, const struct setting *),
                             void *ctx)
{
    struct seeded seeded;
    struct brand_value value = {.id = number + 1U};
    char bytes[1024];
    struct strbuf out = strbuf_over(bytes, sizeof bytes);
    char name[16];
    struct strbuf name_out = strbuf_over(name, sizeof name);
    seeded_init(&seeded, number);
    struct entropy entropy = seeded_entropy(&seeded);
    strbuf_put_byte(&name_out, 'B');
    strbuf_put_u64(&name_out, number);
    brand_settings_init(&value.settings);
    assert_int_equal(brand_value_set_name(&value, strbuf_span(&name_out), NULL), ERR_OK);
    assert_int_equal(brand_value_add_secret(&value, SECRET, 0, NULL), ERR_OK);
    brand_value_encode(&value, &wrap_key, &entropy, &out);
    const struct setting setting = {strbuf_span(&name_out), strbuf_span(&out), 1};
    on_setting(ctx, &setting);
}

static void door_settings_each(struct store *store,
                               void (*on_setting)(void *ctx, const struct setting *), void *ctx)
{
    struct fixture *fixture = fixture_of(store);
    store_settings_each(fixture->memory, on_setting, ctx);
    for (unsigned i = 0; i < fixture->extra_brands; i++)
        give_extra_brand(i, on_setting, ctx);
}

static int64_t door_now_ms(struct store *store)
{
    return store_now_ms(fixture_of(store)->memory);
}

static const struct store_ops door_ops = {
    .now_ms = door_now_ms,
    .settings_put = door_settings_put,
    .settings_each = door_settings_each,
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
    assert_null(fixture->brands);
    brands_destroy(&fixture->brands);
    store_destroy(&fixture->memory);
    free(fixture);
    return 0;
}

static struct brand_settings settings_with(const char *name, const char *value)
{
    struct brand_settings settings;
    brand_settings_init(&settings);
    const struct option *option = option_find(brand_option_table(), span_of_text(name));
    assert_non_null(option);
    assert_int_equal(option_set(option, &settings, span_of_text(value), NULL), ERR_OK);
    return settings;
}

static void put(struct fixture *fixture, const char *name, const struct brand_settings *settings,
                struct span secret)
{
    assert_int_equal(brands_put(fixture->brands, span_of_text(name), settings, secret, NULL),
                     ERR_OK);
}

static void put_default(struct fixture *fixture, const char *name)
{
    struct brand_settings settings;
    brand_settings_init(&settings);
    put(fixture, name, &settings, SECRET);
}

// Writes a raw value past the registry.
static void put_raw(struct fixture *fixture, const char *name, const char *value, uint64_t version)
{
    const struct setting setting = {span_of_text(name), span_of_text(value), version};
    assert_int_equal(store_settings_put(fixture->memory, &setting), ERR_OK);
}

static void test_a_new_registry_has_no_brand(void **state)
{
    struct fixture *fixture = *state;
    const struct brand_set *set = brands_acquire(fixture->brands);
    assert_int_equal(brand_set_count(set), 0);
    assert_null(brand_set_find(set, SPAN("DocDemo")));
    assert_null(brand_set_find(set, SPAN("")));
    assert_null(brand_set_find_id(set, 0));
    assert_false(brand_set_allows_origin(set, SPAN("https://example.com")));
    brands_release(fixture->brands, &set);
    assert_null(set);
}

static void test_a_brand_is_found_in_any_case_and_by_id(void **state)
{
    struct fixture *fixture = *state;
    put_default(fixture, "DocDemo");
    const struct brand_set *set = brands_acquire(fixture->brands);
    const struct brand *brand = brand_set_find(set, SPAN("dOCdEMO"));
    assert_non_null(brand);
    assert_true(span_eq(brand->name, SPAN("DocDemo")));
    assert_true(span_eq(brand->name_upper, SPAN("DOCDEMO")));
    assert_ptr_equal(brand_set_find_id(set, brand->id), brand);
    assert_null(brand_set_find_id(set, brand->id + 1));
    assert_null(brand_set_find(set, SPAN("DocDem")));
    assert_null(brand_set_find(set, SPAN("DocDemoo")));
    assert_null(brand_set_find(set, SPAN("DocDemo\0")));
    brands_release(fixture->brands, &set);
}

static void test_brands_are_listed_by_name(void **state)
{
    struct fixture *fixture = *state;
    static const char *const names[] = {"delta", "Alpha", "charlie", "alpha 2", "BRAVO", "_x"};
    static const char *const sorted[] = {"Alpha", "alpha 2", "BRAVO", "charlie", "delta", "_x"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        put_default(fixture, names[i]);
    const struct brand_set *set = brands_acquire(fixture->brands);
    assert_int_equal(brand_set_count(set), COUNT_OF(sorted));
    for (size_t i = 0; i < COUNT_OF(sorted); i++) {
        const struct brand *brand = brand_set_at(set, i);
        assert_true(span_eq(brand->name, span_of_text(sorted[i])));
        assert_ptr_equal(brand_set_find(set, brand->name_upper), brand);
        assert_ptr_equal(brand_set_find_id(set, brand->id), brand);
    }
    brands_release(fixture->brands, &set);
}

static void test_only_ascii_letters_are_folded(void **state)
{
    struct fixture *fixture = *state;
    put_default(fixture, "caf\xC3\xA9");
    const struct brand_set *set = brands_acquire(fixture->brands);
    assert_non_null(brand_set_find(set, SPAN("CAF\xC3\xA9")));
    assert_null(brand_set_find(set, SPAN("CAF\xC3\x89")));
    brands_release(fixture->brands, &set);
}

static void test_settings_become_policy(void **state)
{
    struct fixture *fixture = *state;
    struct brand_settings settings = settings_with("otpMaxCount", "3");
    settings.otp_time_out_minutes = 10080;
    settings.otp_ttl_seconds = 86400;
    settings.session_ttl_seconds = 600;
    settings.lock_seconds = 60;
    settings.otp_length = 8;
    settings.otp_max_attempts = 4;
    settings.lock_after_failures = 9;
    settings.resend = BRAND_RESEND_NEW;
    put(fixture, "DocDemo", &settings, NO_SECRET);
    const struct brand_set *set = brands_acquire(fixture->brands);
    const struct policy *policy = &brand_set_at(set, 0)->policy;
    assert_int_equal(policy->otp_max_count, 3);
    assert_int_equal(policy->otp_window_ms, 604800000);
    assert_int_equal(policy->otp_ttl_ms, 86400000);
    assert_int_equal(policy->session_ttl_ms, 600000);
    assert_int_equal(policy->lock_ms, 60000);
    assert_int_equal(policy->otp_length, 8);
    assert_int_equal(policy->otp_attempts_max, 4);
    assert_int_equal(policy->lock_after_failures, 9);
    assert_true(policy->is_resend_new);
    brands_release(fixture->brands, &set);
}

static void test_default_policy(void **state)
{
    struct fixture *fixture = *state;
    put_default(fixture, "DocDemo");
    const struct brand_set *set = brands_acquire(fixture->brands);
    const struct policy *policy = &brand_set_at(set, 0)->policy;
    assert_false(policy_has_limit(policy));
    assert_int_equal(policy->otp_ttl_ms, 1200000);
    assert_int_equal(policy->session_ttl_ms, 1200000);
    assert_int_equal(policy->otp_length, 6);
    assert_int_equal(policy->otp_attempts_max, 5);
    assert_int_equal(policy->lock_after_failures, 100);
    assert_int_equal(policy->lock_ms, 1800000);
    assert_false(policy->is_resend_new);
    brands_release(fixture->brands, &set);
}

struct lists_case {
    const char *option;
    const char *value;
    uint32_t types;    // bits 1 << enum address_kind
    uint32_t channels; // bits 1 << enum channel_kind
};

#define ALL_TYPES (1U << ADDRESS_MOBILE | 1U << ADDRESS_EMAIL | 1U << ADDRESS_USERNAME)
#define ALL_CHANNELS ((1U << CHANNEL_COUNT_) - 1)

static const struct lists_case lists_cases[] = {
    {"otpLength", "6", ALL_TYPES, ALL_CHANNELS},
    {"identifierTypes", "MOBILE", 1U << ADDRESS_MOBILE, ALL_CHANNELS},
    {"identifierTypes", "USERNAME EMAIL", 1U << ADDRESS_USERNAME | 1U << ADDRESS_EMAIL,
     ALL_CHANNELS},
    {"fallbackChannels", "null", ALL_TYPES, 0},
    {"fallbackChannels", "EMAIL SMS", ALL_TYPES, 1U << CHANNEL_EMAIL | 1U << CHANNEL_SMS},
    {"fallbackChannels", "WHATSAPP ZALO", ALL_TYPES, 1U << CHANNEL_WHATSAPP | 1U << CHANNEL_ZALO},
};

static void test_lists_say_what_is_taken(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT_OF(lists_cases); i++) {
        const struct lists_case *c = &lists_cases[i];
        struct brand_settings settings = settings_with(c->option, c->value);
        put(fixture, "DocDemo", &settings, NO_SECRET);
        const struct brand_set *set = brands_acquire(fixture->brands);
        const struct brand *brand = brand_set_at(set, 0);
        for (unsigned kind = ADDRESS_MOBILE; kind <= ADDRESS_USERNAME; kind++)
            assert_int_equal(brand_takes_identifier(brand, (enum address_kind)kind),
                             c->types >> kind & 1);
        for (unsigned kind = 0; kind < CHANNEL_COUNT_; kind++)
            assert_int_equal(brand_takes_fallback(brand, (enum channel_kind)kind),
                             c->channels >> kind & 1);
        brands_release(fixture->brands, &set);
    }
}

static void test_ogc_is_the_setting_or_made_from_the_id(void **state)
{
    struct fixture *fixture = *state;
    char expected[32];
    struct strbuf out = strbuf_over(expected, sizeof expected);
    struct brand_settings settings = settings_with("ogc", "100458|api");
    put(fixture, "Set", &settings, NO_SECRET);
    put_default(fixture, "Unset");
    const struct brand_set *set = brands_acquire(fixture->brands);
    const struct brand *unset = brand_set_find(set, SPAN("Unset"));
    strbuf_put_u64(&out, unset->id % 1000000000U);
    strbuf_put_text(&out, "|otpd");
    assert_true(span_eq(brand_set_find(set, SPAN("Set"))->ogc, SPAN("100458|api")));
    assert_true(span_eq(unset->ogc, strbuf_span(&out)));
    assert_string_equal(unset->settings.ogc, "");
    brands_release(fixture->brands, &set);
}

static void test_each_channel_has_its_text(void **state)
{
    struct fixture *fixture = *state;
    struct brand_settings settings = settings_with("smsTemplate", "sms {otp}");
    memcpy(settings.words.channels[CHANNEL_EMAIL].template, "mail {otp}", sizeof "mail {otp}");
    put(fixture, "DocDemo", &settings, NO_SECRET);
    const struct brand_set *set = brands_acquire(fixture->brands);
    const struct brand *brand = brand_set_at(set, 0);
    for (size_t i = 0; i < CHANNEL_COUNT_; i++) {
        const struct template *template = &brand->templates.texts[i];
        struct span expected = i == CHANNEL_EMAIL ? SPAN("mail {otp}") : SPAN("sms {otp}");
        assert_true(span_eq(span_make(template->source, template->source_len), expected));
        assert_int_equal(template->parts_held, 2);
    }
    brands_release(fixture->brands, &set);
}

static void test_origins(void **state)
{
    struct fixture *fixture = *state;
    struct brand_settings settings =
        settings_with("corsOrigins", "https://a.example.com http://localhost:3000");
    put(fixture, "Two", &settings, NO_SECRET);
    put_default(fixture, "None");
    const struct brand_set *set = brands_acquire(fixture->brands);
    const struct brand *two = brand_set_find(set, SPAN("Two"));
    assert_true(brand_allows_origin(two, SPAN("https://a.example.com")));
    assert_true(brand_allows_origin(two, SPAN("http://localhost:3000")));
    assert_false(brand_allows_origin(two, SPAN("http://a.example.com")));
    assert_false(brand_allows_origin(two, SPAN("https://a.example.com.evil.example")));
    assert_false(brand_allows_origin(two, SPAN("null")));
    assert_false(brand_allows_origin(two, SPAN("*")));
    assert_false(brand_allows_origin(two, SPAN("")));
    assert_false(brand_allows_origin(brand_set_find(set, SPAN("None")), SPAN("http://localhost")));
    assert_true(brand_set_allows_origin(set, SPAN("https://a.example.com")));
    assert_false(brand_set_allows_origin(set, SPAN("https://b.example.com")));
    brands_release(fixture->brands, &set);
}

static void test_a_star_allows_every_origin(void **state)
{
    struct fixture *fixture = *state;
    struct brand_settings settings = settings_with("corsOrigins", "*");
    put(fixture, "Open", &settings, NO_SECRET);
    const struct brand_set *set = brands_acquire(fixture->brands);
    assert_true(brand_set_at(set, 0)->is_any_origin);
    assert_true(brand_set_allows_origin(set, SPAN("https://b.example.com")));
    brands_release(fixture->brands, &set);
}

static void assert_signs_as(struct fixture *fixture, struct span secret, bool is_expected)
{
    struct hs256_key key;
    uint8_t expected[HS256_BYTES], signature[HS256_BYTES];
    hs256_key_init(&key, secret);
    hs256_sign(&key, SPAN("message"), expected);
    const struct brand_set *set = brands_acquire(fixture->brands);
    hs256_sign(&brand_signing_key(brand_set_at(set, 0))->hs256, SPAN("message"), signature);
    assert_int_equal(memcmp(signature, expected, HS256_BYTES) == 0, is_expected);
    brands_release(fixture->brands, &set);
}

static void test_the_token_secret_stays_until_another_is_given(void **state)
{
    struct fixture *fixture = *state;
    struct brand_settings settings = settings_with("otpLength", "7");
    put_default(fixture, "DocDemo");
    assert_signs_as(fixture, SECRET, true);
    put(fixture, "DocDemo", &settings, NO_SECRET);
    assert_signs_as(fixture, SECRET, true);
    put(fixture, "DocDemo", &settings, OTHER_SECRET);
    assert_signs_as(fixture, OTHER_SECRET, true);
    assert_signs_as(fixture, SECRET, false);
}

static void test_a_brand_without_a_secret_gets_one_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    uint8_t signatures[2][HS256_BYTES];
    struct brand_settings settings;
    brand_settings_init(&settings);
    put(fixture, "One", &settings, NO_SECRET);
    put(fixture, "Two", &settings, NO_SECRET);
    const struct brand_set *set = brands_acquire(fixture->brands);
    for (size_t i = 0; i < 2; i++)
        hs256_sign(&brand_signing_key(brand_set_at(set, i))->hs256, SPAN("message"), signatures[i]);
    assert_memory_not_equal(signatures[0], signatures[1], HS256_BYTES);
    brands_release(fixture->brands, &set);
}

static void test_a_replaced_brand_keeps_its_id_and_takes_the_new_spelling(void **state)
{
    struct fixture *fixture = *state;
    struct brand_settings settings = settings_with("otpMaxCount", "9");
    put_default(fixture, "DocDemo");
    const struct brand_set *before = brands_acquire(fixture->brands);
    put(fixture, "DOCdemo", &settings, NO_SECRET);
    const struct brand_set *after = brands_acquire(fixture->brands);
    assert_int_equal(brand_set_count(after), 1);
    assert_true(brand_set_at(after, 0)->id == brand_set_at(before, 0)->id);
    assert_true(span_eq(brand_set_at(after, 0)->name, SPAN("DOCdemo")));
    assert_int_equal(brand_set_at(after, 0)->settings.otp_max_count, 9);
    brands_release(fixture->brands, &before);
    brands_release(fixture->brands, &after);
}

static void test_a_held_snapshot_does_not_change(void **state)
{
    struct fixture *fixture = *state;
    struct brand_settings settings = settings_with("otpMaxCount", "9");
    put_default(fixture, "DocDemo");
    const struct brand_set *held = brands_acquire(fixture->brands);
    const struct brand *brand = brand_set_find(held, SPAN("DocDemo"));
    put(fixture, "DocDemo", &settings, NO_SECRET);
    assert_int_equal(brands_remove(fixture->brands, SPAN("DocDemo"), NULL), ERR_OK);
    assert_ptr_equal(brand_set_find(held, SPAN("DocDemo")), brand);
    assert_int_equal(brand->settings.otp_max_count, 0);
    assert_true(span_eq(brand->name, SPAN("DocDemo")));
    brands_release(fixture->brands, &held);
}

static void test_a_removed_brand_comes_back_as_another_one(void **state)
{
    struct fixture *fixture = *state;
    put_default(fixture, "DocDemo");
    const struct brand_set *before = brands_acquire(fixture->brands);
    assert_int_equal(brands_remove(fixture->brands, SPAN("docdemo"), NULL), ERR_OK);
    const struct brand_set *between = brands_acquire(fixture->brands);
    assert_int_equal(brand_set_count(between), 0);
    put_default(fixture, "DocDemo");
    const struct brand_set *after = brands_acquire(fixture->brands);
    assert_true(brand_set_at(after, 0)->id != brand_set_at(before, 0)->id);
    brands_release(fixture->brands, &before);
    brands_release(fixture->brands, &between);
    brands_release(fixture->brands, &after);
}

static void test_removing_what_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    struct err_info info;
    char name[BRAND_NAME_BYTES_MAX + 2];
    memset(name, 'x', sizeof name);
    name[BRAND_NAME_BYTES_MAX] = '\0';
    put_default(fixture, name);
    assert_int_equal(brands_remove(fixture->brands, SPAN("DocDemo"), &info), ERR_NOT_FOUND);
    assert_string_equal(info.text, "there is no brand of that name");
    name[BRAND_NAME_BYTES_MAX] = 'x';
    assert_int_equal(
        brands_remove(fixture->brands, span_make(name, BRAND_NAME_BYTES_MAX + 1), NULL),
        ERR_NOT_FOUND);
    assert_int_equal(fixture->writes, 1);
}

static void test_putting_the_same_again_writes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct brand_settings settings;
    brand_settings_init(&settings);
    put_default(fixture, "DocDemo");
    put_default(fixture, "DocDemo");
    put(fixture, "DocDemo", &settings, NO_SECRET);
    assert_int_equal(fixture->writes, 1);
    put_default(fixture, "docDemo");
    assert_int_equal(fixture->writes, 2);
    put(fixture, "docDemo", &settings, OTHER_SECRET);
    assert_int_equal(fixture->writes, 3);
    settings.lock_seconds++;
    put(fixture, "docDemo", &settings, NO_SECRET);
    assert_int_equal(fixture->writes, 4);
}

struct refused_case {
    const char *name;
    const char *option;
    const char *value;
    struct span secret;
    const char *story;
};

static void test_what_is_refused_is_not_written(void **state)
{
    struct fixture *fixture = *state;
    const struct refused_case cases[] = {
        {"", "otpLength", "6", SECRET,
         "name: a brand's name is not empty and has no spaces at its ends"},
        {"a\nb", "otpLength", "6", SECRET,
         "name: \"a?b\" is not name of at most 64 bytes, in UTF-8 without control characters"},
        {"a|b", "otpLength", "6", SECRET, "name: \"a|b\" has a |, which separates parts of tokens"},
        {"DocDemo", "smsTemplate", "no code", SECRET, "smsTemplate: template: no {otp} in it"},
        {"DocDemo", "corsOrigins", "http://a null", SECRET,
         "corsOrigins: \"null\": null is what any sandboxed page sends"},
        {"DocDemo", "otpLength", "6", SPAN("too short"), "token secret: 9 bytes are not 32 to 254"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct brand_settings settings = settings_with(cases[i].option, cases[i].value);
        struct err_info info;
        assert_int_equal(brands_put(fixture->brands, span_of_text(cases[i].name), &settings,
                                    cases[i].secret, &info),
                         ERR_INVALID);
        assert_string_equal(info.text, cases[i].story);
    }
    assert_int_equal(fixture->writes, 0);
}

static void test_a_lost_race_is_run_again(void **state)
{
    struct fixture *fixture = *state;
    struct brand_settings settings;
    struct err_info info;
    brand_settings_init(&settings);
    fixture->races_to_lose = 2;
    put_default(fixture, "DocDemo");
    assert_int_equal(fixture->writes, 3);
    fixture->races_to_lose = 3;
    settings.otp_length = 7;
    assert_int_equal(brands_put(fixture->brands, SPAN("DocDemo"), &settings, NO_SECRET, &info),
                     ERR_BUSY);
    assert_string_equal(info.text, "write the brand's settings: too busy");
    fixture->races_to_lose = 3;
    assert_int_equal(brands_remove(fixture->brands, SPAN("DocDemo"), &info), ERR_BUSY);
    const struct brand_set *set = brands_acquire(fixture->brands);
    assert_int_equal(brand_set_at(set, 0)->settings.otp_length, 6);
    brands_release(fixture->brands, &set);
}

static void test_reload_sees_what_others_wrote(void **state)
{
    struct fixture *fixture = *state;
    struct brands *other;
    struct brand_settings settings = settings_with("otpLength", "9");
    put_default(fixture, "DocDemo");
    assert_int_equal(brands_create(&fixture->door, &wrap_key, &fixture->entropy, &other), ERR_OK);
    assert_int_equal(brands_put(other, SPAN("DocDemo"), &settings, NO_SECRET, NULL), ERR_OK);
    const struct brand_set *stale = brands_acquire(fixture->brands);
    assert_int_equal(brand_set_at(stale, 0)->settings.otp_length, 6);
    assert_int_equal(brands_reload(fixture->brands, NULL), ERR_OK);
    const struct brand_set *fresh = brands_acquire(fixture->brands);
    assert_int_equal(brand_set_at(fresh, 0)->settings.otp_length, 9);
    brands_release(fixture->brands, &stale);
    brands_release(fixture->brands, &fresh);
    brands_destroy(&other);
}

static void test_settings_of_another_kind_are_no_brands(void **state)
{
    struct fixture *fixture = *state;
    put_default(fixture, "DocDemo");
    put_raw(fixture, "tokens/my-zalo", "\x01 sealed", 1);
    assert_int_equal(brands_reload(fixture->brands, NULL), ERR_OK);
    const struct brand_set *set = brands_acquire(fixture->brands);
    assert_int_equal(brand_set_count(set), 1);
    brands_release(fixture->brands, &set);
    // A brand of that name is another setting.
    put_default(fixture, "tokens/my-zalo");
    set = brands_acquire(fixture->brands);
    assert_non_null(brand_set_find(set, SPAN("tokens/my-zalo")));
    brands_release(fixture->brands, &set);
}

static void test_a_bad_value_keeps_the_old_snapshot(void **state)
{
    struct fixture *fixture = *state;
    struct err_info info;
    put_default(fixture, "DocDemo");
    put_default(fixture, "Other");
    put_default(fixture, "Third"); // good again, behind the bad one
    put_raw(fixture, "OTHER", "{\"format\":2}", 2);
    const struct brand_set *before = brands_acquire(fixture->brands);
    assert_int_equal(brands_reload(fixture->brands, &info), ERR_INVALID);
    assert_string_equal(info.text,
                        "brand OTHER: the stored value has format 2; this version knows 1");
    const struct brand_set *after = brands_acquire(fixture->brands);
    assert_ptr_equal(after, before);
    assert_int_equal(brand_set_count(after), 3);
    brands_release(fixture->brands, &before);
    brands_release(fixture->brands, &after);
}

static void test_a_bad_value_can_be_removed_but_not_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct brand_settings settings;
    brand_settings_init(&settings);
    put_raw(fixture, "OTHER", "nonsense", 1);
    assert_int_equal(brands_put(fixture->brands, SPAN("Other"), &settings, SECRET, NULL),
                     ERR_INVALID);
    assert_int_equal(brands_remove(fixture->brands, SPAN("Other"), NULL), ERR_OK);
    put_default(fixture, "Other");
}

static void copy_value(void *ctx, const struct setting *setting)
{
    struct strbuf *out = ctx;
    strbuf_put(out, setting->value);
}

static void test_a_value_moved_to_another_name_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char value[2048] = {0};
    struct err_info info;
    struct strbuf out = strbuf_over(value, sizeof value - 1);
    put_default(fixture, "DocDemo");
    store_settings_each(fixture->memory, copy_value, &out);
    put_raw(fixture, "OTHER", value, 1);
    assert_int_equal(brands_reload(fixture->brands, &info), ERR_INVALID);
    assert_string_equal(info.text, "brand OTHER: the stored value is another brand's");
}

static void test_two_brands_of_one_name_or_id_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct err_info info;
    struct seeded seeded;
    struct brand_value value = {.id = 1};
    char bytes[1024] = {0};
    struct strbuf out = strbuf_over(bytes, sizeof bytes - 1);
    seeded_init(&seeded, 1);
    struct entropy entropy = seeded_entropy(&seeded);
    brand_settings_init(&value.settings);
    assert_int_equal(brand_value_set_name(&value, SPAN("Twin"), NULL), ERR_OK);
    assert_int_equal(brand_value_add_secret(&value, SECRET, 0, NULL), ERR_OK);
    brand_value_encode(&value, &wrap_key, &entropy, &out);
    put_raw(fixture, "TWIN", bytes, 1);
    fixture->extra_brands = 1; // B0, of id 1
    assert_int_equal(brands_reload(fixture->brands, &info), ERR_INVALID);
    assert_non_null(strstr(info.text, "two brands have the id of "));
    fixture->extra_brands = 0;
    put_default(fixture, "b0");
    fixture->extra_brands = 1;
    assert_int_equal(brands_remove(fixture->brands, SPAN("Twin"), &info), ERR_INVALID);
    assert_non_null(strstr(info.text, "two brands have the name of "));
}

static void test_the_number_of_brands_has_a_ceiling(void **state)
{
    struct fixture *fixture = *state;
    struct err_info info;
    fixture->extra_brands = BRANDS_MAX;
    assert_int_equal(brands_reload(fixture->brands, NULL), ERR_OK);
    const struct brand_set *set = brands_acquire(fixture->brands);
    assert_int_equal(brand_set_count(set), BRANDS_MAX);
    for (size_t i = 0; i < BRANDS_MAX; i++)
        assert_non_null(brand_set_find_id(set, i + 1));
    brands_release(fixture->brands, &set);
    fixture->extra_brands = BRANDS_MAX + 1;
    assert_int_equal(brands_reload(fixture->brands, &info), ERR_INVALID);
    assert_string_equal(info.text, "brand B1024: more than 1024 brands");
}

static void reload_on_notice(void *ctx)
{
    assert_int_equal(brands_reload(ctx, NULL), ERR_OK);
}

static void test_the_notice_may_reload_inside_the_write(void **state)
{
    struct fixture *fixture = *state;
    fixture->memory->notices.on_settings = reload_on_notice;
    fixture->memory->notices.ctx = fixture->brands;
    put_default(fixture, "DocDemo");
    assert_int_equal(brands_remove(fixture->brands, SPAN("DocDemo"), NULL), ERR_OK);
}

#define READERS 3U
#define CHANGES 200U

struct reader {
    struct brands *brands;
    atomic_bool *is_over;
    unsigned seen;
    unsigned torn;
};

static void *read_until_over(void *ctx)
{
    struct reader *reader = ctx;
    while (!atomic_load(reader->is_over)) {
        const struct brand_set *set = brands_acquire(reader->brands);
        const struct brand *brand = brand_set_find(set, SPAN("docdemo"));
        reader->seen++;
        if (brand == NULL || brand->policy.otp_max_count != brand->settings.otp_max_count ||
            brand->settings.otp_time_out_minutes != brand->settings.otp_max_count)
            reader->torn++;
        brands_release(reader->brands, &set);
    }
    return NULL;
}

static void test_readers_see_whole_snapshots_while_they_change(void **state)
{
    struct fixture *fixture = *state;
    atomic_bool is_over = false;
    pthread_t threads[READERS];
    struct reader readers[READERS];
    struct brand_settings settings;
    brand_settings_init(&settings);
    put_default(fixture, "DocDemo");
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.brands = fixture->brands, .is_over = &is_over};
        assert_int_equal(pthread_create(&threads[i], NULL, read_until_over, &readers[i]), 0);
    }
    for (uint32_t i = 1; i <= CHANGES; i++) {
        settings.otp_max_count = i % 64 + 1;
        settings.otp_time_out_minutes = settings.otp_max_count;
        put(fixture, "DocDemo", &settings, NO_SECRET);
    }
    atomic_store(&is_over, true);
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(readers[i].torn, 0);
    }
}

static void *reload_many_times(void *ctx)
{
    for (unsigned i = 0; i < CHANGES; i++) {
        if (brands_reload(ctx, NULL) != ERR_OK)
            return ctx;
    }
    return NULL;
}

// An older reading must not replace a newer one: after each put its own change is there.
static void test_reloads_beside_a_writer_never_go_back(void **state)
{
    struct fixture *fixture = *state;
    pthread_t thread;
    void *failed = NULL;
    struct brand_settings settings;
    brand_settings_init(&settings);
    assert_int_equal(pthread_create(&thread, NULL, reload_many_times, fixture->brands), 0);
    for (uint32_t i = 0; i < CHANGES; i++) {
        settings.otp_max_count = i % 64 + 1;
        put(fixture, "DocDemo", &settings, NO_SECRET);
        const struct brand_set *set = brands_acquire(fixture->brands);
        assert_int_equal(brand_set_at(set, 0)->settings.otp_max_count, settings.otp_max_count);
        brands_release(fixture->brands, &set);
    }
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_a_new_registry_has_no_brand),
        WITH_FIXTURE(test_a_brand_is_found_in_any_case_and_by_id),
        WITH_FIXTURE(test_brands_are_listed_by_name),
        WITH_FIXTURE(test_only_ascii_letters_are_folded),
        WITH_FIXTURE(test_settings_become_policy),
        WITH_FIXTURE(test_default_policy),
        WITH_FIXTURE(test_lists_say_what_is_taken),
        WITH_FIXTURE(test_ogc_is_the_setting_or_made_from_the_id),
        WITH_FIXTURE(test_each_channel_has_its_text),
        WITH_FIXTURE(test_origins),
        WITH_FIXTURE(test_a_star_allows_every_origin),
        WITH_FIXTURE(test_the_token_secret_stays_until_another_is_given),
        WITH_FIXTURE(test_a_brand_without_a_secret_gets_one_of_its_own),
        WITH_FIXTURE(test_a_replaced_brand_keeps_its_id_and_takes_the_new_spelling),
        WITH_FIXTURE(test_a_held_snapshot_does_not_change),
        WITH_FIXTURE(test_a_removed_brand_comes_back_as_another_one),
        WITH_FIXTURE(test_removing_what_is_not_there),
        WITH_FIXTURE(test_putting_the_same_again_writes_nothing),
        WITH_FIXTURE(test_what_is_refused_is_not_written),
        WITH_FIXTURE(test_a_lost_race_is_run_again),
        WITH_FIXTURE(test_reload_sees_what_others_wrote),
        WITH_FIXTURE(test_settings_of_another_kind_are_no_brands),
        WITH_FIXTURE(test_a_bad_value_keeps_the_old_snapshot),
        WITH_FIXTURE(test_a_bad_value_can_be_removed_but_not_replaced),
        WITH_FIXTURE(test_a_value_moved_to_another_name_is_refused),
        WITH_FIXTURE(test_two_brands_of_one_name_or_id_are_refused),
        WITH_FIXTURE(test_the_number_of_brands_has_a_ceiling),
        WITH_FIXTURE(test_the_notice_may_reload_inside_the_write),
        WITH_FIXTURE(test_readers_see_whole_snapshots_while_they_change),
        WITH_FIXTURE(test_reloads_beside_a_writer_never_go_back),
    };
    return cmocka_run_group_tests_name("brands", tests, NULL, NULL);
}
