// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Tokens are compared byte by byte after decoding, and their signatures checked by libjwt, which
// shares no code with the signer.
#include "api/reply.h"
#include "api/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jwt.h>

#define SECRET "a secret of thirty-two bytes or more"

struct fixture {
    struct brand brand;
    struct identifier mobile;
    struct identifier email;
};

static void set_address(struct identifier *identifier, enum identifier_type type,
                        enum address_kind kind, const char *value)
{
    struct address *address = &identifier->address;
    identifier->type = type;
    address->kind = kind;
    address->len = (uint16_t)(1 + strlen(value));
    address->text[0] = (uint8_t) "MEU"[kind];
    memcpy(address->text + 1, value, strlen(value));
}

static int create_fixture(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->brand.name_upper = SPAN("DOCDEMO");
    memcpy(fixture->brand.settings.issuer, "EXAMPLE ISSUER", 15);
    fixture->brand.ogc = SPAN("100001|example.till");
    hs256_key_init(&fixture->brand.token_keys[0].hs256, SPAN(SECRET));
    fixture->brand.token_keys_held = 1;
    set_address(&fixture->mobile, IDENTIFIER_MOBILE, ADDRESS_MOBILE, "919999999993");
    set_address(&fixture->email, IDENTIFIER_EMAIL, ADDRESS_EMAIL, "captest@example.com");
    *state = fixture;
    return 0;
}

static int destroy_fixture(void **state)
{
    free(*state);
    return 0;
}

static struct token_claims claims_of(const struct fixture *fixture, enum token_role role)
{
    return (struct token_claims){
        .role = role,
        .brand = &fixture->brand,
        .identifier = &fixture->mobile,
        .device = SPAN("123456785"),
        .uid = 4000001,
        .issued_at_s = 1790000000,
        .expires_at_s = 1790003600,
    };
}

static int value_of_letter(uint8_t letter)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = memchr(alphabet, letter, 64);
    assert_non_null(at);
    return (int)(at - alphabet);
}

static void decode(struct span text, char *out, size_t cap)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        bits = bits << 6 | (uint32_t)value_of_letter(text.data[i]);
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        assert_true(len + 1 < cap);
        out[len++] = (char)(bits >> held & 0xFFU);
    }
    out[len] = '\0';
}

struct decoded {
    char header[TOKEN_HEADER_BYTES_MAX + 1];
    char payload[TOKEN_PAYLOAD_BYTES_MAX + 1];
    char text[TOKEN_BYTES_MAX + 1];
};

static void make(const struct token_claims *claims, struct decoded *out)
{
    struct strbuf text = strbuf_over(out->text, TOKEN_BYTES_MAX);
    token_write(claims, &text);
    out->text[text.len] = '\0';
    struct span rest = strbuf_span(&text);
    decode(span_split(rest, '.', &rest), out->header, sizeof out->header);
    decode(span_split(rest, '.', &rest), out->payload, sizeof out->payload);
    assert_int_equal(rest.len, 43);
    assert_int_equal(span_find(rest, '.'), rest.len);
}

#define MOBILE_HEADER                                                               \
    "{\"idv\":[\"MOBILE|919999999993\"],\"dev\":\"123456785\",\"org\":\"DOCDEMO\"," \
    "\"alg\":\"HS256\"}"

static void a_view_token_has_its_members_in_order(void **state)
{
    struct token_claims claims = claims_of(*state, TOKEN_VIEW);
    struct decoded token;
    make(&claims, &token);
    assert_string_equal(token.header, MOBILE_HEADER);
    assert_string_equal(token.payload,
                        "{\"iss\":\"EXAMPLE ISSUER\",\"ogc\":[\"100001|example.till\"],"
                        "\"exp\":1790003600,\"iat\":1790000000,\"rol\":\"VIEW\"}");
}

static void a_user_token_has_its_members_in_order(void **state)
{
    struct token_claims claims = claims_of(*state, TOKEN_USER);
    struct decoded token;
    make(&claims, &token);
    assert_string_equal(token.header, MOBILE_HEADER);
    assert_string_equal(token.payload,
                        "{\"uid\":\"4000001\",\"iss\":\"EXAMPLE ISSUER\",\"isc\":\"false\","
                        "\"ogc\":[\"100001|example.till\"],\"exp\":1790003600,\"iat\":1790000000,"
                        "\"rol\":\"USER\"}");
}

