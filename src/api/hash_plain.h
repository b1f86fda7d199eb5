// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a hash says once it is decrypted, and whether that is what its request says:
// docs/payload-encryption.md. A function of its arguments.
//
// It is a JSON object with the request's own members, each with the value that it has there:
//
//   brand, sessionId               always
//   timeStamp                      always; beside the hash it may be left out
//   deviceId                       on the mobile URIs; none there and on web/: null, or left out
//   identifierType, …Value         if the request has them
//   mobile, email                  if the request has no identifierType; else they may be left out
//
// Values are compared byte by byte after JSON's escapes; an empty string is none. A device that is
// a number is its digits. Other members are ignored; a member given twice, of a wrong type or with
// U+0000 makes the whole of it unreadable.

#include "api/fields.h"
#include "crypto/rsa/rsa.h"

// name, what the log says. In the order in which they are looked for: of several that are true of
// what several keys have made of a hash, the last one is told.
#define HASH_REASON_LIST(X)                                                                     \
    X(HASH_UNREADABLE, "no key of the brand opens it to a JSON object with the members wanted") \
    X(HASH_OTHER_BRAND, "brand differs")                                                        \
    X(HASH_OTHER_DEVICE, "deviceId differs")                                                    \
    X(HASH_OTHER_TYPE, "identifierType differs")                                                \
    X(HASH_OTHER_VALUE, "identifierValue differs")                                              \
    X(HASH_OTHER_MOBILE, "mobile differs")                                                      \
    X(HASH_OTHER_EMAIL, "email differs")                                                        \
    X(HASH_OTHER_SESSION, "sessionId differs")                                                  \
    X(HASH_OTHER_TIME, "timeStamp differs")                                                     \
    X(HASH_EXPIRED, "timeStamp is older than encryption.validSeconds")                          \
    X(HASH_EARLY, "timeStamp is more than 30 seconds ahead of this server's clock")             \
    X(HASH_RIGHT, "right")                                                                      \
    X(HASH_MISSING, "hash is missing")                                                          \
    X(HASH_NO_KEY, "the brand has no encryption key")                                           \
    X(HASH_PKCS1_OFF, "X-CAP-USE-NEW-ENCRYPTION: true is missing and encryption.pkcs1 is off")  \
    X(HASH_NOT_BASE64, "hash is no base64 of at most 512 bytes")                                \
    X(HASH_WRONG_LENGTH, "hash is not as long as any key of the brand makes it")                \
    X(HASH_BAD_TIME, "timeStamp beside the hash is no whole number")                            \
    X(HASH_USED, "hash was used before")                                                        \
    X(HASH_FORGOTTEN, "hash is older than 32 later ones of the same person")                    \
    X(HASH_OFF_CLOCK, "this server's clock and its time T differ by a day: restart it")

#define HASH_REASON_ENUM(name, text) name,
enum hash_reason { HASH_REASON_LIST(HASH_REASON_ENUM) HASH_REASON_COUNT_ };
#undef HASH_REASON_ENUM

struct span hash_reason_text(enum hash_reason reason);

#define HASH_AHEAD_MS_MAX INT64_C(30000)

enum hash_member {
    HASH_MEMBER_BRAND,
    HASH_MEMBER_DEVICE,
    HASH_MEMBER_TYPE,
    HASH_MEMBER_VALUE,
    HASH_MEMBER_MOBILE,
    HASH_MEMBER_EMAIL,
    HASH_MEMBER_SESSION,
    HASH_MEMBER_COUNT_,
};

#define HASH_DIGITS_MAX 20U // of a 64-bit number

// What a request says, or what a hash says of it. Must not move: the device may be in it.
struct hash_claims {
    struct span members[HASH_MEMBER_COUNT_]; // empty: none
    bool has_time;
    int64_t made_at_ms;
    char device_digits[HASH_DIGITS_MAX];
};

// Of fields that live as long as the claims do. On web/ there is no device, whatever is there.
// False: the time stamp is no whole number of milliseconds.
bool hash_claims_init(struct hash_claims *claims, const struct api_fields *fields, bool is_web);

struct hash_window {
    int64_t now_ms; // by the wall clock, which the app's is compared with
    int64_t valid_ms;
};

// HASH_RIGHT, HASH_EXPIRED or HASH_EARLY.
enum hash_reason hash_judge_time(int64_t made_at_ms, const struct hash_window *window);

// The first reason of the list that is true, HASH_RIGHT at the latest; then *made_at_out is the
// time that the hash carries.
enum hash_reason hash_judge(struct json_parser *parser, struct span plain,
                            const struct hash_claims *wanted, const struct hash_window *window,
                            int64_t *made_at_out);
