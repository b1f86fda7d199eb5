// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// What a recipe may be, and what it is bound with. Whole recipes and their bytes are tested with
// the providers' data.
#include "channel/recipe.h"
#include "channel/test_recipe_lines.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define BASE "recipe=x\nchannels=SMS\nrequest.url=https://example.com/\n"
#define ROTATING                                                                                  \
    BASE "auth.kind=rotating\ntoken.url=https://example.com/token\ntoken.form.r={refreshToken}\n" \
         "token.access=a\ntoken.refresh=r\ntoken.seconds=s\ntoken.refreshDays=90\n"
#define PROBE BASE "probe.url=https://example.com/\n"
#define TOKEN "parameters.token.secret=true\nparameters.name.optional=true\n"

struct complaints {
    size_t count;
    uint32_t line;
    char first[512];
};

static void on_error(void *ctx, uint32_t line, uint32_t column, const struct err_info *info)
{
    struct complaints *complaints = ctx;
    assert_true(line > 0 && column > 0);
    if (complaints->count++ > 0)
        return;
    complaints->line = line;
    memcpy(complaints->first, info->text, sizeof complaints->first);
}

static struct recipe *compile(const char *text, struct complaints *out)
{
    static struct recipe_field fields[RECIPE_FIELDS_MAX];
    struct recipe *recipe = NULL;
    *out = (struct complaints){0};
    const struct recipe_complaints complaints = {on_error, out};
    size_t count = recipe_lines_split(span_of_text(text), fields, COUNT_OF(fields));
    enum err err = recipe_compile(fields, count, &complaints, &recipe);
    assert_int_equal(err, out->count > 0 ? ERR_INVALID : ERR_OK);
    assert_true((recipe == NULL) == (err != ERR_OK));
    return recipe;
}

struct wrong {
    const char *text;
    uint32_t line;
    const char *story;
};

