// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Whatever comes in: a tree within its bounds, or an error with a place and a story.
#include "base/assert.h"
#include "config/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_before(const struct yaml_node *a, const struct yaml_node *b)
{
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

// Nodes stand in reading order, so that each is after its parent and its elder siblings.
static void check_children(const struct yaml_document *document, const struct yaml_node *parent)
{
    const struct yaml_node *previous = parent;
    size_t count = 0;
    const struct yaml_node *child = yaml_first(document, parent);
    for (; child != NULL; child = yaml_next(document, child)) {
        ASSERT(child > previous);
        ASSERT(child->line > 0 && child->column > 0);
        ASSERT(!is_before(child, previous));
        ASSERT(child->kind == YAML_SCALAR || child->text.len == 0);
        previous = child;
        count++;
    }
    ASSERT(parent->kind != YAML_SCALAR || count == 0);
    ASSERT(parent->kind != YAML_MAPPING || count % 2 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml_document *document = NULL;
    struct yaml_mark mark = {0, 0};
    struct err_info info = {""};
    if (yaml_parse(span_make(data, size), &document, &mark, &info) != ERR_OK) {
        ASSERT(document == NULL);
        ASSERT(mark.line > 0 && mark.column > 0);
        ASSERT(info.text[0] != '\0');
        return 0;
    }
    const struct yaml_node *root = yaml_root(document);
    if (root != NULL)
        check_children(document, root);
    const struct yaml_node *child = root != NULL ? yaml_first(document, root) : NULL;
    for (; child != NULL; child = yaml_next(document, child))
        check_children(document, child);
    yaml_destroy(&document);
    return 0;
}
