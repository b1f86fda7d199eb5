// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the replies of a mail relay mean for one message (RFC 5321 section 4.2, RFC 3463), and how
// far the conversation had come.

#include "base/strbuf.h"
#include "channel/channel.h"

// What the relay's reply is to. Its order is that of the conversation.
enum smtp_phase {
    SMTP_LOGIN, // greeting, EHLO, STARTTLS, AUTH
    SMTP_FROM,
    SMTP_RECIPIENT,
    SMTP_DATA,
    SMTP_BODY,
};

struct smtp_end {
    enum smtp_phase phase;
    unsigned code;            // of the last reply in that phase; 0: there was none
    unsigned subject, detail; // of its enhanced code x.subject.detail; 0.0: it has none
    bool is_body_sent;        // to its last byte, so that the relay may have the message
    bool is_login_denied;
    bool is_never_begun; // the provider took too long with others
};

// Reads code and enhanced code of a reply's line. False: it is no last line of a reply.
bool smtp_reply_parse(struct span line, struct smtp_end *out);

void smtp_classify(const struct smtp_end *end, struct send_result *out);

// Either may be empty.
struct smtp_hidden {
    struct span code;
    struct span password;
};

// The words of a provider with what must not be seen taken out: code and password, and all that
// looks like an address.
void smtp_clean_words(struct span words, const struct smtp_hidden *hidden, struct strbuf *out);
