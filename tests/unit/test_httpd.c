/* The HTTP server below Lua: a request is collected, waits, is taken and replied to, in every order in which that can go wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httpd.h"
#include "loop.h"
#include "loopback.h"

#include "clock.h"

#define MAX_BODY 100
#define PATIENCE (300 * NS_PER_MS)

static struct loop *loop;
static struct httpd *server;
static int arrived;

static void on_arrived(void *arg)
{
    (void)arg;
    arrived++;
}

static int set_up(void **state)
{
    struct httpd_options options = {.host = "127.0.0.1", .max_body = MAX_BODY, .max_connections = 10, .arrived = on_arrived};

    (void)state;
    arrived = 0;
    loop = loop_new();
    server = loop ? httpd_start(loop, &options) : NULL;
    return server ? 0 : -1;
}

static int set_up_impatient(void **state)
{
    struct httpd_options options = {
        .host = "127.0.0.1", .max_body = MAX_BODY, .max_connections = 10, .patience = PATIENCE, .arrived = on_arrived};

    (void)state;
    arrived = 0;
    loop = loop_new();
    server = loop ? httpd_start(loop, &options) : NULL;
    return server ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    if (server)
        httpd_stop(server);
    loop_free(loop);
    return 0;
}

static int client(const char *text)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)httpd_port(server)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    return fd;
}

/* Steps of the loop until a request waits. */
static struct httpd_request *take(void)
{
    for (int i = 0; i < 1000 && !httpd_pending(server); i++) {
        loop_step(loop, false);
        usleep(1000);
    }
    return httpd_take(server);
}

