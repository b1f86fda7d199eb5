// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// OpenSSL does the arithmetic, with its blinding and in constant time; what becomes of the block
// is ours (pkcs1.c, oaep.c), since 3.0 reports a bad padding.
//
// Whatever a key is made from, all of it is derived anew from exponent and primes: what a file says
// besides of itself need not be believed. OpenSSL's queue of errors belongs to the thread, and is
// left empty.
#include "crypto/rsa/unpad.h"

#include "base/assert.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdlib.h>

#define EXPONENT_BYTES 4U
#define SECRET_HEAD_BYTES (EXPONENT_BYTES + 2U) // and the first prime's length
#define USUAL_EXPONENT 65537U
#define EXPONENT_BITS_MAX 32

struct rsa_key {
    EVP_PKEY *pkey;
    size_t bytes;
    uint8_t rejection_key[REJECTION_KEY_BYTES];
    size_t secret_len;
    uint8_t secret[RSA_SECRET_BYTES_MAX];
};

// The numbers that a private key has (RFC 8017 section 3.2).
struct numbers {
    BN_CTX *ctx;
    BIGNUM *e, *p, *q;
    BIGNUM *n, *d, *dp, *dq, *qinv;
    BIGNUM *p1, *q1, *gcd, *lambda; // p − 1, q − 1, and what d is the inverse in
};

static void numbers_fini(struct numbers *numbers)
{
    BIGNUM *const all[] = {numbers->e,  numbers->p,  numbers->q,   numbers->n,
                           numbers->d,  numbers->dp, numbers->dq,  numbers->qinv,
                           numbers->p1, numbers->q1, numbers->gcd, numbers->lambda};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        BN_clear_free(all[i]);
    BN_CTX_free(numbers->ctx);
    *numbers = (struct numbers){0};
}

static BIGNUM *new_secret(void)
{
    BIGNUM *number = BN_new();
    if (number != NULL)
        BN_set_flags(number, BN_FLG_CONSTTIME);
    return number;
}

static bool numbers_init(struct numbers *numbers)
{
    *numbers = (struct numbers){.ctx = BN_CTX_new(), .e = BN_new(), .n = BN_new()};
    BIGNUM **const secrets[] = {&numbers->p,   &numbers->q,     &numbers->d,  &numbers->dp,
                                &numbers->dq,  &numbers->p1,    &numbers->q1, &numbers->qinv,
                                &numbers->gcd, &numbers->lambda};
    bool is_whole = numbers->ctx != NULL && numbers->e != NULL && numbers->n != NULL;
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        *secrets[i] = new_secret();
        is_whole = is_whole && *secrets[i] != NULL;
    }
    return is_whole;
}

// All that follows from e, p and q. False also when they are no key's.
static bool derive(struct numbers *x)
{
    return BN_mul(x->n, x->p, x->q, x->ctx) == 1 && BN_sub(x->p1, x->p, BN_value_one()) == 1 &&
           BN_sub(x->q1, x->q, BN_value_one()) == 1 && BN_gcd(x->gcd, x->p1, x->q1, x->ctx) == 1 &&
           BN_mul(x->d, x->p1, x->q1, x->ctx) == 1 && // no d yet, but room
           BN_div(x->lambda, NULL, x->d, x->gcd, x->ctx) == 1 &&
           BN_mod_inverse(x->d, x->e, x->lambda, x->ctx) != NULL &&
           BN_mod(x->dp, x->d, x->p1, x->ctx) == 1 && BN_mod(x->dq, x->d, x->q1, x->ctx) == 1 &&
           BN_mod_inverse(x->qinv, x->q, x->p, x->ctx) != NULL;
}

static bool push_all(OSSL_PARAM_BLD *builder, const struct numbers *x)
{
    const struct {
        const char *name;
        const BIGNUM *number;
    } all[] = {
        {OSSL_PKEY_PARAM_RSA_N, x->n},          {OSSL_PKEY_PARAM_RSA_E, x->e},
        {OSSL_PKEY_PARAM_RSA_D, x->d},          {OSSL_PKEY_PARAM_RSA_FACTOR1, x->p},
        {OSSL_PKEY_PARAM_RSA_FACTOR2, x->q},    {OSSL_PKEY_PARAM_RSA_EXPONENT1, x->dp},
        {OSSL_PKEY_PARAM_RSA_EXPONENT2, x->dq}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, x->qinv},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (OSSL_PARAM_BLD_push_BN(builder, all[i].name, all[i].number) != 1)
            return false;
    }
    return true;
}

