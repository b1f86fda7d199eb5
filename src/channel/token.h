// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tokens of a provider that hands out a new pair whenever the last one is renewed: an access token
// for hours, and a refresh token that buys the next pair once.

#include "base/span.h"

#define TOKEN_BYTES_MAX 2048U

// Printable ASCII without spaces. Holds a secret: wipe it.
struct token_text {
    uint16_t len;
    uint8_t bytes[TOKEN_BYTES_MAX];
};

static inline struct span token_span(const struct token_text *text)
{
    return span_make(text->bytes, text->len);
}

// False: `token` is empty, too long, or has another character.
bool token_text_set(struct token_text *text, struct span token);

// Holds secrets: wipe it.
struct token_pair {
    struct token_text refresh; // empty: there is no pair
    struct token_text access;  // empty: it has to be fetched
    int64_t obtained_at_ms;
    int64_t access_ends_at_ms;
    int64_t refresh_ends_at_ms;
};

enum token_answer {
    TOKEN_GIVEN,
    TOKEN_SPENT,     // the refresh token was used already
    TOKEN_REFUSED,   // for another reason; the refresh token is as good as before
    TOKEN_LOST,      // no answer, or none that can be read: perhaps it was used
    TOKEN_NOT_ASKED, // not a byte has left
};

#define TOKEN_WORDS_BYTES_MAX 256U

// What the provider said to a request for a pair. Holds secrets: wipe it.
struct token_reply {
    enum token_answer answer;
    struct token_text access, refresh; // TOKEN_GIVEN; refresh empty: the old one goes on
    uint32_t seconds;                  // TOKEN_GIVEN: life of the access token
    uint16_t words_len;
    uint8_t words[TOKEN_WORDS_BYTES_MAX]; // the provider's, printable, without secrets
};

static inline struct span token_reply_words(const struct token_reply *reply)
{
    return span_make(reply->words, reply->words_len);
}
