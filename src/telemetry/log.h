// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Structured log events: one line each, on one descriptor (stderr), never blocking the caller for
// longer than a copy into a buffer that a thread of the logger's own writes out.
//
// What may be logged is a matter of type: an address or a username enters only by log_address and
// log_username, a client's IP address only by log_network, and all are masked; there is no field
// for codes, keys or tokens. Text from outside is escaped, so that one event is always one line.

#include "base/env.h"
#include "base/err.h"

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARNING,
    LOG_ERROR,
};

enum log_format {
    LOG_FORMAT_JSON, // {"at":"2026-11-22T10:00:00.123Z","level":"info","event":"otp.sent",…}
    LOG_FORMAT_TEXT, // short, for a terminal
};

enum log_field_kind {
    LOG_FIELD_TEXT,
    LOG_FIELD_NUMBER,
    LOG_FIELD_ADDRESS,
    LOG_FIELD_NETWORK,
    LOG_FIELD_USERNAME,
};

struct log_field {
    const char *name;
    enum log_field_kind kind;
    struct span text;
    int64_t number;
};

static inline struct log_field log_text(const char *name, struct span text)
{
    return (struct log_field){.name = name, .kind = LOG_FIELD_TEXT, .text = text};
}

static inline struct log_field log_number(const char *name, int64_t number)
{
    return (struct log_field){.name = name, .kind = LOG_FIELD_NUMBER, .number = number};
}

// A canonical phone number or e-mail address; written masked.
static inline struct log_field log_address(const char *name, struct span address)
{
    return (struct log_field){.name = name, .kind = LOG_FIELD_ADDRESS, .text = address};
}

// The IP address of a client; written as the network that it is in.
static inline struct log_field log_network(const char *name, struct span ip)
{
    return (struct log_field){.name = name, .kind = LOG_FIELD_NETWORK, .text = ip};
}

// A username; written masked, whatever it looks like.
static inline struct log_field log_username(const char *name, struct span username)
{
    return (struct log_field){.name = name, .kind = LOG_FIELD_USERNAME, .text = username};
}

struct logger;

struct logger_options {
    int descriptor;
    enum log_format format;
    enum log_level least;
    bool has_color;
    bool is_threaded; // false: every event is written before log_event returns
    struct clock clock;
};

MUST_CHECK enum err logger_create(const struct logger_options *options, struct logger **out);

// Writes out what is buffered, ends the thread, frees.
void logger_destroy(struct logger **logger);

// Changes what is logged from now on; from any thread.
void logger_set_level(struct logger *logger, enum log_level least);

// From any thread. `event` is dotted and constant: "otp.sent". NULL logger: nothing.
void log_event(struct logger *logger, enum log_level level, const char *event,
               const struct log_field *fields, size_t count);

#define LOG_EVENT(logger, level, event, ...)                                 \
    log_event(logger, level, event, (const struct log_field[]){__VA_ARGS__}, \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

// "+84•••••567" for digits, "b•••@x.test" for an e-mail address; NUL-terminated, truncated to `cap`
// at a whole character.
void mask_address(struct span address, char *out, size_t cap);

#define MASK_NETWORK_BYTES_MAX 64U

// "192.0.2.•••" (24 bits) or "2001:db8:1::•••" (48 bits), "•••" for what is no IP address;
// NUL-terminated.
void mask_network(struct span ip, char out[MASK_NETWORK_BYTES_MAX]);

// "b•••", in the same way.
void mask_username(struct span username, char *out, size_t cap);
