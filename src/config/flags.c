// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// "--log-level info" or "--log-level=info". Of a flag that is given twice the last one holds, so
// that a wrapper's flags can be overridden.
#include "config/source.h"

#define FLAG_BYTES_MAX 64U

struct flag_reader {
    const struct config_sources *sources;
    size_t at;
    struct config_flags *flags;
    struct config_report *report;
};

static void complain(struct flag_reader *reader, const struct err_info *info)
{
    config_report_add(reader->report, (struct config_place){.source = "command line"}, info);
}

// "log-level" to "logLevel"; empty when it is longer than any option or already has upper case.
static struct span option_name_of(struct span flag, char *storage)
{
    struct strbuf out = strbuf_over(storage, FLAG_BYTES_MAX);
    bool is_word_start = false;
    for (size_t i = 0; i < flag.len; i++) {
        uint8_t byte = flag.data[i];
        if (byte >= 'A' && byte <= 'Z')
            return SPAN("");
        if (byte != '-')
            strbuf_put_byte(&out, is_word_start ? ascii_upper(byte) : byte);
        is_word_start = byte == '-';
    }
    return out.is_overflowed ? SPAN("") : strbuf_span(&out);
}

static void complain_unknown(struct flag_reader *reader, struct span flag, struct span name)
{
    char storage[FLAG_BYTES_MAX];
    struct err_info info;
    struct strbuf out = strbuf_over(storage, sizeof storage - 1);
    const struct option *nearest = option_nearest(config_option_table(), name);
    if (nearest != NULL)
        config_put_flag(nearest, &out);
    storage[out.len] = '\0';
    config_say_unknown("--", flag, nearest != NULL ? storage : NULL, &info);
    complain(reader, &info);
}

// The value after "=", or else the next argument, unless that is a flag itself: in "--data-dir
// --dev" a value was forgotten.
static bool take_value(struct flag_reader *reader, struct span flag, struct span inside,
                       struct span *out)
{
    *out = inside;
    if (inside.data != NULL)
        return true;
    struct span next = SPAN("--");
    if (reader->at < reader->sources->arguments_count)
        next = span_of_text(reader->sources->arguments[reader->at]);
    if (!span_starts_with(next, SPAN("--"))) {
        reader->at++;
        *out = next;
        return true;
    }
    struct err_info info;
    err_info_set(&info, "\"--%.*s\" needs a value", (int)flag.len, (const char *)flag.data);
    complain(reader, &info);
    return false;
}

// Where the value of that flag goes; NULL when there is no such flag.
static struct span *slot_of(struct flag_reader *reader, struct span flag)
{
    char storage[FLAG_BYTES_MAX];
    if (span_eq(flag, SPAN("config")))
        return &reader->flags->file;
    struct span name = option_name_of(flag, storage);
    const struct option *option = option_find(config_option_table(), name);
    if (option != NULL)
        return &reader->flags->values[option - config_options];
    complain_unknown(reader, flag, name);
    return NULL;
}

// --dev alone has no value; "--dev=yes" is unknown rather than half understood.
static void take_flag(struct flag_reader *reader, struct span argument)
{
    size_t equals = span_find(argument, '=');
    struct span flag = span_first(argument, equals);
    struct span inside = {NULL, 0};
    struct span value;
    if (equals < argument.len)
        inside = span_from(argument, equals + 1);
    if (span_eq(argument, SPAN("dev"))) {
        reader->flags->is_dev = true;
        return;
    }
    struct span *slot = slot_of(reader, flag);
    if (slot != NULL && take_value(reader, flag, inside, &value))
        *slot = value;
}

void config_flags_parse(const struct config_sources *sources, struct config_flags *out,
                        struct config_report *report)
{
    struct flag_reader reader = {.sources = sources, .flags = out, .report = report};
    *out = (struct config_flags){.is_dev = false};
    while (reader.at < sources->arguments_count) {
        struct span argument = span_of_text(sources->arguments[reader.at++]);
        if (span_starts_with(argument, SPAN("--"))) {
            take_flag(&reader, span_from(argument, 2));
            continue;
        }
        struct err_info info;
        err_info_set(&info, "unexpected argument \"%.*s\"", (int)span_first(argument, 64).len,
                     (const char *)argument.data);
        complain(&reader, &info);
    }
}
