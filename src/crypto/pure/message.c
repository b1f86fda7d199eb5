// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Like a strbuf it never grows and remembers that something did not fit. Unlike one it will not be
// read after that: a cut text is never sent.
#include "crypto/pure/message.h"

#include "base/assert.h"
#include "base/strbuf.h"
#include "crypto/pure/mac.h"

#define U64_DIGITS_MAX 20U

void message_init(struct message *message)
{
    message->len = 0;
    message->is_overflowed = false;
}

void message_put(struct message *message, struct span text)
{
    if (message->is_overflowed || text.len > MESSAGE_TEXT_BYTES_MAX - message->len) {
        message->is_overflowed = true;
        return;
    }
    if (text.len > 0)
        memcpy(message->bytes + message->len, text.data, text.len);
    message->len += text.len;
}

void message_put_u64(struct message *message, uint64_t value)
{
    uint8_t storage[U64_DIGITS_MAX];
    struct strbuf digits = strbuf_over(storage, sizeof storage);
    strbuf_put_u64(&digits, value);
    message_put(message, strbuf_span(&digits));
}

struct span message_reveal(const struct message *message)
{
    ASSERT(!message->is_overflowed);
    return span_make(message->bytes, message->len);
}

void message_wipe(struct message *message)
{
    wipe(message->bytes, message->len);
    message_init(message);
}
