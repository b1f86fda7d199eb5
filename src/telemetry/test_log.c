// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"
#include "telemetry/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define READ_BYTES_MAX (4U << 20)
#define THREADS 4
#define EVENTS_A_THREAD 2000

static int64_t fixed_wall_ms(void *ctx)
{
    (void)ctx;
    return 1795341600123;
}

static struct mono fixed_mono(void *ctx)
{
    (void)ctx;
    return (struct mono){0};
}

static const struct clock fixed_clock = {fixed_wall_ms, fixed_mono, NULL};

struct fixture {
    int ends[2];
    struct logger *logger;
    char *text;
    size_t len;
};

static void open_logger(struct fixture *f, bool is_threaded, enum log_level least)
{
    assert_int_equal(pipe(f->ends), 0);
    f->text = malloc(READ_BYTES_MAX);
    f->len = 0;
    assert_non_null(f->text);
    const struct logger_options options = {.descriptor = f->ends[1],
                                           .format = LOG_FORMAT_JSON,
                                           .least = least,
                                           .is_threaded = is_threaded,
                                           .clock = fixed_clock};
    assert_int_equal(logger_create(&options, &f->logger), ERR_OK);
}

// Reads what is in the pipe until its writing end is closed.
static void read_to_end(struct fixture *f)
{
    ssize_t got;
    while ((got = read(f->ends[0], f->text + f->len, READ_BYTES_MAX - 1 - f->len)) > 0)
        f->len += (size_t)got;
    f->text[f->len] = '\0';
}

static void close_logger(struct fixture *f)
{
    (void)close(f->ends[0]);
    free(f->text);
}

static void finish(struct fixture *f)
{
    logger_destroy(&f->logger);
    assert_null(f->logger);
    (void)close(f->ends[1]);
    read_to_end(f);
}

static void event_is_written_before_log_event_returns(void **state)
{
    static const char line[] = "{\"at\":\"2026-11-22T10:00:00.123Z\",\"level\":\"info\","
                               "\"event\":\"otp.sent\",\"brand\":\"DocDemo\"}\n";
    struct fixture f;
    char got[256];
    (void)state;
    open_logger(&f, false, LOG_INFO);
    LOG_EVENT(f.logger, LOG_INFO, "otp.sent", log_text("brand", SPAN("DocDemo")));
    assert_int_equal(read(f.ends[0], got, sizeof got), strlen(line));
    assert_memory_equal(got, line, strlen(line));
    finish(&f);
    assert_int_equal(f.len, 0);
    close_logger(&f);
}

static void level_decides(void **state)
{
    struct fixture f;
    (void)state;
    open_logger(&f, false, LOG_WARNING);
    log_event(f.logger, LOG_INFO, "no", NULL, 0);
    log_event(f.logger, LOG_WARNING, "first", NULL, 0);
    logger_set_level(f.logger, LOG_DEBUG);
    log_event(f.logger, LOG_DEBUG, "second", NULL, 0);
    logger_set_level(f.logger, LOG_ERROR);
    log_event(f.logger, LOG_WARNING, "no", NULL, 0);
    log_event(f.logger, LOG_ERROR, "third", NULL, 0);
    finish(&f);
    assert_null(strstr(f.text, "\"no\""));
    const char *first = strstr(f.text, "\"first\"");
    assert_non_null(first);
    const char *second = strstr(first, "\"second\"");
    assert_non_null(second);
    assert_non_null(strstr(second, "\"third\""));
    close_logger(&f);
}

static void no_logger_is_fine(void **state)
{
    struct logger *logger = NULL;
    (void)state;
    LOG_EVENT(logger, LOG_ERROR, "nothing", log_number("n", 1));
    logger_destroy(&logger);
    assert_null(logger);
}

static void destroy_writes_what_is_buffered(void **state)
{
    struct fixture f;
    (void)state;
    open_logger(&f, true, LOG_INFO);
    for (int64_t n = 0; n < 100; n++)
        LOG_EVENT(f.logger, LOG_INFO, "count", log_number("n", n));
    finish(&f);
    const char *at = f.text;
    for (int n = 0; n < 100; n++) {
        char field[32];
        (void)snprintf(field, sizeof field, "\"n\":%d}\n", n);
        at = strstr(at, field);
        assert_non_null(at);
    }
    assert_int_equal(at + strlen("\"n\":99}\n") - f.text, f.len);
    close_logger(&f);
}

// Would hang, not fail, if an error waited for more lines; the nap is what it must cut short.
static void an_error_is_written_without_more_to_come(void **state)
{
    struct fixture f;
    char got[256];
    (void)state;
    open_logger(&f, true, LOG_INFO);
    log_event(f.logger, LOG_ERROR, "store.failed", NULL, 0);
    assert_true(read(f.ends[0], got, sizeof got) > 0);
    assert_non_null(memmem(got, sizeof got, "store.failed", 12));
    finish(&f);
    close_logger(&f);
}

struct writer {
    struct logger *logger;
    int number;
};

static void *log_many(void *arg)
{
    const struct writer *writer = arg;
    for (int64_t n = 0; n < EVENTS_A_THREAD; n++)
        LOG_EVENT(writer->logger, n % 500 == 0 ? LOG_WARNING : LOG_INFO, "many",
                  log_number("thread", writer->number), log_number("n", n),
                  log_text("text", SPAN("line\nbreak")));
    return NULL;
}

