/* peer: see peer.h. One thread accepts, one serves each connection; a mutex guards the book-keeping. */
#include "peer.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_REQUESTS = 512, MAX_CONNECTIONS = 128, MAX_REQUEST = 4 << 20 };

struct connection {
    struct peer *peer;
    int fd;
    pthread_t thread;
};

/* Of HTTP or of Redis. */
struct language {
    size_t (*whole)(const char *text, size_t len); /* the length of the first request, 0 while it is not all there */
    struct peer_reply unexpected;
};

struct peer {
    const struct language *language;
    struct peer_reply *replies; /* a copy: the test may end before its last reply is sent */
    size_t count, requests, connections, waiting, most;
    char *texts[MAX_REQUESTS];
    struct connection open[MAX_CONNECTIONS];
    int listener;
    pthread_t thread;
    pthread_mutex_t lock;
    int port;
    char url[64];
};

static void die(const char *what)
{
    perror(what);
    abort();
}

static size_t whole_of_http(const char *text, size_t len)
{
    const char *end = strstr(text, "\r\n\r\n"), *length = end ? strcasestr(text, "\r\nContent-Length:") : NULL;
    if (!end)
        return 0;
    size_t want = (size_t)(end + 4 - text) + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
    return len >= want ? want : 0;
}

/* "*2\r\n$3\r\nGET\r\n$1\r\na\r\n" */
static size_t whole_of_redis(const char *text, size_t len)
{
    const char *at = text, *line;
    for (long left = 1 + (*text == '*' ? strtol(text + 1, NULL, 10) : 0); left > 0; left--) {
        if ((size_t)(at - text) >= len || !(line = strstr(at, "\r\n")))
            return 0;
        at = line + 2 + (*at == '$' ? strtoul(at + 1, NULL, 10) + 2 : 0);
    }
    return (size_t)(at - text) <= len ? (size_t)(at - text) : 0;
}

static const struct language http = {
    .whole = whole_of_http,
    .unexpected = {.text = "HTTP/1.1 500 Unexpected\r\nContent-Length: 0\r\n\r\n", .then = PEER_CLOSE},
};
static const struct language redis = {.whole = whole_of_redis, .unexpected = {.text = "-ERR unexpected\r\n"}};

/* Read one request into `text`; its length, or 0 at the end of the connection. `kept` bytes of it are there already. */
static size_t read_request(const struct language *language, int fd, char *text, size_t *kept)
{
    size_t len = *kept;
    for (;;) {
        text[len] = '\0';
        size_t want = language->whole(text, len);
        if (want) {
            *kept = len - want;
            return want;
        }
        ssize_t n = len < MAX_REQUEST ? read(fd, text + len, MAX_REQUEST - len) : 0;
        if (n <= 0)
            return 0;
        len += (size_t)n;
    }
}

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static void wait_for_requests(struct peer *peer, size_t count)
{
    for (int ms = 0; ms < 10000 && peer_requests(peer) < count; ms++)
        usleep(1000);
}

static void send_reply(int fd, const struct peer_reply *reply)
{
    if (reply->delay_ms)
        usleep((useconds_t)reply->delay_ms * 1000);
    if (reply->text)
        send_all(fd, reply->text, strlen(reply->text));
    char x[4096];
    memset(x, 'x', sizeof x);
    for (size_t left = reply->fill; left > 0; left -= left < sizeof x ? left : sizeof x)
        send_all(fd, x, left < sizeof x ? left : sizeof x);
}

static struct peer_reply note_request(struct peer *peer, const char *text, size_t len)
{
    pthread_mutex_lock(&peer->lock);
    size_t number = peer->requests;
    if (number < MAX_REQUESTS) {
        peer->texts[number] = calloc(1, len + 1);
        memcpy(peer->texts[peer->requests++], text, len);
    }
    if (++peer->waiting > peer->most)
        peer->most = peer->waiting;
    pthread_mutex_unlock(&peer->lock);
    return number < peer->count ? peer->replies[number] : peer->language->unexpected;
}

