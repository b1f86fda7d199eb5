// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "unit/unit.h"

#include "cli/assign.h"
#include "service/brand.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

// One option of each type; a brand has none that is secret or a boolean.
struct sample {
    uint32_t number;
    uint32_t count;
    bool is_on;
    char text[32];
    char note[32];
    uint32_t choice;
    char secret[32];
    char token[32];
    char lines[32];
    char object[64];
};

#define FIELD(field) .offset = offsetof(struct sample, field)
#define TEXT_FIELD(field) FIELD(field), .capacity = sizeof((struct sample *)0)->field

static const char *const colours[] = {"red", "green", NULL};

static const struct option sample_options[] = {
    {.name = "number", .type = OPTION_U32, .least = 1, .most = 4294967295, FIELD(number)},
    {.name = "count", .type = OPTION_U32, .least = 2, .most = 9, FIELD(count), .is_nullable = true},
    {.name = "isOn", .type = OPTION_BOOL, FIELD(is_on)},
    {.name = "text", .type = OPTION_TEXT, TEXT_FIELD(text)},
    {.name = "note", .type = OPTION_TEXT, TEXT_FIELD(note), .is_nullable = true},
    {.name = "colour", .type = OPTION_CHOICE, .choices = colours, FIELD(choice)},
    {.name = "secret", .type = OPTION_TEXT, TEXT_FIELD(secret), .is_secret = true},
    {.name = "token",
     .type = OPTION_TEXT,
     TEXT_FIELD(token),
     .is_secret = true,
     .is_nullable = true},
    {.name = "lines", .type = OPTION_TEXT, TEXT_FIELD(lines), .has_lines = true},
    {.name = "object", .type = OPTION_OBJECT, TEXT_FIELD(object), .is_nullable = true},
};

static const struct option_table sample_table = {sample_options, COUNT_OF(sample_options)};

struct word_case {
    const char *word;
    const char *json; // what the object then is; NULL: refused
    const char *story;
};

static void check_word(const struct word_case *c)
{
    struct sample sample = {0};
    struct err_info info = {0};
    struct assign assign = {sample_table, &sample, json_object()};
    enum err err = assign_word(&assign, c->word, &info);
    char *text = json_dumps(assign.values, JSON_COMPACT);
    assert_row_equal(c->word, err, c->json != NULL ? ERR_OK : ERR_INVALID);
    assert_string_equal(text, c->json != NULL ? c->json : "{}");
    assert_string_equal(info.text, c->story != NULL ? c->story : "");
    free(text);
    json_decref(assign.values);
}

static const struct word_case good_words[] = {
    {"number=1", "{\"number\":1}", NULL},
    {"number=4294967295", "{\"number\":4294967295}", NULL},
    {"number=007", "{\"number\":7}", NULL},
    {"count=9", "{\"count\":9}", NULL},
    {"count=null", "{\"count\":null}", NULL},
    {"isOn=true", "{\"isOn\":true}", NULL},
    {"isOn=false", "{\"isOn\":false}", NULL},
    {"text=a=b", "{\"text\":\"a=b\"}", NULL},
    {"text=", "{\"text\":\"\"}", NULL},
    {"text=null", "{\"text\":\"null\"}", NULL},
    {"text=@FILE", "{\"text\":\"@FILE\"}", NULL},
    {"text=\"\\", "{\"text\":\"\\\"\\\\\"}", NULL},
    {"text=\xC3\xA9", "{\"text\":\"\xC3\xA9\"}", NULL},
    {"note=null", "{\"note\":null}", NULL},
    {"note=", "{\"note\":null}", NULL},
    {"note=12", "{\"note\":\"12\"}", NULL},
    {"colour=green", "{\"colour\":\"green\"}", NULL},
    {"token=null", "{\"token\":null}", NULL},
    {"lines=a\nb", "{\"lines\":\"a\\nb\"}", NULL},
    {"object={\"a\":{\"b\":\"c\"}}", "{\"object\":{\"a\":{\"b\":\"c\"}}}", NULL},
    {"object=null", "{\"object\":null}", NULL},
    {"object.a.b=c=d", "{\"object.a.b\":\"c=d\"}", NULL},
    {"object.a.b=null", "{\"object.a.b\":null}", NULL},
};

