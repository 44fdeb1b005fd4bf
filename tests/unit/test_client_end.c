/* client: calls that end early: at their deadline, because they are given up, or when the client is stopped. */
#include "calls.h"
#include "clock.h"
#include "traceparent.h"

static void an_impatient_call_says_nothing_about_the_server(void **state)
{
    (void)state;
    struct peer_reply replies[BREAKER_WINDOW + 5];
    for (size_t i = 0; i < COUNT(replies); i++)
        replies[i] = (struct peer_reply){.text = ok.text, .delay_ms = 60};
    config.attempts = 1;
    open_client(replies, COUNT(replies));
    check(complete("PUT", "/"), FAILURE_NONE, 200, 1);
    for (size_t i = 0; i < BREAKER_WINDOW; i++) {
        struct call_outcome o = {0};
        client_call(client, "PUT", "/", "{}", 2, &(struct call_options){.deadline = clock_now() + 20 * NS_PER_MS}, done, &o);
        run();
        assert_int_equal(call_result(o.call)->failure, FAILURE_TIMEOUT);
        call_free(o.call);
    }
    assert_int_equal(client_stats(client).breaker, BREAKER_CLOSED);
}

static void a_call_that_is_given_up_makes_room_for_the_next(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.then = PEER_HANG}, ok};
    struct call_outcome first = {0}, second = {0};
    config.jobs = 1;
    open_client(replies, COUNT(replies));
    struct call *call = begin("PUT", "/1", &first);
    begin("PUT", "/2", &second);
    while (peer_requests(peer) == 0)
        loop_step(loop, false);
    call_free(call);
    run();
    assert_int_equal(first.count, 0);
    assert_int_equal(second.count, 1);
    check(second.call, FAILURE_NONE, 200, 1);
}

static void a_call_that_waits_ends_at_its_deadline(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.text = "HTTP/1.1 429 Slow\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"}};
    config.max_time_ms = 200;
    open_client(replies, COUNT(replies));
    int64_t from = clock_now();
    check(complete("PUT", "/1"), FAILURE_NONE, 429, 1); /* its next attempt would come too late */
    check(complete("PUT", "/2"), FAILURE_TIMEOUT, 0, 0);
    assert_true(clock_now() - from < 10 * NS_PER_S);
}

static void keeps_to_the_deadline(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.then = PEER_HANG}};
    struct call_outcome first = {0}, second = {0};
    config.jobs = 1;
    config.max_time_ms = 200;
    open_client(replies, COUNT(replies));
    int64_t from = clock_now();
    begin("PUT", "/1", &first);
    begin("PUT", "/2", &second); /* waits behind it, and is never sent */
    run();
    assert_in_range(clock_now() - from, 190 * NS_PER_MS, 3 * NS_PER_S);
    check(first.call, FAILURE_TIMEOUT, 0, 1);
    check(second.call, FAILURE_TIMEOUT, 0, 0);
    assert_int_equal(peer_requests(peer), 1);
}

static void stop_lets_what_is_on_the_wire_finish(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.text = ok.text, .delay_ms = 100}};
    struct call_outcome first = {0}, second = {0};
    config.jobs = 1;
    open_client(replies, COUNT(replies));
    begin("PUT", "/1", &first);
    begin("PUT", "/2", &second);
    while (peer_requests(peer) == 0)
        loop_step(loop, false);
    client_stop(client, "not sent: stopping");
    assert_int_equal(second.count, 1);
    assert_int_equal(first.count, 0);
    assert_string_equal(call_result(second.call)->message, "not sent: stopping");
    run();
    check(first.call, FAILURE_NONE, 200, 1);
    check(second.call, FAILURE_CANCELLED, 0, 0);
    assert_false((client_refused(client) == REFUSED_CREDENTIAL));
    assert_int_equal(client_stats(client).changes, 1);
}

static void stop_drops_what_is_not_connected_yet(void **state)
{
    (void)state;
    struct call_outcome o = {0};
    open_client(NULL, 0);
    begin("PUT", "/", &o);
    client_stop(client, "not sent: stopping");
    assert_int_equal(o.count, 1);
    assert_string_equal(call_traceparent(o.call), "");
    check(o.call, FAILURE_CANCELLED, 0, 0);
    assert_false(loop_busy(loop));
}

static void stop_ends_a_back_off(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.text = "HTTP/1.1 503 Busy\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n"}};
    struct call_outcome o = {0};
    open_client(replies, COUNT(replies));
    begin("PUT", "/", &o);
    while (client_stats(client).retries == 0)
        loop_step(loop, true);
    client_stop(client, "not sent: stopping");
    assert_true(call_was_cut_short(o.call));
    check(o.call, FAILURE_NONE, 503, 1);
    assert_false(loop_busy(loop));
}

static void calls_can_be_given_up_anywhere(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.text = "HTTP/1.1 503 Busy\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n"}};
    struct call_outcome waiting = {0}, queued = {0};
    config.jobs = 1;
    open_client(replies, COUNT(replies));
    struct call *a = begin("PUT", "/1", &waiting);
    struct call *b = begin("PUT", "/2", &queued);
    while (client_stats(client).retries == 0)
        loop_step(loop, true);
    call_free(a); /* backing off */
    call_free(b); /* queued, behind a pause */
    call_free(NULL);
    assert_int_equal(client_stats(client).waiting, 0);
    assert_int_equal(waiting.count + queued.count, 0);
}

static void a_running_call_can_be_given_up(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.then = PEER_HANG}, ok};
    struct call_outcome first = {0}, second = {0};
    config.jobs = 1;
    open_client(replies, COUNT(replies));
    struct call *call = begin("PUT", "/1", &first);
    while (peer_requests(peer) == 0)
        loop_step(loop, false);
    call_free(call);
    assert_int_equal(client_stats(client).running, 0);
    begin("PUT", "/2", &second);
    run();
    assert_int_equal(first.count, 0);
    check(second.call, FAILURE_NONE, 200, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(an_impatient_call_says_nothing_about_the_server),
        CLIENT_TEST(a_call_that_is_given_up_makes_room_for_the_next),
        CLIENT_TEST(a_call_that_waits_ends_at_its_deadline),
        CLIENT_TEST(keeps_to_the_deadline),
        CLIENT_TEST(stop_lets_what_is_on_the_wire_finish),
        CLIENT_TEST(stop_drops_what_is_not_connected_yet),
        CLIENT_TEST(stop_ends_a_back_off),
        CLIENT_TEST(calls_can_be_given_up_anywhere),
        CLIENT_TEST(a_running_call_can_be_given_up),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