static EVP_PKEY *pkey_of(const struct numbers *numbers)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (builder != NULL && ctx != NULL && push_all(builder, numbers))
        params = OSSL_PARAM_BLD_to_param(builder);
    if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static void init_rejection(struct rsa_key *key, const struct numbers *numbers)
{
    uint8_t exponent[RSA_KEY_BYTES_MAX];
    int len = BN_bn2binpad(numbers->d, exponent, (int)key->bytes);
    ASSERT(len == (int)key->bytes);
    rejection_key_init(key->rejection_key, span_make(exponent, key->bytes));
    explicit_bzero(exponent, sizeof exponent);
}

static void put_number(const BIGNUM *number, size_t len, struct strbuf *out)
{
    uint8_t *at = strbuf_reserve(out, len);
    ASSERT(at != NULL);
    int written = BN_bn2binpad(number, at, (int)len);
    ASSERT(written == (int)len);
}

static void init_secret(struct rsa_key *key, const struct numbers *numbers)
{
    struct strbuf secret = strbuf_over(key->secret, sizeof key->secret);
    size_t first = (size_t)BN_num_bytes(numbers->p);
    put_number(numbers->e, EXPONENT_BYTES, &secret);
    strbuf_put_byte(&secret, (uint8_t)(first >> 8));
    strbuf_put_byte(&secret, (uint8_t)first);
    put_number(numbers->p, first, &secret);
    put_number(numbers->q, (size_t)BN_num_bytes(numbers->q), &secret);
    ASSERT(!secret.is_overflowed);
    key->secret_len = secret.len;
}

// The key of e, p and q, which are within their bounds.
static enum err make_key(struct numbers *numbers, struct rsa_key **out)
{
    if (!derive(numbers))
        return ERR_INVALID;
    unsigned bits = (unsigned)BN_num_bits(numbers->n);
    if (bits < RSA_KEY_BITS_MIN || bits > RSA_KEY_BITS_MAX || bits % 8 != 0)
        return ERR_INVALID;
    struct rsa_key *key = calloc(1, sizeof *key);
    if (key == NULL)
        return ERR_NO_MEMORY;
    key->bytes = bits / 8;
    key->pkey = pkey_of(numbers);
    if (key->pkey == NULL) {
        free(key);
        return ERR_NO_MEMORY;
    }
    init_rejection(key, numbers);
    init_secret(key, numbers);
    *out = key;
    return ERR_OK;
}

void rsa_key_destroy(struct rsa_key **key)
{
    if (*key == NULL)
        return;
    EVP_PKEY_free((*key)->pkey);
    explicit_bzero(*key, sizeof **key);
    free(*key);
    *key = NULL;
}

// e, p and q of OpenSSL's key, and n, for what is derived to be compared with.
static bool read_numbers(const EVP_PKEY *pkey, struct numbers *x)
{
    return EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &x->e) == 1 &&
           EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1, &x->p) == 1 &&
           EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2, &x->q) == 1 &&
           EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &x->n) == 1;
}

static enum err key_of_pkey(const EVP_PKEY *pkey, struct rsa_key **out)
{
    struct numbers numbers;
    enum err err = ERR_NO_MEMORY;
    if (numbers_init(&numbers) && read_numbers(pkey, &numbers))
        err = make_key(&numbers, out);
    numbers_fini(&numbers);
    ERR_clear_error();
    return err;
}

static bool generate(EVP_PKEY_CTX *ctx, BIGNUM *exponent, unsigned bits, EVP_PKEY **out)
{
    return BN_set_word(exponent, USUAL_EXPONENT) == 1 && EVP_PKEY_keygen_init(ctx) == 1 &&
           EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1 &&
           EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, exponent) == 1 &&
           EVP_PKEY_generate(ctx, out) == 1;
}

