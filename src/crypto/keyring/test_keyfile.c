// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "crypto/keyring/keyfile.h"
#include "crypto/pure/random.h"
#include "crypto/pure/test_help.h"

#define INDEX "index G+wFKnhUc6y+KRjoZt9n9EXE4fCg9jhL8gNvXUZEJ9M=\n"
#define EPOCHS "epochs 1EqOyoJLFjhVnWUXl0lPNHHTmJPw6zvtV4hm7R4ZxsA=\n"
#define SEAL "seal rSGbmnMYKz8yfVaVYa1Ol/FKTq3LBRTXzHzWqhUeu7g=\n"
#define WRAP "wrap 7D46bXJTDBlO8uE1HFuNwDf0bCkmBxG0GMKmDv4+rpo=\n"
#define HEAD "otpd-keys 1\n"
#define WHOLE HEAD INDEX EPOCHS SEAL WRAP

static void a_whole_file_parses_in_any_order(void **state)
{
    (void)state;
    const struct span texts[] = {SPAN(WHOLE), SPAN(HEAD WRAP SEAL INDEX EPOCHS)};
    for (size_t i = 0; i < 2; i++) {
        struct keyfile keyfile;
        struct err_info info;
        assert_int_equal(keyfile_parse(texts[i], &keyfile, &info), ERR_OK);
        assert_string_equal(hex_of(keyfile.keys[KEYFILE_INDEX].bytes, 4).text, "1bec052a");
        assert_string_equal(hex_of(keyfile.keys[KEYFILE_EPOCHS].bytes, 4).text, "d44a8eca");
        assert_string_equal(hex_of(keyfile.keys[KEYFILE_SEAL].bytes, 4).text, "ad219b9a");
        assert_string_equal(hex_of(keyfile.keys[KEYFILE_WRAP].bytes, 4).text, "ec3e3a6d");
    }
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    struct keyfile keyfile, again;
    struct err_info info;
    struct seeded seeded;
    seeded_init(&seeded, 1);
    struct entropy entropy = seeded_entropy(&seeded);
    for (int i = 0; i < 200; i++) {
        entropy_fill(&entropy, &keyfile, sizeof keyfile);
        uint8_t storage[KEYFILE_BYTES_MAX];
        struct strbuf text = strbuf_over(storage, sizeof storage);
        keyfile_format(&keyfile, &text);
        assert_int_equal(keyfile_parse(strbuf_span(&text), &again, &info), ERR_OK);
        assert_memory_equal(&keyfile, &again, sizeof keyfile);
    }
    assert_int_equal(keyfile_parse(SPAN(WHOLE), &keyfile, &info), ERR_OK);
    uint8_t storage[KEYFILE_BYTES_MAX];
    struct strbuf text = strbuf_over(storage, sizeof storage);
    keyfile_format(&keyfile, &text);
    assert_true(span_eq(strbuf_span(&text), SPAN(WHOLE)));
}

struct refusal {
    struct span text;
    const char *story;
};

