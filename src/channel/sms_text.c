// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "channel/sms_text.h"

#include "telemetry/utf8.h"

// What the two tables have beyond ASCII, in order. Of ASCII they have all that is printable but the
// grave accent, and three controls.
static const uint16_t beyond_ascii[] = {
    0x00A1, 0x00A3, 0x00A4, 0x00A5, 0x00A7, 0x00BF, 0x00C4, 0x00C5, 0x00C6, 0x00C7,
    0x00C9, 0x00D1, 0x00D6, 0x00D8, 0x00DC, 0x00DF, 0x00E0, 0x00E4, 0x00E5, 0x00E6,
    0x00E8, 0x00E9, 0x00EC, 0x00F1, 0x00F2, 0x00F6, 0x00F8, 0x00F9, 0x00FC, 0x0393,
    0x0394, 0x0398, 0x039B, 0x039E, 0x03A0, 0x03A3, 0x03A6, 0x03A8, 0x03A9, 0x20AC,
};

static bool is_gsm7_ascii(uint32_t point)
{
    bool is_control = point == '\n' || point == '\r' || point == '\f';
    return is_control || (point >= 0x20 && point < 0x7F && point != '`');
}

static bool is_gsm7(uint32_t point)
{
    if (point < 0x80)
        return is_gsm7_ascii(point);
    for (size_t i = 0; i < sizeof beyond_ascii / sizeof beyond_ascii[0]; i++) {
        if (beyond_ascii[i] == point)
            return true;
    }
    return false;
}

enum sms_alphabet sms_text_alphabet(struct span text)
{
    while (text.len > 0) {
        uint32_t point;
        size_t len = utf8_next(text, &point);
        if (len == 0 || !is_gsm7(point))
            return SMS_UCS2;
        text = span_from(text, len);
    }
    return SMS_GSM7;
}