static void *finish_writers(void *arg)
{
    struct fixture *f = arg;
    struct writer writers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        writers[i] = (struct writer){f->logger, i};
        (void)pthread_create(&threads[i], NULL, log_many, &writers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    logger_destroy(&f->logger);
    (void)close(f->ends[1]);
    return NULL;
}

struct tally {
    uint64_t next[THREADS];
    uint64_t lines;
    uint64_t dropped;
};

// The number after `name` in a line.
static uint64_t number_of(const char *line, const char *name)
{
    uint64_t value = UINT64_MAX;
    const char *at = strstr(line, name);
    assert_non_null(at);
    struct span rest = span_of_text(at + strlen(name));
    struct span digits = span_first(rest, strspn(at + strlen(name), "0123456789"));
    assert_true(parse_u64(digits, UINT64_MAX - 1, &value));
    return value;
}

// Every line is whole, and each thread's lines come in its order.
static void tally_line(struct tally *tally, const char *line)
{
    static const char opening[] = "{\"at\":\"2026-11-22T10:00:00.123Z\",\"level\":\"";
    static const char ending[] = "\"text\":\"line\\u000abreak\"}";
    assert_memory_equal(line, opening, strlen(opening));
    if (strstr(line, "log.dropped") != NULL) {
        tally->dropped += number_of(line, "\"count\":");
        return;
    }
    uint64_t thread = number_of(line, "\"thread\":");
    uint64_t n = number_of(line, "\"n\":");
    assert_true(thread < THREADS && n >= tally->next[thread]);
    tally->next[thread] = n + 1;
    tally->lines++;
    assert_string_equal(line + strlen(line) - strlen(ending), ending);
}

static void tally_text(struct tally *tally, char *text)
{
    for (char *line = text; *line != '\0';) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        tally_line(tally, line);
        line = end + 1;
    }
}

static void threads_mix_whole_lines(void **state)
{
    struct fixture f;
    struct tally tally = {0};
    pthread_t finisher;
    (void)state;
    open_logger(&f, true, LOG_INFO);
    assert_int_equal(pthread_create(&finisher, NULL, finish_writers, &f), 0);
    read_to_end(&f);
    (void)pthread_join(finisher, NULL);
    tally_text(&tally, f.text);
    assert_int_equal(tally.lines + tally.dropped, THREADS * EVENTS_A_THREAD);
    assert_true(tally.lines > 0);
    close_logger(&f);
}

static void *destroy_and_close(void *arg)
{
    struct fixture *f = arg;
    logger_destroy(&f->logger);
    (void)close(f->ends[1]);
    return NULL;
}

// Nobody reads: the pipe fills, then both buffers. The caller goes on, and what was lost is
// counted.
static void full_buffers_drop_and_count(void **state)
{
    const int64_t events = 20000;
    struct fixture f;
    struct tally tally = {0};
    pthread_t destroyer;
    (void)state;
    open_logger(&f, true, LOG_INFO);
    for (int64_t n = 0; n < events; n++)
        LOG_EVENT(f.logger, LOG_INFO, "many", log_number("thread", 0), log_number("n", n),
                  log_text("text", SPAN("line\nbreak")));
    assert_int_equal(pthread_create(&destroyer, NULL, destroy_and_close, &f), 0);
    read_to_end(&f);
    (void)pthread_join(destroyer, NULL);
    tally_text(&tally, f.text);
    assert_true(tally.dropped > 0);
    assert_int_equal(tally.lines + tally.dropped, events);
    close_logger(&f);
}

static void broken_descriptor_is_survived(void **state)
{
    struct fixture f;
    (void)state;
    open_logger(&f, true, LOG_INFO);
    (void)close(f.ends[1]);
    log_event(f.logger, LOG_ERROR, "lost", NULL, 0);
    logger_destroy(&f.logger);
    assert_null(f.logger);
    close_logger(&f);
}

// A descriptor in non-blocking mode gives EAGAIN in the middle of a line; the writer waits for
// room.
static void non_blocking_descriptor_loses_nothing_that_was_buffered(void **state)
{
    struct fixture f;
    struct tally tally = {0};
    pthread_t destroyer;
    (void)state;
    open_logger(&f, true, LOG_INFO);
    assert_int_equal(fcntl(f.ends[1], F_SETPIPE_SZ, 4096), 4096);
    assert_int_equal(fcntl(f.ends[1], F_SETFL, O_NONBLOCK), 0);
    for (int64_t n = 0; n < 200; n++)
        LOG_EVENT(f.logger, LOG_INFO, "many", log_number("thread", 0), log_number("n", n),
                  log_text("text", SPAN("line\nbreak")));
    assert_int_equal(pthread_create(&destroyer, NULL, destroy_and_close, &f), 0);
    read_to_end(&f);
    (void)pthread_join(destroyer, NULL);
    tally_text(&tally, f.text);
    assert_int_equal(tally.lines, 200);
    close_logger(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_is_written_before_log_event_returns),
        cmocka_unit_test(level_decides),
        cmocka_unit_test(no_logger_is_fine),
        cmocka_unit_test(destroy_writes_what_is_buffered),
        cmocka_unit_test(an_error_is_written_without_more_to_come),
        cmocka_unit_test(threads_mix_whole_lines),
        cmocka_unit_test(full_buffers_drop_and_count),
        cmocka_unit_test(broken_descriptor_is_survived),
        cmocka_unit_test(non_blocking_descriptor_loses_nothing_that_was_buffered),
    };
    return cmocka_run_group_tests_name("telemetry/log", tests, NULL, NULL);
}
