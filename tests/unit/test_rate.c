/* rate: even spacing, no burst, pauses, and what 429 does to the pace. */
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

static void the_slowest_rate_is_no_unlimited_one(void **state)
{
    (void)state;
    static const double rates[] = {1e-7 / 3600, 1e-300};
    for (size_t i = 0; i < COUNT(rates); i++) {
        struct rate rate;
        int64_t now = 1000 * NS_PER_S;
        rate_init(&rate, rates[i]);
        rate_take(&rate, now);
        assert_true(rate_due(&rate, now) > now + 365 * 24 * 3600 * NS_PER_S);
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

/* `count` starts, `gap` ns apart; returns the time of the next. */
static int64_t start_many(struct rate *rate, int64_t now, int count, int64_t gap)
{
    for (int i = 0; i < count; i++, now += gap)
        rate_take(rate, now);
    return now;
}

static void a_429_halves_the_pace_once_a_burst(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate, 0);
    int64_t now = start_many(&rate, 100 * NS_PER_S, 300, 10 * NS_PER_MS); /* 100/s */
    assert_true(rate_adapted(&rate) == 0);
    assert_true(rate_throttled(&rate, now - NS_PER_MS, now));
    assert_in_range((int)rate_adapted(&rate), 48, 52);
    assert_in_range(rate_due(&rate, now), now + 18 * NS_PER_MS, now + 22 * NS_PER_MS);
    assert_false(rate_throttled(&rate, now - 2 * NS_PER_MS, now + NS_PER_MS)); /* on its way before the cut */
    assert_true(rate_throttled(&rate, now + NS_PER_MS, now + 2 * NS_PER_MS));
    assert_in_range((int)rate_adapted(&rate), 24, 26);
}

static void as_slow_as_it_gets_is_no_cut(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate, 1.0 / 60); /* a start a minute is slower than any 429 makes it */
    assert_false(rate_throttled(&rate, 100 * NS_PER_S, 100 * NS_PER_S));
    assert_true(rate_adapted(&rate) == 0);
    rate_init(&rate, 0);
    int64_t now = start_many(&rate, 100 * NS_PER_S, 300, 10 * NS_PER_MS);
    int cuts = 0;
    for (int i = 0; i < 50; i++, now += NS_PER_S)
        cuts += rate_throttled(&rate, now, now);
    assert_in_range(cuts, 7, 10); /* from 100/s to 0.2/s by halves */
}

static void the_pace_climbs_back(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate, 0);
    int64_t now = start_many(&rate, 100 * NS_PER_S, 300, 10 * NS_PER_MS);
    rate_throttled(&rate, now, now);
    double before = rate_adapted(&rate);
    assert_false(rate_accepted(&rate, now + NS_PER_S / 2)); /* a step a second */
    assert_true(rate_adapted(&rate) == before);
    assert_false(rate_accepted(&rate, now + NS_PER_S));
    assert_in_range((int)(rate_adapted(&rate) - before), 9, 11);
    int seconds = 1;
    while (!rate_accepted(&rate, now + ++seconds * NS_PER_S))
        assert_true(seconds < 100);
    assert_in_range(seconds, 30, 40); /* from half to four times, by tenths */
    assert_true(rate_adapted(&rate) == 0);
    assert_int_equal(rate_due(&rate, now + 1000 * NS_PER_S), now + 1000 * NS_PER_S);
}

static void the_pace_climbs_no_higher_than_it_was_set(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate, 50);
    int64_t now = start_many(&rate, 100 * NS_PER_S, 100, 19 * NS_PER_MS); /* counted a little fast */
    assert_true(rate_throttled(&rate, now, now));
    assert_int_equal((int)(rate_adapted(&rate) + 0.5), 25);
    int seconds = 0;
    while (!rate_accepted(&rate, now + ++seconds * NS_PER_S))
        assert_true(rate_adapted(&rate) < 50 && seconds < 100);
    assert_in_range(seconds, 4, 6);
    assert_int_equal(rate.interval, 20 * NS_PER_MS);
}

static void the_pace_has_a_floor(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate, 0);
    for (int64_t now = NS_PER_S; now < 100 * NS_PER_S; now += NS_PER_S)
        rate_throttled(&rate, now, now);
    assert_int_equal(rate.interval, RATE_SLOWEST_NS);
}

