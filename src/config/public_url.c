// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Where the server can be reached from the world. Providers are told URLs below it, and some sign
// over them, so that it is spelt out and never guessed from a request.
#include "channel/report.h"
#include "config/source.h"

static bool is_host_byte(uint8_t byte)
{
    uint8_t lower = ascii_lower(byte);
    return (lower >= 'a' && lower <= 'z') || ascii_is_digit(byte) || byte == '-' || byte == '.';
}

// Unreserved characters (RFC 3986 section 2.3), which nobody encodes.
static bool is_plain_byte(uint8_t byte)
{
    return is_host_byte(byte) || byte == '_' || byte == '~';
}

static bool is_made_of(struct span text, bool (*is_right)(uint8_t byte))
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_right(text.data[i]))
            return false;
    }
    return text.len > 0;
}

static bool is_port(struct span port)
{
    return port.len <= 5 && is_made_of(port, ascii_is_digit);
}

// "otp.example.com" or "[::1]", and ":8443" behind it.
static bool split_authority(struct span authority, struct span *host_out)
{
    bool is_bracketed = span_starts_with(authority, SPAN("["));
    size_t len = is_bracketed ? span_find(authority, ']') + 1 : span_find(authority, ':');
    struct span host = span_first(authority, len);
    struct span port = span_from(authority, len);
    *host_out = host;
    if (port.len > 0 && (port.data[0] != ':' || !is_port(span_from(port, 1))))
        return false;
    return is_bracketed ? span_eq(host, SPAN("[::1]")) : is_made_of(host, is_host_byte);
}

static bool is_loopback(struct span host)
{
    return span_eq(host, SPAN("127.0.0.1")) || span_eq(host, SPAN("localhost")) ||
           span_eq(host, SPAN("[::1]"));
}

static bool is_path(struct span path)
{
    while (path.len > 0) {
        struct span segment = span_split(path, '/', &path);
        if (!is_made_of(segment, is_plain_byte))
            return false;
    }
    return true;
}

static bool is_public_url(struct span url)
{
    static const struct span tls = SPAN("https://"), plain = SPAN("http://");
    bool is_tls = span_starts_with(url, tls);
    struct span host;
    if (!is_tls && !span_starts_with(url, plain))
        return false;
    struct span path;
    struct span authority = span_split(span_from(url, is_tls ? tls.len : plain.len), '/', &path);
    return split_authority(authority, &host) && is_path(path) && (is_tls || is_loopback(host));
}

struct span config_public_url(const struct config_server *server)
{
    struct span url = span_of_text(server->public_url);
    while (url.len > 0 && url.data[url.len - 1] == '/')
        url.len--;
    return url;
}

enum err config_public_url_check(const struct config_server *server, struct err_info *info)
{
    if (server->public_url[0] == '\0' || is_public_url(config_public_url(server)))
        return ERR_OK;
    err_info_set(info,
                 "\"%s\" is not https://HOST, with a port and a path if need be, and nothing "
                 "behind (http:// for this machine alone)",
                 server->public_url);
    return ERR_INVALID;
}

void config_provider_names_check(const struct config *config, struct config_report *report)
{
    struct err_info info;
    for (size_t i = 0; i < config->providers_held; i++) {
        const struct config_provider *provider = config->providers[i];
        bool has_reports = provider->recipe != NULL && recipe_has_reports(provider->recipe);
        if (config->server.public_url[0] == '\0' || !has_reports ||
            is_made_of(span_of_text(provider->name), is_plain_byte))
            continue;
        err_info_set(&info, "name: with publicUrl it stands in a URL: letters, digits, \"-\", "
                            "\".\", \"_\" and \"~\"");
        config_report_add(
            report, (struct config_place){config->file, provider->line, provider->column}, &info);
    }
}
