// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Who may use the paths under /dev/. They show codes to whoever asks, and a browser on the same
// machine will ask on behalf of any page it has open. So the name that was asked for must be a
// loopback one (a foreign name that points here is DNS rebinding), and a page that asks must be one
// of ours.

#include "http/http.h"

// "localhost", 127.0.0.0/8 or [::1], with or without a port.
bool dev_guard_is_loopback(struct span host);

// "http://" or "https://" and the host that was asked for, or no origin at all.
bool dev_guard_is_same_origin(struct span origin, struct span host);

// True when the request may be answered; otherwise it has been, with 403.
bool dev_guard_admit(struct http_exchange *exchange);
