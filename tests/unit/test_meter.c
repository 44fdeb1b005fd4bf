/* meter: a client that shares its pace with others: permits, the demand for them, pauses that others were asked for, other
 * rates. */
#include "calls.h"
#include "clock.h"
#include "pace.h"

static unsigned told; /* how often there was said to be a demand */

static void on_demand(void *arg)
{
    (*(unsigned *)arg)++;
}

static int start_metered(void **state)
{
    told = 0;
    return start(state);
}

static void open_metered(const struct peer_reply *replies, size_t count)
{
    open_client(replies, count);
    pace_meter(client, true);
    pace_on_demand(client, on_demand, &told);
}

/* Long enough for whatever could start to have reached the peer. */
static void let_pass(int64_t ms)
{
    for (int64_t until = clock_now() + ms * NS_PER_MS; clock_now() < until;)
        loop_step(loop, false);
}

/* Permits whenever there is a demand, until all calls have ended; the most that were wanted at once. */
static unsigned serve(const struct call_outcome *outcomes, size_t count)
{
    unsigned most = 0;
    for (size_t i = 0; i < count; i++)
        while (outcomes[i].count == 0) {
            unsigned wanted = pace_demand(client);
            most = wanted > most ? wanted : most;
            if (wanted > 0)
                pace_grant(client, wanted);
            else
                loop_step(loop, true);
        }
    return most;
}

static void an_exchange_starts_only_against_a_permit(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok, ok};
    struct call_outcome outcomes[3] = {0};
    open_metered(replies, COUNT(replies));
    assert_int_equal(pace_demand(client), 0);
    for (size_t i = 0; i < COUNT(outcomes); i++)
        begin("PUT", "/", &outcomes[i]);
    let_pass(50);
    assert_int_equal(client_stats(client).running, 0);
    assert_int_equal(pace_demand(client), 1); /* until a connection stands */
    assert_true(told > 0);
    pace_grant(client, 1);
    assert_int_equal(client_stats(client).running, 1);
    while (outcomes[0].count == 0)
        loop_step(loop, true);
    let_pass(50);
    assert_int_equal(peer_requests(peer), 1);
    assert_int_equal(pace_demand(client), 2);
    pace_grant(client, 2);
    run();
    for (size_t i = 0; i < COUNT(outcomes); i++)
        check(outcomes[i].call, FAILURE_NONE, 200, 1);
    assert_int_equal(client_stats(client).permits_used, 3);
    assert_int_equal(pace_demand(client), 0);
}

static void permits_are_not_kept(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok};
    struct call_outcome first = {0}, second = {0};
    open_metered(replies, COUNT(replies));
    pace_grant(client, 100); /* nothing waits */
    begin("PUT", "/1", &first);
    assert_int_equal(client_stats(client).running, 0);
    pace_grant(client, 100); /* one can start until a connection stands */
    begin("PUT", "/2", &second);
    run();
    check(first.call, FAILURE_NONE, 200, 1);
    assert_int_equal(second.count, 0);
    assert_int_equal(peer_requests(peer), 1);
    assert_int_equal(client_stats(client).permits_used, 1);
    pace_grant(client, 1);
    run();
    check(second.call, FAILURE_NONE, 200, 1);
}

static void each_attempt_needs_one(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {busy, ok};
    struct call_outcome o = {0};
    open_metered(replies, COUNT(replies));
    begin("PUT", "/", &o);
    pace_grant(client, 1);
    while (client_stats(client).retries == 0)
        loop_step(loop, true);
    told = 0;
    assert_int_equal(pace_demand(client), 0); /* it backs off */
    run();
    assert_int_equal(peer_requests(peer), 1);
    assert_int_equal(o.count, 0);
    assert_true(told > 0);
    assert_int_equal(pace_demand(client), 1);
    pace_grant(client, 1);
    run();
    assert_int_equal(client_stats(client).permits_used, 2);
    check(o.call, FAILURE_NONE, 200, 2);
}

