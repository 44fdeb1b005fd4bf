/* client: calls against a peer: what is sent, how often, and at which pace. */
#include "calls.h"
#include "clock.h"
#include "retry.h"
#include "traceparent.h"

static void sends_its_headers(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok};
    open_client(replies, COUNT(replies));
    check(complete("PUT", "/public/v1/x"), FAILURE_NONE, 200, 1);
    check(complete("GET", "/public/v1/y?select=a"), FAILURE_NONE, 200, 1);
    assert_memory_equal(peer_request(peer, 0), "PUT /public/v1/x HTTP/1.1\r\n", 27);
    assert_non_null(strstr(peer_request(peer, 0), "\r\nAuthorization: Bearer " CREDENTIAL "\r\n"));
    assert_non_null(strstr(peer_request(peer, 0), "\r\nContent-Type: application/json\r\n"));
    assert_memory_equal(peer_request(peer, 1), "GET /public/v1/y?select=a HTTP/1.1\r\n", 36);
    assert_null(strstr(peer_request(peer, 1), "Content-"));
    assert_string_equal(client_token_id(client), "TKN-0000-0001");
    assert_string_equal(client_credential_origin(client), "a test");
    assert_int_equal(client_stats(client).calls, 2);
    assert_int_equal(client_stats(client).exchanges, 2);
    assert_int_equal(client_stats(client).bytes_received, 4);
}

static void tries_again(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.then = PEER_RESET}, busy, ok, busy, busy, busy, busy, busy};
    open_client(replies, COUNT(replies));
    check(complete("PUT", "/"), FAILURE_NONE, 200, 3);
    check(complete("DELETE", "/"), FAILURE_NONE, 503, 4);
    assert_int_equal(peer_requests(peer), 7);
    assert_int_equal(client_stats(client).retries, 5);
    check(complete("POST", "/"), FAILURE_NONE, 503, 1);
}

static void a_call_can_lower_the_attempts(void **state)
{
    (void)state;
    static const unsigned asked[] = {1, 2, 100}, made[] = {1, 2, 4};
    const struct peer_reply replies[] = {busy, busy, busy, busy, busy, busy, busy};
    open_client(replies, COUNT(replies));
    for (size_t i = 0; i < COUNT(asked); i++) {
        struct call_outcome o = {0};
        client_call(client, "GET", "/", NULL, 0, &(struct call_options){.attempts = asked[i]}, done, &o);
        run();
        check(o.call, FAILURE_NONE, 503, made[i]);
    }
}

static void a_failing_origin_is_left_alone_until_a_probe_succeeds(void **state)
{
    (void)state;
    enum { CALLS = 40, FAILING = 60 };
    struct peer_reply replies[FAILING + CALLS];
    struct call_outcome outcomes[CALLS] = {0};
    for (size_t i = 0; i < COUNT(replies); i++)
        replies[i] = i < FAILING ? busy : ok;
    open_client(replies, COUNT(replies));
    for (size_t i = 0; i < CALLS; i++)
        begin("PUT", "/", &outcomes[i]);
    while (client_stats(client).breaker == BREAKER_CLOSED)
        loop_step(loop, true);
    size_t before = peer_requests(peer);
    assert_in_range(before, BREAKER_WINDOW, BREAKER_WINDOW + config.jobs);
    assert_true(client_stats(client).breaker_due > clock_now());
    while (client_stats(client).running > 0)
        loop_step(loop, true);
    loop_step(loop, false);
    assert_int_equal(client_stats(client).running, 0);
    run_fast();
    assert_int_equal(client_stats(client).breaker, BREAKER_CLOSED);
    size_t done_count = 0;
    for (size_t i = 0; i < CALLS; i++) {
        assert_int_equal(outcomes[i].count, 1);
        done_count += call_result(outcomes[i].call)->status == 200;
        call_free(outcomes[i].call);
    }
    assert_int_equal(peer_requests(peer), FAILING + done_count);
    assert_in_range(client_stats(client).retries, 1, RETRY_BUDGET / RETRY_COST_TRANSIENT);
}

