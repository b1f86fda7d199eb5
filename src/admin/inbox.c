// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// A ring of slots, one a message, and the bytes of the messages in blocks. A message lies whole in
// one block; blocks are filled one after the other, and one whose messages are all gone is used
// again, the last freed first. So memory in use follows what is held (a few MB for short texts),
// and the ceiling, 10,000 of the longest messages, is only reserved.
//
// Invariants: message `id` has the slot id % INBOX_MESSAGES_MAX; those held are the last `held`
// ids; a block's live count is the number of held messages in it.
#include "admin/inbox.h"

#include "base/assert.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define BLOCK_BYTES 65536U
#define MESSAGE_BYTES_MAX                                                                          \
    (INBOX_BRAND_BYTES_MAX + INBOX_CHANNEL_BYTES_MAX + INBOX_TO_BYTES_MAX + INBOX_TEXT_BYTES_MAX + \
     INBOX_OTP_BYTES_MAX)

// A block that was left for the next one holds more than BLOCK_BYTES − MESSAGE_BYTES_MAX. Beside
// full ones there are the one being filled and the oldest, some of whose messages may be gone.
#define BLOCKS_MAX (INBOX_MESSAGES_MAX * MESSAGE_BYTES_MAX / (BLOCK_BYTES - MESSAGE_BYTES_MAX) + 3)

_Static_assert(INBOX_TO_BYTES_MAX <= UINT8_MAX, "lengths fit their fields");

struct slot {
    int64_t sent_at_ms;
    uint32_t to_hash; // most other addresses are passed over without a look at their bytes
    uint16_t block;
    uint16_t offset;
    uint16_t text_len;
    uint8_t brand_len;
    uint8_t channel_len;
    uint8_t to_len;
    uint8_t otp_len;
};

struct block {
    uint32_t used;
    uint32_t live;
};

struct inbox {
    pthread_mutex_t lock; // guards all but last_id's readers
    atomic_uint_fast64_t last_id;
    atomic_bool has_ended_waits;
    size_t held;
    uint16_t filling; // block
    size_t free_count;
    uint16_t free_blocks[BLOCKS_MAX]; // a stack
    struct block blocks[BLOCKS_MAX];
    struct slot slots[INBOX_MESSAGES_MAX];
    uint8_t *bytes; // BLOCKS_MAX × BLOCK_BYTES
};

_Static_assert(BLOCK_BYTES - 1 <= UINT16_MAX, "an offset fits its field");

// FNV-1a: spreads well enough, and whoever wants collisions reads his own inbox slowly.
static uint32_t hash_of(struct span text)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ text.data[i]) * 16777619U;
    return hash;
}

static void lock(struct inbox *inbox)
{
    (void)pthread_mutex_lock(&inbox->lock);
}

static void unlock(struct inbox *inbox)
{
    (void)pthread_mutex_unlock(&inbox->lock);
}

static struct slot *slot_of(struct inbox *inbox, uint64_t id)
{
    return &inbox->slots[id % INBOX_MESSAGES_MAX];
}

static void drop_oldest(struct inbox *inbox)
{
    uint16_t number = slot_of(inbox, inbox_last_id(inbox) - inbox->held + 1)->block;
    struct block *block = &inbox->blocks[number];
    ASSERT(block->live > 0);
    block->live--;
    inbox->held--;
    if (block->live > 0)
        return;
    block->used = 0;
    if (number != inbox->filling)
        inbox->free_blocks[inbox->free_count++] = number;
}

// The block that has `len` bytes left.
static uint16_t block_with_room(struct inbox *inbox, size_t len)
{
    if (inbox->blocks[inbox->filling].used + len > BLOCK_BYTES) {
        ASSERT(inbox->free_count > 0);
        inbox->filling = inbox->free_blocks[--inbox->free_count];
    }
    return inbox->filling;
}

static uint8_t *put(uint8_t *at, struct span text)
{
    if (text.len > 0)
        memcpy(at, text.data, text.len);
    return at + text.len;
}

static void assert_ceilings(const struct inbox_message *message)
{
    ASSERT(message->brand.len <= INBOX_BRAND_BYTES_MAX);
    ASSERT(message->channel.len <= INBOX_CHANNEL_BYTES_MAX);
    ASSERT(message->to.len <= INBOX_TO_BYTES_MAX);
    ASSERT(message->text.len <= INBOX_TEXT_BYTES_MAX);
    ASSERT(message->otp.len <= INBOX_OTP_BYTES_MAX);
}

