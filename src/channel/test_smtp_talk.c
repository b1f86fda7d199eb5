// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/smtp_talk.h"

#include "unit/unit.h"

static const char MAIL[] = "Subject: x\r\n\r\ntext\r\n" SMTP_MAIL_END;

struct step {
    const char *said; // by us
    const char *reply;
};

#define TO_FROM                                                 \
    {                                                           \
        "MAIL FROM:<codes@example.com>\r\n", "250 2.1.0 Ok\r\n" \
    }
#define TO_RCPT                                             \
    {                                                       \
        "RCPT TO:<bob@example.net>\r\n", "250 2.1.5 Ok\r\n" \
    }
#define TO_DATA                     \
    {                               \
        "DATA\r\n", "354 Go on\r\n" \
    }
#define BODY "Subject: x\r\n\r\ntext\r\n.\r\n"
#define STEPS_MAX 6U

struct row {
    const char *name;
    struct step steps[STEPS_MAX];
    const char *words;
    enum smtp_phase phase;
    unsigned code;
    bool is_reusable, is_body_sent;
};

static const struct row rows[] = {
    {"accepted",
     {TO_FROM, TO_RCPT, TO_DATA, {BODY, "250 2.0.0 Ok: queued\r\n"}},
     "250 2.0.0 Ok: queued",
     SMTP_BODY,
     250,
     true,
     true},
    {"replies of several lines",
     {{"MAIL FROM:<codes@example.com>\r\n", "250-Welcome\r\n250-to\r\n250 us\r\n"},
      TO_RCPT,
      TO_DATA,
      {BODY, "250-2.0.0 Ok\r\n250 2.0.0 queued\r\n"}},
     "250 2.0.0 queued",
     SMTP_BODY,
     250,
     true,
     true},
    {"line ends of LF alone",
     {TO_FROM, TO_RCPT, {"DATA\r\n", "354 Go on\n"}, {BODY, "250 Ok\n"}},
     "250 Ok",
     SMTP_BODY,
     250,
     true,
     true},
    {"sender refused",
     {{"MAIL FROM:<codes@example.com>\r\n", "553 5.7.1 No\r\n"}, {"RSET\r\n", "250 Ok\r\n"}},
     "553 5.7.1 No",
     SMTP_FROM,
     553,
     true,
     false},
    {"recipient refused",
     {TO_FROM, {"RCPT TO:<bob@example.net>\r\n", "550 5.1.1 No\r\n"}, {"RSET\r\n", "250 Ok\r\n"}},
     "550 5.1.1 No",
     SMTP_RECIPIENT,
     550,
     true,
     false},
    {"data refused, and reset too",
     {TO_FROM, TO_RCPT, {"DATA\r\n", "451 Later\r\n"}, {"RSET\r\n", "502 What\r\n"}},
     "451 Later",
     SMTP_DATA,
     451,
     false,
     false},
    {"data answered as if it were a command",
     {TO_FROM, TO_RCPT, {"DATA\r\n", "250 Ok\r\n"}, {"RSET\r\n", "250 Ok\r\n"}},
     "250 Ok",
     SMTP_DATA,
     250,
     true,
     false},
    {"body refused",
     {TO_FROM, TO_RCPT, TO_DATA, {BODY, "554 5.7.1 Spam\r\n"}},
     "554 5.7.1 Spam",
     SMTP_BODY,
     554,
     true,
     true},
    {"closing",
     {TO_FROM, {"RCPT TO:<bob@example.net>\r\n", "421 4.3.2 Bye\r\n"}},
     "421 4.3.2 Bye",
     SMTP_RECIPIENT,
     421,
     false,
     false},
};

static struct mail_address address(const char *text)
{
    struct mail_address out = {.span = SPAN("")};
    assert_true(mail_address_of(span_of_text(text), &out));
    return out;
}

static void begin(struct smtp_talk *talk)
{
    smtp_talk_init(talk, address("codes@example.com"), address("bob@example.net"),
                   span_of_text(MAIL));
}

// Takes at most `most` bytes at once, as a connection does.
static void say_all(struct smtp_talk *talk, const char *wanted, size_t most)
{
    struct span left = span_of_text(wanted);
    while (left.len > 0) {
        struct span output = span_first(smtp_talk_output(talk), most);
        assert_true(output.len > 0);
        assert_true(span_starts_with(left, output));
        smtp_talk_sent(talk, output.len);
        left = span_from(left, output.len);
    }
    assert_int_equal(smtp_talk_output(talk).len, 0);
}

static void hear(struct smtp_talk *talk, const char *reply, size_t most)
{
    struct span left = span_of_text(reply);
    while (left.len > 0) {
        struct span part = span_first(left, most);
        smtp_talk_received(talk, part);
        left = span_from(left, part.len);
    }
}