static const struct refusal refusals[] = {
    {SPAN(""), "it does not end with a whole line"},
    {SPAN("\n"), "line 1: not \"otpd-keys 1\""},
    {SPAN("otpd-keys\n"), "line 1: not \"otpd-keys 1\""},
    {SPAN(" " WHOLE), "line 1: not \"otpd-keys 1\""},
    {SPAN("\xef\xbb\xbf" WHOLE), "line 1: not \"otpd-keys 1\""},
    {SPAN("otpd-keys 1\r\n" INDEX), "line 1: not \"otpd-keys 1\""},
    {SPAN("otpd-keys 2\n" INDEX EPOCHS SEAL WRAP),
     "line 1: the format is newer than this otpd knows"},
    {SPAN(HEAD), "key \"index\" is missing"},
    {SPAN(HEAD INDEX SEAL WRAP), "key \"epochs\" is missing"},
    {SPAN(HEAD INDEX EPOCHS SEAL), "key \"wrap\" is missing"},
    {SPAN(HEAD INDEX EPOCHS SEAL SEAL), "line 5: a second key \"seal\""},
    {SPAN(WHOLE WRAP), "line 6: a second key \"wrap\""},
    {SPAN(WHOLE "\n"), "line 6: begins with no name of a key and a space"},
    {SPAN(WHOLE "# mine\n"), "line 6: begins with no name of a key and a space"},
    {SPAN(HEAD "Index G+wF\n"), "line 2: begins with no name of a key and a space"},
    {SPAN(HEAD " " INDEX), "line 2: begins with no name of a key and a space"},
    {SPAN(HEAD "index\tG+wF\n"), "line 2: begins with no name of a key and a space"},
    {SPAN(HEAD "index\n"), "line 2: key \"index\" is not the base64 of 32 bytes"},
    {SPAN(HEAD "index  G+wFKnhUc6y+KRjoZt9n9EXE4fCg9jhL8gNvXUZEJ9M=\n"),
     "line 2: key \"index\" is not the base64 of 32 bytes"},
    {SPAN(HEAD "index G+wFKnhUc6y+KRjoZt9n9EXE4fCg9jhL8gNvXUZEJ9M\n"),
     "line 2: key \"index\" is not the base64 of 32 bytes"},
    {SPAN(HEAD "index G+wFKnhUc6y+KRjoZt9n9EXE4fCg9jhL8gNvXUZEJ9M= \n"),
     "line 2: key \"index\" is not the base64 of 32 bytes"},
    {SPAN(HEAD "index G+wFKnhUc6y+KRjoZt9n9EXE4fCg9jhL8gNvXUZEJ9N=\n"),
     "line 2: key \"index\" is not the base64 of 32 bytes"},
    {SPAN(HEAD "index G-wFKnhUc6y-KRjoZt9n9EXE4fCg9jhL8gNvXUZEJ9M=\n"),
     "line 2: key \"index\" is not the base64 of 32 bytes"},
    {SPAN(HEAD "index AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"),
     "line 2: key \"index\" is a placeholder"},
    {SPAN(HEAD "index qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\n"),
     "line 2: key \"index\" is a placeholder"},
    {SPAN(HEAD "index AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"),
     "line 2: key \"index\" is a placeholder"},
    {SPAN(HEAD "index Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=\n"),
     "line 2: key \"index\" is a placeholder"},
    {SPAN(HEAD "index CHANGEMECHANGEMECHANGEMECHANGEMECHANGEMECHA=\n"),
     "line 2: key \"index\" is a placeholder"},
    {SPAN(HEAD "index Q0hBTkdFTUVDSEFOR0VNRUNIQU5HRU1FQ0hBTkdFTUU=\n"),
     "line 2: key \"index\" is a placeholder"},
    {SPAN(HEAD INDEX EPOCHS SEAL "wrap 1EqOyoJLFjhVnWUXl0lPNHHTmJPw6zvtV4hm7R4ZxsA=\n"),
     "keys \"epochs\" and \"wrap\" are the same"},
};

static void anything_else_is_refused_with_its_story(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct keyfile keyfile;
        struct err_info info;
        assert_int_equal(keyfile_parse(refusals[i].text, &keyfile, &info), ERR_INVALID);
        assert_string_equal(info.text, refusals[i].story);
    }
}

static void no_beginning_of_a_file_is_a_file(void **state)
{
    (void)state;
    struct span whole = SPAN(WHOLE);
    for (size_t len = 0; len < whole.len; len++) {
        struct keyfile keyfile;
        assert_int_equal(keyfile_parse(span_first(whole, len), &keyfile, NULL), ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_file_parses_in_any_order),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(anything_else_is_refused_with_its_story),
        cmocka_unit_test(no_beginning_of_a_file_is_a_file),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests_name("keyfile", tests, NULL, NULL);
}
