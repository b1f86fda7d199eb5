// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "unit/unit.h"

#include "cli/control.h"

struct find_case {
    const char *what;
    const char *socket_flag, *data_dir_flag;
    const char *environment[4];
    const char *path, *data_dir; // path NULL: not found
};

static const struct find_case find_cases[] = {
    {"a socket", "./s", NULL, {NULL}, "./s", NULL},
    {"a folder", NULL, "./data", {NULL}, "./data/control.sock", "./data"},
    {"a socket of the environment", NULL, NULL, {"OTPD_CONTROL_SOCKET=/e"}, "/e", NULL},
    {"a folder of it", NULL, NULL, {"OTPD_DATA_DIR=/d"}, "/d/control.sock", "/d"},
    {"flag before variable", "/f", NULL, {"OTPD_CONTROL_SOCKET=/e"}, "/f", NULL},
    {"folder before variable", NULL, "/f", {"OTPD_DATA_DIR=/d"}, "/f/control.sock", "/f"},
    {"socket before folder", "/s", "/f", {"OTPD_DATA_DIR=/d"}, "/s", NULL},
    {"a flag's folder before any variable",
     NULL,
     "/f",
     {"OTPD_CONTROL_SOCKET=/e"},
     "/f/control.sock",
     "/f"},
    {"either order", NULL, NULL, {"OTPD_DATA_DIR=/d", "OTPD_CONTROL_SOCKET=/e"}, "/e", NULL},
    {"an empty variable is none",
     NULL,
     NULL,
     {"OTPD_CONTROL_SOCKET=", "OTPD_DATA_DIR="},
     NULL,
     NULL},
    {"another's name", NULL, NULL, {"OTPD_DATA_DIRS=/d", "XOTPD_DATA_DIR=/d"}, NULL, NULL},
    {"nothing", NULL, NULL, {NULL}, NULL, NULL},
};

static void test_which_socket(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof find_cases / sizeof find_cases[0]; i++) {
        const struct find_case *c = &find_cases[i];
        struct control control;
        struct err_info info = {0};
        const struct control_hints hints = {c->socket_flag, c->data_dir_flag, c->environment};
        enum err err = control_find(&hints, &control, &info);
        assert_row_equal(c->what, err, c->path != NULL ? ERR_OK : ERR_NOT_FOUND);
        if (c->path == NULL) {
            assert_non_null(strstr(info.text, "--data-dir DIR"));
            assert_non_null(strstr(info.text, "--socket PATH"));
            continue;
        }
        assert_string_equal(control.path, c->path);
        assert_row_equal(c->what, control.data_dir == NULL, c->data_dir == NULL);
        if (c->data_dir != NULL)
            assert_string_equal(control.data_dir, c->data_dir);
    }
}

// 107 bytes are the most that a socket's address holds beside its NUL (unix(7)).
static void test_a_path_that_no_socket_can_have(void **state)
{
    (void)state;
    char path[3000];
    const char *environment[] = {NULL};
    struct control control;
    struct err_info info = {0};
    const struct control_hints as_socket = {path, NULL, environment};
    const struct control_hints as_folder = {NULL, path, environment};
    memset(path, 'x', sizeof path);
    path[107] = '\0';
    assert_int_equal(control_find(&as_socket, &control, &info), ERR_OK);
    assert_int_equal(control_find(&as_folder, &control, &info), ERR_INVALID);
    path[107] = 'x';
    path[108] = '\0';
    assert_int_equal(control_find(&as_socket, &control, &info), ERR_INVALID);
    assert_non_null(strstr(info.text, "at most 107 bytes"));
    path[108] = 'x';
    path[sizeof path - 1] = '\0';
    assert_int_equal(control_find(&as_socket, &control, &info), ERR_INVALID);
    assert_int_equal(control_find(&as_folder, &control, &info), ERR_INVALID);
}

static void test_a_member_of_text(void **state)
{
    (void)state;
    json_t *object = json_pack("{s:s,s:i}", "title", "No such brand", "status", 404);
    assert_string_equal(control_text(object, "title"), "No such brand");
    assert_string_equal(control_text(object, "status"), "");
    assert_string_equal(control_text(object, "detail"), "");
    assert_string_equal(control_text(NULL, "detail"), "");
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_socket),
        cmocka_unit_test(test_a_path_that_no_socket_can_have),
        cmocka_unit_test(test_a_member_of_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
