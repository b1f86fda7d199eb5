// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Whole conversations: open a session, have a code sent, try it.
#include "rig/visit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define TOKEN "/auth/v1/token/generate"
#define WEB_TOKEN "/auth/v1/web/token/generate"
#define GENERATE "/auth/v1/otp/generate"
#define WEB_GENERATE "/auth/v1/web/otp/generate"
#define VALIDATE "/auth/v1/otp/validate"
#define WEB_VALIDATE "/auth/v1/web/otp/validate"

#define MOBILE_ID "\"identifierType\":\"MOBILE\",\"identifierValue\":\"919999999993\""
#define EMAIL_ID "\"identifierType\":\"EMAIL\",\"identifierValue\":\"captest@example.com\""
#define PERSON MOBILE_ID ",\"brand\":\"DocDemo\",\"deviceId\":\"123456785\""
#define WEB_PERSON EMAIL_ID ",\"brand\":\"DocDemo\""

#define SUCCESS "{\"status\":{\"success\":true,\"code\":200,\"message\":\"SUCCESS\"}}"
#define FAILURE(code, text) \
    "{\"status\":{\"success\":false,\"code\":" code ",\"message\":\"" text "\"}}"

#define COMMON_FIELDS "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"

static int create_rig(void **state)
{
    *state = rig_create();
    return 0;
}

static int destroy_rig(void **state)
{
    rig_destroy(*state);
    return 0;
}

// The URIs of a family and how its person names himself.
struct family {
    const char *token, *generate, *validate;
    const char *person;
    char session_id[SESSION_ID_TEXT_BYTES + 1];
};

static struct family mobile_family(void)
{
    return (struct family){TOKEN, GENERATE, VALIDATE, PERSON, ""};
}

static struct family web_family(void)
{
    return (struct family){WEB_TOKEN, WEB_GENERATE, WEB_VALIDATE, WEB_PERSON, ""};
}

static void open_session(struct rig *rig, struct family *family)
{
    rig_postf(rig, family->token, "{%s}", family->person);
    assert_int_equal(rig_code(rig), 200);
    rig_session_id(rig, family->session_id);
}

static void generate(struct rig *rig, const struct family *family)
{
    rig_postf(rig, family->generate, "{%s,\"sessionId\":\"%s\"}", family->person,
              family->session_id);
}

// `otp` as JSON, with its quotes.
static void validate(struct rig *rig, const struct family *family, const char *otp)
{
    rig_postf(rig, family->validate, "{%s,\"sessionId\":\"%s\",\"otp\":%s}", family->person,
              family->session_id, otp);
}

// Opens a session, has a code sent and takes it from the outbox.
static void issue(struct rig *rig, struct family *family, struct rig_message *message)
{
    open_session(rig, family);
    generate(rig, family);
    assert_string_equal(rig->body, SUCCESS);
    assert_true(rig_take_message(rig, message));
}

static void validate_text(struct rig *rig, const struct family *family, const char *otp)
{
    char json[64];
    (void)snprintf(json, sizeof json, "\"%s\"", otp);
    validate(rig, family, json);
}

// Another code of the same length.
static void spoil(char *otp)
{
    otp[0] = otp[0] == '9' ? '0' : (char)(otp[0] + 1);
}

static void decode_part(const char *from, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned held = 0;
    for (; *from != '.'; from++) {
        bits = bits << 6 | (uint32_t)(strchr(alphabet, *from) - alphabet);
        held += 6;
        if (held >= 8)
            *out++ = (char)(bits >> (held -= 8) & 0xFFU);
    }
    *out = '\0';
}

struct token {
    char header[512];
    char payload[512];
};

// The token in that member of the reply.
static void read_token(const struct rig *rig, const char *member, struct token *out)
{
    const char *at = strstr(rig->body, member);
    assert_non_null(at);
    at += strlen(member);
    decode_part(at, out->header);
    decode_part(strchr(at, '.') + 1, out->payload);
}

static void the_documents_mobile_walk(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    issue(rig, &family, &message);
    assert_string_equal(rig->reply,
                        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                        "Content-Length: 58\r\nX-Request-Id: t\r\n" COMMON_FIELDS "\r\n" SUCCESS);
    assert_string_equal(message.to, "919999999993");
    assert_int_equal(message.channel, CHANNEL_SMS);
    assert_int_equal(strlen(message.otp), 6);
    validate_text(rig, &family, message.otp);
    assert_int_equal(rig->status, 200);
    const char *user = strstr(rig->body, "\"user\":");
    assert_string_equal(user, "\"user\":{\"appRegistered\":false,\"sessionId\":null,"
                              "\"role\":\"USER\",\"userRegisteredForPassword\":false}}");
}

