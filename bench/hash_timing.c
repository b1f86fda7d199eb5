// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Whether the time of a refusal tells what is wrong with a hash: `hash_timing [COUNT]` decrypts so
// many malformed cipher texts, of twelve classes for PKCS#1 v1.5 and of six for OAEP, in an order
// drawn at random, and judges each as the server does. For each class it prints Welch's t against
// the first; |t| of 4.5 or more is a difference. What is above the 95th percentile of all, where
// the machine did something else, is left out.

#include "api/hash_plain.h"
#include "base/assert.h"
#include "base/env.h"
#include "base/number.h"
#include "crypto/pure/random.h"

#include <nettle/nettle-meta.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define KEY_BYTES_USED 256U
#define T_MAX 4.5
#define COUNT_USUAL 100000U
#define COUNT_MAX 10000000U
#define CLASSES_MAX 12U

struct rig {
    struct rsa_key *key;
    EVP_PKEY *public;
    struct json_parser *parser;
    struct random_pool pool;
    struct entropy entropy;
};

typedef void fill_block(const struct rig *rig, uint8_t *block);

struct class
{
    const char *name;
    fill_block *fill;
};

struct sample {
    unsigned class;
    double us;
};

static uint32_t draw(const struct rig *rig, uint32_t bound)
{
    return (uint32_t)(entropy_u64(&rig->entropy) % bound);
}

static void fill_nonzero(const struct rig *rig, uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(1 + draw(rig, 255));
}

// --- PKCS#1 v1.5 -----------------------------------------------------------------------------

// 00 02 and bytes that are not zero, but for the separator, if there is one (at > 0).
static void fill_padded(const struct rig *rig, uint8_t *block, size_t separator)
{
    fill_nonzero(rig, block, KEY_BYTES_USED);
    block[0] = 0;
    block[1] = 2;
    if (separator > 0)
        block[separator] = 0;
}

static void fill_right(const struct rig *rig, uint8_t *block)
{
    fill_padded(rig, block, 10 + draw(rig, 246));
}

static void fill_first_wrong(const struct rig *rig, uint8_t *block)
{
    fill_right(rig, block);
    block[0] = 1;
}

static void fill_second_wrong(const struct rig *rig, uint8_t *block)
{
    fill_right(rig, block);
    block[1] = 1;
}

static void fill_second_zero(const struct rig *rig, uint8_t *block)
{
    fill_right(rig, block);
    block[1] = 0;
}

static void fill_no_separator(const struct rig *rig, uint8_t *block)
{
    fill_padded(rig, block, 0);
}

static void fill_short(const struct rig *rig, uint8_t *block)
{
    fill_padded(rig, block, 2 + draw(rig, 8));
}

static void fill_at_once(const struct rig *rig, uint8_t *block)
{
    fill_padded(rig, block, 2);
}

static void fill_empty(const struct rig *rig, uint8_t *block)
{
    fill_padded(rig, block, 255);
}

static void fill_longest(const struct rig *rig, uint8_t *block)
{
    fill_padded(rig, block, 10);
}

static void fill_random(const struct rig *rig, uint8_t *block)
{
    entropy_fill(&rig->entropy, block, KEY_BYTES_USED);
    block[0] = 0;
}

// 00 01 FF … FF 00, digest.
static void fill_signature(const struct rig *rig, uint8_t *block)
{
    memset(block, 0xFF, KEY_BYTES_USED);
    block[0] = 0;
    block[1] = 1;
    block[220] = 0;
    entropy_fill(&rig->entropy, block + 221, KEY_BYTES_USED - 221);
}

static void fill_zeros(const struct rig *rig, uint8_t *block)
{
    memset(block, 0, KEY_BYTES_USED);
    entropy_fill(&rig->entropy, block + 128, 128);
}

static const struct class pkcs1_classes[] = {
    {"random block", fill_random},
    {"right padding, no JSON", fill_right},
    {"first byte 1", fill_first_wrong},
    {"second byte 1", fill_second_wrong},
    {"second byte 0", fill_second_zero},
    {"no separator", fill_no_separator},
    {"filling too short", fill_short},
    {"no filling", fill_at_once},
    {"empty message", fill_empty},
    {"longest message", fill_longest},
    {"a signature's padding", fill_signature},
    {"half zeros", fill_zeros},
};

// --- OAEP ------------------------------------------------------------------------------------

#define SEED_BYTES 32U
#define BODY_BYTES (KEY_BYTES_USED - 1 - SEED_BYTES)

