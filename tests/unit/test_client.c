/* client: calls against a peer: attempts, guards, pace, and how a run is stopped. */
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

static void writes_wait_for_consent(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok};
    config.needs_consent = true;
    open_client(replies, COUNT(replies));
    check(complete("GET", "/"), FAILURE_NONE, 200, 1);
    check(complete("PUT", "/"), FAILURE_REFUSED, 0, 0);
    assert_true(client_is_unannounced(client));
    client_consent(client);
    assert_false(client_is_unannounced(client)); /* the peer is at a loopback address */
    check(complete("PUT", "/"), FAILURE_NONE, 200, 1);
}

static void without_consent_nothing_is_sent(void **state)
{
    (void)state;
    config.needs_consent = true;
    open_client(NULL, 0);
    client_decline(client, "not sent: nobody agreed");
    assert_int_equal(client_refused(client), REFUSED_CONSENT);
    check(complete("GET", "/"), FAILURE_CANCELLED, 0, 0);
    assert_int_equal(peer_requests(peer), 0);
}

static void no_more_writes_than_permitted(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok, ok};
    config.max_changes = 2;
    open_client(replies, COUNT(replies));
    check(complete("DELETE", "/public/v1/accounts/api-tokens/TKN-0000-0001"), FAILURE_REFUSED, 0, 0); /* does not count */
    check(complete("PUT", "/1"), FAILURE_NONE, 200, 1);
    check(complete("POST", "/2"), FAILURE_NONE, 200, 1);
    assert_int_equal(client_refused(client), REFUSED_NOT);
    struct call *third = complete("DELETE", "/3");
    assert_string_equal(call_result(third)->message, "not sent: --max-changes 2 permits no more writes");
    assert_true(call_was_cut_short(third));
    check(third, FAILURE_REFUSED, 0, 0);
    assert_int_equal(client_refused(client), REFUSED_LIMIT);
    check(complete("GET", "/4"), FAILURE_NONE, 200, 1);
    check(complete("PATCH", "/5"), FAILURE_REFUSED, 0, 0);
    assert_int_equal(peer_requests(peer), 3);
}

