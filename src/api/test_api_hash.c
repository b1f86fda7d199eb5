// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// otp/generate of a brand with payload encryption.
#include "rig/rig.h"

#include "crypto/pure/base64.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TOKEN "/auth/v1/token/generate"
#define GENERATE "/auth/v1/otp/generate"
#define JSON_FIELD "Content-Type: application/json\r\n"
#define OAEP_FIELD "X-Cap-Use-New-Encryption: TRUE\r\n"
#define ID "\"identifierType\":\"MOBILE\",\"identifierValue\":\"919999999993\""
#define PERSON ID ",\"brand\":\"DocDemo\",\"deviceId\":\"123456785\""
#define TAMPERED "{\"status\":{\"success\":false,\"code\":5004,\"message\":\"Response tampered\"}}"
#define HASH_BYTES_MAX 900U
#define SECOND_MS 1000

struct fixture {
    struct rig *rig;
    struct rsa_key *keys[2];
    EVP_PKEY *publics[2];
    struct brand_settings settings;
    char session[SESSION_ID_TEXT_BYTES + 1];
};

static EVP_PKEY *public_of(const struct rsa_key *key)
{
    uint8_t storage[RSA_PUBLIC_DER_BYTES_MAX];
    struct strbuf der = strbuf_over(storage, sizeof storage);
    assert_int_equal(rsa_key_put_public_der(key, &der), ERR_OK);
    const uint8_t *at = storage;
    return d2i_PUBKEY(NULL, &at, (long)der.len);
}

// Keys take their time: they are made once.
static int set_up_all(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(rsa_key_generate(i == 0 ? 2048 : 2304, &fixture->keys[i]), ERR_OK);
        fixture->publics[i] = public_of(fixture->keys[i]);
        assert_non_null(fixture->publics[i]);
    }
    *state = fixture;
    return 0;
}

static int tear_down_all(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        rsa_key_destroy(&fixture->keys[i]);
        EVP_PKEY_free(fixture->publics[i]);
    }
    free(fixture);
    return 0;
}

static void open_session(struct fixture *fixture)
{
    rig_postf(fixture->rig, TOKEN, "{" PERSON "}");
    assert_int_equal(rig_code(fixture->rig), 200);
    rig_session_id(fixture->rig, fixture->session);
}

static int set_up(void **state)
{
    struct fixture *fixture = *state;
    fixture->rig = rig_create_for(64);
    brand_settings_init(&fixture->settings);
    (void)snprintf(fixture->settings.encryption_endpoints,
                   sizeof fixture->settings.encryption_endpoints, "otp/generate");
    rig_put_brand(fixture->rig, "DocDemo", &fixture->settings);
    assert_int_equal(
        brands_add_encryption_key(fixture->rig->brands, SPAN("DocDemo"), fixture->keys[0], NULL),
        ERR_OK);
    open_session(fixture);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    rig_destroy(fixture->rig);
    return 0;
}

struct hash {
    char text[HASH_BYTES_MAX];
};

static struct hash encrypt(EVP_PKEY *public, bool is_oaep, const char *plain)
{
    uint8_t cipher[RSA_KEY_BYTES_MAX];
    size_t len = sizeof cipher;
    struct hash hash = {""};
    struct strbuf text = strbuf_over(hash.text, sizeof hash.text - 1);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, public, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(
        EVP_PKEY_CTX_set_rsa_padding(ctx, is_oaep ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING), 1);
    if (is_oaep)
        assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, cipher, &len, (const uint8_t *)plain, strlen(plain)), 1);
    EVP_PKEY_CTX_free(ctx);
    base64_put(&text, span_make(cipher, len));
    assert_false(text.is_overflowed);
    return hash;
}

static struct hash hash_at(const struct fixture *fixture, size_t key, bool is_oaep,
                           int64_t made_at_ms)
{
    char plain[512];
    int len = snprintf(plain, sizeof plain, "{" PERSON ",\"sessionId\":\"%s\",\"timeStamp\":%lld}",
                       fixture->session, (long long)made_at_ms);
    assert_in_range(len, 1, sizeof plain - 1);
    return encrypt(fixture->publics[key], is_oaep, plain);
}

static int generate(struct fixture *fixture, const char *fields, const struct hash *hash)
{
    char body[2048];
    int len = snprintf(body, sizeof body, "{" PERSON ",\"sessionId\":\"%s\",\"hash\":\"%s\"}",
                       fixture->session, hash->text);
    assert_in_range(len, 1, sizeof body - 1);
    rig_post(fixture->rig, GENERATE, fields, body);
    return rig_code(fixture->rig);
}

static int generate_at(struct fixture *fixture, int64_t made_at_ms)
{
    struct hash hash = hash_at(fixture, 0, false, made_at_ms);
    return generate(fixture, JSON_FIELD, &hash);
}

