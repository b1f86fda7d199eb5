// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// What all readings of a provider's replies share: its words made fit to be shown, and which
// statuses are good.
#include "channel/recipe_inside.h"
#include "telemetry/utf8.h"

#define MASK "***"

// Length of what must not be shown at the start of `text`; 0: nothing.
static size_t hidden_at(const struct span *hidden, size_t count, struct span text)
{
    for (size_t i = 0; i < count; i++) {
        if (hidden[i].len > 0 && span_starts_with(text, hidden[i]))
            return hidden[i].len;
    }
    return 0;
}

static bool is_shown(uint32_t point)
{
    return point >= 0x20 && !(point >= 0x7F && point < 0xA0) && point != 0x2028 && point != 0x2029;
}

void recipe_put_words(const struct span *hidden, size_t count, struct span text, struct strbuf *out)
{
    while (text.len > 0 && !out->is_overflowed) {
        uint32_t point = 0;
        size_t masked = hidden_at(hidden, count, text);
        size_t len = masked > 0 ? masked : utf8_next(text, &point);
        if (masked > 0)
            strbuf_put(out, SPAN(MASK));
        else if (len > 0 && is_shown(point))
            strbuf_put(out, span_first(text, len));
        else
            strbuf_put_byte(out, ' ');
        text = span_from(text, len > 0 ? len : 1);
    }
}

bool recipe_is_good_status(struct span statuses, unsigned status)
{
    uint64_t least = 200, most = 299;
    if (statuses.data != NULL && !recipe_range_parse(statuses, &least, &most))
        return false;
    return status >= least && status <= most;
}
