// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/smtp_settings.h"

#include "base/assert.h"
#include "channel/mail.h"
#include "channel/outbound.h"

#include <arpa/inet.h>

#define PORT_SUBMISSION 587U  // RFC 6409
#define PORT_SUBMISSIONS 465U // RFC 8314 section 7.3

static const char *const tls_choices[] = {
    [SMTP_TLS_STARTTLS] = "starttls",
    [SMTP_TLS_TLS] = "tls",
    [SMTP_TLS_NONE] = "none",
    NULL,
};

#define FIELD(field) .offset = offsetof(struct smtp_settings, field)
#define TEXT_FIELD(field) FIELD(field), .capacity = sizeof((struct smtp_settings *)0)->field

const struct option smtp_options[] = {
    {.name = "host",
     .type = OPTION_TEXT,
     .preset = "",
     TEXT_FIELD(host),
     .help = "The relay: a host name or an IP address"},
    {.name = "port",
     .type = OPTION_U32,
     .least = 1,
     .most = 65535,
     FIELD(port),
     .is_nullable = true,
     .help = "Its port; null: 587, or 465 with tls: tls"},
    {.name = "tls",
     .type = OPTION_CHOICE,
     .preset = "starttls",
     .choices = tls_choices,
     FIELD(tls),
     .help = "How the connection is kept secret; none: not at all"},
    {.name = "user",
     .type = OPTION_TEXT,
     TEXT_FIELD(user),
     .is_nullable = true,
     .help = "Who logs in; null: nobody"},
    {.name = "passwordFile",
     .type = OPTION_TEXT,
     TEXT_FIELD(password_file),
     .is_nullable = true,
     .help = "File of mode 0600 with the password of user"},
    {.name = "from",
     .type = OPTION_TEXT,
     .preset = "",
     TEXT_FIELD(from),
     .help = "Address that mails come from"},
    {.name = "fromName",
     .type = OPTION_TEXT,
     TEXT_FIELD(from_name),
     .is_nullable = true,
     .help = "Name beside it; null: the brand's"},
    {.name = "helloName",
     .type = OPTION_TEXT,
     TEXT_FIELD(hello_name),
     .is_nullable = true,
     .help = "Host name that the relay is greeted with; null: the domain of from"},
    {.name = "caFile",
     .type = OPTION_TEXT,
     TEXT_FIELD(ca_file),
     .is_nullable = true,
     .help = "Certificates (PEM) that the relay's must come from; null: the machine's"},
    {.name = "connectionsMax",
     .type = OPTION_U32,
     .preset = "8",
     .least = 1,
     .most = 64,
     FIELD(connections_max),
     .help = "Connections at once"},
    {.name = "timeoutMs",
     .type = OPTION_U32,
     .unit = "ms",
     .preset = "30000",
     .least = 100,
     .most = OUTBOUND_TOTAL_MS_MAX,
     FIELD(timeout_ms),
     .help = "Time for one message, connecting included"},
};

const size_t smtp_options_count = sizeof smtp_options / sizeof smtp_options[0];

uint32_t smtp_settings_port(const struct smtp_settings *settings)
{
    if (settings->port != 0)
        return settings->port;
    return settings->tls == SMTP_TLS_TLS ? PORT_SUBMISSIONS : PORT_SUBMISSION;
}

static bool is_host_name(const char *text)
{
    struct span name = span_of_text(text);
    for (size_t i = 0; i < name.len; i++) {
        uint8_t lower = ascii_lower(name.data[i]);
        bool is_inner =
            name.data[i] == '-' || (name.data[i] == '.' && name.data[i - (i > 0)] != '.');
        if (!ascii_is_digit(lower) && !(lower >= 'a' && lower <= 'z') && !(i > 0 && is_inner))
            return false;
    }
    return name.len > 0;
}

static bool is_ipv6(const char *text)
{
    struct in6_addr address;
    return inet_pton(AF_INET6, text, &address) == 1;
}

static enum err refuse(struct err_info *info, const char *what)
{
    err_info_set(info, "%s", what);
    return ERR_INVALID;
}

static enum err check_host(const struct smtp_settings *settings, struct err_info *info)
{
    if (settings->host[0] == '\0')
        return refuse(info, "host: the name of the mail relay is wanted");
    if (is_host_name(settings->host) || is_ipv6(settings->host))
        return ERR_OK;
    err_info_set(info, "host: \"%.100s\" is no host name; the port is an option of its own",
                 settings->host);
    return ERR_INVALID;
}

static enum err check_hello_name(const struct smtp_settings *settings, struct err_info *info)
{
    if (settings->hello_name[0] == '\0' || is_host_name(settings->hello_name))
        return ERR_OK;
    err_info_set(info, "helloName: \"%.100s\" is no host name", settings->hello_name);
    return ERR_INVALID;
}

static enum err check_from(const struct smtp_settings *settings, struct err_info *info)
{
    struct mail_address from;
    if (settings->from[0] == '\0')
        return refuse(info, "from: the address that mails come from is wanted");
    if (mail_address_of(span_of_text(settings->from), &from) && mail_address_is_ascii(from))
        return ERR_OK;
    err_info_set(info, "from: \"%.100s\" is no address such as codes@example.com", settings->from);
    return ERR_INVALID;
}

static enum err check_user(const struct smtp_settings *settings, struct err_info *info)
{
    bool has_user = settings->user[0] != '\0';
    if (has_user && settings->tls == SMTP_TLS_NONE)
        return refuse(info, "user: no password is sent over a connection with tls: none");
    if (has_user && settings->password_file[0] == '\0')
        return refuse(info, "user: without passwordFile it cannot log in");
    return ERR_OK;
}

static enum err check_password(const struct smtp_settings *settings, struct err_info *info)
{
    if (settings->user[0] == '\0' && settings->password_file[0] != '\0')
        return refuse(info, "passwordFile: there is no user that it belongs to");
    return ERR_OK;
}

typedef enum err settings_check(const struct smtp_settings *settings, struct err_info *info);

static settings_check *const checks[SMTP_CHECKS_COUNT] = {
    check_host, check_from, check_user, check_password, check_hello_name,
};

enum err smtp_settings_check(const struct smtp_settings *settings, unsigned check,
                             struct err_info *info)
{
    ASSERT(check < SMTP_CHECKS_COUNT);
    return checks[check](settings, info);
}