static void mask(struct span seed, uint8_t *out, size_t len)
{
    for (size_t at = 0, i = 0; at < len; at += nettle_sha256.digest_size, i++) {
        uint8_t state[512];
        uint8_t digest[SEED_BYTES];
        const uint8_t counter[4] = {0, 0, 0, (uint8_t)i};
        ASSERT(nettle_sha256.context_size <= sizeof state);
        nettle_sha256.init(state);
        nettle_sha256.update(state, seed.len, seed.data);
        nettle_sha256.update(state, sizeof counter, counter);
        nettle_sha256.digest(state, sizeof digest, digest);
        for (size_t j = 0; j < sizeof digest && at + j < len; j++)
            out[at + j] ^= digest[j];
    }
}

static void wrap_oaep(const struct rig *rig, const uint8_t *body, uint8_t *block)
{
    block[0] = 0;
    entropy_fill(&rig->entropy, block + 1, SEED_BYTES);
    memcpy(block + 1 + SEED_BYTES, body, BODY_BYTES);
    mask(span_make(block + 1, SEED_BYTES), block + 1 + SEED_BYTES, BODY_BYTES);
    mask(span_make(block + 1 + SEED_BYTES, BODY_BYTES), block + 1, SEED_BYTES);
}

// Hash of the empty label, zeros, 01, no JSON.
static void init_body(const struct rig *rig, uint8_t body[BODY_BYTES])
{
    uint8_t state[512];
    memset(body, 0, BODY_BYTES);
    nettle_sha256.init(state);
    nettle_sha256.digest(state, SEED_BYTES, body);
    body[150] = 1;
    fill_nonzero(rig, body + 151, BODY_BYTES - 151);
    body[151] = '!';
}

static void fill_oaep_right(const struct rig *rig, uint8_t *block)
{
    uint8_t body[BODY_BYTES];
    init_body(rig, body);
    wrap_oaep(rig, body, block);
}

static void fill_oaep_first(const struct rig *rig, uint8_t *block)
{
    fill_oaep_right(rig, block);
    block[0] = 1;
}

static void fill_oaep_label(const struct rig *rig, uint8_t *block)
{
    uint8_t body[BODY_BYTES];
    init_body(rig, body);
    body[draw(rig, SEED_BYTES)] ^= 1;
    wrap_oaep(rig, body, block);
}

static void fill_oaep_filling(const struct rig *rig, uint8_t *block)
{
    uint8_t body[BODY_BYTES];
    init_body(rig, body);
    body[SEED_BYTES + draw(rig, 100)] = 2;
    wrap_oaep(rig, body, block);
}

static void fill_oaep_none(const struct rig *rig, uint8_t *block)
{
    uint8_t body[BODY_BYTES];
    init_body(rig, body);
    memset(body + SEED_BYTES, 0, BODY_BYTES - SEED_BYTES);
    wrap_oaep(rig, body, block);
}

static const struct class oaep_classes[] = {
    {"random block", fill_random},      {"first byte 1", fill_oaep_first},
    {"another label", fill_oaep_label}, {"filling that is not zero", fill_oaep_filling},
    {"no 01", fill_oaep_none},          {"half zeros", fill_zeros},
};

// --- measuring -------------------------------------------------------------------------------

static bool raise_to_e(const struct rig *rig, const uint8_t *block, uint8_t *cipher)
{
    size_t len = KEY_BYTES_USED;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, rig->public, NULL);
    bool is_done = EVP_PKEY_encrypt_init(ctx) == 1 &&
                   EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
                   EVP_PKEY_encrypt(ctx, cipher, &len, block, KEY_BYTES_USED) == 1;
    EVP_PKEY_CTX_free(ctx);
    return is_done; // else it was not below the modulus
}

static void make_cipher(const struct rig *rig, const struct class *class, uint8_t *cipher)
{
    uint8_t block[KEY_BYTES_USED];
    do
        class->fill(rig, block);
    while (!raise_to_e(rig, block, cipher));
}

static double measure(const struct rig *rig, enum rsa_padding padding, const uint8_t *cipher)
{
    static const struct hash_window window = {1790000000000, 120000};
    const struct hash_claims wanted = {
        .members = {[HASH_MEMBER_BRAND] = SPAN("B"), [HASH_MEMBER_SESSION] = SPAN("S")}};
    struct rsa_message message;
    int64_t made_at_ms;
    int64_t begun_ns = clock_system_ns();
    rsa_decrypt(rig->key, padding, span_make(cipher, KEY_BYTES_USED), &message);
    enum hash_reason reason = hash_judge(rig->parser, span_make(message.bytes, message.len),
                                         &wanted, &window, &made_at_ms);
    int64_t ended_ns = clock_system_ns();
    ASSERT(reason == HASH_UNREADABLE);
    return (double)(ended_ns - begun_ns) / 1000;
}

