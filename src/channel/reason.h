// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Why a provider did not take a message, in one vocabulary for all of them, and who can do
// something about it.

// name, on the wire and in logs, class, one plain sentence for people
#define SEND_REASON_LIST(X)                                                                        \
    X(SEND_REASON_NONE, "none", SEND_CLASS_NONE, "it was taken")                                   \
    X(SEND_INVALID_NUMBER, "invalid_number", SEND_CLASS_PERSON, "there is no such address")        \
    X(SEND_NOT_MOBILE, "not_mobile", SEND_CLASS_PERSON, "the number is not a mobile one")          \
    X(SEND_UNREACHABLE, "unreachable", SEND_CLASS_PERSON, "the phone or mailbox is not reachable") \
    X(SEND_BLOCKED_BY_USER, "blocked_by_user", SEND_CLASS_PERSON,                                  \
      "the person has blocked messages of this sender")                                            \
    X(SEND_NO_ACCOUNT, "no_account_on_channel", SEND_CLASS_PERSON,                                 \
      "the person has no account on this channel")                                                 \
    X(SEND_CARRIER_FILTERED, "carrier_filtered", SEND_CLASS_NEXT_ROUTE, "a carrier filtered it")   \
    X(SEND_SENDER_NOT_REGISTERED, "sender_not_registered", SEND_CLASS_OPERATOR,                    \
      "the sender is not registered with the provider or the carrier")                             \
    X(SEND_TEMPLATE_INVALID, "template_invalid", SEND_CLASS_OPERATOR,                              \
      "the provider does not know the template, or has not approved it")                           \
    X(SEND_TEMPLATE_PARAMS, "template_params", SEND_CLASS_OPERATOR,                                \
      "the values do not fit the provider's template")                                             \
    X(SEND_REGION_DISABLED, "region_disabled", SEND_CLASS_OPERATOR,                                \
      "sending to that country is not enabled at the provider")                                    \
    X(SEND_THROTTLED, "throttled", SEND_CLASS_RETRY, "the provider asks to send more slowly")      \
    X(SEND_QUOTA, "quota_or_balance", SEND_CLASS_OPERATOR,                                         \
      "the account has no money or quota left")                                                    \
    X(SEND_AUTH_FAILED, "auth_failed", SEND_CLASS_OPERATOR,                                        \
      "the provider refused the credentials")                                                      \
    X(SEND_TOKEN_ENDED, "token_ended", SEND_CLASS_RETRY,                                           \
      "the access token has ended, and a new one is being fetched")                                \
    X(SEND_VENDOR_DOWN, "vendor_down", SEND_CLASS_RETRY,                                           \
      "the provider cannot be reached or failed")                                                  \
    X(SEND_UNCLASSIFIED, "unclassified", SEND_CLASS_NEXT_ROUTE,                                    \
      "the provider gave a reason that is not known here")

enum send_class {
    SEND_CLASS_NONE,
    SEND_CLASS_RETRY,      // the same may work in a moment
    SEND_CLASS_NEXT_ROUTE, // another provider may take it
    SEND_CLASS_PERSON,     // this address will not get it; another provider or channel may help
    SEND_CLASS_OPERATOR,   // whoever runs the server has to do something
};

#define SEND_REASON_ENUM(name, text, class, sentence) name,
enum send_reason { SEND_REASON_LIST(SEND_REASON_ENUM) SEND_REASON_COUNT_ };
#undef SEND_REASON_ENUM

const char *send_reason_name(enum send_reason reason);
const char *send_reason_sentence(enum send_reason reason);
enum send_class send_reason_class(enum send_reason reason);
