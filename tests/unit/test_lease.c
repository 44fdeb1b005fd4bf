/* lease: a client whose right to send ends, and is renewed, or not. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "calls.h"
#include "clock.h"
#include "pace.h"

/* A clock that is ahead by this much, so that a lease ends while nobody looks: as for a process that was stopped meanwhile. */
static int64_t ahead;

static int64_t clock_ahead(void)
{
    clock_override(NULL);
    int64_t now = clock_now() + ahead;
    clock_override(clock_ahead);
    return now;
}

static void freeze_for(int64_t ns)
{
    ahead = ns;
    clock_override(clock_ahead);
}

static void let_pass(int64_t ms)
{
    for (int64_t until = clock_now() + ms * NS_PER_MS; clock_now() < until;)
        loop_step(loop, false);
}

static void nothing_starts_after_it(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok, ok};
    struct call_outcome o = {0};
    open_client(replies, COUNT(replies));
    pace_lease(client, 60 * NS_PER_S);
    begin("PUT", "/1", &o);
    while (o.count == 0)
        loop_step(loop, true);
    check(o.call, FAILURE_NONE, 200, 1);
    pace_lease(client, 0);
    begin("PUT", "/2", &o);
    let_pass(50);
    assert_int_equal(client_stats(client).running, 0);
    assert_int_equal(o.count, 1);
    pace_lease(client, 60 * NS_PER_S); /* the next one */
    while (o.count == 1)
        loop_step(loop, true);
    check(o.call, FAILURE_NONE, 200, 1);
    pace_lease(client, 0);
    begin("PUT", "/3", &o);
    pace_lease(client, PACE_NO_LEASE);
    run();
    check(o.call, FAILURE_NONE, 200, 1);
    assert_int_equal(peer_requests(peer), 3);
}

/* Between the start of an exchange and the sending of its request there may be any amount of time. */
static void nothing_is_sent_on_a_connection_that_stands_too_late(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok};
    struct call_outcome o = {0};
    open_client(replies, COUNT(replies));
    check(complete("PUT", "/1"), FAILURE_NONE, 200, 1);
    pace_lease(client, 10 * NS_PER_S);
    begin("PUT", "/2", &o);
    assert_int_equal(client_stats(client).running, 1);
    freeze_for(11 * NS_PER_S);
    let_pass(50); /* there is a connection already, so the request would go out in the first step */
    assert_int_equal(peer_requests(peer), 1);
    assert_int_equal(client_stats(client).running, 0);
    assert_int_equal(client_stats(client).waiting, 1);
    pace_lease(client, 10 * NS_PER_S);
    while (o.count == 0)
        loop_step(loop, true);
    assert_int_equal(client_stats(client).retries, 0);
    assert_int_equal(peer_requests(peer), 2);
    check(o.call, FAILURE_NONE, 200, 1);
}

static void what_was_held_back_can_be_stopped(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, busy};
    struct call_outcome first = {0}, second = {0};
    open_client(replies, COUNT(replies));
    check(complete("PUT", "/1"), FAILURE_NONE, 200, 1);
    pace_lease(client, 10 * NS_PER_S);
    begin("PUT", "/2", &first);
    while (client_stats(client).retries == 0)
        loop_step(loop, true);
    while (client_stats(client).running == 0) /* its second attempt, of which nothing has been sent so far */
        loop_step(loop, true);
    begin("PUT", "/3", &second);
    freeze_for(11 * NS_PER_S);
    let_pass(50);
    client_stop(client, "not sent: stopping");
    assert_true(call_was_cut_short(first.call));
    check(first.call, FAILURE_NONE, 503, 1); /* what its first attempt has come to */
    assert_string_equal(call_traceparent(second.call), "");
    check(second.call, FAILURE_CANCELLED, 0, 0);
    assert_int_equal(peer_requests(peer), 2);
}

static void what_is_under_way_is_cut_off(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, {.then = PEER_HANG}, {.then = PEER_HANG}, ok};
    struct call_outcome put = {0}, post = {0};
    open_client(replies, COUNT(replies));
    check(complete("PUT", "/1"), FAILURE_NONE, 200, 1);
    begin("PUT", "/2", &put);
    begin("POST", "/3", &post);
    while (peer_requests(peer) < 3)
        loop_step(loop, false);
    int64_t from = clock_now();
    pace_lease(client, 200 * NS_PER_MS);
    run();
    assert_in_range(clock_now() - from, 200 * NS_PER_MS, 4 * NS_PER_S);
    assert_int_equal(put.count, 0); /* waits for the next lease */
    assert_int_equal(client_stats(client).waiting, 1);
    assert_true(call_is_unclear(post.call));
    assert_non_null(strstr(call_result(post.call)->message, "lease"));
    check(post.call, FAILURE_TIMEOUT, 0, 1);
    pace_lease(client, PACE_NO_LEASE);
    run();
    check(put.call, FAILURE_NONE, 200, 2);
}

static void what_was_cut_off_ends_at_its_deadline(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.then = PEER_HANG}};
    struct call_outcome sent = {0}, queued = {0};
    config.jobs = 1;
    config.max_time_ms = 500;
    open_client(replies, COUNT(replies));
    int64_t from = clock_now();
    begin("PUT", "/1", &sent);
    begin("PUT", "/2", &queued);
    while (peer_requests(peer) == 0)
        loop_step(loop, false);
    pace_lease(client, 100 * NS_PER_MS);
    run();
    assert_in_range(clock_now() - from, 490 * NS_PER_MS, 4 * NS_PER_S);
    assert_non_null(strstr(call_result(sent.call)->message, "lease"));
    check(sent.call, FAILURE_TIMEOUT, 0, 1);
    check(queued.call, FAILURE_TIMEOUT, 0, 0);
}