static const struct wrong wrongs[] = {
    {"", 1, "there is no \"recipe\", which names it"},
    {"recipe=x", 1, "there are no \"channels\""},
    {"recipe=x\nchannels=SMS", 1, "there is no \"request.url\""},
    {"recipe=a b", 1, "a name has up to 64 letters, digits and \"-\""},
    {BASE "recipe=y", 4, "it is given twice; first in line 1"},
    {BASE "colour=red", 4, "a recipe has no \"colour\""},
    {BASE "reply.ID=x", 4, "a recipe has no \"reply.ID\""},
    {BASE "reply=x", 4, "a recipe has no \"reply\""},
    {"recipe=x\nchannels=SMS FAX", 2,
     "channels are SMS, WHATSAPP, ZALO and EMAIL, with spaces between"},
    {BASE "request.method=PUT", 4, "\"PUT\" is none of POST, GET"},
    {BASE "request.textBytesMax=0", 4, "a number from 1 to 1000000 is wanted"},
    {BASE "request.secondsMin=-1", 4, "a number from 1 to 1000000 is wanted"},
    {"request.url=http://example.com/", 1, "a URL begins with https:// or with {parameter|url}"},
    {"request.url=", 1, "it is empty"},
    {"request.url=https://example.com/{otp}", 1,
     "a code, a text or a secret must not stand in a URL: URLs are logged"},
    {"request.url=https://example.com/{text}", 1,
     "a code, a text or a secret must not stand in a URL: URLs are logged"},
    {TOKEN "request.url=https://example.com/{token}", 3,
     "a code, a text or a secret must not stand in a URL: URLs are logged"},
    {TOKEN BASE "query.t={token}", 6,
     "a code, a text or a secret must not stand in a URL: URLs are logged"},
    {TOKEN "request.url=https://example.com/{name}", 3, "what may be unset cannot stand here"},
    {"request.url=https://example.com/\xC3\xA9", 1, "only printable ASCII can stand here"},
    {BASE "form.a={b}", 4, "neither a parameter nor something of a message: \"b\""},
    {BASE "form.a={to", 4, "\"{\" without \"}\" (\"{{\" is a brace): \"{to\""},
    {BASE "form.a=to}", 4, "\"}\" without \"{\" (\"}}\" is a brace): \"}\""},
    {BASE "form.a={to|upper}", 4, "unknown filter (known are number, url): \"upper\""},
    {BASE "form.a={minutes|number}", 4,
     "|url is for a parameter that a URL begins with, |number for a number that is alone in a JSON "
     "string"},
    {BASE "form.a=\x01", 4, "a control character"},
    {BASE "headers.X-A=a\tb", 4, "only printable ASCII can stand here"},
    {BASE "headers.Content-Length=1", 4,
     "no name of a header, or one that is written without being asked"},
    {BASE "headers.X A=1", 4, "no name of a header, or one that is written without being asked"},
    {BASE "headers.X:=1", 4, "no name of a header, or one that is written without being asked"},
    {BASE "json={\"a\":1", 4, "json: '}' expected near end of file (line 1 of the text)"},
    {BASE "json={\"a\":1,\"a\":2}", 4,
     "json: duplicate object key near '\"a\"' (line 1 of the text)"},
    {BASE "json={\"a\":\"{b}\"}", 4,
     "neither a parameter nor something of a message: \"b\" (line 1 of the text)"},
    {BASE "json={\"a\":\"{minutes|number} m\"}", 4,
     "|url is for a parameter that a URL begins with, |number for a number that is alone in a JSON "
     "string (line 1 of the text)"},
    {BASE "json={\"a\":\"{text|number}\"}", 4,
     "|url is for a parameter that a URL begins with, |number for a number that is alone in a JSON "
     "string (line 1 of the text)"},
    {BASE "json=[[[[[[[[[[[[[1]]]]]]]]]]]]]", 4, "nested deeper than 12 (line 1 of the text)"},
    {BASE "json={}\nform.a=b", 1, "there are both \"json\" and \"form\""},
    {BASE "request.method=GET\nform.a=b", 1, "a GET has no body"},
    {BASE "auth.kind=basic", 1, "\"auth.user\" and \"auth.password\" are missing"},
    {BASE "auth.kind=bearer", 1, "\"auth.token\" is missing"},
    {"parameters.a.overriddenBy=otp", 1,
     "messageLanguage, messageLocale, brandSender or brandTemplateId is wanted"},
    {"parameters.brandSender.help=x", 1, "\"brandSender\" cannot be a parameter's name"},
    {BASE "parameters.a.overriddenBy=brandSender\nparameters.a.secret=true", 1,
     "a secret parameter has no \"overriddenBy\""},
    {"parameters.a.overriddenBy=brandSender\nauth.token={a}", 2,
     "a parameter with \"overriddenBy\" cannot stand here"},
    {"parameters.a.overriddenBy=brandSender\nrequest.url={a|url}", 2,
     "a parameter with \"overriddenBy\" cannot stand here"},
    {"request.url=https://example.com/{brandSender}", 1, "what may be unset cannot stand here"},
    {BASE "query.s={subject}", 4,
     "a code, a text or a secret must not stand in a URL: URLs are logged"},
    {BASE "auth.token={to}", 4, "only parameters are for credentials"},
    {BASE "auth.token={name}\n" TOKEN, 4, "what may be unset cannot stand here"},
    {BASE "auth.kind=rotating", 1, "\"token.url\" and \"token.form\" are missing"},
    {BASE "auth.kind=rotating\ntoken.url=https://example.com/\ntoken.form.a=b", 1,
     "\"token.access\", \"token.refresh\" and \"token.seconds\" are missing"},
    {BASE "token.url=https://example.com/", 1,
     "\"token\" is of no use without \"auth.kind: rotating\""},
    {BASE "codes.1=token_ended", 1, "\"token_ended\" is of no use without \"auth.kind: rotating\""},
    {BASE "headers.a={token}", 4, "neither a parameter nor something of a message: \"token\""},
    {ROTATING "query.a={token}", 11,
     "a code, a text or a secret must not stand in a URL: URLs are logged"},
    {ROTATING "headers.a={refreshToken}", 11,
     "fetching a token knows {refreshToken} and nothing of a message; a message knows no "
     "{refreshToken}"},
    {ROTATING "token.form.a={to}", 11,
     "fetching a token knows {refreshToken} and nothing of a message; a message knows no "
     "{refreshToken}"},
    {ROTATING "token.headers.Host=a", 11,
     "no name of a header, or one that is written without being asked"},
    {ROTATING "parameters.token.help=a", 11, "\"token\" cannot be a parameter's name"},
    {BASE "auth.kind=rotating\ntoken.url=http://example.com/", 5,
     "a URL begins with https:// or with {parameter|url}"},
    {BASE "probe.url=https://example.com/{to}", 4, "a probe knows nothing of a message"},
    {BASE "probe.url=https://example.com/{otp}", 4,
     "a code, a text or a secret must not stand in a URL: URLs are logged"},
    {BASE "probe.url=http://example.com/", 4, "a URL begins with https:// or with {parameter|url}"},
    {ROTATING "probe.url=https://example.com/{token}", 11,
     "a code, a text or a secret must not stand in a URL: URLs are logged"},
    {BASE "probe.url=https://example.com/{id}", 4, "a probe knows nothing of a message"},
    {BASE "probe.headers.a={to}", 4, "a probe knows nothing of a message"},
    {BASE "probe.form.a={text}", 4, "a probe knows nothing of a message"},
    {BASE "probe.json={\"a\":\"{minutes|number}\"}", 4,
     "a probe knows nothing of a message (line 1 of the text)"},
    {BASE "probe.form.a={token}", 4, "neither a parameter nor something of a message: \"token\""},
    {BASE "probe.headers.Content-Length=1", 4,
     "no name of a header, or one that is written without being asked"},
    {BASE "probe.method=PUT", 4, "\"PUT\" is none of GET, POST"},
    {BASE "probe.user={name}\n" TOKEN, 4, "what may be unset cannot stand here"},
    {BASE "probe.statuses.4xx=ready", 4, "a status such as 418, or 500-599, is wanted"},
    {BASE "probe.codes.1=unknown", 4,
     "\"unknown\" is no reason; there are ready, invalid_number, not_mobile, unreachable, "
     "blocked_by_user, no_account_on_channel, carrier_filtered, sender_not_registered, "
     "template_invalid, template_params, region_disabled, throttled, quota_or_balance, "
     "auth_failed, vendor_down, unclassified, token_ended"},
    {BASE "codes.1=ready", 4,
     "\"ready\" is no reason; there are invalid_number, not_mobile, unreachable, blocked_by_user, "
     "no_account_on_channel, carrier_filtered, sender_not_registered, template_invalid, "
     "template_params, region_disabled, throttled, quota_or_balance, auth_failed, "
     "vendor_down, "
     "unclassified, token_ended"},
    {BASE "probe.codes.1=ready", 1, "\"probe\" is of no use without \"probe.url\""},
    {PROBE "probe.user=a", 1, "\"probe.user\" and \"probe.password\" belong together"},
    {PROBE "probe.form.a=b", 1, "a probe by GET has no body"},
    {PROBE "probe.method=POST\nprobe.form.a=b\nprobe.json={}", 1,
     "there are both \"probe.json\" and \"probe.form\""},
    {PROBE "probe.acceptedValues=a", 1,
     "\"probe.acceptedValues\" is of no use without \"probe.acceptedPath\""},
    {PROBE "probe.acceptedPath=a\nreply.format=nothing", 1,
     "a reply of no format has no \"probe.acceptedPath\""},
    {BASE "reply.id=a..b", 4, "a path is names, numbers and \"*\" with dots between, at most 8"},
    {BASE "reply.id=1.2.3.4.5.6.7.8.9", 4,
     "a path is names, numbers and \"*\" with dots between, at most 8"},
    {BASE "reply.statuses=200-300", 4,
     "statuses such as 200 or 200-202 are wanted, within 200-299"},
    {BASE "reply.acceptedValues=a", 1,
     "\"reply.acceptedValues\" is of no use without \"reply.acceptedPath\""},
    {BASE "statuses.4xx=throttled", 4, "a status such as 418, or 500-599, is wanted"},
    {BASE "codes.1=slow", 4,
     "\"slow\" is no reason; there are invalid_number, not_mobile, unreachable, blocked_by_user, "
     "no_account_on_channel, carrier_filtered, sender_not_registered, template_invalid, "
     "template_params, region_disabled, throttled, quota_or_balance, auth_failed, "
     "vendor_down, "
     "unclassified, token_ended"},
    {"parameters.to.help=x", 1, "\"to\" cannot be a parameter's name"},
    {"parameters.a.colour=x", 1, "a parameter has help, preset, secret, optional and overriddenBy"},
    {"parameters.a.secret=yes", 1, "true or false is wanted"},
};

