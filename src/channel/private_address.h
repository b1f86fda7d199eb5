// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which addresses are not of the public Internet. A URL that somebody may set must not lead a
// server to its own machine, its neighbours or a cloud's metadata.

#include <stdbool.h>

struct sockaddr;

// Loopback, private, link-local, shared, multicast and reserved ranges of IPv4 and IPv6 (the
// registries of RFC 6890), also where IPv6 carries an IPv4 address; and every other family.
bool address_is_private(const struct sockaddr *address);