static void no_more_are_wanted_than_could_start(void **state)
{
    (void)state;
    enum { CALLS = 10 };
    struct peer_reply replies[1 + CALLS];
    struct call_outcome outcomes[1 + CALLS] = {0};
    for (size_t i = 0; i < COUNT(replies); i++)
        replies[i] = (struct peer_reply){.text = ok.text, .delay_ms = 5};
    config.jobs = 3;
    open_metered(replies, COUNT(replies));
    begin("GET", "/", &outcomes[0]);
    assert_int_equal(serve(outcomes, 1), 1);
    for (size_t i = 1; i <= CALLS; i++)
        begin("PUT", "/", &outcomes[i]);
    assert_int_equal(pace_demand(client), 3);
    pace_grant(client, 1);
    assert_int_equal(pace_demand(client), 2);
    assert_in_range(serve(outcomes, COUNT(outcomes)), 2, 3);
    assert_int_equal(client_stats(client).permits_used, 1 + CALLS);
    assert_int_equal(peer_most_at_a_time(peer), 3);
    for (size_t i = 0; i < COUNT(outcomes); i++)
        check(outcomes[i].call, FAILURE_NONE, 200, 1);
}

/* The first call of each test that wants more than one place. */
static void warm_up(void)
{
    pace_meter(client, false);
    check(complete("GET", "/"), FAILURE_NONE, 200, 1);
    pace_meter(client, true);
    told = 0;
}

static void its_own_pace_wants_one_at_a_time(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok, ok, ok};
    struct call_outcome outcomes[3] = {0};
    open_metered(replies, COUNT(replies));
    int64_t from = clock_now();
    warm_up();
    pace_set_rate(client, 20);
    for (size_t i = 0; i < COUNT(outcomes); i++)
        begin("PUT", "/", &outcomes[i]);
    let_pass(60); /* the first is due 50 ms after that of the warm-up */
    assert_int_equal(pace_demand(client), 1);
    pace_grant(client, 3);
    assert_int_equal(client_stats(client).running, 1);
    assert_int_equal(pace_demand(client), 0); /* not before its pace wants it */
    assert_int_equal(serve(outcomes, COUNT(outcomes)), 1);
    assert_true(clock_now() - from >= 150 * NS_PER_MS);
    for (size_t i = 0; i < COUNT(outcomes); i++)
        check(outcomes[i].call, FAILURE_NONE, 200, 1);
}

static void nothing_is_wanted_during_a_pause(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok, ok};
    struct call_outcome first = {0}, second = {0};
    open_metered(replies, COUNT(replies));
    warm_up();
    int64_t from = clock_now();
    pace_pause(client, 200 * NS_PER_MS);
    pace_pause(client, 10 * NS_PER_MS); /* does not end the longer one */
    begin("PUT", "/1", &first);
    begin("PUT", "/2", &second);
    assert_int_equal(pace_demand(client), 0);
    pace_grant(client, 2); /* they come too late, and are of no use later */
    while (told == 0)
        loop_step(loop, true);
    assert_in_range(clock_now() - from, 200 * NS_PER_MS, 3 * NS_PER_S);
    assert_int_equal(client_stats(client).running, 0);
    assert_int_equal(pace_demand(client), 2);
    assert_true(client_stats(client).told_until >= from + 200 * NS_PER_MS);
    assert_int_equal(client_stats(client).paused_until, 0); /* no reply has asked for it */
    pace_grant(client, 2);
    run();
    check(first.call, FAILURE_NONE, 200, 1);
    check(second.call, FAILURE_NONE, 200, 1);
}

static void who_waits_for_permits_learns_of_the_end_of_a_pause(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok};
    struct call_outcome o = {0};
    open_metered(replies, COUNT(replies));
    begin("PUT", "/", &o);
    assert_int_equal(pace_demand(client), 1);
    pace_pause(client, 100 * NS_PER_MS); /* while a permit is asked for, which there is none of now */
    assert_int_equal(pace_demand(client), 0);
    told = 0;
    run();
    assert_int_equal(told, 1);
    pace_grant(client, 1);
    run();
    check(o.call, FAILURE_NONE, 200, 1);
}

