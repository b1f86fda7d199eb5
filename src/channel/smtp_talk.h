// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// One message's conversation with a mail relay after the login, as bytes in and out and no I/O
// (RFC 5321 section 3.3). It knows exactly what has been said and answered, and thus whether the
// relay may have the message.
//
//   MAIL ──2xx──▶ RCPT ──2xx──▶ DATA ──3xx──▶ body ──any──▶ over
//     └──else──────┴──else───────┴──else──▶ RSET ──any──▶ over

#include "channel/mail.h"
#include "channel/smtp_reply.h"

#define SMTP_COMMAND_BYTES_MAX 600U
#define SMTP_LINE_BYTES_MAX 512U // RFC 5321 section 4.5.3.1.5; what is longer is cut

struct smtp_talk {
    enum smtp_phase phase;
    bool is_resetting;
    bool is_over;
    bool is_reusable; // over, and the relay waits for the next MAIL
    struct mail_address to;
    struct span mail; // borrowed
    struct smtp_end end;
    size_t sent; // of what the phase has to say
    size_t command_len;
    uint8_t command[SMTP_COMMAND_BYTES_MAX];
    size_t line_len;  // of the line that is being received
    size_t words_len; // of the last reply's last line
    uint8_t line[SMTP_LINE_BYTES_MAX];
    uint8_t words[SMTP_LINE_BYTES_MAX];
};

// The line behind a mail that ends it. It leaves with the mail, in one packet.
#define SMTP_MAIL_END ".\r\n"

// `mail` is whole, its lines end in CRLF and none begins with a dot but the last, SMTP_MAIL_END.
void smtp_talk_init(struct smtp_talk *talk, struct mail_address from, struct mail_address to,
                    struct span mail);

// What is to be sent next; empty while a reply is awaited.
struct span smtp_talk_output(const struct smtp_talk *talk);
void smtp_talk_sent(struct smtp_talk *talk, size_t len);
void smtp_talk_received(struct smtp_talk *talk, struct span bytes);
