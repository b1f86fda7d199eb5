// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Payload encryption on invented time: `sim_hashes [--seed N] [--seeds N] [--minutes N]`. People
// send hashes made now, long ago or in the future, and send each of them again and again within the
// next minutes, while the server is restarted, crashes or reboots and its clock is set. One TAP
// line a seed; even seeds have the memory store, odd ones the durable one.
//
// What holds: a hash gets at most one code; one that is out of its window gets none; and one that
// is new and within it is not refused, as long as the clocks of the server agree to a day.

#include "base/assert.h"
#include "base/number.h"
#include "crypto/pure/base64.h"
#include "crypto/pure/random.h"
#include "sim/world.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdio.h>
#include <stdlib.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define DAY_MS (24 * 60 * MINUTE_MS)
#define VALID_MS (120 * SECOND_MS)
#define AHEAD_MS (30 * SECOND_MS)
#define MARGIN_MS (5 * SECOND_MS) // a request is on its way for less
#define SENDERS 24U
#define FIRST_PERSON 10000U // five digits
#define HASHES_MAX 28U      // of one person: fewer than are remembered
#define BRAND SPAN("DocDemo")
#define SESSION_BYTES 39U

struct keys {
    struct rsa_key *private;
    EVP_PKEY *public;
};

enum tally {
    TALLY_TAKEN,
    TALLY_REPLAYED,         // refused, after it was taken
    TALLY_REPLAYED_LATER,   // the same by another process
    TALLY_REPLAYED_STEPPED, // the same after the clock was set
    TALLY_OLD,
    TALLY_EARLY,
    TALLY_LOST,
    TALLY_COUNT_,
};

struct run {
    struct world world;
    const struct keys *keys;
    struct sender *senders;
    bool is_closing;
    const char *complaint;
    uint64_t tallies[TALLY_COUNT_];
};

// What the server's world was like at some moment.
struct moment {
    uint64_t boots;
    uint64_t steps;
};

struct sender {
    struct run *run;
    struct sim_client client;
    unsigned person;
    unsigned hashes;
    char session[SESSION_BYTES + 1]; // empty: none
    bool is_opening;
    char body[1024]; // of the hash
    int64_t made_at_ms;
    unsigned sends_left;
    unsigned sent;
    bool is_taken;
    bool is_fresh; // at this sending it was new and in its window
    bool is_out;   // at this sending it was out of its window
    struct moment taken_at;
    struct moment asked_at;
};

static uint64_t below(struct sender *sender, uint64_t bound)
{
    return seeded_below(&sender->run->world.dice, bound);
}

static int64_t wall_ms(const struct world *world)
{
    return clock_wall_ms(&world->clock);
}

static struct moment moment_of(const struct world *world)
{
    return (struct moment){world->stats.boots, world->stats.clock_steps};
}

static void act(void *ctx, uint64_t argument);

static void act_after(struct sender *sender, int64_t delay_ms)
{
    scheduler_after(&sender->run->world.scheduler, delay_ms, act, sender, 0);
}

// --- hashes ----------------------------------------------------------------------------------

static void encrypt(const struct keys *keys, struct span plain, struct strbuf *out)
{
    uint8_t cipher[RSA_KEY_BYTES_MAX];
    size_t len = sizeof cipher;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, keys->public, NULL);
    ASSERT(ctx != NULL);
    bool is_done = EVP_PKEY_encrypt_init(ctx) == 1 &&
                   EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                   EVP_PKEY_encrypt(ctx, cipher, &len, plain.data, plain.len) == 1;
    ASSERT(is_done);
    EVP_PKEY_CTX_free(ctx);
    base64_put(out, span_make(cipher, len));
}

static void put_members(const struct sender *sender, struct strbuf *out)
{
    strbuf_put_text(out, "\"identifierType\":\"MOBILE\",\"identifierValue\":\"9188888");
    strbuf_put_u64(out, FIRST_PERSON + sender->person);
    strbuf_put_text(out, "\",\"brand\":\"DocDemo\",\"deviceId\":\"d\"");
}

static void put_session(const struct sender *sender, struct strbuf *out)
{
    strbuf_put_text(out, ",\"sessionId\":\"");
    strbuf_put_text(out, sender->session);
    strbuf_put_text(out, "\"");
}

