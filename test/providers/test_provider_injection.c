// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// Whatever a text, a brand or a setting holds: the request has the structure that it always has,
// and a second parser finds the data as it was given, or the request is refused.
#include "config/recipe_file.h"
#include "providers/rig.h"

#include <stdlib.h>

static const struct span nasty[] = {
    SPAN("plain 012345"),
    SPAN("\"},{\"to\":\"919999999993\"}],\"x\":[{\"y\":\""),
    SPAN("&To=919999999993&Body=x"),
    SPAN("a=b&c%3Dd+e;f"),
    SPAN("line\r\nX-Injected: yes\r\n\r\nbody"),
    SPAN("{{otp}} {to} {authToken} {"),
    SPAN("}}}{{{ %s%n%x $(id) `id` ${x}"),
    SPAN("\\ \\\" \\u0022 \\"),
    SPAN("M\xC3\xA3 x\xC3\xA1"
         "c nh\xE1\xBA\xADn \xF0\x9F\x94\x91"),
    SPAN("\x01\x02\x1B[31m\x7F"),
    SPAN("<Code>x</Code>&amp;<!--"),
    SPAN("\xE2\x80\xA8\xE2\x80\xAE"),
    SPAN("\0nul\0"),
};

static const struct {
    const char *recipe, *settings;
} subjects[] = {
    {"twilio", "{\"accountSid\":\"AC1\",\"authToken\":\"secret\",\"sender\":\"S\"}"},
    {"infobip",
     "{\"endpoint\":\"https://a.api.infobip.com\",\"apiKey\":\"key1\",\"sender\":\"S\"}"},
    {"vonage", "{\"apiKey\":\"k\",\"apiSecret\":\"secret\",\"sender\":\"S\"}"},
    {"gupshup",
     "{\"userid\":\"1\",\"password\":\"secret\",\"entityId\":\"2\",\"templateId\":\"3\"}"},
    {"kaleyra", "{\"sid\":\"S\",\"apiKey\":\"key1\",\"sender\":\"S\"}"},
    {"aws-eum", "{\"endpoint\":\"https://e.example.com\",\"region\":\"r\",\"accessKeyId\":\"A\","
                "\"secretAccessKey\":\"secret\"}"},
    {"aws-sns", "{\"endpoint\":\"https://e.example.com\",\"region\":\"r\",\"accessKeyId\":\"A\","
                "\"secretAccessKey\":\"secret\"}"},
    {"webhook", "{\"url\":\"https://example.com/x\",\"signingSecret\":\"secret\"}"},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static int hex_digit(uint8_t byte)
{
    const char *digits = "0123456789ABCDEF";
    const char *at = memchr(digits, byte, 16);
    assert_non_null(at);
    return (int)(at - digits);
}

static struct span form_decode(struct span text, uint8_t *room)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i] == '+' ? ' ' : text.data[i];
        if (byte == '%') {
            assert_true(i + 2 < text.len);
            byte = (uint8_t)(hex_digit(text.data[i + 1]) << 4 | hex_digit(text.data[i + 2]));
            i += 2;
        }
        room[len++] = byte;
    }
    return span_make(room, len);
}

// The names of a form, and how often `wanted` is among its values.
static size_t form_count(struct span body, struct span wanted, struct strbuf *names)
{
    static uint8_t room[HTTP_BODY_BYTES_MAX];
    size_t found = 0;
    while (body.len > 0) {
        struct span value;
        struct span pair = span_split(body, '&', &body);
        struct span name = span_split(pair, '=', &value);
        strbuf_put(names, name);
        strbuf_put_byte(names, '&');
        found += span_eq(form_decode(value, room), wanted);
    }
    return found;
}

static size_t json_count(json_t *json, struct span wanted, struct strbuf *names)
{
    size_t found = 0, index;
    const char *name;
    json_t *child;
    if (json_is_string(json))
        return span_eq(span_make(json_string_value(json), json_string_length(json)), wanted);
    json_object_foreach(json, name, child)
    {
        strbuf_put_text(names, name);
        strbuf_put_byte(names, '{');
        found += json_count(child, wanted, names);
        strbuf_put_byte(names, '}');
    }
    json_array_foreach(json, index, child)
    {
        strbuf_put_byte(names, '[');
        found += json_count(child, wanted, names);
        strbuf_put_byte(names, ']');
    }
    return found;
}