static void writes_that_are_permitted_are_tried_again(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {busy, ok, ok};
    struct call_outcome first = {0}, second = {0}, third = {0};
    config.max_changes = 2;
    config.jobs = 1;
    open_client(replies, COUNT(replies));
    begin("PUT", "/1", &first);
    begin("PUT", "/2", &second); /* waits for its turn when the third is held back */
    begin("PUT", "/3", &third);
    assert_int_equal(third.count, 1);
    run();
    check(first.call, FAILURE_NONE, 200, 2);
    check(second.call, FAILURE_NONE, 200, 1);
    check(third.call, FAILURE_REFUSED, 0, 0);
    assert_int_equal(peer_requests(peer), 3);
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

static void a_401_stops_everything(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {{.text = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"}};
    struct call_outcome first = {0}, second = {0}, third = {0};
    config.jobs = 1;
    open_client(replies, COUNT(replies));
    begin("PUT", "/1", &first);
    begin("PUT", "/2", &second);
    run();
    check(first.call, FAILURE_NONE, 401, 1);
    check(second.call, FAILURE_CANCELLED, 0, 0);
    assert_true((client_refused(client) == REFUSED_CREDENTIAL));
    begin("GET", "/3", &third);
    assert_int_equal(third.count, 1);
    assert_non_null(strstr(call_result(third.call)->message, "401"));
    check(third.call, FAILURE_CANCELLED, 0, 0);
    assert_int_equal(peer_requests(peer), 1);
}

static void twenty_403_in_a_row_stop_everything(void **state)
{
    (void)state;
    struct peer_reply replies[19 + 1 + 20];
    for (size_t i = 0; i < COUNT(replies); i++)
        replies[i] = (struct peer_reply){.text = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"};
    replies[19] = ok;
    open_client(replies, COUNT(replies));
    for (size_t i = 0; i < COUNT(replies); i++) {
        assert_int_equal(client_refused(client), REFUSED_NOT);
        check(complete("PUT", "/"), FAILURE_NONE, i == 19 ? 200 : 403, 1);
    }
    assert_int_equal(client_refused(client), REFUSED_PERMISSION);
    check(complete("PUT", "/"), FAILURE_CANCELLED, 0, 0);
}

static void does_not_lock_itself_out(void **state)
{
    static const char *const ids[] = {"TKN-0000-0001", "TKN-0000-0002"};
    const struct peer_reply replies[] = {ok, ok};
    config.allow_self = *state != NULL;
    open_client(replies, COUNT(replies));
    for (size_t i = 0; i < COUNT(ids); i++) {
        char target[80];
        snprintf(target, sizeof target, "/public/v1/accounts/api-tokens/%s", ids[i]);
        struct call *call = complete("DELETE", target);
        bool sent = i == 1 || config.allow_self;
        assert_true(sent || strstr(call_result(call)->message, "--allow-self"));
        check(call, sent ? FAILURE_NONE : FAILURE_REFUSED, sent ? 200 : 0, sent);
    }
}

static void guards_hold_writes_back(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok};
    struct call_outcome o = {0};
    config.dry_run = *state != NULL;
    config.read_only = !config.dry_run;
    open_client(replies, COUNT(replies));
    static const char *const writes[] = {"PUT", "POST", "DELETE", "PATCH", "get"};
    for (size_t i = 0; i < COUNT(writes); i++) {
        begin(writes[i], "/", &o);
        assert_int_equal(o.count, i + 1);
        assert_non_null(strstr(call_result(o.call)->message, config.dry_run ? "--dry-run" : "--read-only"));
        check(o.call, FAILURE_REFUSED, 0, 0);
    }
    assert_int_equal(peer_requests(peer), 0);
    check(complete("GET", "/"), FAILURE_NONE, 200, 1);
}

/* Whoever is permitted to write can give that up, and not get it back. */
static void writes_can_be_forbidden_on_the_way(void **state)
{
    (void)state;
    const struct peer_reply replies[] = {ok, ok};
    open_client(replies, COUNT(replies));
    check(complete("PUT", "/"), FAILURE_NONE, 200, 1);
    client_forbid_writes(client);
    client_consent(client);
    struct call_outcome o = {0};
    begin("PUT", "/", &o);
    assert_int_equal(o.count, 1);
    assert_non_null(strstr(call_result(o.call)->message, "the script has forbidden all writes"));
    check(o.call, FAILURE_REFUSED, 0, 0);
    check(complete("GET", "/"), FAILURE_NONE, 200, 1);
    assert_int_equal(peer_requests(peer), 2);
}

/* The tests that are run in two forms find a state the second time. */
static int start_second(void **state)
{
    static int yes;
    int failed = start(state);
    *state = &yes;
    return failed;
}

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

static void keeps_to_the_number_of_jobs(void **state)
{
    (void)state;
    enum { CALLS = 12 };
    struct peer_reply replies[1 + CALLS];
    struct call_outcome outcomes[CALLS] = {0};
    for (size_t i = 0; i < COUNT(replies); i++) {
        replies[i] = ok;
        replies[i].delay_ms = 20;
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
    const struct peer_reply late = {.text = ok.text, .delay_ms = 1000}, replies[] = {late, late, late, late};
    struct call_outcome outcomes[4] = {0};
    open_client(replies, COUNT(replies));
    for (size_t i = 0; i < 4; i++)
        begin("PUT", "/", &outcomes[i]);
    assert_int_equal(client_stats(client).running, 1);
    while (peer_requests(peer) < 4) /* the others do not wait for the first reply */
        loop_step(loop, true);
    assert_int_equal(outcomes[0].count, 0);
    run();
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
        CLIENT_TEST(sends_its_headers),
        CLIENT_TEST(tries_again),
        CLIENT_TEST(a_call_can_lower_the_attempts),
        CLIENT_TEST(a_failing_origin_is_left_alone_until_a_probe_succeeds),
        CLIENT_TEST(a_probe_that_is_given_up_makes_room_for_another),
        CLIENT_TEST(every_request_has_a_span_of_its_own),
        CLIENT_TEST(an_unclear_post_is_known_as_such),
        CLIENT_TEST(writes_wait_for_consent),
        CLIENT_TEST(without_consent_nothing_is_sent),
        CLIENT_TEST(no_more_writes_than_permitted),
        CLIENT_TEST(writes_that_are_permitted_are_tried_again),
        CLIENT_TEST(a_call_can_bring_headers),
        CLIENT_TEST(what_may_be_another_request_is_not_sent),
        CLIENT_TEST(a_401_stops_everything),
        CLIENT_TEST(guards_hold_writes_back),
        cmocka_unit_test_setup_teardown(guards_hold_writes_back, start_second, end),
        CLIENT_TEST(writes_can_be_forbidden_on_the_way),
        CLIENT_TEST(twenty_403_in_a_row_stop_everything),
        CLIENT_TEST(does_not_lock_itself_out),
        cmocka_unit_test_setup_teardown(does_not_lock_itself_out, start_second, end),
        CLIENT_TEST(an_impatient_call_says_nothing_about_the_server),
        CLIENT_TEST(a_call_that_is_given_up_makes_room_for_the_next),
        CLIENT_TEST(keeps_to_the_number_of_jobs),
        CLIENT_TEST(sends_one_request_until_a_connection_stands),
        CLIENT_TEST(keeps_to_the_rate),
        CLIENT_TEST(retry_after_pauses_the_origin),
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