static void test_a_right_hash_sends_a_code(void **state)
{
    struct fixture *fixture = *state;
    struct rig_message message;
    struct hash pkcs1 = hash_at(fixture, 0, false, fixture->rig->now_ms);
    struct hash oaep = hash_at(fixture, 0, true, fixture->rig->now_ms);
    assert_int_equal(generate(fixture, JSON_FIELD, &pkcs1), 200);
    assert_true(rig_take_message(fixture->rig, &message));
    assert_int_equal(generate(fixture, JSON_FIELD OAEP_FIELD, &oaep), 200);
    assert_true(rig_take_message(fixture->rig, &message));
}

static void test_the_header_says_which_padding(void **state)
{
    struct fixture *fixture = *state;
    struct rig_message message;
    struct hash pkcs1 = hash_at(fixture, 0, false, fixture->rig->now_ms);
    struct hash oaep = hash_at(fixture, 0, true, fixture->rig->now_ms);
    assert_int_equal(generate(fixture, JSON_FIELD OAEP_FIELD, &pkcs1), 5004);
    assert_int_equal(generate(fixture, JSON_FIELD, &oaep), 5004);
    assert_int_equal(generate(fixture, JSON_FIELD "X-CAP-USE-NEW-ENCRYPTION: 1\r\n", &oaep), 5004);
    assert_false(rig_take_message(fixture->rig, &message));
    assert_int_equal(generate(fixture, JSON_FIELD, &pkcs1), 200);
}

static void test_every_refusal_is_the_same(void **state)
{
    struct fixture *fixture = *state;
    const struct hash wrong[] = {
        {""},
        {"AAAA"},
        {"not base64!"},
        {"====="},
        encrypt(fixture->publics[0], false, "hello"),
        encrypt(fixture->publics[1], false, "{}"),
        hash_at(fixture, 0, false, fixture->rig->now_ms - 121 * SECOND_MS),
        hash_at(fixture, 0, false, fixture->rig->now_ms + 31 * SECOND_MS),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(generate(fixture, JSON_FIELD, &wrong[i]), 5004);
        assert_int_equal(fixture->rig->status, 200);
        assert_string_equal(fixture->rig->body, TAMPERED);
    }
}

static void test_hashes_of_other_types_are_none(void **state)
{
    struct fixture *fixture = *state;
    const char *const values[] = {"null", "5", "{}", "[\"\"]", "\"\\u0000\""};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        rig_postf(fixture->rig, GENERATE, "{" PERSON ",\"sessionId\":\"%s\",\"hash\":%s}",
                  fixture->session, values[i]);
        assert_string_equal(fixture->rig->body, TAMPERED);
    }
    rig_postf(fixture->rig, GENERATE, "{" PERSON ",\"sessionId\":\"%s\"}", fixture->session);
    assert_string_equal(fixture->rig->body, TAMPERED);
}

// Two readers of such a body may see two requests.
static void test_a_hash_given_twice_is_none(void **state)
{
    struct fixture *fixture = *state;
    struct hash hash = hash_at(fixture, 0, false, fixture->rig->now_ms);
    rig_postf(fixture->rig, GENERATE,
              "{" PERSON ",\"sessionId\":\"%s\",\"hash\":\"%s\",\"hash\":\"%s\"}", fixture->session,
              hash.text, hash.text);
    assert_string_equal(fixture->rig->body, TAMPERED);
    assert_int_equal(generate(fixture, JSON_FIELD, &hash), 200);
}

static void test_while_it_is_off_nothing_of_it_matters(void **state)
{
    struct fixture *fixture = *state;
    fixture->settings.encryption_endpoints[0] = '\0';
    rig_put_brand(fixture->rig, "DocDemo", &fixture->settings);
    const char *const values[] = {"\"x\"", "5", "{}", "\"\\u0000\""};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        rig_postf(fixture->rig, GENERATE,
                  "{" PERSON ",\"sessionId\":\"%s\",\"hash\":%s,\"timeStamp\":%s}",
                  fixture->session, values[i], values[i]);
        assert_int_equal(rig_code(fixture->rig), 200);
    }
}

static void assert_counted(struct fixture *fixture, const char *result, unsigned count)
{
    char line[80];
    char *page = malloc(METRICS_PAGE_BYTES_MAX + 1);
    assert_non_null(page);
    struct strbuf out = strbuf_over(page, METRICS_PAGE_BYTES_MAX);
    metrics_write(fixture->rig->metrics, &out);
    page[out.len] = '\0';
    (void)snprintf(line, sizeof line, "\notpd_hashes_total{result=\"%s\"} %u\n", result, count);
    if (strstr(page, line) == NULL)
        fail_msg("no line%s", line);
    free(page);
}