static void make_hash(struct sender *sender)
{
    uint8_t storage[256];
    struct strbuf plain = strbuf_over(storage, sizeof storage);
    struct strbuf body = strbuf_over(sender->body, sizeof sender->body - 1);
    strbuf_put_byte(&plain, '{');
    put_members(sender, &plain);
    put_session(sender, &plain);
    strbuf_put_text(&plain, ",\"timeStamp\":");
    strbuf_put_i64(&plain, sender->made_at_ms);
    strbuf_put_byte(&plain, '}');
    strbuf_put_byte(&body, '{');
    put_members(sender, &body);
    put_session(sender, &body);
    strbuf_put_text(&body, ",\"hash\":\"");
    ASSERT(!plain.is_overflowed);
    encrypt(sender->run->keys, strbuf_span(&plain), &body);
    strbuf_put_text(&body, "\"}");
    ASSERT(!body.is_overflowed);
    sender->body[body.len] = '\0';
}

// Mostly of this moment, else anywhere from long ago to some minutes ahead.
static void begin_hash(struct sender *sender)
{
    int64_t skew_ms = 0;
    if (below(sender, 2) == 0)
        skew_ms = (int64_t)below(sender, 260 * SECOND_MS) - 200 * SECOND_MS;
    sender->made_at_ms = wall_ms(&sender->run->world) + skew_ms;
    sender->sends_left = 1 + (unsigned)below(sender, 6);
    sender->sent = 0;
    sender->is_taken = false;
    sender->hashes++;
    make_hash(sender);
}

// --- what is asked and answered --------------------------------------------------------------

static void complain(struct sender *sender, const char *what)
{
    if (sender->run->complaint == NULL)
        sender->run->complaint = what;
}

static bool is_clock_sane(struct world *world)
{
    int64_t apart_ms = wall_ms(world) - store_now_ms(world->store);
    return apart_ms < DAY_MS - MINUTE_MS && apart_ms > MINUTE_MS - DAY_MS;
}

static void send_hash(struct sender *sender)
{
    struct world *world = &sender->run->world;
    int64_t age_ms = wall_ms(world) - sender->made_at_ms;
    bool is_within = age_ms <= VALID_MS - MARGIN_MS && age_ms >= MARGIN_MS - AHEAD_MS;
    sender->is_fresh = sender->sent == 0 && is_within && is_clock_sane(world);
    sender->is_out = age_ms > VALID_MS || age_ms < -AHEAD_MS - MARGIN_MS;
    sender->asked_at = moment_of(world);
    sender->sends_left--;
    sender->sent++;
    sim_client_post(&sender->client, "/auth/v1/otp/generate", sender->body);
}

static void open_session(struct sender *sender)
{
    uint8_t storage[256];
    struct strbuf body = strbuf_over(storage, sizeof storage - 1);
    strbuf_put_byte(&body, '{');
    put_members(sender, &body);
    strbuf_put_byte(&body, '}');
    storage[body.len] = '\0';
    sender->is_opening = true;
    sim_client_post(&sender->client, "/auth/v1/token/generate", (const char *)storage);
}

// Somebody of whom nothing is remembered.
static void become_next(struct sender *sender)
{
    sender->person += SENDERS;
    sender->hashes = 0;
    sender->session[0] = '\0';
}

static void act(void *ctx, uint64_t argument)
{
    struct sender *sender = ctx;
    struct run *run = sender->run;
    (void)argument;
    if (run->is_closing)
        return;
    if (run->world.is_down) {
        act_after(sender, SECOND_MS);
        return;
    }
    if (sender->hashes == HASHES_MAX && sender->sends_left == 0)
        become_next(sender);
    if (sender->session[0] == '\0') {
        open_session(sender);
        return;
    }
    if (sender->sends_left == 0)
        begin_hash(sender);
    send_hash(sender);
}

static void on_opened(struct sender *sender, int code, const char *body)
{
    const char *at = strstr(body, "\"sessionId\":\"P-");
    sender->is_opening = false;
    if (code == 200 && at != NULL)
        memcpy(sender->session, at + 13, SESSION_BYTES - 1);
}

