// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "config/yaml.h"

#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// The tree as one line: scalars quoted (~ for null), mappings in braces, sequences in brackets,
// each with its place. Deep enough for the cases here, by a stack of what is open.
struct walk {
    const struct yaml_document *document;
    const struct yaml_node *open[YAML_DEPTH_MAX + 1];
    size_t depth;
    struct strbuf out;
};

static void put_node(struct walk *walk, const struct yaml_node *node)
{
    static const char *const opening[] = {"", "{", "["};
    strbuf_put_u64(&walk->out, node->line);
    strbuf_put_byte(&walk->out, ':');
    strbuf_put_u64(&walk->out, node->column);
    strbuf_put_text(&walk->out, opening[node->kind]);
    if (node->kind != YAML_SCALAR)
        return;
    if (node->is_null)
        strbuf_put_byte(&walk->out, '~');
    else
        strbuf_put_json_string(&walk->out, node->text);
}

// The next node in reading order; closes what ends before it.
static const struct yaml_node *step(struct walk *walk, const struct yaml_node *node)
{
    const struct yaml_node *child = yaml_first(walk->document, node);
    if (child != NULL) {
        walk->open[walk->depth++] = node;
        return child;
    }
    if (node->kind != YAML_SCALAR)
        strbuf_put_byte(&walk->out, node->kind == YAML_MAPPING ? '}' : ']');
    while (yaml_next(walk->document, node) == NULL) {
        if (walk->depth == 0)
            return NULL;
        node = walk->open[--walk->depth];
        strbuf_put_byte(&walk->out, node->kind == YAML_MAPPING ? '}' : ']');
    }
    strbuf_put_byte(&walk->out, ' ');
    return yaml_next(walk->document, node);
}

struct tree_case {
    const char *text;
    const char *tree;
};

static const struct tree_case tree_cases[] = {
    {"", ""},
    {"# nothing\n", ""},
    {"---\n", "2:1~"},
    {"---\na: 1\n...\n", "2:1{2:1\"a\" 2:4\"1\"}"},
    {"word", "1:1\"word\""},
    {"a: 1\n", "1:1{1:1\"a\" 1:4\"1\"}"},
    {"a: 1\r\nb: 2\r\n", "1:1{1:1\"a\" 1:4\"1\" 2:1\"b\" 2:4\"2\"}"},
    {"a:\n  - x\n  - {y: \"z\", w: ~}\n",
     "1:1{1:1\"a\" 2:3[2:5\"x\" 3:5{3:6\"y\" 3:9\"z\" 3:14\"w\" 3:17~}]}"},
    {"a: []\nb: {}\n", "1:1{1:1\"a\" 1:4[] 2:1\"b\" 2:4{}}"},
    {"a: null\nb: Null\nc: \"null\"\nd: '~'\ne: ''\n",
     "1:1{1:1\"a\" 1:4~ 2:1\"b\" 2:4\"Null\" 3:1\"c\" 3:4\"null\" 4:1\"d\" 4:4\"~\" 5:1\"e\" "
     "5:4\"\"}"},
    {"a: |-\n  two\n  lines\n", "1:1{1:1\"a\" 1:4\"two\\nlines\"}"},
    {"a: 'it''s'\nb: \"\\u00e9\\n\"\n", "1:1{1:1\"a\" 1:4\"it's\" 2:1\"b\" 2:4\"\xC3\xA9\\n\"}"},
    {"a: \"\\L\\L\\L\"\n", "1:1{1:1\"a\" 1:4\"\\u2028\\u2028\\u2028\"}"},
    {"a: NO # Norway\nb: 1_000\nc: 0x10\n",
     "1:1{1:1\"a\" 1:4\"NO\" 2:1\"b\" 2:4\"1_000\" 3:1\"c\" 3:4\"0x10\"}"},
    {"\xEF\xBB\xBF"
     "a: 1\n",
     "1:1{1:1\"a\" 1:4\"1\"}"},
    {"\xEF\xBB\xBF", ""},
    {"\xC3\xA9: 1\n", "1:1{1:1\"\xC3\xA9\" 1:4\"1\"}"},
    {"a: 1\na: 2\n", "1:1{1:1\"a\" 1:4\"1\" 2:1\"a\" 2:4\"2\"}"},
    {"a: \"? b\"\n?c: d?\n", "1:1{1:1\"a\" 1:4\"? b\" 2:1\"?c\" 2:5\"d?\"}"},
    {"? [k]\n: v\n", "1:1{1:3[1:4\"k\"] 2:3\"v\"}"},
    {"a:\nb:\n", "1:1{1:1\"a\" 1:3~ 2:1\"b\" 2:3~}"},
    {"-\n- {a, b: }\n", "1:1[1:2~ 2:3{2:4\"a\" 2:5~ 2:7\"b\" 2:10~}]"},
    {"{\"a\":1,b: http://x:8/?y#z}\n", "1:1{1:2\"a\" 1:6\"1\" 1:8\"b\" 1:11\"http://x:8/?y#z\"}"},
    {"a: 1\rb: 2\r", "1:1{1:1\"a\" 1:4\"1\" 2:1\"b\" 2:4\"2\"}"},
    {"a: 5%\nb: x\n %y\n", "1:1{1:1\"a\" 1:4\"5%\" 2:1\"b\" 2:4\"x %y\"}"},
    {"<<: off\n", "1:1{1:1\"<<\" 1:5\"off\"}"},
};

