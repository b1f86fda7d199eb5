// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Vectors come from Python's hashlib.blake2b and from an implementation of SipHash of its own.
#include "crypto/pure/mac.h"
#include "crypto/pure/random.h"
#include "crypto/pure/test_help.h"

static struct hex mac_hex(unsigned key_first, enum mac_domain domain,
                          const struct mac_message *message, size_t len)
{
    struct key key = counting_key(key_first);
    uint8_t out[64];
    mac_compute(&key, domain, message, out, len);
    return hex_of(out, len);
}

static void known_macs(void **state)
{
    (void)state;
    struct mac_message message;
    mac_message_init(&message);
    assert_string_equal(mac_hex(0, MAC_RECORD_KEY, &message, 32).text,
                        "6ea07754b5acd09a1d9f2e56e581a1a408e9bafdaf156ad8acca023158f9760d");
    mac_message_put(&message, SPAN("ab"));
    mac_message_put(&message, SPAN("c"));
    mac_message_put_u64(&message, UINT64_C(0x0102030405060708));
    assert_string_equal(mac_hex(0, MAC_CODE, &message, 64).text,
                        "8b03169a67c428933555be2e6ce1c1df2e0d02c6c3808c976957445ad0e72f4a"
                        "9a2edcd2b0245fc83bf6b154fec309bddcee573c9824d354960d92366b9763e1");
}

static void a_long_field_has_a_long_length(void **state)
{
    (void)state;
    uint8_t field[300];
    for (size_t i = 0; i < sizeof field; i++)
        field[i] = (uint8_t)i;
    struct mac_message message;
    mac_message_init(&message);
    mac_message_put(&message, span_make(field, sizeof field));
    mac_message_put(&message, SPAN("z"));
    assert_string_equal(mac_hex(0, MAC_RECORD_KEY, &message, 16).text,
                        "756cec72ca32f1e81136fa535119da12");
}

static void known_derived_keys(void **state)
{
    (void)state;
    struct key root = counting_key(0);
    struct key derived;
    key_derive(&root, 1, 2, &derived);
    assert_string_equal(hex_of(derived.bytes, KEY_BYTES).text,
                        "4bf00a739c75aa80b17d7993d120d6a880ecf8243d6fe33d3b2b211d41a7c791");
    key_derive(&root, 255, UINT64_MAX, &derived);
    assert_string_equal(hex_of(derived.bytes, KEY_BYTES).text,
                        "43b6331bd93cbb67aafd1f7e29a6ed7b8534bc16826bc27fa20d2963a905fb00");
}

static uint64_t tag_of(const struct key *key, uint8_t domain, struct span message)
{
    struct short_key short_key;
    short_key_init(&short_key, key, domain);
    return short_tag64(&short_key, message);
}

static void known_short_tags(void **state)
{
    (void)state;
    struct key key = counting_key(0);
    struct span text = SPAN("example.com");
    assert_true(tag_of(&key, 1, SPAN("")) == UINT64_C(0x8fe69d3c60beca4d));
    assert_true(tag_of(&key, 1, text) == UINT64_C(0x894755887ebef692));
    assert_true(tag_of(&key, 2, text) == UINT64_C(0xf2c5f995fffe2531));
}

static void domains_keys_and_lengths_are_unrelated(void **state)
{
    (void)state;
    struct mac_message message;
    mac_message_init(&message);
    mac_message_put(&message, SPAN("same"));
    struct hex outputs[12];
    size_t count = 0;
    for (unsigned domain = MAC_RECORD_KEY; domain <= MAC_DERIVE; domain++)
        outputs[count++] = mac_hex(0, (enum mac_domain)domain, &message, 16);
    for (unsigned first = 1; first <= 5; first++)
        outputs[count++] = mac_hex(first, MAC_CODE, &message, 16);
    outputs[count] = mac_hex(0, MAC_CODE, &message, 17);
    outputs[count++].text[32] = '\0';
    outputs[count] = mac_hex(0, MAC_CODE, &message, 64);
    outputs[count++].text[32] = '\0';
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(outputs[i].text, outputs[j].text);
    }
}

static void fields_do_not_run_together(void **state)
{
    (void)state;
    struct mac_message split, whole, empty_first;
    mac_message_init(&split);
    mac_message_put(&split, SPAN("ab"));
    mac_message_put(&split, SPAN("c"));
    mac_message_init(&whole);
    mac_message_put(&whole, SPAN("a"));
    mac_message_put(&whole, SPAN("bc"));
    mac_message_init(&empty_first);
    mac_message_put(&empty_first, SPAN(""));
    mac_message_put(&empty_first, SPAN("abc"));
    struct hex a = mac_hex(0, MAC_CODE, &split, 16);
    struct hex b = mac_hex(0, MAC_CODE, &whole, 16);
    struct hex c = mac_hex(0, MAC_CODE, &empty_first, 16);
    assert_string_not_equal(a.text, b.text);
    assert_string_not_equal(a.text, c.text);
    assert_string_not_equal(b.text, c.text);
}

static void put_two_bytes_too_many(void)
{
    const uint8_t field[MAC_MESSAGE_BYTES_MAX - 1] = {0};
    struct mac_message message;
    mac_message_init(&message);
    mac_message_put(&message, span_make(field, sizeof field));
}

static void a_message_has_a_ceiling(void **state)
{
    (void)state;
    const uint8_t field[MAC_MESSAGE_BYTES_MAX - 2] = {0};
    struct mac_message message;
    mac_message_init(&message);
    mac_message_put(&message, span_make(field, sizeof field));
    assert_int_equal(message.len, MAC_MESSAGE_BYTES_MAX);
    assert_true(is_fatal(put_two_bytes_too_many));
}

static void equality_looks_at_every_byte(void **state)
{
    (void)state;
    uint8_t a[33] = {0};
    uint8_t b[33] = {0};
    assert_true(bytes_equal_secret(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] = 0x80;
        assert_false(bytes_equal_secret(a, b, sizeof a));
        assert_true(bytes_equal_secret(a, b, i));
        b[i] = 0;
    }
}

static void wipe_clears_what_it_is_told(void **state)
{
    (void)state;
    uint8_t secret[4] = {1, 2, 3, 4};
    wipe(secret, 3);
    assert_string_equal(hex_of(secret, sizeof secret).text, "00000004");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_macs),
        cmocka_unit_test(a_long_field_has_a_long_length),
        cmocka_unit_test(known_derived_keys),
        cmocka_unit_test(known_short_tags),
        cmocka_unit_test(domains_keys_and_lengths_are_unrelated),
        cmocka_unit_test(fields_do_not_run_together),
        cmocka_unit_test(a_message_has_a_ceiling),
        cmocka_unit_test(equality_looks_at_every_byte),
        cmocka_unit_test(wipe_clears_what_it_is_told),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests_name("mac", tests, NULL, NULL);
}
