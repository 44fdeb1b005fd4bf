/* transfer: one exchange against a peer that does as it is told. */
#include "unit.h"

#include "clock.h"
#include "peer.h"
#include "transfer.h"

static struct loop *loop;
static struct transfers *all;
static struct peer *peer;

struct outcome {
    unsigned count;
    struct result result;
};

static void done(struct result *result, void *arg)
{
    struct outcome *o = arg;
    o->count++;
    o->result = *result;
}

static int start(void **state)
{
    (void)state;
    loop = loop_new();
    all = transfers_new(loop, &(struct transfer_config){
                                  .user_agent = "unit",
                                  .max_body = 10000,
                                  .max_headers = 5000,
                                  .connect_timeout_ms = 2000,
                                  .total_timeout_ms = 5000,
                                  .max_connections = 4,
                                  .loopback = true,
                              });
    return loop && all ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    transfers_free(all);
    loop_free(loop);
    if (peer)
        peer_stop(peer);
    peer = NULL;
    return 0;
}

static void run(void)
{
    while (loop_busy(loop))
        loop_step(loop, true);
}

static struct outcome exchange_with(const struct exchange *like, const char *path)
{
    char url[256];
    struct outcome o = {0};
    struct exchange x = *like;
    snprintf(url, sizeof url, "%s%s", peer_url(peer), path);
    x.url = url;
    assert_non_null(transfer_start(all, &x, done, &o));
    assert_int_equal(o.count, 0); /* never from within the start */
    run();
    assert_int_equal(o.count, 1);
    return o;
}

static void complete(struct outcome o)
{
    assert_int_equal(o.result.failure, FAILURE_NONE);
    buf_free(&o.result.body);
}

static const struct exchange get = {.method = "GET", .may_repeat = true};
static const struct exchange put = {.method = "PUT", .body = "{\"a\":1}", .body_len = 7, .may_repeat = true};
static const struct exchange post = {.method = "POST", .body = "{\"a\":1}", .body_len = 7, .may_repeat = false};
static const struct exchange bare_post = {.method = "POST", .may_repeat = false};

static void sends_exactly_this(void **state)
{
    (void)state;
    struct peer_reply replies[] = {{.text = peer_json("200 OK", "{}")},
                                   {.text = peer_json("200 OK", "{}")},
                                   {.text = peer_json("200 OK", "{}")},
                                   {.text = peer_json("200 OK", "{}")}};
    struct curl_slist header = {.data = (char *)"X-Test: 1"};
    struct exchange x = put;
    peer = peer_start(replies, COUNT(replies));
    x.headers = &header;
    complete(exchange_with(&x, "/p/..%2Fq/../r"));
    complete(exchange_with(&get, "/"));
    complete(exchange_with(&post, "/"));
    complete(exchange_with(&bare_post, "/enable"));
    const char *text = peer_request(peer, 0);
    assert_memory_equal(text, "PUT /p/..%2Fq/../r HTTP/1.1\r\nHost: 127.0.0.1:", 45);
    assert_non_null(strstr(text, "\r\nUser-Agent: unit\r\n"));
    assert_non_null(strstr(text, "\r\nX-Test: 1\r\n"));
    assert_non_null(strstr(text, "\r\nContent-Length: 7\r\n"));
    assert_non_null(strstr(text, "\r\n\r\n{\"a\":1}"));
    assert_null(strstr(text, "Expect"));
    assert_memory_equal(peer_request(peer, 1), "GET / HTTP/1.1\r\n", 16);
    assert_null(strstr(peer_request(peer, 1), "Content-"));
    assert_memory_equal(peer_request(peer, 2), "POST / HTTP/1.1\r\n", 17);
    assert_non_null(strstr(peer_request(peer, 2), "\r\n\r\n{\"a\":1}"));
    assert_null(strstr(peer_request(peer, 2), "chunked"));
    assert_memory_equal(peer_request(peer, 3), "POST /enable HTTP/1.1\r\n", 23);
    assert_int_equal(peer_connections(peer), 1);
}

