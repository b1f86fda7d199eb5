// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What people read of messages and of each other's codes, made from the server's JSON. What the
// JSON lacks is left out: a newer or older server is no error. Times are in the reader's time zone.

#include <jansson.h>
#include <stdio.h>

// {"now","messages","next"}: a message a line. `none`: what to say when there is none.
void show_messages(const json_t *list, const char *none, FILE *out);

// {"now","message"}: one with all its tries.
void show_message(const json_t *answer, FILE *out);

// {"results":[{"handle","isDone","why"}]}: "12  is tried again".
void show_results(const json_t *answer, const char *done, FILE *out);

// {"now","asked","session","people","conclusion"}
void show_explained(const json_t *answer, FILE *out);
