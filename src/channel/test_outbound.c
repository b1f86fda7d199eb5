// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// Jobs on invented time; watches and transfers with sockets of this process.
#include "channel/outbound.h"

#include "unit/unit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define RUNNING_MAX 4U
#define DEADLINE_MS 10000

struct fixture {
    int64_t now_ms; // 0: the machine's time
    struct clock system;
    struct outbound *outbound;
    struct outbound_lane lanes[2];
    unsigned turns, cuts;
};

struct test_job {
    struct outbound_job job; // first
    struct fixture *f;
    unsigned turn; // how many had their turn before, and this one; 0: not yet
    bool is_cut;
};

static struct mono fixture_mono(void *ctx)
{
    const struct fixture *f = ctx;
    return f->now_ms > 0 ? (struct mono){f->now_ms} : clock_mono(&f->system);
}

static void setup(struct fixture *f, int64_t now_ms)
{
    *f = (struct fixture){.now_ms = now_ms, .system = clock_system()};
    const struct clock clock = {.mono = fixture_mono, .ctx = f};
    assert_int_equal(outbound_create(&clock, RUNNING_MAX, &f->outbound), ERR_OK);
    outbound_lane_init(&f->lanes[0], f->outbound, 2);
    outbound_lane_init(&f->lanes[1], f->outbound, 3);
}

static void teardown(struct fixture *f)
{
    outbound_end(f->outbound, 0);
    outbound_destroy(&f->outbound);
    assert_null(f->outbound);
    outbound_destroy(&f->outbound);
}

static void on_turn(struct outbound_job *job)
{
    struct test_job *test_job = (struct test_job *)job;
    test_job->turn = ++test_job->f->turns;
}

static void on_cut(struct outbound_job *job)
{
    struct test_job *test_job = (struct test_job *)job;
    if (job->is_running)
        outbound_release(job);
    test_job->is_cut = true;
    test_job->f->cuts++;
}

static void add(struct fixture *f, struct test_job *job, unsigned lane, int64_t wait_ms)
{
    *job = (struct test_job){.job = {.on_turn = on_turn, .on_cut = on_cut}, .f = f};
    outbound_add(&f->lanes[lane], &job->job, wait_ms);
}

static void lane_runs_as_many_as_it_may_and_the_rest_in_order(void **state)
{
    struct fixture f;
    struct test_job jobs[5];
    (void)state;
    setup(&f, 1);
    for (unsigned i = 0; i < 5; i++)
        add(&f, &jobs[i], 0, 1000);
    assert_int_equal(f.turns, 2);
    outbound_release(&jobs[1].job);
    outbound_wait(f.outbound, 0);
    assert_int_equal(jobs[2].turn, 3);
    outbound_release(&jobs[0].job);
    outbound_release(&jobs[2].job);
    outbound_wait(f.outbound, 0);
    assert_int_equal(jobs[3].turn, 4);
    assert_int_equal(jobs[4].turn, 5);
    teardown(&f);
    assert_int_equal(f.cuts, 2);
}

static void full_lane_does_not_hold_up_another(void **state)
{
    struct fixture f;
    struct test_job slow[5];
    struct test_job other;
    (void)state;
    setup(&f, 1);
    for (unsigned i = 0; i < 5; i++)
        add(&f, &slow[i], 0, 1000);
    add(&f, &other, 1, 1000);
    assert_int_equal(other.turn, 3);
    teardown(&f);
}

static void all_lanes_together_have_a_bound_and_take_turns(void **state)
{
    struct fixture f;
    struct test_job first[4];
    struct test_job second[4];
    (void)state;
    setup(&f, 1);
    for (unsigned i = 0; i < 4; i++)
        add(&f, &second[i], 1, 1000);
    for (unsigned i = 0; i < 4; i++)
        add(&f, &first[i], 0, 1000);
    assert_int_equal(f.turns, RUNNING_MAX);
    assert_int_equal(first[0].turn, 4);
    outbound_release(&second[0].job);
    outbound_release(&second[1].job);
    outbound_wait(f.outbound, 0);
    assert_true(first[1].turn > 0);
    assert_true(second[3].turn > 0);
    teardown(&f);
}

static void what_waits_too_long_is_cut_and_the_others_stay(void **state)
{
    struct fixture f;
    struct test_job jobs[5];
    (void)state;
    setup(&f, 1000);
    for (unsigned i = 0; i < 5; i++)
        add(&f, &jobs[i], 0, i == 3 ? 500 : 60000);
    f.now_ms = 1499;
    outbound_wait(f.outbound, 0);
    assert_int_equal(f.cuts, 0);
    f.now_ms = 1600;
    outbound_wait(f.outbound, 0);
    assert_int_equal(f.cuts, 1);
    assert_true(jobs[3].is_cut);
    outbound_release(&jobs[0].job);
    outbound_release(&jobs[1].job);
    outbound_wait(f.outbound, 0);
    assert_int_equal(jobs[2].turn, 3);
    assert_int_equal(jobs[4].turn, 4);
    assert_int_equal(jobs[3].turn, 0);
    teardown(&f);
}

