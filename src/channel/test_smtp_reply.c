// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/smtp_reply.h"

#include "unit/unit.h"

struct parse_row {
    const char *line;
    bool is_last;
    unsigned code, subject, detail;
};

static const struct parse_row parse_rows[] = {
    {"250 2.1.5 Ok", true, 250, 1, 5},
    {"250 Ok", true, 250, 0, 0},
    {"250", true, 250, 0, 0},
    {"354 End data with <CR><LF>.<CR><LF>", true, 354, 0, 0},
    {"550 5.7.26 Unauthenticated", true, 550, 7, 26},
    {"550 4.7.1 class of another reply", true, 550, 0, 0},
    {"550 5.7 no detail", true, 550, 0, 0},
    {"550 5 no subject", true, 550, 0, 0},
    {"554 5.7.1234 long", true, 554, 7, 123},
    {"550-5.1.1 more follows", false, 0, 0, 0},
    {"", false, 0, 0, 0},
    {"25", false, 0, 0, 0},
    {"2500 Ok", true, 250, 0, 0},
    {"150 positive preliminary", false, 0, 0, 0},
    {"600 none", false, 0, 0, 0},
    {"OK", false, 0, 0, 0},
};

static void reply_lines_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof parse_rows / sizeof parse_rows[0]; i++) {
        const struct parse_row *row = &parse_rows[i];
        struct smtp_end end = {.code = 0};
        assert_row_equal(row->line, smtp_reply_parse(span_of_text(row->line), &end), row->is_last);
        assert_row_equal(row->line, end.code, row->code);
        assert_row_equal(row->line, end.subject, row->subject);
        assert_row_equal(row->line, end.detail, row->detail);
    }
}

struct end_row {
    enum smtp_phase phase;
    const char *line; // NULL: the connection ended without one
    bool is_body_sent;
    enum send_outcome outcome;
    enum send_reason reason;
};

static const struct end_row end_rows[] = {
    {SMTP_BODY, "250 2.0.0 Ok: queued", true, SEND_ACCEPTED, SEND_REASON_NONE},
    // No answer: it counts whether the relay may have all of it.
    {SMTP_LOGIN, NULL, false, SEND_RETRY, SEND_VENDOR_DOWN},
    {SMTP_LOGIN, "220 mail.example.com ESMTP", false, SEND_RETRY, SEND_VENDOR_DOWN},
    {SMTP_RECIPIENT, "250 2.1.5 Ok", false, SEND_RETRY, SEND_VENDOR_DOWN},
    {SMTP_DATA, "354 Go on", false, SEND_RETRY, SEND_VENDOR_DOWN},
    {SMTP_DATA, "354 Go on", true, SEND_UNKNOWN, SEND_VENDOR_DOWN},
    // Later.
    {SMTP_LOGIN, "421 4.3.2 Closing", false, SEND_RETRY, SEND_VENDOR_DOWN},
    {SMTP_LOGIN, "454 4.7.0 Temporary authentication failure", false, SEND_RETRY, SEND_THROTTLED},
    {SMTP_FROM, "421 Too many connections", false, SEND_RETRY, SEND_VENDOR_DOWN},
    {SMTP_RECIPIENT, "450 4.2.0 Greylisted", false, SEND_RETRY, SEND_THROTTLED},
    {SMTP_RECIPIENT, "451 4.3.0 Local error", false, SEND_RETRY, SEND_VENDOR_DOWN},
    {SMTP_RECIPIENT, "451 4.7.1 Greylisting in action", false, SEND_RETRY, SEND_THROTTLED},
    {SMTP_RECIPIENT, "452 4.3.1 Insufficient system storage", false, SEND_RETRY, SEND_THROTTLED},
    {SMTP_BODY, "451 4.3.0 Local error", true, SEND_RETRY, SEND_VENDOR_DOWN},
    // We.
    {SMTP_LOGIN, "535 5.7.8 Bad credentials", false, SEND_REFUSED, SEND_AUTH_FAILED},
    {SMTP_LOGIN, "534 5.7.9 Too weak", false, SEND_REFUSED, SEND_AUTH_FAILED},
    {SMTP_FROM, "530 5.7.0 Authentication required", false, SEND_REFUSED, SEND_AUTH_FAILED},
    {SMTP_FROM, "553 5.7.1 Sender not owned", false, SEND_REFUSED, SEND_SENDER_NOT_REGISTERED},
    {SMTP_FROM, "550 No such sender", false, SEND_REFUSED, SEND_SENDER_NOT_REGISTERED},
    {SMTP_RECIPIENT, "550 5.1.8 Bad sender", false, SEND_REFUSED, SEND_SENDER_NOT_REGISTERED},
    {SMTP_FROM, "550 5.4.5 Daily quota exceeded", false, SEND_REFUSED, SEND_QUOTA},
    // The person.
    {SMTP_RECIPIENT, "550 5.1.1 User unknown", false, SEND_REFUSED, SEND_INVALID_NUMBER},
    {SMTP_RECIPIENT, "550 No such user here", false, SEND_REFUSED, SEND_INVALID_NUMBER},
    {SMTP_RECIPIENT, "551 User not local", false, SEND_REFUSED, SEND_INVALID_NUMBER},
    {SMTP_RECIPIENT, "553 Mailbox name not allowed", false, SEND_REFUSED, SEND_INVALID_NUMBER},
    {SMTP_RECIPIENT, "550 5.2.1 Mailbox disabled", false, SEND_REFUSED, SEND_UNREACHABLE},
    {SMTP_RECIPIENT, "552 5.2.2 Mailbox full", false, SEND_REFUSED, SEND_UNREACHABLE},
    {SMTP_RECIPIENT, "552 Exceeded storage allocation", false, SEND_REFUSED, SEND_UNREACHABLE},
    {SMTP_BODY, "552 5.2.2 Mailbox full", true, SEND_REFUSED, SEND_UNREACHABLE},
    // The content, or who may send it.
    {SMTP_RECIPIENT, "550 5.7.1 Relaying denied", false, SEND_REFUSED, SEND_CARRIER_FILTERED},
    {SMTP_LOGIN, "554 No SMTP service here", false, SEND_REFUSED, SEND_CARRIER_FILTERED},
    {SMTP_BODY, "554 5.7.1 Spam", true, SEND_REFUSED, SEND_CARRIER_FILTERED},
    {SMTP_BODY, "552 5.7.0 Content", true, SEND_REFUSED, SEND_CARRIER_FILTERED},
    {SMTP_BODY, "550 Rejected for policy reasons", true, SEND_REFUSED, SEND_CARRIER_FILTERED},
    {SMTP_RECIPIENT, "501 5.5.4 Syntax", false, SEND_REFUSED, SEND_UNCLASSIFIED},
};