static void a_probe_that_is_given_up_makes_room_for_another(void **state)
{
    (void)state;
    enum { FAILING = BREAKER_WINDOW };
    struct peer_reply replies[FAILING + 3];
    for (size_t i = 0; i < FAILING; i++)
        replies[i] = busy;
    replies[FAILING] = (struct peer_reply){.then = PEER_HANG};
    replies[FAILING + 1] = replies[FAILING + 2] = ok;
    config.attempts = 1;
    open_client(replies, COUNT(replies));
    for (size_t i = 0; i < FAILING; i++)
        check(complete("PUT", "/"), FAILURE_NONE, 503, 1);
    assert_int_equal(client_stats(client).breaker, BREAKER_OPEN);
    struct call_outcome first = {0}, second = {0};
    struct call *probe = begin("PUT", "/", &first);
    begin("PUT", "/", &second);
    go_fast();
    while (peer_requests(peer) == FAILING)
        loop_step(loop, false);
    assert_int_equal(client_stats(client).breaker, BREAKER_PROBING);
    assert_int_equal(client_stats(client).running, 1);
    call_free(probe);
    assert_int_equal(client_stats(client).breaker, BREAKER_OPEN);
    clock_override(NULL);
    begin("PUT", "/", &first); /* whatever starts next is the probe */
    run_fast();
    assert_int_equal(first.count, 1);
    call_free(first.call);
    check(second.call, FAILURE_NONE, 200, 1);
    assert_int_equal(client_stats(client).breaker, BREAKER_CLOSED);
}

static void every_request_has_a_span_of_its_own(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {busy, ok, ok};
    open_client(replies, COUNT(replies));
    struct call *first = complete("PUT", "/1"), *second = complete("PUT", "/2");
    char line[3][80];
    for (size_t i = 0; i < 3; i++) {
        const char *at = strstr(peer_request(peer, i), "\r\ntraceparent: 00-");
        assert_non_null(at);
        snprintf(line[i], sizeof line[i], "%.*s", TRACEPARENT_SIZE - 1, at + 15);
    }
    assert_string_equal(call_traceparent(first), line[1]);
    assert_string_equal(call_traceparent(second), line[2]);
    assert_memory_equal(line[0], line[1], 36); /* one trace */
    assert_string_not_equal(line[0], line[1]);
    assert_memory_not_equal(line[1], line[2], 36);
    call_free(first);
    call_free(second);
}