static void a_key_ends_only_when_told_to(void **state)
{
    struct token_claims claims = claims_of(*state, TOKEN_AUTH);
    struct decoded token;
    claims.expires_at_s = 0;
    make(&claims, &token);
    assert_string_equal(token.payload,
                        "{\"uid\":\"4000001\",\"iss\":\"EXAMPLE ISSUER\",\"mfa\":false,"
                        "\"iat\":1790000000,\"rol\":\"AUTH\"}");
    claims.expires_at_s = 1790000001;
    make(&claims, &token);
    assert_string_equal(token.payload,
                        "{\"uid\":\"4000001\",\"iss\":\"EXAMPLE ISSUER\",\"mfa\":false,"
                        "\"exp\":1790000001,\"iat\":1790000000,\"rol\":\"AUTH\"}");
}

static void without_a_device_dev_is_null(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = claims_of(fixture, TOKEN_VIEW);
    struct decoded token;
    claims.identifier = &fixture->email;
    claims.device = SPAN("");
    make(&claims, &token);
    assert_string_equal(token.header, "{\"idv\":[\"EMAIL|captest@example.com\"],\"dev\":null,"
                                      "\"org\":\"DOCDEMO\",\"alg\":\"HS256\"}");
}

static void what_is_not_plain_is_escaped(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = claims_of(fixture, TOKEN_VIEW);
    struct decoded token;
    claims.device = SPAN("a\"b\\c\xC3\xA9");
    claims.brand = &fixture->brand;
    make(&claims, &token);
    assert_string_equal(token.header,
                        "{\"idv\":[\"MOBILE|919999999993\"],\"dev\":\"a\\\"b\\\\c\xC3\xA9\","
                        "\"org\":\"DOCDEMO\",\"alg\":\"HS256\"}");
}

static void the_largest_uid_is_whole(void **state)
{
    struct token_claims claims = claims_of(*state, TOKEN_USER);
    struct decoded token;
    claims.uid = UINT64_C(9223372036854775807);
    make(&claims, &token);
    assert_non_null(strstr(token.payload, "{\"uid\":\"9223372036854775807\","));
}

// Every text at its longest, and every byte one that takes the most room.
static void the_longest_token_fits(void **state)
{
    struct fixture *fixture = *state;
    struct brand brand = fixture->brand;
    struct identifier identifier = {.type = IDENTIFIER_USERNAME};
    struct token_claims claims = claims_of(fixture, TOKEN_USER);
    struct decoded token;
    char device[DEVICE_ID_BYTES_MAX];
    memset(device, '"', sizeof device);
    memset(brand.name_upper_storage, '\x01', sizeof brand.name_upper_storage);
    memset(brand.settings.issuer, '\x01', sizeof brand.settings.issuer - 1);
    memset(brand.settings.ogc, '\x01', sizeof brand.settings.ogc);
    memset(identifier.address.text, '"', sizeof identifier.address.text);
    identifier.address.len = 1 + USERNAME_BYTES_MAX;
    identifier.to = identifier.address;
    identifier.to.len = sizeof identifier.to.text;
    brand.name_upper = span_make(brand.name_upper_storage, sizeof brand.name_upper_storage);
    brand.ogc = span_make(brand.settings.ogc, sizeof brand.settings.ogc);
    claims.brand = &brand;
    claims.identifier = &identifier;
    claims.device = span_make(device, sizeof device);
    claims.uid = UINT64_MAX;
    claims.issued_at_s = claims.expires_at_s = INT64_MAX;
    make(&claims, &token);
    assert_true(strlen(token.text) > TOKEN_BYTES_MAX - 400);
}

static void a_username_comes_after_its_address(void **state)
{
    struct fixture *fixture = *state;
    struct token_claims claims = claims_of(fixture, TOKEN_USER);
    struct identifier name;
    struct decoded token;
    set_address(&name, IDENTIFIER_USERNAME, ADDRESS_USERNAME, "some \"body");
    name.to = fixture->mobile.address;
    claims.identifier = &name;
    make(&claims, &token);
    assert_string_equal(token.header,
                        "{\"idv\":[\"MOBILE|919999999993\",\"USERNAME|some \\\"body\"],"
                        "\"dev\":\"123456785\",\"org\":\"DOCDEMO\",\"alg\":\"HS256\"}");
    name.to = fixture->email.address;
    make(&claims, &token);
    assert_non_null(strstr(token.header, "[\"EMAIL|captest@example.com\",\"USERNAME|some"));
}

static bool libjwt_accepts(const char *text, const char *secret)
{
    jwt_t *jwt = NULL;
    int failure = jwt_decode(&jwt, text, (const unsigned char *)secret, (int)strlen(secret));
    jwt_free(jwt);
    return failure == 0;
}

static void libjwt_accepts_the_signature(void **state)
{
    for (int role = 0; role < TOKEN_ROLE_COUNT_; role++) {
        struct token_claims claims = claims_of(*state, (enum token_role)role);
        struct decoded token;
        make(&claims, &token);
        assert_true(libjwt_accepts(token.text, SECRET));
        assert_false(libjwt_accepts(token.text, "another secret of thirty-two bytes…"));
    }
}

