// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "http/listen.h"

#include "base/assert.h"
#include "base/number.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX_PREFIX SPAN("unix:")
#define OTHERS_NOTHING 0177 // the umask that makes a socket of mode 0600

_Static_assert(sizeof((struct sockaddr_un *)0)->sun_path == HTTP_SOCKET_PATH_BYTES_MAX + 1,
               "a path and its NUL");

union socket_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
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

static enum err fail_unix(int error, const char *path, struct err_info *info)
{
    if (error == EADDRINUSE) {
        err_info_set(info, "%s is in use: another server listens there, or it is no socket", path);
        return ERR_IN_USE;
    }
    err_info_set(info, "%s: %s", path, strerror(error));
    return error == EACCES || error == EPERM ? ERR_PERMISSION : ERR_IO;
}

static bool is_socket(const char *path)
{
    struct stat facts;
    return lstat(path, &facts) == 0 && S_ISSOCK(facts.st_mode);
}

// Whether the last one who listened there is gone: its file stays behind when it is killed.
static bool is_stale(const union socket_address *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool is_refused =
        connect(fd, &address->any, sizeof address->local) != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return is_refused && is_socket(address->local.sun_path);
}

// With the mode from birth: between bind and a later chmod anybody could connect.
static int bind_private(int fd, const union socket_address *address)
{
    mode_t before = umask(OTHERS_NOTHING);
    int error = bind(fd, &address->any, sizeof address->local) != 0 ? errno : 0;
    (void)umask(before);
    return error;
}

// Two that find the same stale file in the same instant may both think it theirs to replace; the
// one who loses is seen to have no file.
static int bind_unix(int fd, const union socket_address *address)
{
    int error = bind_private(fd, address);
    if (error != EADDRINUSE || !is_stale(address))
        return error;
    (void)unlink(address->local.sun_path);
    return bind_private(fd, address);
}

static int open_unix(const union socket_address *address, struct http_listener *out)
{
    struct stat facts;
    out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (out->fd < 0)
        return errno;
    int error = bind_unix(out->fd, address);
    if (error != 0)
        return error;
    if (lstat(address->local.sun_path, &facts) != 0)
        return errno;
    memcpy(out->path, address->local.sun_path, sizeof out->path);
    out->device = facts.st_dev;
    out->inode = facts.st_ino;
    return listen(out->fd, SOMAXCONN) != 0 ? errno : 0;
}

static enum err listen_unix(struct span path, struct http_listener *out, struct err_info *info)
{
    union socket_address address = {.local = {.sun_family = AF_UNIX}};
    if (path.len == 0 || path.len > HTTP_SOCKET_PATH_BYTES_MAX) {
        err_info_set(info, "a socket's path has 1 to %u bytes, and this one has %zu: %.*s",
                     HTTP_SOCKET_PATH_BYTES_MAX, path.len, (int)span_first(path, 200).len,
                     (const char *)path.data);
        return ERR_INVALID;
    }
    memcpy(address.local.sun_path, path.data, path.len);
    struct http_listener listener = {.fd = -1};
    int error = open_unix(&address, &listener);
    if (error != 0) {
        http_unlisten(&listener);
        return fail_unix(error, address.local.sun_path, info);
    }
    *out = listener;
    return ERR_OK;
}

static bool is_own_file(const struct http_listener *listener)
{
    struct stat facts;
    return lstat(listener->path, &facts) == 0 && facts.st_dev == listener->device &&
           facts.st_ino == listener->inode;
}

void http_unlisten(struct http_listener *listener)
{
    if (listener->path[0] != '\0' && is_own_file(listener))
        (void)unlink(listener->path);
    if (listener->fd >= 0)
        (void)close(listener->fd);
    listener->path[0] = '\0';
    listener->fd = -1;
}

static enum err listen_tcp(struct span address, struct http_listener *out, struct err_info *info)
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

enum err http_listen(struct span address, struct http_listener *out, struct err_info *info)
{
    if (span_starts_with(address, UNIX_PREFIX))
        return listen_unix(span_from(address, UNIX_PREFIX.len), out, info);
    return listen_tcp(address, out, info);
}

static size_t put_peer(const char *text, uint8_t *out, size_t cap)
{
    size_t len = strlen(text);
    ASSERT(len <= cap);
    memcpy(out, text, len);
    return len;
}

// A listener on [::] sees IPv4 clients as ::ffff:192.0.2.1; limits and logs want one form of each.
size_t http_peer_text(const struct sockaddr_storage *peer, uint8_t *out, size_t cap)
{
    char text[INET6_ADDRSTRLEN] = {0};
    union socket_address address = {.storage = *peer};
    const void *bytes = &address.v4.sin_addr;
    int family = address.any.sa_family;
    if (family == AF_UNIX)
        return put_peer("unix", out, cap);
    if (family == AF_INET6) {
        bool is_mapped = IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr);
        bytes = is_mapped ? &address.v6.sin6_addr.s6_addr[12] : &address.v6.sin6_addr.s6_addr[0];
        family = is_mapped ? AF_INET : AF_INET6;
    }
    if (inet_ntop(family, bytes, text, sizeof text) == NULL)
        return 0;
    return put_peer(text, out, cap);
}
