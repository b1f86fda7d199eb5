// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The admin API through a real connection, over a registry with a store of settings that can be
// broken.
#include "admin/brands_http.h"

#include "http/test_rig.h"
#include "sim/seeded.h"
#include "unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define START_MS INT64_C(1790000000000)
#define SECRET "0123456789 secret of 32 bytes ok"
#define REQUEST_BYTES_MAX (2U * 1024U * 1024U)

static const struct key wrap_key = {"a wrap key of thirty-two bytes.."};

#define KEPT_MAX 8U

struct kept {
    uint8_t name[SETTING_NAME_BYTES_MAX];
    uint8_t value[SETTING_VALUE_BYTES_MAX];
    struct setting setting; // into those two
};

struct fixture {
    struct store store; // first: what the registry is given
    struct kept kept[KEPT_MAX];
    size_t kept_held;
    enum err put_err; // what the store says to a write that is in order
    unsigned writes;
    int64_t now_ms;
    struct brands *brands;
    struct seeded seeded;
    struct entropy entropy;
    struct ruled *ruled;
    struct brands_http http;
    struct http_route routes[BRANDS_ROUTES_COUNT];
    struct rig rig;
    int log[2];
    char text[sizeof((struct rig *)NULL)->out + 1];
    char log_text[4096];
    char request[REQUEST_BYTES_MAX];
};

static struct kept *find_or_add(struct fixture *f, struct span name)
{
    for (size_t i = 0; i < f->kept_held; i++) {
        if (span_eq(f->kept[i].setting.name, name))
            return &f->kept[i];
    }
    assert_true(f->kept_held < KEPT_MAX);
    struct kept *added = &f->kept[f->kept_held++];
    memcpy(added->name, name.data, name.len);
    added->setting = (struct setting){span_make(added->name, name.len), {NULL, 0}, 0};
    return added;
}

static enum err put_setting(struct store *store, const struct setting *setting)
{
    struct fixture *f = (struct fixture *)store;
    f->writes++;
    if (f->put_err != ERR_OK)
        return f->put_err;
    struct kept *kept = find_or_add(f, setting->name);
    assert_true(setting->version == kept->setting.version + 1);
    if (setting->value.len > 0)
        memcpy(kept->value, setting->value.data, setting->value.len);
    kept->setting.value = span_make(kept->value, setting->value.len);
    kept->setting.version++;
    return ERR_OK;
}

static void each_setting(struct store *store, void (*on_setting)(void *ctx, const struct setting *),
                         void *ctx)
{
    struct fixture *f = (struct fixture *)store;
    for (size_t i = 0; i < f->kept_held; i++)
        on_setting(ctx, &f->kept[i].setting);
}

static int64_t store_time(struct store *store)
{
    return ((struct fixture *)store)->now_ms;
}

static const struct store_ops store_ops = {
    .settings_put = put_setting,
    .settings_each = each_setting,
    .now_ms = store_time,
};

static void make_registry(struct fixture *f)
{
    f->store.ops = &store_ops;
    f->now_ms = START_MS;
    seeded_init(&f->seeded, 1);
    f->entropy = seeded_entropy(&f->seeded);
    assert_int_equal(brands_create(&f->store, &wrap_key, &f->entropy, &f->brands), ERR_OK);
    assert_int_equal(ruled_create(&f->ruled), ERR_OK);
}

