// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/reason.h"

#include "base/assert.h"

struct reason_row {
    const char *name;
    enum send_class class;
    const char *sentence;
    const char *advice;
};

#define REASON_ROW(name, text, class, sentence, advice) [name] = {text, class, sentence, advice},
static const struct reason_row reason_rows[] = {SEND_REASON_LIST(REASON_ROW)};
#undef REASON_ROW

static const struct reason_row *row_of(enum send_reason reason)
{
    ASSERT(reason < SEND_REASON_COUNT_);
    return &reason_rows[reason];
}

const char *send_reason_name(enum send_reason reason)
{
    return row_of(reason)->name;
}

const char *send_reason_sentence(enum send_reason reason)
{
    return row_of(reason)->sentence;
}

const char *send_reason_advice(enum send_reason reason)
{
    return row_of(reason)->advice;
}

enum send_class send_reason_class(enum send_reason reason)
{
    return row_of(reason)->class;
}
