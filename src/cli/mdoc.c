// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/mdoc.h"

#define COLUMNS_MAX 78U

static void end_line(struct mdoc *mdoc)
{
    if (mdoc->column > 0)
        (void)fputc('\n', mdoc->out);
    mdoc->column = 0;
}

void mdoc_macro(struct mdoc *mdoc, const char *line)
{
    end_line(mdoc);
    (void)fprintf(mdoc->out, "%s\n", line);
}

// mandoc_char(7): a backslash begins an escape, and a dot or an apostrophe at the start of a line a
// macro. Quotes matter in a macro's arguments alone, where \(dq is right too.
static void put_literal(struct span text, bool is_at_start, FILE *out)
{
    if (is_at_start && text.len > 0 && (text.data[0] == '.' || text.data[0] == '\''))
        (void)fputs("\\&", out);
    for (size_t i = 0; i < text.len; i++) {
        const char *escape = NULL;
        if (text.data[i] == '\\')
            escape = "\\e";
        if (text.data[i] == '"')
            escape = "\\(dq";
        if (escape != NULL)
            (void)fputs(escape, out);
        else
            (void)fputc(text.data[i], out);
    }
}

static bool ends_sentence(struct span word)
{
    return word.len > 1 && word.data[word.len - 1] == '.';
}

void mdoc_text(struct mdoc *mdoc, const char *text)
{
    struct span rest = span_of_text(text);
    while (rest.len > 0) {
        struct span word = span_split(rest, ' ', &rest);
        if (word.len == 0)
            continue;
        if (mdoc->column + 1 + word.len > COLUMNS_MAX)
            end_line(mdoc);
        if (mdoc->column > 0)
            (void)fputc(' ', mdoc->out);
        put_literal(word, mdoc->column == 0, mdoc->out);
        mdoc->column += word.len + 1;
        if (ends_sentence(word))
            end_line(mdoc);
    }
}

void mdoc_sentence(struct mdoc *mdoc, const char *text)
{
    mdoc_text(mdoc, text);
    if (mdoc->column > 0)
        (void)fputs(".\n", mdoc->out);
    mdoc->column = 0;
}

void mdoc_literal(struct mdoc *mdoc, struct span text)
{
    end_line(mdoc);
    while (text.len > 0) {
        struct span line = span_split(text, '\n', &text);
        put_literal(line, true, mdoc->out);
        (void)fputc('\n', mdoc->out);
    }
}

void mdoc_item(struct mdoc *mdoc, const char *macro, const char *text)
{
    end_line(mdoc);
    (void)fprintf(mdoc->out, ".It %s \"", macro);
    put_literal(span_of_text(text), false, mdoc->out);
    (void)fputs("\"\n", mdoc->out);
}

static void put_word(struct mdoc *mdoc, struct span word)
{
    bool is_flag = span_starts_with(word, SPAN("--"));
    const char *macro = is_flag ? "Fl -" : "Ar ";
    (void)fputs(macro, mdoc->out);
    put_literal(span_from(word, is_flag ? 2 : 0), false, mdoc->out);
}

// What stands in one pair of brackets, or one word without: a line.
static void put_group(struct mdoc *mdoc, struct span group, bool is_optional)
{
    (void)fputs(is_optional ? ".Op" : ".", mdoc->out);
    while (group.len > 0) {
        struct span word = span_split(group, ' ', &group);
        (void)fputs(is_optional ? " " : "", mdoc->out);
        put_word(mdoc, word);
    }
    (void)fputc('\n', mdoc->out);
}

void mdoc_words(struct mdoc *mdoc, const char *words)
{
    struct span rest = span_of_text(words);
    end_line(mdoc);
    while (rest.len > 0) {
        bool is_optional = rest.data[0] == '[';
        if (is_optional)
            rest = span_from(rest, 1);
        put_group(mdoc, span_split(rest, is_optional ? ']' : ' ', &rest), is_optional);
        if (is_optional)
            (void)span_split(rest, ' ', &rest);
    }
}
