// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "unit/unit.h"

#include "cli/mdoc.h"

#include <stdlib.h>

typedef void put_text(struct mdoc *mdoc, const char *text);

static void check(put_text *put, const char *text, const char *expected)
{
    char *data = NULL;
    size_t len = 0;
    struct mdoc mdoc = {.out = open_memstream(&data, &len)};
    assert_non_null(mdoc.out);
    put(&mdoc, text);
    mdoc_macro(&mdoc, ".Pp");
    assert_int_equal(fclose(mdoc.out), 0);
    assert_string_equal(data, expected);
    free(data);
}

static void put_item(struct mdoc *mdoc, const char *text)
{
    mdoc_item(mdoc, "Ic", text);
}

static void put_literal(struct mdoc *mdoc, const char *text)
{
    mdoc_literal(mdoc, span_of_text(text));
}

static void test_text_is_no_markup(void **state)
{
    (void)state;
    check(mdoc_text, "plain words", "plain words\n.Pp\n");
    check(mdoc_text, ".Sh is a macro", "\\&.Sh is a macro\n.Pp\n");
    check(mdoc_text, "'quoted' a\\b \"c\"", "\\&'quoted' a\\eb \\(dqc\\(dq\n.Pp\n");
    check(mdoc_text, "One. Two.", "One.\nTwo.\n.Pp\n");
    check(mdoc_text, "", ".Pp\n");
    check(put_item, "a \"b\"", ".It Ic \"a \\(dqb\\(dq\"\n.Pp\n");
    check(put_literal, "a\n .b\n.c\n", "a\n .b\n\\&.c\n.Pp\n");
}

static void test_lines_are_short(void **state)
{
    (void)state;
    check(mdoc_text,
          "aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaa b",
          "aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa\n"
          "aaaaaaaa b\n.Pp\n");
}

static void test_a_sentence_has_one_full_stop(void **state)
{
    (void)state;
    check(mdoc_sentence, "Serve", "Serve.\n.Pp\n");
    check(mdoc_sentence, "Serve.", "Serve.\n.Pp\n");
}

static void test_words_of_a_usage(void **state)
{
    (void)state;
    check(mdoc_words, "NAME KEY=VALUE...", ".Ar NAME\n.Ar KEY=VALUE...\n.Pp\n");
    check(mdoc_words, "[FILE] --key-file FILE", ".Op Ar FILE\n.Fl -key-file\n.Ar FILE\n.Pp\n");
    check(mdoc_words, "[--yes]", ".Op Fl -yes\n.Pp\n");
    check(mdoc_words, "[--provider NAME] [OPTION...]",
          ".Op Fl -provider Ar NAME\n.Op Ar OPTION...\n.Pp\n");
    check(mdoc_words, "A [--to NAME] [KEY=VALUE...] B",
          ".Ar A\n.Op Fl -to Ar NAME\n.Op Ar KEY=VALUE...\n.Ar B\n.Pp\n");
    check(mdoc_words, "", ".Pp\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_no_markup),
        cmocka_unit_test(test_lines_are_short),
        cmocka_unit_test(test_a_sentence_has_one_full_stop),
        cmocka_unit_test(test_words_of_a_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