/* A worker that takes what it was told for what its own replies asked for would tell it on, for ever. */
static void what_replies_ask_for_is_told_apart(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.text = "HTTP/1.1 429 Slow\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n"}};
    config.attempts = 1;
    open_client(replies, COUNT(replies));
    check(complete("GET", "/"), FAILURE_NONE, 429, 1);
    int64_t asked = client_stats(client).paused_until;
    assert_in_range(asked - clock_now(), 99 * NS_PER_S, 103 * NS_PER_S);
    pace_pause(client, 200 * NS_PER_S);
    assert_int_equal(client_stats(client).paused_until, asked);
    assert_in_range(client_stats(client).told_until - clock_now(), 199 * NS_PER_S, 200 * NS_PER_S);
}

static void the_probe_of_the_breaker_needs_one(void **state)
{
    (void)state;
    struct peer_reply replies[BREAKER_WINDOW + 3];
    struct call_outcome outcomes[3] = {0};
    for (size_t i = 0; i < COUNT(replies); i++)
        replies[i] = i < BREAKER_WINDOW ? busy : ok;
    config.attempts = 1;
    open_client(replies, COUNT(replies));
    for (size_t i = 0; i < BREAKER_WINDOW; i++)
        check(complete("PUT", "/"), FAILURE_NONE, 503, 1);
    pace_meter(client, true);
    pace_on_demand(client, on_demand, &told);
    for (size_t i = 0; i < COUNT(outcomes); i++)
        begin("PUT", "/", &outcomes[i]);
    assert_int_equal(pace_demand(client), 0);
    go_fast();
    while (told == 0)
        loop_step(loop, false);
    assert_int_equal(client_stats(client).breaker, BREAKER_OPEN);
    assert_int_equal(pace_demand(client), 1);
    pace_grant(client, 3);
    assert_int_equal(client_stats(client).breaker, BREAKER_PROBING);
    assert_int_equal(client_stats(client).running, 1);
    assert_int_equal(pace_demand(client), 0);
    clock_override(NULL);
    assert_int_equal(serve(outcomes, COUNT(outcomes)), 2);
    for (size_t i = 0; i < COUNT(outcomes); i++)
        check(outcomes[i].call, FAILURE_NONE, 200, 1);
}

static void without_permits_a_call_ends_at_its_deadline(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {busy};
    struct call_outcome first = {0}, second = {0};
    config.max_time_ms = 300;
    open_metered(replies, COUNT(replies));
    begin("PUT", "/1", &first);
    pace_grant(client, 1); /* for its first attempt only */
    begin("PUT", "/2", &second);
    int64_t from = clock_now();
    run();
    assert_true(clock_now() - from < 3 * NS_PER_S);
    check(first.call, FAILURE_NONE, 503, 1);
    check(second.call, FAILURE_TIMEOUT, 0, 0);
    assert_int_equal(pace_demand(client), 0);
}

static void without_permits_it_can_be_stopped(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {busy, ok};
    struct call_outcome first = {0}, second = {0}, third = {0};
    open_metered(replies, COUNT(replies));
    begin("PUT", "/1", &first);
    pace_grant(client, 1);
    begin("PUT", "/2", &second);
    run();
    assert_int_equal(first.count + second.count, 0);
    client_stop(client, "not sent: stopping");
    check(first.call, FAILURE_NONE, 503, 1);
    check(second.call, FAILURE_CANCELLED, 0, 0);
    assert_int_equal(pace_demand(client), 0);
    client_go_on(client);
    begin("PUT", "/3", &third);
    assert_int_equal(pace_demand(client), 1);
    pace_grant(client, 1);
    run();
    check(third.call, FAILURE_NONE, 200, 1);
}

