// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Listening at a path: whose file is there, and what becomes of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct fixture {
    char folder[32];
    char path[64];
    char address[80];
    struct http_listener listener;
    struct err_info info;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/otpd-listen-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof f->path, "%s/s", f->folder);
    (void)snprintf(f->address, sizeof f->address, "unix:%s", f->path);
    f->listener.fd = -1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    http_unlisten(&f->listener);
    (void)unlink(f->path);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static enum err listen_at(struct fixture *f, struct http_listener *out)
{
    return http_listen(span_of_text(f->address), out, &f->info);
}

static bool may_connect(const struct fixture *f)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(to.sun_path, f->path, strlen(f->path));
    bool is_connected = connect(fd, (const struct sockaddr *)&to, sizeof to) == 0;
    (void)close(fd);
    return is_connected;
}

static bool is_there(const struct fixture *f)
{
    struct stat facts;
    return lstat(f->path, &facts) == 0;
}

static void test_it_is_its_owners_and_goes_with_the_listener(void **state)
{
    struct fixture *f = *state;
    struct stat facts;
    mode_t before = umask(0);
    assert_int_equal(listen_at(f, &f->listener), ERR_OK);
    assert_int_equal(umask(before), 0);
    assert_int_equal(stat(f->path, &facts), 0);
    assert_true(S_ISSOCK(facts.st_mode));
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(f->listener.port, 0);
    assert_true(may_connect(f));
    http_unlisten(&f->listener);
    assert_false(is_there(f));
    http_unlisten(&f->listener);
}

// What a server that was killed leaves behind.
static void test_a_stale_file_is_replaced(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(listen_at(f, &f->listener), ERR_OK);
    (void)close(f->listener.fd);
    assert_true(is_there(f));
    assert_false(may_connect(f));
    assert_int_equal(listen_at(f, &f->listener), ERR_OK);
    assert_true(may_connect(f));
}

static void test_a_live_one_is_left_alone(void **state)
{
    struct fixture *f = *state;
    struct http_listener other = {.fd = -1};
    char wanted[160];
    assert_int_equal(listen_at(f, &f->listener), ERR_OK);
    assert_int_equal(listen_at(f, &other), ERR_IN_USE);
    (void)snprintf(wanted, sizeof wanted,
                   "%s is in use: another server listens there, or it is no socket", f->path);
    assert_string_equal(f->info.text, wanted);
    assert_int_equal(other.fd, -1);
    assert_true(may_connect(f));
}

// Nor a server that is so busy that its backlog is full.
static void test_a_full_backlog_is_alive(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int clients[2];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(to.sun_path, f->path, strlen(f->path));
    assert_int_equal(bind(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(listen(fd, 0), 0);
    for (size_t i = 0; i < 2; i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(clients[i], (const struct sockaddr *)&to, sizeof to);
    }
    assert_int_equal(listen_at(f, &f->listener), ERR_IN_USE);
    assert_true(is_there(f));
    for (size_t i = 0; i < 2; i++)
        (void)close(clients[i]);
    (void)close(fd);
}

static void test_what_is_no_socket_is_left_alone(void **state)
{
    struct fixture *f = *state;
    int fd = open(f->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(listen_at(f, &f->listener), ERR_IN_USE);
    assert_true(is_there(f));
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(symlink("/nowhere", f->path), 0);
    assert_int_equal(listen_at(f, &f->listener), ERR_IN_USE);
    assert_true(is_there(f));
}

static void test_another_ones_file_is_not_taken_away(void **state)
{
    struct fixture *f = *state;
    struct http_listener other = {.fd = -1};
    assert_int_equal(listen_at(f, &f->listener), ERR_OK);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(listen_at(f, &other), ERR_OK);
    http_unlisten(&f->listener);
    assert_true(is_there(f));
    assert_true(may_connect(f));
    http_unlisten(&other);
    assert_false(is_there(f));
}

static void test_where_no_socket_can_be(void **state)
{
    struct fixture *f = *state;
    char longest[5 + HTTP_SOCKET_PATH_BYTES_MAX + 2];
    size_t len = strlen(f->folder);
    memset(longest, 'x', sizeof longest);
    memcpy(longest, "unix:", 5);
    memcpy(longest + 5, f->folder, len);
    longest[5 + len] = '/';
    struct span too_long = span_make(longest, 5 + HTTP_SOCKET_PATH_BYTES_MAX + 1);
    assert_int_equal(http_listen(too_long, &f->listener, &f->info), ERR_INVALID);
    assert_non_null(
        strstr(f->info.text, "a socket's path has 1 to 107 bytes, and this one has 108: /tmp/"));
    assert_int_equal(http_listen(SPAN("unix:"), &f->listener, &f->info), ERR_INVALID);
    assert_int_equal(http_listen(SPAN("unix:/nowhere/at/all"), &f->listener, &f->info), ERR_IO);
    assert_string_equal(f->info.text, "/nowhere/at/all: No such file or directory");
    assert_int_equal(f->listener.fd, -1);
    struct span just_right = span_first(too_long, too_long.len - 1);
    assert_int_equal(http_listen(just_right, &f->listener, &f->info), ERR_OK);
    http_unlisten(&f->listener);
}

static void test_its_clients_are_called_unix(void **state)
{
    (void)state;
    uint8_t text[64];
    const struct sockaddr_storage peer = {.ss_family = AF_UNIX};
    size_t len = http_peer_text(&peer, text, sizeof text);
    assert_true(span_eq(span_make(text, len), SPAN("unix")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_is_its_owners_and_goes_with_the_listener),
        TEST(test_a_stale_file_is_replaced),
        TEST(test_a_live_one_is_left_alone),
        TEST(test_a_full_backlog_is_alive),
        TEST(test_what_is_no_socket_is_left_alone),
        TEST(test_another_ones_file_is_not_taken_away),
        TEST(test_where_no_socket_can_be),
        TEST(test_its_clients_are_called_unix),
    };
    return cmocka_run_group_tests_name("listen", tests, NULL, NULL);
}