static void libjwt_refuses_every_changed_letter(void **state)
{
    struct token_claims claims = claims_of(*state, TOKEN_USER);
    struct decoded token;
    make(&claims, &token);
    // The last letter holds four bits that no byte needs.
    for (size_t i = 0; i + 1 < strlen(token.text); i++) {
        char kept = token.text[i];
        token.text[i] = kept == 'A' ? 'B' : 'A';
        assert_false(libjwt_accepts(token.text, SECRET));
        token.text[i] = kept;
    }
    assert_true(libjwt_accepts(token.text, SECRET));
}

static void libjwt_reads_the_claims(void **state)
{
    struct token_claims claims = claims_of(*state, TOKEN_USER);
    struct decoded token;
    jwt_t *jwt = NULL;
    make(&claims, &token);
    assert_int_equal(jwt_decode(&jwt, token.text, (const unsigned char *)SECRET, strlen(SECRET)),
                     0);
    assert_string_equal(jwt_get_grant(jwt, "uid"), "4000001");
    assert_string_equal(jwt_get_grant(jwt, "rol"), "USER");
    assert_string_equal(jwt_get_header(jwt, "org"), "DOCDEMO");
    assert_null(jwt_get_header(jwt, "typ"));
    assert_int_equal(jwt_get_grant_int(jwt, "iat"), 1790000000);
    jwt_free(jwt);
}

struct reply_row {
    bool has_key;
    const struct reply_user *user;
    const char *after_key;
};

static const struct reply_user viewer = {.session_id = SPAN("P-1"), .role = TOKEN_VIEW};
static const struct reply_user user = {.role = TOKEN_USER};

static const struct reply_row reply_rows[] = {
    {false, &viewer,
     "},\"user\":{\"appRegistered\":false,\"sessionId\":\"P-1\",\"role\":\"VIEW\","
     "\"userRegisteredForPassword\":false}}"},
    {true, &user,
     "},\"user\":{\"appRegistered\":false,\"sessionId\":null,\"role\":\"USER\","
     "\"userRegisteredForPassword\":false}}"},
    {false, NULL, "},\"user\":null}"},
};

static void put_quoted(struct strbuf *out, const char *text)
{
    strbuf_put_byte(out, '"');
    strbuf_put_text(out, text);
    strbuf_put_byte(out, '"');
}

static void replies_have_their_members_in_order(void **state)
{
    struct token_claims claims = claims_of(*state, TOKEN_USER);
    struct decoded token;
    make(&claims, &token);
    for (size_t i = 0; i < sizeof reply_rows / sizeof reply_rows[0]; i++) {
        const struct reply_row *row = &reply_rows[i];
        uint8_t storages[2][REPLY_BYTES_MAX];
        struct strbuf body = strbuf_over(storages[0], REPLY_BYTES_MAX);
        struct strbuf expected = strbuf_over(storages[1], REPLY_BYTES_MAX);
        reply_write_success(&body, &(struct reply_success){.token = &claims,
                                                           .key = row->has_key ? &claims : NULL,
                                                           .user = row->user});
        strbuf_put_text(&expected, "{\"status\":{\"success\":true,\"code\":200,\"message\":"
                                   "\"SUCCESS\"},\"auth\":{\"token\":");
        put_quoted(&expected, token.text);
        strbuf_put_text(&expected, ",\"key\":");
        if (row->has_key)
            put_quoted(&expected, token.text);
        else
            strbuf_put_text(&expected, "null");
        strbuf_put_text(&expected, row->after_key);
        assert_int_equal(body.len, expected.len);
        assert_memory_equal(body.data, expected.data, body.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_token_has_its_members_in_order),
        cmocka_unit_test(a_user_token_has_its_members_in_order),
        cmocka_unit_test(a_key_ends_only_when_told_to),
        cmocka_unit_test(without_a_device_dev_is_null),
        cmocka_unit_test(what_is_not_plain_is_escaped),
        cmocka_unit_test(the_largest_uid_is_whole),
        cmocka_unit_test(the_longest_token_fits),
        cmocka_unit_test(a_username_comes_after_its_address),
        cmocka_unit_test(libjwt_accepts_the_signature),
        cmocka_unit_test(libjwt_refuses_every_changed_letter),
        cmocka_unit_test(libjwt_reads_the_claims),
        cmocka_unit_test(replies_have_their_members_in_order),
    };
    return cmocka_run_group_tests_name("token", tests, create_fixture, destroy_fixture);
}