static void test_each_type_becomes_its_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good_words); i++)
        check_word(&good_words[i]);
}

#define COMMAND_LINE \
    "a secret on the command line is seen by every user of this machine; put it into a file: "

static const struct word_case bad_words[] = {
    {"number=0", NULL, "number: \"0\" is not 1 to 4294967295"},
    {"number=4294967296", NULL, "number: \"4294967296\" is not 1 to 4294967295"},
    {"number=-1", NULL, "number: \"-1\" is not 1 to 4294967295"},
    {"number=null", NULL, "number: \"null\" is not 1 to 4294967295"},
    {"number=", NULL, "number: \"\" is not 1 to 4294967295"},
    {"count=10", NULL, "count: \"10\" is not 2 to 9, or null"},
    {"isOn=yes", NULL, "isOn: \"yes\" is not true or false"},
    {"isOn=null", NULL, "isOn: \"null\" is not true or false"},
    {"colour=blue", NULL, "colour: \"blue\" is not red or green"},
    {"text=a\x1B[1m", NULL,
     "text: \"a?[1m\" is not text of at most 31 bytes, in UTF-8 without control characters"},
    {"number", NULL, "\"number\" has no value; give it as number=VALUE"},
    {"", NULL, "\"\" has no value; give it as =VALUE"},
    {"numbr=3", NULL, "there is no setting \"numbr\"; did you mean number?"},
    {"=3", NULL, "there is no setting \"\"; otpd brand options lists them"},
    {"else=3", NULL, "there is no setting \"else\"; otpd brand options lists them"},
    {"secret=hunter2", NULL, "secret: " COMMAND_LINE "secret=@FILE"},
    {"secret=", NULL, "secret: " COMMAND_LINE "secret=@FILE"},
    {"secret=@", NULL, "secret: " COMMAND_LINE "secret=@FILE"},
    {"token=hunter2", NULL, "token: " COMMAND_LINE "token=@FILE"},
    {"lines=@/nowhere", NULL, "lines: /nowhere: cannot open it: No such file or directory"},
    {"object=[]", NULL,
     "object: an object of JSON is wanted, or one of its texts: object.vi.NAME=TEXT"},
    {"object={", NULL,
     "object: an object of JSON is wanted, or one of its texts: object.vi.NAME=TEXT"},
    {"object.a.b=@/nowhere", NULL,
     "object.a.b: /nowhere: cannot open it: No such file or directory"},
    {"text.a=b", NULL, "there is no setting \"text.a\"; otpd brand options lists them"},
};

static void test_what_is_refused_and_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_words); i++)
        check_word(&bad_words[i]);
}

static void test_a_setting_is_given_once(void **state)
{
    (void)state;
    struct sample sample = {0};
    struct err_info info = {0};
    struct assign assign = {sample_table, &sample, json_object()};
    assert_int_equal(assign_word(&assign, "count=null", &info), ERR_OK);
    assert_int_equal(assign_word(&assign, "isOn=true", &info), ERR_OK);
    assert_int_equal(assign_word(&assign, "count=3", &info), ERR_INVALID);
    assert_string_equal(info.text, "count is given twice");
    assert_true(json_is_null(json_object_get(assign.values, "count")));
    json_decref(assign.values);
}

// A file of that text and mode; `word_out` becomes "secret=@…".
static void write_secret(char *word_out, size_t cap, const char *text, mode_t mode)
{
    char path[] = "/tmp/otpd-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
    assert_true(snprintf(word_out, cap, "secret=@%s", path) < (int)cap);
}

