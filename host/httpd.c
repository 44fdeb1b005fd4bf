/* httpd: see httpd.h. The daemon runs in external epoll mode: its epoll descriptor is a watch of the loop. */
#include "httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

#define CONNECTION_MEMORY ((size_t)32 << 10) /* request line and headers; the daemon clears it for each request */
#define DISCARD_FACTOR    16 /* a body up to this many times too large is read to its end, so that the client sees the 413 */

#define CONTAINER(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

struct httpd {
    struct MHD_Daemon *daemon;
    struct loop *loop;
    struct watch watch; /* the daemon's epoll descriptor */
    struct timer timer; /* work that the daemon has left without an event */
    struct httpd_options options;
    int port;
    bool stopping;
    struct httpd_request *first, *last; /* suspended */
    struct httpd_request *pending;      /* the first that was not taken; those after it were not either */
};

/* ---- driving the daemon ---- */

static void drive(struct httpd *s)
{
    MHD_UNSIGNED_LONG_LONG ms;

    MHD_run(s->daemon);
    if (MHD_get_timeout(s->daemon, &ms) == MHD_YES)
        loop_timer_start(s->loop, &s->timer, clock_now() + (int64_t)ms * NS_PER_MS);
    else
        loop_timer_stop(s->loop, &s->timer);
}

static void on_ready(struct watch *watch, short revents)
{
    (void)revents;
    drive(CONTAINER(watch, struct httpd, watch));
}

static void on_timer(struct timer *timer)
{
    drive(CONTAINER(timer, struct httpd, timer));
}

static void on_log(void *arg, const char *format, va_list ap)
{
    char text[512];

    (void)arg;
    if (!log_enabled(LOG_DEBUG) || vsnprintf(text, sizeof text, format, ap) < 0)
        return;
    text[strcspn(text, "\n")] = '\0';
    log_write(LOG_DEBUG, "libmicrohttpd: %s", text);
}

/* ---- requests ---- */

static void request_free(struct httpd_request *req)
{
    if (req->response)
        MHD_destroy_response(req->response);
    buf_wipe(&req->body);
    free(req->target);
    free(req);
}

static void suspend(struct httpd_request *req)
{
    struct httpd *s = req->server;

    MHD_suspend_connection(req->connection);
    req->phase = HTTPD_SUSPENDED;
    req->prev = s->last;
    *(s->last ? &s->last->next : &s->first) = req;
    s->last = req;
    if (!s->pending)
        s->pending = req;
    s->options.arrived(s->options.arg);
}

/* The connection goes on with req->response, or is closed without one. */
static void resume(struct httpd_request *req)
{
    struct httpd *s = req->server;

    *(req->prev ? &req->prev->next : &s->first) = req->next;
    *(req->next ? &req->next->prev : &s->last) = req->prev;
    req->phase = HTTPD_REPLIED;
    MHD_resume_connection(req->connection);
    if (!s->timer.slot) /* resuming does not make the daemon's descriptor ready */
        loop_timer_start(s->loop, &s->timer, clock_now());
}

/* ---- the daemon's callbacks ---- */

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *message)
{
    char body[128];
    int len = snprintf(body, sizeof body, "{\"statusCode\":%u,\"message\":\"%s\"}", status, message);
    struct MHD_Response *response = MHD_create_response_from_buffer((size_t)len, body, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result = MHD_NO;

    if (!response)
        return MHD_NO;
    if (MHD_add_response_header(response, "Content-Type", "application/json") == MHD_YES &&
        MHD_add_response_header(response, "Connection", "close") == MHD_YES)
        result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* The headers are complete. A body that announces itself as far too large is refused unread. */
static enum MHD_Result on_headers(struct httpd_request *req, const char *method)
{
    const char *length = MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, "Content-Length");
    size_t max_body = req->server->options.max_body;

    snprintf(req->method, sizeof req->method, "%s", method);
    buf_init(&req->body, max_body);
    if (length && strtoull(length, NULL, 10) / DISCARD_FACTOR > max_body)
        return refuse(req->connection, MHD_HTTP_CONTENT_TOO_LARGE, "Request body too large");
    return MHD_YES;
}

static enum MHD_Result on_body(struct httpd_request *req, const char *data, size_t len)
{
    if (!req->too_large && buf_append(&req->body, data, len) == BUF_OK)
        return MHD_YES;
    req->too_large = true;
    buf_reset(&req->body);
    req->discarded += len;
    return req->discarded / DISCARD_FACTOR > req->server->options.max_body ? MHD_NO : MHD_YES;
}

/* Called for the headers, for each piece of the body, at the end, and again after the connection was resumed. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *len, void **context)
{
    struct httpd *s = arg;
    struct httpd_request *req = *context;
    size_t received = *len;

    (void)url;
    (void)version;
    *len = 0;
    if (!req) /* there was no memory for it */
        return MHD_NO;
    if (!req->connection) {
        req->connection = connection;
        return on_headers(req, method);
    }
    if (received)
        return on_body(req, data, received);
    if (req->phase == HTTPD_REPLIED)
        return req->response ? MHD_queue_response(connection, req->status, req->response) : MHD_NO;
    if (req->too_large)
        return refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE, "Request body too large");
    if (s->stopping)
        return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "The server is stopping");
    suspend(req);
    return MHD_YES;
}

