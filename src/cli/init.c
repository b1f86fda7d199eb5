// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"
#include "config/config.h"
#include "crypto/keyring/keyring.h"
#include "crypto/pure/random.h"
#include "daemon/serve.h"

#include <stdio.h>

#define SAMPLE_DATA_DIR "/var/lib/otpd"

static void print_sample(const char *key_file)
{
    uint8_t storage[CONFIG_SAMPLE_BYTES_MAX];
    struct config_server server = {0};
    struct strbuf text = strbuf_over(storage, sizeof storage);
    option_table_preset(config_option_table(), &server);
    (void)snprintf(server.key_file, sizeof server.key_file, "%s", key_file);
    (void)snprintf(server.data_dir, sizeof server.data_dir, "%s", SAMPLE_DATA_DIR);
    config_put_sample(&server, &text);
    (void)fwrite(text.data, 1, text.len, stdout);
}

int cli_init(const struct cli *cli)
{
    bool has_file =
        cli->arguments_count == 2 && span_eq(span_of_text(cli->arguments[0]), SPAN("--key-file"));
    if (!has_file) {
        cli_put_usage(cli_row_find(SPAN("init")), stdout);
        return EXIT_STATUS_USAGE;
    }
    struct err_info info = {0};
    struct entropy entropy = entropy_system();
    const char *path = cli->arguments[1];
    enum err err = crypto_init();
    if (err == ERR_OK)
        err = keyring_create_file(path, &entropy, &info);
    if (err != ERR_OK) {
        (void)fprintf(stderr, "otpd: %s\n", info.text);
        return EXIT_STATUS_CANNOT_CREATE;
    }
    (void)fprintf(
        stderr,
        "made %s: keep a copy of it apart from the data. Without its index key every\n"
        "person's record is lost, and no backup has it. A configuration to begin with:\n\n",
        path);
    print_sample(path);
    return EXIT_STATUS_OK;
}
