// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The recipes in providers/ that are part of the program (recipes_shipped.S).

#include <stdint.h>

// symbol, name; in order
#define RECIPES_SHIPPED(X)              \
    X(aws_eum, "aws-eum")               \
    X(aws_sns, "aws-sns")               \
    X(gupshup, "gupshup")               \
    X(infobip, "infobip")               \
    X(kaleyra, "kaleyra")               \
    X(msg91, "msg91")                   \
    X(twilio, "twilio")                 \
    X(vonage, "vonage")                 \
    X(webhook, "webhook")               \
    X(whatsapp_cloud, "whatsapp-cloud") \
    X(zalo, "zalo")

#define RECIPE_SYMBOLS(symbol, name)                \
    extern const uint8_t recipe_##symbol##_begin[]; \
    extern const uint8_t recipe_##symbol##_end[];
RECIPES_SHIPPED(RECIPE_SYMBOLS)
#undef RECIPE_SYMBOLS