static size_t body_count(struct span body, struct span wanted, struct strbuf *names)
{
    if (body.data[0] != '{')
        return form_count(body, wanted, names);
    json_t *json = json_loadb((const char *)body.data, body.len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    assert_non_null(json);
    size_t found = json_count(json, wanted, names);
    json_decref(json);
    return found;
}

static size_t headers_count(const struct vendor_request *request)
{
    size_t count = 0;
    struct span headers = wire_reveal(&request->headers);
    for (size_t i = 0; i < headers.len; i++) {
        assert_true(headers.data[i] != '\r' && headers.data[i] != '\n');
        count += headers.data[i] == '\0';
    }
    return count;
}

struct structure {
    uint8_t room[2048];
    struct strbuf names;
    size_t found, headers;
};

// `brand` is what the brand has set of its own.
static void look(const struct recipe_plan *plan, struct span text, struct span brand,
                 struct structure *out)
{
    static struct rendered rendered;
    struct rig_message message;
    rig_message(&message, SPAN("12025550147"), text, SPAN("012345"));
    message.request.brand = text;
    message.request.sender = brand;
    message.request.template_id = brand;
    assert_int_equal(rig_render(plan, &message, &rendered, NULL), ERR_OK);
    out->names = strbuf_over(out->room, sizeof out->room);
    out->found = body_count(wire_reveal(&rendered.request.body), text, &out->names);
    out->headers = headers_count(&rendered.request);
    assert_false(out->names.is_overflowed);
}

static void texts_change_no_structure(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(subjects); i++) {
        struct recipe *recipe = rig_recipe(subjects[i].recipe);
        json_t *settings = json_loads(subjects[i].settings, 0, NULL);
        struct recipe_plan *plan = rig_plan(recipe, settings);
        struct structure plain, other;
        look(plan, nasty[0], nasty[0], &plain);
        assert_true(plain.found > 0);
        for (size_t k = 1; k < COUNT_OF(nasty); k++) {
            look(plan, nasty[k], nasty[k], &other);
            if (other.found != plain.found || other.headers != plain.headers ||
                !span_eq(strbuf_span(&other.names), strbuf_span(&plain.names)))
                fail_msg("%s, text %zu", subjects[i].recipe, k);
        }
        recipe_plan_destroy(&plan);
        json_decref(settings);
        recipe_destroy(&recipe);
    }
}

// A setting with a control character is refused when it is set; anything else stays data.
static void settings_change_no_structure(void **state)
{
    struct recipe *recipe = rig_recipe("twilio");
    (void)state;
    for (size_t k = 0; k < COUNT_OF(nasty); k++) {
        struct recipe_plan *plan = NULL;
        struct err_info info;
        struct structure seen;
        bool has_control = false;
        for (size_t i = 0; i < nasty[k].len; i++)
            has_control = has_control || nasty[k].data[i] < 0x20;
        const struct recipe_setting settings[] = {
            {SPAN("accountSid"), SPAN("AC1")},
            {SPAN("authToken"), SPAN("token")},
            {SPAN("sender"), nasty[k]},
        };
        enum err err = recipe_bind(recipe, settings, COUNT_OF(settings), &plan, &info);
        assert_int_equal(err, has_control ? ERR_INVALID : ERR_OK);
        if (err != ERR_OK) {
            assert_string_equal(info.text, "sender: it has a control character, or a byte that is "
                                           "no UTF-8");
            continue;
        }
        look(plan, SPAN("text"), SPAN(""), &seen);
        assert_true(span_eq(strbuf_span(&seen.names), SPAN("To&From&Body&ValidityPeriod&")));
        assert_int_equal(seen.headers, 3);
        recipe_plan_destroy(&plan);
    }
    recipe_destroy(&recipe);
}

static void settings_in_a_path_stay_in_their_segment(void **state)
{
    static struct rendered rendered;
    struct recipe *recipe = rig_recipe("twilio");
    struct rig_message message;
    json_t *settings = json_pack("{s:s,s:s}", "accountSid", "../x?y=z#w &", "authToken", "t");
    struct recipe_plan *plan = rig_plan(recipe, settings);
    (void)state;
    rig_message(&message, SPAN("12025550147"), SPAN("x"), SPAN("012345"));
    assert_int_equal(rig_render(plan, &message, &rendered, NULL), ERR_OK);
    assert_string_equal((const char *)wire_reveal(&rendered.request.url).data,
                        "https://api.twilio.com/2010-04-01/Accounts/"
                        "..%2Fx%3Fy%3Dz%23w%20%26/Messages.json");
    recipe_plan_destroy(&plan);
    json_decref(settings);
    recipe_destroy(&recipe);
}

static void texts_that_are_no_utf8_are_refused(void **state)
{
    static struct rendered rendered;
    struct err_info info;
    struct recipe *recipe = rig_recipe("twilio");
    struct rig_message message;
    json_t *settings = json_pack("{s:s,s:s}", "accountSid", "AC1", "authToken", "t");
    struct recipe_plan *plan = rig_plan(recipe, settings);
    (void)state;
    rig_message(&message, SPAN("12025550147"), SPAN("\xC0\xAF 012345"), SPAN("012345"));
    assert_int_equal(rig_render(plan, &message, &rendered, &info), ERR_INVALID);
    assert_string_equal(info.text, "the message does not fit into the provider's request");
    recipe_plan_destroy(&plan);
    json_decref(settings);
    recipe_destroy(&recipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_change_no_structure),
        cmocka_unit_test(settings_change_no_structure),
        cmocka_unit_test(settings_in_a_path_stay_in_their_segment),
        cmocka_unit_test(texts_that_are_no_utf8_are_refused),
    };
    return cmocka_run_group_tests_name("providers/injection", tests, NULL, NULL);
}