static void *serve(void *arg)
{
    struct connection *c = arg;
    char *text = malloc(MAX_REQUEST + 1), rest;
    size_t kept = 0, len;
    while (text && (len = read_request(c->peer->language, c->fd, text, &kept)) > 0) {
        struct peer_reply reply = note_request(c->peer, text, len);
        wait_for_requests(c->peer, reply.after);
        send_reply(c->fd, &reply);
        pthread_mutex_lock(&c->peer->lock);
        c->peer->waiting--;
        pthread_mutex_unlock(&c->peer->lock);
        if (reply.then == PEER_HANG)
            while (read(c->fd, &rest, 1) > 0)
                ;
        if (reply.then == PEER_RESET)
            setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
        if (reply.then != PEER_KEEP)
            break;
        memmove(text, text + len, kept);
    }
    free(text);
    if (c->fd >= 0) {
        pthread_mutex_lock(&c->peer->lock);
        close(c->fd);
        c->fd = -1;
        pthread_mutex_unlock(&c->peer->lock);
    }
    return NULL;
}

static void *accept_all(void *arg)
{
    struct peer *peer = arg;
    for (int fd; peer->connections < MAX_CONNECTIONS && (fd = accept(peer->listener, NULL, NULL)) >= 0;) {
        pthread_mutex_lock(&peer->lock);
        struct connection *c = &peer->open[peer->connections++];
        *c = (struct connection){.peer = peer, .fd = fd};
        if (pthread_create(&c->thread, NULL, serve, c) != 0)
            die("pthread_create");
        pthread_mutex_unlock(&peer->lock);
    }
    return NULL;
}

static struct peer *start(const struct language *language, const struct peer_reply *replies, size_t count)
{
    struct peer *peer = calloc(1, sizeof *peer);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (!peer || !(peer->replies = malloc(count * sizeof *replies + 1)) ||
        (peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
        bind(peer->listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(peer->listener, 64) != 0 ||
        getsockname(peer->listener, (struct sockaddr *)&at, &size) != 0)
        die("peer");
    if (count > 0)
        memcpy(peer->replies, replies, count * sizeof *replies);
    peer->count = count;
    peer->language = language;
    peer->port = ntohs(at.sin_port);
    snprintf(peer->url, sizeof peer->url, "http://127.0.0.1:%d", peer->port);
    pthread_mutex_init(&peer->lock, NULL);
    if (pthread_create(&peer->thread, NULL, accept_all, peer) != 0)
        die("pthread_create");
    return peer;
}

struct peer *peer_start(const struct peer_reply *replies, size_t count)
{
    return start(&http, replies, count);
}

struct peer *peer_start_redis(const struct peer_reply *replies, size_t count)
{
    return start(&redis, replies, count);
}

int peer_port(const struct peer *peer)
{
    return peer->port;
}

const char *peer_url(const struct peer *peer)
{
    return peer->url;
}

static size_t locked(struct peer *peer, const size_t *value)
{
    pthread_mutex_lock(&peer->lock);
    size_t now = *value;
    pthread_mutex_unlock(&peer->lock);
    return now;
}

size_t peer_requests(struct peer *peer)
{
    return locked(peer, &peer->requests);
}

size_t peer_connections(struct peer *peer)
{
    return locked(peer, &peer->connections);
}

size_t peer_most_at_a_time(struct peer *peer)
{
    return locked(peer, &peer->most);
}

const char *peer_request(struct peer *peer, size_t index)
{
    return index < peer_requests(peer) ? peer->texts[index] : "";
}

void peer_stop(struct peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    for (size_t i = 0; i < peer->connections; i++) {
        pthread_mutex_lock(&peer->lock);
        if (peer->open[i].fd >= 0)
            shutdown(peer->open[i].fd, SHUT_RDWR);
        pthread_mutex_unlock(&peer->lock);
        pthread_join(peer->open[i].thread, NULL);
    }
    for (size_t i = 0; i < peer->requests; i++)
        free(peer->texts[i]);
    pthread_mutex_destroy(&peer->lock);
    free(peer->replies);
    free(peer);
}

const char *peer_json(const char *status, const char *body)
{
    static char ring[8][1024];
    static unsigned at;
    char *text = ring[at++ % 8];
    snprintf(text, sizeof ring[0], "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
             strlen(body), body);
    return text;
}
