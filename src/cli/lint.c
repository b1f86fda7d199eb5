// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/lint.h"

#include "daemon/brand_lint.h"
#include "daemon/serve.h"

#include <stdio.h>

struct printer {
    const char *brand;
    bool is_sound;
};

static void on_line(void *ctx, enum lint_level level, const char *what, struct span line)
{
    struct printer *printer = ctx;
    printer->is_sound = printer->is_sound && level != LINT_FAULT;
    (void)printf("%s: %s: %.*s\n", printer->brand, what, (int)line.len, (const char *)line.data);
}

int lint_print(const char *brand, const struct brand_settings *settings)
{
    struct err_info info;
    struct printer printer = {brand, true};
    const struct brand_lint_sink sink = {on_line, &printer};
    if (brand_lint(span_of_text(brand), settings, &sink, &info) == ERR_OK)
        return printer.is_sound ? EXIT_STATUS_OK : EXIT_STATUS_DATA;
    (void)fprintf(stderr, "otpd: %s: %s\n", brand, info.text);
    return EXIT_STATUS_DATA;
}