static int by_time(const void *a, const void *b)
{
    const struct sample *left = a;
    const struct sample *right = b;
    return (left->us > right->us) - (left->us < right->us);
}

struct moments {
    double count, mean, squares;
};

static void add(struct moments *moments, double value)
{
    double delta = value - moments->mean;
    moments->count++;
    moments->mean += delta / moments->count;
    moments->squares += delta * (value - moments->mean);
}

static double welch_t(const struct moments *a, const struct moments *b)
{
    double of_a = a->squares / (a->count - 1) / a->count;
    double of_b = b->squares / (b->count - 1) / b->count;
    return (a->mean - b->mean) / sqrt(of_a + of_b);
}

static bool report(const struct class *classes, size_t classes_held, struct sample *samples,
                   size_t count)
{
    struct moments moments[CLASSES_MAX] = {{0}};
    bool is_good = true;
    qsort(samples, count, sizeof *samples, by_time);
    for (size_t i = 0; i < count * 95 / 100; i++)
        add(&moments[samples[i].class], samples[i].us);
    for (size_t i = 0; i < classes_held; i++) {
        double t = i > 0 ? welch_t(&moments[i], &moments[0]) : 0;
        is_good = is_good && fabs(t) < T_MAX;
        (void)printf("#   %-26s %8.0f samples, mean %9.3f us, t %6.2f\n", classes[i].name,
                     moments[i].count, moments[i].mean, t);
    }
    return is_good;
}

static bool run(const struct rig *rig, enum rsa_padding padding, const struct class *classes,
                size_t classes_held, size_t count)
{
    uint8_t cipher[KEY_BYTES_USED];
    struct sample *samples = calloc(count, sizeof *samples);
    ASSERT(samples != NULL);
    for (size_t i = 0; i < count; i++) {
        samples[i].class = draw(rig, (uint32_t)classes_held);
        make_cipher(rig, &classes[samples[i].class], cipher);
        samples[i].us = measure(rig, padding, cipher);
    }
    bool is_good = report(classes, classes_held, samples, count);
    free(samples);
    return is_good;
}

static void init_rig(struct rig *rig)
{
    uint8_t storage[RSA_PUBLIC_DER_BYTES_MAX];
    struct strbuf der = strbuf_over(storage, sizeof storage);
    const uint8_t *at = storage;
    ASSERT(crypto_init() == ERR_OK);
    random_pool_init(&rig->pool);
    rig->entropy = random_pool_entropy(&rig->pool);
    rig->parser = json_parser_create();
    ASSERT(rig->parser != NULL);
    enum err err = rsa_key_generate(8 * KEY_BYTES_USED, &rig->key);
    ASSERT(err == ERR_OK);
    err = rsa_key_put_public_der(rig->key, &der);
    ASSERT(err == ERR_OK);
    rig->public = d2i_PUBKEY(NULL, &at, (long)der.len);
    ASSERT(rig->public != NULL);
}

static bool judge(unsigned number, const char *name, bool is_good)
{
    (void)printf("%s %u - the time of a refusal tells nothing: %s\n", is_good ? "ok" : "not ok",
                 number, name);
    return is_good;
}

int main(int argc, char **argv)
{
    struct rig rig = {0};
    uint64_t count = COUNT_USUAL;
    if (argc > 1 && !parse_u64(span_of_text(argv[1]), COUNT_MAX, &count)) {
        (void)fprintf(stderr, "usage: hash_timing [COUNT]\n");
        return 64;
    }
    init_rig(&rig);
    (void)printf("1..2\n");
    bool is_good = judge(1, "PKCS#1 v1.5",
                         run(&rig, RSA_PADDING_PKCS1, pkcs1_classes,
                             sizeof pkcs1_classes / sizeof pkcs1_classes[0], count));
    is_good = judge(2, "OAEP",
                    run(&rig, RSA_PADDING_OAEP, oaep_classes,
                        sizeof oaep_classes / sizeof oaep_classes[0], count / 2)) &&
              is_good;
    json_parser_destroy(&rig.parser);
    rsa_key_destroy(&rig.key);
    EVP_PKEY_free(rig.public);
    random_pool_wipe(&rig.pool);
    return is_good ? 0 : 1;
}
