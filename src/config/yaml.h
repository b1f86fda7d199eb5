// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A YAML text as a flat array of nodes, each with its line and column. The library that reads it is
// known to yaml.c alone.
//
// Taken is what a configuration needs: one document of mappings, sequences and scalars. Tags,
// anchors, aliases and directives are refused, and so are control characters and what is no UTF-8.

#include "base/err.h"

#define YAML_NODES_MAX 32768U
#define YAML_DEPTH_MAX 8U

enum yaml_kind {
    YAML_SCALAR,
    YAML_MAPPING, // its children are key, value, key, value, …
    YAML_SEQUENCE,
};

struct yaml_node {
    enum yaml_kind kind;
    bool is_null;          // a plain scalar that is empty, "~" or "null"
    struct span text;      // scalar: lives as long as the document
    uint32_t line, column; // from 1; of a value that is left out: where it would stand
    uint32_t first;        // index of the first child; 0: none
    uint32_t next;         // index of the next sibling; 0: none
};

struct yaml_document;

// Where it went wrong, for ERR_INVALID.
struct yaml_mark {
    uint32_t line, column;
};

MUST_CHECK enum err yaml_parse(struct span text, struct yaml_document **out,
                               struct yaml_mark *mark_out, struct err_info *info);
void yaml_destroy(struct yaml_document **document);

// NULL when there is nothing but comments.
const struct yaml_node *yaml_root(const struct yaml_document *document);

// First child, and then the next ones; NULL at the end.
const struct yaml_node *yaml_first(const struct yaml_document *document,
                                   const struct yaml_node *node);
const struct yaml_node *yaml_next(const struct yaml_document *document,
                                  const struct yaml_node *node);