static void the_end_starts_nothing_and_cuts_all(void **state)
{
    struct fixture f;
    struct test_job jobs[5];
    struct test_job late;
    (void)state;
    setup(&f, 1);
    for (unsigned i = 0; i < 5; i++)
        add(&f, &jobs[i], 0, 1000);
    outbound_end(f.outbound, 0);
    assert_int_equal(f.cuts, 5);
    assert_int_equal(f.turns, 2);
    add(&f, &late, 0, 1000);
    assert_int_equal(late.turn, 0);
    teardown(&f);
    assert_true(late.is_cut);
}

// --- watches -----------------------------------------------------------------------------------

struct test_watch {
    struct outbound_watch watch; // first
    struct fixture *f;
    struct test_watch *ends; // another one that this one ends when it is ready
    unsigned calls, late;
};

static void on_ready(struct outbound_watch *watch, bool is_late)
{
    struct test_watch *test_watch = (struct test_watch *)watch;
    test_watch->calls++;
    test_watch->late += is_late ? 1 : 0;
    outbound_unwatch(test_watch->f->outbound, watch);
    if (test_watch->ends != NULL)
        outbound_unwatch(test_watch->f->outbound, &test_watch->ends->watch);
}

static void watch(struct fixture *f, struct test_watch *watch, int fd, bool wants_write)
{
    *watch = (struct test_watch){.f = f};
    watch->watch = (struct outbound_watch){
        .fd = fd, .wants_write = wants_write, .until = {5000}, .on_ready = on_ready};
    outbound_watch(f->outbound, &watch->watch);
}

static void socket_that_can_go_on_is_told(void **state)
{
    struct fixture f;
    struct test_watch reader, writer;
    int ends[2];
    (void)state;
    setup(&f, 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    watch(&f, &reader, ends[0], false);
    watch(&f, &writer, ends[1], true);
    outbound_wait(f.outbound, 0);
    assert_int_equal(reader.calls, 0);
    assert_int_equal(writer.calls, 1);
    assert_int_equal(write(ends[1], "x", 1), 1);
    outbound_wait(f.outbound, 0);
    assert_int_equal(reader.calls, 1);
    assert_int_equal(reader.late, 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    teardown(&f);
}

static void watch_that_takes_too_long_is_late(void **state)
{
    struct fixture f;
    struct test_watch reader;
    int ends[2];
    (void)state;
    setup(&f, 4999);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    watch(&f, &reader, ends[0], false);
    outbound_wait(f.outbound, 0);
    assert_int_equal(reader.calls, 0);
    f.now_ms = 5000;
    outbound_wait(f.outbound, DEADLINE_MS); // at once
    assert_int_equal(reader.late, 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
    teardown(&f);
}

// Three are ready at once; whichever is told first ends the other two's turn or not, but nobody is
// told who has been ended.
static void watches_may_end_each_other(void **state)
{
    struct fixture f;
    struct test_watch watches[3];
    int ends[4];
    (void)state;
    setup(&f, 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends + 2), 0);
    for (unsigned i = 0; i < 3; i++)
        watch(&f, &watches[i], ends[i], true);
    watches[2].ends = &watches[0];
    outbound_wait(f.outbound, 0);
    assert_int_equal(watches[2].calls, 1);
    assert_int_equal(watches[1].calls, 1);
    assert_int_equal(watches[0].calls, 0);
    for (unsigned i = 0; i < 4; i++)
        (void)close(ends[i]);
    teardown(&f);
}

// --- transfers ---------------------------------------------------------------------------------

struct test_transfer {
    struct outbound_transfer transfer; // first
    unsigned calls;
    CURLcode code;
};

static void on_done(struct outbound_transfer *transfer, CURLcode code)
{
    struct test_transfer *test_transfer = (struct test_transfer *)transfer;
    test_transfer->calls++;
    test_transfer->code = code;
}

// A socket on a free port, on which somebody listens or nobody does.
static int open_peer(bool is_listening, uint16_t *port_out)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    if (is_listening)
        assert_int_equal(listen(fd, 4), 0);
    *port_out = ntohs(address.sin_port);
    return fd;
}

static void begin_transfer(struct fixture *f, struct test_transfer *transfer, uint16_t port)
{
    const struct outbound_rules rules = {
        .protocols = "http", .connect_ms = DEADLINE_MS, .total_ms = DEADLINE_MS};
    *transfer = (struct test_transfer){.transfer = {.on_done = on_done}};
    CURL *easy = curl_easy_init();
    assert_non_null(easy);
    assert_true(outbound_rule(easy, &rules));
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_URL, "http://127.0.0.1/"), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_PORT, (long)port), CURLE_OK);
    transfer->transfer.easy = easy;
    assert_int_equal(outbound_start(f->outbound, &transfer->transfer), ERR_OK);
}

