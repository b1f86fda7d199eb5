// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The logger: callers append whole lines to one buffer under a lock, a thread takes that buffer
// away, puts the other one in its place and writes.
//
//   writer:  asleep ──first line──▶ napping ──10 ms, half full, or urgent──▶ writing ──▶ asleep
//                                      ▲───────────more lines came meanwhile───────│
//
// The nap lets one write carry many lines. Warnings and errors are urgent. Nobody waits for the
// descriptor but the writer: when both buffers are full, because whoever reads the log is slow,
// events are dropped and counted, and the count is an event itself ("log.dropped") as soon as there
// is room.
//
// A line is formatted before the lock is taken, but for its time, which is read under it: lines are
// in the order of their times.
#include "telemetry/log.h"

#include "base/assert.h"
#include "base/thread.h"
#include "telemetry/log_format.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

// Ten milliseconds of 200,000 requests a second.
#define BUFFER_BYTES (1024U * 1024U)
#define NAP_NS 10000000L
#define WRITABLE_WAIT_MS 1000 // a descriptor that takes nothing for so long loses what is waiting

struct logger {
    int descriptor;
    bool is_threaded;
    struct log_style style;
    struct clock clock;
    atomic_int least;
    pthread_mutex_t lock; // guards everything below
    pthread_cond_t wake;
    pthread_t writer;
    struct log_second second;
    struct strbuf filling;
    uint8_t *spare;
    uint64_t dropped;
    bool is_asleep;
    bool is_urgent;
    bool is_stopping;
    bool is_line_open; // the last write ended in the middle of a line
    uint8_t storage[2][BUFFER_BYTES];
};

// Waits until a descriptor in non-blocking mode can be written again. False: give up.
static bool wait_writable(int descriptor)
{
    struct pollfd pollfd = {.fd = descriptor, .events = POLLOUT};
    return errno == EAGAIN && poll(&pollfd, 1, WRITABLE_WAIT_MS) > 0;
}

// What could not be written is returned.
static struct span write_all(int descriptor, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(descriptor, bytes.data, bytes.len);
        if (written > 0)
            bytes = span_from(bytes, (size_t)written);
        else if (written == 0 || (errno != EINTR && !wait_writable(descriptor)))
            break;
    }
    return bytes;
}

static uint64_t count_lines(struct span bytes)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < bytes.len; i++)
        lines += bytes.data[i] == '\n';
    return lines;
}

// Called by one thread at a time. Returns how many lines are lost, a half written one included.
static uint64_t write_lines(struct logger *logger, struct span lines)
{
    if (logger->is_line_open && write_all(logger->descriptor, SPAN("\n")).len > 0)
        return count_lines(lines);
    struct span lost = write_all(logger->descriptor, lines);
    size_t written = lines.len - lost.len;
    logger->is_line_open = written > 0 && lines.data[written - 1] != '\n';
    return count_lines(lost);
}

// Needs room for a stamp and `rest`; the lock is held.
static void append(struct logger *logger, struct strbuf *out, struct span rest)
{
    log_format_stamp(&logger->second, logger->style, clock_wall_ms(&logger->clock), out);
    strbuf_put(out, rest);
    ASSERT(!out->is_overflowed);
}

// Puts the count of lost events into an empty buffer; the lock is held.
static void append_dropped(struct logger *logger, struct strbuf *out)
{
    uint8_t room[256];
    struct strbuf rest = strbuf_over(room, sizeof room);
    const struct log_field fields[] = {log_number("count", (int64_t)logger->dropped)};
    const struct log_line line = {LOG_WARNING, "log.dropped", fields, 1};
    if (logger->dropped == 0)
        return;
    log_format_rest(logger->style, &line, &rest);
    append(logger, out, strbuf_span(&rest));
    logger->dropped = 0;
}

// The lock is held; it is given up while waiting.
static void nap(struct logger *logger)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += NAP_NS;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    int rc = 0;
    while (rc == 0 && !logger->is_urgent && !logger->is_stopping)
        rc = pthread_cond_timedwait(&logger->wake, &logger->lock, &until);
    logger->is_urgent = false;
}

static void sleep_until_first_line(struct logger *logger)
{
    logger->is_asleep = true;
    while (logger->filling.len == 0 && !logger->is_stopping)
        (void)pthread_cond_wait(&logger->wake, &logger->lock);
    logger->is_asleep = false;
}

