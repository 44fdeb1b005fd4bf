/*
 * link: see link.h. While it connects, libcurl says which sockets to watch and when to be called (curl_multi_socket_action);
 * from then on the one socket is watched here.
 */
#include "link.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "certificate.h"
#include "clock.h"
#include "outcome.h"
#include "tls.h"

enum {
    MOST_SOCKETS = 8, /* of one attempt to connect: two addresses, and what tells of the name */
    KEEPALIVE_SECONDS = 30,
    KEEPALIVE_INTERVAL = 10,
};

#define NOT_TLS "; what answers there does not seem to speak TLS"

struct attempt { /* a socket that libcurl wants to have watched */
    struct watch watch;
    struct link *link;
};

struct link {
    struct loop *loop;
    CURLM *multi;
    CURL *easy;
    CURLU *url;
    struct certificate_note *certificate;
    struct link_owner owner;
    struct timer timer; /* libcurl's */
    struct attempt attempts[MOST_SOCKETS];
    struct watch watch; /* of the connection */
    bool added, connecting;
    bool proven; /* something came from the server */
    enum failure failure;
    char text[sizeof((struct result *)0)->message + sizeof NOT_TLS];
    char error[CURL_ERROR_SIZE];
};

/* ---- what becomes of it ---- */

static void let_go_of_attempts(struct link *link)
{
    link->connecting = false;
    loop_timer_stop(link->loop, &link->timer);
    for (size_t i = 0; i < MOST_SOCKETS; i++)
        loop_unwatch(link->loop, &link->attempts[i].watch);
}

static bool is_handshake_unanswered(const struct link *link, CURLcode code)
{
    return code == CURLE_OPERATION_TIMEDOUT && certificate_handshake_began(link->certificate) &&
           !certificate_protocol(link->certificate);
}

static enum link_io fail(struct link *link, CURLcode code)
{
    struct result r = {.retry_after_ms = -1};
    outcome_judge(&r, &(struct outcome){
                          .easy = link->easy,
                          .code = code,
                          .error = link->error,
                          .certificate = link->certificate,
                      });
    loop_unwatch(link->loop, &link->watch);
    link->failure = r.failure;
    snprintf(link->text, sizeof link->text, "%s%s", r.message, is_handshake_unanswered(link, code) ? NOT_TLS : "");
    return LINK_BROKEN;
}

static void on_ready(struct watch *watch, short revents)
{
    (void)revents; /* also of an error or the end: receiving tells */
    struct link *link = (struct link *)((char *)watch - offsetof(struct link, watch));
    link->owner.ready(link->owner.arg);
}

static bool watch_connection(struct link *link)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    curl_easy_getinfo(link->easy, CURLINFO_ACTIVESOCKET, &fd);
    link->watch = (struct watch){.fd = fd, .events = POLLIN, .ready = on_ready, .background = true};
    return fd != CURL_SOCKET_BAD && loop_watch(link->loop, &link->watch);
}

static void finish_connecting(struct link *link, CURLcode code)
{
    let_go_of_attempts(link);
    if (code == CURLE_OK) {
        link->error[0] = '\0'; /* libcurl may have written there in spite of it */
        code = watch_connection(link) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
    }
    if (code != CURLE_OK)
        fail(link, code);
    link->owner.connected(link->owner.arg, code == CURLE_OK);
}

/* ---- libcurl's multi interface, by sockets ---- */

static void go_on_connecting(struct link *link, curl_socket_t fd, int events)
{
    int left;
    CURLMcode code = curl_multi_socket_action(link->multi, fd, events, &left);
    CURLMsg *message = curl_multi_info_read(link->multi, &left);
    if (message && message->msg == CURLMSG_DONE)
        finish_connecting(link, message->data.result);
    else if (code != CURLM_OK)
        finish_connecting(link, CURLE_OUT_OF_MEMORY); /* it does not go on, and says no more */
}

