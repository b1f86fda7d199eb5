// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "crypto/pure/hs256.h"
#include "crypto/pure/random.h"
#include "crypto/pure/test_help.h"

struct vector {
    struct span secret;
    struct span message;
    const char *signature;
};

#define X20 "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
#define X131 X20 X20 X20 X20 X20 X20 "\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa\xaa"
#define DD10 "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
#define CD10 "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"

// RFC 4231, sections 4.2 to 4.5, 4.7 and 4.8 (4.6 is of a cut signature).
static const struct vector vectors[] = {
    {SPAN("\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b"),
     SPAN("Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {SPAN("Jefe"), SPAN("what do ya want for nothing?"),
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {SPAN(X20), SPAN(DD10 DD10 DD10 DD10 DD10),
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {SPAN("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16"
          "\x17\x18\x19"),
     SPAN(CD10 CD10 CD10 CD10 CD10),
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {SPAN(X131), SPAN("Test Using Larger Than Block-Size Key - Hash Key First"),
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {SPAN(X131),
     SPAN("This is a test using a larger than block-size key and a larger than block-size data. "
          "The key needs to be hashed before being used by the HMAC algorithm."),
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static void rfc_4231(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct hs256_key key;
        uint8_t signature[HS256_BYTES];
        hs256_key_init(&key, vectors[i].secret);
        hs256_sign(&key, vectors[i].message, signature);
        assert_string_equal(hex_of(signature, sizeof signature).text, vectors[i].signature);
    }
}

static void a_key_signs_again_and_again(void **state)
{
    (void)state;
    struct hs256_key key;
    uint8_t signature[HS256_BYTES];
    hs256_key_init(&key, vectors[1].secret);
    for (int i = 0; i < 3; i++) {
        hs256_sign(&key, SPAN("something else in between"), signature);
        hs256_sign(&key, vectors[1].message, signature);
        assert_string_equal(hex_of(signature, sizeof signature).text, vectors[1].signature);
    }
}

static void a_wiped_key_is_gone(void **state)
{
    (void)state;
    struct hs256_key key;
    hs256_key_init(&key, SPAN("secret"));
    hs256_key_wipe(&key);
    const uint8_t *bytes = (const uint8_t *)&key;
    for (size_t i = 0; i < sizeof key; i++)
        assert_int_equal(bytes[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_4231),
        cmocka_unit_test(a_key_signs_again_and_again),
        cmocka_unit_test(a_wiped_key_is_gone),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests_name("hs256", tests, NULL, NULL);
}