static void count_replay(struct sender *sender)
{
    struct moment now = moment_of(&sender->run->world);
    uint64_t *tallies = sender->run->tallies;
    tallies[TALLY_REPLAYED]++;
    tallies[TALLY_REPLAYED_LATER] += now.boots != sender->taken_at.boots;
    tallies[TALLY_REPLAYED_STEPPED] += now.steps != sender->taken_at.steps;
}

static void on_taken(struct sender *sender, bool is_steady)
{
    if (sender->is_taken)
        complain(sender, "a hash was taken twice");
    if (sender->is_out && is_steady)
        complain(sender, "a hash out of its window was taken");
    sender->is_taken = true;
    sender->taken_at = moment_of(&sender->run->world);
    sender->run->tallies[TALLY_TAKEN]++;
}

static void on_tampered(struct sender *sender, bool is_steady)
{
    if (sender->is_fresh && is_steady)
        complain(sender, "a hash that was new and in its window was refused");
    if (sender->is_taken)
        count_replay(sender);
    bool is_old = sender->made_at_ms < wall_ms(&sender->run->world);
    sender->run->tallies[is_old ? TALLY_OLD : TALLY_EARLY] += sender->is_out;
}

// Steady: neither process nor clock has changed since it was asked.
static void on_hash_answered(struct sender *sender, int status, int code)
{
    struct moment now = moment_of(&sender->run->world);
    bool is_steady = now.boots == sender->asked_at.boots && now.steps == sender->asked_at.steps;
    sender->run->tallies[TALLY_LOST] += status == 0;
    if (code == 200)
        on_taken(sender, is_steady);
    if (code == 5004)
        on_tampered(sender, is_steady);
    if (code == 1505) {
        sender->session[0] = '\0';
        sender->sends_left = 0;
    }
}

static void on_answer(void *ctx, int status, int code, const char *body, int64_t at_ms)
{
    struct sender *sender = ctx;
    bool is_soon = below(sender, 3) == 0;
    (void)at_ms;
    if (sender->is_opening)
        on_opened(sender, status == 200 ? code : 0, body);
    else
        on_hash_answered(sender, status, code);
    act_after(sender, (int64_t)below(sender, is_soon ? 100 : 50 * SECOND_MS));
}

// --- worlds ----------------------------------------------------------------------------------

static void ignore_message(void *ctx, struct span to, struct span otp, int64_t at_ms)
{
    (void)ctx;
    (void)to;
    (void)otp;
    (void)at_ms;
}

static void ignore_failure(void *ctx, struct span to, bool is_final, int64_t at_ms)
{
    (void)ctx;
    (void)to;
    (void)is_final;
    (void)at_ms;
}

static void ignore(void *ctx)
{
    (void)ctx;
}

static struct world_options options_of(uint64_t seed, struct run *run)
{
    struct world_options options = {
        .seed = seed,
        .is_durable = seed % 2 == 1,
        .is_journaled = seed % 8 != 5,
        .faults = {.conflict = 50000,
                   .delay = 50000,
                   .failure = 300,
                   .crash_before = 2000,
                   .crash_after = 2000,
                   .cut = 10000,
                   .clock_step = 50000,
                   .restart = 50000},
        .epoch_ms = 41 * MINUTE_MS,
        .on_message = ignore_message,
        .on_failure = ignore_failure,
        .on_boot = ignore,
        .on_end = ignore,
        .on_delay = ignore,
        .ctx = run,
    };
    brand_settings_init(&options.brand);
    (void)snprintf(options.brand.encryption_endpoints, sizeof options.brand.encryption_endpoints,
                   "otp/generate");
    return options;
}

static void begin_senders(struct run *run)
{
    run->senders = calloc(SENDERS, sizeof *run->senders);
    ASSERT(run->senders != NULL);
    for (unsigned i = 0; i < SENDERS; i++) {
        struct sender *sender = &run->senders[i];
        sender->run = run;
        sender->person = i;
        sim_client_init(&sender->client, &run->world);
        sender->client.on_answer = on_answer;
        sender->client.ctx = sender;
        act_after(sender, (int64_t)seeded_below(&run->world.dice, 10 * SECOND_MS));
    }
}