static void token_generate_answers_as_documented(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct token token;
    open_session(rig, &family);
    read_token(rig,
               "{\"status\":{\"success\":true,\"code\":200,\"message\":\"SUCCESS\"},"
               "\"auth\":{\"token\":\"",
               &token);
    assert_string_equal(token.header, "{\"idv\":[\"MOBILE|919999999993\"],\"dev\":\"123456785\","
                                      "\"org\":\"DOCDEMO\",\"alg\":\"HS256\"}");
    assert_non_null(
        strstr(token.payload, "],\"exp\":1790003600,\"iat\":1790000000,\"rol\":\"VIEW\"}"));
    const char *rest = strstr(rig->body, "\",\"key\"");
    char expected[256];
    (void)snprintf(expected, sizeof expected,
                   "\",\"key\":null},\"user\":{\"appRegistered\":false,\"sessionId\":\"%s\","
                   "\"role\":\"VIEW\",\"userRegisteredForPassword\":false}}",
                   family.session_id);
    assert_string_equal(rest, expected);
    assert_memory_equal(family.session_id, "P-", 2);
    assert_int_equal(family.session_id[16], '4');
}

static void token_generate_writes_nothing(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    for (int i = 0; i < 100; i++)
        open_session(rig, &family);
    assert_int_equal(memory_store_records(rig->store), 0);
    assert_false(rig_take_message(rig, &message));
}

static void a_mobile_login_gives_token_and_key(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    struct token token;
    struct token key;
    issue(rig, &family, &message);
    rig->now_ms += 5000;
    validate_text(rig, &family, message.otp);
    read_token(rig, "\"auth\":{\"token\":\"", &token);
    read_token(rig, ",\"key\":\"", &key);
    assert_string_equal(key.header, token.header);
    assert_memory_equal(token.payload, "{\"uid\":\"", 8);
    assert_memory_equal(key.payload, token.payload, strcspn(token.payload, ",") + 1);
    assert_non_null(strstr(token.payload, ",\"iss\":\"otpd\",\"isc\":\"false\",\"ogc\":[\""));
    assert_non_null(
        strstr(token.payload, "],\"exp\":1790003605,\"iat\":1790000005,\"rol\":\"USER\"}"));
    assert_non_null(strstr(key.payload,
                           ",\"iss\":\"otpd\",\"mfa\":false,\"iat\":1790000005,\"rol\":\"AUTH\"}"));
}

static void a_key_ends_when_the_brand_says_so(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    struct token key;
    struct brand_settings settings;
    brand_settings_init(&settings);
    settings.key_ttl_seconds = 86400;
    rig_put_brand(rig, "DocDemo", &settings);
    issue(rig, &family, &message);
    validate_text(rig, &family, message.otp);
    read_token(rig, ",\"key\":\"", &key);
    assert_non_null(strstr(
        key.payload, "\"mfa\":false,\"exp\":1790086400,\"iat\":1790000000,\"rol\":\"AUTH\"}"));
}

static void a_web_login_gives_a_token_alone(void **state)
{
    struct rig *rig = *state;
    struct family family = web_family();
    struct rig_message message;
    struct token token;
    issue(rig, &family, &message);
    assert_string_equal(message.to, "captest@example.com");
    assert_int_equal(message.channel, CHANNEL_EMAIL);
    validate_text(rig, &family, message.otp);
    read_token(rig, "\"auth\":{\"token\":\"", &token);
    assert_string_equal(token.header, "{\"idv\":[\"EMAIL|captest@example.com\"],\"dev\":null,"
                                      "\"org\":\"DOCDEMO\",\"alg\":\"HS256\"}");
    assert_non_null(
        strstr(token.payload, "],\"exp\":1790000900,\"iat\":1790000000,\"rol\":\"USER\"}"));
    assert_string_equal(strstr(rig->body, "\",\"key\""), "\",\"key\":null},\"user\":null}");
}

static void without_a_device_there_is_no_key(void **state)
{
    struct rig *rig = *state;
    struct family family = {TOKEN, GENERATE, VALIDATE, WEB_PERSON, ""};
    struct rig_message message;
    issue(rig, &family, &message);
    validate_text(rig, &family, message.otp);
    assert_string_equal(strstr(rig->body, "\",\"key\""),
                        "\",\"key\":null},\"user\":{\"appRegistered\":false,\"sessionId\":null,"
                        "\"role\":\"USER\",\"userRegisteredForPassword\":false}}");
}

