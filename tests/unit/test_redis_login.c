/* redis: how a connection begins, or does not, and what is said then. */
#include "redis_case.h"

#define PASSWORD "Never Quote This 42"

static void logs_in(void **state)
{
    (void)state;
    char err[ERROR_SIZE];
    static const struct {
        const char *name, *user, *auth, *select;
        int db;
    } cases[] = {
        {"nobody", NULL, NULL, "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n", 0},
        {"password", NULL, "*2\r\n$4\r\nAUTH\r\n$19\r\n" PASSWORD "\r\n", "*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\n", 12},
        {"user", "worker", "*3\r\n$4\r\nAUTH\r\n$6\r\nworker\r\n$19\r\n" PASSWORD "\r\n", "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n",
         3},
    };
    setenv("MOONKEY_UNIT", PASSWORD, 1);
    struct secret *password = secret_password_from_env("MOONKEY_UNIT", err);
    assert_non_null(password);
    for (size_t i = 0; i < COUNT(cases); i++) {
        TRY(cases[i].name);
        struct peer_reply ok[] = {SELECTED, SELECTED};
        peer = peer_start_redis(ok, COUNT(ok));
        assert_int_equal(open_with((struct redis_options){
                             .user = cases[i].user,
                             .password = cases[i].auth ? password : NULL,
                             .db = cases[i].db,
                         }),
                         REDIS_OPEN);
        if (cases[i].auth)
            assert_string_equal(peer_request(peer, 0), cases[i].auth);
        assert_string_equal(peer_request(peer, cases[i].auth ? 1 : 0), cases[i].select);
        assert_int_equal(peer_requests(peer), cases[i].auth ? 2 : 1);
        end_connection();
    }
    secret_free(password);
}

static void tells_why_it_may_not(void **state)
{
    (void)state;
    char err[ERROR_SIZE];
    static const struct {
        struct peer_reply auth, select;
        int db;
        enum redis_state state;
        const char *text;
    } cases[] = {
        {{.text = "-WRONGPASS no\r\n"}, {.text = "-NOAUTH Authentication required.\r\n"}, 0, REDIS_REFUSED, "WRONGPASS no"},
        {{.text = "-ERR with " PASSWORD " in it\r\n"}, SELECTED, 0, REDIS_REFUSED, "ERR with [redacted] in it"},
        {SELECTED, {.text = "-LOADING wait\r\n"}, 0, REDIS_REFUSED, "LOADING wait"},
        {SELECTED, {.text = "-ERR DB index is out of range\r\n"}, 9, REDIS_REFUSED, "ERR DB index is out of range"},
        {SELECTED, {.text = "-NOPERM no select\r\n"}, 9, REDIS_REFUSED, "NOPERM no select"},
        {SELECTED, {.text = "-NOPERM no select\r\n"}, 0, REDIS_OPEN, ""},
        {SELECTED, {.then = PEER_CLOSE}, 0, REDIS_UNREACHABLE, "the server closed the connection; where TLS is expected"},
        {{.then = PEER_RESET}, SELECTED, 0, REDIS_UNREACHABLE, "; where TLS is expected, the address begins with rediss://"},
        {SELECTED, {.then = PEER_HANG}, 0, REDIS_UNREACHABLE, "no answer to SELECT within 0.2 s"},
        {{.text = "HTTP/1.1 400 Bad Request\r\n\r\n"}, SELECTED, 0, REDIS_UNREACHABLE, "what answers there is no Redis"},
    };
    setenv("MOONKEY_UNIT", PASSWORD, 1);
    struct secret *password = secret_password_from_env("MOONKEY_UNIT", err);
    for (size_t i = 0; i < COUNT(cases); i++) {
        TRY(cases[i].text);
        struct peer_reply replies[] = {cases[i].auth, cases[i].select};
        peer = peer_start_redis(replies, COUNT(replies));
        struct redis_options o = {.password = password, .db = cases[i].db, .timeout = NS_PER_S / 5};
        assert_int_equal(open_with(o), cases[i].state);
        if (!strstr(redis_text(redis), cases[i].text))
            fail_msg("%s", redis_text(redis));
        end_connection();
    }
    secret_free(password);
}

static void tells_why_there_is_no_connection(void **state)
{
    (void)state;
    peer = peer_start_redis(NULL, 0);
    int port = peer_port(peer);
    peer_stop(peer);
    peer = NULL;
    assert_int_equal(open_with((struct redis_options){.link.port = port}), REDIS_UNREACHABLE);
    assert_non_null(strstr(redis_text(redis), "Failed to connect to 127.0.0.1"));
    assert_null(strstr(redis_text(redis), "rediss"));
}

/* What is cut off in the middle of a secret would not be known for one. */
static void masks_before_it_cuts(void **state)
{
    (void)state;
    char err[ERROR_SIZE];
    setenv("MOONKEY_UNIT", PASSWORD, 1);
    struct secret *password = secret_password_from_env("MOONKEY_UNIT", err);
    for (size_t before = 670; before < 720; before++) {
        char words[800];
        snprintf(words, sizeof words, "-ERR %0*d" PASSWORD "\r\n", (int)before, 0);
        struct peer_reply replies[] = {{.text = words}};
        peer = peer_start_redis(replies, COUNT(replies));
        assert_int_equal(open_with((struct redis_options){0}), REDIS_REFUSED);
        if (strstr(redis_text(redis), "0N"))
            fail_msg("%s", redis_text(redis));
        end_connection();
    }
    secret_free(password);
}

static void knows_what_can_be_a_host(void **state)
{
    (void)state;
    static const char *const hosts[] = {"localhost", "127.0.0.1", "::1", "[::1]", "redis-1.example.com"};
    static const char *const others[] = {"", "a b", "[::1]x", "[::1", "a/b", "a\nb", "1.2.3.4:5", "user@host"};
    char longer[400] = "";
    memset(longer, 'x', sizeof longer - 1);
    for (size_t i = 0; i < COUNT(hosts); i++)
        if (!link_is_host(hosts[i]))
            fail_msg("%s", hosts[i]);
    for (size_t i = 0; i < COUNT(others); i++)
        if (link_is_host(others[i]))
            fail_msg("%s", others[i]);
    assert_false(link_is_host(longer));
}

static void may_be_freed_at_any_time(void **state)
{
    (void)state;
    struct peer_reply replies[] = {SELECTED, {.then = PEER_HANG}};
    peer = peer_start_redis(replies, COUNT(replies));
    struct redis_options o = {
        .link = {.host = "127.0.0.1", .port = peer_port(peer), .timeout_ms = 1000}, .timeout = NS_PER_S, .user = "u"};
    for (int steps = 0; steps < 6; steps++) {
        redis = redis_open(loop, &o, on_opened, NULL);
        for (int i = 0; i < steps; i++)
            loop_step(loop, false);
        redis_free(redis);
        redis = NULL;
        assert_false(loop_busy(loop));
    }
    redis_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(logs_in, start, end),
        cmocka_unit_test_setup_teardown(tells_why_it_may_not, start, end),
        cmocka_unit_test_setup_teardown(tells_why_there_is_no_connection, start, end),
        cmocka_unit_test_setup_teardown(masks_before_it_cuts, start, end),
        cmocka_unit_test_setup_teardown(knows_what_can_be_a_host, start, end),
        cmocka_unit_test_setup_teardown(may_be_freed_at_any_time, start, end),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