static void run_world(struct run *run, uint64_t seed, int64_t minutes)
{
    struct world_options options = options_of(seed, run);
    world_init(&run->world, &options);
    enum err err = brands_add_encryption_key(run->world.brands, BRAND, run->keys->private, NULL);
    ASSERT(err == ERR_OK);
    begin_senders(run);
    world_run(&run->world, minutes * MINUTE_MS);
    run->is_closing = true;
    world_settle(&run->world);
    if (run->complaint == NULL)
        run->complaint = run->world.complaint;
    for (unsigned i = 0; i < SENDERS; i++)
        sim_client_fini(&run->senders[i].client);
    world_fini(&run->world);
    free(run->senders);
}

static bool judge(const struct run *run, uint64_t seed, uint64_t number)
{
    bool is_good = run->complaint == NULL;
    (void)printf("%s %llu - hashes of seed %llu\n", is_good ? "ok" : "not ok",
                 (unsigned long long)number, (unsigned long long)seed);
    if (!is_good)
        (void)printf("# seed %llu: %s\n", (unsigned long long)seed, run->complaint);
    return is_good;
}

static bool judge_coverage(const uint64_t tallies[TALLY_COUNT_], uint64_t number)
{
    static const char *const names[TALLY_COUNT_] = {
        [TALLY_TAKEN] = "taken",
        [TALLY_REPLAYED] = "refused again",
        [TALLY_REPLAYED_LATER] = "by a later process",
        [TALLY_REPLAYED_STEPPED] = "after a clock step",
        [TALLY_OLD] = "old",
        [TALLY_EARLY] = "early",
        [TALLY_LOST] = "lost",
    };
    bool is_all = true;
    for (size_t i = 0; i < TALLY_COUNT_; i++)
        is_all = is_all && tallies[i] > 0;
    (void)printf("%s %llu - all that can happen to a hash has\n#", is_all ? "ok" : "not ok",
                 (unsigned long long)number);
    for (size_t i = 0; i < TALLY_COUNT_; i++)
        (void)printf("%s %s %llu", i > 0 ? "," : "", names[i], (unsigned long long)tallies[i]);
    (void)printf("\n");
    return is_all;
}

static bool run_seed(const struct keys *keys, uint64_t seed, uint64_t minutes, uint64_t number,
                     uint64_t tallies[TALLY_COUNT_])
{
    struct run *run = calloc(1, sizeof *run);
    ASSERT(run != NULL);
    run->keys = keys;
    run_world(run, seed, (int64_t)minutes);
    bool is_good = judge(run, seed, number);
    for (size_t i = 0; i < TALLY_COUNT_; i++)
        tallies[i] += run->tallies[i];
    free(run);
    return is_good;
}

static void make_keys(struct keys *keys)
{
    uint8_t storage[RSA_PUBLIC_DER_BYTES_MAX];
    struct strbuf der = strbuf_over(storage, sizeof storage);
    const uint8_t *at = storage;
    enum err err = rsa_key_generate(2048, &keys->private);
    if (err == ERR_OK)
        err = rsa_key_put_public_der(keys->private, &der);
    ASSERT(err == ERR_OK);
    keys->public = d2i_PUBKEY(NULL, &at, (long)der.len);
    ASSERT(keys->public != NULL);
}

static bool read_number(const char *name, int argc, char **argv, uint64_t *in_out)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], name) == 0)
            return parse_u64(span_of_text(argv[i + 1]), UINT32_MAX, in_out);
    }
    return true;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, seeds = 4, minutes = 120;
    uint64_t tallies[TALLY_COUNT_] = {0};
    struct keys keys;
    bool is_good = true;
    if (!read_number("--seed", argc, argv, &seed) || !read_number("--seeds", argc, argv, &seeds) ||
        !read_number("--minutes", argc, argv, &minutes) || crypto_init() != ERR_OK) {
        (void)fprintf(stderr, "usage: sim_hashes [--seed N] [--seeds N] [--minutes N]\n");
        return 64;
    }
    make_keys(&keys);
    (void)printf("1..%llu\n", (unsigned long long)seeds + 1);
    for (uint64_t i = 0; i < seeds; i++)
        is_good = run_seed(&keys, seed + i, minutes, i + 1, tallies) && is_good;
    is_good = judge_coverage(tallies, seeds + 1) && is_good;
    rsa_key_destroy(&keys.private);
    EVP_PKEY_free(keys.public);
    return is_good ? 0 : 1;
}