static void without_a_device_a_session_may_change_its_family(void **state)
{
    struct rig *rig = *state;
    struct family family = {TOKEN, GENERATE, WEB_VALIDATE, WEB_PERSON, ""};
    struct rig_message message;
    issue(rig, &family, &message);
    validate_text(rig, &family, message.otp);
    assert_int_equal(rig_code(rig), 200);
    assert_string_equal(strstr(rig->body, "\",\"key\""), "\",\"key\":null},\"user\":null}");
}

static void the_uid_stays(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    struct token first;
    struct token second;
    issue(rig, &family, &message);
    validate_text(rig, &family, message.otp);
    read_token(rig, "\"auth\":{\"token\":\"", &first);
    issue(rig, &family, &message);
    validate_text(rig, &family, message.otp);
    read_token(rig, "\"auth\":{\"token\":\"", &second);
    assert_string_equal(second.payload, first.payload);
}

static void a_legacy_walk(void **state)
{
    struct rig *rig = *state;
    struct family family = {TOKEN, GENERATE, VALIDATE,
                            "\"brand\":\"DOCDEMO\",\"deviceId\":123456785,"
                            "\"mobile\":\"+91 99999-99993\",\"mobileTemp\":\"+91 99999-99993\"",
                            ""};
    struct rig_message message;
    issue(rig, &family, &message);
    assert_string_equal(message.to, "919999999993");
    family.person = PERSON;
    validate_text(rig, &family, message.otp);
    assert_int_equal(rig_code(rig), 200);
}

static void further_addresses_may_be_left_out_later(void **state)
{
    struct rig *rig = *state;
    struct family family = web_family();
    struct rig_message message;
    family.person = WEB_PERSON ",\"mobile\":\"12025550147\"";
    issue(rig, &family, &message);
    family.person = WEB_PERSON;
    validate_text(rig, &family, message.otp);
    assert_int_equal(rig_code(rig), 200);
}

static void a_session_is_spent_by_its_success(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    issue(rig, &family, &message);
    validate_text(rig, &family, message.otp);
    assert_int_equal(rig_code(rig), 200);
    validate_text(rig, &family, message.otp);
    assert_string_equal(rig->body, FAILURE("1505", "Invalid session"));
    generate(rig, &family);
    assert_string_equal(rig->body, FAILURE("1505", "Invalid session"));
}

static void the_sixth_try_is_refused(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    char wrong[CODE_DIGITS_MAX + 1];
    issue(rig, &family, &message);
    memcpy(wrong, message.otp, sizeof wrong);
    spoil(wrong);
    for (int i = 0; i < 5; i++) {
        validate_text(rig, &family, wrong);
        assert_string_equal(rig->body, FAILURE("1506", "Invalid OTP"));
    }
    validate_text(rig, &family, message.otp);
    assert_string_equal(rig->body,
                        FAILURE("1518", "Reached the maximum allowed OTP retry attempts, "
                                        "Authenticate from the start"));
}

static void malformed_guesses_count_as_tries(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    const char *const malformed[] = {"\"\"", "\"12345a\"", "12345678901234567890", "1",
                                     "\"12345678901234567890\""};
    issue(rig, &family, &message);
    for (size_t i = 0; i < COUNT_OF(malformed); i++) {
        validate(rig, &family, malformed[i]);
        assert_int_equal(rig_code(rig), 1506);
    }
    validate_text(rig, &family, message.otp);
    assert_int_equal(rig_code(rig), 1518);
}

static void nothing_to_validate_is_1537(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    open_session(rig, &family);
    validate(rig, &family, "\"123456\"");
    assert_string_equal(rig->body, FAILURE("1537", "No OTP generated for these details"));
}

static void numbers_and_spaced_codes_are_taken(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    char otp[2 * sizeof message.otp + 16];
    // Until a code has a leading zero, which a JSON number loses.
    do {
        issue(rig, &family, &message);
    } while (message.otp[0] != '0');
    validate(rig, &family, message.otp + strspn(message.otp, "0"));
    assert_int_equal(rig_code(rig), 200);
    issue(rig, &family, &message);
    (void)snprintf(otp, sizeof otp, "\" %.3s\xE2\x80\xAF-%.3s \"", message.otp, message.otp + 3);
    validate(rig, &family, otp);
    assert_int_equal(rig_code(rig), 200);
}

static void set_limit(struct rig *rig, uint32_t count, uint32_t minutes)
{
    struct brand_settings settings;
    brand_settings_init(&settings);
    settings.otp_max_count = count;
    settings.otp_time_out_minutes = minutes;
    rig_put_brand(rig, "DocDemo", &settings);
}