static void make_log(struct fixture *f)
{
    assert_int_equal(pipe(f->log), 0);
    const struct logger_options options = {
        .descriptor = f->log[1],
        .format = LOG_FORMAT_TEXT,
        .least = LOG_INFO,
        .clock = clock_system(),
    };
    assert_int_equal(logger_create(&options, &f->http.log), ERR_OK);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct http_limits limits = http_limits_default;
    assert_non_null(f);
    make_registry(f);
    make_log(f);
    f->http.brands = f->brands;
    f->http.ruled = f->ruled;
    brands_routes(&f->http, f->routes);
    limits.body_bytes_max = BRANDS_BODY_BYTES_MAX;
    rig_init(&f->rig, &limits);
    f->rig.router.routes = f->routes;
    f->rig.router.count = BRANDS_ROUTES_COUNT;
    rig_connect(&f->rig);
    assert_int_equal(brands_add(f->brands, SPAN("DocDemo"), (struct brand_edits){0}, NULL), ERR_OK);
    f->writes = 0;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    rig_fini(&f->rig);
    logger_destroy(&f->http.log);
    (void)close(f->log[0]);
    (void)close(f->log[1]);
    ruled_destroy(&f->ruled);
    brands_destroy(&f->brands);
    free(f);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

// The whole answer to "METHOD /admin/v1/PATH" with that body, NULL: none.
static const char *ask_as(struct fixture *f, const char *what, const char *type, const char *body)
{
    char *request = f->request;
    const char *path = strchr(what, ' ') + 1;
    int len =
        snprintf(request, REQUEST_BYTES_MAX, "%.*s/admin/v1/%s HTTP/1.1\r\nHost: localhost\r\n",
                 (int)(path - what), what, path);
    if (body != NULL)
        len +=
            snprintf(request + len, REQUEST_BYTES_MAX - (size_t)len,
                     "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", type, strlen(body), body);
    else
        len += snprintf(request + len, REQUEST_BYTES_MAX - (size_t)len, "\r\n");
    f->rig.out_bytes = 0;
    assert_int_equal(rig_send(&f->rig, span_make(request, (size_t)len)), len);
    struct span out = rig_output(&f->rig);
    memcpy(f->text, out.data, out.len);
    f->text[out.len] = '\0';
    return f->text;
}

static const char *ask(struct fixture *f, const char *what, const char *body)
{
    return ask_as(f, what, "application/json", body);
}

static int status_of(const char *answer)
{
    int status = 0;
    assert_int_equal(strncmp(answer, "HTTP/1.1 ", 9), 0);
    for (size_t i = 9; i < 12; i++)
        status = 10 * status + (answer[i] - '0');
    return status;
}

static const char *body_of(const char *answer)
{
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    return body + 4;
}

static void assert_ok(const char *answer, int status)
{
    if (status_of(answer) != status)
        fail_msg("expected %d: %s", status, answer);
    assert_non_null(strstr(answer, "\r\nContent-Type: application/json\r\n"));
}

static void assert_body(struct fixture *f, const char *what, const char *body, const char *expected)
{
    const char *answer = ask(f, what, body);
    assert_ok(answer, 200);
    assert_string_equal(body_of(answer), expected);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("no %s in %s", part, text);
}

// What was logged since the last call, without the times.
static const char *log_since(struct fixture *f)
{
    LOG_EVENT(f->http.log, LOG_INFO, "end", log_number("n", 0));
    ssize_t len = read(f->log[0], f->log_text, sizeof f->log_text - 1);
    assert_true(len > 0);
    f->log_text[len] = '\0';
    return f->log_text;
}

// As the configuration file would: otpMaxCount in line 12, and a token key in line 13.
static void rule(struct fixture *f)
{
    struct ruled_table table;
    assert_int_equal(ruled_table_init(&table, SPAN("otpd.yaml"), 1), ERR_OK);
    memcpy(table.brands[0].name, "DocDemo", sizeof "DocDemo");
    table.brands[0].line = 11;
    table.brands[0].setting_lines[0] = 12;
    table.brands[0].token_key_line = 13;
    ruled_lock(f->ruled);
    ruled_swap(f->ruled, &table);
    ruled_unlock(f->ruled);
    ruled_table_fini(&table);
}

#define TEXTS                                                                              \
    "\"language\":null,\"smsTemplate\":\"{otp} is your {brand} code, valid for {minutes} " \
    "minutes. Never "                                                                      \
    "share it with anyone.\",\"smsSender\":null,\"smsTemplateId\":null,"                   \
    "\"whatsappTemplate\":null,\"whatsappSender\":null,\"whatsappTemplateId\":null,"       \
    "\"zaloTemplate\":null,\"zaloSender\":null,\"zaloTemplateId\":null,\"emailTemplate\":" \
    "\"Your {brand} code is {otp}. It is valid "                                           \
    "for {minutes} minutes. Never share it with anyone; nobody from {brand} will ask you " \
    "for it.\",\"emailSender\":null,\"emailTemplateId\":null,\"emailSubject\":\"Your "     \
    "{brand} code\",\"translations\":null,"                                                \
    "\"encryption.endpoints\":null,\"encryption.validSeconds\":120,"                       \
    "\"encryption.pkcs1\":true}"

static void a_brand_is_told_whole(void **state)
{
    struct fixture *f = *state;
    rule(f);
    assert_body(
        f, "GET brand?name=docdemo", NULL,
        "{\"name\":\"DocDemo\",\"settings\":{\"otpMaxCount\":null,\"otpTimeOut\":null,"
        "\"otpLength\":6,\"otpTtlSeconds\":1200,\"otpMaxAttempts\":5,\"resend\":\"same\","
        "\"sessionTtlSeconds\":1200,\"tokenTtlSeconds\":3600,\"webTokenTtlSeconds\":900,"
        "\"keyTtlSeconds\":null,\"lockAfterFailures\":100,\"lockSeconds\":1800,"
        "\"identifierTypes\":\"MOBILE EMAIL USERNAME\",\"mobileChannel\":\"SMS\","
        "\"fallbackChannels\":\"SMS WHATSAPP ZALO "
        "EMAIL\",\"defaultCountry\":null,\"issuer\":\"otpd\",\"ogc\":null,"
        "\"corsOrigins\":null,\"rejectWithoutHeader\":null,\"rejectWithoutHeaderValue\":null," TEXTS
        ",\"changed\":[],\"ruledByFile\":[\"otpMaxCount\"],"
        "\"tokenKeys\":[{\"number\":1,\"isSigning\":true,\"createdAt\":\"2026-09-21T14:13:20Z\"}"
        "]}");
}

static void options_are_told(void **state)
{
    struct fixture *f = *state;
    const char *body = body_of(ask(f, "GET options", NULL));
    size_t rows = 0;
    static const char first[] = "{\"options\":[{\"name\":\"otpMaxCount\",\"type\":\"integer\","
                                "\"unit\":null,\"default\":null,\"range\":\"1 to 64, or null\","
                                "\"nullable\":true,\"secret\":false,\"help\":\"Codes ";
    assert_int_equal(strncmp(body, first, sizeof first - 1), 0);
    assert_has(body, "{\"name\":\"otpLength\",\"type\":\"integer\",\"unit\":\"digits\","
                     "\"default\":6,\"range\":\"4 to 10 digits\",\"nullable\":false,");
    assert_has(body, "{\"name\":\"resend\",\"type\":\"choice\",\"unit\":null,"
                     "\"default\":\"same\",\"range\":\"same or new\",");
    assert_has(body, "belong to; null: international\",\"hazard\":\"people whose numbers ");
    assert_has(body, "{\"name\":\"issuer\",\"type\":\"text\",\"unit\":null,\"default\":\"otpd\",");
    for (const char *at = body; (at = strstr(at, "{\"name\":")) != NULL; at++)
        rows++;
    assert_int_equal(rows, brand_options_count);
}

static void brands_come_and_go(void **state)
{
    struct fixture *f = *state;
    assert_body(f, "GET brands", NULL, "{\"brands\":[{\"name\":\"DocDemo\",\"changed\":0}]}");
    const char *added = ask(f, "POST brand?name=Caf%C3%A9+%22A%22",
                            "{\"settings\":{\"otpMaxCount\":3,\"resend\":\"new\"}}");
    assert_ok(added, 201);
    assert_has(added, "{\"name\":\"Caf\xC3\xA9 \\\"A\\\"\",\"settings\":{\"otpMaxCount\":3,");
    assert_has(added, "\"changed\":[\"otpMaxCount\",\"resend\"],\"ruledByFile\":[],");
    assert_ok(ask(f, "POST brand?name=Plain", NULL), 201);
    assert_body(f, "GET brands", NULL,
                "{\"brands\":[{\"name\":\"Caf\xC3\xA9 \\\"A\\\"\",\"changed\":2},"
                "{\"name\":\"DocDemo\",\"changed\":0},{\"name\":\"Plain\",\"changed\":0}]}");
    assert_body(f, "DELETE brand?name=plain", NULL, "{\"removed\":\"Plain\"}");
    assert_int_equal(status_of(ask(f, "GET brand?name=Plain", NULL)), 404);
    assert_has(log_since(f), "brand=Plain what=removed");
}

static void only_what_is_named_changes(void **state)
{
    struct fixture *f = *state;
    const char *first = "{\"settings\":{\"otpMaxCount\":3,\"otpTimeOut\":60,\"issuer\":\"\"}}";
    const char *second = "{\"settings\":{\"otpTimeOut\":null},\"unset\":[\"issuer\"]}";
    assert_has(ask(f, "PUT brand?name=DocDemo", first),
               "\"changed\":[\"otpMaxCount\",\"otpTimeOut\",\"issuer\"],");
    const char *answer = ask(f, "PUT brand?name=DocDemo", second);
    assert_ok(answer, 200);
    assert_has(answer, "\"settings\":{\"otpMaxCount\":3,\"otpTimeOut\":null,");
    assert_has(answer, "\"issuer\":\"otpd\",");
    assert_has(answer, "\"changed\":[\"otpMaxCount\"],");
    assert_int_equal(f->writes, 2);
    assert_ok(ask(f, "PUT brand?name=DocDemo", second), 200);
    assert_ok(ask(f, "PUT brand?name=DocDemo", "{}"), 200);
    assert_int_equal(f->writes, 2);
}

static void keys_are_rotated_and_retired(void **state)
{
    struct fixture *f = *state;
    assert_has(ask(f, "POST brand/keys?name=DocDemo", NULL),
               "\"tokenKeys\":[{\"number\":2,\"isSigning\":true,\"createdAt\":\"2026-09-21T14:13:"
               "20Z\"},{\"number\":1,\"isSigning\":false,");
    const char *answer = ask(f, "POST brand/keys?name=DocDemo", "{\"secret\":\"" SECRET "\"}");
    assert_ok(answer, 200);
    assert_has(answer, "{\"number\":3,\"isSigning\":true,");
    assert_null(strstr(answer, SECRET));
    answer = ask(f, "DELETE brand/keys?name=DocDemo&number=1", NULL);
    assert_ok(answer, 200);
    assert_null(strstr(answer, "\"number\":1"));
    f->now_ms = 0; // as of a key that was made before times were kept
    assert_has(ask(f, "POST brand/keys?name=DocDemo", NULL),
               "{\"number\":4,\"isSigning\":true,\"createdAt\":null},");
}

static void the_log_has_names_and_no_values(void **state)
{
    struct fixture *f = *state;
    (void)ask(f, "PUT brand?name=DocDemo",
              "{\"settings\":{\"otpLength\":8,\"issuer\":\"Example\"}}");
    (void)ask(f, "POST brand/keys?name=DocDemo", "{\"secret\":\"" SECRET "\"}");
    (void)ask(f, "DELETE brand/keys?name=DocDemo&number=1", NULL);
    (void)ask(f, "PUT brand?name=DocDemo", "{\"settings\":{\"otpLength\":8}}");
    (void)ask(f, "PUT brand?name=DocDemo", "{\"settings\":{\"otpLength\":80}}");
    const char *log = log_since(f);
    size_t events = 0;
    assert_has(log, "brand=DocDemo what=changed settings=\"otpLength issuer\"");
    assert_has(log, "brand=DocDemo what=\"token key rotated\" settings=\"\"");
    assert_has(log, "brand=DocDemo what=\"token key retired: 1\" settings=\"\"");
    for (const char *at = log; (at = strstr(at, "brand.changed")) != NULL; at++)
        events++;
    assert_int_equal(events, 3);
    assert_null(strstr(log, SECRET));
    assert_null(strstr(log, "Example"));
}

struct refusal_row {
    const char *what;
    const char *body;
    int status;
    const char *title;
    const char *detail;
};

#define VALUE "Not a possible value"
#define ISSUER_RANGE "text of at most 127 bytes, in UTF-8 without control characters"

static const struct refusal_row refusal_rows[] = {
    {"GET brand", NULL, 400, "Bad request", "the query names no brand, as in ?name=DocDemo"},
    {"GET brand?name=%zz", NULL, 400, "Bad request",
     "the query names no brand, as in ?name=DocDemo"},
    {"GET brand?name=", NULL, 404, "No such brand", "there is no brand \\\"\\\""},
    {"GET brand?name=Absent", NULL, 404, "No such brand", "there is no brand \\\"Absent\\\""},
    {"GET brand?name=%FFa", NULL, 404, "No such brand", "there is no brand \\\"a\\\""},
    {"PUT brand?name=Absent", "{}", 404, "No such brand", "there is no brand \\\"Absent\\\""},
    {"DELETE brand?name=Absent", NULL, 404, "No such brand", "there is no brand \\\"Absent\\\""},
    {"POST brand/keys?name=Absent", NULL, 404, "No such brand", "there is no brand \\\"Absent\\\""},
    {"DELETE brand/keys?name=Absent&number=1", NULL, 404, "No such brand",
     "there is no brand \\\"Absent\\\""},
    {"POST brand?name=docdemo", "{}", 409, "Conflict", "there is a brand of that name already"},
    {"POST brand?name=%20A", "{}", 422, VALUE,
     "name: a brand's name is not empty and has no spaces at its ends"},
    {"POST brand?name=A%7CB", "{}", 422, VALUE,
     "name: \\\"A|B\\\" has a |, which separates parts of tokens"},
    {"POST brand?name=A", "{\"settings\":{\"otpLength\":3}}", 422, VALUE,
     "otpLength: \\\"3\\\" is not 4 to 10 digits"},
    {"PUT brand?name=DocDemo", "{", 400, "Bad request", "the body is not JSON (line 1, column 1)"},
    {"PUT brand?name=DocDemo", "[]", 400, "Bad request", "the body is not a JSON object"},
    {"PUT brand?name=DocDemo", "{\"settings\":{},\"settings\":{}}", 400, "Bad request",
     "the body is not JSON (line 1, column 25)"},
    {"PUT brand?name=DocDemo", "{\"setting\":{}}", 400, "Bad request",
     "the body has no member \\\"setting\\\""},
    {"DELETE brand?name=DocDemo", "{\"unset\":[]}", 400, "Bad request",
     "the body has no member \\\"unset\\\""},
    {"POST brand?name=A", "{\"unset\":[]}", 400, "Bad request",
     "the body has no member \\\"unset\\\""},
    {"PUT brand?name=DocDemo", "{\"settings\":[]}", 422, VALUE,
     "settings: an object is wanted, as in {\\\"otpMaxCount\\\":3}"},
    {"PUT brand?name=DocDemo", "{\"settings\":null}", 422, VALUE,
     "settings: an object is wanted, as in {\\\"otpMaxCount\\\":3}"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"otpMaxCuont\":3}}", 422, VALUE,
     "there is no setting \\\"otpMaxCuont\\\"; did you mean otpMaxCount?"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"colour\":3}}", 422, VALUE,
     "there is no setting \\\"colour\\\""},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"otpMaxCount\":65}}", 422, VALUE,
     "otpMaxCount: \\\"65\\\" is not 1 to 64, or null"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"otpMaxCount\":-1}}", 422, VALUE,
     "otpMaxCount: \\\"-1\\\" is not 1 to 64, or null"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"otpMaxCount\":3.0}}", 422, VALUE,
     "otpMaxCount: an integer is wanted: 1 to 64, or null"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"otpMaxCount\":\"3\"}}", 422, VALUE,
     "otpMaxCount: an integer is wanted: 1 to 64, or null"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"otpLength\":null}}", 422, VALUE,
     "otpLength: an integer is wanted: 4 to 10 digits"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"resend\":\"always\"}}", 422, VALUE,
     "resend: \\\"always\\\" is not same or new"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"resend\":1}}", 422, VALUE,
     "resend: a string is wanted: same or new"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"issuer\":\"a\\nb\"}}", 422, VALUE,
     "issuer: \\\"a?b\\\" is not " ISSUER_RANGE},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"issuer\":[]}}", 422, VALUE,
     "issuer: a string is wanted: " ISSUER_RANGE},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"smsTemplate\":\"none\"}}", 422, VALUE,
     "smsTemplate: template: no {otp} in it"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"translations\":\"vi\"}}", 422, VALUE,
     "translations: an object is wanted: object of at most 8191 bytes as JSON, or null"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"translations\":{\"vi\":{\"smsTemplate\":\"x\"}}}}",
     422, VALUE, "translations.vi.smsTemplate: template: no {otp} in it"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"translations.vi.smsTemplate\":\"x\"}}", 422, VALUE,
     "translations.vi.smsTemplate: template: no {otp} in it"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"translations.vi.smsTemplate\":3}}", 422, VALUE,
     "translations.vi.smsTemplate: a string or null is wanted"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"translations.vi\":\"{otp}\"}}", 422, VALUE,
     "translations.vi: a language and a text are wanted, as in translations.vi.smsTemplate"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"issuer.vi\":\"x\"}}", 422, VALUE,
     "there is no setting \\\"issuer.vi\\\""},
    {"PUT brand?name=DocDemo",
     "{\"settings\":{\"translations\":{\"vi\":{\"smsTemplate\":\"{otp}\"}},"
     "\"translations.ar.smsTemplate\":\"{otp}\"}}",
     422, VALUE, "translations is named twice"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"otpMaxAttempts\":6,\"lockAfterFailures\":5}}", 422,
     VALUE, "otpMaxAttempts: 6 is more than lockAfterFailures, which is 5"},
    {"PUT brand?name=DocDemo", "{\"settings\":{\"ogc\":\"a\"},\"unset\":[\"ogc\"]}", 422, VALUE,
     "ogc is named twice"},
    {"PUT brand?name=DocDemo", "{\"unset\":[\"ogcc\"]}", 422, VALUE,
     "there is no setting \\\"ogcc\\\"; did you mean ogc?"},
    {"PUT brand?name=DocDemo", "{\"unset\":\"ogc\"}", 422, VALUE,
     "unset: a list of names is wanted, as in [\\\"issuer\\\"]"},
    {"PUT brand?name=DocDemo", "{\"unset\":[1]}", 422, VALUE,
     "unset: a list of names is wanted, as in [\\\"issuer\\\"]"},
    {"POST brand/keys?name=DocDemo",
     "{\"secret\":\""
     "short"
     "\"}",
     422, VALUE, "token secret: 5 bytes are not 32 to 254"},
    {"POST brand/keys?name=DocDemo", "{\"secret\":\"\"}", 422, VALUE,
     "secret: a string of 32 to 254 bytes is wanted"},
    {"POST brand/keys?name=DocDemo", "{\"secret\":7}", 422, VALUE,
     "secret: a string of 32 to 254 bytes is wanted"},
    {"DELETE brand/keys?name=DocDemo", NULL, 400, "Bad request",
     "the query names no key, as in &number=1"},
    {"DELETE brand/keys?name=DocDemo&number=4294967296", NULL, 400, "Bad request",
     "the query names no key, as in &number=1"},
    {"DELETE brand/keys?name=DocDemo&number=2", NULL, 404, "No such key",
     "there is no token key 2"},
    {"DELETE brand/keys?name=DocDemo&number=1", NULL, 409, "Conflict",
     "token key 1 signs; rotate first, then retire it"},
    {"POST import", "{}", 422, VALUE, "format: 1 is wanted"},
    {"POST import", "{\"format\":2,\"brands\":[]}", 422, VALUE, "format: 1 is wanted"},
    {"POST import", "{\"format\":1}", 422, VALUE, "brands: a list of at most 1024 is wanted"},
    {"POST import", "{\"format\":1,\"brands\":[7]}", 422, VALUE,
     "brand 1 of the list: it has no name"},
    {"POST import", "{\"format\":1,\"brands\":[{\"name\":\"A\",\"id\":1}]}", 422, VALUE,
     "brand 1 of the list: it has other members than name and settings"},
    {"POST import", "{\"format\":1,\"brands\":[{\"name\":\"A\"},{\"name\":\"a\"}]}", 422, VALUE,
     "brand 2 of the list: its name is in the list twice"},
    {"POST import", "{\"format\":1,\"brands\":[{\"name\":\"A\"},{\"name\":\" \"}]}", 422, VALUE,
     "brand 2 of the list: name: a brand's name is not empty and has no spaces at its ends"},
    {"POST import",
     "{\"format\":1,\"brands\":[{\"name\":\"A\"},{\"name\":\"B\",\"settings\":{\"ogcc\":1}}]}", 422,
     VALUE, "brand 2 of the list: there is no setting \\\"ogcc\\\"; did you mean ogc?"},
    {"POST import", "{\"format\":1,\"brands\":[{\"name\":\"A\",\"settings\":{\"otpLength\":3}}]}",
     422, VALUE, "brand 1 of the list: otpLength: \\\"3\\\" is not 4 to 10 digits"},
};

