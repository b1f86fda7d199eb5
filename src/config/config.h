// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the server is told at its start: one table of options, filled from four sources.
//
//   flag  >  environment  >  file  >  default          (--log-level, OTPD_LOG_LEVEL, logLevel:)
//
// Brands, providers and routes come from the file alone. Secrets are never among the values: the
// file names files that hold them. A load either gives a whole, checked configuration or says
// everything that is wrong with it, so that one run is enough to mend it; for a reload, load
// another one and compare.

#include "channel/http_settings.h"
#include "channel/recipe.h"
#include "channel/report.h"
#include "channel/smtp_settings.h"
#include "config/report.h"
#include "service/brand.h"

#define CONFIG_FILE_BYTES_MAX (1024U * 1024U)
#define CONFIG_BRANDS_MAX 256U
#define CONFIG_PROVIDERS_MAX 16U
#define CONFIG_PROVIDER_NAME_BYTES_MAX 64U
#define CONFIG_ROTATING_NAME_BYTES_MAX 57U // of one whose tokens are stored under its name
#define CONFIG_ROUTES_MAX 64U
#define CONFIG_ROUTE_PROVIDERS_MAX 8U
#define CONFIG_PREFIX_BYTES_MAX 15U // the longest number that there is
#define CONFIG_PATH_BYTES_MAX 1024U
#define CONFIG_LISTEN_BYTES_MAX 64U
#define CONFIG_PROXIES_BYTES_MAX 1024U
#define CONFIG_PUBLIC_URL_BYTES_MAX 256U
#define CONFIG_TOKEN_SECRET_BYTES_MIN 32U
#define CONFIG_TOKEN_SECRET_BYTES_MAX 254U

enum config_log_format {
    CONFIG_LOG_AUTO, // text on a terminal, else JSON
    CONFIG_LOG_JSON,
    CONFIG_LOG_TEXT,
};

// As plain values; config_options describes each. An empty path is null.
struct config_server {
    char listen[CONFIG_LISTEN_BYTES_MAX]; // see config_listen_parse
    char metrics_listen[CONFIG_LISTEN_BYTES_MAX];
    char trusted_proxies[CONFIG_PROXIES_BYTES_MAX]; // see ip_ranges_parse
    char public_url[CONFIG_PUBLIC_URL_BYTES_MAX];   // see config_public_url
    char data_dir[CONFIG_PATH_BYTES_MAX];
    char key_file[CONFIG_PATH_BYTES_MAX];
    uint32_t loops;      // 0: as many as there are cores but one, 1 to 4
    uint32_t log_format; // enum config_log_format
    uint32_t log_level;  // 0 debug, 1 info, 2 warning, 3 error
    uint32_t connections_max;
    uint32_t head_timeout_ms;
    uint32_t body_timeout_ms;
    uint32_t idle_timeout_ms;
    uint32_t write_timeout_ms;
    uint32_t drain_timeout_seconds;
    uint32_t outbox_max;
    uint32_t journal_mib;
};

// Rows of config_options.
enum config_option_id {
    CONFIG_LISTEN,
    CONFIG_METRICS_LISTEN,
    CONFIG_TRUSTED_PROXIES,
    CONFIG_PUBLIC_URL,
    CONFIG_DATA_DIR,
    CONFIG_KEY_FILE,
    CONFIG_LOOPS,
    CONFIG_LOG_FORMAT,
    CONFIG_LOG_LEVEL,
    CONFIG_CONNECTIONS_MAX,
    CONFIG_HEAD_TIMEOUT,
    CONFIG_BODY_TIMEOUT,
    CONFIG_IDLE_TIMEOUT,
    CONFIG_WRITE_TIMEOUT,
    CONFIG_DRAIN_TIMEOUT,
    CONFIG_OUTBOX_MAX,
    CONFIG_JOURNAL,
    CONFIG_OPTION_COUNT_,
};

extern const struct option config_options[CONFIG_OPTION_COUNT_];

static inline struct option_table config_option_table(void)
{
    return (struct option_table){config_options, CONFIG_OPTION_COUNT_};
}

enum config_source {
    CONFIG_FROM_DEFAULT,
    CONFIG_FROM_FILE,
    CONFIG_FROM_ENVIRONMENT,
    CONFIG_FROM_FLAG,
};

struct config_origin {
    enum config_source source;
    uint32_t line, column; // CONFIG_FROM_FILE: of the value, from 1
};

// A brand of the file, which rules what it names and nothing else. token_secret_len 0: it names no
// token key, the brand keeps or gets its own.
struct config_brand {
    char name[BRAND_NAME_BYTES_MAX + 1];
    char token_key_file[CONFIG_PATH_BYTES_MAX];
    char header_value_file[CONFIG_PATH_BYTES_MAX]; // of settings.required_header_value
    struct brand_settings settings;                // at their defaults where nothing is named
    uint32_t setting_lines[BRAND_OPTIONS_MAX];     // by row of brand_options; 0: not named
    uint16_t token_secret_len;
    uint8_t token_secret[CONFIG_TOKEN_SECRET_BYTES_MAX];
    uint32_t token_key_line; // 0: token_secret_len is
    uint32_t line, column;
};

enum config_provider_kind {
    CONFIG_PROVIDER_SMTP,
    CONFIG_PROVIDER_CUSTOM,  // by a recipe of the administrator's own
    CONFIG_PROVIDER_SHIPPED, // and on, in the order of config_recipe_shipped_name
};

