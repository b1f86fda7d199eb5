// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/rsa/rsa.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define MESSAGE SPAN("{\"brand\":\"DocDemo\"}")

// What somebody else encrypts with. Made once: a key takes its time.
struct shared {
    struct rsa_key *key;
    struct rsa_key *other;
    EVP_PKEY *public;
};

static EVP_PKEY *public_of(const struct rsa_key *key)
{
    uint8_t storage[RSA_PUBLIC_DER_BYTES_MAX];
    struct strbuf der = strbuf_over(storage, sizeof storage);
    assert_int_equal(rsa_key_put_public_der(key, &der), ERR_OK);
    const uint8_t *at = storage;
    EVP_PKEY *public = d2i_PUBKEY(NULL, &at, (long)der.len);
    assert_non_null(public);
    assert_ptr_equal(at, storage + der.len);
    return public;
}

static int set_up(void **state)
{
    struct shared *shared = calloc(1, sizeof *shared);
    assert_non_null(shared);
    assert_int_equal(rsa_key_generate(2048, &shared->key), ERR_OK);
    assert_int_equal(rsa_key_generate(2048, &shared->other), ERR_OK);
    shared->public = public_of(shared->key);
    *state = shared;
    return 0;
}

static int tear_down(void **state)
{
    struct shared *shared = *state;
    rsa_key_destroy(&shared->key);
    rsa_key_destroy(&shared->other);
    EVP_PKEY_free(shared->public);
    free(shared);
    return 0;
}

struct way {
    const char *name;
    int padding;
    const EVP_MD *(*oaep)(void);
    const EVP_MD *(*mgf1)(void);
};

static const struct way ways[] = {
    {"PKCS#1", RSA_PKCS1_PADDING, NULL, NULL},
    {"OAEP, MGF1 with SHA-256", RSA_PKCS1_OAEP_PADDING, EVP_sha256, EVP_sha256},
    {"OAEP, MGF1 with SHA-1", RSA_PKCS1_OAEP_PADDING, EVP_sha256, EVP_sha1},
};

static enum rsa_padding padding_of(const struct way *way)
{
    return way->oaep == NULL ? RSA_PADDING_PKCS1 : RSA_PADDING_OAEP;
}

static size_t encrypt(EVP_PKEY *public, const struct way *way, struct span message, uint8_t *out)
{
    size_t len = RSA_KEY_BYTES_MAX;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, public, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, way->padding), 1);
    if (way->oaep != NULL) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, way->oaep()), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, way->mgf1()), 1);
    }
    assert_int_equal(EVP_PKEY_encrypt(ctx, out, &len, message.data, message.len), 1);
    EVP_PKEY_CTX_free(ctx);
    return len;
}

static void assert_round_trip(const struct rsa_key *key, EVP_PKEY *public, const struct way *way,
                              struct span message)
{
    uint8_t cipher[RSA_KEY_BYTES_MAX];
    struct rsa_message opened;
    size_t len = encrypt(public, way, message, cipher);
    rsa_decrypt(key, padding_of(way), span_make(cipher, len), &opened);
    if (!span_eq(span_make(opened.bytes, opened.len), message))
        fail_msg("%s: another message", way->name);
}

static void test_each_padding_opens(void **state)
{
    struct shared *shared = *state;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        assert_round_trip(shared->key, shared->public, &ways[i], MESSAGE);
        assert_round_trip(shared->key, shared->public, &ways[i], SPAN(""));
    }
}

static void test_the_longest_messages_open(void **state)
{
    struct shared *shared = *state;
    uint8_t bytes[245];
    memset(bytes, 0, sizeof bytes);
    assert_round_trip(shared->key, shared->public, &ways[0], span_make(bytes, 245));
    assert_round_trip(shared->key, shared->public, &ways[1], span_make(bytes, 190));
    assert_round_trip(shared->key, shared->public, &ways[2], span_make(bytes, 190));
}

static void test_keys_of_other_lengths(void **state)
{
    struct rsa_key *key = NULL;
    (void)state;
    assert_int_equal(rsa_key_generate(3072, &key), ERR_OK);
    assert_int_equal(rsa_key_bits(key), 3072);
    assert_int_equal(rsa_key_bytes(key), 384);
    EVP_PKEY *public = public_of(key);
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        assert_round_trip(key, public, &ways[i], MESSAGE);
    EVP_PKEY_free(public);
    rsa_key_destroy(&key);
    rsa_key_destroy(&key);
}

static void test_the_wrong_padding_opens_nothing(void **state)
{
    struct shared *shared = *state;
    uint8_t cipher[RSA_KEY_BYTES_MAX];
    struct rsa_message opened;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        size_t len = encrypt(shared->public, &ways[i], MESSAGE, cipher);
        bool is_pkcs1 = ways[i].oaep == NULL;
        rsa_decrypt(shared->key, is_pkcs1 ? RSA_PADDING_OAEP : RSA_PADDING_PKCS1,
                    span_make(cipher, len), &opened);
        assert_false(span_eq(span_make(opened.bytes, opened.len), MESSAGE));
        assert_true(!is_pkcs1 || opened.len == 0);
    }
}

