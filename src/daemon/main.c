// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

int main(int argc, char **argv, char **environment)
{
    return cli_main(argc, argv, environment);
}
