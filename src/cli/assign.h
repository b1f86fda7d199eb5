// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Words such as "otpMaxCount=3" become members of a JSON object. Each value is tried on the option
// table first, so that a bad one is refused, with its range, before any server is asked.

#include "base/option.h"

#include <jansson.h>

struct assign {
    struct option_table table;
    void *settings; // the table's struct, in which values are tried out; it may hold anything
    json_t *values; // an object that members are added to
};

// A text of several lines, an object, and a text within one (translations.vi.smsTemplate=…) may
// stand in a file: KEY=@FILE; a line feed at its end is not part of it.
//
// ERR_INVALID with a story: not KEY=VALUE, no such setting (and which one may be meant), given
// twice, out of range, or a secret that is not said to be elsewhere. ERR_NO_MEMORY.
MUST_CHECK enum err assign_word(struct assign *assign, const char *word, struct err_info *info);

// Does `name` lead into an option that is an object: "translations.vi"? Whether it leads to
// anything there is for the server to say.
bool assign_is_path(struct option_table table, struct span name);

// The option that `name` names. ERR_INVALID with a story that says which one may be meant.
MUST_CHECK enum err assign_find(struct option_table table, struct span name,
                                const struct option **out, struct err_info *info);
