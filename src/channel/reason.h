// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// Why a provider did not take a message, in one vocabulary for all of them, and who can do
// something about it.

// Name on the wire and in logs, class, two texts for people: one plain sentence, and what to do.
// The numbers are stored: a new one goes to the end.
#define SEND_REASON_LIST(X)                                                                        \
    X(SEND_REASON_NONE, "none", SEND_CLASS_NONE, "it was taken", "nothing")                        \
    X(SEND_INVALID_NUMBER, "invalid_number", SEND_CLASS_PERSON, "there is no such address",        \
      "ask the person for the address, letter by letter")                                          \
    X(SEND_NOT_MOBILE, "not_mobile", SEND_CLASS_PERSON, "the number is not a mobile one",          \
      "ask for a mobile number, or send by e-mail")                                                \
    X(SEND_UNREACHABLE, "unreachable", SEND_CLASS_PERSON, "the phone or mailbox is not reachable", \
      "have the person switch the phone on or make room in the mailbox, and ask again")            \
    X(SEND_BLOCKED_BY_USER, "blocked_by_user", SEND_CLASS_PERSON,                                  \
      "the person has blocked messages of this sender",                                            \
      "have the person unblock the sender (often by texting START to it), or use another channel") \
    X(SEND_NO_ACCOUNT, "no_account_on_channel", SEND_CLASS_PERSON,                                 \
      "the person has no account on this channel", "use another channel: SMS, or e-mail")          \
    X(SEND_CARRIER_FILTERED, "carrier_filtered", SEND_CLASS_NEXT_ROUTE, "a carrier filtered it",   \
      "register sender and text with the carrier, and have no link in the text")                   \
    X(SEND_SENDER_NOT_REGISTERED, "sender_not_registered", SEND_CLASS_OPERATOR,                    \
      "the sender is not registered with the provider or the carrier",                             \
      "register the sender for that country with the provider, or route the country's prefix to "  \
      "another one")                                                                               \
    X(SEND_TEMPLATE_INVALID, "template_invalid", SEND_CLASS_OPERATOR,                              \
      "the provider does not know the template, or has not approved it",                           \
      "compare the name or id of the template with what the provider has approved")                \
    X(SEND_TEMPLATE_PARAMS, "template_params", SEND_CLASS_OPERATOR,                                \
      "the values do not fit the provider's template",                                             \
      "compare the brand's text and the number of its values with the provider's template")        \
    X(SEND_REGION_DISABLED, "region_disabled", SEND_CLASS_OPERATOR,                                \
      "sending to that country is not enabled at the provider",                                    \
      "enable the country at the provider, or route its prefix to another one")                    \
    X(SEND_THROTTLED, "throttled", SEND_CLASS_RETRY, "the provider asks to send more slowly",      \
      "nothing, if it is rare; else ask the provider for a higher rate, or add another one")       \
    X(SEND_QUOTA, "quota_or_balance", SEND_CLASS_OPERATOR,                                         \
      "the account has no money or quota left", "top up the account at the provider")              \
    X(SEND_AUTH_FAILED, "auth_failed", SEND_CLASS_OPERATOR,                                        \
      "the provider refused the credentials",                                                      \
      "set the credentials anew; otpd check --online tries them")                                  \
    X(SEND_VENDOR_DOWN, "vendor_down", SEND_CLASS_RETRY,                                           \
      "the provider cannot be reached or failed",                                                  \
      "look at the provider's status page and at the network; otpd check --online tries it")       \
    X(SEND_UNCLASSIFIED, "unclassified", SEND_CLASS_NEXT_ROUTE,                                    \
      "the provider gave a reason that is not known here",                                         \
      "look its words up in the provider's documentation, or ask its support")                     \
    X(SEND_TOKEN_ENDED, "token_ended", SEND_CLASS_RETRY,                                           \
      "the access token has ended, and a new one is being fetched",                                \
      "nothing, if it is rare; else look at otpd provider tokens show")

enum send_class {
    SEND_CLASS_NONE,
    SEND_CLASS_RETRY,      // the same may work in a moment
    SEND_CLASS_NEXT_ROUTE, // another provider may take it
    SEND_CLASS_PERSON,     // this address will not get it; another provider or channel may help
    SEND_CLASS_OPERATOR,   // whoever runs the server has to do something
};

#define SEND_REASON_ENUM(name, text, class, sentence, advice) name,
enum send_reason { SEND_REASON_LIST(SEND_REASON_ENUM) SEND_REASON_COUNT_ };
#undef SEND_REASON_ENUM

const char *send_reason_name(enum send_reason reason);
const char *send_reason_sentence(enum send_reason reason);
const char *send_reason_advice(enum send_reason reason);
enum send_class send_reason_class(enum send_reason reason);
