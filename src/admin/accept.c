// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "admin/accept.h"

#define QUALITY_MOST 1000U

// RFC 9110 section 12.4.2: 0 to 1 with up to three decimals; here in thousandths.
static unsigned quality_value(struct span text)
{
    struct span decimals;
    unsigned value = 0;
    if (span_eq(span_split(text, '.', &decimals), SPAN("1")))
        return QUALITY_MOST;
    for (size_t i = 0; i < 3; i++) {
        bool is_digit = i < decimals.len && ascii_is_digit(decimals.data[i]);
        value = value * 10 + (is_digit ? decimals.data[i] - (unsigned)'0' : 0);
    }
    return value;
}

static unsigned quality_of(struct span parameters)
{
    while (parameters.len > 0) {
        struct span parameter = span_trim(span_split(parameters, ';', &parameters));
        if (span_eq_nocase(span_first(parameter, 2), SPAN("q=")))
            return quality_value(span_from(parameter, 2));
    }
    return QUALITY_MOST;
}

// The quality of that very range; false when it is not listed.
static bool find_range(struct span accept, struct span range, unsigned *quality_out)
{
    while (accept.len > 0) {
        struct span parameters;
        struct span element = span_split(accept, ',', &accept);
        if (!span_eq_nocase(span_trim(span_split(element, ';', &parameters)), range))
            continue;
        *quality_out = quality_of(parameters);
        return true;
    }
    return false;
}

bool accept_prefers_html(struct span accept)
{
    // The most specific range counts (RFC 9110 section 12.5.1).
    static const struct span json[] = {SPAN("application/json"), SPAN("application/*"),
                                       SPAN("*/*")};
    unsigned html_quality = 0;
    unsigned json_quality = 0;
    (void)find_range(accept, SPAN("text/html"), &html_quality);
    for (size_t i = 0; i < sizeof json / sizeof json[0]; i++) {
        if (find_range(accept, json[i], &json_quality))
            break;
    }
    return html_quality > json_quality;
}
