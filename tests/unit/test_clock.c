/* clock: it runs forward, and a test can stand in for it. */
#include "unit.h"

#include <time.h>

#include "clock.h"

static int64_t made_up;

static int64_t made_up_now(void)
{
    return made_up;
}

static void never_goes_back(void **state)
{
    (void)state;
    int64_t before = clock_now();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_now();
        assert_true(now >= before);
        before = now;
    }
}

/* By how long the machine has slept, the one is ahead of the other; and while it is awake, that does not change. */
static void time_that_goes_on_in_sleep_keeps_step_otherwise(void **state)
{
    (void)state;
    int64_t slept = clock_elapsed() - clock_now();
    assert_true(slept > -NS_PER_S);
    nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
    int64_t more = clock_elapsed() - clock_now() - slept;
    assert_true(more > -NS_PER_S && more < NS_PER_S);
}

static void can_be_replaced(void **state)
{
    (void)state;
    clock_override(made_up_now);
    made_up = 42 * NS_PER_S;
    assert_int_equal(clock_now(), 42 * NS_PER_S);
    assert_int_equal(clock_elapsed(), 42 * NS_PER_S);
    clock_override(NULL);
    assert_int_not_equal(clock_now(), 42 * NS_PER_S);
}

static void wall_time_is_the_systems(void **state)
{
    (void)state;
    int64_t off = clock_wall_ms() / 1000 - time(NULL);
    assert_in_range(off + 1, 0, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_goes_back),
        cmocka_unit_test(time_that_goes_on_in_sleep_keeps_step_otherwise),
        cmocka_unit_test(can_be_replaced),
        cmocka_unit_test(wall_time_is_the_systems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
