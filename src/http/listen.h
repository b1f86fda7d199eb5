// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Socket addresses as text, both ways.

#include "base/err.h"

#include <sys/socket.h>

struct http_listener {
    int fd; // owned by the caller
    uint16_t port;
};

// Binds and listens on "127.0.0.1:8480" or "[::1]:8480": literals only; port 0 takes a free one.
// ERR_IN_USE when somebody else has it, ERR_INVALID when it is no such address.
MUST_CHECK enum err http_listen(struct span address, struct http_listener *out,
                                struct err_info *info);

// The address without port, IPv4 also where it comes mapped into IPv6. Returns its length.
size_t http_peer_text(const struct sockaddr_storage *peer, uint8_t *out, size_t cap);
