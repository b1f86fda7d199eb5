// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "sim/providers.h"

#include "base/assert.h"
#include "outbox/receipt_path.h"
#include "outbox/receipts.h"

#include <stdlib.h>

#define MINUTE_MS INT64_C(60000)

static enum send_outcome draw_outcome(struct sim_channel *channel)
{
    struct world *world = channel->world;
    const struct world_faults *faults = &world->options.faults;
    bool is_out = world->scheduler.now_ms < channel->outage_until_ms;
    if (is_out || world_chance(world, faults->send_retry))
        return SEND_RETRY;
    if (world_chance(world, faults->send_refused))
        return SEND_REFUSED;
    return world_chance(world, faults->send_unknown) ? SEND_UNKNOWN : SEND_ACCEPTED;
}

struct report_event {
    struct receipt_report report;
    uint8_t ref[16];
};

static void put_report(void *ctx, uint64_t argument)
{
    struct world *world = ctx;
    struct report_event *event = (struct report_event *)(uintptr_t)argument;
    event->report.ref.data = event->ref;
    bool is_heard = !world->is_down && !world->is_draining;
    if (is_heard && receipts_take(world->receipts, &event->report) != ERR_OK)
        world_complain(world, "there is no room for a report");
    free(event);
}

static struct span ref_of(uint64_t id, provider_tag provider, uint8_t out[16])
{
    memcpy(out, &id, sizeof id);
    memcpy(out + 8, &provider, sizeof provider);
    return span_make(out, 12);
}

// By the message's own path, or by the provider's name for it; mostly good news. Each is on its way
// for as long as it likes: before the answer, after a restart, too late.
static void plan_report(struct sim_channel *channel, const struct send_request *request)
{
    struct world *world = channel->world;
    struct report_event *event = calloc(1, sizeof *event);
    ASSERT(event != NULL);
    bool is_slow = seeded_below(&world->dice, 4) == 0;
    bool is_good = seeded_below(&world->dice, 4) != 0;
    uint64_t delay_ms = seeded_below(&world->dice, is_slow ? 4 * (uint64_t)MINUTE_MS : 4000);
    event->report = (struct receipt_report){
        .provider = channel->provider,
        .ref = ref_of(request->id, channel->provider, event->ref),
        .kind = is_good ? RECEIPT_DELIVERED : RECEIPT_FAILED,
        .reason = is_good ? SEND_REASON_NONE : SEND_UNREACHABLE,
    };
    struct span token =
        span_from(request->receipt_url, request->receipt_url.len - RECEIPT_TOKEN_BYTES);
    bool has_path = seeded_below(&world->dice, 2) == 0;
    bool is_ours = receipt_path_open(keyring_index(world->keyring), channel->provider, token,
                                     &event->report.handle);
    if (!is_ours)
        world_complain(world, "a message does not say where it can be reported on");
    if (!has_path)
        event->report.handle = 0;
    scheduler_after(&world->scheduler, (int64_t)delay_ms, put_report, world,
                    (uint64_t)(uintptr_t)event);
}

static void plan_reports(struct sim_channel *channel, const struct send_request *request)
{
    struct world *world = channel->world;
    if (!world_chance(world, world->options.faults.report))
        return;
    plan_report(channel, request);
    if (seeded_below(&world->dice, 4) == 0)
        plan_report(channel, request);
}

static void tell(const struct sim_hanging *message, const struct send_result *result)
{
    message->sending->on_result(message->sending->ctx, result);
}

static void answer(const struct sim_hanging *message, enum send_outcome outcome)
{
    struct world *world = message->channel->world;
    uint8_t ref[16];
    ledger_on_result(&world->ledger, message->id, message->channel->provider, outcome);
    struct send_result result = {.outcome = outcome};
    if (outcome != SEND_ACCEPTED)
        result.reason = outcome == SEND_REFUSED ? SEND_UNCLASSIFIED : SEND_VENDOR_DOWN;
    if (outcome == SEND_ACCEPTED)
        result.provider_ref = ref_of(message->id, message->channel->provider, ref);
    if (world->options.is_durable && world_chance(world, world->options.faults.settling))
        durable_strike_delivery(world->store, world_draw_crash(world));
    tell(message, &result);
}