static void test_each_end_is_counted(void **state)
{
    struct fixture *fixture = *state;
    int64_t now_ms = fixture->rig->now_ms;
    const struct hash right = hash_at(fixture, 0, false, now_ms);
    const struct {
        struct hash hash;
        const char *result;
    } rows[] = {
        {right, "right"},
        {right, "used"},
        {{""}, "missing"},
        {{"AAAA"}, "malformed"},
        {encrypt(fixture->publics[0], false, "hello"), "unreadable"},
        {hash_at(fixture, 0, false, now_ms - 121 * SECOND_MS), "time"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_counted(fixture, rows[i].result, 0);
        (void)generate(fixture, JSON_FIELD, &rows[i].hash);
        assert_counted(fixture, rows[i].result, 1);
    }
    const struct hash other = hash_at(fixture, 0, false, now_ms);
    open_session(fixture);
    (void)generate(fixture, JSON_FIELD, &other);
    assert_counted(fixture, "differs", 1);
    assert_counted(fixture, "busy", 0);
}

static void test_a_hash_works_once(void **state)
{
    struct fixture *fixture = *state;
    struct hash hash = hash_at(fixture, 0, false, fixture->rig->now_ms);
    assert_int_equal(generate(fixture, JSON_FIELD, &hash), 200);
    for (int i = 0; i < 14; i++) {
        assert_int_equal(generate(fixture, JSON_FIELD, &hash), 5004);
        fixture->rig->now_ms += 10 * SECOND_MS;
    }
}

static void test_a_hash_is_used_though_the_code_is_refused(void **state)
{
    struct fixture *fixture = *state;
    fixture->settings.otp_max_count = 1;
    fixture->settings.otp_time_out_minutes = 1;
    rig_put_brand(fixture->rig, "DocDemo", &fixture->settings);
    assert_int_equal(generate_at(fixture, fixture->rig->now_ms), 200);
    struct hash hash = hash_at(fixture, 0, false, fixture->rig->now_ms);
    assert_int_equal(generate(fixture, JSON_FIELD, &hash), 1534);
    fixture->rig->now_ms += 61 * SECOND_MS;
    assert_int_equal(generate(fixture, JSON_FIELD, &hash), 5004);
    assert_int_equal(generate_at(fixture, fixture->rig->now_ms), 200);
}

static void test_edges_of_the_window(void **state)
{
    struct fixture *fixture = *state;
    int64_t now_ms = fixture->rig->now_ms;
    assert_int_equal(generate_at(fixture, now_ms - 120 * SECOND_MS), 200);
    assert_int_equal(generate_at(fixture, now_ms - 120 * SECOND_MS - 1), 5004);
    assert_int_equal(generate_at(fixture, now_ms + 30 * SECOND_MS), 200);
    assert_int_equal(generate_at(fixture, now_ms + 30 * SECOND_MS + 1), 5004);
    fixture->settings.encryption_valid_seconds = 10;
    rig_put_brand(fixture->rig, "DocDemo", &fixture->settings);
    assert_int_equal(generate_at(fixture, now_ms - 10 * SECOND_MS), 200);
    assert_int_equal(generate_at(fixture, now_ms - 10 * SECOND_MS - 1), 5004);
}

// A longer window does not give a hash that was used a second life.
static void test_a_longer_window_revives_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct hash hash = hash_at(fixture, 0, false, fixture->rig->now_ms);
    assert_int_equal(generate(fixture, JSON_FIELD, &hash), 200);
    fixture->rig->now_ms += 600 * SECOND_MS;
    fixture->settings.encryption_valid_seconds = 3600;
    rig_put_brand(fixture->rig, "DocDemo", &fixture->settings);
    assert_int_equal(generate(fixture, JSON_FIELD, &hash), 5004);
}

static void test_several_keys_open(void **state)
{
    struct fixture *fixture = *state;
    struct brands *brands = fixture->rig->brands;
    struct hash old = hash_at(fixture, 0, false, fixture->rig->now_ms);
    struct hash new = hash_at(fixture, 1, true, fixture->rig->now_ms);
    struct hash late = hash_at(fixture, 0, true, fixture->rig->now_ms);
    assert_int_equal(generate(fixture, JSON_FIELD OAEP_FIELD, &new), 5004);
    assert_int_equal(brands_add_encryption_key(brands, SPAN("DocDemo"), fixture->keys[1], NULL),
                     ERR_OK);
    assert_int_equal(generate(fixture, JSON_FIELD, &old), 200);
    assert_int_equal(generate(fixture, JSON_FIELD OAEP_FIELD, &new), 200);
    assert_int_equal(brands_retire_encryption_key(brands, SPAN("DocDemo"), 1, NULL), ERR_OK);
    assert_int_equal(generate(fixture, JSON_FIELD OAEP_FIELD, &late), 5004);
}