static void test_another_key_opens_nothing(void **state)
{
    struct shared *shared = *state;
    uint8_t cipher[RSA_KEY_BYTES_MAX];
    struct rsa_message opened;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        size_t len = encrypt(shared->public, &ways[i], MESSAGE, cipher);
        rsa_decrypt(shared->other, padding_of(&ways[i]), span_make(cipher, len), &opened);
        assert_false(span_eq(span_make(opened.bytes, opened.len), MESSAGE));
    }
}

static void test_oaep_with_a_changed_byte_opens_nothing(void **state)
{
    struct shared *shared = *state;
    uint8_t cipher[RSA_KEY_BYTES_MAX];
    struct rsa_message opened;
    size_t len = encrypt(shared->public, &ways[1], MESSAGE, cipher);
    for (size_t i = 1; i < len; i += 51) {
        cipher[i] ^= 0x10;
        rsa_decrypt(shared->key, RSA_PADDING_OAEP, span_make(cipher, len), &opened);
        assert_int_equal(opened.len, 0);
        cipher[i] ^= 0x10;
    }
}

static void test_another_label_opens_nothing(void **state)
{
    struct shared *shared = *state;
    uint8_t cipher[RSA_KEY_BYTES_MAX];
    size_t len = sizeof cipher;
    struct rsa_message opened;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, shared->public, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_strdup("label"), 5), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, cipher, &len, MESSAGE.data, MESSAGE.len), 1);
    rsa_decrypt(shared->key, RSA_PADDING_OAEP, span_make(cipher, len), &opened);
    assert_int_equal(opened.len, 0);
    EVP_PKEY_CTX_free(ctx);
}

static void test_cipher_texts_that_are_none(void **state)
{
    struct shared *shared = *state;
    uint8_t cipher[RSA_KEY_BYTES_MAX];
    struct rsa_message opened;
    memset(cipher, 0xFF, sizeof cipher);
    for (int padding = 0; padding < RSA_PADDING_COUNT_; padding++) {
        const size_t lengths[] = {0, 1, 255, 256, 257, 512}; // 256: above the modulus
        for (size_t i = 0; i < COUNT_OF(lengths); i++) {
            rsa_decrypt(shared->key, (enum rsa_padding)padding, span_make(cipher, lengths[i]),
                        &opened);
            assert_int_equal(opened.len, 0);
        }
    }
}

// A wrong padding gives a message, the same each time, another for another cipher text and key.
static void test_rejection_is_steady(void **state)
{
    struct shared *shared = *state;
    uint8_t cipher[256] = {0};
    struct rsa_message first;
    struct rsa_message again;
    size_t lengths[8] = {0};
    for (size_t i = 0; i < 200; i++) {
        cipher[200] = (uint8_t)i;
        cipher[201] = 1;
        rsa_decrypt(shared->key, RSA_PADDING_PKCS1, span_make(cipher, sizeof cipher), &first);
        rsa_decrypt(shared->key, RSA_PADDING_PKCS1, span_make(cipher, sizeof cipher), &again);
        assert_int_equal(first.len, again.len);
        assert_memory_equal(first.bytes, again.bytes, first.len);
        assert_true(first.len <= 245);
        lengths[first.len / 32]++;
    }
    for (size_t i = 0; i < COUNT_OF(lengths); i++)
        assert_true(lengths[i] > 5); // of about 25
}

static void put_pem(const struct rsa_key *key, struct strbuf *out)
{
    assert_int_equal(rsa_key_put_private_pem(key, out), ERR_OK);
}

static void test_a_key_survives_its_forms(void **state)
{
    struct shared *shared = *state;
    uint8_t secret_storage[RSA_SECRET_BYTES_MAX];
    uint8_t pem_storage[RSA_PRIVATE_PEM_BYTES_MAX];
    struct strbuf secret = strbuf_over(secret_storage, sizeof secret_storage);
    struct strbuf pem = strbuf_over(pem_storage, sizeof pem_storage);
    struct rsa_key *opened = NULL;
    struct rsa_key *imported = NULL;
    rsa_key_put_secret(shared->key, &secret);
    put_pem(shared->key, &pem);
    assert_int_equal(rsa_key_open(strbuf_span(&secret), &opened), ERR_OK);
    assert_int_equal(rsa_key_import(strbuf_span(&pem), &imported, NULL), ERR_OK);
    assert_true(rsa_key_is_same(shared->key, opened));
    assert_true(rsa_key_is_same(shared->key, imported));
    assert_false(rsa_key_is_same(shared->key, shared->other));
    assert_round_trip(opened, shared->public, &ways[0], MESSAGE);
    assert_round_trip(imported, shared->public, &ways[1], MESSAGE);
    rsa_key_destroy(&opened);
    rsa_key_destroy(&imported);
}

