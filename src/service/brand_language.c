// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Accept-Language (RFC 9110 section 12.5.4) has ranges with qualities, from anybody. A list that is
// longer than people's is read to its bound and no further; what is no range fits no language.
#include "service/brand.h"

#define QUALITY_MOST 1000U
#define RANGES_MAX 16U

// RFC 9110 section 12.4.2, in thousandths: "1", "0.8".
static unsigned quality_of(struct span parameters)
{
    struct span weight = span_trim(parameters);
    unsigned value = 0;
    if (!span_eq_nocase(span_first(weight, 2), SPAN("q=")))
        return QUALITY_MOST;
    struct span decimals = span_from(weight, 4);
    if (!span_eq(span_first(span_from(weight, 2), 1), SPAN("0")))
        return QUALITY_MOST;
    for (size_t i = 0; i < 3; i++) {
        bool is_digit = i < decimals.len && ascii_is_digit(decimals.data[i]);
        value = value * 10 + (is_digit ? decimals.data[i] - (unsigned)'0' : 0);
    }
    return value;
}

static void keep_better(struct span wish, const char *tag, unsigned *fit, struct span *out)
{
    unsigned other = language_fit(wish, span_of_text(tag));
    if (other <= *fit)
        return;
    *fit = other;
    *out = span_of_text(tag);
}

// The brand's language that fits that wish best; empty: none does.
static struct span find(const struct brand *brand, struct span wish)
{
    struct span found = {0};
    unsigned fit = 0;
    keep_better(wish, brand->settings.language, &fit, &found);
    for (size_t i = 0; i < brand->translations_held; i++)
        keep_better(wish, brand->translations[i].language, &fit, &found);
    return found;
}

struct span brand_language(const struct brand *brand, struct span accept_language)
{
    struct span found = {0};
    unsigned best = 0;
    if (brand->translations_held == 0)
        return found;
    for (size_t i = 0; i < RANGES_MAX && accept_language.len > 0; i++) {
        struct span parameters;
        struct span element = span_split(accept_language, ',', &accept_language);
        struct span wish = span_trim(span_split(element, ';', &parameters));
        struct span language = find(brand, wish);
        unsigned quality = quality_of(parameters);
        if (language.len == 0 || quality <= best)
            continue;
        best = quality;
        found = language;
    }
    return found;
}
