/* client: what is not sent: writes that are not permitted, and all that comes after a refusal. */
#include "calls.h"

/* The tests that are run in two forms find a state the second time. */
static int start_second(void **state)
{
    static int yes;
    int failed = start(state);
    *state = &yes;
    return failed;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(writes_wait_for_consent),
        CLIENT_TEST(without_consent_nothing_is_sent),
        CLIENT_TEST(no_more_writes_than_permitted),
        CLIENT_TEST(writes_that_are_permitted_are_tried_again),
        CLIENT_TEST(guards_hold_writes_back),
        cmocka_unit_test_setup_teardown(guards_hold_writes_back, start_second, end),
        CLIENT_TEST(writes_can_be_forbidden_on_the_way),
        CLIENT_TEST(a_401_stops_everything),
        CLIENT_TEST(twenty_403_in_a_row_stop_everything),
        CLIENT_TEST(does_not_lock_itself_out),
        cmocka_unit_test_setup_teardown(does_not_lock_itself_out, start_second, end),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
