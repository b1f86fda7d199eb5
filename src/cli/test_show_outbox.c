// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "unit/unit.h"

#include "cli/put.h"
#include "cli/show_outbox.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define NOW "\"now\":\"2026-11-23T10:00:00.500Z\""
#define MADE "\"createdAt\":\"2026-11-23T09:55:58.000Z\""
#define MESSAGE "\"handle\":12,\"brand\":\"Shop\",\"channel\":\"SMS\",\"to\":\"+12•••••147\"," MADE

// What was written between `open_text` and `check_text`.
struct text {
    FILE *out;
    char *data;
    size_t len;
};

static void open_text(struct text *text)
{
    text->out = open_memstream(&text->data, &text->len);
    assert_non_null(text->out);
}

static void check_text(struct text *text, const char *expected)
{
    assert_int_equal(fclose(text->out), 0);
    assert_string_equal(text->data, expected);
    free(text->data);
}

static json_t *parse(const char *source)
{
    json_error_t error;
    json_t *json = json_loads(source, 0, &error);
    if (json == NULL)
        fail_msg("%s: %s", error.text, source);
    return json;
}

static void check_shown(void (*show)(const json_t *json, FILE *out), const char *source,
                        const char *expected)
{
    struct text text;
    json_t *json = parse(source);
    open_text(&text);
    show(json, text.out);
    check_text(&text, expected);
    json_decref(json);
}

static void show_list(const json_t *list, FILE *out)
{
    show_messages(list, "None.", out);
}

static void show_done(const json_t *answer, FILE *out)
{
    show_results(answer, "is dropped", out);
}

// --- durations and times -----------------------------------------------------------------------

