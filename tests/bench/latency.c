/*
 * latency: a server that answers every request with a token, exactly so many milliseconds after the last byte of it came, over
 * any number of connections. All wait equally long, so whoever came first is answered first: a queue, and no timers.
 *
 *   latency MILLISECONDS     prints the port it listens on, on a loopback address, and serves until it is killed
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 4096, EVENTS = 256 };

/* By descriptor. One request at a time on each: that is all that the clients of the bench send. */
static struct connection {
    char bytes[4096];
    size_t len;
    int64_t due;
    int next; /* in the queue of those that wait, -1 at its end */
} connections[MOST_CONNECTIONS];
static int first = -1, last = -1;

static const int64_t SECOND = 1000000000;

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        fail("latency: listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

/* Is the request whole? Its headers end in an empty line, and say how long the body is. */
static bool is_whole(const struct connection *c)
{
    const char *end = strstr(c->bytes, "\r\n\r\n"), *length = strcasestr(c->bytes, "\r\nContent-Length:");
    if (!end)
        return false;
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return c->len >= (size_t)(end + 4 - c->bytes) + body;
}

static void answer(int fd)
{
    struct connection *c = &connections[fd];
    const char *path_end = memchr(c->bytes + 4, ' ', c->len - 4), *id = path_end;
    while (id && id > c->bytes && id[-1] != '/')
        id--;
    char body[1024], reply[2048];
    int body_len =
        snprintf(body, sizeof body, "{\"id\":\"%.*s\",\"name\":\"CRM robot\",\"status\":\"Active\",\"padding\":\"%0600d\"}",
                 id ? (int)(path_end - id) : 0, id, 0);
    int len = snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                       body_len, body);
    c->len = 0;
    if (write(fd, reply, (size_t)len) != len)
        fail("latency: write");
}

static void answer_due(void)
{
    int64_t at = now();
    while (first >= 0 && connections[first].due <= at) {
        int fd = first;
        first = connections[fd].next;
        if (first < 0)
            last = -1;
        answer(fd);
    }
}

static void read_from(int fd, int64_t latency)
{
    struct connection *c = &connections[fd];
    ssize_t n = read(fd, c->bytes + c->len, sizeof c->bytes - 1 - c->len);
    if (n <= 0 && c->len > 0) {
        fputs("latency: a client went away before it was answered\n", stderr);
        exit(2);
    }
    if (n <= 0) {
        close(fd);
        return;
    }
    c->len += (size_t)n;
    c->bytes[c->len] = '\0';
    if (!is_whole(c))
        return;
    c->due = now() + latency;
    c->next = -1;
    *(last < 0 ? &first : &connections[last].next) = fd;
    last = fd;
}

static void accept_one(int listener, int poll)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), on = 1;
    if (fd < 0 || fd >= MOST_CONNECTIONS)
        fail("latency: accept");
    connections[fd].len = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
}

int main(int argc, char **argv)
{
    if (argc != 2 || atol(argv[1]) <= 0) {
        fputs("usage: latency MILLISECONDS\n", stderr);
        return 2;
    }
    int64_t latency = atol(argv[1]) * (SECOND / 1000);
    int poll = epoll_create1(EPOLL_CLOEXEC), listener = listen_on_loopback();
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    for (;;) {
        int64_t wait = first >= 0 ? connections[first].due - now() : SECOND;
        struct timespec timeout = {.tv_sec = wait > 0 ? wait / SECOND : 0, .tv_nsec = wait > 0 ? wait % SECOND : 0};
        struct epoll_event events[EVENTS];
        int count = epoll_pwait2(poll, events, EVENTS, &timeout, NULL);
        for (int i = 0; i < count; i++)
            if (events[i].data.fd == listener)
                accept_one(listener, poll);
            else
                read_from(events[i].data.fd, latency);
        answer_due();
    }
}