static void assert_refusal(struct fixture *f, const struct refusal_row *row)
{
    char expected[1024];
    const char *answer = ask(f, row->what, row->body);
    (void)snprintf(expected, sizeof expected, "{\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}",
                   row->title, row->status, row->detail);
    if (status_of(answer) != row->status || strcmp(body_of(answer), expected) != 0)
        fail_msg("%s %s: %s, expected %s", row->what, row->body, answer, expected);
    assert_has(answer, "\r\nContent-Type: application/problem+json\r\n");
}

static void refusals_say_why_and_change_nothing(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(refusal_rows); i++)
        assert_refusal(f, &refusal_rows[i]);
    assert_int_equal(f->writes, 0);
    assert_body(f, "GET brands", NULL, "{\"brands\":[{\"name\":\"DocDemo\",\"changed\":0}]}");
    assert_null(strstr(log_since(f), "brand.changed"));
}

static void what_the_file_rules_is_changed_there(void **state)
{
    struct fixture *f = *state;
    char change[160];
    char reload[64];
    (void)snprintf(reload, sizeof reload, "(kill -HUP %ld)", (long)getpid());
    (void)snprintf(change, sizeof change,
                   "otpMaxCount of DocDemo is set in otpd.yaml:12; change it there and reload %s",
                   reload);
    rule(f);
    const struct refusal_row rows[] = {
        {"PUT brand?name=docdemo", "{\"settings\":{\"otpLength\":8,\"otpMaxCount\":3}}", 409,
         "Conflict", change},
        {"PUT brand?name=DocDemo", "{\"unset\":[\"otpMaxCount\"]}", 409, "Conflict", change},
        {"POST import",
         "{\"format\":1,\"brands\":[{\"name\":\"A\"},"
         "{\"name\":\"docdemo\",\"settings\":{\"otpMaxCount\":3}}]}",
         409, "Conflict", change},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_refusal(f, &rows[i]);
    const char *answer = ask(f, "DELETE brand?name=DocDemo", NULL);
    assert_int_equal(status_of(answer), 409);
    assert_has(answer, "DocDemo is a brand of otpd.yaml:11; take it out there and reload ");
    answer = ask(f, "POST brand/keys?name=DocDemo", NULL);
    assert_int_equal(status_of(answer), 409);
    assert_has(answer, "tokenKeyFile of DocDemo is set in otpd.yaml:13; change it there and ");
    assert_int_equal(f->writes, 0);
    assert_ok(ask(f, "PUT brand?name=DocDemo", "{\"settings\":{\"otpLength\":8}}"), 200);
}

static void some_settings_change_only_by_force(void **state)
{
    struct fixture *f = *state;
    static const char country[] = "{\"settings\":{\"defaultCountry\":\"IN\"}}";
    static const char all[] =
        "{\"format\":1,\"brands\":[{\"name\":\"A\"},{\"name\":\"DocDemo\",\"settings\":"
        "{\"defaultCountry\":\"US\"}}]}";
    static const char why[] = "defaultCountry: people whose numbers come without plus or 00 would "
                              "be others, known to nobody; it changes only by force (--force)";
    const struct refusal_row rows[] = {
        {"PUT brand?name=DocDemo", country, 409, "Conflict", why},
        {"PUT brand?name=DocDemo&force=yes", country, 409, "Conflict", why},
        {"POST import", all, 409, "Conflict", why},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_refusal(f, &rows[i]);
    assert_int_equal(f->writes, 0);
    assert_has(ask(f, "PUT brand?name=DocDemo&force=true", country), "\"defaultCountry\":\"IN\"");
    assert_ok(ask(f, "PUT brand?name=DocDemo", country), 200);
    assert_has(ask(f, "POST import?force=true", all), "\"changed\":[\"DocDemo\"]");
    assert_ok(ask(f, "POST brand?name=New", country), 201);
}

static void bodies_are_json_and_bounded(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *type;
        int status;
    } types[] = {
        {"text/plain", 415},
        {"application/jsonx", 415},
        {"application/json", 200},
        {"Application/JSON; charset=utf-8", 200},
    };
    static char large[70000];
    for (size_t i = 0; i < COUNT_OF(types); i++)
        assert_int_equal(status_of(ask_as(f, "PUT brand?name=DocDemo", types[i].type, "{}")),
                         types[i].status);
    memset(large, ' ', sizeof large - 1);
    memcpy(large, "{}", 2);
    const char *answer = ask(f, "PUT brand?name=DocDemo", large);
    assert_int_equal(status_of(answer), 413);
    assert_string_equal(body_of(answer),
                        "{\"title\":\"Too long\",\"status\":413,\"detail\":\"the body has 69999 "
                        "bytes, and at most 65536 are taken\"}");
    memcpy(large, "{\"format\":1,\"brands\":[]}", 24);
    assert_ok(ask(f, "POST import", large), 200);
}

struct failure_row {
    enum err err;
    int status;
    const char *detail;
};

static void what_the_store_says_is_passed_on(void **state)
{
    struct fixture *f = *state;
    static const struct failure_row rows[] = {
        {ERR_BUSY, 409, "write the brand's settings: too busy"},
        {ERR_IO, 503, "write the brand's settings: input or output failed"},
        {ERR_NO_MEMORY, 503, "write the brand's settings: out of memory"},
        {ERR_TIMEOUT, 503, "write the brand's settings: timed out"},
    };
    static const char *const asked[][2] = {
        {"PUT brand?name=DocDemo", "{\"settings\":{\"otpLength\":8}}"},
        {"POST brand?name=New", "{}"},
        {"POST brand/keys?name=DocDemo", "{}"},
        {"DELETE brand?name=DocDemo", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows) * COUNT_OF(asked); i++) {
        const struct failure_row *row = &rows[i % COUNT_OF(rows)];
        const char *const *what = asked[i / COUNT_OF(rows)];
        f->put_err = row->err;
        const char *answer = ask(f, what[0], what[1]);
        assert_int_equal(status_of(answer), row->status);
        assert_has(answer, row->detail);
    }
    f->put_err = ERR_OK;
    assert_has(ask(f, "GET brand?name=DocDemo", NULL), "\"changed\":[]");
    assert_null(strstr(log_since(f), "brand.changed"));
}

#define EXPORTED                                                                          \
    "{\"format\":1,\"brands\":[{\"name\":\"Cafe\",\"settings\":{\"resend\":\"new\","      \
    "\"issuer\":\"\\\"x\\\"\"}},{\"name\":\"DocDemo\",\"settings\":{\"otpMaxCount\":3}}," \
    "{\"name\":\"Same\",\"settings\":{}}]}"

static void an_export_comes_in_again(void **state)
{
    struct fixture *f = *state;
    assert_body(f, "POST import", EXPORTED,
                "{\"added\":[\"Cafe\",\"Same\"],\"changed\":[\"DocDemo\"],\"unchanged\":[]}");
    assert_int_equal(f->writes, 3);
    assert_body(f, "GET export", NULL, EXPORTED);
    assert_body(f, "POST import", EXPORTED,
                "{\"added\":[],\"changed\":[],\"unchanged\":[\"Cafe\",\"DocDemo\",\"Same\"]}");
    assert_int_equal(f->writes, 3);
    assert_has(log_since(f), "brand=DocDemo what=imported settings=otpMaxCount");
}

#define TRANSLATED(texts) \
    "{\"format\":1,\"brands\":[{\"name\":\"DocDemo\",\"settings\":{\"translations\":" texts "}}]}"
#define ONE "{\"vi\":{\"smsTemplate\":\"vi {otp}\"}}"
#define TWO "{\"ar\":{\"smsTemplate\":\"ar {otp}\"},\"vi\":{\"smsTemplate\":\"vi {otp}\"}}"

// Whole, one by one, out of the one and into the other; the order of names does not count.
static void translations_are_an_object_and_its_paths(void **state)
{
    struct fixture *f = *state;
    assert_ok(ask(f, "PUT brand?name=DocDemo",
                  "{\"settings\":{\"translations\":{ \"vi\":{\"smsTemplate\":\"vi {otp}\"}}}}"),
              200);
    assert_body(f, "GET export", NULL, TRANSLATED(ONE));
    assert_ok(ask(f, "PUT brand?name=DocDemo",
                  "{\"settings\":{\"translations.ar.smsTemplate\":\"ar {otp}\","
                  "\"translations.ar.emailSender\":\"x\"}}"),
              200);
    assert_ok(
        ask(f, "PUT brand?name=DocDemo", "{\"settings\":{\"translations.ar.emailSender\":null}}"),
        200);
    assert_body(f, "GET export", NULL, TRANSLATED(TWO));
    assert_body(f, "POST import", TRANSLATED(TWO),
                "{\"added\":[],\"changed\":[],\"unchanged\":[\"DocDemo\"]}");
    assert_ok(ask(f, "PUT brand?name=DocDemo", "{\"unset\":[\"translations.ar\"]}"), 200);
    assert_body(f, "GET export", NULL, TRANSLATED(ONE));
    assert_ok(ask(f, "PUT brand?name=DocDemo", "{\"unset\":[\"translations\"]}"), 200);
    assert_has(ask(f, "GET brand?name=DocDemo", NULL),
               "\"translations\":null,\"encryption.endpoints\"");
}

static void an_import_sets_others_back_and_removes_nothing(void **state)
{
    struct fixture *f = *state;
    (void)ask(f, "POST import", EXPORTED);
    rule(f); // otpMaxCount of DocDemo stays, though the import does not name it
    assert_body(f, "POST import",
                "{\"format\":1,\"brands\":[{\"name\":\"DocDemo\",\"settings\":{\"otpLength\":8}},"
                "{\"name\":\"Cafe\"}]}",
                "{\"added\":[],\"changed\":[\"DocDemo\",\"Cafe\"],\"unchanged\":[]}");
    assert_body(f, "GET export", NULL,
                "{\"format\":1,\"brands\":[{\"name\":\"Cafe\",\"settings\":{}},{\"name\":"
                "\"DocDemo\",\"settings\":{\"otpMaxCount\":3,\"otpLength\":8}},{\"name\":\"Same\","
                "\"settings\":{}}]}");
    assert_body(f, "POST import",
                "{\"format\":1,\"brands\":[{\"name\":\"DocDemo\",\"settings\":{\"otpMaxCount\":3,"
                "\"otpLength\":8}}]}",
                "{\"added\":[],\"changed\":[],\"unchanged\":[\"DocDemo\"]}");
}

// What an export never has, an import does not take away.
static void a_secret_is_shown_to_nobody_and_stays(void **state)
{
    struct fixture *f = *state;
    assert_has(ask(f, "GET options", NULL),
               "\"nullable\":true,\"secret\":true,\"help\":\"What that header must hold;");
    const char *set = ask(f, "PUT brand?name=DocDemo",
                          "{\"settings\":{\"rejectWithoutHeader\":\"X-Cdn\","
                          "\"rejectWithoutHeaderValue\":\"knock knock\"}}");
    assert_ok(set, 200);
    assert_has(set, "\"rejectWithoutHeader\":\"X-Cdn\",\"rejectWithoutHeaderValue\":\"***\"");
    assert_has(log_since(f), "settings=\"rejectWithoutHeader rejectWithoutHeaderValue\"");
    assert_body(f, "GET export", NULL,
                "{\"format\":1,\"brands\":[{\"name\":\"DocDemo\",\"settings\":{"
                "\"rejectWithoutHeader\":\"X-Cdn\"}}]}");
    assert_ok(ask(f, "POST import", EXPORTED), 200);
    assert_has(ask(f, "GET brand?name=DocDemo", NULL),
               "\"rejectWithoutHeader\":null,\"rejectWithoutHeaderValue\":\"***\"");
    assert_null(strstr(ask(f, "PUT brand?name=DocDemo",
                           "{\"settings\":{\"rejectWithoutHeaderValue\":\"knock\\nknock\"}}"),
                       "knock"));
}

static void an_import_that_fails_says_how_far_it_came(void **state)
{
    struct fixture *f = *state;
    f->put_err = ERR_IO;
    const char *answer = ask(f, "POST import", EXPORTED);
    assert_int_equal(status_of(answer), 503);
    assert_has(answer, "0 of 3 brands were written, then: write the brand's settings: input or");
}

// Bodies cut and changed at random: every one is answered, and what is taken is within its range.
static void no_body_does_harm(void **state)
{
    struct fixture *f = *state;
    static const char *const seeds[] = {
        "{\"settings\":{\"otpMaxCount\":3,\"otpTimeOut\":null},\"unset\":[\"issuer\"]}",
        "{\"settings\":{\"issuer\":\"\\u00e9\\ud83d\\ude00\",\"smsTemplate\":\"{otp}\"}}",
        "{\"settings\":{\"otpLength\":99999999999999999999}}",
    };
    for (unsigned i = 0; i < 3000; i++) {
        char body[128] = "";
        const char *seed = seeds[i % COUNT_OF(seeds)];
        size_t len = 1 + seeded_below(&f->seeded, strlen(seed));
        memcpy(body, seed, len);
        for (unsigned j = 0; j < seeded_below(&f->seeded, 3); j++)
            body[seeded_below(&f->seeded, len)] =
                "\"{}[]:,0-9e\\\x80 "[seeded_below(&f->seeded, 14)];
        int status = status_of(ask(f, "PUT brand?name=DocDemo", body));
        assert_true(status == 200 || status == 400 || status == 422);
    }
    const struct brand_set *set = brands_acquire(f->brands);
    const struct brand *brand = brand_set_find(set, SPAN("DocDemo"));
    assert_int_equal(brand_settings_validate(&brand->settings, NULL), ERR_OK);
    brands_release(f->brands, &set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_brand_is_told_whole),
        TEST(options_are_told),
        TEST(brands_come_and_go),
        TEST(only_what_is_named_changes),
        TEST(keys_are_rotated_and_retired),
        TEST(the_log_has_names_and_no_values),
        TEST(refusals_say_why_and_change_nothing),
        TEST(what_the_file_rules_is_changed_there),
        TEST(bodies_are_json_and_bounded),
        TEST(some_settings_change_only_by_force),
        TEST(what_the_store_says_is_passed_on),
        TEST(an_export_comes_in_again),
        TEST(translations_are_an_object_and_its_paths),
        TEST(an_import_sets_others_back_and_removes_nothing),
        TEST(a_secret_is_shown_to_nobody_and_stays),
        TEST(an_import_that_fails_says_how_far_it_came),
        TEST(no_body_does_harm),
    };
    return cmocka_run_group_tests_name("brands_http", tests, NULL, NULL);
}
