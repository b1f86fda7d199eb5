// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "outbox/provider_tokens.h"
#include "sim/seeded.h"
#include "store/memory/memory.h"

static const struct key wrap_key = {"a wrap key of thirty-two bytes.."};
static const struct key other_key = {"another wrap key of 32 bytes...."};

struct fixture {
    struct store *store;
    struct seeded seeded;
    struct entropy entropy;
    struct provider_tokens tokens;
};

static int open_store(void **state)
{
    static struct fixture fixture;
    struct memory_store_options options = memory_store_defaults;
    options.clock = clock_system();
    assert_int_equal(memory_store_create(&options, &fixture.store), ERR_OK);
    seeded_init(&fixture.seeded, 7);
    fixture.entropy = seeded_entropy(&fixture.seeded);
    fixture.tokens =
        (struct provider_tokens){fixture.store, &wrap_key, &fixture.entropy, SPAN("my-zalo")};
    *state = &fixture;
    return 0;
}

static int close_store(void **state)
{
    struct fixture *fixture = *state;
    store_destroy(&fixture->store);
    return 0;
}

static struct token_pair pair_of(const char *access, const char *refresh)
{
    struct token_pair pair = {
        .obtained_at_ms = 1, .access_ends_at_ms = 0x0102030405060708, .refresh_ends_at_ms = 3};
    if (access[0] != '\0')
        assert_true(token_text_set(&pair.access, span_of_text(access)));
    assert_true(token_text_set(&pair.refresh, span_of_text(refresh)));
    return pair;
}

static void assert_stored(const struct fixture *f, const struct token_pair *pair, uint64_t version)
{
    struct token_pair stored;
    uint64_t stored_version;
    assert_int_equal(provider_tokens_read(&f->tokens, &stored, &stored_version), ERR_OK);
    assert_int_equal(stored_version, version);
    assert_true(span_eq(token_span(&stored.access), token_span(&pair->access)));
    assert_true(span_eq(token_span(&stored.refresh), token_span(&pair->refresh)));
    assert_int_equal(stored.obtained_at_ms, pair->obtained_at_ms);
    assert_int_equal(stored.access_ends_at_ms, pair->access_ends_at_ms);
    assert_int_equal(stored.refresh_ends_at_ms, pair->refresh_ends_at_ms);
}

static void what_is_written_is_read(void **state)
{
    const struct fixture *f = *state;
    struct token_pair none = {.obtained_at_ms = 0};
    struct token_pair pair = pair_of("A1", "R1");
    assert_stored(f, &none, 0);
    assert_int_equal(provider_tokens_write(&f->tokens, &pair, 1), ERR_OK);
    assert_stored(f, &pair, 1);
    pair = pair_of("", "R2");
    assert_int_equal(provider_tokens_write(&f->tokens, &pair, 2), ERR_OK);
    assert_stored(f, &pair, 2);
}

static void the_longest_tokens_fit(void **state)
{
    const struct fixture *f = *state;
    char text[TOKEN_BYTES_MAX + 1] = {0};
    memset(text, 'x', TOKEN_BYTES_MAX);
    struct token_pair pair = pair_of(text, text);
    assert_int_equal(provider_tokens_write(&f->tokens, &pair, 1), ERR_OK);
    assert_stored(f, &pair, 1);
}

static void a_version_that_is_there_already_is_refused(void **state)
{
    const struct fixture *f = *state;
    struct token_pair first = pair_of("A1", "R1");
    struct token_pair second = pair_of("A2", "R2");
    assert_int_equal(provider_tokens_write(&f->tokens, &first, 1), ERR_OK);
    assert_int_equal(provider_tokens_write(&f->tokens, &second, 1), ERR_BUSY);
    assert_int_equal(provider_tokens_write(&f->tokens, &second, 3), ERR_BUSY);
    assert_stored(f, &first, 1);
}

static void a_person_s_pair_replaces_what_there_is(void **state)
{
    const struct fixture *f = *state;
    struct token_pair first = pair_of("A1", "R1");
    struct token_pair second = pair_of("", "R2");
    struct fixture stranger = *f;
    stranger.tokens.wrap_key = &other_key;
    assert_int_equal(provider_tokens_write(&stranger.tokens, &first, 1), ERR_OK);
    assert_int_equal(provider_tokens_set(&f->tokens, &second), ERR_OK);
    assert_stored(f, &second, 2);
}

struct stolen {
    uint8_t bytes[256];
    size_t len;
};

static void on_setting(void *ctx, const struct setting *setting)
{
    struct stolen *stolen = ctx;
    assert_true(span_eq(setting->name, SPAN("tokens/my-zalo")));
    assert_true(setting->value.len <= sizeof stolen->bytes);
    stolen->len = setting->value.len;
    memcpy(stolen->bytes, setting->value.data, setting->value.len);
}

static void assert_closed(const struct provider_tokens *tokens)
{
    struct token_pair pair;
    uint64_t version;
    assert_int_equal(provider_tokens_read(tokens, &pair, &version), ERR_INVALID);
    assert_int_equal(pair.refresh.len, 0);
}

static void a_value_opens_under_its_name_and_key_alone(void **state)
{
    const struct fixture *f = *state;
    struct stolen stolen = {.len = 0};
    struct token_pair pair = pair_of("SECRET-ACCESS", "SECRET-REFRESH");
    struct provider_tokens other = f->tokens;
    assert_int_equal(provider_tokens_write(&f->tokens, &pair, 1), ERR_OK);
    store_settings_each(f->store, on_setting, &stolen);
    assert_null(memmem(stolen.bytes, stolen.len, "SECRET", 6));
    other.wrap_key = &other_key;
    assert_closed(&other);
    other = f->tokens;
    other.provider = SPAN("other");
    const struct setting moved = {SPAN("tokens/other"), span_make(stolen.bytes, stolen.len), 1};
    assert_int_equal(store_settings_put(f->store, &moved), ERR_OK);
    assert_closed(&other);
}

static void a_value_that_was_changed_or_cut_does_not_open(void **state)
{
    const struct fixture *f = *state;
    struct stolen stolen = {.len = 0};
    struct token_pair pair = pair_of("A1", "R1");
    uint64_t version = 1;
    assert_int_equal(provider_tokens_write(&f->tokens, &pair, version), ERR_OK);
    store_settings_each(f->store, on_setting, &stolen);
    for (size_t i = 0; i < stolen.len; i++) {
        struct setting setting = {SPAN("tokens/my-zalo"), span_make(stolen.bytes, stolen.len), 0};
        stolen.bytes[i] ^= 1;
        setting.version = ++version;
        assert_int_equal(store_settings_put(f->store, &setting), ERR_OK);
        assert_closed(&f->tokens);
        stolen.bytes[i] ^= 1;
        if (i == 0)
            continue;
        setting.value.len = i;
        setting.version = ++version;
        assert_int_equal(store_settings_put(f->store, &setting), ERR_OK);
        assert_closed(&f->tokens);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, open_store, close_store),
        cmocka_unit_test_setup_teardown(the_longest_tokens_fit, open_store, close_store),
        cmocka_unit_test_setup_teardown(a_version_that_is_there_already_is_refused, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(a_person_s_pair_replaces_what_there_is, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(a_value_opens_under_its_name_and_key_alone, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(a_value_that_was_changed_or_cut_does_not_open, open_store,
                                        close_store),
    };
    return cmocka_run_group_tests_name("outbox/provider_tokens", tests, NULL, NULL);
}
