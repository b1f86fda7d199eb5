// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "config/source.h"

// The one place where the server's options are described; file, environment, flags, --help and the
// sample file are made from it. In `unit` a text option says what its text is.

#define TIMEOUT_MS_MAX 600000U

static const char *const log_format_choices[] = {
    [CONFIG_LOG_AUTO] = "auto",
    [CONFIG_LOG_JSON] = "json",
    [CONFIG_LOG_TEXT] = "text",
    NULL,
};

static const char *const log_level_choices[] = {"debug", "info", "warning", "error", NULL};

#define FIELD(field) .offset = offsetof(struct config_server, field)
#define TEXT_FIELD(field) FIELD(field), .capacity = sizeof((struct config_server *)0)->field

const struct option config_options[CONFIG_OPTION_COUNT_] = {
    [CONFIG_LISTEN] = {.name = "listen",
                       .type = OPTION_TEXT,
                       .unit = "host:port",
                       .preset = "127.0.0.1:8480",
                       TEXT_FIELD(listen),
                       .help = "Address to serve on"},
    [CONFIG_METRICS_LISTEN] = {.name = "metricsListen",
                               .type = OPTION_TEXT,
                               .unit = "host:port",
                               TEXT_FIELD(metrics_listen),
                               .is_nullable = true,
                               .help = "Where /metrics and health are; null: where all else is"},
    [CONFIG_TRUSTED_PROXIES] = {.name = "trustedProxies",
                                .type = OPTION_TEXT,
                                .unit = "addresses",
                                TEXT_FIELD(trusted_proxies),
                                .is_nullable = true,
                                .help =
                                    "Whose X-Forwarded-For is believed: \"127.0.0.1 10.0.0.0/8\""},
    [CONFIG_PUBLIC_URL] = {.name = "publicUrl",
                           .type = OPTION_TEXT,
                           .unit = "URL",
                           TEXT_FIELD(public_url),
                           .is_nullable = true,
                           .help = "Where providers reach the server; null: they cannot report"},
    [CONFIG_DATA_DIR] = {.name = "dataDir",
                         .type = OPTION_TEXT,
                         .unit = "directory",
                         TEXT_FIELD(data_dir),
                         .is_nullable = true,
                         .help = "Where data lives; made when missing"},
    [CONFIG_KEY_FILE] = {.name = "keyFile",
                         .type = OPTION_TEXT,
                         .unit = "file",
                         TEXT_FIELD(key_file),
                         .is_nullable = true,
                         .help = "The server's keys, apart from the data (otpd init makes it)"},
    [CONFIG_LOOPS] = {.name = "loops",
                      .type = OPTION_U32,
                      .preset = "0",
                      .least = 0,
                      .most = 4,
                      FIELD(loops),
                      .help = "Event loops; 0: one for each core but one"},
    [CONFIG_LOG_FORMAT] = {.name = "logFormat",
                           .type = OPTION_CHOICE,
                           .preset = "auto",
                           .choices = log_format_choices,
                           FIELD(log_format),
                           .help = "Form of log lines; auto: text on a terminal, else json"},
    [CONFIG_LOG_LEVEL] = {.name = "logLevel",
                          .type = OPTION_CHOICE,
                          .preset = "info",
                          .choices = log_level_choices,
                          FIELD(log_level),
                          .help = "Least level that is logged"},
    [CONFIG_CONNECTIONS_MAX] = {.name = "connectionsMax",
                                .type = OPTION_U32,
                                .preset = "8192",
                                .least = 1,
                                .most = 65536,
                                FIELD(connections_max),
                                .help = "Connections that one loop keeps open at most"},
    [CONFIG_HEAD_TIMEOUT] = {.name = "headTimeoutMs",
                             .type = OPTION_U32,
                             .unit = "ms",
                             .preset = "10000",
                             .least = 100,
                             .most = TIMEOUT_MS_MAX,
                             FIELD(head_timeout_ms),
                             .help = "Time for a request's head, from its first byte"},
    [CONFIG_BODY_TIMEOUT] = {.name = "bodyTimeoutMs",
                             .type = OPTION_U32,
                             .unit = "ms",
                             .preset = "20000",
                             .least = 100,
                             .most = TIMEOUT_MS_MAX,
                             FIELD(body_timeout_ms),
                             .help = "Time for a whole request, from its first byte"},
    [CONFIG_IDLE_TIMEOUT] = {.name = "idleTimeoutMs",
                             .type = OPTION_U32,
                             .unit = "ms",
                             .preset = "75000",
                             .least = 100,
                             .most = TIMEOUT_MS_MAX,
                             FIELD(idle_timeout_ms),
                             .help = "Time between two requests of one connection"},
    [CONFIG_WRITE_TIMEOUT] = {.name = "writeTimeoutMs",
                              .type = OPTION_U32,
                              .unit = "ms",
                              .preset = "20000",
                              .least = 100,
                              .most = TIMEOUT_MS_MAX,
                              FIELD(write_timeout_ms),
                              .help = "Time for the client to take an answer"},
    [CONFIG_DRAIN_TIMEOUT] = {.name = "drainTimeoutSeconds",
                              .type = OPTION_U32,
                              .unit = "seconds",
                              .preset = "20",
                              .least = 0,
                              .most = 3600,
                              FIELD(drain_timeout_seconds),
                              .help = "Time for requests to finish when the server stops"},
    [CONFIG_OUTBOX_MAX] = {.name = "outboxMax",
                           .type = OPTION_U32,
                           .unit = "messages",
                           .preset = "100000",
                           .least = 1,
                           .most = 10000000,
                           FIELD(outbox_max),
                           .help = "Unsent messages above which no more are taken on"},
    [CONFIG_JOURNAL] = {.name = "journalMib",
                        .type = OPTION_U32,
                        .unit = "MiB",
                        .preset = "64",
                        .least = 4,
                        .most = 4096,
                        FIELD(journal_mib),
                        .help = "Room that the journal takes on the disk"},
};