static void an_unclear_post_is_known_as_such(void **state)
{
    (void)state;
    static const struct {
        struct peer_reply reply;
        const char *method;
        bool unclear;
    } cases[] = {
        {{.then = PEER_RESET}, "POST", true},
        {{.text = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"}, "POST", true},
        {{.text = "HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n"}, "POST", false},
        {{.text = "HTTP/1.1 303 See\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"}, "POST", true},
        {{.text = "HTTP/1.1 307 There\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"}, "POST", false},
        {{.text = "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n"}, "POST", false},
        {{.text = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"}, "POST", false},
        {{.then = PEER_RESET}, "PUT", false},
    };
    struct peer_reply replies[COUNT(cases)];
    for (size_t i = 0; i < COUNT(cases); i++)
        replies[i] = cases[i].reply;
    config.attempts = 1;
    open_client(replies, COUNT(replies));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct call *call = complete(cases[i].method, "/");
        assert_int_equal(call_is_unclear(call), cases[i].unclear);
        assert_int_equal(call_is_once_only(call), strcmp(cases[i].method, "POST") == 0);
        call_free(call);
    }
}

static void a_call_can_bring_headers(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok};
    open_client(replies, COUNT(replies));
    struct call_outcome o = {0};
    struct curl_slist b = {.data = "X-More: 1"}, a = {.data = "accept: text/plain", .next = &b};
    client_call(client, "POST", "/", NULL, 0, &(struct call_options){.headers = &a}, done, &o);
    run();
    const char *request = peer_request(peer, 0);
    assert_non_null(strstr(request, "\r\naccept: text/plain\r\nX-More: 1\r\n"));
    assert_null(strstr(request, "Accept: application/json"));
    assert_non_null(strstr(request, "\r\nAuthorization: Bearer " CREDENTIAL "\r\n"));
    assert_non_null(strstr(request, "\r\nContent-Length: 0\r\n"));
    assert_null(strstr(request, "Content-Type"));
    check(o.call, FAILURE_NONE, 200, 1);
}

static void what_may_be_another_request_is_not_sent(void **state)
{
    (void)state;
    static const char *const lines[] = {"host: other", "Authorization : Bearer x", "X-HTTP-Method-Override: DELETE"};
    open_client(NULL, 0);
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct call_outcome o = {0};
        struct curl_slist b = {.data = (char *)lines[i]}, a = {.data = "X-More: 1", .next = &b};
        client_call(client, "GET", "/", NULL, 0, &(struct call_options){.headers = &a}, done, &o);
        check(o.call, FAILURE_REFUSED, 0, 0);
    }
    check(complete("POST", "/a/%2e%2e/b"), FAILURE_REFUSED, 0, 0);
    check(complete("GET", "/a?_method=POST"), FAILURE_REFUSED, 0, 0);
    assert_int_equal(peer_requests(peer), 0);
}

static void keeps_to_the_number_of_jobs(void **state)
{
    (void)state;
    enum { CALLS = 12 };
    struct peer_reply replies[1 + CALLS];
    struct call_outcome outcomes[CALLS] = {0};
    for (size_t i = 0; i < COUNT(replies); i++) {
        replies[i] = ok;
        replies[i].delay_ms = 20;
        replies[i].after = i ? 4 : 0;
    }
    config.jobs = 3;
    open_client(replies, COUNT(replies));
    check(complete("GET", "/"), FAILURE_NONE, 200, 1);
    for (size_t i = 0; i < CALLS; i++)
        begin("PUT", "/", &outcomes[i]);
    assert_int_equal(client_stats(client).running, 3);
    assert_int_equal(client_stats(client).waiting, CALLS - 3);
    run();
    assert_int_equal(peer_most_at_a_time(peer), 3);
    assert_int_equal(peer_connections(peer), 3);
    for (size_t i = 0; i < CALLS; i++)
        check(outcomes[i].call, FAILURE_NONE, 200, 1);
}

static void sends_one_request_until_a_connection_stands(void **state)
{
    (void)state;
    const struct peer_reply late = {.text = ok.text, .after = 4}, replies[] = {late, late, late, late};
    struct call_outcome outcomes[4] = {0};
    open_client(replies, COUNT(replies));
    for (size_t i = 0; i < 4; i++)
        begin("PUT", "/", &outcomes[i]);
    assert_int_equal(client_stats(client).running, 1);
    run();
    assert_int_equal(peer_most_at_a_time(peer), 4); /* the others do not wait for the first reply */
    for (size_t i = 0; i < 4; i++)
        check(outcomes[i].call, FAILURE_NONE, 200, 1);
}

static void keeps_to_the_rate(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok, ok, ok, ok};
    struct call_outcome outcomes[5] = {0};
    config.rate = 50;
    open_client(replies, COUNT(replies));
    int64_t from = clock_now();
    for (size_t i = 0; i < 5; i++)
        begin("GET", "/", &outcomes[i]);
    run();
    assert_true(clock_now() - from >= 80 * NS_PER_MS);
    for (size_t i = 0; i < 5; i++)
        check(outcomes[i].call, FAILURE_NONE, 200, 1);
}

static void retry_after_pauses_the_origin(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.text = "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"}, ok, ok};
    struct call_outcome first = {0}, second = {0};
    open_client(replies, COUNT(replies));
    int64_t from = clock_now();
    begin("GET", "/1", &first);
    while (client_stats(client).throttled == 0)
        loop_step(loop, true);
    begin("GET", "/2", &second);
    assert_int_equal(client_stats(client).running, 0);
    run();
    assert_true(clock_now() - from >= 1000 * NS_PER_MS);
    check(first.call, FAILURE_NONE, 200, 2);
    check(second.call, FAILURE_NONE, 200, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(sends_its_headers),
        CLIENT_TEST(tries_again),
        CLIENT_TEST(a_call_can_lower_the_attempts),
        CLIENT_TEST(a_failing_origin_is_left_alone_until_a_probe_succeeds),
        CLIENT_TEST(a_probe_that_is_given_up_makes_room_for_another),
        CLIENT_TEST(every_request_has_a_span_of_its_own),
        CLIENT_TEST(an_unclear_post_is_known_as_such),
        CLIENT_TEST(a_call_can_bring_headers),
        CLIENT_TEST(what_may_be_another_request_is_not_sent),
        CLIENT_TEST(keeps_to_the_number_of_jobs),
        CLIENT_TEST(sends_one_request_until_a_connection_stands),
        CLIENT_TEST(keeps_to_the_rate),
        CLIENT_TEST(retry_after_pauses_the_origin),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