static void test_trees(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(tree_cases); i++) {
        char storage[512] = {0};
        struct walk walk = {.out = strbuf_over(storage, sizeof storage - 1)};
        struct yaml_document *document;
        struct yaml_mark mark;
        struct err_info info = {""};
        enum err err = yaml_parse(span_of_text(tree_cases[i].text), &document, &mark, &info);
        assert_string_equal(info.text, "");
        assert_int_equal(err, ERR_OK);
        walk.document = document;
        const struct yaml_node *node = yaml_root(document);
        while (node != NULL) {
            put_node(&walk, node);
            node = step(&walk, node);
        }
        assert_string_equal(storage, tree_cases[i].tree);
        yaml_destroy(&document);
        assert_null(document);
        yaml_destroy(&document);
    }
}

struct error_case {
    struct span text;
    uint32_t line, column;
    const char *story;
};

#define BAD_BYTE "a control character, or a byte that is no UTF-8"
#define NO_DIRECTIVES "a line that begins with a percent sign; directives are not taken"
#define NO_TAGS \
    "tags, anchors and aliases are not taken; put quotes around a text that begins with !, & or *"
#define BAD_KEY "no key where one is wanted; check the indent and the quotes"
#define BAD_COLON \
    "a colon within a text that began before it; check the indent, or put quotes around the text"
#define BAD_TAB "a tab that indents; use spaces"
#define BAD_START "no text can begin with this character; put quotes around it"
#define BAD_ESCAPE "an escape that does not exist; write \\\\ for a backslash, or use single quotes"
#define OPEN_QUOTE "a quote that is not closed"
#define OPEN_LIST "neither a comma nor the closing ] of a list"
#define BEHIND_BAR \
    "something behind | or > that does not belong there; the text begins in the next line"

static void assert_errors(const struct error_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct yaml_document *document = NULL;
        struct yaml_mark mark;
        struct err_info info;
        assert_int_equal(yaml_parse(cases[i].text, &document, &mark, &info), ERR_INVALID);
        assert_string_equal(info.text, cases[i].story);
        assert_int_equal(mark.line, cases[i].line);
        assert_int_equal(mark.column, cases[i].column);
        assert_null(document);
    }
}

static void test_what_is_not_taken_is_refused_with_its_place(void **state)
{
    (void)state;
    const struct error_case cases[] = {
        {SPAN("a: 1\nb: x\0y\n"), 2, 5, BAD_BYTE},
        {SPAN("a: \xFF\n"), 1, 4, BAD_BYTE},
        {SPAN("\xC3\xA9: \x1B\n"), 1, 4, BAD_BYTE},
        {SPAN("a: \xC2\x85\n"), 1, 4, BAD_BYTE},
        {SPAN("# a\xE2\x80\xA8: 1\n"), 1, 4, BAD_BYTE},
        {SPAN("a: \xEF\xBF\xBE\n"), 1, 4, BAD_BYTE},
        {SPAN("a: 1\n\xEF\xBB\xBF"), 2, 1, BAD_BYTE},
        {SPAN("\xFF\xFE"
              "a\0"),
         1, 1, BAD_BYTE},
        {SPAN("\xFE\xFF\0a"), 1, 1, BAD_BYTE},
        {SPAN("%YAML 1.2\n---\na: 1\n"), 1, 1, NO_DIRECTIVES},
        {SPAN("a: 1\r...\r%TAG ! x\r"), 3, 1, NO_DIRECTIVES},
        {SPAN("a: &x 1\nb: *x\n"), 1, 4, NO_TAGS},
        {SPAN("a: 1\nb: *x\n"), 2, 4, NO_TAGS},
        {SPAN("a: !!str 5\n"), 1, 4, NO_TAGS},
        {SPAN("a: !x {}\n"), 1, 4, NO_TAGS},
        {SPAN("a: &x []\n"), 1, 4, NO_TAGS},
        {SPAN("a: !x!y 5\n"), 1, 4, NO_TAGS},
        {SPAN("a: !<x\n"), 1, 7, NO_TAGS},
        {SPAN("a: *\n"), 1, 5, NO_TAGS},
        {SPAN("a: & b\n"), 1, 5, NO_TAGS},
        {SPAN("a: 1\n---\nb: 2\n"), 2, 1, "a second document; one file is one document"},
        {SPAN("a: [[[[[[[[1]]]]]]]]\n"), 1, 11, "nested too deeply"},
        {SPAN("- - - - - - - - - 1\n"), 1, 17, "nested too deeply"},
    };
    assert_errors(cases, COUNT_OF(cases));
}