/* What becomes of each reply. */
static void reads_replies(void **state)
{
    (void)state;
    static char large_head[6100] = "HTTP/1.1 200 OK\r\nX: ";
    memset(large_head + strlen(large_head), 'x', 6000);
    strcat(large_head, "\r\n\r\n");
    static const struct {
        const char *name;
        struct peer_reply reply;
        enum failure failure;
        long status;
        bool is_json;
        int64_t after_ms;
        const char *body, *message;
    } cases[] = {
        {"json",
         {.text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"},
         FAILURE_NONE,
         200,
         true,
         -1,
         "{}",
         ""},
        {"problem",
         {.text = "HTTP/1.1 400 Bad\r\nContent-Type: application/problem+json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}"},
         FAILURE_NONE,
         400,
         true,
         -1,
         "{}",
         ""},
        {"text",
         {.text = "HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\noops"},
         FAILURE_NONE,
         500,
         false,
         -1,
         "oops",
         ""},
        {"no body", {.text = "HTTP/1.1 204 No Content\r\n\r\n"}, FAILURE_NONE, 204, false, -1, "", ""},
        {"chunked",
         {.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
         FAILURE_NONE,
         200,
         false,
         -1,
         "abc",
         ""},
        {"until it closes",
         {.text = "HTTP/1.1 200 OK\r\n\r\nabc", .then = PEER_CLOSE},
         FAILURE_NONE,
         200,
         false,
         -1,
         "abc",
         ""},
        {"retry after",
         {.text = "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"},
         FAILURE_NONE,
         429,
         false,
         7000,
         "",
         ""},
        {"retry after a date",
         {.text = "HTTP/1.1 503 Busy\r\nDate: Mon, 04 Aug 2025 10:00:00 GMT\r\nRetry-After: Mon, 04 Aug 2025 "
                  "10:00:09 GMT\r\nContent-Length: 0\r\n\r\n"},
         FAILURE_NONE,
         503,
         false,
         9000,
         "",
         ""},
        {"redirect",
         {.text = "HTTP/1.1 302 Found\r\nLocation: https://other.example/secret?x=y\r\nContent-Length: 0\r\n\r\n"},
         FAILURE_NONE,
         302,
         false,
         -1,
         "",
         "redirect to https://other.example not followed"},
        {"redirect to another scheme",
         {.text = "HTTP/1.1 301 Moved\r\nLocation: gopher://hole.example/\r\nContent-Length: 0\r\n\r\n"},
         FAILURE_NONE,
         301,
         false,
         -1,
         "",
         "redirect to gopher://hole.example not followed"},
        {"redirect without a place",
         {.text = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"},
         FAILURE_NONE,
         302,
         false,
         -1,
         "",
         "an unknown host"},
        {"nothing", {.then = PEER_CLOSE}, FAILURE_TRANSPORT, 0, false, -1, NULL, ""},
        {"reset", {.then = PEER_RESET}, FAILURE_TRANSPORT, 0, false, -1, NULL, ""},
        {"cut off",
         {.text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", .then = PEER_CLOSE},
         FAILURE_TRANSPORT,
         200,
         false,
         -1,
         NULL,
         ""},
        {"error cut off",
         {.text = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 10\r\n\r\nabc", .then = PEER_CLOSE},
         FAILURE_NONE,
         429,
         false,
         7000,
         "",
         "remaining to read"},
        {"wrong encoding",
         {.text = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n0123456789"},
         FAILURE_UNUSABLE,
         200,
         false,
         -1,
         "",
         "unencoding"},
        {"not HTTP", {.text = "SSH-2.0-OpenSSH\r\n", .then = PEER_CLOSE}, FAILURE_TRANSPORT, 0, false, -1, "", "not HTTP"},
        {"large",
         {.text = "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n", .fill = 10000},
         FAILURE_NONE,
         200,
         false,
         -1,
         NULL,
         ""},
        {"too large",
         {.text = "HTTP/1.1 200 OK\r\nContent-Length: 10001\r\n\r\n", .fill = 10001, .then = PEER_CLOSE},
         FAILURE_UNUSABLE,
         200,
         false,
         -1,
         NULL,
         "larger than 10000 bytes"},
        {"too many headers",
         {.text = large_head, .then = PEER_CLOSE},
         FAILURE_UNUSABLE,
         0,
         false,
         -1,
         NULL,
         "headers of the reply are larger"},
    };
    struct peer_reply replies[COUNT(cases)];
    for (size_t i = 0; i < COUNT(cases); i++)
        replies[i] = cases[i].reply;
    peer = peer_start(replies, COUNT(replies));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct outcome o = exchange_with(&post, "/");
        TRY(cases[i].name);
        assert_int_equal(o.result.failure, cases[i].failure);
        if (cases[i].status)
            assert_int_equal(o.result.status, cases[i].status);
        assert_int_equal(o.result.is_json, cases[i].is_json);
        assert_int_equal(o.result.retry_after_ms, cases[i].after_ms);
        assert_true(o.result.sent);
        if (cases[i].body)
            assert_string_equal(buf_text(&o.result.body), cases[i].body);
        assert_non_null(strstr(o.result.message, cases[i].message));
        assert_null(strstr(o.result.message, "secret"));
        buf_free(&o.result.body);
    }
}

static void times_out(void **state)
{
    (void)state;
    static const struct peer_reply replies[] = {{.then = PEER_HANG}};
    struct exchange x = get;
    x.timeout_ms = 150;
    peer = peer_start(replies, COUNT(replies));
    int64_t from = clock_now();
    struct outcome o = exchange_with(&x, "/");
    assert_int_equal(o.result.failure, FAILURE_TIMEOUT);
    assert_in_range(clock_now() - from, 140 * NS_PER_MS, 3 * NS_PER_S);
    buf_free(&o.result.body);
}

static void cannot_connect(void **state)
{
    (void)state;
    struct outcome o = {0};
    struct exchange x = post;
    x.url = "http://127.0.0.1:1/";
    assert_non_null(transfer_start(all, &x, done, &o));
    run();
    assert_int_equal(o.result.failure, FAILURE_TRANSPORT);
    assert_false(o.result.sent);
    assert_int_equal(o.result.status, 0);
    assert_true(o.result.message[0]);
}

static void refuses_other_schemes(void **state)
{
    (void)state;
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"};
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct outcome o = {0};
        struct exchange x = get;
        x.url = urls[i];
        assert_non_null(transfer_start(all, &x, done, &o));
        run();
        assert_int_equal(o.result.failure, FAILURE_INTERNAL);
    }
}

/* A reused connection that died: left to itself, libcurl would send the request again, uncounted, and a POST perhaps twice. */
static void sends_nothing_twice(void **state)
{
    (void)state;
    const struct exchange *const all_kinds[] = {&post, &bare_post, &put, &get};
    struct peer_reply replies[2 * COUNT(all_kinds)];
    for (size_t i = 0; i < COUNT(replies); i += 2) {
        replies[i] = (struct peer_reply){.text = peer_json("200 OK", "{}")};
        replies[i + 1] = (struct peer_reply){.then = PEER_CLOSE};
    }
    peer = peer_start(replies, COUNT(replies));
    for (size_t i = 0; i < COUNT(all_kinds); i++) {
        complete(exchange_with(&get, "/"));
        struct outcome o = exchange_with(all_kinds[i], "/");
        assert_int_equal(o.result.failure, FAILURE_TRANSPORT);
        assert_true(o.result.sent);
        assert_true(o.result.message[0]);
        assert_int_equal(peer_requests(peer), 2 * i + 2);
    }
}

static void can_be_cut_off(void **state)
{
    (void)state;
    static const struct peer_reply replies[] = {{.then = PEER_HANG}, {.then = PEER_HANG}};
    struct outcome o = {0};
    struct exchange x = get;
    peer = peer_start(replies, COUNT(replies));
    x.url = peer_url(peer);
    struct transfer *t = transfer_start(all, &x, done, &o);
    while (peer_requests(peer) == 0)
        loop_step(loop, false);
    transfer_cancel(t);
    assert_false(loop_busy(loop));
    assert_int_equal(o.count, 0);
    transfer_start(all, &x, done, &o); /* and at the end */
    loop_step(loop, false);
}

static void start_next(struct result *result, void *arg)
{
    struct outcome *o = arg;
    buf_free(&result->body);
    if (++o->count < 20) {
        struct exchange x = put;
        x.url = peer_url(peer);
        assert_non_null(transfer_start(all, &x, start_next, o));
    }
}

static void goes_on_from_within_done(void **state)
{
    (void)state;
    struct peer_reply replies[20];
    const char *text = peer_json("200 OK", "{}");
    for (size_t i = 0; i < COUNT(replies); i++)
        replies[i] = (struct peer_reply){.text = text};
    peer = peer_start(replies, COUNT(replies));
    struct outcome o = {0};
    struct exchange x = put;
    x.url = peer_url(peer);
    transfer_start(all, &x, start_next, &o);
    run();
    assert_int_equal(o.count, 20);
    assert_int_equal(peer_connections(peer), 1);
}

#define TRANSFER_TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSFER_TEST(sends_exactly_this),
        TRANSFER_TEST(reads_replies),
        TRANSFER_TEST(times_out),
        TRANSFER_TEST(cannot_connect),
        TRANSFER_TEST(refuses_other_schemes),
        TRANSFER_TEST(sends_nothing_twice),
        TRANSFER_TEST(can_be_cut_off),
        TRANSFER_TEST(goes_on_from_within_done),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
