// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Socket addresses as text, both ways. A listener is on a TCP port, or at a path of this machine:
// a Unix stream socket, which the file's mode lets its owner alone connect to.

#include "base/err.h"

#include <sys/socket.h>

#define HTTP_SOCKET_PATH_BYTES_MAX 107U // what the kernel takes, without the NUL

struct http_listener {
    int fd; // −1: somebody else closes it
    uint16_t port;
    char path[HTTP_SOCKET_PATH_BYTES_MAX + 1]; // empty: a TCP port
    dev_t device;                              // of the file at `path`
    ino_t inode;
};

// Binds and listens on "127.0.0.1:8480" or "[::1]:8480": literals only; port 0 takes a free one. Or
// on "unix:PATH", where a socket that nobody listens on is replaced; the process's umask is another
// one for a moment. ERR_IN_USE when somebody else has it, ERR_INVALID when it is no such address.
MUST_CHECK enum err http_listen(struct span address, struct http_listener *out,
                                struct err_info *info);

// Takes the socket's file away, if it still is this listener's, and closes `fd`. Safe twice, and on
// one of fd −1 that is otherwise zero. The file is known for ours as long as the socket is open.
void http_unlisten(struct http_listener *listener);

// The address without port, IPv4 also where it comes mapped into IPv6; "unix". Returns its length.
size_t http_peer_text(const struct sockaddr_storage *peer, uint8_t *out, size_t cap);
