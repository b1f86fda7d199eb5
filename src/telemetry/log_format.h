// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// An event as one line: a stamp, which is made while the logger's lock is held so that lines are in
// the order of their times, and the rest, which is made before.
//
//   JSON  {"at":"2026-11-22T10:00:00.123Z"  ,"level":"info","event":"otp.sent","brand":"DocDemo"}
//   text  10:00:00.123                      info  otp.sent  brand=DocDemo

#include "base/strbuf.h"
#include "telemetry/log.h"

#define LOG_LINE_BYTES_MAX 4096U
#define LOG_STAMP_BYTES_MAX 40U
#define LOG_TEXT_BYTES_MAX 512U // of one field's text; what is longer is cut and ends in "…"

struct log_style {
    enum log_format format;
    bool has_color;
};

struct log_line {
    enum log_level level;
    const char *event;
    const struct log_field *fields;
    size_t count;
};

// The calendar second that was written last: most lines share it with the line before.
struct log_second {
    int64_t second;
    uint8_t text[19]; // "2026-11-22T10:00:00"
    bool is_set;
};

// Needs LOG_STAMP_BYTES_MAX bytes of room.
void log_format_stamp(struct log_second *cache, struct log_style style, int64_t at_ms,
                      struct strbuf *out);

// Everything after the stamp, with the line feed. A field that has no room left is left out, and
// the line then says so ("cut"). `out` has a capacity of at least 256 bytes.
void log_format_rest(struct log_style style, const struct log_line *line, struct strbuf *out);
