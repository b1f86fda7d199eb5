// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// BLAKE2b takes the domain in its personalisation block, which is part of the initial state: hashes
// of two domains, or of two output lengths, are unrelated functions, and no domain needs a prefix
// in the message.
//
// SipHash has no such parameter. Its key for a domain is SipHash itself of the domain under the
// first half of the given key.
//
// A field is preceded by its length in two bytes, most significant first. Every list of fields thus
// reads back in one way only, so that ("ab", "c") and ("a", "bc") are different messages.
#include "crypto/pure/mac.h"

#include "base/assert.h"

#include <endian.h>
#include <sodium.h>

#define FIELD_PREFIX_BYTES 2U

// Tags, codes and rounds are read from a hash's bytes as numbers of the machine.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "all nodes read them alike");
_Static_assert(MAC_MESSAGE_BYTES_MAX <= UINT16_MAX, "a length fits its prefix");

void mac_message_init(struct mac_message *message)
{
    message->len = 0;
}

void mac_message_put(struct mac_message *message, struct span field)
{
    size_t room = MAC_MESSAGE_BYTES_MAX - message->len;
    ASSERT(room >= FIELD_PREFIX_BYTES);
    ASSERT(field.len <= room - FIELD_PREFIX_BYTES);
    uint8_t *at = message->bytes + message->len;
    at[0] = (uint8_t)(field.len >> 8);
    at[1] = (uint8_t)field.len;
    if (field.len > 0)
        memcpy(at + FIELD_PREFIX_BYTES, field.data, field.len);
    message->len += FIELD_PREFIX_BYTES + field.len;
}

void mac_message_put_u64(struct mac_message *message, uint64_t value)
{
    uint64_t big_endian = htobe64(value);
    mac_message_put(message, span_make(&big_endian, sizeof big_endian));
}

void mac_compute(const struct key *key, enum mac_domain domain, const struct mac_message *message,
                 uint8_t *out, size_t out_len)
{
    ASSERT(out_len >= 1);
    ASSERT(out_len <= crypto_generichash_blake2b_BYTES_MAX);
    const uint8_t personal[crypto_generichash_blake2b_PERSONALBYTES] = {'o', 't', 'p', 'd',
                                                                        (uint8_t)domain};
    int rc = crypto_generichash_blake2b_salt_personal(out, out_len, message->bytes, message->len,
                                                      key->bytes, KEY_BYTES, NULL, personal);
    ASSERT(rc == 0);
}

void key_derive(const struct key *root, uint8_t purpose, uint64_t n, struct key *out)
{
    struct mac_message message;
    mac_message_init(&message);
    mac_message_put(&message, span_make(&purpose, sizeof purpose));
    mac_message_put_u64(&message, n);
    mac_compute(root, MAC_DERIVE, &message, out->bytes, KEY_BYTES);
}

_Static_assert(SHORT_KEY_BYTES == crypto_shorthash_siphash24_KEYBYTES, "a key of SipHash");
_Static_assert(SHORT_KEY_BYTES == crypto_shorthash_siphashx24_KEYBYTES, "in both forms");
_Static_assert(SHORT_KEY_BYTES == crypto_shorthash_siphashx24_BYTES, "one hash is one key");

void short_key_init(struct short_key *out, const struct key *key, uint8_t domain)
{
    (void)crypto_shorthash_siphashx24(out->bytes, &domain, sizeof domain, key->bytes);
}

uint64_t short_tag64(const struct short_key *key, struct span message)
{
    uint64_t tag;
    _Static_assert(sizeof tag == crypto_shorthash_siphash24_BYTES, "the whole output");
    (void)crypto_shorthash_siphash24((uint8_t *)&tag, message.data, message.len, key->bytes);
    return tag;
}

bool bytes_equal_secret(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

void wipe(void *secret, size_t len)
{
    sodium_memzero(secret, len);
}