// Listeners, store, keys, threads and their limits are made once; the rest is read where it is
// used.
static const enum config_option_id restart_options[] = {
    CONFIG_LISTEN,          CONFIG_METRICS_LISTEN, CONFIG_TRUSTED_PROXIES, CONFIG_PUBLIC_URL,
    CONFIG_DATA_DIR,        CONFIG_KEY_FILE,       CONFIG_LOOPS,           CONFIG_LOG_FORMAT,
    CONFIG_CONNECTIONS_MAX, CONFIG_HEAD_TIMEOUT,   CONFIG_BODY_TIMEOUT,    CONFIG_IDLE_TIMEOUT,
    CONFIG_WRITE_TIMEOUT,   CONFIG_OUTBOX_MAX,     CONFIG_JOURNAL,
};

void config_restart_options(const struct config *running, const struct config *fresh,
                            struct strbuf *out)
{
    const char *separator = "";
    for (size_t i = 0; i < sizeof restart_options / sizeof restart_options[0]; i++) {
        const struct option *option = &config_options[restart_options[i]];
        if (option_is_equal(option, &running->server, &fresh->server))
            continue;
        strbuf_put_text(out, separator);
        strbuf_put_text(out, option->name);
        separator = ", ";
    }
    if (!config_providers_are_equal(running, fresh)) {
        strbuf_put_text(out, separator);
        strbuf_put_text(out, "providers");
        separator = ", ";
    }
    if (!config_routes_are_equal(running, fresh)) {
        strbuf_put_text(out, separator);
        strbuf_put_text(out, "routes");
    }
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

void config_put_flag(const struct option *option, struct strbuf *out)
{
    strbuf_put_text(out, "--");
    for (const char *at = option->name; *at != '\0'; at++) {
        if (is_upper(*at))
            strbuf_put_byte(out, '-');
        strbuf_put_byte(out, ascii_lower((uint8_t)*at));
    }
}

void config_put_environment(const struct option *option, struct strbuf *out)
{
    strbuf_put_text(out, "OTPD_");
    for (const char *at = option->name; *at != '\0'; at++) {
        if (is_upper(*at))
            strbuf_put_byte(out, '_');
        strbuf_put_byte(out, ascii_upper((uint8_t)*at));
    }
}
