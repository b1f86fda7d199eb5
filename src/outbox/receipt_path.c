// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A token is opened by making it again: it has one spelling, so that there is nothing to decode but
// the handle.
#include "outbox/receipt_path.h"

#include <endian.h>

#define HANDLE_DIGITS 16U
#define HASH_BYTES 16U

_Static_assert(RECEIPT_TOKEN_BYTES == HANDLE_DIGITS + 2 * HASH_BYTES, "nothing stands between");

void receipt_path_put(const struct key *index_key, provider_tag provider, uint64_t handle,
                      struct strbuf *out)
{
    uint64_t big_endian = htobe64(handle);
    struct mac_message message;
    uint8_t hash[HASH_BYTES];
    mac_message_init(&message);
    mac_message_put_u64(&message, provider);
    mac_message_put_u64(&message, handle);
    mac_compute(index_key, MAC_RECEIPT, &message, hash, sizeof hash);
    strbuf_put_hex(out, span_make(&big_endian, sizeof big_endian));
    strbuf_put_hex(out, span_make(hash, sizeof hash));
}

static bool parse_digit(uint8_t byte, uint64_t *out)
{
    bool is_letter = byte >= 'a' && byte <= 'f';
    *out = is_letter ? byte - 'a' + 10U : byte - (uint64_t)'0';
    return is_letter || ascii_is_digit(byte);
}

static bool parse_handle(struct span digits, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        uint64_t digit;
        if (!parse_digit(digits.data[i], &digit))
            return false;
        value = value << 4 | digit;
    }
    *out = value;
    return true;
}

bool receipt_path_open(const struct key *index_key, provider_tag provider, struct span token,
                       uint64_t *handle_out)
{
    uint64_t handle;
    uint8_t room[RECEIPT_TOKEN_BYTES];
    struct strbuf expected = strbuf_over(room, sizeof room);
    if (token.len != RECEIPT_TOKEN_BYTES ||
        !parse_handle(span_first(token, HANDLE_DIGITS), &handle))
        return false;
    receipt_path_put(index_key, provider, handle, &expected);
    if (!bytes_equal_secret(expected.data, token.data, token.len))
        return false;
    *handle_out = handle;
    return true;
}
