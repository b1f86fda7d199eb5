// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"
#include "daemon/serve.h"

#include <curl/curl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <uv.h>

int cli_version(const struct cli *cli)
{
    (void)cli;
    (void)printf("otpd " OTPD_VERSION "\nlibuv %s, libsodium %s, jansson %s, libcurl %s\n",
                 uv_version_string(), sodium_version_string(), JANSSON_VERSION,
                 curl_version_info(CURLVERSION_NOW)->version);
    return EXIT_STATUS_OK;
}
