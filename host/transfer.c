/* transfer: see transfer.h. */
#include "transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "certificate.h"
#include "clock.h"
#include "retry.h"

enum {
    IDLE_SECONDS = 60,      /* a connection that has waited longer is not used again: many proxies drop it without a word */
    LIFETIME_SECONDS = 300, /* nor one that is older, so that changes of DNS and load balancing take effect */
    SLOWEST_BYTES = 1,      /* a second, on average over … */
    SLOW_SECONDS = 30,
};

struct transfer {
    struct loop_transfer base; /* first: the loop hands this back */
    struct transfers *all;
    struct transfer *prev, *next; /* among the running or, by next alone, the idle */
    CURL *easy;
    struct certificate_note *certificate;
    struct result result;
    size_t header_bytes;
    bool headers_whole, connected, resend_refused;
    const char *body; /* what is still to be read, for exchanges that must not repeat */
    size_t body_left;
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

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    t->header_bytes += size * count;
    t->headers_whole = bytes[0] == '\r' || bytes[0] == '\n'; /* the blank line that ends them */
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
    (void)arg;
    (void)offset;
    (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

/*
 * The request is about to be sent; for the second time, when the used connection that it went out on died without a reply.
 * Whether that may be is client's decision, who counts the attempts, and knows what must not be repeated.
 */
static int on_connected(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    struct transfer *t = arg;
    const struct transfer_config *c = &t->all->config;
    t->resend_refused = t->connected;
    if (t->resend_refused)
        return CURL_PREREQFUNC_ABORT;
    t->connected = true;
    if (c->connected)
        c->connected(c->connected_arg);
    return CURL_PREREQFUNC_OK;
}

/* ---- from libcurl's outcome to a result ---- */

static enum failure classify(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return FAILURE_NONE;
    case CURLE_OPERATION_TIMEDOUT:
        return FAILURE_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return FAILURE_CERTIFICATE;
    case CURLE_BAD_CONTENT_ENCODING:
        return FAILURE_UNUSABLE;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_FUNCTION_ARGUMENT:
        return FAILURE_INTERNAL;
    default:
        return FAILURE_TRANSPORT;
    }
}

static const char *header(CURL *easy, const char *name)
{
    struct curl_header *h;
    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : NULL;
}

static bool says_json(const char *type)
{
    return type && (strncasecmp(type, "application/json", 16) == 0 || strncasecmp(type, "application/problem+json", 24) == 0 ||
                    strncasecmp(type, "text/json", 9) == 0);
}

/* Only the origin: the rest of the address may carry a token of its own. */
static void describe_redirect(struct transfer *t)
{
    char *target = NULL, *scheme = NULL, *host = NULL, *port = NULL;
    curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &target);
    CURLU *url = target ? curl_url() : NULL;
    if (url && curl_url_set(url, CURLUPART_URL, target, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
        curl_url_get(url, CURLUPART_HOST, &host, 0);
        curl_url_get(url, CURLUPART_PORT, &port, 0);
    }
    if (scheme)
        snprintf(t->result.message, sizeof t->result.message, "redirect to %s://%s%s%s not followed", scheme, host ? host : "",
                 port ? ":" : "", port ? port : "");
    else
        snprintf(t->result.message, sizeof t->result.message, "redirect to an unknown host not followed");
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
}

static void fill_reply(struct transfer *t)
{
    struct result *r = &t->result;
    char *type = NULL;
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    r->is_json = says_json(type);
    if (r->status >= 300) {
        const char *after = header(t->easy, "Retry-After");
        r->retry_after_ms = after ? retry_after_ms(after, header(t->easy, "Date"), clock_wall_ms()) : -1;
    }
    if (r->status >= 300 && r->status < 400)
        describe_redirect(t);
}

static void describe_failure(struct transfer *t, CURLcode code)
{
    struct result *r = &t->result;
    if (t->resend_refused) {
        snprintf(r->message, sizeof r->message, "the connection, which had been used before, was closed without a reply");
        return;
    }
    if (r->failure == FAILURE_TRANSPORT && certificate_refusal(t->certificate, r->message, sizeof r->message)) {
        r->failure = FAILURE_CERTIFICATE;
        return;
    }
    const char *certificate = code == CURLE_PEER_FAILED_VERIFICATION ? certificate_text(t->certificate) : "", *hint = "";
    if (code == CURLE_SSL_CERTPROBLEM)
        hint = "; --cert and --key take PEM files that need no pass phrase";
    else if (r->failure == FAILURE_TRANSPORT && certificate_asked(t->certificate))
        hint = "; the server asked for a client certificate, which --cert and --key give";
    snprintf(r->message, sizeof r->message, "%s%s%s%s", t->error[0] ? t->error : curl_easy_strerror(code),
             *certificate ? "; the certificate is of " : "", certificate, hint);
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

static void fail(struct transfer *t, enum failure failure, const char *message)
{
    t->result.failure = failure;
    snprintf(t->result.message, sizeof t->result.message, "%s", message);
}

/* What libcurl's code does not tell, or tells wrongly. */
static void judge(struct transfer *t, CURLcode code)
{
    struct result *r = &t->result;
    if (r->failure != FAILURE_NONE) /* a callback of ours knows better why it stopped */
        return;
    if (code == CURLE_UNSUPPORTED_PROTOCOL && r->sent)
        fail(t, FAILURE_TRANSPORT, "the reply is not HTTP");
    else if (code == CURLE_OUT_OF_MEMORY && r->sent && !t->headers_whole) /* libcurl takes 100 KB a line */
        fail(t, FAILURE_UNUSABLE, "a header of the reply is too large");
    else if (code == CURLE_OK && !t->headers_whole && r->body.len == 0) /* libcurl 7.88 takes this for a reply */
        fail(t, FAILURE_TRANSPORT, "the reply was cut off within its headers");
    else
        r->failure = classify(code);
}

/* The head says what matters. Whether the body of an error came is no reason to ask again, or not to heed a 401. */
static bool is_error_without_body(const struct transfer *t)
{
    const struct result *r = &t->result;
    return t->headers_whole && r->status >= 300 && r->failure != FAILURE_NONE && r->failure != FAILURE_INTERNAL;
}

static void on_finished(struct loop_transfer *base, CURLcode code)
{
    struct transfer *t = (struct transfer *)base;
    struct result *r = &t->result;
    long request_bytes = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &r->status);
    curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    r->sent = t->connected && request_bytes > 0; /* what a proxy was sent to reach the server does not count */
    judge(t, code);
    if (r->failure != FAILURE_NONE && !r->message[0])
        describe_failure(t, code);
    if (r->failure != FAILURE_NONE)
        buf_wipe(&r->body);
    if (is_error_without_body(t))
        r->failure = FAILURE_NONE;
    if (r->failure == FAILURE_NONE)
        fill_reply(t);

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
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
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
    if (c->ca_file) { /* in place of both of the system's */
        SET(CURLOPT_CAINFO, c->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (c->cert_file)
        SET(CURLOPT_SSLCERT, c->cert_file);
    if (c->key_file)
        SET(CURLOPT_SSLKEY, c->key_file);
    SET(CURLOPT_KEYPASSWD, ""); /* rather fail than have OpenSSL ask for it on the terminal */
    return well;
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
        if (!t->certificate || !set_options(t)) {
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
    /* Without a body there is nothing to rewind, so only a new connection keeps libcurl from resending. */
    SET(CURLOPT_FRESH_CONNECT, x->body_len > 0 || x->may_repeat ? 0L : 1L);
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
    t->headers_whole = t->connected = t->resend_refused = false;
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