/* The request line has arrived. What this returns is the request's context from here to on_completed. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *connection)
{
    struct httpd_request *req = calloc(1, sizeof *req);

    (void)connection;
    if (!req)
        return NULL;
    req->server = arg;
    req->in_daemon = true;
    req->target = strdup(target);
    if (req->target)
        return req;
    free(req);
    return NULL;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode why)
{
    struct httpd_request *req = *context;

    (void)arg;
    (void)connection;
    (void)why;
    *context = NULL;
    if (!req)
        return;
    req->connection = NULL;
    req->server = NULL;
    req->in_daemon = false;
    if (!req->taken)
        request_free(req);
}

/* ---- listening ---- */

/* The length of the address, 0 when `host` is not a loopback address. */
static socklen_t loopback_address(const char *host, int port, struct sockaddr_storage *out)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, host, &in4->sin_addr) == 1 && ntohl(in4->sin_addr.s_addr) >> 24 == 127) {
        in4->sin_family = AF_INET;
        in4->sin_port = htons((uint16_t)port);
        return sizeof *in4;
    }
    if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr)) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        return sizeof *in6;
    }
    return 0;
}

bool httpd_is_loopback(const char *host)
{
    struct sockaddr_storage address;

    return loopback_address(host, 0, &address) > 0;
}

static void close_keeping_errno(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
}

/* A descriptor that listens, and its port; or -1 and errno. */
static int listen_on(const char *host, int *port)
{
    struct sockaddr_storage address;
    socklen_t len = loopback_address(host, *port, &address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); /* a restart need not wait for TIME_WAIT */
    if (bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, SOMAXCONN) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
        *port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                                   : ((struct sockaddr_in6 *)&address)->sin6_port);
        return fd;
    }
    close_keeping_errno(fd);
    return -1;
}

static bool start_daemon(struct httpd *s, int fd)
{
    s->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, s,
                         MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED,
                         on_completed, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                         CONNECTION_MEMORY, MHD_OPTION_CONNECTION_LIMIT, s->options.max_connections, MHD_OPTION_END);
    if (!s->daemon)
        return false;
    s->watch.fd = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    if (loop_watch(s->loop, &s->watch))
        return true;
    close(MHD_quiesce_daemon(s->daemon));
    MHD_stop_daemon(s->daemon);
    return false;
}

struct httpd *httpd_start(struct loop *loop, const struct httpd_options *options)
{
    struct httpd *s = calloc(1, sizeof *s);
    int port = options->port;
    int fd;

    if (!s)
        return NULL;
    fd = listen_on(options->host, &port);
    if (fd < 0) {
        free(s);
        return NULL;
    }
    *s = (struct httpd){.loop = loop, .options = *options, .port = port};
    s->watch = (struct watch){.events = POLLIN, .ready = on_ready};
    s->timer = (struct timer){.fire = on_timer};
    if (start_daemon(s, fd))
        return s;
    free(s);
    errno = ENOMEM;
    return NULL;
}

int httpd_port(const struct httpd *s)
{
    return s->port;
}

void httpd_stop(struct httpd *s)
{
    s->stopping = true;
    loop_unwatch(s->loop, &s->watch);
    close(MHD_quiesce_daemon(s->daemon));
    while (s->first) /* the daemon must not be stopped with suspended connections */
        resume(s->first);
    loop_timer_stop(s->loop, &s->timer);
    for (int i = 0; i < 4; i++) /* send what has been replied */
        MHD_run(s->daemon);
    MHD_stop_daemon(s->daemon);
    free(s);
}

/* ---- whoever answers ---- */

bool httpd_pending(const struct httpd *s)
{
    return s->pending;
}

struct httpd_request *httpd_take(struct httpd *s)
{
    struct httpd_request *req = s->pending;

    if (req) {
        req->taken = true;
        s->pending = req->next;
    }
    return req;
}

struct header_list {
    struct httpd_header *items;
    size_t count, max;
};

static enum MHD_Result add_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value,
                                  size_t value_len)
{
    struct header_list *list = arg;

    (void)kind;
    if (list->count == list->max)
        return MHD_NO;
    list->items[list->count++] = (struct httpd_header){name, value ? value : "", name_len, value ? value_len : 0};
    return MHD_YES;
}

size_t httpd_headers(const struct httpd_request *req, struct httpd_header *out, size_t max)
{
    struct header_list list = {out, 0, max};

    if (req->phase == HTTPD_SUSPENDED)
        MHD_get_connection_values_n(req->connection, MHD_HEADER_KIND, add_header, &list);
    return list.count;
}

enum httpd_result httpd_reply(struct httpd_request *req, unsigned status, const char *body, size_t len,
                              const struct httpd_header *headers, size_t count)
{
    struct MHD_Response *response;

    if (req->phase != HTTPD_SUSPENDED)
        return HTTPD_GONE;
    response = MHD_create_response_from_buffer(len, (void *)(size_t)body, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return HTTPD_NOMEM;
    for (size_t i = 0; i < count; i++) {
        if (MHD_add_response_header(response, headers[i].name, headers[i].value) == MHD_NO) {
            MHD_destroy_response(response);
            return HTTPD_BAD_HEADER;
        }
    }
    req->status = status;
    req->response = response;
    resume(req);
    return HTTPD_OK;
}

void httpd_release(struct httpd_request *req)
{
    if (req->phase == HTTPD_SUSPENDED)
        resume(req);
    req->taken = false;
    if (!req->in_daemon)
        request_free(req);
}