static void end_transfer(struct fixture *f, struct test_transfer *transfer)
{
    outbound_remove(f->outbound, &transfer->transfer);
    curl_easy_cleanup(transfer->transfer.easy);
}

static void answer_once(int peer)
{
    static const char answer[] = "HTTP/1.0 204 Done\r\n\r\n";
    int fd = accept(peer, NULL, NULL);
    if (fd < 0)
        return;
    assert_int_equal(write(fd, answer, sizeof answer - 1), sizeof answer - 1);
    (void)close(fd);
}

static void transfer_that_ends_is_told_once(void **state)
{
    struct fixture f;
    struct test_transfer transfer;
    uint16_t port;
    long status = 0;
    (void)state;
    setup(&f, 0);
    int peer = open_peer(true, &port);
    begin_transfer(&f, &transfer, port);
    for (int i = 0; i < DEADLINE_MS && transfer.calls == 0; i++) {
        outbound_wait(f.outbound, 1);
        answer_once(peer);
    }
    outbound_wait(f.outbound, 1);
    assert_int_equal(transfer.calls, 1);
    (void)curl_easy_getinfo(transfer.transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    assert_int_equal(status, 204);
    end_transfer(&f, &transfer);
    (void)close(peer);
    teardown(&f);
}

static void transfer_that_cannot_connect_fails(void **state)
{
    struct fixture f;
    struct test_transfer transfer;
    uint16_t port;
    (void)state;
    setup(&f, 0);
    int peer = open_peer(false, &port);
    begin_transfer(&f, &transfer, port);
    for (int i = 0; i < DEADLINE_MS && transfer.calls == 0; i++)
        outbound_wait(f.outbound, 1);
    assert_int_equal(transfer.code, CURLE_COULDNT_CONNECT);
    end_transfer(&f, &transfer);
    (void)close(peer);
    teardown(&f);
}

static void proxies_of_the_environment_are_not_asked(void **state)
{
    struct fixture f;
    struct test_transfer transfer;
    uint16_t port;
    (void)state;
    assert_int_equal(setenv("http_proxy", "http://192.0.2.1:9", 1), 0);
    setup(&f, 0);
    int peer = open_peer(false, &port);
    begin_transfer(&f, &transfer, port);
    for (int i = 0; i < DEADLINE_MS && transfer.calls == 0; i++)
        outbound_wait(f.outbound, 1);
    assert_int_equal(transfer.code, CURLE_COULDNT_CONNECT);
    assert_int_equal(unsetenv("http_proxy"), 0);
    end_transfer(&f, &transfer);
    (void)close(peer);
    teardown(&f);
}

static void *wake(void *arg)
{
    outbound_wakeup(arg);
    return NULL;
}

static void wait_ends_when_another_thread_says_so(void **state)
{
    struct fixture f;
    pthread_t thread;
    (void)state;
    setup(&f, 0);
    int64_t began_ms = outbound_now(f.outbound).ms;
    assert_int_equal(pthread_create(&thread, NULL, wake, f.outbound), 0);
    outbound_wait(f.outbound, DEADLINE_MS);
    assert_true(outbound_now(f.outbound).ms - began_ms < DEADLINE_MS);
    (void)pthread_join(thread, NULL);
    outbound_wakeup(f.outbound); // and before it begins
    outbound_wait(f.outbound, DEADLINE_MS);
    assert_true(outbound_now(f.outbound).ms - began_ms < DEADLINE_MS);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lane_runs_as_many_as_it_may_and_the_rest_in_order),
        cmocka_unit_test(full_lane_does_not_hold_up_another),
        cmocka_unit_test(all_lanes_together_have_a_bound_and_take_turns),
        cmocka_unit_test(what_waits_too_long_is_cut_and_the_others_stay),
        cmocka_unit_test(the_end_starts_nothing_and_cuts_all),
        cmocka_unit_test(socket_that_can_go_on_is_told),
        cmocka_unit_test(watch_that_takes_too_long_is_late),
        cmocka_unit_test(watches_may_end_each_other),
        cmocka_unit_test(transfer_that_ends_is_told_once),
        cmocka_unit_test(transfer_that_cannot_connect_fails),
        cmocka_unit_test(proxies_of_the_environment_are_not_asked),
        cmocka_unit_test(wait_ends_when_another_thread_says_so),
    };
    return cmocka_run_group_tests_name("channel/outbound", tests, NULL, NULL);
}