// Nothing of the message has left.
static void fail_to_connect(const struct sim_hanging *message)
{
    struct world *world = message->channel->world;
    world->options.on_failure(world->options.ctx, message->sending->request->to, false,
                              world_time_ms(world));
    tell(message, &(struct send_result){.outcome = SEND_RETRY, .reason = SEND_VENDOR_DOWN});
}

static void end_connecting(const struct sim_hanging *message, bool is_connected)
{
    if (is_connected)
        message->sending->on_ready(message->sending);
    else
        fail_to_connect(message);
}

static void answer_hanging(void *ctx, uint64_t number)
{
    struct world *world = ctx;
    for (size_t i = 0; i < WORLD_HANGING_MAX; i++) {
        struct sim_hanging message = world->hanging[i];
        if (message.channel == NULL || message.number != number)
            continue;
        world->hanging[i].channel = NULL;
        if (message.is_connecting)
            end_connecting(&message, seeded_below(&world->dice, 2) == 0);
        else
            answer(&message, SEND_ACCEPTED);
    }
}

void providers_cut(struct world *world)
{
    for (size_t i = 0; i < WORLD_HANGING_MAX; i++) {
        struct sim_hanging message = world->hanging[i];
        world->hanging[i].channel = NULL;
        if (message.channel != NULL && message.is_connecting)
            end_connecting(&message, false);
        else if (message.channel != NULL)
            answer(&message, SEND_UNKNOWN);
    }
}

// False: there is no room for one more.
static bool hang(struct world *world, const struct sim_hanging *message)
{
    for (size_t i = 0; i < WORLD_HANGING_MAX; i++) {
        if (world->hanging[i].channel != NULL)
            continue;
        world->hanging[i] = *message;
        bool is_long = seeded_below(&world->dice, 8) == 0; // longer than anybody waits
        scheduler_after(&world->scheduler,
                        (int64_t)seeded_below(&world->dice, is_long ? 200000 : 40000),
                        answer_hanging, world, message->number);
        return true;
    }
    return false;
}

static void take_message(struct sim_channel *channel, const struct send_request *request)
{
    struct world *world = channel->world;
    world->stats.messages++;
    world->options.on_message(world->options.ctx, request->to, message_reveal(request->otp_only),
                              world_time_ms(world));
    plan_reports(channel, request);
}

static struct sim_hanging message_of(struct sim_channel *channel, struct sending *sending,
                                     bool is_connecting)
{
    return (struct sim_hanging){channel, ++channel->world->sends, sending->request->id, sending,
                                is_connecting};
}

static void channel_send(struct channel *base, struct sending *sending)
{
    struct sim_channel *channel = (struct sim_channel *)base;
    struct world *world = channel->world;
    const struct world_faults *faults = &world->options.faults;
    const struct sim_hanging message = message_of(channel, sending, true);
    if (message_reveal(sending->request->text).len > 0)
        world_complain(world, "a message was written before it was marked");
    if (world_chance(world, faults->connect_hang) && hang(world, &message))
        return;
    end_connecting(&message, !world_chance(world, faults->connect_fail));
}

static void channel_go(struct channel *base, struct sending *sending, bool is_wanted)
{
    struct sim_channel *channel = (struct sim_channel *)base;
    struct world *world = channel->world;
    const struct send_request *request = sending->request;
    if (!is_wanted)
        return;
    enum send_outcome outcome = draw_outcome(channel);
    bool is_taken =
        outcome == SEND_ACCEPTED || (outcome == SEND_UNKNOWN && seeded_below(&world->dice, 2) == 0);
    const struct sim_hanging message = message_of(channel, sending, false);
    ledger_on_send(&world->ledger, request->id, channel->provider);
    if (is_taken)
        take_message(channel, request);
    else
        world->options.on_failure(world->options.ctx, request->to, false, world_time_ms(world));
    bool may_hang =
        outcome == SEND_ACCEPTED && world_chance(world, world->options.faults.send_hang);
    if (may_hang && hang(world, &message))
        return;
    answer(&message, outcome);
}

const struct channel_ops providers_ops = {.send = channel_send, .go = channel_go};