static void durations_in_words(void **state)
{
    static const struct {
        int64_t ms;
        const char *words;
    } rows[] = {
        {0, "0 ms"},      {999, "999 ms"},    {1000, "1.0 s"},   {9999, "9.9 s"},
        {10000, "10 s"},  {119999, "119 s"},  {120000, "2 min"}, {7199999, "119 min"},
        {7200000, "2 h"}, {86400000, "24 h"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char words[PUT_DURATION_BYTES_MAX];
        (void)put_duration_text(rows[i].ms, words);
        assert_string_equal(words, rows[i].words);
    }
}

static void times_are_the_readers_own(void **state)
{
    struct text text;
    (void)state;
    assert_int_equal(put_parse_time("1970-01-02T00:00:01.250Z"), 86401250);
    assert_int_equal(put_parse_time("1970-01-02T00:00:01Z"), 86401000);
    assert_int_equal(put_parse_time("yesterday"), 0);
    assert_int_equal(put_parse_time(NULL), 0);
    open_text(&text);
    put_time(put_parse_time("2026-11-22T20:00:00.500Z"), text.out);
    (void)fputc('\n', text.out);
    put_time_of_day(put_parse_time("2026-11-22T20:00:00.500Z"), text.out);
    check_text(&text, "2026-11-23 01:30:00 IST\n01:30:00");
}

// --- a list ------------------------------------------------------------------------------------

static void messages_one_a_line(void **state)
{
    (void)state;
    check_shown(
        show_list,
        "{" NOW ",\"messages\":[{" MESSAGE ",\"state\":\"queued\",\"isOpen\":true,"
        "\"dueAt\":\"2026-11-23T10:00:02.500Z\",\"tries\":1,\"provider\":\"one\",\"attempts\":["
        "{\"sentence\":\"x\"},{\"sentence\":\"the provider asks to send more slowly\"}]},"
        "{" MESSAGE ",\"state\":\"queued\",\"isOpen\":true,"
        "\"dueAt\":\"2026-11-23T10:00:00.500Z\",\"tries\":0,\"provider\":null,\"attempts\":[]},"
        "{" MESSAGE ",\"state\":\"failed\",\"isOpen\":false,\"dueAt\":null,\"tries\":2,"
        "\"provider\":\"\\u001b[1m\",\"attempts\":[{\"sentence\":\"a carrier filtered it\"}]}],"
        "\"next\":77}",
        "HANDLE   AGE     BRAND       CHANNEL   TO              STATE      PROVIDER    TRIES  WHY\n"
        "12       4 min   Shop        SMS       +12•••••147     queued     one         1      "
        "due in 2.0 s: the provider asks to send more slowly\n"
        "12       4 min   Shop        SMS       +12•••••147     queued     -           0      "
        "due now\n"
        "12       4 min   Shop        SMS       +12•••••147     failed     ?[1m        2      "
        "a carrier filtered it\n"
        "There are more; go on with --after 77\n");
}

static void no_message_is_said_so(void **state)
{
    (void)state;
    check_shown(show_list, "{" NOW ",\"messages\":[],\"next\":null}", "None.\n");
    check_shown(show_list, "{" NOW ",\"messages\":[],\"next\":9}",
                "There are more; go on with --after 9\n");
    check_shown(show_list, "{}", "None.\n");
}

static void each_result_has_its_line(void **state)
{
    (void)state;
    check_shown(show_done,
                "{\"results\":[{\"handle\":12,\"isDone\":true,\"why\":null},"
                "{\"handle\":13,\"isDone\":false,\"why\":\"it is over already\"}]}",
                "12  is dropped\n13  not done: it is over already\n");
}

// --- one message -------------------------------------------------------------------------------

static void each_try_says_how_it_went(void **state)
{
    static const struct {
        const char *attempt;
        const char *line;
    } rows[] = {
        {"\"state\":\"submitted\"", "has not answered yet"},
        {"\"state\":\"accepted\",\"answeredAfterMs\":300", "took it after 300 ms"},
        {"\"state\":\"delivered\",\"answeredAfterMs\":300,\"reportedAfterMs\":3200",
         "took it after 300 ms, and reported after 3.2 s that it arrived"},
        {"\"state\":\"delivered\",\"answeredAfterMs\":null,\"reportedAfterMs\":3200",
         "took it, and reported after 3.2 s that it arrived"},
        {"\"state\":\"failed\",\"answeredAfterMs\":300,\"sentence\":\"why\"",
         "refused it after 300 ms: why"},
        {"\"state\":\"failed\",\"answeredAfterMs\":300,\"reportedAfterMs\":12000,"
         "\"sentence\":\"why\"",
         "took it after 300 ms, and reported after 12 s that it did not arrive: why"},
        {"\"state\":\"retry\",\"answeredAfterMs\":300,\"sentence\":\"why\"",
         "put it off after 300 ms: why"},
        {"\"state\":\"unknown\",\"sentence\":\"why\"", "gave no answer: why"},
        {"\"state\":\"later\"", "later"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char source[512];
        char expected[512];
        (void)snprintf(source, sizeof source,
                       "{" NOW ",\"message\":{\"attempts\":[{\"provider\":\"one\","
                       "\"at\":\"2026-11-23T09:55:58.100Z\",%s}]}}",
                       rows[i].attempt);
        (void)snprintf(expected, sizeof expected, "  15:25:58  one          %s\n", rows[i].line);
        struct text text;
        json_t *json = parse(source);
        open_text(&text);
        show_message(json, text.out);
        assert_int_equal(fclose(text.out), 0);
        if (strstr(text.data, expected) == NULL)
            fail_msg("%s is not in %s", expected, text.data);
        free(text.data);
        json_decref(json);
    }
}

static void a_message_with_all_that_there_is(void **state)
{
    (void)state;
    check_shown(
        show_message,
        "{" NOW ",\"message\":{" MESSAGE ",\"state\":\"failed\",\"what\":\"nobody took it\","
        "\"isOpen\":false,\"codeEndsAt\":\"2026-11-23T10:15:58.000Z\",\"tries\":1,"
        "\"provider\":\"one\",\"words\":\"HTTP 400\\n\",\"reference\":\"SM1\",\"attempts\":[{"
        "\"provider\":\"one\",\"at\":\"2026-11-23T09:55:58.100Z\",\"state\":\"failed\","
        "\"sentence\":\"why\",\"advice\":\"do this\",\"answeredAfterMs\":300}]}}",
        "message 12: SMS to +12•••••147, 2026-11-23 15:25:58 IST (4 min ago)\n"
        "  15:25:58  one          refused it after 300 ms: why\n"
        "    to do   do this\n"
        "  it said   HTTP 400\\n\n"
        "  reference SM1\n"
        "  now       failed: nobody took it\n"
        "  brand     Shop\n"
        "  code      ends 2026-11-23 15:45:58 IST (in 15 min)\n");
}

// --- a person ----------------------------------------------------------------------------------

static void a_person_with_all_that_there_is(void **state)
{
    (void)state;
    check_shown(
        show_explained,
        "{" NOW ",\"asked\":\"b•••\",\"session\":{\"state\":\"open\","
        "\"endsAt\":\"2026-11-23T10:10:00.500Z\"},\"people\":[{\"brand\":\"Shop\","
        "\"kind\":\"USERNAME\",\"who\":\"b•••\",\"to\":\"+12•••••147\","
        "\"sends\":{\"used\":3,\"most\":3,\"windowMinutes\":10,"
        "\"freeAt\":\"2026-11-23T10:02:00.500Z\"},\"failures\":{\"count\":5,\"most\":5,"
        "\"lockedUntil\":\"2026-11-23T10:15:00.500Z\",\"mayOwnDeviceTry\":true},"
        "\"codes\":[{\"channel\":\"SMS\",\"endsAt\":\"2026-11-23T09:59:00.500Z\",\"isOver\":true,"
        "\"triesLeft\":1},{\"channel\":\"SMS\",\"endsAt\":\"2026-11-23T10:05:00.500Z\","
        "\"isOver\":false,\"triesLeft\":4}],\"leftOut\":2,\"messages\":[{" MESSAGE
        ",\"state\":\"queued\",\"what\":\"it waits to be sent\",\"isOpen\":true,"
        "\"dueAt\":\"2026-11-23T10:00:03.500Z\",\"attempts\":[],\"route\":[\"one\",\"two\"]}],"
        "\"conclusion\":\"it waits to be sent\"}],\"conclusion\":null}",
        "session: open; codes may be asked for until 2026-11-23 15:40:00 IST (in 10 min)\n\n"
        "Shop: b•••, codes go to +12•••••147\n"
        "  sends     3 of 3 in 10 minutes; none before 2026-11-23 15:32:00 IST (in 2 min)\n"
        "  failures  5 wrong codes in a row (5 lock); locked until 2026-11-23 15:45:00 IST "
        "(in 15 min), but not the device of the last login\n"
        "  code      SMS, ended 2026-11-23 15:29:00 IST (60 s ago), 1 try left\n"
        "  code      SMS, ends 2026-11-23 15:35:00 IST (in 5 min), 4 tries left\n"
        "\n2 older messages are left out.\n"
        "\nmessage 12: SMS to +12•••••147, 2026-11-23 15:25:58 IST (4 min ago)\n"
        "  route     one, two\n"
        "  now       queued: it waits to be sent; due in 3.0 s\n"
        "\n=> it waits to be sent\n");
}

static void limits_that_are_none(void **state)
{
    (void)state;
    check_shown(
        show_explained,
        "{" NOW ",\"people\":[{\"brand\":\"Shop\",\"who\":\"x\",\"to\":null,"
        "\"sends\":{\"used\":0,\"most\":null},\"failures\":{\"count\":0,\"most\":20},"
        "\"conclusion\":\"c\"},{\"brand\":\"Else\",\"who\":\"y\",\"sends\":null,"
        "\"failures\":{\"count\":0,\"most\":20},\"conclusion\":\"d\"}]}",
        "Shop: x\n  sends     no limit\n  failures  0 wrong codes in a row (20 lock)\n\n=> c\n"
        "\nElse: y\n"
        "  failures  0 wrong codes in a row (20 lock)\n\n=> d\n");
}

static void a_brand_that_was_removed_has_no_limits(void **state)
{
    (void)state;
    check_shown(show_explained,
                "{" NOW ",\"people\":[{\"brand\":null,\"who\":\"x\",\"sends\":null,"
                "\"failures\":{\"count\":0,\"most\":null},\"conclusion\":\"c\"}]}",
                "a brand that was removed: x\n\n=> c\n");
}

static void nobody_known(void **state)
{
    (void)state;
    check_shown(show_explained,
                "{" NOW ",\"asked\":\"+12•••••147\",\"session\":null,\"people\":[],"
                "\"conclusion\":\"nobody\"}",
                "+12•••••147\n=> nobody\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_in_words),
        cmocka_unit_test(times_are_the_readers_own),
        cmocka_unit_test(messages_one_a_line),
        cmocka_unit_test(no_message_is_said_so),
        cmocka_unit_test(each_result_has_its_line),
        cmocka_unit_test(each_try_says_how_it_went),
        cmocka_unit_test(a_message_with_all_that_there_is),
        cmocka_unit_test(a_person_with_all_that_there_is),
        cmocka_unit_test(limits_that_are_none),
        cmocka_unit_test(a_brand_that_was_removed_has_no_limits),
        cmocka_unit_test(nobody_known),
    };
    (void)setenv("TZ", "IST-5:30", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
