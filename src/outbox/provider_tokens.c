// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "outbox/provider_tokens.h"

#include "base/assert.h"
#include "base/strbuf.h"

#define FORMAT 1U
#define TIME_BYTES 8U
#define LENGTH_BYTES 2U
#define PLAIN_BYTES_MAX (3U * TIME_BYTES + 2U * (LENGTH_BYTES + TOKEN_BYTES_MAX))
#define VALUE_BYTES_MAX (1U + SEAL_OVERHEAD_BYTES + PLAIN_BYTES_MAX)
#define SET_TRIES_MAX 3U // against renewals, which come once a day

_Static_assert(VALUE_BYTES_MAX <= SETTING_VALUE_BYTES_MAX, "a pair fits into a setting");

struct reading {
    struct span name;
    uint64_t version;
    size_t len;
    uint8_t value[VALUE_BYTES_MAX];
};

static struct span name_of(const struct provider_tokens *tokens, char room[SETTING_NAME_BYTES_MAX])
{
    struct strbuf name = strbuf_over(room, SETTING_NAME_BYTES_MAX);
    strbuf_put_text(&name, SETTING_TOKENS_PREFIX);
    strbuf_put(&name, tokens->provider);
    ASSERT(!name.is_overflowed);
    return strbuf_span(&name);
}

// --- the plain text --------------------------------------------------------------------------

static void put_number(struct strbuf *out, uint64_t number, unsigned bytes)
{
    for (unsigned i = bytes; i > 0; i--)
        strbuf_put_byte(out, (uint8_t)(number >> 8 * (i - 1)));
}

static void put_token(struct strbuf *out, const struct token_text *token)
{
    put_number(out, token->len, LENGTH_BYTES);
    strbuf_put(out, token_span(token));
}

static void put_pair(const struct token_pair *pair, struct strbuf *out)
{
    put_number(out, (uint64_t)pair->obtained_at_ms, TIME_BYTES);
    put_number(out, (uint64_t)pair->access_ends_at_ms, TIME_BYTES);
    put_number(out, (uint64_t)pair->refresh_ends_at_ms, TIME_BYTES);
    put_token(out, &pair->access);
    put_token(out, &pair->refresh);
    ASSERT(!out->is_overflowed);
}

static bool take_number(struct span *rest, unsigned bytes, uint64_t *out)
{
    *out = 0;
    if (rest->len < bytes)
        return false;
    for (unsigned i = 0; i < bytes; i++)
        *out = *out << 8 | rest->data[i];
    *rest = span_from(*rest, bytes);
    return true;
}

static bool take_time(struct span *rest, int64_t *out)
{
    uint64_t number;
    bool is_there = take_number(rest, TIME_BYTES, &number) && number <= INT64_MAX;
    *out = is_there ? (int64_t)number : 0;
    return is_there;
}

static bool take_token(struct span *rest, struct token_text *out)
{
    uint64_t len;
    if (!take_number(rest, LENGTH_BYTES, &len) || rest->len < len)
        return false;
    struct span token = span_first(*rest, len);
    *rest = span_from(*rest, len);
    return len == 0 || token_text_set(out, token);
}

static bool take_pair(struct span rest, struct token_pair *out)
{
    return take_time(&rest, &out->obtained_at_ms) && take_time(&rest, &out->access_ends_at_ms) &&
           take_time(&rest, &out->refresh_ends_at_ms) && take_token(&rest, &out->access) &&
           take_token(&rest, &out->refresh) && rest.len == 0 && out->refresh.len > 0;
}

// --- the value -------------------------------------------------------------------------------

static bool open_value(const struct provider_tokens *tokens, const struct reading *reading,
                       struct token_pair *out)
{
    uint8_t plain[PLAIN_BYTES_MAX];
    struct span sealed = span_from(span_make(reading->value, reading->len), 1);
    if (reading->value[0] != FORMAT || sealed.len < SEAL_OVERHEAD_BYTES ||
        !seal_open_bytes(tokens->wrap_key, reading->name, sealed, plain))
        return false;
    bool is_pair = take_pair(span_make(plain, sealed.len - SEAL_OVERHEAD_BYTES), out);
    wipe(plain, sizeof plain);
    return is_pair;
}

static void on_setting(void *ctx, const struct setting *setting)
{
    struct reading *reading = ctx;
    if (!span_eq(setting->name, reading->name))
        return;
    reading->version = setting->version;
    // A longer one is another version's: it does not open.
    reading->len = setting->value.len < VALUE_BYTES_MAX ? setting->value.len : VALUE_BYTES_MAX;
    if (reading->len > 0)
        memcpy(reading->value, setting->value.data, reading->len);
}

enum err provider_tokens_read(const struct provider_tokens *tokens, struct token_pair *out,
                              uint64_t *version_out)
{
    char name[SETTING_NAME_BYTES_MAX];
    struct reading reading;
    reading.name = name_of(tokens, name);
    reading.version = 0;
    reading.len = 0;
    *out = (struct token_pair){.access = {.len = 0}};
    store_settings_each(tokens->store, on_setting, &reading);
    *version_out = reading.version;
    if (reading.len == 0 || open_value(tokens, &reading, out))
        return ERR_OK;
    wipe(out, sizeof *out);
    return ERR_INVALID;
}

enum err provider_tokens_write(const struct provider_tokens *tokens, const struct token_pair *pair,
                               uint64_t version)
{
    char name[SETTING_NAME_BYTES_MAX];
    uint8_t plain[PLAIN_BYTES_MAX];
    uint8_t value[VALUE_BYTES_MAX];
    struct strbuf text = strbuf_over(plain, sizeof plain);
    struct setting setting = {.name = name_of(tokens, name), .version = version};
    put_pair(pair, &text);
    value[0] = FORMAT;
    seal_bytes(tokens->wrap_key, tokens->entropy, setting.name, strbuf_span(&text), value + 1);
    setting.value = span_make(value, 1 + SEAL_OVERHEAD_BYTES + text.len);
    wipe(plain, sizeof plain);
    return store_settings_put(tokens->store, &setting);
}

enum err provider_tokens_set(const struct provider_tokens *tokens, const struct token_pair *pair)
{
    struct token_pair stored;
    uint64_t version;
    enum err err = ERR_BUSY;
    for (unsigned i = 0; i < SET_TRIES_MAX && err == ERR_BUSY; i++) {
        if (provider_tokens_read(tokens, &stored, &version) == ERR_INVALID)
            wipe(&stored, sizeof stored); // what does not open is replaced
        err = provider_tokens_write(tokens, pair, version + 1);
    }
    wipe(&stored, sizeof stored);
    return err;
}