/* A reply may take longer than a lease, as long as that is renewed. */
static void a_renewed_lease_cuts_nothing_off(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.text = ok.text, .delay_ms = 600}};
    struct call_outcome o = {0};
    open_client(replies, COUNT(replies));
    pace_lease(client, 300 * NS_PER_MS);
    begin("PUT", "/", &o);
    while (o.count == 0) {
        let_pass(20);
        pace_lease(client, 300 * NS_PER_MS);
    }
    check(o.call, FAILURE_NONE, 200, 1);
    assert_int_equal(peer_requests(peer), 1);
}

/* A port at which connections neither stand nor fail: nobody accepts them, and no more of them can wait. */
static int open_deaf_port(int *waiting, struct sockaddr_in *at)
{
    socklen_t size = sizeof *at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(listener, (struct sockaddr *)at, sizeof *at), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)at, &size), 0);
    *waiting = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(*waiting, (struct sockaddr *)at, sizeof *at), 0);
    return listener;
}

static void an_attempt_without_a_connection_was_none(void **state)
{
    (void)state;
    struct call_outcome first = {0}, second = {0};
    struct sockaddr_in at;
    char url[64], err[ERROR_SIZE];
    int waiting, listener = open_deaf_port(&waiting, &at);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(at.sin_port));
    assert_int_equal(origin_parse(&config.origin, url, err), 0);
    client = client_new(loop, &config, err);
    pace_lease(client, 100 * NS_PER_MS);
    begin("POST", "/1", &first); /* which would be unclear, had it been sent */
    begin("PUT", "/2", &second);
    let_pass(50);
    assert_int_equal(client_stats(client).running, 1);
    run();
    assert_int_equal(first.count + second.count, 0);
    assert_int_equal(client_stats(client).running, 0);
    assert_int_equal(client_stats(client).waiting, 2);
    client_stop(client, "not sent: stopping");
    check(first.call, FAILURE_CANCELLED, 0, 0);
    check(second.call, FAILURE_CANCELLED, 0, 0);
    close(waiting);
    close(listener);
}

static void its_end_says_nothing_about_the_server(void **state)
{
    (void)state;
    struct peer_reply replies[BREAKER_WINDOW];
    for (size_t i = 0; i < COUNT(replies); i++)
        replies[i] = (struct peer_reply){.then = PEER_HANG};
    config.attempts = 1;
    open_client(replies, COUNT(replies));
    for (size_t i = 0; i < BREAKER_WINDOW; i++) {
        struct call_outcome o = {0};
        pace_lease(client, 60 * NS_PER_S);
        begin("PUT", "/", &o);
        while (peer_requests(peer) == i)
            loop_step(loop, false);
        pace_lease(client, 0);
        run();
        check(o.call, FAILURE_TIMEOUT, 0, 1);
    }
    assert_int_equal(client_stats(client).breaker, BREAKER_CLOSED);
}

/* Nor does it decide what becomes of the breaker, if the request was its probe. */
static void a_probe_can_be_held_back(void **state)
{
    (void)state;
    struct peer_reply replies[BREAKER_WINDOW + 1];
    struct call_outcome o = {0};
    for (size_t i = 0; i < COUNT(replies); i++)
        replies[i] = i < BREAKER_WINDOW ? busy : ok;
    config.attempts = 1;
    open_client(replies, COUNT(replies));
    for (size_t i = 0; i < BREAKER_WINDOW; i++)
        check(complete("PUT", "/"), FAILURE_NONE, 503, 1);
    begin("PUT", "/", &o);
    freeze_for(client_stats(client).breaker_due - clock_now());
    pace_lease(client, 10 * NS_PER_S);
    while (client_stats(client).breaker != BREAKER_PROBING)
        loop_step(loop, false);
    freeze_for(ahead + 11 * NS_PER_S);
    let_pass(50);
    assert_int_equal(peer_requests(peer), BREAKER_WINDOW);
    assert_int_equal(client_stats(client).breaker, BREAKER_OPEN);
    pace_lease(client, PACE_NO_LEASE);
    run();
    check(o.call, FAILURE_NONE, 200, 1);
    assert_int_equal(client_stats(client).breaker, BREAKER_CLOSED);
}

static void no_permits_are_wanted_without_one(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok};
    struct call_outcome o = {0};
    open_client(replies, COUNT(replies));
    pace_meter(client, true);
    pace_lease(client, 0);
    begin("PUT", "/", &o);
    assert_int_equal(pace_demand(client), 0);
    pace_grant(client, 1);
    assert_int_equal(client_stats(client).running, 0);
    pace_lease(client, PACE_NO_LEASE);
    assert_int_equal(pace_demand(client), 1);
    pace_grant(client, 1);
    run();
    check(o.call, FAILURE_NONE, 200, 1);
    assert_int_equal(client_stats(client).permits_used, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(nothing_starts_after_it),
        CLIENT_TEST(nothing_is_sent_on_a_connection_that_stands_too_late),
        CLIENT_TEST(what_was_held_back_can_be_stopped),
        CLIENT_TEST(what_is_under_way_is_cut_off),
        CLIENT_TEST(what_was_cut_off_ends_at_its_deadline),
        CLIENT_TEST(a_renewed_lease_cuts_nothing_off),
        CLIENT_TEST(an_attempt_without_a_connection_was_none),
        CLIENT_TEST(its_end_says_nothing_about_the_server),
        CLIENT_TEST(a_probe_can_be_held_back),
        CLIENT_TEST(no_permits_are_wanted_without_one),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
