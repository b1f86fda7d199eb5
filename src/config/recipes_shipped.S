// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The recipes in providers/, byte for byte, in read-only memory.
#define RECIPE(name, file)          \
    .global recipe_##name##_begin;  \
    .global recipe_##name##_end;    \
    recipe_##name##_begin:          \
    .incbin file;                   \
    recipe_##name##_end:

    .section .rodata
RECIPE(aws_eum, "aws-eum.yaml")
RECIPE(aws_sns, "aws-sns.yaml")
RECIPE(gupshup, "gupshup.yaml")
RECIPE(infobip, "infobip.yaml")
RECIPE(kaleyra, "kaleyra.yaml")
RECIPE(msg91, "msg91.yaml")
RECIPE(twilio, "twilio.yaml")
RECIPE(vonage, "vonage.yaml")
RECIPE(webhook, "webhook.yaml")
RECIPE(whatsapp_cloud, "whatsapp-cloud.yaml")
RECIPE(zalo, "zalo.yaml")

    .section .note.GNU-stack, "", %progbits