/* What the server sends until it falls silent; "" when it closes without a word. */
static const char *received(int fd)
{
    static char text[4096];
    size_t len = 0;
    int silence = 0;

    while (silence < 50) {
        ssize_t n;

        if (server)
            loop_step(loop, false);
        n = recv(fd, text + len, sizeof text - 1 - len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
        if (n > 0)
            len += (size_t)n;
        silence = n > 0 ? 0 : silence + 1;
        usleep(1000);
    }
    text[len] = '\0';
    return text;
}

static void assert_status(int fd, const char *status)
{
    const char *text = received(fd);

    if (strncmp(text, status, strlen(status)) != 0)
        fail_msg("expected %s, got: %s", status, text);
}

static void test_request_and_reply(void **state)
{
    struct httpd_header headers[10], sent = {.name = "X-Answer", .value = "yes"};
    int fd = client("PUT /a%2Fb?c=%27 HTTP/1.1\r\nHost: x\r\nX-Question: why\r\nContent-Length: 5\r\n\r\nhello");
    struct httpd_request *req = take();

    (void)state;
    assert_non_null(req);
    assert_int_equal(arrived, 1);
    assert_string_equal(req->method, "PUT");
    assert_string_equal(req->target, "/a%2Fb?c=%27");
    assert_string_equal(buf_text(&req->body), "hello");
    assert_int_equal(httpd_headers(req, headers, 10), 3);
    assert_string_equal(headers[1].name, "X-Question");
    assert_string_equal(headers[1].value, "why");
    assert_int_equal(httpd_headers(req, headers, 2), 2);
    assert_int_equal(httpd_reply(req, 200, "done", 4, &sent, 1), HTTPD_OK);
    assert_int_equal(httpd_reply(req, 200, "done", 4, &sent, 1), HTTPD_GONE);
    assert_int_equal(httpd_headers(req, headers, 10), 0);
    httpd_release(req);
    const char *text = received(fd);
    assert_non_null(strstr(text, "HTTP/1.1 200 OK"));
    assert_non_null(strstr(text, "X-Answer: yes\r\n"));
    assert_non_null(strstr(text, "\r\n\r\ndone"));
    close(fd);
}

static void test_two_requests_on_one_connection(void **state)
{
    int fd = client("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");

    (void)state;
    for (int i = 1; i <= 2; i++) {
        struct httpd_request *req = take();
        char target[16];

        assert_non_null(req);
        snprintf(target, sizeof target, "/%d", i);
        assert_string_equal(req->target, target);
        assert_false(httpd_pending(server)); /* a connection has one at a time */
        assert_int_equal(httpd_reply(req, 200, "", 0, NULL, 0), HTTPD_OK);
        httpd_release(req);
        assert_status(fd, "HTTP/1.1 200 ");
    }
    close(fd);
}

static void test_a_header_that_cannot_be_sent(void **state)
{
    struct httpd_header bad = {.name = "X", .value = "a\r\nSet-Cookie: b"};
    int fd = client("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    struct httpd_request *req = take();

    (void)state;
    assert_int_equal(httpd_reply(req, 200, "", 0, &bad, 1), HTTPD_BAD_HEADER);
    assert_int_equal(httpd_reply(req, 500, "", 0, NULL, 0), HTTPD_OK);
    httpd_release(req);
    assert_status(fd, "HTTP/1.1 500 ");
    close(fd);
}

static void test_bodies_over_the_limit(void **state)
{
    static const char *const requests[] = {
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n%0101d",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n%0101d\r\n0\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n%d",
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n%d",
    };

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        char text[512];
        int fd;

        snprintf(text, sizeof text, requests[i], 0);
        fd = client(text);
        assert_status(fd, "HTTP/1.1 413 ");
        assert_int_equal(arrived, 0);
        close(fd);
    }
}

static void test_nobody_answers(void **state)
{
    int fd = client("GET / HTTP/1.1\r\nHost: x\r\n\r\n");

    (void)state;
    httpd_release(take());
    assert_string_equal(received(fd), "");
    close(fd);
}

static void test_the_client_leaves(void **state)
{
    int fd = client("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    struct httpd_request *req = take();

    (void)state;
    close(fd);
    loop_step(loop, false);
    httpd_reply(req, 200, "late", 4, NULL, 0);
    for (int i = 0; i < 5; i++)
        loop_step(loop, false);
    httpd_release(req);
    fd = client("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhalf");
    loop_step(loop, false);
    close(fd);
    for (int i = 0; i < 5; i++)
        loop_step(loop, false);
    assert_int_equal(arrived, 1);
}

static void test_stopping(void **state)
{
    int replied = client("GET /replied HTTP/1.1\r\nHost: x\r\n\r\n");
    struct httpd_request *first = take();
    int taken = client("GET /taken HTTP/1.1\r\nHost: x\r\n\r\n");
    struct httpd_request *second = take();
    int waiting = client("GET /waiting HTTP/1.1\r\nHost: x\r\n\r\n");

    (void)state;
    for (int i = 0; i < 100 && !httpd_pending(server); i++) {
        loop_step(loop, false);
        usleep(1000);
    }
    assert_true(httpd_pending(server));
    assert_int_equal(httpd_reply(first, 200, "", 0, NULL, 0), HTTPD_OK);
    httpd_stop(server);
    server = NULL;
    assert_status(replied, "HTTP/1.1 200 ");
    assert_string_equal(received(taken), "");
    assert_string_equal(received(waiting), "");
    assert_int_equal(httpd_reply(second, 200, "", 0, NULL, 0), HTTPD_GONE);
    httpd_release(first);
    httpd_release(second);
    close(replied);
    close(taken);
    close(waiting);
}

/* Steps of the loop for so long, or until the other side closes the connection. */
static bool closes_within(int fd, int ms)
{
    int64_t end = clock_now() + ms * NS_PER_MS;
    char byte;

    while (clock_now() < end) {
        loop_step(loop, false);
        if (recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0)
            return true;
        usleep(1000);
    }
    return false;
}

static void test_a_part_of_a_reply(void **state)
{
    static const size_t sizes[] = {0, 1, 4, 99};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct httpd_header header = {.name = "X-Answer", .value = "yes"};
        int fd = client("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        struct httpd_request *req = take();
        const char *text;

        assert_int_equal(httpd_reply_part(req, 200, "0123456789", 10, sizes[i], &header, 1), HTTPD_OK);
        assert_int_equal(httpd_reply(req, 200, "", 0, NULL, 0), HTTPD_GONE);
        httpd_release(req);
        text = received(fd);
        assert_non_null(strstr(text, "\r\nContent-Length: 10\r\n"));
        assert_non_null(strstr(text, "\r\nX-Answer: yes\r\n"));
        assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), sizes[i] < 10 ? sizes[i] : 10);
        close(fd);
    }
}

