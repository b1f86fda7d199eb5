// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/put.h"

#include "base/unicode_digit.h"

#include <time.h>

#define MS_PER_SECOND INT64_C(1000)
#define MS_PER_MINUTE (60 * MS_PER_SECOND)
#define MS_PER_HOUR (60 * MS_PER_MINUTE)
#define TIME_BYTES_MAX 64U

static bool is_control(uint32_t scalar)
{
    return scalar < 0x20 || (scalar >= 0x7F && scalar < 0xA0);
}

// One character of `rest`, made harmless; a line feed becomes what a template's author types.
static void put_character(struct span *rest, FILE *out)
{
    uint32_t scalar;
    struct span before = *rest;
    if (!utf8_take(rest, &scalar)) {
        *rest = span_from(before, 1);
        (void)fputc('?', out);
        return;
    }
    if (scalar == '\n')
        (void)fputs("\\n", out);
    else if (is_control(scalar))
        (void)fputc('?', out);
    else
        (void)fwrite(before.data, 1, before.len - rest->len, out);
}

void put_text(struct span text, FILE *out)
{
    while (text.len > 0)
        put_character(&text, out);
}

static size_t columns_of(struct span text)
{
    size_t columns = 0;
    for (size_t i = 0; i < text.len; i++)
        columns += (text.data[i] & 0xC0U) != 0x80 ? 1 : 0; // each but a continuation byte
    return columns;
}

void put_padded(struct span text, size_t columns, FILE *out)
{
    size_t used = columns_of(text);
    put_text(text, out);
    (void)fprintf(out, "%*s", used < columns ? (int)(columns - used) : 0, "");
}

struct span put_duration_text(int64_t duration_ms, char out[PUT_DURATION_BYTES_MAX])
{
    long long ms = (long long)duration_ms;
    if (ms < MS_PER_SECOND)
        (void)snprintf(out, PUT_DURATION_BYTES_MAX, "%lld ms", ms);
    else if (ms < 10 * MS_PER_SECOND)
        (void)snprintf(out, PUT_DURATION_BYTES_MAX, "%lld.%lld s", ms / 1000, ms % 1000 / 100);
    else if (ms < 2 * MS_PER_MINUTE)
        (void)snprintf(out, PUT_DURATION_BYTES_MAX, "%lld s", ms / MS_PER_SECOND);
    else if (ms < 2 * MS_PER_HOUR)
        (void)snprintf(out, PUT_DURATION_BYTES_MAX, "%lld min", ms / MS_PER_MINUTE);
    else
        (void)snprintf(out, PUT_DURATION_BYTES_MAX, "%lld h", ms / MS_PER_HOUR);
    return span_of_text(out);
}

void put_duration(int64_t duration_ms, FILE *out)
{
    char text[PUT_DURATION_BYTES_MAX];
    put_text(put_duration_text(duration_ms, text), out);
}

int64_t put_parse_time(const char *stamp)
{
    struct tm tm = {0};
    const char *rest = stamp != NULL ? strptime(stamp, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    int64_t ms = 0;
    if (rest == NULL)
        return 0;
    for (int64_t digit = 100; *rest == '.' || ascii_is_digit((uint8_t)*rest); rest++) {
        if (*rest == '.')
            continue;
        ms += digit * (*rest - '0');
        digit /= 10;
    }
    return (int64_t)timegm(&tm) * MS_PER_SECOND + ms;
}

// "2026-11-23 11:00:00 CET"; false: nobody can say.
static bool format_time(int64_t at_ms, char out[TIME_BYTES_MAX])
{
    struct tm tm;
    const time_t seconds = (time_t)(at_ms / MS_PER_SECOND);
    return localtime_r(&seconds, &tm) != NULL &&
           strftime(out, TIME_BYTES_MAX, "%Y-%m-%d %H:%M:%S %Z", &tm) > 0;
}

void put_time(int64_t at_ms, FILE *out)
{
    char text[TIME_BYTES_MAX];
    (void)fputs(format_time(at_ms, text) ? text : "?", out);
}

void put_time_of_day(int64_t at_ms, FILE *out)
{
    char text[TIME_BYTES_MAX];
    if (format_time(at_ms, text))
        (void)fprintf(out, "%.8s", text + sizeof "2026-11-23");
    else
        (void)fputs("?", out);
}