static void calls_can_be_given_up_meanwhile(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.then = PEER_HANG}, ok};
    struct call_outcome first = {0}, second = {0};
    config.jobs = 1;
    open_metered(replies, COUNT(replies));
    call_free(begin("PUT", "/1", &first));
    assert_int_equal(pace_demand(client), 0);
    pace_grant(client, 1);
    struct call *call = begin("PUT", "/2", &first);
    pace_grant(client, 1);
    while (peer_requests(peer) == 0)
        loop_step(loop, false);
    begin("PUT", "/3", &second);
    assert_int_equal(pace_demand(client), 0); /* there is no place */
    told = 0;
    call_free(call);
    run();
    assert_int_equal(told, 1); /* now there is */
    pace_grant(client, 1);
    run();
    assert_int_equal(first.count, 0);
    check(second.call, FAILURE_NONE, 200, 1);
}

static void permits_can_become_needless(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok, ok, ok};
    struct call_outcome outcomes[2] = {0}, last = {0};
    open_metered(replies, COUNT(replies));
    int64_t from = clock_now();
    warm_up();
    for (size_t i = 0; i < COUNT(outcomes); i++)
        begin("PUT", "/", &outcomes[i]);
    pace_meter(client, false);
    assert_int_equal(pace_demand(client), 0);
    assert_int_equal(client_stats(client).running, 0); /* first, another pace can be set */
    pace_set_rate(client, 10);
    run();
    assert_true(clock_now() - from >= 200 * NS_PER_MS);
    for (size_t i = 0; i < COUNT(outcomes); i++)
        check(outcomes[i].call, FAILURE_NONE, 200, 1);
    pace_meter(client, true);
    begin("PUT", "/", &last);
    run(); /* until its pace would let it start */
    pace_meter(client, false);
    run();
    check(last.call, FAILURE_NONE, 200, 1);
    assert_int_equal(client_stats(client).permits_used, 0);
}

static void a_waiting_call_goes_by_the_new_rate(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok};
    struct call_outcome o = {0};
    config.rate = 0.001;
    open_client(replies, COUNT(replies));
    check(complete("PUT", "/1"), FAILURE_NONE, 200, 1);
    begin("PUT", "/2", &o);
    loop_step(loop, false);
    assert_int_equal(client_stats(client).running, 0);
    pace_set_rate(client, 0);
    int64_t from = clock_now();
    run();
    assert_true(clock_now() - from < 10 * NS_PER_S);
    check(o.call, FAILURE_NONE, 200, 1);
}

static void a_dry_run_needs_them_for_reads_only(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok};
    struct call_outcome o = {0};
    config.dry_run = true;
    open_metered(replies, COUNT(replies));
    check(complete("PUT", "/"), FAILURE_REFUSED, 0, 0);
    assert_int_equal(pace_demand(client), 0);
    begin("GET", "/", &o);
    assert_int_equal(pace_demand(client), 1);
    pace_grant(client, 1);
    run();
    check(o.call, FAILURE_NONE, 200, 1);
}

#define METER_TEST(name) cmocka_unit_test_setup_teardown(name, start_metered, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        METER_TEST(an_exchange_starts_only_against_a_permit),
        METER_TEST(permits_are_not_kept),
        METER_TEST(each_attempt_needs_one),
        METER_TEST(no_more_are_wanted_than_could_start),
        METER_TEST(its_own_pace_wants_one_at_a_time),
        METER_TEST(nothing_is_wanted_during_a_pause),
        METER_TEST(who_waits_for_permits_learns_of_the_end_of_a_pause),
        METER_TEST(what_replies_ask_for_is_told_apart),
        METER_TEST(the_probe_of_the_breaker_needs_one),
        METER_TEST(without_permits_a_call_ends_at_its_deadline),
        METER_TEST(without_permits_it_can_be_stopped),
        METER_TEST(calls_can_be_given_up_meanwhile),
        METER_TEST(permits_can_become_needless),
        METER_TEST(a_waiting_call_goes_by_the_new_rate),
        METER_TEST(a_dry_run_needs_them_for_reads_only),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