static void test_errors_say_where_and_what(void **state)
{
    (void)state;
    const struct error_case cases[] = {
        {SPAN("a: 'x\n\nb: 1\n"), 1, 4, OPEN_QUOTE},
        {SPAN("a: \"x\n---\n"), 1, 4, OPEN_QUOTE},
        {SPAN("a: \"x\ny: \"z\"\n"), 2, 5, BAD_KEY " (in what begins in line 1)"},
        {SPAN("a: \"x\" y\n"), 1, 8, BAD_KEY},
        {SPAN("a:\n    b: 1\n  c: 2\n"), 3, 3, BAD_KEY " (in what begins in line 1)"},
        {SPAN("- a\nb: 1\n"), 2, 1,
         "no dash where one is wanted; check the indent and the quotes (in what begins in line 1)"},
        {SPAN("a: - b\n"), 1, 4,
         "a dash cannot begin a list here; the first one has a line of its own"},
        {SPAN("a: b: c\n"), 1, 5, BAD_COLON},
        {SPAN("a: 1\n b: 2\n"), 2, 3, BAD_COLON},
        {SPAN("a: 1\nword\n"), 2, 1, "no colon with a space behind it after this key"},
        {SPAN("a: 1\n\tb: 2\n"), 2, 1, BAD_TAB " (in what begins in line 1)"},
        {SPAN("a: |\n\tx\n"), 2, 1, BAD_TAB " (in what begins in line 1)"},
        {SPAN("a:\n\tb: 2\n"), 2, 1, BAD_TAB},
        {SPAN("\xEF\xBB\xBF\xC3\xA9:\r\n  - \tb: 2\n"), 2, 5, BAD_TAB},
        {SPAN("a:\t@b\n"), 1, 4, BAD_START},
        {SPAN("a: [|]\n"), 1, 5, BAD_START},
        {SPAN("a: |b\n  c\n"), 1, 5, BEHIND_BAR},
        {SPAN("a: \"\\q\"\n"), 1, 5, BAD_ESCAPE},
        {SPAN("a: \"\\u12\"\n"), 1, 7, BAD_ESCAPE},
        {SPAN("a: [1, 2\n"), 2, 1, OPEN_LIST " (in what begins in line 1)"},
        {SPAN("a: [\"1\" b]\n"), 1, 9, OPEN_LIST},
        {SPAN("a: {b: 1]\n"), 1, 9, "neither a comma nor the closing } of a mapping"},
        {SPAN("a: [\n"), 2, 1, "no value where one is wanted; check the brackets and commas"},
        {SPAN("[a] b\n"), 1, 5,
         "more text where the document has ended; check the indent and the quotes"},
        {SPAN("a: ? b\n"), 1, 4,
         "a question mark cannot stand alone here; put quotes around the text"},
    };
    assert_errors(cases, COUNT_OF(cases));
}

// Each of them once ended a parser in a crash.
static void test_odd_keys_are_errors(void **state)
{
    (void)state;
    const struct error_case cases[] = {
        {SPAN(": ? ::\t?"), 1, 1, BAD_KEY},
        {SPAN("A:: \t\t\t\t: ? :A::\t\t\t\t?"), 1, 9, BAD_COLON},
        {SPAN("\n\n\n? ?\n?\n?\n? ?\n?\n? ::\t?\n?"), 9, 6,
         "a question mark cannot stand alone here; put quotes around the text"},
    };
    assert_errors(cases, COUNT_OF(cases));
}

static void test_the_number_of_nodes_has_a_ceiling(void **state)
{
    (void)state;
    enum { LEN = 2 * YAML_NODES_MAX };
    char *text = malloc(LEN);
    struct yaml_document *document = NULL;
    struct yaml_mark mark;
    struct err_info info;
    assert_non_null(text);
    for (size_t i = 0; i < LEN; i += 2)
        memcpy(text + i, "a,", 2);
    text[0] = '[';
    text[1] = ' ';
    text[LEN - 1] = ']';
    struct span whole = span_make(text, LEN);
    assert_int_equal(yaml_parse(whole, &document, &mark, &info), ERR_INVALID);
    assert_string_equal(info.text, "too many values");
    memset(text + 2, ' ', 4);
    assert_int_equal(yaml_parse(whole, &document, &mark, NULL), ERR_OK);
    yaml_destroy(&document);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_what_is_not_taken_is_refused_with_its_place),
        cmocka_unit_test(test_errors_say_where_and_what),
        cmocka_unit_test(test_odd_keys_are_errors),
        cmocka_unit_test(test_the_number_of_nodes_has_a_ceiling),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