static void the_limit_says_when_to_come_back(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    char seconds[16];
    set_limit(rig, 1, 10);
    issue(rig, &family, &message);
    rig->now_ms += 1;
    generate(rig, &family);
    assert_int_equal(rig->status, 200);
    assert_string_equal(rig->body, FAILURE("1534", "Reached the maximum number of OTPs allowed per "
                                                   "customer"));
    assert_string_equal(rig_field(rig, "Retry-After", seconds, sizeof seconds), "600");
    rig->now_ms = RIG_START_MS + 600 * 1000 - 1;
    generate(rig, &family);
    assert_string_equal(rig_field(rig, "Retry-After", seconds, sizeof seconds), "1");
    rig->now_ms++;
    generate(rig, &family);
    assert_string_equal(rig->body, SUCCESS);
    assert_null(rig_field(rig, "Retry-After", seconds, sizeof seconds));
}

struct fallback_row {
    const char *person;
    const char *channel;
    int code;
    int sent_by; // enum channel_kind, or −1
};

static const struct fallback_row fallback_rows[] = {
    {MOBILE_ID, "SMS", 200, CHANNEL_SMS},
    {MOBILE_ID, "WHATSAPP", 200, CHANNEL_WHATSAPP},
    {MOBILE_ID, "%57HATSAPP", 200, CHANNEL_WHATSAPP},
    {MOBILE_ID, "ZALO", 1603, -1},
    {MOBILE_ID, "EMAIL", 1602, -1},
    {EMAIL_ID, "EMAIL", 200, CHANNEL_EMAIL},
    {EMAIL_ID, "SMS", 1601, -1},
    {EMAIL_ID, "WHATSAPP", 1601, -1},
    {EMAIL_ID, "ZALO", 1601, -1},
    {MOBILE_ID ",\"mobile\":\"919999999993\"", "SMS", 200, CHANNEL_SMS},
    // Another address that the caller names is no place to send somebody's code to.
    {EMAIL_ID ",\"mobile\":\"12025550147\"", "SMS", 1601, -1},
    {MOBILE_ID ",\"email\":\"a@example.com\"", "EMAIL", 1602, -1},
};

static void a_fallback_channel_is_used_where_it_fits(void **state)
{
    struct rig *rig = *state;
    for (size_t i = 0; i < COUNT_OF(fallback_rows); i++) {
        const struct fallback_row *row = &fallback_rows[i];
        struct rig_message message;
        char path[64];
        char person[256];
        (void)snprintf(path, sizeof path, "%s?x=1&fallbackChannel=%s", WEB_GENERATE, row->channel);
        (void)snprintf(person, sizeof person, "%s,\"brand\":\"DocDemo\"", row->person);
        struct family family = {WEB_TOKEN, path, WEB_VALIDATE, person, ""};
        open_session(rig, &family);
        generate(rig, &family);
        assert_int_equal(rig->status, 200);
        assert_int_equal(rig_code(rig), row->code);
        bool is_sent = rig_take_message(rig, &message);
        assert_int_equal(is_sent, row->sent_by >= 0);
        if (is_sent)
            assert_int_equal(message.channel, row->sent_by);
    }
}

static void a_brand_without_a_channel_cannot_send(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    rig_carry(rig, 1U << CHANNEL_EMAIL);
    open_session(rig, &family);
    generate(rig, &family);
    assert_int_equal(rig->status, 200);
    assert_string_equal(rig->body, FAILURE("1503", "Unable to generate OTP"));
}

#define UNAVAILABLE                                                          \
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n" \
    "Content-Length: 71\r\nX-Request-Id: t\r\n" COMMON_FIELDS                \
    "Retry-After: 1\r\n\r\n" FAILURE("503", "Service Unavailable")

static void a_full_outbox_is_503(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    open_session(rig, &family);
    rig_fill_outbox(rig);
    generate(rig, &family);
    assert_string_equal(rig->reply, UNAVAILABLE);
}

static void a_failing_store_is_503(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    open_session(rig, &family);
    rig->fault = MEMORY_FAULT_FAILURE;
    generate(rig, &family);
    assert_string_equal(rig->reply, UNAVAILABLE);
    generate(rig, &family);
    assert_true(rig_take_message(rig, &message));
    rig->fault = MEMORY_FAULT_FAILURE;
    validate_text(rig, &family, message.otp);
    assert_string_equal(rig->reply, UNAVAILABLE);
    validate_text(rig, &family, message.otp);
    assert_int_equal(rig_code(rig), 200);
}

