// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "http/listen.h"

#include "base/assert.h"
#include "base/number.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage storage;
};

static bool read_host(struct span host, union socket_address *out, in_port_t port)
{
    char text[INET6_ADDRSTRLEN] = {0};
    bool is_v6 = host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    if (is_v6)
        host = span_make(host.data + 1, host.len - 2);
    if (host.len == 0 || host.len >= sizeof text)
        return false;
    memcpy(text, host.data, host.len);
    if (is_v6) {
        out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
        return inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1;
    }
    out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    return inet_pton(AF_INET, text, &out->v4.sin_addr) == 1;
}

// The port follows the last colon; an IPv6 literal has brackets around its own.
static bool read_address(struct span text, union socket_address *out)
{
    size_t colon = text.len;
    uint64_t port;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon == 0 || !parse_u64(span_from(text, colon), UINT16_MAX, &port))
        return false;
    return read_host(span_first(text, colon - 1), out, htons((uint16_t)port));
}

static uint16_t port_in(const union socket_address *address)
{
    bool is_v6 = address->any.sa_family == AF_INET6;
    return ntohs(is_v6 ? address->v6.sin6_port : address->v4.sin_port);
}

static enum err fail(int error, struct span address, uint16_t port, struct err_info *info)
{
    int shown = (int)span_first(address, 100).len;
    const char *text = (const char *)address.data;
    if (error == EADDRINUSE) {
        err_info_set(info, "%.*s is in use; find who has it with: ss -ltnp 'sport = :%u'", shown,
                     text, port);
        return ERR_IN_USE;
    }
    err_info_set(info, "%.*s: %s", shown, text, strerror(error));
    return error == EACCES || error == EPERM ? ERR_PERMISSION : ERR_IO;
}

static socklen_t length_of(const union socket_address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

// A restart must not wait for connections of the last run to be forgotten (SO_REUSEADDR).
static int bind_and_listen(int fd, const union socket_address *address)
{
    const int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return errno;
    if (bind(fd, &address->any, length_of(address)) != 0)
        return errno;
    return listen(fd, SOMAXCONN) != 0 ? errno : 0;
}

static uint16_t port_of(int fd)
{
    union socket_address bound = {.any.sa_family = AF_UNSPEC};
    socklen_t len = sizeof bound;
    int status = getsockname(fd, &bound.any, &len);
    ASSERT(status == 0);
    return port_in(&bound);
}

enum err http_listen(struct span address, struct http_listener *out, struct err_info *info)
{
    union socket_address wanted;
    if (!read_address(address, &wanted)) {
        err_info_set(info, "\"%.*s\" is not an address and port, like 127.0.0.1:8480 or [::1]:8480",
                     (int)span_first(address, 100).len, (const char *)address.data);
        return ERR_INVALID;
    }
    int fd = socket(wanted.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(errno, address, port_in(&wanted), info);
    int error = bind_and_listen(fd, &wanted);
    if (error != 0) {
        (void)close(fd);
        return fail(error, address, port_in(&wanted), info);
    }
    *out = (struct http_listener){.fd = fd, .port = port_of(fd)};
    return ERR_OK;
}

// A listener on [::] sees IPv4 clients as ::ffff:192.0.2.1; limits and logs want one form of each.
size_t http_peer_text(const struct sockaddr_storage *peer, uint8_t *out, size_t cap)
{
    char text[INET6_ADDRSTRLEN] = {0};
    union socket_address address = {.storage = *peer};
    const void *bytes = &address.v4.sin_addr;
    int family = address.any.sa_family;
    if (family == AF_INET6) {
        bool is_mapped = IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr);
        bytes = is_mapped ? &address.v6.sin6_addr.s6_addr[12] : &address.v6.sin6_addr.s6_addr[0];
        family = is_mapped ? AF_INET : AF_INET6;
    }
    if (inet_ntop(family, bytes, text, sizeof text) == NULL)
        return 0;
    size_t len = strlen(text);
    ASSERT(len <= cap);
    memcpy(out, text, len);
    return len;
}