static void test_pkcs1_can_be_switched_off(void **state)
{
    struct fixture *fixture = *state;
    struct hash oaep = hash_at(fixture, 0, true, fixture->rig->now_ms);
    fixture->settings.encryption_pkcs1 = false;
    rig_put_brand(fixture->rig, "DocDemo", &fixture->settings);
    assert_int_equal(generate_at(fixture, fixture->rig->now_ms), 5004);
    assert_int_equal(generate(fixture, JSON_FIELD OAEP_FIELD, &oaep), 200);
}

static void test_lines_may_be_broken(void **state)
{
    struct fixture *fixture = *state;
    struct hash hash = hash_at(fixture, 0, false, fixture->rig->now_ms);
    struct hash broken = {""};
    struct strbuf text = strbuf_over(broken.text, sizeof broken.text - 1);
    for (size_t i = 0; hash.text[i] != '\0'; i++) {
        strbuf_put(&text, span_make(&hash.text[i], 1));
        if (i % 76 == 75)
            strbuf_put_text(&text, "\\n");
    }
    assert_int_equal(generate(fixture, JSON_FIELD, &broken), 200);
}

static void test_the_time_beside_it_counts_too(void **state)
{
    struct fixture *fixture = *state;
    long long now_ms = fixture->rig->now_ms;
    struct hash hash = hash_at(fixture, 0, false, now_ms);
    const struct {
        long long beside_ms;
        int code;
    } rows[] = {{now_ms - 1, 5004}, {now_ms - 130000, 5004}, {now_ms, 200}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig_postf(fixture->rig, GENERATE,
                  "{" PERSON ",\"sessionId\":\"%s\",\"hash\":\"%s\",\"timeStamp\":%lld}",
                  fixture->session, hash.text, rows[i].beside_ms);
        assert_int_equal(rig_code(fixture->rig), rows[i].code);
    }
}

// Session first, then the hash, then what the record says.
static void test_order_of_the_checks(void **state)
{
    struct fixture *fixture = *state;
    rig_postf(fixture->rig, GENERATE, "{" PERSON ",\"sessionId\":\"P-1\"}");
    assert_int_equal(rig_code(fixture->rig), 1505);
    rig_postf(fixture->rig, GENERATE,
              "{" ID ",\"brand\":\"DocDemo\",\"deviceId\":\"x\",\"sessionId\":\"%s\"}",
              fixture->session);
    assert_int_equal(rig_code(fixture->rig), 1508);
    rig_postf(fixture->rig, GENERATE "?fallbackChannel=EMAIL", "{" PERSON ",\"sessionId\":\"%s\"}",
              fixture->session);
    assert_int_equal(rig_code(fixture->rig), 5004);
}

static void test_items_of_a_batch(void **state)
{
    struct fixture *fixture = *state;
    char body[4096];
    struct hash hash = hash_at(fixture, 0, false, fixture->rig->now_ms);
    int len = snprintf(body, sizeof body,
                       "[{" PERSON ",\"sessionId\":\"%s\",\"hash\":\"%s\"},"
                       "{" PERSON ",\"sessionId\":\"%s\",\"hash\":\"%s\"}]",
                       fixture->session, hash.text, fixture->session, hash.text);
    assert_in_range(len, 1, sizeof body - 1);
    rig_post(fixture->rig, GENERATE, JSON_FIELD, body);
    assert_string_equal(
        fixture->rig->body,
        "[{\"status\":{\"success\":true,\"code\":200,\"message\":\"SUCCESS\"}}," TAMPERED "]");
}

// A store that does not answer has perhaps used the hash: it is not the client's fault.
static void test_a_store_that_fails(void **state)
{
    struct fixture *fixture = *state;
    struct hash hash = hash_at(fixture, 0, false, fixture->rig->now_ms);
    fixture->rig->fault = MEMORY_FAULT_FULL;
    assert_int_equal(generate(fixture, JSON_FIELD, &hash), 1503);
    assert_int_equal(generate(fixture, JSON_FIELD, &hash), 200);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_right_hash_sends_a_code),  TEST(test_the_header_says_which_padding),
        TEST(test_every_refusal_is_the_same),  TEST(test_hashes_of_other_types_are_none),
        TEST(test_a_hash_given_twice_is_none), TEST(test_while_it_is_off_nothing_of_it_matters),
        TEST(test_a_hash_works_once),          TEST(test_a_hash_is_used_though_the_code_is_refused),
        TEST(test_edges_of_the_window),        TEST(test_a_longer_window_revives_nothing),
        TEST(test_several_keys_open),          TEST(test_pkcs1_can_be_switched_off),
        TEST(test_lines_may_be_broken),        TEST(test_the_time_beside_it_counts_too),
        TEST(test_order_of_the_checks),        TEST(test_items_of_a_batch),
        TEST(test_a_store_that_fails),         TEST(test_each_end_is_counted),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
