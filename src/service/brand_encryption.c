// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Of a private key exponent and primes are kept, from which the rest follows: half a kilobyte for
// 4096 bits, so that the keys of a brand fit beside its settings.
#include "service/brand_encryption.h"

#include "base/assert.h"
#include "crypto/pure/base64.h"
#include "service/brand_json.h"

#define SEALED_BYTES_MAX (RSA_SECRET_BYTES_MAX + SEAL_OVERHEAD_BYTES)
#define ASSOCIATED_BYTES 13U // a letter, id, number

#define HASH_TEXT_BYTES_MAX 1024U // 512 bytes are 684 characters, and some wrap them

_Static_assert(BRAND_ENCRYPTION_KEYS_MAX == 4, "stories say four");

static uint32_t newest_number(const struct brand_value *value)
{
    size_t held = value->encryption_held;
    return held > 0 ? value->encryption[held - 1].number : 0;
}

static struct span secret_of(const struct encryption_secret *secret)
{
    return span_make(secret->bytes, secret->len);
}

static bool is_held(const struct brand_value *value, struct span secret)
{
    for (size_t i = 0; i < value->encryption_held; i++) {
        struct span held = secret_of(&value->encryption[i]);
        if (held.len == secret.len && bytes_equal_secret(held.data, secret.data, secret.len))
            return true;
    }
    return false;
}

enum err brand_value_add_encryption_key(struct brand_value *value, struct span secret,
                                        int64_t now_ms, struct err_info *info)
{
    ASSERT(secret.len <= RSA_SECRET_BYTES_MAX);
    if (is_held(value, secret)) {
        err_info_set(info, "the brand has that key already");
        return ERR_EXISTS;
    }
    if (value->encryption_held == BRAND_ENCRYPTION_KEYS_MAX) {
        err_info_set(info, "the brand has four encryption keys, and no more can be; retire one "
                           "that no app uses any more");
        return ERR_INVALID;
    }
    uint32_t number = newest_number(value);
    if (number == UINT32_MAX) {
        err_info_set(info, "encryption key: its numbers are used up");
        return ERR_INVALID;
    }
    struct encryption_secret *added = &value->encryption[value->encryption_held++];
    added->number = number + 1;
    added->created_at_ms = now_ms;
    added->len = (uint16_t)secret.len;
    memcpy(added->bytes, secret.data, secret.len);
    return ERR_OK;
}

enum err brand_value_drop_encryption_key(struct brand_value *value, uint32_t number,
                                         struct err_info *info)
{
    size_t index = 0;
    while (index < value->encryption_held && value->encryption[index].number != number)
        index++;
    if (index == value->encryption_held) {
        err_info_set(info, "there is no encryption key %u", number);
        return ERR_NOT_FOUND;
    }
    struct encryption_secret *at = &value->encryption[index];
    value->encryption_held--;
    memmove(at, at + 1, (value->encryption_held - index) * sizeof *at);
    wipe(&value->encryption[value->encryption_held], sizeof *at);
    return ERR_OK;
}

static void put_big_endian(struct strbuf *out, uint64_t number, unsigned bytes)
{
    for (unsigned i = bytes; i > 0; i--)
        strbuf_put_byte(out, (uint8_t)(number >> 8 * (i - 1)));
}

static struct span associated_data(uint64_t id, uint32_t number, uint8_t *storage)
{
    struct strbuf out = strbuf_over(storage, ASSOCIATED_BYTES);
    strbuf_put_byte(&out, 'E');
    put_big_endian(&out, id, 8);
    put_big_endian(&out, number, 4);
    ASSERT(!out.is_overflowed);
    return strbuf_span(&out);
}

static void put_key(uint64_t brand_id, const struct encryption_secret *secret,
                    const struct key *wrap_key, const struct entropy *entropy, struct strbuf *out)
{
    uint8_t associated[ASSOCIATED_BYTES];
    uint8_t sealed[SEALED_BYTES_MAX];
    seal_bytes(wrap_key, entropy, associated_data(brand_id, secret->number, associated),
               secret_of(secret), sealed);
    strbuf_put_text(out, "{\"id\":");
    strbuf_put_u64(out, secret->number);
    strbuf_put_text(out, ",\"createdAt\":");
    strbuf_put_i64(out, secret->created_at_ms);
    strbuf_put_text(out, ",\"sealed\":\"");
    strbuf_put_base64url(out, span_make(sealed, secret->len + SEAL_OVERHEAD_BYTES));
    strbuf_put_text(out, "\"}");
}