static void each_end_has_its_outcome_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof end_rows / sizeof end_rows[0]; i++) {
        const struct end_row *row = &end_rows[i];
        const char *name = row->line != NULL ? row->line : "no reply";
        struct smtp_end end = {.phase = row->phase, .is_body_sent = row->is_body_sent};
        struct send_result result = {.outcome = SEND_RETRY};
        if (row->line != NULL)
            assert_true(smtp_reply_parse(span_of_text(row->line), &end));
        smtp_classify(&end, &result);
        assert_row_equal(name, result.outcome, row->outcome);
        assert_row_equal(name, result.reason, row->reason);
    }
}

static void what_was_never_begun_is_tried_again(void **state)
{
    const struct smtp_end end = {.is_never_begun = true};
    struct send_result result = {.outcome = SEND_ACCEPTED};
    (void)state;
    smtp_classify(&end, &result);
    assert_int_equal(result.outcome, SEND_RETRY);
    assert_int_equal(result.reason, SEND_THROTTLED);
}

static void refused_login_without_a_code_is_the_operators(void **state)
{
    const struct smtp_end end = {.code = 334, .is_login_denied = true};
    struct send_result result = {.outcome = SEND_ACCEPTED};
    (void)state;
    smtp_classify(&end, &result);
    assert_int_equal(result.outcome, SEND_REFUSED);
    assert_int_equal(result.reason, SEND_AUTH_FAILED);
}

struct words_row {
    const char *words;
    const char *clean;
};

static const struct words_row words_rows[] = {
    {"", ""},
    {"550 5.1.1 <bob@example.com>: User unknown", "550 5.1.1 (address) User unknown"},
    {"bob@example.com", "(address)"},
    {"553 \"482913 is your code\" looks like spam", "553 \"(code) is your code\" looks like spam"},
    {"id=48291348", "id=(code)48"},
    {"535 pass @word! is not the password", "535 (password) is not the password"},
    {"x:pass @word!482913 bob@example.com", "x:(password)(code) (address)"},
    {"a\tb  c\x01"
     "d",
     "a b  cd"},
};

static void words_lose_secrets_address_and_controls(void **state)
{
    const struct smtp_hidden hidden = {SPAN("482913"), SPAN("pass @word!")};
    (void)state;
    for (size_t i = 0; i < sizeof words_rows / sizeof words_rows[0]; i++) {
        char storage[100] = {0};
        struct strbuf out = strbuf_over(storage, sizeof storage - 1);
        smtp_clean_words(span_of_text(words_rows[i].words), &hidden, &out);
        assert_string_equal(storage, words_rows[i].clean);
    }
}

static void long_words_are_cut(void **state)
{
    char storage[8] = {0};
    struct strbuf out = strbuf_over(storage, sizeof storage - 1);
    (void)state;
    smtp_clean_words(SPAN("550 very long"), &(struct smtp_hidden){SPAN(""), SPAN("")}, &out);
    assert_string_equal(storage, "550 ver");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reply_lines_are_read),
        cmocka_unit_test(each_end_has_its_outcome_and_reason),
        cmocka_unit_test(what_was_never_begun_is_tried_again),
        cmocka_unit_test(refused_login_without_a_code_is_the_operators),
        cmocka_unit_test(words_lose_secrets_address_and_controls),
        cmocka_unit_test(long_words_are_cut),
    };
    return cmocka_run_group_tests_name("channel/smtp_reply", tests, NULL, NULL);
}