static void wrong_recipes_are_refused_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrongs); i++) {
        struct complaints complaints;
        assert_null(compile(wrongs[i].text, &complaints));
        assert_string_equal(complaints.first, wrongs[i].story);
        assert_int_equal(complaints.line, wrongs[i].line);
    }
}

static void all_errors_are_told_at_once(void **state)
{
    struct complaints complaints;
    (void)state;
    assert_null(compile("a=1\nchannels=X\nform.a={b}\ncodes.1=x", &complaints));
    assert_int_equal(complaints.count, 4);
}

static void most_pairs_are_taken_and_more_are_not(void **state)
{
    char text[2048] = BASE;
    struct complaints complaints;
    size_t len = sizeof BASE - 1;
    (void)state;
    for (unsigned i = 0; i < 25; i++) {
        struct recipe *recipe = compile(text, &complaints);
        assert_non_null(recipe);
        recipe_destroy(&recipe);
        memcpy(text + len, "form.x_=1\n", 11);
        text[len + 6] = (char)('a' + i);
        len += 10;
    }
    assert_null(compile(text, &complaints));
    assert_string_equal(complaints.first, "more than 24 of them");
}

static void parameters_are_listed_as_they_stand(void **state)
{
    struct complaints complaints;
    const struct recipe_parameter *parameters;
    struct recipe *recipe =
        compile(BASE TOKEN "parameters.region.preset=r\nparameters.token.help=h", &complaints);
    (void)state;
    assert_int_equal(recipe_parameters(recipe, &parameters), 3);
    assert_true(span_eq(parameters[0].name, SPAN("token")));
    assert_true(span_eq(parameters[0].help, SPAN("h")));
    assert_true(parameters[0].is_secret && !parameters[0].is_optional);
    assert_true(parameters[1].is_optional && !parameters[1].is_secret);
    assert_true(span_eq(parameters[2].preset, SPAN("r")));
    assert_int_equal(recipe_channels(recipe), 1U << CHANNEL_SMS);
    recipe_destroy(&recipe);
}

