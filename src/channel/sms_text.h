// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// How a phone network writes a text: in the GSM 7-bit alphabet (3GPP TS 23.038 section 6.2.1, with
// its extension table), or, as soon as one character is not in it, in UCS-2.

#include "base/span.h"

enum sms_alphabet {
    SMS_GSM7,
    SMS_UCS2,
};

// A text that is no UTF-8 counts as UCS-2.
enum sms_alphabet sms_text_alphabet(struct span text);

struct sms_size {
    enum sms_alphabet alphabet;
    size_t units;        // septets, or UTF-16 code units
    size_t parts;        // each is paid for; at least 1
    struct span odd_one; // the first character that is not GSM 7-bit; empty: none
};

// Parts hold 160 septets or 70 units, of several 153 or 67 each; a character is never split.
void sms_text_measure(struct span text, struct sms_size *out);

enum sms_line {
    SMS_LINE_NONE,
    SMS_LINE_GOOD,
    SMS_LINE_BROKEN, // it looks meant, and no phone will take it for what it is meant
};

// The last line that lets browsers fill in a code, "@host #code" (origin-bound one-time codes).
// `host_out` is set for a good one.
enum sms_line sms_text_webotp(struct span text, struct span code, struct span *host_out);

// The hash of an app at the end, 11 characters of base64, which Android's SMS Retriever looks for
// in texts of at most 140 bytes. Only a text that begins with "<#>" is known to mean one.
enum sms_line sms_text_retriever(struct span text);
