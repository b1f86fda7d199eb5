// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One table describes each setting once; files, environment, flags, help, listings and range checks
// are all made from it. A table row says where in a settings struct the value lives.

#include "base/err.h"
#include "base/strbuf.h"

enum option_type {
    OPTION_U32,    // uint32_t within least..most
    OPTION_BOOL,   // bool: true, false
    OPTION_TEXT,   // char[capacity], NUL-terminated, at most capacity − 1 bytes
    OPTION_CHOICE, // uint32_t: index into choices
    OPTION_OBJECT, // char[capacity], as OPTION_TEXT: JSON, which whoever sets it has checked
};

struct option {
    const char *name; // camelCase, as in files
    enum option_type type;
    const char *unit;           // "seconds", "minutes", "digits"; NULL: none
    const char *preset;         // default, as text; NULL: null (only with is_nullable)
    uint32_t least, most;       // OPTION_U32
    const char *const *choices; // OPTION_CHOICE, NULL-terminated
    size_t offset;
    size_t capacity;    // OPTION_TEXT, OPTION_OBJECT
    bool has_lines;     // OPTION_TEXT: line feeds are part of it
    bool is_nullable;   // null is 0 or the empty text
    bool is_secret;     // never shown
    const char *help;   // one line, no full stop
    const char *hazard; // what changing it does to people: it needs force. NULL: nothing
};

struct option_table {
    const struct option *options;
    size_t count;
};

// Sets the value from text ("null" where nullable). ERR_INVALID with a story that names the option,
// the value and the range.
MUST_CHECK enum err option_set(const struct option *option, void *settings, struct span text,
                               struct err_info *info);

void option_table_preset(struct option_table table, void *settings);

// Back to the default.
void option_reset(const struct option *option, void *settings);

const struct option *option_find(struct option_table table, struct span name);

// The option whose name is nearest (edit distance at most 3), or NULL: for "did you mean".
const struct option *option_nearest(struct option_table table, struct span name);

// The value as text, "null" where it is; secrets as "***".
void option_show(const struct option *option, const void *settings, struct strbuf *out);

// The same without hiding anything: for whatever stores the value or hands it on.
void option_put_text(const struct option *option, const void *settings, struct strbuf *out);

bool option_is_preset(const struct option *option, const void *settings);

// Is the value the same in both settings structs?
bool option_is_equal(const struct option *option, const void *settings, const void *others);

// "1 to 64, or null"; "SMS, WHATSAPP or ZALO".
void option_describe_range(const struct option *option, struct strbuf *out);
