// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A load, in this order: defaults, then the command line is read (it names the file), then file,
// environment and flags are applied, each over the ones before; then what several options have to
// agree on is checked.
//
// An error never ends a load. Each value is checked where it stands, also when a stronger source
// replaces it afterwards: a file that is wrong is wrong even if today's flags hide it. A value that
// was refused leaves the one before it in place, so that the checks behind it see something sane.
// Only a report without errors lets a configuration out.
#include "config/config.h"

#include "base/ip.h"
#include "config/source.h"

#include <stdlib.h>

#define NAME_BYTES_MAX 64U // of a flag or variable

static void put_origin_name(const struct option *option, enum config_source source, char *storage)
{
    struct strbuf out = strbuf_over(storage, NAME_BYTES_MAX - 1);
    if (source == CONFIG_FROM_FLAG)
        config_put_flag(option, &out);
    if (source == CONFIG_FROM_ENVIRONMENT)
        config_put_environment(option, &out);
    if (source == CONFIG_FROM_DEFAULT)
        strbuf_put_text(&out, "default");
    storage[out.len] = '\0';
}

static void complain(const struct config *config, enum config_option_id id,
                     struct config_report *report, const struct err_info *info)
{
    char name[NAME_BYTES_MAX];
    const struct config_origin *origin = &config->origins[id];
    struct config_place place = {config->file, origin->line, origin->column};
    if (origin->source != CONFIG_FROM_FILE) {
        put_origin_name(&config_options[id], origin->source, name);
        place = (struct config_place){.source = name};
    }
    config_report_add(report, place, info);
}

static void set_from(struct config *config, enum config_option_id id, enum config_source source,
                     struct span value, struct config_report *report)
{
    struct err_info info;
    config->origins[id] = (struct config_origin){.source = source};
    if (option_set(&config_options[id], &config->server, value, &info) != ERR_OK)
        complain(config, id, report, &info);
}

// The value of the variable; data NULL when it is not there.
static struct span find_variable(const char *const *environment, struct span name)
{
    for (size_t i = 0; environment[i] != NULL; i++) {
        struct span line = span_of_text(environment[i]);
        struct span value;
        bool has_value = span_find(line, '=') < line.len;
        if (has_value && span_eq(span_split(line, '=', &value), name))
            return value;
    }
    return span_make(NULL, 0);
}

// Variables that no option has are left alone: Kubernetes sets OTPD_PORT and more of its own where
// a service is called otpd.
static void apply_environment(struct config *config, const char *const *environment,
                              struct config_report *report)
{
    for (enum config_option_id id = 0; id < CONFIG_OPTION_COUNT_; id++) {
        char name[NAME_BYTES_MAX];
        put_origin_name(&config_options[id], CONFIG_FROM_ENVIRONMENT, name);
        struct span value = find_variable(environment, span_of_text(name));
        if (value.data != NULL)
            set_from(config, id, CONFIG_FROM_ENVIRONMENT, value, report);
    }
}

static void apply_flags(struct config *config, const struct config_flags *flags,
                        struct config_report *report)
{
    for (enum config_option_id id = 0; id < CONFIG_OPTION_COUNT_; id++) {
        if (flags->values[id].data != NULL)
            set_from(config, id, CONFIG_FROM_FLAG, flags->values[id], report);
    }
}

static bool check_address(const struct config *config, enum config_option_id id, const char *text,
                          struct config_report *report, struct config_address *out)
{
    struct err_info info;
    if (config_listen_parse(span_of_text(text), out))
        return true;
    err_info_set(&info,
                 "%s: \"%s\" is not an IP address and a port, as in 127.0.0.1:8480 or [::1]:8480",
                 config_options[id].name, text);
    complain(config, id, report, &info);
    return false;
}

static void check_listen(const struct config *config, struct config_report *report)
{
    struct err_info info;
    struct config_address address;
    const char *listen = config->server.listen;
    const char *metrics_listen = config->server.metrics_listen;
    if (metrics_listen[0] != '\0')
        (void)check_address(config, CONFIG_METRICS_LISTEN, metrics_listen, report, &address);
    if (!check_address(config, CONFIG_LISTEN, listen, report, &address))
        return;
    if (!config->is_dev || address.is_loopback)
        return;
    err_info_set(&info,
                 "listen: \"%s\" is no loopback address; --dev shows every code to whoever can "
                 "reach it",
                 listen);
    complain(config, CONFIG_LISTEN, report, &info);
}

