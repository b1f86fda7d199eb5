// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "crypto/pure/code.h"

#include "base/assert.h"
#include "crypto/pure/uniform.h"

#define WORDS 8U

_Static_assert(CODE_DIGITS_MAX <= UNIFORM_DIGITS_MAX, "a word is enough for a code");

static void digits_write(uint64_t number, struct code *out)
{
    for (size_t i = out->length; i > 0; i--) {
        out->digits[i - 1] = (uint8_t)('0' + number % 10);
        number /= 10;
    }
}

void code_derive(const struct key *code_key, const struct code_source *source, uint8_t length,
                 struct code *out)
{
    ASSERT(length >= CODE_DIGITS_MIN);
    ASSERT(length <= CODE_DIGITS_MAX);
    struct mac_message message;
    mac_message_init(&message);
    mac_message_put(&message, span_make(source->record_key.bytes, sizeof source->record_key.bytes));
    mac_message_put(&message, span_make(source->session.bytes, sizeof source->session.bytes));
    mac_message_put_u64(&message, source->salt);
    uint64_t words[WORDS];
    mac_compute(code_key, MAC_CODE, &message, (uint8_t *)words, sizeof words);
    uint64_t number = 0;
    bool is_found = uniform_number(words, WORDS, length, &number);
    ASSERT(is_found); // else: a chance below 2^-240
    *out = (struct code){.length = length};
    digits_write(number, out);
    wipe(words, sizeof words);
    wipe(&number, sizeof number);
}

bool code_matches(const struct code *code, struct span guess)
{
    // A length is no secret: it is a setting of the brand.
    if (guess.len != code->length)
        return false;
    return bytes_equal_secret(code->digits, guess.data, guess.len);
}

void code_render(const struct code *code, struct message *message)
{
    message_put(message, span_make(code->digits, code->length));
}

void code_wipe(struct code *code)
{
    wipe(code, sizeof *code);
}