static void assert_talk(const struct row *row, size_t most)
{
    struct smtp_talk talk;
    begin(&talk);
    for (size_t i = 0; i < STEPS_MAX && row->steps[i].said != NULL; i++) {
        assert_row_equal(row->name, talk.is_over, false);
        say_all(&talk, row->steps[i].said, most);
        hear(&talk, row->steps[i].reply, most);
    }
    assert_row_equal(row->name, talk.is_over, true);
    assert_row_equal(row->name, talk.is_reusable, row->is_reusable);
    assert_row_equal(row->name, talk.end.phase, row->phase);
    assert_row_equal(row->name, talk.end.code, row->code);
    assert_row_equal(row->name, talk.end.is_body_sent, row->is_body_sent);
    assert_int_equal(smtp_talk_output(&talk).len, 0);
    assert_int_equal(talk.words_len, strlen(row->words));
    assert_memory_equal(talk.words, row->words, talk.words_len);
}

static void conversations_go_as_they_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_talk(&rows[i], SIZE_MAX);
        assert_talk(&rows[i], 1);
        assert_talk(&rows[i], 7);
    }
}

// The last byte decides: only with it may the relay have the message.
static void body_is_sent_with_its_last_byte(void **state)
{
    struct smtp_talk talk;
    (void)state;
    begin(&talk);
    for (size_t i = 0; i < 3; i++) {
        say_all(&talk, rows[0].steps[i].said, SIZE_MAX);
        hear(&talk, rows[0].steps[i].reply, SIZE_MAX);
    }
    for (size_t sent = 0; sent < sizeof BODY - 1; sent++) {
        assert_false(talk.end.is_body_sent);
        smtp_talk_sent(&talk, 1);
    }
    assert_true(talk.end.is_body_sent);
    assert_int_equal(smtp_talk_output(&talk).len, 0);
}

// A reply to what has not been said yet says nothing about it.
static void early_consent_is_not_believed(void **state)
{
    struct smtp_talk talk;
    struct send_result result = {.outcome = SEND_ACCEPTED};
    (void)state;
    begin(&talk);
    for (size_t i = 0; i < 3; i++) {
        say_all(&talk, rows[0].steps[i].said, SIZE_MAX);
        hear(&talk, rows[0].steps[i].reply, SIZE_MAX);
    }
    smtp_talk_sent(&talk, 5);
    hear(&talk, "250 Ok: queued\r\n", SIZE_MAX);
    assert_true(talk.is_over);
    assert_false(talk.is_reusable);
    smtp_classify(&talk.end, &result);
    assert_int_equal(result.outcome, SEND_RETRY);
}

static void early_refusal_is(void **state)
{
    struct smtp_talk talk;
    (void)state;
    begin(&talk);
    hear(&talk, "554 5.7.1 Go away\r\n", SIZE_MAX);
    assert_true(talk.is_over);
    assert_false(talk.is_reusable);
    assert_int_equal(talk.end.code, 554);
}

static void long_reply_lines_are_cut(void **state)
{
    struct smtp_talk talk;
    char line[SMTP_LINE_BYTES_MAX + 100];
    (void)state;
    begin(&talk);
    say_all(&talk, rows[0].steps[0].said, SIZE_MAX);
    memset(line, 'x', sizeof line);
    memcpy(line, "550 ", 4);
    smtp_talk_received(&talk, span_make(line, sizeof line));
    hear(&talk, "\r\n", SIZE_MAX);
    assert_int_equal(talk.end.code, 550);
    assert_int_equal(talk.words_len, SMTP_LINE_BYTES_MAX);
    say_all(&talk, "RSET\r\n", SIZE_MAX);
}

static void address_that_is_not_ascii_is_announced(void **state)
{
    struct smtp_talk talk;
    (void)state;
    smtp_talk_init(&talk, address("codes@example.com"), address("j\xc3\xbcrgen@example.net"),
                   span_of_text(MAIL));
    say_all(&talk, "MAIL FROM:<codes@example.com> BODY=8BITMIME SMTPUTF8\r\n", SIZE_MAX);
    hear(&talk, "250 Ok\r\n", SIZE_MAX);
    say_all(&talk, "RCPT TO:<j\xc3\xbcrgen@example.net>\r\n", SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversations_go_as_they_should),
        cmocka_unit_test(body_is_sent_with_its_last_byte),
        cmocka_unit_test(early_consent_is_not_believed),
        cmocka_unit_test(early_refusal_is),
        cmocka_unit_test(long_reply_lines_are_cut),
        cmocka_unit_test(address_that_is_not_ascii_is_announced),
    };
    return cmocka_run_group_tests_name("channel/smtp_talk", tests, NULL, NULL);
}