static void check_public_url(const struct config *config, struct config_report *report)
{
    struct err_info info;
    if (config_public_url_check(&config->server, &info) != ERR_OK) {
        err_info_wrap(&info, config_options[CONFIG_PUBLIC_URL].name);
        complain(config, CONFIG_PUBLIC_URL, report, &info);
    }
    config_provider_names_check(config, report);
}

static void check_proxies(const struct config *config, struct config_report *report)
{
    struct err_info info;
    struct ip_ranges ranges;
    struct span text = span_of_text(config->server.trusted_proxies);
    if (ip_ranges_parse(text, &ranges, &info) == ERR_OK)
        return;
    err_info_wrap(&info, config_options[CONFIG_TRUSTED_PROXIES].name);
    complain(config, CONFIG_TRUSTED_PROXIES, report, &info);
}

// Compared as text: enough for a slip, and whoever hides the one in the other means to.
static bool is_within(const char *path, const char *directory)
{
    struct span root = span_of_text(directory);
    while (root.len > 1 && root.data[root.len - 1] == '/')
        root.len--;
    struct span inside = span_from(span_of_text(path), root.len);
    bool is_below = root.len > 0 && span_starts_with(span_of_text(path), root);
    return is_below && inside.len > 0 && (inside.data[0] == '/' || root.data[root.len - 1] == '/');
}

static void check_key_file(const struct config *config, struct config_report *report)
{
    struct err_info info;
    const struct config_server *server = &config->server;
    if (config->is_dev)
        return;
    if (server->key_file[0] == '\0') {
        err_info_set(&info, "keyFile: there is none; make one: otpd init --key-file FILE, and "
                            "name it by keyFile or --key-file (or try otpd serve --dev)");
        complain(config, CONFIG_KEY_FILE, report, &info);
        return;
    }
    if (!is_within(server->key_file, server->data_dir))
        return;
    err_info_set(&info, "keyFile: \"%.200s\" is within dataDir; keys never lie beside the data",
                 server->key_file);
    complain(config, CONFIG_KEY_FILE, report, &info);
}

static void set_file(struct config *config, struct span file, struct config_report *report)
{
    struct err_info info;
    if (file.len < sizeof config->file) {
        memcpy(config->file, file.data, file.len);
        return;
    }
    err_info_set(&info, "--config: the path has more than %zu bytes", sizeof config->file - 1);
    config_report_add(report, (struct config_place){.source = "command line"}, &info);
}

static enum err load_into(struct config *config, const struct config_sources *sources,
                          struct config_report *report)
{
    struct config_flags flags;
    enum err err = ERR_OK;
    config_flags_parse(sources, &flags, report);
    config->is_dev = flags.is_dev;
    if (flags.file.data != NULL)
        set_file(config, flags.file, report);
    if (config->file[0] != '\0')
        err = config_file_load(config, report);
    if (err != ERR_OK)
        return err;
    apply_environment(config, sources->environment, report);
    apply_flags(config, &flags, report);
    check_listen(config, report);
    check_proxies(config, report);
    check_public_url(config, report);
    check_key_file(config, report);
    return report->held == 0 ? ERR_OK : ERR_INVALID;
}

enum err config_load(const struct config_sources *sources, struct config **out,
                     struct config_report *report)
{
    config_report_init(report);
    struct config *config = calloc(1, sizeof *config);
    if (config == NULL)
        return ERR_NO_MEMORY;
    option_table_preset(config_option_table(), &config->server);
    enum err err = load_into(config, sources, report);
    if (err != ERR_OK)
        config_destroy(&config);
    *out = config;
    return err;
}

void config_destroy(struct config **config)
{
    if (*config == NULL)
        return;
    for (size_t i = 0; i < (*config)->brands_held; i++) {
        struct config_brand *brand = (*config)->brands[i];
        explicit_bzero(brand->token_secret, sizeof brand->token_secret);
        explicit_bzero(&brand->settings, sizeof brand->settings);
        free(brand);
    }
    for (size_t i = 0; i < (*config)->providers_held; i++) {
        struct config_provider *provider = (*config)->providers[i];
        explicit_bzero(provider->password, sizeof provider->password);
        explicit_bzero(provider->parameters, sizeof provider->parameters);
        recipe_destroy(&provider->recipe);
        free(provider->recipe_text);
        free(provider);
    }
    for (size_t i = 0; i < (*config)->routes_held; i++)
        free((*config)->routes[i]);
    free(*config);
    *config = NULL;
}
