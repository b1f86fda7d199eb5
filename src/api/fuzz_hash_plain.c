// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Any bytes as what a hash decrypts to: no crash, and what is right carries a time that is within
// the window and says all that the request does.
#include "api/hash_plain.h"
#include "base/assert.h"

#define NOW_MS INT64_C(1790000000000)
#define VALID_MS INT64_C(120000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_right(struct span plain, int64_t made_at_ms)
{
    ASSERT(made_at_ms <= NOW_MS + HASH_AHEAD_MS_MAX);
    ASSERT(made_at_ms >= NOW_MS - VALID_MS);
    ASSERT(plain.len > sizeof "{\"brand\":\"B\",\"sessionId\":\"S\",\"timeStamp\":1}");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct hash_window window = {NOW_MS, VALID_MS};
    const struct hash_claims wanted = {.members = {
                                           [HASH_MEMBER_BRAND] = SPAN("B"),
                                           [HASH_MEMBER_TYPE] = SPAN("EMAIL"),
                                           [HASH_MEMBER_VALUE] = SPAN("a@example.com"),
                                           [HASH_MEMBER_SESSION] = SPAN("S"),
                                       }};
    int64_t made_at_ms = 0;
    if (size > RSA_KEY_BYTES_MAX)
        return 0;
    struct json_parser *parser = json_parser_create();
    ASSERT(parser != NULL);
    struct span plain = span_make(data, size);
    enum hash_reason reason = hash_judge(parser, plain, &wanted, &window, &made_at_ms);
    ASSERT(reason <= HASH_RIGHT);
    if (reason == HASH_RIGHT)
        check_right(plain, made_at_ms);
    json_parser_destroy(&parser);
    return 0;
}
