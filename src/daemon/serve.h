// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The process: from a configuration to a listening server, until a signal ends it.
//
//   SIGTERM, SIGINT   stop accepting, answer what was begun, exit 0; a second one ends at once
//   the store fails   as SIGTERM, but exit 71
//   SIGHUP            read the configuration again; a wrong one changes nothing

#include "base/env.h"
#include "config/config.h"

// Exit statuses, as sysexits.h and service managers know them.
enum exit_status {
    EXIT_STATUS_OK = 0,
    EXIT_STATUS_USAGE = 64,
    EXIT_STATUS_DATA = 65,
    EXIT_STATUS_NO_INPUT = 66,
    EXIT_STATUS_UNAVAILABLE = 69,
    EXIT_STATUS_SOFTWARE = 70,
    EXIT_STATUS_OS = 71,
    EXIT_STATUS_CANNOT_CREATE = 73,
    EXIT_STATUS_TRY_AGAIN = 75,
    EXIT_STATUS_PERMISSION = 77,
    EXIT_STATUS_CONFIG = 78,
};

enum exit_status exit_status_of(enum err err);

// Takes *config over. `sources` is read again at each SIGHUP; `began` is when the process did. Why
// it could not start, if so, is in *info.
enum exit_status daemon_serve(struct config *config, const struct config_sources *sources,
                              struct mono began, struct err_info *info);