void encryption_keys_put(const struct brand_value *value, const struct key *wrap_key,
                         const struct entropy *entropy, struct strbuf *out)
{
    if (value->encryption_held == 0)
        return;
    strbuf_put_text(out, ",\"encryptionKeys\":[");
    for (size_t i = 0; i < value->encryption_held; i++) {
        strbuf_put_text(out, i > 0 ? "," : "");
        put_key(value->id, &value->encryption[i], wrap_key, entropy, out);
    }
    strbuf_put_byte(out, ']');
}

static enum err damaged(struct err_info *info, const char *what)
{
    err_info_set(info, "the stored value is damaged: %s", what);
    return ERR_INVALID;
}

static bool read_head(const json_t *entry, uint32_t previous, struct encryption_secret *out)
{
    const json_t *created_at = json_object_get(entry, "createdAt");
    json_int_t number = json_integer_value(json_object_get(entry, "id"));
    if (json_object_size(entry) != 3 || number <= previous || number > UINT32_MAX)
        return false;
    out->number = (uint32_t)number;
    out->created_at_ms = json_integer_value(created_at);
    return out->created_at_ms > 0;
}

static enum err read_key(const json_t *entry, const struct key *wrap_key, struct brand_value *value,
                         struct err_info *info)
{
    uint8_t associated[ASSOCIATED_BYTES];
    uint8_t sealed[SEALED_BYTES_MAX];
    size_t len = 0;
    struct encryption_secret *secret = &value->encryption[value->encryption_held];
    if (!read_head(entry, newest_number(value), secret) ||
        !json_read_base64url(json_object_get(entry, "sealed"), sealed, sizeof sealed, &len))
        return damaged(info, "its encryption key cannot be read");
    if (!seal_open_bytes(wrap_key, associated_data(value->id, secret->number, associated),
                         span_make(sealed, len), secret->bytes))
        return damaged(info,
                       "its encryption key does not open; is this the key file it was made with?");
    secret->len = (uint16_t)(len - SEAL_OVERHEAD_BYTES);
    value->encryption_held++;
    return ERR_OK;
}

enum err encryption_keys_read(const json_t *list, const struct key *wrap_key,
                              struct brand_value *value, struct err_info *info)
{
    size_t count = json_array_size(list);
    if (list == NULL)
        return ERR_OK;
    if (count < 1 || count > BRAND_ENCRYPTION_KEYS_MAX)
        return damaged(info, "not one to four encryption keys");
    for (size_t i = 0; i < count; i++) {
        enum err err = read_key(json_array_get(list, i), wrap_key, value, info);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

enum err encryption_key_put_pem(const struct encryption_key *key, struct strbuf *out)
{
    return rsa_key_put_public_pem(key->rsa, out);
}

enum err encryption_key_put_base64(const struct encryption_key *key, struct strbuf *out)
{
    uint8_t storage[RSA_PUBLIC_DER_BYTES_MAX];
    struct strbuf der = strbuf_over(storage, sizeof storage);
    enum err err = rsa_key_put_public_der(key->rsa, &der);
    if (err == ERR_OK)
        base64_put(out, strbuf_span(&der));
    return err;
}

// Android's Base64.DEFAULT breaks lines.
bool hash_read_base64(struct span text, uint8_t out[RSA_KEY_BYTES_MAX], size_t *len_out)
{
    uint8_t storage[HASH_TEXT_BYTES_MAX];
    struct strbuf joined = strbuf_over(storage, sizeof storage);
    for (size_t i = 0; i < text.len && !joined.is_overflowed; i++) {
        if (text.data[i] != '\n' && text.data[i] != '\r')
            strbuf_put_byte(&joined, text.data[i]);
    }
    return !joined.is_overflowed &&
           base64_take(strbuf_span(&joined), out, RSA_KEY_BYTES_MAX, len_out);
}

void hash_put_base64(struct span bytes, struct strbuf *out)
{
    base64_put(out, bytes);
}
