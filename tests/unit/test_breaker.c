/* breaker: when it opens, probes and closes. */
#include "unit.h"

#include "breaker.h"
#include "clock.h"

static void note_many(struct breaker *b, int count, bool failed, int64_t now)
{
    for (int i = 0; i < count; i++)
        breaker_note(b, false, failed, now, 0);
}

static void opens_when_half_of_the_window_failed(void **state)
{
    (void)state;
    struct breaker b = {0};
    note_many(&b, BREAKER_WINDOW / 2, false, 0);
    note_many(&b, BREAKER_WINDOW / 2 - 1, true, 0);
    assert_int_equal(b.state, BREAKER_CLOSED);
    assert_true(breaker_note(&b, false, true, 0, 0));
    assert_int_equal(b.state, BREAKER_OPEN);
    assert_int_equal(breaker_due(&b, 0), BREAKER_WAIT_NS);
    assert_int_equal(breaker_due(&b, BREAKER_WAIT_NS + 1), BREAKER_WAIT_NS + 1);
}

static void needs_a_whole_window(void **state)
{
    (void)state;
    struct breaker b = {0};
    note_many(&b, BREAKER_WINDOW - 1, true, 0);
    assert_int_equal(b.state, BREAKER_CLOSED);
    assert_int_equal(breaker_due(&b, 7), 7);
}

static void forgets_what_is_longer_ago(void **state)
{
    (void)state;
    struct breaker b = {0};
    for (int i = 0; i < 1000; i++) {
        note_many(&b, BREAKER_WINDOW / 2 - 1, true, 0);
        note_many(&b, BREAKER_WINDOW / 2 + 1, false, 0);
    }
    assert_int_equal(b.state, BREAKER_CLOSED);
}

static void one_probe_decides(void **state)
{
    (void)state;
    struct breaker b = {0};
    note_many(&b, BREAKER_WINDOW, true, 0);
    assert_true(breaker_start(&b));
    assert_int_equal(breaker_due(&b, 100 * NS_PER_S), INT64_MAX); /* only one */
    assert_false(breaker_note(&b, false, false, 1, 0));           /* one that was on its way is no probe */
    assert_int_equal(b.state, BREAKER_PROBING);
    assert_true(breaker_note(&b, true, true, 1000, 0));
    assert_int_equal(breaker_due(&b, 1000), 1000 + 2 * BREAKER_WAIT_NS);
    assert_true(breaker_start(&b));
    assert_true(breaker_note(&b, true, false, 2000, 0));
    assert_int_equal(b.state, BREAKER_CLOSED);
    assert_false(breaker_start(&b));
    note_many(&b, BREAKER_WINDOW - 1, true, 0); /* what came before is forgotten */
    assert_int_equal(b.state, BREAKER_CLOSED);
}

static void waits_no_longer_than_its_cap(void **state)
{
    (void)state;
    struct breaker b = {0};
    note_many(&b, BREAKER_WINDOW, true, 0);
    for (int i = 0; i < 100; i++) {
        breaker_start(&b);
        breaker_note(&b, true, true, 0, UINT64_MAX);
    }
    assert_in_range(breaker_due(&b, 0), BREAKER_WAIT_CAP_NS, BREAKER_WAIT_CAP_NS + BREAKER_WAIT_CAP_NS / 10);
}

static void a_probe_can_be_given_up(void **state)
{
    (void)state;
    struct breaker b = {0};
    breaker_abandon(&b, 5);
    assert_int_equal(b.state, BREAKER_CLOSED);
    note_many(&b, BREAKER_WINDOW, true, 0);
    breaker_start(&b);
    breaker_abandon(&b, 10 * NS_PER_S);
    assert_int_equal(breaker_due(&b, 10 * NS_PER_S), 10 * NS_PER_S);
    assert_true(breaker_start(&b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_when_half_of_the_window_failed), cmocka_unit_test(needs_a_whole_window),
        cmocka_unit_test(forgets_what_is_longer_ago),           cmocka_unit_test(one_probe_decides),
        cmocka_unit_test(waits_no_longer_than_its_cap),         cmocka_unit_test(a_probe_can_be_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
