// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>

struct err_row {
    enum err_class class;
    const char *text;
};

#define ERR_ROW(name, class, text) [name] = {ERR_CLASS_##class, text},
static const struct err_row err_rows[] = {ERR_LIST(ERR_ROW)};
#undef ERR_ROW

_Static_assert(sizeof err_rows / sizeof err_rows[0] == ERR_COUNT_, "a row for each error");

enum err_class err_class(enum err err)
{
    ASSERT(err < ERR_COUNT_);
    return err_rows[err].class;
}

const char *err_text(enum err err)
{
    ASSERT(err < ERR_COUNT_);
    return err_rows[err].text;
}

void err_info_set(struct err_info *info, const char *format, ...)
{
    if (info == NULL)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(info->text, sizeof info->text, format, args);
    va_end(args);
}

void err_info_wrap(struct err_info *info, const char *what)
{
    if (info == NULL)
        return;
    struct err_info inner = *info;
    int room = (int)(sizeof info->text - strnlen(what, sizeof info->text / 2) - 3);
    (void)snprintf(info->text, sizeof info->text, "%s: %.*s", what, room, inner.text);
}
