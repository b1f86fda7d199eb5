// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "service/decryptor.h"

#include "unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define KEY_BITS 2048U

struct fixture {
    struct brand brands[3];
    struct rsa_key *key;
    uint8_t cipher[RSA_KEY_BYTES_MAX];
};

struct counted_job {
    struct decrypt_job job;
    atomic_uint *done;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    assert_int_equal(rsa_key_generate(KEY_BITS, &fixture->key), ERR_OK);
    for (size_t i = 0; i < 3; i++) {
        fixture->brands[i].id = i + 1;
        fixture->brands[i].encryption_keys[0].rsa = fixture->key;
        fixture->brands[i].encryption_keys_held = 1;
    }
    fixture->cipher[100] = 1;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    rsa_key_destroy(&fixture->key);
    free(fixture);
    return 0;
}

static void count_done(struct decrypt_job *job)
{
    atomic_fetch_add(((struct counted_job *)job)->done, 1);
}

static void init_job(struct counted_job *counted, struct fixture *fixture, size_t brand,
                     uint64_t client, atomic_uint *done)
{
    *counted = (struct counted_job){
        .job =
            {
                .brand = &fixture->brands[brand],
                .client = client,
                .padding = RSA_PADDING_PKCS1,
                .cipher = span_make(fixture->cipher, KEY_BITS / 8),
                .on_done = count_done,
            },
        .done = done,
    };
}

static void test_without_threads_it_is_done_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct decryptor *decryptor;
    struct counted_job counted;
    atomic_uint done = 0;
    struct rsa_message expected;
    assert_int_equal(decryptor_create(0, &decryptor), ERR_OK);
    init_job(&counted, fixture, 0, 1, &done);
    assert_true(decryptor_submit(decryptor, &counted.job));
    assert_int_equal(done, 1);
    rsa_decrypt(fixture->key, RSA_PADDING_PKCS1, counted.job.cipher, &expected);
    assert_int_equal(counted.job.messages_held, 1);
    assert_int_equal(counted.job.messages[0].len, expected.len);
    assert_memory_equal(counted.job.messages[0].bytes, expected.bytes, expected.len);
    decryptor_destroy(&decryptor);
}

static void test_only_keys_of_the_length_are_tried(void **state)
{
    struct fixture *fixture = *state;
    struct decryptor *decryptor;
    struct counted_job counted;
    atomic_uint done = 0;
    assert_int_equal(decryptor_create(0, &decryptor), ERR_OK);
    init_job(&counted, fixture, 0, 1, &done);
    counted.job.cipher.len--;
    assert_true(decryptor_submit(decryptor, &counted.job));
    assert_int_equal(counted.job.messages_held, 0);
    decryptor_destroy(&decryptor);
}

// How many of `count` are taken while nothing of them can have been finished but a few. One that
// there is room for is taken.
static size_t submit_many(struct decryptor *decryptor, struct counted_job *jobs, size_t count)
{
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        struct decrypt_job *job = &jobs[i].job;
        bool has_room = decryptor_has_room(decryptor, job->brand, job->client);
        bool is_taken = decryptor_submit(decryptor, job);
        assert_true(is_taken || !has_room);
        taken += is_taken ? 1 : 0;
    }
    return taken;
}

// One client has half of the places, one brand three quarters, and those that are taken are done.
static void test_bounds_of_what_waits(void **state)
{
    struct fixture *fixture = *state;
    struct decryptor *decryptor;
    atomic_uint done = 0;
    static struct counted_job jobs[720];
    assert_int_equal(decryptor_create(1, &decryptor), ERR_OK);
    assert_true(decryptor_has_room(decryptor, &fixture->brands[0], 1));
    for (size_t i = 0; i < 720; i++)
        init_job(&jobs[i], fixture, i < 300 ? 0 : i < 500 ? 1 : 2, i < 150 ? 1 : i, &done);
    size_t of_client = submit_many(decryptor, jobs, 150);
    assert_in_range(of_client, DECRYPTOR_CLIENT_JOBS_MAX, 149);
    size_t of_brand = of_client + submit_many(decryptor, jobs + 150, 150);
    assert_in_range(of_brand, DECRYPTOR_BRAND_JOBS_MAX, 299);
    size_t of_all = of_brand + submit_many(decryptor, jobs + 300, 400);
    assert_in_range(of_all, DECRYPTOR_JOBS_MAX, 600);
    size_t next = 700; // for when one is finished just then
    while (next < 720 && decryptor_has_room(decryptor, &fixture->brands[2], next))
        of_all += submit_many(decryptor, jobs + next++, 1);
    assert_in_range(next, 700, 719);
    decryptor_destroy(&decryptor);
    assert_int_equal(done, of_all);
}

struct submitter {
    struct decryptor *decryptor;
    struct counted_job *jobs;
    size_t taken;
};

static void *submit_from_thread(void *ctx)
{
    struct submitter *submitter = ctx;
    submitter->taken = submit_many(submitter->decryptor, submitter->jobs, 60);
    return NULL;
}

static void test_several_threads_on_both_sides(void **state)
{
    struct fixture *fixture = *state;
    struct decryptor *decryptor;
    atomic_uint done = 0;
    static struct counted_job jobs[4 * 60];
    struct submitter submitters[4];
    pthread_t threads[4];
    size_t taken = 0;
    assert_int_equal(decryptor_create(3, &decryptor), ERR_OK);
    for (size_t i = 0; i < 4 * 60; i++)
        init_job(&jobs[i], fixture, i % 3, i, &done);
    for (size_t i = 0; i < 4; i++) {
        submitters[i] = (struct submitter){decryptor, jobs + i * 60, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, submit_from_thread, &submitters[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        taken += submitters[i].taken;
    }
    decryptor_destroy(&decryptor);
    decryptor_destroy(&decryptor);
    assert_int_equal(taken, 240);
    assert_int_equal(done, taken);
    for (size_t i = 1; i < 240; i++)
        assert_int_equal(jobs[i].job.messages[0].len, jobs[0].job.messages[0].len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_threads_it_is_done_at_once),
        cmocka_unit_test(test_only_keys_of_the_length_are_tried),
        cmocka_unit_test(test_bounds_of_what_waits),
        cmocka_unit_test(test_several_threads_on_both_sides),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