static void keep(struct inbox *inbox, struct slot *slot, const struct inbox_message *message)
{
    size_t len = message->brand.len + message->channel.len + message->to.len + message->text.len +
                 message->otp.len;
    uint16_t number = block_with_room(inbox, len);
    struct block *block = &inbox->blocks[number];
    *slot = (struct slot){
        .sent_at_ms = message->sent_at_ms,
        .to_hash = hash_of(message->to),
        .block = number,
        .offset = (uint16_t)block->used,
        .text_len = (uint16_t)message->text.len,
        .brand_len = (uint8_t)message->brand.len,
        .channel_len = (uint8_t)message->channel.len,
        .to_len = (uint8_t)message->to.len,
        .otp_len = (uint8_t)message->otp.len,
    };
    uint8_t *at = inbox->bytes + (size_t)number * BLOCK_BYTES + block->used;
    at = put(at, message->to);
    at = put(at, message->brand);
    at = put(at, message->channel);
    at = put(at, message->otp);
    (void)put(at, message->text);
    block->used += (uint32_t)len;
    block->live++;
}

void inbox_add(struct inbox *inbox, const struct inbox_message *message)
{
    assert_ceilings(message);
    lock(inbox);
    if (inbox->held == INBOX_MESSAGES_MAX)
        drop_oldest(inbox);
    uint64_t id = inbox_last_id(inbox) + 1;
    keep(inbox, slot_of(inbox, id), message);
    inbox->held++;
    atomic_store_explicit(&inbox->last_id, id, memory_order_release);
    unlock(inbox);
}

void inbox_clear(struct inbox *inbox)
{
    lock(inbox);
    while (inbox->held > 0)
        drop_oldest(inbox);
    unlock(inbox);
}

uint64_t inbox_last_id(const struct inbox *inbox)
{
    return atomic_load_explicit(&inbox->last_id, memory_order_acquire);
}

static struct span take(const uint8_t **at, size_t len)
{
    struct span text = span_make(*at, len);
    *at += len;
    return text;
}

static struct inbox_message message_of(struct inbox *inbox, uint64_t id)
{
    const struct slot *slot = slot_of(inbox, id);
    const uint8_t *at = inbox->bytes + (size_t)slot->block * BLOCK_BYTES + slot->offset;
    struct inbox_message message = {.id = id, .sent_at_ms = slot->sent_at_ms};
    message.to = take(&at, slot->to_len);
    message.brand = take(&at, slot->brand_len);
    message.channel = take(&at, slot->channel_len);
    message.otp = take(&at, slot->otp_len);
    message.text = take(&at, slot->text_len);
    return message;
}

static size_t each_held(struct inbox *inbox, const struct inbox_query *query,
                        bool (*on_message)(void *ctx, const struct inbox_message *message),
                        void *ctx)
{
    uint64_t last = inbox_last_id(inbox);
    uint64_t oldest = last - inbox->held + 1;
    if (query->after >= last)
        return 0;
    uint64_t first = query->after >= oldest ? query->after + 1 : oldest;
    uint32_t to_hash = hash_of(query->to);
    size_t shown = 0;
    for (uint64_t id = last; id >= first && id > 0 && shown < query->limit; id--) {
        if (query->to.len > 0 && slot_of(inbox, id)->to_hash != to_hash)
            continue;
        const struct inbox_message message = message_of(inbox, id);
        if (query->to.len > 0 && !span_eq(message.to, query->to))
            continue;
        shown++;
        if (!on_message(ctx, &message))
            break;
    }
    return shown;
}

size_t inbox_each(struct inbox *inbox, const struct inbox_query *query,
                  bool (*on_message)(void *ctx, const struct inbox_message *message), void *ctx)
{
    lock(inbox);
    size_t shown = each_held(inbox, query, on_message, ctx);
    unlock(inbox);
    return shown;
}

void inbox_end_waits(struct inbox *inbox)
{
    atomic_store(&inbox->has_ended_waits, true);
}

bool inbox_has_ended_waits(const struct inbox *inbox)
{
    return atomic_load(&inbox->has_ended_waits);
}

enum err inbox_create(struct inbox **out)
{
    struct inbox *inbox = calloc(1, sizeof *inbox);
    if (inbox == NULL)
        return ERR_NO_MEMORY;
    inbox->bytes = calloc(BLOCKS_MAX, BLOCK_BYTES); // untouched pages cost nothing
    if (inbox->bytes == NULL) {
        free(inbox);
        return ERR_NO_MEMORY;
    }
    (void)pthread_mutex_init(&inbox->lock, NULL);
    for (uint16_t number = BLOCKS_MAX - 1; number > 0; number--)
        inbox->free_blocks[inbox->free_count++] = number;
    *out = inbox;
    return ERR_OK;
}

void inbox_destroy(struct inbox **inbox)
{
    struct inbox *ended = *inbox;
    *inbox = NULL;
    if (ended == NULL)
        return;
    (void)pthread_mutex_destroy(&ended->lock);
    free(ended->bytes);
    free(ended);
}