// Takes the full buffer away and leaves the empty one.
static struct span swap_buffers(struct logger *logger)
{
    struct span lines = strbuf_span(&logger->filling);
    uint8_t *taken = logger->filling.data;
    logger->filling = strbuf_over(logger->spare, BUFFER_BYTES);
    logger->spare = taken;
    append_dropped(logger, &logger->filling);
    return lines;
}

static void *run_writer(void *arg)
{
    struct logger *logger = arg;
    (void)pthread_mutex_lock(&logger->lock);
    for (;;) {
        sleep_until_first_line(logger);
        if (logger->filling.len == 0)
            break;
        nap(logger);
        struct span lines = swap_buffers(logger);
        (void)pthread_mutex_unlock(&logger->lock);
        uint64_t lost = write_lines(logger, lines);
        (void)pthread_mutex_lock(&logger->lock);
        logger->dropped += lost;
    }
    (void)pthread_mutex_unlock(&logger->lock);
    return NULL;
}

// The lock is held. Wakes the writer for the first line, and out of its nap when there is a reason.
static void notify_writer(struct logger *logger, enum log_level level)
{
    bool has_reason = level >= LOG_WARNING || logger->filling.len > BUFFER_BYTES / 2;
    bool is_news = has_reason && !logger->is_urgent;
    logger->is_urgent = logger->is_urgent || has_reason;
    if (!logger->is_asleep && !is_news)
        return;
    logger->is_asleep = false;
    (void)pthread_cond_signal(&logger->wake);
}

static void enqueue(struct logger *logger, enum log_level level, struct span rest)
{
    struct strbuf *filling = &logger->filling;
    if (filling->cap - filling->len < LOG_STAMP_BYTES_MAX + rest.len) {
        logger->dropped++;
        return;
    }
    append(logger, filling, rest);
    notify_writer(logger, level);
}

static void write_now(struct logger *logger, struct span rest)
{
    uint8_t room[LOG_STAMP_BYTES_MAX + LOG_LINE_BYTES_MAX];
    struct strbuf out = strbuf_over(room, sizeof room);
    append(logger, &out, rest);
    (void)write_lines(logger, span_make(room, out.len));
}

void log_event(struct logger *logger, enum log_level level, const char *event,
               const struct log_field *fields, size_t count)
{
    uint8_t room[LOG_LINE_BYTES_MAX];
    struct strbuf rest = strbuf_over(room, sizeof room);
    const struct log_line line = {level, event, fields, count};
    if (logger == NULL || (int)level < atomic_load_explicit(&logger->least, memory_order_relaxed))
        return;
    log_format_rest(logger->style, &line, &rest);
    (void)pthread_mutex_lock(&logger->lock);
    if (logger->is_threaded)
        enqueue(logger, level, strbuf_span(&rest));
    else
        write_now(logger, strbuf_span(&rest));
    (void)pthread_mutex_unlock(&logger->lock);
}

void logger_set_level(struct logger *logger, enum log_level least)
{
    atomic_store_explicit(&logger->least, (int)least, memory_order_relaxed);
}

static void init_locks(struct logger *logger)
{
    pthread_condattr_t attributes;
    (void)pthread_mutex_init(&logger->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&logger->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

static void free_logger(struct logger *logger)
{
    (void)pthread_cond_destroy(&logger->wake);
    (void)pthread_mutex_destroy(&logger->lock);
    free(logger);
}

enum err logger_create(const struct logger_options *options, struct logger **out)
{
    struct logger *logger = calloc(1, sizeof *logger);
    if (logger == NULL)
        return ERR_NO_MEMORY;
    logger->descriptor = options->descriptor;
    logger->is_threaded = options->is_threaded;
    logger->style = (struct log_style){options->format, options->has_color};
    logger->clock = options->clock;
    logger->filling = strbuf_over(logger->storage[0], BUFFER_BYTES);
    logger->spare = logger->storage[1];
    logger_set_level(logger, options->least);
    init_locks(logger);
    if (logger->is_threaded && !thread_start(&logger->writer, "logger", run_writer, logger)) {
        free_logger(logger);
        return ERR_NO_MEMORY;
    }
    *out = logger;
    return ERR_OK;
}

static void stop_writer(struct logger *logger)
{
    (void)pthread_mutex_lock(&logger->lock);
    logger->is_stopping = true;
    (void)pthread_cond_signal(&logger->wake);
    (void)pthread_mutex_unlock(&logger->lock);
    (void)pthread_join(logger->writer, NULL);
}

void logger_destroy(struct logger **logger)
{
    struct logger *ended = *logger;
    *logger = NULL;
    if (ended == NULL)
        return;
    if (ended->is_threaded)
        stop_writer(ended);
    free_logger(ended);
}