static void test_a_reset(void **state)
{
    int fd = client("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    struct httpd_request *req = take();
    char byte;
    int error = 0;

    (void)state;
    assert_int_equal(httpd_reset(req), HTTPD_OK);
    assert_int_equal(httpd_reset(req), HTTPD_GONE);
    httpd_release(req);
    for (int i = 0; i < 1000 && !error; i++) {
        loop_step(loop, false);
        error = recv(fd, &byte, 1, MSG_DONTWAIT) == 0 ? -1 : errno == EAGAIN ? 0 : errno;
        usleep(1000);
    }
    assert_int_equal(error, ECONNRESET);
    close(fd);
}

static void test_held_until_the_client_leaves(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) { /* twice as many as there can be connections */
        int fds[4];

        for (int j = 0; j < 4; j++) {
            struct httpd_request *req;

            fds[j] = client("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            req = take();
            assert_non_null(req);
            assert_int_equal(httpd_hold(req), HTTPD_OK);
            assert_int_equal(httpd_reply(req, 200, "", 0, NULL, 0), HTTPD_GONE);
            assert_int_equal(httpd_reset(req), HTTPD_GONE);
            httpd_release(req);
        }
        if (i == 0)
            assert_false(closes_within(fds[0], 500));
        for (int j = 0; j < 4; j++)
            close(fds[j]);
    }
    int last = client("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    struct httpd_request *req = take();
    httpd_hold(req);
    httpd_stop(server);
    server = NULL;
    assert_string_equal(received(last), "");
    assert_int_equal(httpd_hold(req), HTTPD_GONE);
    httpd_release(req);
    close(last);
}

static void test_patience_with_requests(void **state)
{
    static const char *const parts[] = {"", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\nX-A",
                                        "PUT / HTTP/1.1\r\nContent-Length: 90\r\n\r\nx"};

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int fd = client(parts[i]);
        int64_t start = clock_now(), waited;
        bool closed = false;

        for (int j = 0; j < 60 && !closed; j++) { /* a byte now and then does not help */
            send(fd, "a", *parts[i] != '\0', MSG_NOSIGNAL);
            closed = closes_within(fd, 25);
        }
        waited = clock_now() - start;
        assert_true(closed);
        assert_true(waited >= PATIENCE - 10 * NS_PER_MS && waited < 4 * PATIENCE);
        close(fd);
    }
    assert_int_equal(arrived, 0);
}

static void test_no_patience_is_needed_while_the_server_thinks(void **state)
{
    int fd = client("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");

    (void)state;
    for (int i = 0; i < 3; i++) { /* each request has the whole time */
        struct httpd_request *req = take();

        assert_false(closes_within(fd, 400));
        assert_int_equal(httpd_reply(req, 200, "", 0, NULL, 0), HTTPD_OK);
        httpd_release(req);
        assert_status(fd, "HTTP/1.1 200 ");
        assert_int_equal(send(fd, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n", 28, MSG_NOSIGNAL), 28);
    }
    httpd_release(take());
    close(fd);
}

static void test_patience_with_who_does_not_read(void **state)
{
    size_t len = (size_t)24 << 20; /* more than the buffers of sockets hold */
    char *body = calloc(1, len);
    int fd = client("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), fds[10];
    struct httpd_request *req = take();

    (void)state;
    httpd_reply(req, 200, body, len, NULL, 0);
    httpd_release(req);
    free(body);
    for (int i = 0; i < 10; i++) /* one of the ten has to wait for a place */
        fds[i] = client("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 10; i++) {
        req = take();
        assert_non_null(req);
        httpd_hold(req);
        httpd_release(req);
    }
    close(fd);
    for (int i = 0; i < 10; i++)
        close(fds[i]);
}

static void test_quiescing(void **state)
{
    int fd = client("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
    struct httpd_request *first = take(), *second;
    int other = client("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");

    (void)state;
    loop_step(loop, false); /* it is accepted */
    httpd_quiesce(server);
    httpd_quiesce(server);
    second = take();
    assert_string_equal(second->target, "/2");
    assert_int_equal(httpd_reply(first, 200, "", 0, NULL, 0), HTTPD_OK);
    httpd_release(first);
    assert_status(fd, "HTTP/1.1 200 ");
    assert_int_equal(send(fd, "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n", 28, MSG_NOSIGNAL), 28);
    assert_status(fd, "HTTP/1.1 503 ");
    assert_int_equal(httpd_reply(second, 200, "", 0, NULL, 0), HTTPD_OK);
    httpd_release(second);
    httpd_stop(server);
    server = NULL;
    assert_status(other, "HTTP/1.1 200 ");
    close(fd);
    close(other);
}

static void test_listening(void **state)
{
    struct httpd_options options = {
        .host = "127.0.0.1", .port = httpd_port(server), .max_connections = 1, .arrived = on_arrived};

    (void)state;
    assert_null(httpd_start(loop, &options));
    assert_int_equal(errno, EADDRINUSE);
    assert_true(loopback_is("127.0.0.1"));
    assert_true(loopback_is("127.1.2.3"));
    assert_true(loopback_is("::1"));
    assert_false(loopback_is("0.0.0.0"));
    assert_false(loopback_is("::"));
    assert_false(loopback_is("128.0.0.1"));
    assert_false(loopback_is("localhost"));
    assert_false(loopback_is(""));
    assert_true(loopback_is_host("LocalHost"));
    assert_true(loopback_is_host("[::1]"));
    assert_false(loopback_is_host("[::1]evil.test"));
    assert_false(loopback_is_host("[::1"));
    assert_false(loopback_is_host("127.0.0.256")); /* is a name */
}

#define CASE(name)           cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define CASE_IMPATIENT(name) cmocka_unit_test_setup_teardown(name, set_up_impatient, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_request_and_reply),
        CASE(test_two_requests_on_one_connection),
        CASE(test_a_header_that_cannot_be_sent),
        CASE(test_bodies_over_the_limit),
        CASE(test_nobody_answers),
        CASE(test_the_client_leaves),
        CASE(test_stopping),
        CASE(test_a_part_of_a_reply),
        CASE(test_a_reset),
        CASE(test_held_until_the_client_leaves),
        CASE_IMPATIENT(test_patience_with_requests),
        CASE_IMPATIENT(test_no_patience_is_needed_while_the_server_thinks),
        CASE_IMPATIENT(test_patience_with_who_does_not_read),
        CASE(test_quiescing),
        CASE(test_listening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
