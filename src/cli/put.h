// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Texts, columns and times on a terminal. Bytes that would command it are shown as question marks,
// and a line feed as what one would type for it.

#include "base/span.h"

#include <stdio.h>

void put_text(struct span text, FILE *out);

// The same, and spaces up to that many columns.
void put_padded(struct span text, size_t columns, FILE *out);

#define PUT_DURATION_BYTES_MAX 32U

// "400 ms", "3.2 s", "75 s", "12 min", "5 h". Not negative. The text is in `out`.
struct span put_duration_text(int64_t duration_ms, char out[PUT_DURATION_BYTES_MAX]);
void put_duration(int64_t duration_ms, FILE *out);

// "2026-11-23T10:00:00.123Z" in ms since 1970; 0 when it is none, or NULL.
int64_t put_parse_time(const char *stamp);

// In the time zone of whoever reads it: "2026-11-23 11:00:00 CET", and "11:00:00".
void put_time(int64_t at_ms, FILE *out);
void put_time_of_day(int64_t at_ms, FILE *out);