static void a_full_disk_is_1503_and_1502(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    open_session(rig, &family);
    rig->fault = MEMORY_FAULT_FULL;
    generate(rig, &family);
    assert_int_equal(rig->status, 200);
    assert_int_equal(rig_code(rig), 1503);
    generate(rig, &family);
    assert_true(rig_take_message(rig, &message));
    rig->fault = MEMORY_FAULT_FULL;
    validate_text(rig, &family, message.otp);
    assert_int_equal(rig->status, 200);
    assert_int_equal(rig_code(rig), 1502);
    validate_text(rig, &family, message.otp);
    assert_int_equal(rig_code(rig), 200);
}

// The answer comes later, and by then the loop has parsed another body and the brand has changed.
static void a_late_answer_is_that_of_its_request(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    struct token token;
    issue(rig, &family, &message);
    rig->fault = MEMORY_FAULT_DELAY;
    validate_text(rig, &family, message.otp);
    assert_string_equal(rig->reply, "");

    uint8_t other[256] = "{\"x\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}";
    struct span text = span_make(other, strlen((char *)other));
    assert_int_equal(json_parse(rig->worker.json, text), JSON_PARSED);
    struct brand_settings settings;
    brand_settings_init(&settings);
    memcpy(settings.issuer, "CHANGED", 8);
    rig_put_brand(rig, "DocDemo", &settings);

    assert_int_equal(memory_store_release(rig->store), 1);
    rig_receive(rig);
    read_token(rig, "\"auth\":{\"token\":\"", &token);
    assert_non_null(strstr(token.header, "\"dev\":\"123456785\",\"org\":\"DOCDEMO\""));
    assert_non_null(strstr(token.payload, "\"iss\":\"otpd\""));
}

static void a_conflict_is_not_noticed(void **state)
{
    struct rig *rig = *state;
    struct family family = mobile_family();
    struct rig_message message;
    open_session(rig, &family);
    rig->fault = MEMORY_FAULT_CONFLICT;
    generate(rig, &family);
    assert_string_equal(rig->body, SUCCESS);
    assert_true(rig_take_message(rig, &message));
    rig->fault = MEMORY_FAULT_CONFLICT;
    validate_text(rig, &family, message.otp);
    assert_int_equal(rig_code(rig), 200);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct rig *rig = *state;
    static const char bytes[] =
        "POST " TOKEN " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Content-Length: 2\r\n\r\n{}"
        "POST " TOKEN " HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
        "Content-Length: 2\r\n\r\n{}"
        "OPTIONS " TOKEN " HTTP/1.1\r\nHost: x\r\n\r\n";
    rig_send(rig, bytes, sizeof bytes - 1);
    const char *first = strstr(rig->reply, "HTTP/1.1 400 ");
    const char *second = strstr(rig->reply, "HTTP/1.1 415 ");
    const char *third = strstr(rig->reply, "HTTP/1.1 204 ");
    assert_ptr_equal(first, rig->reply);
    assert_true(first < second && second < third);
}

#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, create_rig, destroy_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(the_documents_mobile_walk),
        RIG_TEST(token_generate_answers_as_documented),
        RIG_TEST(token_generate_writes_nothing),
        RIG_TEST(a_mobile_login_gives_token_and_key),
        RIG_TEST(a_key_ends_when_the_brand_says_so),
        RIG_TEST(a_web_login_gives_a_token_alone),
        RIG_TEST(without_a_device_there_is_no_key),
        RIG_TEST(without_a_device_a_session_may_change_its_family),
        RIG_TEST(the_uid_stays),
        RIG_TEST(a_legacy_walk),
        RIG_TEST(further_addresses_may_be_left_out_later),
        RIG_TEST(a_session_is_spent_by_its_success),
        RIG_TEST(the_sixth_try_is_refused),
        RIG_TEST(malformed_guesses_count_as_tries),
        RIG_TEST(nothing_to_validate_is_1537),
        RIG_TEST(numbers_and_spaced_codes_are_taken),
        RIG_TEST(the_limit_says_when_to_come_back),
        RIG_TEST(a_fallback_channel_is_used_where_it_fits),
        RIG_TEST(a_brand_without_a_channel_cannot_send),
        RIG_TEST(a_full_outbox_is_503),
        RIG_TEST(a_failing_store_is_503),
        RIG_TEST(a_full_disk_is_1503_and_1502),
        RIG_TEST(a_late_answer_is_that_of_its_request),
        RIG_TEST(a_conflict_is_not_noticed),
        RIG_TEST(pipelined_requests_are_answered_in_order),
    };
    return cmocka_run_group_tests_name("api_flow", tests, NULL, NULL);
}
