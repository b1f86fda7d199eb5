// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What people read of brands, made from the server's JSON and the option table. What the JSON lacks
// is left out: a newer or older server is no error. Bytes that would command a terminal are shown
// as question marks.

#include "base/option.h"

#include <jansson.h>
#include <stdio.h>

// {"brands":[{"name","changed"}]}: a brand a line.
void show_brands(const json_t *list, FILE *out);

// {"name","settings","changed","ruledByFile","tokenKeys"}: a setting a line, in the table's order,
// and what the table does not know after it.
void show_brand(const json_t *brand, struct option_table table, FILE *out);

// Its token keys, one a line.
void show_keys(const json_t *brand, FILE *out);

// A line for each key of /admin/v1/brand/encryption.
void show_encryption_keys(const json_t *page, FILE *out);

// The public half of that key, or of the newest: PEM, then DER in base64. False: there is no such
// key.
bool show_encryption_key(const json_t *page, uint32_t number, FILE *out);
void show_newest_encryption_key(const json_t *page, FILE *out);

// "otpMaxCount  null → 3" for each of `names` (an array), from two such brands.
void show_changes(const json_t *before, const json_t *after, const json_t *names, FILE *out);

// {"added":["A"],"changed":[],"unchanged":[]}: a brand a line.
void show_import(const json_t *report, FILE *out);

// The table: of all options, or of one with all that there is to say.
void show_options(struct option_table table, FILE *out);
void show_option(const struct option *option, FILE *out);
