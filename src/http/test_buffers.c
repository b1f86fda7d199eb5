// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
// The pool, and the two buffers of a connection.
#include "http/input.h"
#include "http/output.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define OWN_CAP (HTTP_INPUT_INLINE_BYTES - HTTP_BODY_SLACK_BYTES)
#define BIG_CAP 20000U

static void test_pool_lends_again(void **state)
{
    (void)state;
    struct pool pool;
    pool_init(&pool, 32, 2, 2);
    void *a = pool_get(&pool);
    void *b = pool_get(&pool);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(pool_get(&pool));
    pool_put(&pool, a);
    assert_ptr_equal(pool_get(&pool), a);
    pool_put(&pool, a);
    pool_put(&pool, b);
    assert_int_equal(pool.kept, 2);
    assert_ptr_equal(pool_get(&pool), b);
    pool_put(&pool, b);
    pool_fini(&pool);
}

static void test_pool_keeps_only_so_many(void **state)
{
    (void)state;
    struct pool pool;
    void *blocks[3];
    pool_init(&pool, 32, 3, 1);
    for (size_t i = 0; i < 3; i++)
        blocks[i] = pool_get(&pool);
    for (size_t i = 0; i < 3; i++)
        pool_put(&pool, blocks[i]);
    assert_int_equal(pool.kept, 1);
    assert_int_equal(pool.lent, 0);
    pool_fini(&pool);
}

static int set_up_input(void **state)
{
    struct pool *pool = malloc(sizeof *pool);
    struct http_input *input = malloc(sizeof *input);
    pool_init(pool, BIG_CAP + HTTP_BODY_SLACK_BYTES, 1, 1);
    http_input_init(input, pool);
    *state = input;
    return 0;
}

static int tear_down_input(void **state)
{
    struct http_input *input = *state;
    http_input_fini(input);
    pool_fini(input->big_buffers);
    free(input->big_buffers);
    free(input);
    return 0;
}

static void fill(struct http_input *input, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        input->data[input->end + i] = (uint8_t)(i % 251);
    input->end += bytes;
}

static void assert_pending(const struct http_input *input, size_t from, size_t bytes)
{
    struct span pending = http_input_pending(input);
    assert_int_equal(pending.len, bytes);
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(pending.data[i], (from + i) % 251);
}

static void test_input_stays_while_it_fits(void **state)
{
    struct http_input *input = *state;
    fill(input, OWN_CAP);
    assert_true(http_input_fit(input, OWN_CAP));
    assert_ptr_equal(input->data, input->own);
    assert_int_equal(input->at, 0);
}

static void test_input_moves_down(void **state)
{
    struct http_input *input = *state;
    fill(input, OWN_CAP);
    http_input_use(input, 1000);
    assert_int_equal(input->at, 1000);
    assert_true(http_input_fit(input, OWN_CAP - 1000 + 1));
    assert_int_equal(input->at, 0);
    assert_ptr_equal(input->data, input->own);
    assert_pending(input, 1000, OWN_CAP - 1000);
}

static void test_input_grows_and_shrinks(void **state)
{
    struct http_input *input = *state;
    fill(input, OWN_CAP);
    http_input_use(input, 7);
    assert_true(http_input_fit(input, OWN_CAP + 1));
    assert_ptr_not_equal(input->data, input->own);
    assert_int_equal(input->cap, BIG_CAP);
    assert_pending(input, 7, OWN_CAP - 7);
    http_input_use(input, 1);
    assert_ptr_equal(input->data, input->own);
    assert_pending(input, 8, OWN_CAP - 8);
    assert_int_equal(input->big_buffers->lent, 0);
}

static void test_input_keeps_big_while_much_is_pending(void **state)
{
    struct http_input *input = *state;
    assert_true(http_input_fit(input, OWN_CAP + 1));
    fill(input, OWN_CAP + 2);
    http_input_use(input, 1);
    assert_ptr_not_equal(input->data, input->own);
    http_input_use(input, 2);
    assert_ptr_equal(input->data, input->own);
    assert_pending(input, 2, OWN_CAP);
}

static void test_input_without_big_buffer(void **state)
{
    struct http_input *input = *state;
    void *hog = pool_get(input->big_buffers);
    fill(input, OWN_CAP);
    assert_false(http_input_fit(input, OWN_CAP + 1));
    assert_pending(input, 0, OWN_CAP);
    pool_put(input->big_buffers, hog);
}

static void test_input_used_up_is_empty(void **state)
{
    struct http_input *input = *state;
    assert_true(http_input_fit(input, OWN_CAP + 1));
    fill(input, 9);
    http_input_use(input, 9);
    assert_int_equal(input->end, 0);
    assert_ptr_equal(input->data, input->own);
    assert_int_equal(input->big_buffers->lent, 0);
}

static void put(struct http_output *output, uint8_t byte, size_t bytes)
{
    struct strbuf out;
    assert_true(http_output_begin(output, bytes + 10, &out));
    for (size_t i = 0; i < bytes; i++)
        strbuf_put_byte(&out, byte);
    http_output_end(output, &out);
}

static void test_output_spills_and_keeps_what_is_unsent(void **state)
{
    (void)state;
    struct http_output output;
    http_output_init(&output);
    put(&output, 'a', 100);
    http_output_sent(&output, 40);
    assert_ptr_equal(output.data, output.own);
    put(&output, 'b', HTTP_OUTPUT_INLINE_BYTES);
    assert_ptr_not_equal(output.data, output.own);
    struct span unsent = http_output_unsent(&output);
    assert_int_equal(unsent.len, 60 + HTTP_OUTPUT_INLINE_BYTES);
    assert_int_equal(unsent.data[59], 'a');
    assert_int_equal(unsent.data[60], 'b');
    put(&output, 'c', 5);
    unsent = http_output_unsent(&output);
    assert_int_equal(unsent.len, 65 + HTTP_OUTPUT_INLINE_BYTES);
    assert_int_equal(unsent.data[unsent.len - 1], 'c');
    http_output_sent(&output, unsent.len);
    assert_ptr_equal(output.data, output.own);
    assert_int_equal(http_output_unsent(&output).len, 0);
}

static void test_output_starts_over_when_sent(void **state)
{
    (void)state;
    struct http_output output;
    http_output_init(&output);
    for (size_t i = 0; i < 10; i++) {
        put(&output, 'a', HTTP_OUTPUT_INLINE_BYTES - 10);
        assert_ptr_equal(output.data, output.own);
        http_output_sent(&output, HTTP_OUTPUT_INLINE_BYTES - 10);
    }
    assert_int_equal(output.end, 0);
}

#define INPUT_TEST(function) \
    cmocka_unit_test_setup_teardown(function, set_up_input, tear_down_input)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_lends_again),
        cmocka_unit_test(test_pool_keeps_only_so_many),
        INPUT_TEST(test_input_stays_while_it_fits),
        INPUT_TEST(test_input_moves_down),
        INPUT_TEST(test_input_grows_and_shrinks),
        INPUT_TEST(test_input_keeps_big_while_much_is_pending),
        INPUT_TEST(test_input_without_big_buffer),
        INPUT_TEST(test_input_used_up_is_empty),
        cmocka_unit_test(test_output_spills_and_keeps_what_is_unsent),
        cmocka_unit_test(test_output_starts_over_when_sent),
    };
    return cmocka_run_group_tests_name("http/buffers", tests, NULL, NULL);
}
