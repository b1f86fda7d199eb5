// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Vectors of RFC 2202 and RFC 4231, and others of Python's hmac and hashlib.
#include "crypto/pure/foreign_hash.h"
#include "crypto/pure/test_help.h"

struct vector {
    enum foreign_hash hash;
    struct span key, message;
    const char *expected;
};

static const struct vector vectors[] = {
    {FOREIGN_HMAC_SHA1, SPAN("Jefe"), SPAN("what do ya want for nothing?"),
     "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
    {FOREIGN_HMAC_SHA256, SPAN("Jefe"), SPAN("what do ya want for nothing?"),
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {FOREIGN_MD5, SPAN("secret"), SPAN("&a=1&b=2"), "0c3ef6d3bbc60c8c0f3158ae13336710"},
    {FOREIGN_SHA256, SPAN("secret"), SPAN("app{}1"),
     "f3a98dc644730881f489592133730884ca412e7cc70fff13d081833913272eee"},
    {FOREIGN_MD5, SPAN(""), SPAN(""), "d41d8cd98f00b204e9800998ecf8427e"},
    {FOREIGN_HMAC_SHA1, SPAN(""), SPAN(""), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"},
};

#define VECTORS_COUNT (sizeof vectors / sizeof vectors[0])

static struct hex hash_of(const struct vector *vector, size_t first_len)
{
    struct foreign_hasher hasher;
    uint8_t out[FOREIGN_HASH_BYTES_MAX];
    foreign_hasher_init(&hasher, vector->hash, vector->key);
    foreign_hasher_put(&hasher, span_first(vector->message, first_len));
    foreign_hasher_put(&hasher, span_from(vector->message, first_len));
    size_t len = foreign_hasher_read(&hasher, out);
    return hex_of(out, len);
}

// In whichever pieces.
static void known_hashes(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS_COUNT; i++) {
        for (size_t len = 0; len <= vectors[i].message.len; len++)
            assert_string_equal(hash_of(&vectors[i], len).text, vectors[i].expected);
    }
}

static void nothing_of_the_key_stays(void **state)
{
    struct foreign_hasher hasher, zero;
    uint8_t out[FOREIGN_HASH_BYTES_MAX];
    (void)state;
    memset(&zero, 0, sizeof zero);
    for (size_t i = 0; i < VECTORS_COUNT; i++) {
        memset(&hasher, 0, sizeof hasher);
        foreign_hasher_init(&hasher, vectors[i].hash, vectors[i].key);
        foreign_hasher_read(&hasher, out);
        assert_memory_equal(&hasher, &zero, sizeof zero);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_hashes),
        cmocka_unit_test(nothing_of_the_key_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
