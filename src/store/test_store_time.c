// SPDX-FileCopyrightText: 2026 The otpd authors
// SPDX-License-Identifier: Apache-2.0
#include "store/store_time.h"

#include "unit/unit.h"

struct fake_clock {
    int64_t wall_ms;
    int64_t mono_ms;
};

static int64_t fake_wall(void *ctx)
{
    return ((const struct fake_clock *)ctx)->wall_ms;
}

static struct mono fake_mono(void *ctx)
{
    return (struct mono){((const struct fake_clock *)ctx)->mono_ms};
}

static struct clock clock_over(struct fake_clock *fake)
{
    return (struct clock){.wall_ms = fake_wall, .mono = fake_mono, .ctx = fake};
}

static int64_t pass(struct store_time *time, struct fake_clock *fake, int64_t wall_ms,
                    int64_t mono_ms)
{
    struct clock clock = clock_over(fake);
    fake->wall_ms += wall_ms;
    fake->mono_ms += mono_ms;
    return store_time_next(time, &clock);
}

#define START_MS INT64_C(1770000000000)
#define HOUR_MS INT64_C(3600000)

static void start(struct store_time *time, struct fake_clock *fake, int64_t high_water_ms)
{
    *fake = (struct fake_clock){START_MS, 5000};
    struct clock clock = clock_over(fake);
    store_time_init(time, &clock, high_water_ms);
}

static void test_follows_a_slewed_clock(void **state)
{
    (void)state;
    struct store_time time;
    struct fake_clock fake;
    start(&time, &fake, 0);
    assert_int_equal(pass(&time, &fake, 1000, 1000), START_MS + 1000);
    assert_int_equal(pass(&time, &fake, 10005, 10000), START_MS + 11005);
}

static void test_forward_step_is_not_followed(void **state)
{
    (void)state;
    struct store_time time;
    struct fake_clock fake;
    start(&time, &fake, 0);
    assert_int_equal(pass(&time, &fake, HOUR_MS, 10), START_MS + 10);
    assert_int_equal(pass(&time, &fake, 1000, 1000), START_MS + 1010);
    assert_int_equal(pass(&time, &fake, -HOUR_MS, 0), START_MS + 1010);
}

static void test_backward_step_does_not_freeze(void **state)
{
    (void)state;
    struct store_time time;
    struct fake_clock fake;
    start(&time, &fake, 0);
    assert_int_equal(pass(&time, &fake, -HOUR_MS, 10), START_MS + 10);
    assert_int_equal(pass(&time, &fake, 5000, 5000), START_MS + 5010);
}

static void test_never_falls(void **state)
{
    (void)state;
    struct store_time time;
    struct fake_clock fake;
    start(&time, &fake, 0);
    assert_int_equal(pass(&time, &fake, 300, 300), START_MS + 300);
    assert_int_equal(pass(&time, &fake, -200, 0), START_MS + 300);
}

static void test_begins_at_the_high_water_mark(void **state)
{
    (void)state;
    struct store_time time;
    struct fake_clock fake;
    start(&time, &fake, START_MS + HOUR_MS);
    assert_int_equal(pass(&time, &fake, 10, 10), START_MS + HOUR_MS + 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows_a_slewed_clock),
        cmocka_unit_test(test_forward_step_is_not_followed),
        cmocka_unit_test(test_backward_step_does_not_freeze),
        cmocka_unit_test(test_never_falls),
        cmocka_unit_test(test_begins_at_the_high_water_mark),
    };
    return cmocka_run_group_tests_name("store time", tests, NULL, NULL);
}