struct binding {
    struct recipe_setting settings[3];
    size_t count;
    const char *story; // NULL: taken
};

static const char long_value[RECIPE_VALUE_BYTES_MAX + 1] = {[0 ... RECIPE_VALUE_BYTES_MAX] = 'x'};

#define URL                                          \
    {                                                \
        SPAN("url"), SPAN("https://a.example/b?c=d") \
    }
#define KEY                    \
    {                          \
        SPAN("key"), SPAN("k") \
    }
#define WANTED_URL "url: an https:// URL is wanted (http:// for this machine alone)"

static const struct binding bindings[] = {
    {{URL, KEY}, 2, NULL},
    {{URL}, 1, "key: it is missing"},
    {{URL, KEY, KEY}, 3, "key: it is given twice"},
    {{URL, {SPAN("key"), SPAN("")}}, 2, "key: it is empty"},
    {{URL, {SPAN("Key"), SPAN("k")}}, 2, "x has no parameter \"Key\"; it has url, key, name"},
    {{URL, {SPAN("key"), {(const uint8_t *)long_value, sizeof long_value}}},
     2,
     "key: it is longer than 1024 bytes"},
    {{URL, {SPAN("key"), {(const uint8_t *)long_value, sizeof long_value - 1}}}, 2, NULL},
    {{URL, {SPAN("key"), SPAN("a\r\nX: y")}},
     2,
     "key: it has a control character, or a byte that is no UTF-8"},
    {{URL, {SPAN("key"), SPAN("\xC3\xA9")}},
     2,
     "a value has a character that a header cannot have"},
    {{{SPAN("url"), SPAN("http://127.0.0.1:81/x")}, KEY}, 2, NULL},
    {{{SPAN("url"), SPAN("http://localhost")}, KEY}, 2, NULL},
    {{{SPAN("url"), SPAN("http://[::1]:81/x")}, KEY}, 2, NULL},
    {{{SPAN("url"), SPAN("https://[2001:db8::1]/x")}, KEY}, 2, NULL},
    {{{SPAN("url"), SPAN("http://a.example/")}, KEY}, 2, WANTED_URL},
    {{{SPAN("url"), SPAN("http://127.0.0.1.a.example/")}, KEY}, 2, WANTED_URL},
    {{{SPAN("url"), SPAN("http://localhost@a.example/")}, KEY}, 2, WANTED_URL},
    {{{SPAN("url"), SPAN("https://u:p@a.example/")}, KEY}, 2, WANTED_URL},
    {{{SPAN("url"), SPAN("https://")}, KEY}, 2, WANTED_URL},
    {{{SPAN("url"), SPAN("ftp://a.example/")}, KEY}, 2, WANTED_URL},
    {{{SPAN("url"), SPAN("https://a.example/#x")}, KEY}, 2, WANTED_URL},
    {{{SPAN("url"), SPAN("https://a.example/a b")}, KEY}, 2, WANTED_URL},
    {{{SPAN("url"), SPAN("HTTPS://a.example/")}, KEY}, 2, WANTED_URL},
};

