// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Ceilings of the rules, with unit and reason. docs/limits.md lists them for users.

#define RECORD_CODES_MAX 8U // live codes a person: a phone, a tablet, a browser or two, and retries
#define RECORD_TOMBSTONES_MAX 32U  // spent or dropped sessions remembered
#define RECORD_SENDS_MAX 64U       // send times remembered, hence the largest otpMaxCount
#define RECORD_CARD_BYTES_MAX 254U // a sealed address, in the place of the send times
#define RECORD_HASHES_MAX 32U      // used hashes remembered, in a record of their own
#define RECORD_BYTES_MAX 1024U     // so that one record is one small write

// A message for a username is promised within this time of the send that counts for it, or not at
// all: so much closer than the window says may two promises be.
#define SLOT_MS_MAX INT64_C(5000)

// How far the floor of the used hashes lies behind T at most: longer than a hash may be valid, so
// that a clock has to be wrong by about as much before that is noticed.
#define USED_HASH_MEMORY_MS (INT64_C(86400) * 1000)

#define OTP_TTL_MS_MAX (INT64_C(86400) * 1000)
#define SESSION_TTL_MS_MAX (INT64_C(86400) * 1000)

#define OTP_WINDOW_MS_MAX (INT64_C(10080) * 60 * 1000)

// A code past its end still answers "wrong or expired" (1506), not "none was generated" (1537), for
// this long; so does the count of tries of its session.
#define CODE_LINGER_MS (INT64_C(3600) * 1000)

// How long after its end a session id may be presented and still be more than noise.
#define SESSION_PAST_MS_MAX (OTP_TTL_MS_MAX + CODE_LINGER_MS)

// A session may seem to end this much later than our own clock allows: another node made it.
#define SESSION_FUTURE_SLACK_MS (INT64_C(60) * 1000)
