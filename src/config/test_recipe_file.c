// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/recipe_file.h"

#include <stdio.h>
#include <string.h>

struct row {
    const char *text;
    const char *line; // the report's first line; NULL: taken
};

#define HEAD "recipe: x\nchannels: SMS\nrequest:\n  url: https://example.com/\n"

static const struct row rows[] = {
    {HEAD, NULL},
    {HEAD "form:\n  To: '{to}'\n  X: 'a: b'\n", NULL},
    {HEAD "json: |\n  {\"a\": [1, \"{to}\"]}\n", NULL},
    {HEAD "codes:\n  '21211': invalid_number\n  200-299: auth_failed\n", NULL},
    {"", "r.yaml:1:1: error: lines such as \"recipe: name\" are wanted"},
    {"- a\n", "r.yaml:1:1: error: lines such as \"recipe: name\" are wanted"},
    {"{}", "r.yaml:1:1: error: there is no \"recipe\", which names it"},
    {"a: [\n", "r.yaml:2:1: error: no value where one is wanted; check the brackets and commas"},
    {HEAD "form:\n  - a\n", "r.yaml:6:3: error: a recipe has no lists"},
    {HEAD "form:\n  a:\n", "r.yaml:6:5: error: a value is missing"},
    {HEAD "form: {}\n", "r.yaml:5:7: error: a value is missing"},
    {HEAD "a:\n  b:\n    c:\n      d: 1\n", "r.yaml:8:7: error: nested too deeply"},
    {HEAD "form:\n  a: '{b}'\n",
     "r.yaml:6:6: error: neither a parameter nor something of a message: \"b\""},
    {HEAD "headers:\n  Host: x\n",
     "r.yaml:6:9: error: no name of a header, or one that is written without being asked"},
    {HEAD "recipe: y\n", "r.yaml:5:9: error: it is given twice; first in line 1"},
};

static void recipes_are_read_with_their_places(void **state)
{
    static struct config_report report;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recipe *recipe = NULL;
        config_report_init(&report);
        enum err err = config_recipe_parse("r.yaml", span_of_text(rows[i].text), &recipe, &report);
        assert_int_equal(err, rows[i].line == NULL ? ERR_OK : ERR_INVALID);
        assert_true((recipe != NULL) == (err == ERR_OK));
        if (err != ERR_OK)
            assert_string_equal(report.lines[0], rows[i].line);
        recipe_destroy(&recipe);
    }
}

static void too_long_a_recipe_is_not_read(void **state)
{
    static char text[CONFIG_RECIPE_BYTES_MAX + 2] = HEAD "#";
    static struct config_report report;
    struct recipe *recipe = NULL;
    (void)state;
    memset(text + strlen(text), 'x', sizeof text - 1 - strlen(text));
    config_report_init(&report);
    assert_int_equal(config_recipe_parse("r.yaml", span_of_text(text), &recipe, &report),
                     ERR_INVALID);
    assert_string_equal(report.lines[0], "r.yaml: error: a recipe has at most 65536 bytes");
    struct span fits = span_make(text, CONFIG_RECIPE_BYTES_MAX);
    assert_int_equal(config_recipe_parse("r.yaml", fits, &recipe, &report), ERR_OK);
    recipe_destroy(&recipe);
}

static void shipped_recipes_are_sound_and_bear_their_names(void **state)
{
    static struct config_report report;
    size_t index = 0;
    (void)state;
    for (; config_recipe_shipped_name(index).data != NULL; index++) {
        char naming[64];
        struct recipe *recipe = NULL;
        struct span name = config_recipe_shipped_name(index);
        struct span text = config_recipe_shipped_at(index);
        config_report_init(&report);
        if (config_recipe_parse("shipped", text, &recipe, &report) != ERR_OK)
            fail_msg("%s", report.lines[0]);
        int len = snprintf(naming, sizeof naming, "\nrecipe: %.*s\n", (int)name.len,
                           (const char *)name.data);
        assert_non_null(memmem(text.data, text.len, naming, (size_t)len));
        recipe_destroy(&recipe);
    }
    assert_int_equal(index, 11);
}

// A help for every parameter: it is all that somebody who sets up a provider is told.
static void every_parameter_says_where_to_find_it(void **state)
{
    static struct config_report report;
    (void)state;
    for (size_t index = 0; config_recipe_shipped_name(index).data != NULL; index++) {
        const struct recipe_parameter *parameters;
        struct recipe *recipe = NULL;
        struct span text = config_recipe_shipped_at(index);
        config_report_init(&report);
        assert_int_equal(config_recipe_parse("shipped", text, &recipe, &report), ERR_OK);
        size_t count = recipe_parameters(recipe, &parameters);
        assert_true(count > 0);
        for (size_t i = 0; i < count; i++)
            assert_true(parameters[i].help.len > 0);
        recipe_destroy(&recipe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipes_are_read_with_their_places),
        cmocka_unit_test(too_long_a_recipe_is_not_read),
        cmocka_unit_test(shipped_recipes_are_sound_and_bear_their_names),
        cmocka_unit_test(every_parameter_says_where_to_find_it),
    };
    return cmocka_run_group_tests_name("config/recipe_file", tests, NULL, NULL);
}
