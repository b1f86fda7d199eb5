// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The codes of the wire and their exact texts. Clients compare some of the texts, and people get to
// read them: they never say more than the code does.

#include "base/strbuf.h"

// name, code on the wire, text on the wire
#define API_STATUS_LIST(X)                                                              \
    X(API_SUCCESS, 200, "SUCCESS")                                                      \
    X(API_NOT_VALIDATED, 1502, "Unable to validate OTP")                                \
    X(API_NOT_GENERATED, 1503, "Unable to generate OTP")                                \
    X(API_BRAND_UNKNOWN, 1504, "Unsupported brand")                                     \
    X(API_SESSION_INVALID, 1505, "Invalid session")                                     \
    X(API_OTP_WRONG, 1506, "Invalid OTP")                                               \
    X(API_MOBILE_DIFFERS, 1507, "Mobile is different from the session")                 \
    X(API_DEVICE_DIFFERS, 1508, "Device is different from the session")                 \
    X(API_BRAND_DIFFERS, 1509, "Brand is different from the session")                   \
    X(API_TRIES_SPENT, 1518,                                                            \
      "Reached the maximum allowed OTP retry attempts, Authenticate from the start")    \
    X(API_DETAILS_INVALID, 1519, "Invalid details for respective API")                  \
    X(API_SENDS_SPENT, 1534, "Reached the maximum number of OTPs allowed per customer") \
    X(API_NO_OTP, 1537, "No OTP generated for these details")                           \
    X(API_ADDRESS_MISSING, 1540, "Mobile or email is required")                         \
    X(API_IDENTIFIER_DIFFERS, 1541, "Identifier is different from the session")         \
    X(API_USERNAME_TAKEN, 1543, "Username already exists")                              \
    X(API_IDENTIFIER_TYPE_INVALID, 1546, "Invalid identifierType")                      \
    X(API_FALLBACK_NEEDS_MOBILE, 1601, "Fallback Channel needs identifier mobile")      \
    X(API_FALLBACK_NEEDS_EMAIL, 1602, "Fallback Channel needs identifier email")        \
    X(API_CHANNEL_NOT_CONFIGURED, 1603,                                                 \
      "Channel is not configured properly, please check and try again")                 \
    X(API_EXTERNAL_ID_OFF, 3005, "External ID login must be enabled.")                  \
    X(API_TAMPERED, 5004, "Response tampered")                                          \
    X(API_FORBIDDEN, 403, "Forbidden")                                                  \
    X(API_MEDIA_TYPE_UNSUPPORTED, 415, "Unsupported Media Type")                        \
    X(API_UNAVAILABLE, 503, "Service Unavailable")

#define API_STATUS_ENUM(name, code, text) name,
enum api_status { API_STATUS_LIST(API_STATUS_ENUM) API_STATUS_COUNT_ };
#undef API_STATUS_ENUM

int api_status_code(enum api_status status);

// {"success":…,"code":…,"message":…}
void api_status_write(struct strbuf *out, enum api_status status);

// What is wrong with a request, for the developer of a client: "otp" and "is given twice". Both are
// constants of ours: nothing that a client sent is ever echoed. No member: `what` stands alone.
struct api_fault {
    const char *member;
    const char *what;
};

// As api_status_write, with the fault after the text: "…: otp is given twice".
void api_status_write_fault(struct strbuf *out, enum api_status status,
                            const struct api_fault *fault);

// Whole body of an answer that no handler makes, for http_router.write_error: {"status":{…}} with
// the HTTP status as its code.
void api_write_error(int http_status, struct strbuf *out);
