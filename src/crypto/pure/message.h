// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#pragma once
// The text of one message to a person: the only place a code may be written to.
//
// It is no strbuf on purpose: the logger, the JSON writer and the store take spans and strbufs, and
// nothing here gives one out but message_reveal, which the channels (and nobody else; the layer
// check names them) call at the moment of sending. Wipe it when sent.

#include "base/span.h"

#define MESSAGE_TEXT_BYTES_MAX 2048U

struct message {
    size_t len;
    bool is_overflowed;
    uint8_t bytes[MESSAGE_TEXT_BYTES_MAX];
};

void message_init(struct message *message);
void message_put(struct message *message, struct span text);
void message_put_u64(struct message *message, uint64_t value);
struct span message_reveal(const struct message *message);
void message_wipe(struct message *message);
