// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "api/json.h"
#include "api/json_array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// Elements with '|' after each, then how it ended: "." or "!" (broken). The text is copied to a
// block of its own size, so that a read past its end is seen.
static void take_apart(const char *text, size_t len, char *out, size_t cap)
{
    struct json_elements elements;
    struct span element;
    enum json_step step;
    char *copy = malloc(len + 1);
    size_t held = 0;
    assert_non_null(copy);
    memcpy(copy + 1, text, len);
    assert_true(json_elements_begin(span_make(copy + 1, len), &elements));
    while ((step = json_elements_next(&elements, &element)) == JSON_ELEMENT)
        held += (size_t)snprintf(out + held, cap - held, "%.*s|", (int)element.len, element.data);
    (void)snprintf(out + held, cap - held, "%s", step == JSON_ARRAY_END ? "." : "!");
    free(copy);
}

struct row {
    const char *text;
    const char *elements;
};

static const struct row rows[] = {
    // none, one, some
    {"[]", "."},
    {" \t\r\n[ \t\r\n] \t\r\n", "."},
    {"\xEF\xBB\xBF[1]", "1|."},
    {"[1]", "1|."},
    {"[ 1 ]", "1|."},
    {"[1,2 , 3]", "1|2|3|."},
    {"[{},[],null,\"\"]", "{}|[]|null|\"\"|."},
    {"[[]]", "[]|."},
    {"[[[[]]],[[]]]", "[[[]]]|[[]]|."},
    {"[{\"a\":[1,{\"b\":2}],\"c\":3},{\"d\":4}]", "{\"a\":[1,{\"b\":2}],\"c\":3}|{\"d\":4}|."},
    // what is in strings says nothing
    {"[\"]\",\"}\",\"[{,\"]", "\"]\"|\"}\"|\"[{,\"|."},
    {"[\"\\\"]\",1]", "\"\\\"]\"|1|."},
    {"[\"\\\\\",1]", "\"\\\\\"|1|."},
    {"[\"\\\\\\\"\",1]", "\"\\\\\\\"\"|1|."},
    {"[{\"a\\\",\":\",\"},1]", "{\"a\\\",\":\",\"}|1|."},
    // not valid by themselves, and no harm to the others
    {"[1 2,3]", "1 2|3|."},
    {"[{bad},{}]", "{bad}|{}|."},
    {"[{\"a\":1}{\"b\":2},3]", "{\"a\":1}{\"b\":2}|3|."},
    {"[[1,2},3]", "[1,2}|3|."},
    {"['a',\"b\"]", "'a'|\"b\"|."},
    // nowhere to find the elements
    {"[", "!"},
    {"[ ", "!"},
    {"[1", "!"},
    {"[1,", "1|!"},
    {"[1,]", "1|!"},
    {"[,1]", "!"},
    {"[1,,2]", "1|!"},
    {"[ , ]", "!"},
    {"[1]]", "1|!"},
    {"[1],[2]", "1|!"},
    {"[]x", "!"},
    {"[1}", "!"},
    {"[}]", "!"},
    {"[{]", "!"},
    {"[\"", "!"},
    {"[\"]", "!"},
    {"[\"\\", "!"},
    {"[\"\\\"]", "!"},
    {"[1,{\"a\":\"x},2]", "1|!"},
};

static void arrays_are_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char out[256];
        take_apart(rows[i].text, strlen(rows[i].text), out, sizeof out);
        if (strcmp(out, rows[i].elements) != 0)
            fail_msg("%s: expected %s, got %s", rows[i].text, rows[i].elements, out);
    }
}

static void other_texts_are_no_arrays(void **state)
{
    (void)state;
    const char *const texts[] = {"",   " ",   "{}",      "{\"a\":[]}",   "1",
                                 "\"", "\"[", "\xEF[1]", "\xEF\xBB\xBF", "\v[1]"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct json_elements elements;
        if (json_elements_begin(span_of_text(texts[i]), &elements))
            fail_msg("\"%s\" was taken for an array", texts[i]);
    }
}

static void elements_have_sixteen_levels_at_most(void **state)
{
    (void)state;
    for (unsigned depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 2; depth++) {
        char text[64] = "[1,";
        char out[128];
        memset(text + 3, '[', depth);
        memset(text + 3 + depth, ']', depth);
        memcpy(text + 3 + 2 * depth, ",2]", 3);
        take_apart(text, 6 + 2 * depth, out, sizeof out);
        const char *end = depth <= JSON_DEPTH_MAX ? "]|2|." : "1|!";
        assert_string_equal(out + strlen(out) - strlen(end), end);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_taken_apart),
        cmocka_unit_test(other_texts_are_no_arrays),
        cmocka_unit_test(elements_have_sixteen_levels_at_most),
    };
    return cmocka_run_group_tests_name("json_array", tests, NULL, NULL);
}