static void on_attempt(struct watch *watch, short revents)
{
    struct attempt *attempt = (struct attempt *)watch;
    int events = (revents & POLLIN ? CURL_CSELECT_IN : 0) | (revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
                 (revents & (POLLERR | POLLHUP | POLLNVAL) ? CURL_CSELECT_ERR : 0);
    go_on_connecting(attempt->link, watch->fd, events);
}

static void on_timer(struct timer *timer)
{
    struct link *link = (struct link *)((char *)timer - offsetof(struct link, timer));
    go_on_connecting(link, CURL_SOCKET_TIMEOUT, 0);
}

static struct attempt *attempt_on(struct link *link, curl_socket_t fd)
{
    struct attempt *unused = NULL;
    for (size_t i = 0; i < MOST_SOCKETS; i++) {
        struct attempt *attempt = &link->attempts[i];
        if (attempt->watch.slot && attempt->watch.fd == fd)
            return attempt;
        if (!attempt->watch.slot)
            unused = attempt;
    }
    if (unused)
        *unused = (struct attempt){.watch = {.fd = fd, .ready = on_attempt}, .link = link};
    return unused;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    (void)easy, (void)unused;
    struct link *link = arg;
    struct attempt *attempt = link->connecting ? attempt_on(link, fd) : NULL;
    if (!attempt)
        return link->connecting ? -1 : 0;
    attempt->watch.events = (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    if (what == CURL_POLL_REMOVE)
        loop_unwatch(link->loop, &attempt->watch);
    else if (!loop_watch(link->loop, &attempt->watch))
        return -1;
    return 0;
}

static int on_wanted_timer(CURLM *multi, long ms, void *arg)
{
    (void)multi;
    struct link *link = arg;
    if (ms < 0 || !link->connecting) {
        loop_timer_stop(link->loop, &link->timer);
        return 0;
    }
    return loop_timer_start(link->loop, &link->timer, clock_now() + ms * NS_PER_MS) ? 0 : -1;
}

/* ---- the handles ---- */

/* Not for programs that we start. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)arg, (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static CURLUcode set_host(CURLU *url, const char *host)
{
    char text[300];
    bool bare = strchr(host, ':') && host[0] != '['; /* an address of IPv6 */
    int len = snprintf(text, sizeof text, bare ? "[%s]" : "%s", host);
    return len < (int)sizeof text ? curl_url_set(url, CURLUPART_HOST, text, 0) : CURLUE_BAD_HOSTNAME;
}

bool link_is_host(const char *host)
{
    CURLU *url = curl_url();
    CURLUcode code = url ? set_host(url, host) : CURLUE_OUT_OF_MEMORY;
    curl_url_cleanup(url);
    return code == CURLUE_OK || code == CURLUE_OUT_OF_MEMORY;
}

/* The schemes only say whether there is TLS; nothing of HTTP is spoken. */
static bool set_url(struct link *link, const struct link_options *o)
{
    char port[16];
    snprintf(port, sizeof port, "%d", o->port);
    link->url = curl_url();
    return link->url && curl_url_set(link->url, CURLUPART_SCHEME, o->tls ? "https" : "http", 0) == CURLUE_OK &&
           set_host(link->url, o->host) == CURLUE_OK && curl_url_set(link->url, CURLUPART_PORT, port, 0) == CURLUE_OK;
}

#define SET(option, value) (well = curl_easy_setopt(e, option, value) == CURLE_OK && well)

/* False: without one of them, it would not be the connection that was meant. */
static bool set_options(struct link *link, const struct link_options *o)
{
    CURL *e = link->easy;
    bool well = true;
    SET(CURLOPT_ERRORBUFFER, link->error);
    SET(CURLOPT_CURLU, link->url);
    SET(CURLOPT_CONNECT_ONLY, 1L);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROXY, ""); /* also none of the environment's */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_SSL_ENABLE_ALPN, 0L);
    SET(CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)o->timeout_ms);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_SECONDS);
    SET(CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL);
    SET(CURLOPT_QUICK_EXIT, 1L); /* do not wait for the resolver when leaving */
    curl_multi_setopt(link->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(link->multi, CURLMOPT_SOCKETDATA, link);
    curl_multi_setopt(link->multi, CURLMOPT_TIMERFUNCTION, on_wanted_timer);
    curl_multi_setopt(link->multi, CURLMOPT_TIMERDATA, link);
    return tls_set(e, o->ca_file, o->cert_file, o->key_file) && well;
}

struct link *link_open(struct loop *loop, const struct link_options *options, const struct link_owner *owner)
{
    struct link *link = calloc(1, sizeof *link);
    if (!link)
        return NULL;
    link->loop = loop;
    link->owner = *owner;
    link->timer.fire = on_timer;
    link->connecting = true;
    link->multi = curl_multi_init();
    link->easy = curl_easy_init();
    link->certificate = link->easy ? certificate_watch(link->easy) : NULL;
    if (link->multi && link->certificate && set_url(link, options) && set_options(link, options))
        link->added = curl_multi_add_handle(link->multi, link->easy) == CURLM_OK;
    if (link->added)
        return link;
    link_free(link);
    return NULL;
}

void link_free(struct link *link)
{
    if (!link)
        return;
    let_go_of_attempts(link);
    loop_unwatch(link->loop, &link->watch);
    if (link->added)
        curl_multi_remove_handle(link->multi, link->easy); /* closes the connection */
    curl_easy_cleanup(link->easy);
    curl_multi_cleanup(link->multi);
    curl_url_cleanup(link->url);
    certificate_forget(link->certificate);
    free(link);
}

/* ---- bytes ---- */

enum link_io link_receive(struct link *link, char *into, size_t size, size_t *count)
{
    CURLcode code = curl_easy_recv(link->easy, into, size, count);
    if (code == CURLE_AGAIN)
        return LINK_AGAIN;
    if (code == CURLE_OK && *count == 0) {
        code = CURLE_RECV_ERROR;
        snprintf(link->error, sizeof link->error, "the server closed the connection");
    }
    if (code != CURLE_OK)
        return fail(link, code);
    if (!link->proven)
        certificate_begin(link->certificate); /* it was content with ours, or with none */
    link->proven = true;
    return LINK_OK;
}

enum link_io link_send(struct link *link, const char *bytes, size_t len, size_t *count)
{
    CURLcode code = curl_easy_send(link->easy, bytes, len, count);
    if (code == CURLE_OK)
        return LINK_OK;
    if (code == CURLE_AGAIN)
        return LINK_AGAIN;
    char byte;
    curl_easy_recv(link->easy, &byte, 1, count); /* the server may have said why it closed: certificate hears it */
    *count = 0;
    return fail(link, code);
}

void link_want_to_send(struct link *link, bool want)
{
    link->watch.events = (short)(want ? POLLIN | POLLOUT : POLLIN);
}

enum failure link_failure(const struct link *link)
{
    return link->failure;
}

const char *link_failure_text(const struct link *link)
{
    return link->text;
}
