/* httpd: see httpd.h. The daemon runs in external epoll mode: its epoll descriptor is a watch of the loop. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "descriptors.h"
#include "httpd_own.h"
#include "log.h"
#include "loopback.h"

#define CONNECTION_MEMORY ((size_t)32 << 10) /* request line and headers; the daemon clears it for each request */
#define DISCARD_FACTOR    16 /* a body up to this many times too large is read to its end, so that the client sees the 413 */

#define HELD_LOOK    (200 * NS_PER_MS)
#define LAST_REPLIES NS_PER_S /* for sending what has been replied, when the server stops */

/* ---- driving the daemon ---- */

static void drive(struct httpd *s)
{
    MHD_UNSIGNED_LONG_LONG ms;

    s->freed = false;
    MHD_run(s->daemon);
    if (s->freed) /* at its limit of connections the daemon accepts again in its next run, but asks for none */
        loop_timer_start(s->loop, &s->timer, clock_now());
    else if (MHD_get_timeout(s->daemon, &ms) == MHD_YES)
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

void httpd_free_request(struct httpd_request *req)
{
    if (req->response)
        MHD_destroy_response(req->response);
    buf_wipe(&req->body);
    free(req->target);
    free(req);
}

static struct caller *caller_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

int httpd_socket(const struct httpd_request *req)
{
    return MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static void suspend(struct httpd_request *req)
{
    struct httpd *s = req->server;

    patience_stop(&s->patience, caller_of(req->connection));
    MHD_suspend_connection(req->connection);
    req->phase = HTTPD_SUSPENDED;
    req->prev = s->last;
    *(s->last ? &s->last->next : &s->first) = req;
    s->last = req;
    if (!s->pending)
        s->pending = req;
    s->options.arrived(s->options.arg);
}

void httpd_resume(struct httpd_request *req)
{
    struct httpd *s = req->server;

    *(req->prev ? &req->prev->next : &s->first) = req->next;
    *(req->next ? &req->next->prev : &s->last) = req->prev;
    if (s->pending == req) /* held, or the server stops */
        s->pending = req->next;
    s->sending += req->response != NULL;
    req->phase = HTTPD_REPLIED;
    patience_begin(&s->patience, caller_of(req->connection));
    MHD_resume_connection(req->connection);
    if (!s->timer.slot) /* resuming does not make the daemon's descriptor ready */
        loop_timer_start(s->loop, &s->timer, clock_now());
}

static void on_hold_timer(struct timer *timer)
{
    struct httpd *s = CONTAINER(timer, struct httpd, hold_timer);
    bool any = false;

    for (struct httpd_request *next, *req = s->first; req; req = next) {
        next = req->next;
        if (req->held && patience_has_left(httpd_socket(req)))
            httpd_resume(req);
        else
            any = any || req->held;
    }
    if (any)
        httpd_watch_held(s);
}

void httpd_watch_held(struct httpd *s)
{
    if (!s->hold_timer.slot)
        loop_timer_start(s->loop, &s->hold_timer, clock_now() + HELD_LOOK);
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

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct httpd *s = arg;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        struct caller *caller = *context = calloc(1, sizeof *caller);
        if (!caller) /* its requests find that out */
            return;
        caller->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        patience_begin(&s->patience, caller);
    } else if (*context) {
        patience_stop(&s->patience, *context);
        free(*context);
        *context = NULL;
    }
    s->freed = s->freed || what == MHD_CONNECTION_NOTIFY_CLOSED;
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
    if (!req || !caller_of(connection)) /* there was no memory for it */
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
    struct httpd *s = arg;
    struct httpd_request *req = *context;

    (void)why;
    *context = NULL;
    if (!req)
        return;
    if (caller_of(connection))
        patience_begin(&s->patience, caller_of(connection));
    s->sending -= req->phase == HTTPD_REPLIED && req->response;
    req->connection = NULL;
    req->server = NULL;
    req->in_daemon = false;
    if (!req->taken)
        httpd_free_request(req);
}

/* ---- listening ---- */

static bool start_daemon(struct httpd *s, int fd)
{
    s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, s,
                                 MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
                                 MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
                                 MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
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
    fd = loopback_listen(options->host, &port);
    if (fd < 0) {
        free(s);
        return NULL;
    }
    *s = (struct httpd){.loop = loop, .options = *options, .port = port};
    s->options.max_connections = descriptors_for(options->max_connections);
    s->watch = (struct watch){.events = POLLIN, .ready = on_ready};
    s->timer = (struct timer){.fire = on_timer};
    s->hold_timer = (struct timer){.fire = on_hold_timer};
    patience_init(&s->patience, loop, options->patience);
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

void httpd_quiesce(struct httpd *s)
{
    if (s->quiet)
        return;
    s->quiet = true;
    close(MHD_quiesce_daemon(s->daemon));
    drive(s); /* what has been received already */
    s->stopping = true;
}

/* A client that does not take its reply is not waited for longer than this. */
static void send_the_last(struct httpd *s)
{
    int64_t end = clock_now() + LAST_REPLIES;
    struct pollfd p = {.fd = s->watch.fd, .events = POLLIN};

    MHD_run(s->daemon);
    while (s->sending && clock_now() < end) {
        poll(&p, 1, 10);
        MHD_run(s->daemon);
    }
}

void httpd_stop(struct httpd *s)
{
    httpd_quiesce(s);
    loop_unwatch(s->loop, &s->watch);
    while (s->first) /* the daemon must not be stopped with suspended connections */
        httpd_resume(s->first);
    send_the_last(s);
    loop_timer_stop(s->loop, &s->timer);
    loop_timer_stop(s->loop, &s->hold_timer);
    MHD_stop_daemon(s->daemon);
    patience_end(&s->patience);
    free(s);
}