enum err rsa_key_generate(unsigned bits, struct rsa_key **out)
{
    ASSERT(bits >= RSA_KEY_BITS_MIN);
    ASSERT(bits <= RSA_KEY_BITS_MAX);
    ASSERT(bits % 256 == 0);
    EVP_PKEY *pkey = NULL;
    enum err err = ERR_NO_MEMORY;
    BIGNUM *exponent = BN_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (ctx != NULL && exponent != NULL && generate(ctx, exponent, bits, &pkey))
        err = key_of_pkey(pkey, out);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(ctx);
    BN_free(exponent);
    ERR_clear_error();
    return err;
}

// No passphrase is ever asked for at a terminal.
static int refuse_passphrase(char *buf, int size, int is_for_writing, void *was_asked)
{
    (void)buf;
    (void)size;
    (void)is_for_writing;
    *(bool *)was_asked = true;
    return -1;
}

static EVP_PKEY *parse(struct span text, bool *was_asked_out)
{
    const uint8_t *at = text.data;
    if (text.len > 0 && text.data[0] == 0x30) // DER's SEQUENCE
        return d2i_AutoPrivateKey(NULL, &at, (long)text.len);
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
    if (bio == NULL)
        return NULL;
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, was_asked_out);
    BIO_free(bio);
    return pkey;
}

static enum err refuse(struct err_info *info, const char *why)
{
    err_info_set(info, "the private key: %s", why);
    return ERR_INVALID;
}

static bool has_third_prime(const EVP_PKEY *pkey)
{
    BIGNUM *third = NULL;
    bool has_third = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR3, &third) == 1;
    BN_clear_free(third);
    return has_third;
}

static const char *fault_of_numbers(const struct numbers *x)
{
    BIGNUM *product = new_secret();
    bool is_product =
        product != NULL && BN_mul(product, x->p, x->q, x->ctx) == 1 && BN_cmp(product, x->n) == 0;
    BN_clear_free(product);
    if (BN_num_bits(x->e) > EXPONENT_BITS_MAX || BN_is_odd(x->e) == 0 || BN_is_one(x->e) == 1)
        return "its public exponent is not an odd number from 3 to 4294967295";
    if (!is_product || BN_cmp(x->p, x->q) == 0)
        return "its primes are not those of its modulus";
    if (BN_check_prime(x->p, x->ctx, NULL) != 1 || BN_check_prime(x->q, x->ctx, NULL) != 1)
        return "its primes are none";
    return NULL;
}

static enum err import_numbers(const EVP_PKEY *pkey, struct rsa_key **out, struct err_info *info)
{
    struct numbers numbers;
    if (!numbers_init(&numbers)) {
        numbers_fini(&numbers);
        err_info_set(info, "%s", err_text(ERR_NO_MEMORY));
        return ERR_NO_MEMORY;
    }
    bool is_whole = read_numbers(pkey, &numbers);
    const char *fault = is_whole ? fault_of_numbers(&numbers) : "it has no primes";
    enum err err = fault == NULL ? make_key(&numbers, out) : ERR_INVALID;
    numbers_fini(&numbers);
    if (err == ERR_NO_MEMORY)
        err_info_set(info, "%s", err_text(err));
    if (err != ERR_INVALID)
        return err;
    return refuse(info, fault != NULL ? fault : "its numbers are no key's");
}

static enum err import(const EVP_PKEY *pkey, bool was_asked, struct rsa_key **out,
                       struct err_info *info)
{
    if (was_asked)
        return refuse(info,
                      "it has a passphrase; take it off first: openssl pkey -in OLD -out NEW");
    if (pkey == NULL)
        return refuse(info, "it is no private key in PEM or DER");
    if (EVP_PKEY_is_a(pkey, "RSA") != 1)
        return refuse(info, "it is no RSA key");
    unsigned bits = (unsigned)EVP_PKEY_get_bits(pkey);
    if (bits < RSA_KEY_BITS_MIN || bits > RSA_KEY_BITS_MAX || bits % 8 != 0)
        return refuse(info, "it does not have 2048 to 4096 bits, a multiple of 8");
    if (has_third_prime(pkey))
        return refuse(info, "it has more than two primes");
    return import_numbers(pkey, out, info);
}

