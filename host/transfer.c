/* transfer: see transfer.h. */
#include "transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certificate.h"
#include "outcome.h"
#include "sockets.h"
#include "tls.h"

enum {
    IDLE_SECONDS = 60,      /* a connection that has waited longer is not used again: many proxies drop it without a word */
    LIFETIME_SECONDS = 300, /* nor one that is older, so that changes of DNS and load balancing take effect */
    SLOWEST_BYTES = 1,      /* a second, on average over … */
    SLOW_SECONDS = 30,
};

static const char NO_REPLY[] = "the connection, which had been used before, was closed without a reply";

struct transfer {
    struct loop_transfer base; /* first: the loop hands this back */
    struct transfers *all;
    struct transfer *prev, *next; /* among the running or, by next alone, the idle */
    CURL *easy;
    struct certificate_note *certificate;
    struct result result;
    size_t header_bytes;
    bool headers_whole, connected;
    const char *not_used; /* see outcome.h */
    const char *body;     /* what is still to be read, for exchanges that must not repeat */
    size_t body_left;
    struct facts *facts; /* of the exchange; may be NULL */
    void (*done)(struct result *result, void *arg);
    void *arg;
    char error[CURL_ERROR_SIZE];
};

struct transfers {
    struct loop *loop;
    struct transfer_config config;
    struct transfer *idle, *running;
};

/* ---- libcurl's callbacks: they only fill buffers ---- */

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    switch (buf_append(&t->result.body, bytes, size * count)) {
    case BUF_OK:
        return size * count;
    case BUF_FULL:
        t->result.failure = FAILURE_UNUSABLE;
        snprintf(t->result.message, sizeof t->result.message, "the reply is larger than %zu bytes", t->result.body.cap);
        return 0;
    default:
        t->result.failure = FAILURE_INTERNAL;
        return 0;
    }
}

/* Of this head: one may follow an interim reply (1xx), and the lines of a trailer follow the body. */
static bool ends_head(bool whole, const char *line, size_t len)
{
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
        return false;
    return whole || line[0] == '\r' || line[0] == '\n';
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    t->header_bytes += size * count;
    t->headers_whole = ends_head(t->headers_whole, bytes, size * count);
    if (t->header_bytes <= t->all->config.max_headers)
        return size * count;
    t->result.failure = FAILURE_UNUSABLE;
    snprintf(t->result.message, sizeof t->result.message, "the headers of the reply are larger than %zu bytes",
             t->all->config.max_headers);
    return 0;
}

static size_t on_read(char *into, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t n = size * count < t->body_left ? size * count : t->body_left;
    if (n > 0)
        memcpy(into, t->body, n);
    t->body += n;
    t->body_left -= n;
    return n;
}

/* libcurl resends on a reused connection that died. Refusing to rewind is what keeps a POST from being sent twice. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    (void)offset;
    (void)origin;
    ((struct transfer *)arg)->not_used = NO_REPLY;
    return CURL_SEEKFUNC_FAIL;
}

/*
 * The request is about to be sent; for the second time, when the used connection that it went out on died without a reply.
 * Whether that may be is client's decision, who counts the attempts, and knows what must not be repeated.
 */
static int on_connected(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    (void)ip, (void)local_ip, (void)port;
    struct transfer *t = arg;
    const struct transfer_config *c = &t->all->config;
    if (t->connected)
        t->not_used = NO_REPLY;
    else if (!c->http2 && sockets_is_stale(local_port)) /* HTTP/2 has frames of its own between exchanges */
        t->not_used = "the connection, which had been used before, holds something that nobody asked for; nothing was sent";
    if (!t->not_used && c->connected && !c->connected(c->connected_arg)) {
        t->not_used = "there was a connection, but it was too late to send anything";
        t->result.failure = FAILURE_CANCELLED;
    }
    if (t->not_used)
        return CURL_PREREQFUNC_ABORT;
    t->connected = true;
    return CURL_PREREQFUNC_OK;
}

static void give_back(struct transfer *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        t->all->running = t->next;
    if (t->next)
        t->next->prev = t->prev;
    t->next = t->all->idle;
    t->all->idle = t;
}

static void on_finished(struct loop_transfer *base, CURLcode code)
{
    struct transfer *t = (struct transfer *)base;
    struct result *r = &t->result;
    const struct outcome outcome = {
        .easy = t->easy,
        .code = code,
        .error = t->error,
        .certificate = t->certificate,
        .headers_whole = t->headers_whole,
        .connected = t->connected,
        .not_used = t->not_used,
    };
    outcome_judge(r, &outcome);
    if (t->facts)
        facts_fill(t->facts, t->easy, code, t->connected, t->certificate);

    /* Back to the pool first: `done` may start the next exchange, and shall find this handle and its connection free. */
    struct result mine = *r;
    buf_init(&r->body, t->all->config.max_body);
    give_back(t);
    t->done(&mine, t->arg);
}

/* ---- the pool ---- */

#define SET(option, value) (well = curl_easy_setopt(e, option, value) == CURLE_OK && well)

