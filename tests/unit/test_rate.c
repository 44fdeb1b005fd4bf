/* rate: even spacing, no burst, pauses. */
#include "unit.h"

#include "clock.h"
#include "rate.h"

static void without_a_rate_starts_at_once(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate, 0);
    for (int64_t now = 0; now < 100; now++) {
        assert_int_equal(rate_due(&rate, now), now);
        rate_take(&rate, now);
    }
}

static void spaces_starts(void **state)
{
    (void)state;
    struct rate rate;
    int64_t now = 1000 * NS_PER_S;
    rate_init(&rate, 50);
    for (int i = 0; i < 100; i++) {
        int64_t due = rate_due(&rate, now);
        assert_int_equal(due, 1000 * NS_PER_S + i * 20 * NS_PER_MS);
        now = due;
        rate_take(&rate, now);
    }
}

static void makes_up_for_late_starts_but_saves_nothing(void **state)
{
    (void)state;
    struct rate rate;
    int64_t start = 1000 * NS_PER_S;
    rate_init(&rate, 10);
    rate_take(&rate, start);
    rate_take(&rate, start + 130 * NS_PER_MS); /* 30 ms late */
    assert_int_equal(rate_due(&rate, start + 130 * NS_PER_MS), start + 200 * NS_PER_MS);
    rate_take(&rate, start + 5 * NS_PER_S); /* after an idle time */
    assert_int_equal(rate_due(&rate, start + 5 * NS_PER_S), start + 5 * NS_PER_S + 100 * NS_PER_MS);
}

static void pauses(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate, 0);
    rate_pause(&rate, 10 * NS_PER_S);
    rate_pause(&rate, 5 * NS_PER_S);
    assert_int_equal(rate_due(&rate, NS_PER_S), 10 * NS_PER_S);
    assert_int_equal(rate_due(&rate, 11 * NS_PER_S), 11 * NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_rate_starts_at_once),
        cmocka_unit_test(spaces_starts),
        cmocka_unit_test(makes_up_for_late_starts_but_saves_nothing),
        cmocka_unit_test(pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
