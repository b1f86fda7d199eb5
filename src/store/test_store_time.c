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

static const struct boot_id boot_a = {{1}};
static const struct boot_id boot_b = {{2}};
static const struct boot_id boot_unknown = {{0}};

static void start(struct store_time *time, struct fake_clock *fake)
{
    *fake = (struct fake_clock){START_MS, 5000};
    struct clock clock = clock_over(fake);
    store_time_begin(time, &clock, &boot_a, NULL);
}

static void test_forward_step_is_not_followed(void **state)
{
    (void)state;
    struct store_time time;
    struct fake_clock fake;
    start(&time, &fake);
    assert_int_equal(pass(&time, &fake, HOUR_MS, 10), START_MS + 10);
    assert_int_equal(pass(&time, &fake, 1000, 1000), START_MS + 1010);
    assert_int_equal(pass(&time, &fake, -HOUR_MS, 0), START_MS + 1010);
}

static void test_backward_step_does_not_freeze(void **state)
{
    (void)state;
    struct store_time time;
    struct fake_clock fake;
    start(&time, &fake);
    assert_int_equal(pass(&time, &fake, -HOUR_MS, 10), START_MS + 10);
    assert_int_equal(pass(&time, &fake, 5000, 5000), START_MS + 5010);
}

// By little each time, as by a daemon that sets it each hour, or one that runs at twice the speed.
static void test_small_steps_are_not_followed(void **state)
{
    (void)state;
    struct store_time time;
    struct fake_clock fake;
    start(&time, &fake);
    for (int64_t i = 1; i <= 3600; i++) {
        assert_int_equal(pass(&time, &fake, 1300, 1000), START_MS + i * 1000);
        assert_int_equal(pass(&time, &fake, -200, 0), START_MS + i * 1000);
    }
}

struct restart_row {
    const char *name;
    const struct boot_id *boot;
    int64_t wall_ms; // passed by the wall clock since the mark
    int64_t mono_ms;
    uint32_t slack_us;
    int64_t from_mark_ms; // where T begins
};

static const struct restart_row restart_rows[] = {
    {"same boot", &boot_a, 2000, 2000, 0, 2000},
    {"same boot, at once", &boot_a, 0, 0, 0, 0},
    {"same boot, forward step", &boot_a, HOUR_MS, 2000, 0, 2000},
    {"same boot, backward step", &boot_a, -HOUR_MS, 2000, 0, 2000},
    {"same boot, wall clock just ahead", &boot_a, 2300, 2000, 0, 2000},
    {"same boot, monotonic time fell", &boot_a, 60000, -1, 0, 60000},
    {"same boot, mark of an earlier version", &boot_a, 2000, 2000, 500000, 2510},
    {"other boot", &boot_b, 60000, 10, 0, 60000},
    {"other boot, clock ahead", &boot_b, HOUR_MS, 10, 0, HOUR_MS},
    {"other boot, clock behind", &boot_b, -HOUR_MS, 10, 0, 1000},
    {"other boot, clock just ahead", &boot_b, 999, 10, 0, 1000},
    {"unknown boot, clock behind", &boot_unknown, -HOUR_MS, 10, 0, 1000},
    {"other boot, mark of an earlier version", &boot_b, -HOUR_MS, 10, 500000, 1000},
};

static void test_restarts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof restart_rows / sizeof restart_rows[0]; i++) {
        const struct restart_row *row = &restart_rows[i];
        struct store_time time;
        struct fake_clock fake;
        start(&time, &fake);
        struct store_time_mark mark = store_time_mark(&time);
        mark.slack_us = row->slack_us;
        fake.wall_ms += row->wall_ms;
        fake.mono_ms += row->mono_ms;
        struct clock clock = clock_over(&fake);
        store_time_begin(&time, &clock, row->boot, &mark);
        assert_row_equal(row->name, time.last_ms - START_MS, row->from_mark_ms);
    }
}

static void test_an_unknown_boot_is_never_the_same(void **state)
{
    (void)state;
    struct store_time time;
    struct fake_clock fake = {START_MS, 5000};
    struct clock clock = clock_over(&fake);
    store_time_begin(&time, &clock, &boot_unknown, NULL);
    struct store_time_mark mark = store_time_mark(&time);
    fake = (struct fake_clock){START_MS + HOUR_MS, 6000};
    store_time_begin(&time, &clock, &boot_unknown, &mark);
    assert_int_equal(time.last_ms, START_MS + HOUR_MS);
}

static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *seed >> 33;
}

// Whatever the wall clock does, and however often the process is killed: T passes as monotonic time
// does. The mark that is kept may be old.
static void test_kills_in_one_boot(void **state)
{
    (void)state;
    struct store_time time;
    struct fake_clock fake;
    start(&time, &fake);
    struct clock clock = clock_over(&fake);
    struct store_time_mark kept = store_time_mark(&time);
    uint64_t seed = 7;
    int64_t passed_ms = 0;
    for (int i = 0; i < 100000; i++) {
        int64_t mono_ms = (int64_t)(draw(&seed) % 40);
        int64_t wall_ms = mono_ms + (int64_t)(draw(&seed) % 41) - 20;
        if (draw(&seed) % 50 == 0)
            wall_ms += (int64_t)(draw(&seed) % 2000) - 1000;
        passed_ms += mono_ms;
        assert_int_equal(pass(&time, &fake, wall_ms, mono_ms), START_MS + passed_ms);
        if (draw(&seed) % 100 == 0)
            kept = store_time_mark(&time);
        if (draw(&seed) % 20 == 0)
            store_time_begin(&time, &clock, &boot_a, &kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward_step_is_not_followed),
        cmocka_unit_test(test_backward_step_does_not_freeze),
        cmocka_unit_test(test_small_steps_are_not_followed),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_an_unknown_boot_is_never_the_same),
        cmocka_unit_test(test_kills_in_one_boot),
    };
    return cmocka_run_group_tests_name("store time", tests, NULL, NULL);
}
