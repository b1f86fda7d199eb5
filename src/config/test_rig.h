// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// A directory of a test's own, which is the working directory, so that paths in stories are short;
// and what a load said of the files in it.

#include "unit/unit.h"

#include "config/config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char directory[32];
    struct config *config;
    struct config_report report;
    char lines[8192]; // the report, each line with a line feed
};

static inline int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    memcpy(fixture->directory, "/tmp/otpd-config-XXXXXX", sizeof "/tmp/otpd-config-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    assert_int_equal(chdir(fixture->directory), 0);
    *state = fixture;
    return 0;
}

static inline int tear_down(void **state)
{
    static const char *const files[] = {"c.yaml", "key", "value", "pw", "bad.yaml", "own.yaml"};
    struct fixture *fixture = *state;
    config_destroy(&fixture->config);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        (void)unlink(files[i]);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(fixture->directory), 0);
    free(fixture);
    return 0;
}

static inline void write_file(const char *name, struct span text, mode_t mode)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.data, text.len), text.len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

// What was loaded, into *out; the report's lines into the fixture.
static inline enum err load_into(struct fixture *fixture, const struct config_sources *sources,
                                 struct config **out)
{
    struct strbuf lines = strbuf_over(fixture->lines, sizeof fixture->lines - 1);
    enum err err = config_load(sources, out, &fixture->report);
    for (size_t i = 0; i < fixture->report.held; i++) {
        strbuf_put_text(&lines, fixture->report.lines[i]);
        strbuf_put_byte(&lines, '\n');
    }
    assert_false(lines.is_overflowed);
    fixture->lines[lines.len] = '\0';
    assert_int_equal(err == ERR_OK, fixture->report.held == 0);
    return err;
}
