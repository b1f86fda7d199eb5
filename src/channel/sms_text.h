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