struct file_case {
    const char *text;
    mode_t mode;
    const char *json;  // NULL: refused
    const char *story; // some of it
};

static const struct file_case file_cases[] = {
    {"hunter2", 0600, "{\"secret\":\"hunter2\"}", ""},
    {"hunter2\n", 0640, "{\"secret\":\"hunter2\"}", ""},
    {"hunter2\r\n", 0400, "{\"secret\":\"hunter2\"}", ""},
    {"hunter2", 0604, NULL, ": others may read or change it; chmod 600 /tmp/otpd-test-"},
    {"hunter2", 0620, NULL, ": others may read or change it; chmod 600 /tmp/otpd-test-"},
    {"\n", 0600, NULL, "secret: there is nothing in it"},
    {"", 0600, NULL, "secret: there is nothing in it"},
    {"hunter\xFF", 0600, NULL, "secret: it is no text; base64 makes it one"},
    {"hunter2hunter2hunter2hunter2hunter2", 0600, NULL, "secret: the value is not text of at most"},
};

static void test_a_secret_comes_from_a_file_of_its_owner(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(file_cases); i++) {
        const struct file_case *c = &file_cases[i];
        char word[64];
        struct sample sample = {0};
        struct err_info info = {0};
        struct assign assign = {sample_table, &sample, json_object()};
        write_secret(word, sizeof word, c->text, c->mode);
        enum err err = assign_word(&assign, word, &info);
        assert_int_equal(unlink(word + strlen("secret=@")), 0);
        char *text = json_dumps(assign.values, JSON_COMPACT);
        assert_row_equal(c->text, err, c->json != NULL ? ERR_OK : ERR_INVALID);
        assert_string_equal(text, c->json != NULL ? c->json : "{}");
        assert_non_null(strstr(info.text, c->story));
        assert_null(strstr(info.text, "hunter"));
        free(text);
        json_decref(assign.values);
    }
}

static void test_a_secret_file_that_is_not_there(void **state)
{
    (void)state;
    static const struct word_case cases[] = {
        {"secret=@/tmp/otpd-no-such-folder/x", NULL,
         "secret: /tmp/otpd-no-such-folder/x: cannot open it: No such file or directory"},
        {"secret=@/dev/null", NULL, "secret: /dev/null: it is no regular file"},
        {"secret=@/tmp", NULL, "secret: /tmp: it is no regular file"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_word(&cases[i]);
}

// The word KEY=DEFAULT of each setting of a brand is taken, and gives a value of that default.
static void test_every_setting_of_a_brand_takes_its_default(void **state)
{
    (void)state;
    struct brand_settings settings = {0};
    struct brand_settings preset;
    struct err_info info = {0};
    struct assign assign = {brand_option_table(), &settings, json_object()};
    brand_settings_init(&preset);
    for (size_t i = 0; i < brand_options_count; i++) {
        const struct option *option = &brand_options[i];
        char word[1024];
        const char *value = option->preset != NULL ? option->preset : "null";
        assert_true(snprintf(word, sizeof word, "%s=%s", option->name, value) < 1024);
        assert_int_equal(assign_word(&assign, word, &info), ERR_OK);
        const json_t *json = json_object_get(assign.values, option->name);
        assert_int_equal(json_is_null(json), option->preset == NULL);
        assert_int_equal(json_is_integer(json),
                         option->type == OPTION_U32 && option->preset != NULL);
    }
    assert_int_equal(json_object_size(assign.values), brand_options_count);
    assert_memory_equal(&settings, &preset, sizeof settings);
    json_decref(assign.values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_type_becomes_its_json),
        cmocka_unit_test(test_what_is_refused_and_why),
        cmocka_unit_test(test_a_setting_is_given_once),
        cmocka_unit_test(test_a_secret_comes_from_a_file_of_its_owner),
        cmocka_unit_test(test_a_secret_file_that_is_not_there),
        cmocka_unit_test(test_every_setting_of_a_brand_takes_its_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
