// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "config/report.h"

#include "base/strbuf.h"

void config_report_init(struct config_report *report)
{
    report->held = 0;
    report->left_off = 0;
}

void config_report_add(struct config_report *report, struct config_place place,
                       const struct err_info *info)
{
    if (report->held == CONFIG_ERRORS_MAX) {
        report->left_off++;
        return;
    }
    char *line = report->lines[report->held++];
    struct strbuf out = strbuf_over(line, CONFIG_ERROR_BYTES_MAX - 1);
    // A path may be longer than the line; what is wrong must still be in it.
    struct span source = span_first(span_of_text(place.source), CONFIG_ERROR_BYTES_MAX / 4);
    strbuf_put(&out, source);
    if (place.line > 0) {
        strbuf_put_byte(&out, ':');
        strbuf_put_u64(&out, place.line);
        strbuf_put_byte(&out, ':');
        strbuf_put_u64(&out, place.column);
    }
    strbuf_put_text(&out, ": error: ");
    strbuf_put_text(&out, info->text);
    line[out.len] = '\0';
}