enum err rsa_key_import(struct span text, struct rsa_key **out, struct err_info *info)
{
    bool was_asked = false;
    EVP_PKEY *pkey = text.len <= RSA_IMPORT_BYTES_MAX ? parse(text, &was_asked) : NULL;
    enum err err = import(pkey, was_asked, out, info);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return err;
}

static bool open_numbers(struct span secret, struct numbers *x)
{
    if (secret.len < SECRET_HEAD_BYTES)
        return false;
    size_t first = (size_t)(secret.data[EXPONENT_BYTES] << 8 | secret.data[EXPONENT_BYTES + 1]);
    struct span primes = span_from(secret, SECRET_HEAD_BYTES);
    if (first > primes.len)
        return false;
    struct span second = span_from(primes, first);
    return BN_bin2bn(secret.data, EXPONENT_BYTES, x->e) != NULL &&
           BN_bin2bn(primes.data, (int)first, x->p) != NULL &&
           BN_bin2bn(second.data, (int)second.len, x->q) != NULL;
}

enum err rsa_key_open(struct span secret, struct rsa_key **out)
{
    struct numbers numbers;
    enum err err = ERR_NO_MEMORY;
    if (secret.len > RSA_SECRET_BYTES_MAX)
        return ERR_INVALID;
    if (numbers_init(&numbers))
        err = open_numbers(secret, &numbers) ? make_key(&numbers, out) : ERR_INVALID;
    numbers_fini(&numbers);
    ERR_clear_error();
    return err;
}

unsigned rsa_key_bits(const struct rsa_key *key)
{
    return (unsigned)key->bytes * 8U;
}

size_t rsa_key_bytes(const struct rsa_key *key)
{
    return key->bytes;
}

bool rsa_key_is_same(const struct rsa_key *a, const struct rsa_key *b)
{
    return EVP_PKEY_eq(a->pkey, b->pkey) == 1;
}

void rsa_key_put_secret(const struct rsa_key *key, struct strbuf *out)
{
    strbuf_put(out, span_make(key->secret, key->secret_len));
}

typedef int writer(BIO *bio, const EVP_PKEY *pkey);

static int write_private_pem(BIO *bio, const EVP_PKEY *pkey)
{
    return PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL);
}

static enum err put_written(const struct rsa_key *key, writer *write, struct strbuf *out)
{
    const uint8_t *data = NULL;
    BIO *bio = BIO_new(BIO_s_secmem());
    if (bio == NULL)
        return ERR_NO_MEMORY;
    long len = write(bio, key->pkey) == 1 ? BIO_get_mem_data(bio, &data) : 0;
    if (len > 0)
        strbuf_put(out, span_make(data, (size_t)len));
    BIO_free(bio);
    ERR_clear_error();
    return len > 0 ? ERR_OK : ERR_NO_MEMORY;
}

enum err rsa_key_put_public_der(const struct rsa_key *key, struct strbuf *out)
{
    return put_written(key, i2d_PUBKEY_bio, out);
}

enum err rsa_key_put_public_pem(const struct rsa_key *key, struct strbuf *out)
{
    return put_written(key, PEM_write_bio_PUBKEY, out);
}

enum err rsa_key_put_private_pem(const struct rsa_key *key, struct strbuf *out)
{
    return put_written(key, write_private_pem, out);
}

// RFC 8017 section 5.1.2.
static bool use_private_key(const struct rsa_key *key, struct span cipher, uint8_t *block)
{
    size_t len = key->bytes;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    bool is_done = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
                   EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
                   EVP_PKEY_decrypt(ctx, block, &len, cipher.data, cipher.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return is_done && len == key->bytes;
}

void rsa_decrypt(const struct rsa_key *key, enum rsa_padding padding, struct span cipher,
                 struct rsa_message *out)
{
    uint8_t storage[RSA_KEY_BYTES_MAX];
    struct span block = span_make(storage, key->bytes);
    ASSERT(padding < RSA_PADDING_COUNT_);
    out->len = 0;
    if (cipher.len != key->bytes || !use_private_key(key, cipher, storage))
        return;
    if (padding == RSA_PADDING_PKCS1)
        pkcs1_unpad(key->rejection_key, cipher, block, out);
    else
        oaep_unpad(block, out);
    explicit_bzero(storage, sizeof storage);
}