static void test_public_forms(void **state)
{
    struct shared *shared = *state;
    uint8_t storage[RSA_PUBLIC_PEM_BYTES_MAX];
    struct strbuf pem = strbuf_over(storage, sizeof storage);
    struct strbuf none = strbuf_over(storage, 0);
    assert_int_equal(rsa_key_put_public_pem(shared->key, &pem), ERR_OK);
    assert_true(span_starts_with(strbuf_span(&pem), SPAN("-----BEGIN PUBLIC KEY-----\n")));
    assert_int_equal(rsa_key_put_public_pem(shared->key, &none), ERR_OK);
    assert_true(none.is_overflowed);
}

static void assert_import_refused(struct span text, const char *why)
{
    struct rsa_key *key = NULL;
    struct err_info info = {""};
    assert_int_equal(rsa_key_import(text, &key, &info), ERR_INVALID);
    assert_null(key);
    if (strstr(info.text, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", info.text, why);
}

static void assert_generated_refused(const char *type, int bits, const char *why)
{
    EVP_PKEY *pkey = NULL;
    char *data = NULL;
    if (strcmp(type, "EC") == 0)
        pkey = EVP_EC_gen("P-256");
    else
        pkey = EVP_RSA_gen((unsigned)bits);
    assert_non_null(pkey);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    long len = BIO_get_mem_data(bio, &data);
    assert_import_refused(span_make(data, (size_t)len), why);
    BIO_free(bio);
    EVP_PKEY_free(pkey);
}

static void test_what_is_no_key_is_refused(void **state)
{
    (void)state;
    assert_import_refused(SPAN(""), "no private key");
    assert_import_refused(SPAN("hello"), "no private key");
    assert_import_refused(SPAN("0\x03\x02\x01\x01"), "no private key");
    assert_import_refused(SPAN("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
                          "no private key");
    assert_generated_refused("RSA", 1024, "2048 to 4096 bits");
    assert_generated_refused("EC", 0, "no RSA key");
}

static void test_a_passphrase_is_refused(void **state)
{
    struct shared *shared = *state;
    uint8_t storage[RSA_PRIVATE_PEM_BYTES_MAX];
    struct strbuf pem = strbuf_over(storage, sizeof storage);
    char *data = NULL;
    char word[] = "secret";
    put_pem(shared->key, &pem);
    BIO *in = BIO_new_mem_buf(storage, (int)pem.len);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    BIO *out = BIO_new(BIO_s_mem());
    assert_int_equal(
        PEM_write_bio_PrivateKey(out, pkey, EVP_aes_128_cbc(), (uint8_t *)word, 6, NULL, NULL), 1);
    long len = BIO_get_mem_data(out, &data);
    assert_import_refused(span_make(data, (size_t)len), "passphrase");
    BIO_free(in);
    BIO_free(out);
    EVP_PKEY_free(pkey);
}

static void test_damaged_secrets_are_refused(void **state)
{
    struct shared *shared = *state;
    uint8_t storage[RSA_SECRET_BYTES_MAX + 1];
    struct strbuf secret = strbuf_over(storage, sizeof storage);
    struct rsa_key *key = NULL;
    rsa_key_put_secret(shared->key, &secret);
    const size_t lengths[] = {0, 5, 6, 100, RSA_SECRET_BYTES_MAX + 1};
    for (size_t i = 0; i < COUNT_OF(lengths); i++)
        assert_int_equal(rsa_key_open(span_make(storage, lengths[i]), &key), ERR_INVALID);
    storage[4] = 0xFF; // a first prime longer than all of it
    assert_int_equal(rsa_key_open(strbuf_span(&secret), &key), ERR_INVALID);
    memset(storage, 0, sizeof storage);
    assert_int_equal(rsa_key_open(strbuf_span(&secret), &key), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_padding_opens),
        cmocka_unit_test(test_the_longest_messages_open),
        cmocka_unit_test(test_keys_of_other_lengths),
        cmocka_unit_test(test_the_wrong_padding_opens_nothing),
        cmocka_unit_test(test_another_key_opens_nothing),
        cmocka_unit_test(test_oaep_with_a_changed_byte_opens_nothing),
        cmocka_unit_test(test_another_label_opens_nothing),
        cmocka_unit_test(test_cipher_texts_that_are_none),
        cmocka_unit_test(test_rejection_is_steady),
        cmocka_unit_test(test_a_key_survives_its_forms),
        cmocka_unit_test(test_public_forms),
        cmocka_unit_test(test_what_is_no_key_is_refused),
        cmocka_unit_test(test_a_passphrase_is_refused),
        cmocka_unit_test(test_damaged_secrets_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