static void a_first_burst_has_a_rate_too(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate, 0);
    int64_t now = start_many(&rate, 100 * NS_PER_S, 64, 0) + 5 * NS_PER_MS;
    rate_throttled(&rate, 100 * NS_PER_S, now);
    assert_in_range((int)rate_adapted(&rate), 300, 340); /* 64 in a tenth of a second, halved */
}

static void another_pace_counts_from_the_last_start(void **state)
{
    (void)state;
    static const struct {
        double before, after;
        int64_t due_ms; /* after the last start */
    } cases[] = {{0, 10, 100}, {0.001, 10, 100}, {10, 0.5, 2000}, {10, 0, 0}, {10, 10, 100}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rate rate;
        int64_t start = 1000 * NS_PER_S;
        rate_init(&rate, cases[i].before);
        rate_set(&rate, cases[i].after);
        assert_int_equal(rate_due(&rate, start), start); /* nothing has started so far */
        rate_set(&rate, cases[i].before);
        rate_take(&rate, start);
        for (int again = 0; again < 3; again++) { /* being told once more changes nothing */
            rate_set(&rate, cases[i].after);
            assert_int_equal(rate_due(&rate, start), start + cases[i].due_ms * NS_PER_MS);
        }
    }
}

static void being_told_the_same_pace_makes_up_for_late_starts(void **state)
{
    (void)state;
    struct rate rate;
    int64_t start = 1000 * NS_PER_S;
    rate_init(&rate, 10);
    rate_take(&rate, start);
    rate_take(&rate, start + 130 * NS_PER_MS);
    rate_set(&rate, 10);
    assert_int_equal(rate_due(&rate, start), start + 200 * NS_PER_MS);
}

static void another_pace_ends_no_pause(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate, 1);
    rate_pause(&rate, 10 * NS_PER_S);
    rate_set(&rate, 0);
    assert_int_equal(rate_due(&rate, NS_PER_S), 10 * NS_PER_S);
}

/* Who sets a pace does not know what the server can take. */
static void what_a_429_has_left_stays_below_another_pace(void **state)
{
    (void)state;
    static const double faster[] = {0, 80, 1000};
    for (size_t i = 0; i < COUNT(faster); i++) {
        struct rate rate;
        rate_init(&rate, 100);
        int64_t now = start_many(&rate, 100 * NS_PER_S, 300, 10 * NS_PER_MS);
        assert_true(rate_throttled(&rate, now, now));
        rate_set(&rate, faster[i]);
        assert_in_range((int)rate_adapted(&rate), 48, 52);
        int seconds = 0;
        while (!rate_accepted(&rate, now + ++seconds * NS_PER_S))
            assert_true(seconds < 100);
        assert_true(rate.interval == (faster[i] > 0 ? (int64_t)(1e9 / faster[i]) : 0));
    }
    struct rate rate;
    rate_init(&rate, 100);
    int64_t now = start_many(&rate, 100 * NS_PER_S, 300, 10 * NS_PER_MS);
    rate_throttled(&rate, now, now);
    rate_set(&rate, 10);
    assert_true(rate_adapted(&rate) == 0); /* it is the pace that was set again */
    assert_int_equal(rate.interval, 100 * NS_PER_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_rate_starts_at_once),
        cmocka_unit_test(spaces_starts),
        cmocka_unit_test(the_slowest_rate_is_no_unlimited_one),
        cmocka_unit_test(makes_up_for_late_starts_but_saves_nothing),
        cmocka_unit_test(pauses),
        cmocka_unit_test(a_429_halves_the_pace_once_a_burst),
        cmocka_unit_test(as_slow_as_it_gets_is_no_cut),
        cmocka_unit_test(the_pace_climbs_back),
        cmocka_unit_test(the_pace_climbs_no_higher_than_it_was_set),
        cmocka_unit_test(the_pace_has_a_floor),
        cmocka_unit_test(a_first_burst_has_a_rate_too),
        cmocka_unit_test(another_pace_counts_from_the_last_start),
        cmocka_unit_test(being_told_the_same_pace_makes_up_for_late_starts),
        cmocka_unit_test(another_pace_ends_no_pause),
        cmocka_unit_test(what_a_429_has_left_stays_below_another_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
