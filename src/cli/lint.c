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

struct warner {
    const char *brand;
    const json_t *names;
};

// "translations.vi" is about "translations.vi.smsTemplate", too.
static bool is_about(struct span name, struct span what)
{
    return span_starts_with(what, name) && (what.len == name.len || what.data[name.len] == '.');
}

static void on_line_to_mend(void *ctx, enum lint_level level, const char *what, struct span line)
{
    size_t i;
    json_t *name;
    const struct warner *warner = ctx;
    bool is_asked = false;
    json_array_foreach(warner->names, i, name)
    {
        is_asked = is_asked || is_about(span_of_text(json_string_value(name)), span_of_text(what));
    }
    if (is_asked && level != LINT_FACT)
        (void)fprintf(stderr, "otpd: %s: %s: %.*s\n", warner->brand, what, (int)line.len,
                      (const char *)line.data);
}

void lint_warn(const char *brand, const struct brand_settings *settings, const json_t *names)
{
    struct warner warner = {brand, names};
    const struct brand_lint_sink sink = {on_line_to_mend, &warner};
    enum err err = brand_lint(span_of_text(brand), settings, &sink, NULL);
    (void)err; // the server has taken the settings
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