// What the file says of a recipe's parameter. Of a secret that is a path, and `secret` is what lies
// there.
struct config_parameter {
    char text[RECIPE_VALUE_BYTES_MAX + 1]; // empty: nothing
    char secret[RECIPE_VALUE_BYTES_MAX + 1];
};

// Who carries messages. Its settings are valid.
struct config_provider {
    char name[CONFIG_PROVIDER_NAME_BYTES_MAX + 1];
    uint32_t kind;     // enum config_provider_kind
    uint32_t channels; // bits 1 << enum channel_kind
    // CONFIG_PROVIDER_SMTP
    struct smtp_settings smtp;
    char password[SMTP_PASSWORD_BYTES_MAX + 1]; // secret; empty: none
    // All others
    struct http_settings http;
    struct recipe *recipe;
    uint8_t *recipe_text; // CONFIG_PROVIDER_CUSTOM: what it was made from
    size_t recipe_len;
    struct config_parameter parameters[RECIPE_PARAMETERS_MAX]; // in the recipe's order
    uint32_t line, column;
};

// By which providers messages go. Without a row they go by all that carry their channel, in the
// order of the file.
struct config_route {
    uint32_t channel;                         // enum channel_kind
    char prefix[CONFIG_PREFIX_BYTES_MAX + 1]; // empty: all numbers
    char brand[BRAND_NAME_BYTES_MAX + 1];     // empty: all brands
    char names[CONFIG_ROUTE_PROVIDERS_MAX * (CONFIG_PROVIDER_NAME_BYTES_MAX + 1)];
    uint32_t fallback_after_seconds;              // 0: never
    size_t providers[CONFIG_ROUTE_PROVIDERS_MAX]; // numbers in config->providers
    size_t providers_held;                        // at least 1
    uint32_t line;
};

struct config {
    bool is_dev;
    char file[CONFIG_PATH_BYTES_MAX]; // empty: none
    struct config_server server;
    struct config_origin origins[CONFIG_OPTION_COUNT_];
    struct config_brand *brands[CONFIG_BRANDS_MAX];
    size_t brands_held;
    struct config_provider *providers[CONFIG_PROVIDERS_MAX];
    size_t providers_held;
    struct config_route *routes[CONFIG_ROUTES_MAX];
    size_t routes_held;
};

struct config_sources {
    const char *const *arguments; // flags only: what follows the sub-command
    size_t arguments_count;
    const char *const *environment; // "NAME=value", NULL-terminated
};

// ERR_INVALID: *report says why, all of it. ERR_NO_MEMORY.
MUST_CHECK enum err config_load(const struct config_sources *sources, struct config **out,
                                struct config_report *report);

// Wipes the secrets.
void config_destroy(struct config **config);

// Names of the options that differ and that a running server cannot change: "listen, loops",
// "providers", "routes". Empty: a reload takes all of it over.
void config_restart_options(const struct config *running, const struct config *fresh,
                            struct strbuf *out);

// Why tokens must not be signed with it: too short, too long, a placeholder. NULL: they may.
const char *config_token_secret_fault(struct span secret);

// The running providers and routes become those of `fresh`, which it takes in exchange.
void config_keep_providers(struct config *running, struct config *fresh);

// "smtp", "twilio", "custom"
const char *config_provider_kind_name(const struct config_provider *provider);

// What the recipe and its parameters make; it borrows the recipe. ERR_NO_MEMORY; ERR_INVALID cannot
// be when the configuration has been loaded.
MUST_CHECK enum err config_provider_bind(const struct config_provider *provider,
                                         struct recipe_plan **out, struct err_info *info);

// What it reports later is read by; of a provider whose recipe_has_reports alone. As
// config_provider_bind.
MUST_CHECK enum err config_provider_receive(const struct config_provider *provider,
                                            struct report_reader **out, struct err_info *info);

// Without a slash at its end; empty: it is not set.
struct span config_public_url(const struct config_server *server);

struct config_address {
    char host[46]; // IPv4 or IPv6, without brackets, NUL-terminated
    uint16_t port; // 0: any free one
    bool is_ipv6;
    bool is_loopback;
};

// "127.0.0.1:8480", "[::1]:8480", "localhost:8480". Names other than localhost are not looked up.
bool config_listen_parse(struct span text, struct config_address *out);

// Names that other notations give the option: "--log-level" and "OTPD_LOG_LEVEL".
void config_put_flag(const struct option *option, struct strbuf *out);
void config_put_environment(const struct option *option, struct strbuf *out);

// What stands for the value: "HOST:PORT", "auto|json|text", "N".
void config_put_placeholder(const struct option *option, struct strbuf *out);

// A flag that is no option: it is in no file and no variable.
struct config_special_flag {
    const char *flag; // "--config FILE"
    const char *help;
};

#define CONFIG_SPECIAL_FLAGS_COUNT 2U
extern const struct config_special_flag config_special_flags[CONFIG_SPECIAL_FLAGS_COUNT];

#define CONFIG_HELP_BYTES_MAX 4096U
#define CONFIG_SAMPLE_BYTES_MAX 16384U

// The flags, one line each, for --help.
void config_put_help(struct strbuf *out);

// A file that says what there is to set. What differs from its default in `server` is set, all else
// is commented out.
void config_put_sample(const struct config_server *server, struct strbuf *out);