/* False: without one of them, an exchange would not be the one that was meant. */
static bool set_options(struct transfer *t)
{
    const struct transfer_config *c = &t->all->config;
    CURL *e = t->easy;
    bool well = true;
    SET(CURLOPT_ERRORBUFFER, t->error);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, t);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, t);
    SET(CURLOPT_READFUNCTION, on_read);
    SET(CURLOPT_READDATA, t);
    SET(CURLOPT_SEEKFUNCTION, on_seek);
    SET(CURLOPT_SEEKDATA, t);
    SET(CURLOPT_PREREQFUNCTION, on_connected);
    SET(CURLOPT_PREREQDATA, t);
    SET(CURLOPT_USERAGENT, c->user_agent);
    SET(CURLOPT_ACCEPT_ENCODING, "gzip");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PATH_AS_IS, 1L); /* an id of dots must not climb */
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_PROTOCOLS_STR, c->loopback ? "http,https" : "https");
    SET(CURLOPT_HTTP_VERSION, c->http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PIPEWAIT, c->http2 ? 1L : 0L); /* rather wait for a stream than connect once more */
    SET(CURLOPT_CONNECTTIMEOUT_MS, c->connect_timeout_ms);
    SET(CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST_BYTES);
    SET(CURLOPT_LOW_SPEED_TIME, (long)SLOW_SECONDS);
    SET(CURLOPT_MAXAGE_CONN, (long)IDLE_SECONDS);
    SET(CURLOPT_MAXLIFETIME_CONN, (long)LIFETIME_SECONDS);
    SET(CURLOPT_QUICK_EXIT, 1L);                       /* do not wait for the resolver when leaving */
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* the credential is not for proxies */
    if (c->loopback)
        SET(CURLOPT_PROXY, "");
    else if (c->proxy)
        SET(CURLOPT_PROXY, c->proxy);
    return tls_set(e, c->ca_file, c->cert_file, c->key_file) && well;
}

static void dispose(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    certificate_forget(t->certificate);
    buf_wipe(&t->result.body);
    free(t);
}

static struct transfer *take(struct transfers *all)
{
    struct transfer *t = all->idle;
    if (t) {
        all->idle = t->next;
    } else {
        t = calloc(1, sizeof *t);
        if (!t)
            return NULL;
        t->easy = curl_easy_init();
        t->certificate = t->easy ? certificate_watch(t->easy) : NULL;
        t->base.finished = on_finished;
        t->all = all;
        buf_init(&t->result.body, all->config.max_body);
        if (!t->certificate || !sockets_watch(t->easy) || !set_options(t)) {
            dispose(t);
            return NULL;
        }
    }
    t->prev = NULL;
    t->next = all->running;
    if (all->running)
        all->running->prev = t;
    all->running = t;
    return t;
}

struct transfers *transfers_new(struct loop *loop, const struct transfer_config *config)
{
    struct transfers *all = calloc(1, sizeof *all);
    if (!all)
        return NULL;
    all->loop = loop;
    all->config = *config;
    curl_multi_setopt(loop_multi(loop), CURLMOPT_MAX_TOTAL_CONNECTIONS, config->max_connections);
    curl_multi_setopt(loop_multi(loop), CURLMOPT_MAXCONNECTS, config->max_connections);
    return all;
}

void transfers_free(struct transfers *all)
{
    if (!all)
        return;
    while (all->running)
        transfer_cancel(all->running);
    while (all->idle) {
        struct transfer *t = all->idle;
        all->idle = t->next;
        dispose(t);
    }
    free(all);
}

/* ---- one exchange ---- */

static bool set_exchange(struct transfer *t, const struct exchange *x)
{
    CURL *e = t->easy;
    bool well = true;
    long timeout = t->all->config.total_timeout_ms;
    if (x->timeout_ms > 0 && x->timeout_ms < timeout)
        timeout = (long)x->timeout_ms;
    bool by_reader = x->body && !x->may_repeat;
    if (x->body) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body_len);
        SET(CURLOPT_POSTFIELDS, by_reader ? NULL : x->body);
    } else {
        SET(CURLOPT_HTTPGET, 1L);
    }
    t->body = x->body;
    t->body_left = by_reader ? x->body_len : 0;
    SET(CURLOPT_CUSTOMREQUEST, x->method);
    SET(CURLOPT_URL, x->url);
    SET(CURLOPT_HTTPHEADER, x->headers);
    SET(CURLOPT_TIMEOUT_MS, timeout);
    return well;
}

static void reset_result(struct transfer *t)
{
    struct result *r = &t->result;
    buf_wipe(&r->body); /* what a cut-off exchange left */
    *r = (struct result){.body = {.cap = t->all->config.max_body}, .retry_after_ms = -1};
    t->header_bytes = 0;
    t->headers_whole = t->connected = false;
    t->not_used = NULL;
    t->error[0] = '\0';
    certificate_begin(t->certificate);
}

struct transfer *transfer_start(struct transfers *all, const struct exchange *exchange,
                                void (*done)(struct result *result, void *arg), void *arg)
{
    struct transfer *t = take(all);
    if (!t)
        return NULL;
    reset_result(t);
    t->facts = exchange->facts;
    t->done = done;
    t->arg = arg;
    if (!set_exchange(t, exchange) || loop_transfer_add(all->loop, t->easy, &t->base) != CURLM_OK) {
        give_back(t);
        return NULL;
    }
    return t;
}

void transfer_cancel(struct transfer *transfer)
{
    loop_transfer_remove(transfer->all->loop, transfer->easy);
    give_back(transfer);
}

bool transfer_connected(const struct transfer *transfer)
{
    return transfer->connected;
}