static void settings_are_checked(void **state)
{
    struct complaints complaints;
    struct recipe *recipe =
        compile("recipe=x\nchannels=SMS\nparameters.url.help=u\nparameters.key.secret=true\n"
                "parameters.name.optional=true\nrequest.url={url|url}\nheaders.X-Key={key}",
                &complaints);
    (void)state;
    assert_non_null(recipe);
    for (size_t i = 0; i < COUNT_OF(bindings); i++) {
        struct recipe_plan *plan = NULL;
        struct err_info info = {""};
        enum err err = recipe_bind(recipe, bindings[i].settings, bindings[i].count, &plan, &info);
        assert_int_equal(err, bindings[i].story == NULL ? ERR_OK : ERR_INVALID);
        if (err == ERR_OK)
            recipe_plan_destroy(&plan);
        else
            assert_string_equal(info.text, bindings[i].story);
    }
    recipe_destroy(&recipe);
}

static void signing_secret_must_be_one(void **state)
{
    struct complaints complaints;
    struct recipe *recipe = compile(BASE "parameters.s.secret=true\nauth.secret={s}\n"
                                         "auth.kind=standardWebhooks",
                                    &complaints);
    struct recipe_plan *plan = NULL;
    struct err_info info;
    const struct recipe_setting wrong = {SPAN("s"), SPAN("whsec_not base64")};
    const struct recipe_setting right = {SPAN("s"), SPAN("whsec_AAECAwQFBgcICQoLDA0ODw==")};
    (void)state;
    assert_int_equal(recipe_bind(recipe, &wrong, 1, &plan, &info), ERR_INVALID);
    assert_string_equal(info.text, "the signing secret is no \"whsec_\" with base64 behind it");
    assert_int_equal(recipe_bind(recipe, &right, 1, &plan, &info), ERR_OK);
    recipe_plan_destroy(&plan);
    recipe_destroy(&recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_recipes_are_refused_with_their_place),
        cmocka_unit_test(all_errors_are_told_at_once),
        cmocka_unit_test(most_pairs_are_taken_and_more_are_not),
        cmocka_unit_test(parameters_are_listed_as_they_stand),
        cmocka_unit_test(settings_are_checked),
        cmocka_unit_test(signing_secret_must_be_one),
    };
    return cmocka_run_group_tests_name("channel/recipe", tests, NULL, NULL);
}
