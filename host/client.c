/*
 * client: see client.h.
 *
 * A call is in one of four places: the queue (waiting for its turn), running (one exchange on the wire), backing off (its timer
 * runs), or done. pump() is the only function that moves a call from the queue to the wire.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "log.h"
#include "rate.h"
#include "retry.h"

enum { FORBIDDEN_LIMIT = 20 }; /* so many 403 in a row: the credential lacks the permission, whatever the row */

enum place { NOWHERE, QUEUED, RUNNING, BACKING_OFF, DONE };

struct call {
    struct client *client;
    struct call *prev, *next; /* the queue's, while QUEUED; the list of the backing off, while BACKING_OFF */
    enum place place;
    char *text; /* method, URL and body, one after the other, each with its NUL */
    struct exchange exchange;
    unsigned attempts, limit;
    int64_t deadline;   /* clock_now() scale, 0: none */
    int64_t started;    /* of the attempt, clock_now() scale */
    struct timer timer; /* of the back-off */
    struct transfer *transfer;
    struct result result;
    void (*done)(struct call *call, void *arg);
    void *arg;
};

struct call_list {
    struct call *first, *last;
    unsigned count;
};

struct client {
    struct loop *loop;
    struct origin origin;
    struct secret *credential;
    struct transfers *transfers;
    struct curl_slist *headers, *json_headers; /* without and with a body */
    unsigned attempts, jobs, budget;
    int64_t max_time_ms;
    bool read_only, dry_run, allow_self, stopped, has_written;
    enum refused refused;
    unsigned forbidden; /* replies of 403 in a row */
    char why_stopped[160];
    struct rate rate;
    struct timer wake; /* the queue may go on */
    struct call_list queue, waiting;
    struct client_stats stats;
};

/* ---- lists ---- */

static void list_append(struct call_list *list, struct call *call)
{
    call->prev = list->last;
    call->next = NULL;
    *(list->last ? &list->last->next : &list->first) = call;
    list->last = call;
    list->count++;
}

static void list_prepend(struct call_list *list, struct call *call)
{
    call->prev = NULL;
    call->next = list->first;
    *(list->first ? &list->first->prev : &list->last) = call;
    list->first = call;
    list->count++;
}

static void list_remove(struct call_list *list, struct call *call)
{
    *(call->prev ? &call->prev->next : &list->first) = call->next;
    *(call->next ? &call->next->prev : &list->last) = call->prev;
    list->count--;
}

static void leave_place(struct call *call)
{
    struct client *c = call->client;
    if (call->place == QUEUED)
        list_remove(&c->queue, call);
    else if (call->place == BACKING_OFF)
        list_remove(&c->waiting, call);
    else if (call->place == RUNNING)
        c->stats.running--;
    call->place = NOWHERE;
    loop_timer_stop(c->loop, &call->timer);
}

static void finish(struct call *call)
{
    leave_place(call);
    call->place = DONE;
    call->done(call, call->arg);
}

static void finish_unsent(struct call *call, enum failure failure, const char *why)
{
    buf_free(&call->result.body);
    call->result.failure = failure;
    call->result.retry_after_ms = -1;
    snprintf(call->result.message, sizeof call->result.message, "%s", why);
    finish(call);
}

/* ---- one exchange ---- */

static void pump(struct client *c);

enum { TRACED_BODY = 2000 }; /* bytes of a body that a debug message shows */

/* log redacts: neither secrets of tokens nor an echoed credential are shown. */
static void trace_request(const struct call *call)
{
    const struct exchange *x = &call->exchange;
    if (log_enabled(LOG_DEBUG))
        log_write(LOG_DEBUG, "> %s %s (attempt %u)%s%.*s", x->method, x->url, call->attempts, x->body ? " " : "", TRACED_BODY,
                  x->body ? x->body : "");
}

static void trace_reply(const struct call *call)
{
    const struct result *r = &call->result;
    if (log_enabled(LOG_DEBUG))
        log_write(LOG_DEBUG, "< %ld %s%s%s in %lld ms %.*s", r->status, call->exchange.method, r->message[0] ? ": " : "",
                  r->message, (long long)((clock_now() - call->started) / NS_PER_MS), TRACED_BODY, buf_text(&r->body));
}

static void on_backed_off(struct timer *timer)
{
    struct call *call = (struct call *)((char *)timer - offsetof(struct call, timer));
    struct client *c = call->client;
    leave_place(call);
    call->place = QUEUED;
    list_prepend(&c->queue, call); /* it has waited long enough */
    pump(c);
}

/* Pause the origin, not just this call: the server spoke about its load, not about one request. */
static void note_throttling(struct client *c, const struct result *r, int64_t now)
{
    if (r->failure != FAILURE_NONE || (r->status != 429 && r->status != 503))
        return;
    c->stats.throttled++;
    if (r->retry_after_ms <= 0)
        return;
    int64_t until = now + r->retry_after_ms * NS_PER_MS;
    if (until > c->rate.paused_until)
        log_write(LOG_INFO, "%s asks for a pause of %.1f s (HTTP %ld)", c->origin.host, (double)r->retry_after_ms / 1000,
                  r->status);
    rate_pause(&c->rate, until);
}

/* Replies that say something about the credential rather than about the request stop everything. */
static void note_refusal(struct client *c, const struct result *r)
{
    if (r->failure != FAILURE_NONE)
        return;
    c->forbidden = r->status == 403 ? c->forbidden + 1 : 0;
    if (c->refused)
        return;
    if (r->status == 401) {
        c->refused = REFUSED_CREDENTIAL;
        client_stop(c, "not sent: the credential was refused (401)");
    } else if (c->forbidden == FORBIDDEN_LIMIT) {
        c->refused = REFUSED_PERMISSION;
        client_stop(c, "not sent: the credential has no permission (403, many times in a row)");
    }
}

static bool try_again(struct call *call)
{
    struct client *c = call->client;
    uint64_t random;
    arc4random_buf(&random, sizeof random);
    const struct attempt attempt = {
        .number = call->attempts,
        .limit = call->limit,
        .idempotent = call->exchange.may_repeat,
        .result = &call->result,
        .now = clock_now(),
        .deadline = call->deadline,
        .random = random,
        .budget = c->budget,
    };
    struct retry retry = retry_decide(&attempt);
    if (!retry.again || c->stopped)
        return false;
    c->budget -= retry.cost;
    c->stats.retries++;
    log_write(LOG_DEBUG, "%s %s: attempt %u: HTTP %ld %s; again in %.2f s", call->exchange.method, call->exchange.url,
              call->attempts, call->result.status, call->result.message, (double)(retry.due - clock_now()) / (double)NS_PER_S);
    leave_place(call);
    call->place = BACKING_OFF;
    list_append(&c->waiting, call);
    call->timer.fire = on_backed_off;
    return loop_timer_start(c->loop, &call->timer, retry.due);
}

static void on_exchange_done(struct result *result, void *arg)
{
    struct call *call = arg;
    struct client *c = call->client;
    buf_free(&call->result.body);
    call->result = *result;
    call->transfer = NULL;
    c->stats.bytes_received += result->body.len;
    trace_reply(call);
    note_throttling(c, result, clock_now());
    if (result->failure == FAILURE_NONE && result->status < 300 && c->budget < RETRY_BUDGET)
        c->budget++;
    note_refusal(c, result);
    if (!try_again(call))
        finish(call);
    pump(c);
}

static void put_on_wire(struct call *call, int64_t now)
{
    struct client *c = call->client;
    leave_place(call);
    if (call->deadline && now >= call->deadline) {
        finish_unsent(call, FAILURE_TIMEOUT, "the time limit of the call ran out before it could be sent");
        return;
    }
    call->exchange.timeout_ms = call->deadline ? (call->deadline - now + NS_PER_MS - 1) / NS_PER_MS : 0;
    call->transfer = transfer_start(c->transfers, &call->exchange, on_exchange_done, call);
    if (!call->transfer) {
        finish_unsent(call, FAILURE_INTERNAL, "out of memory, or libcurl refused the request");
        return;
    }
    call->place = RUNNING;
    call->attempts++;
    call->started = now;
    trace_request(call);
    c->stats.running++;
    c->stats.exchanges++;
}

static void on_wake(struct timer *timer)
{
    pump((struct client *)((char *)timer - offsetof(struct client, wake)));
}

static void pump(struct client *c)
{
    while (c->queue.first && c->stats.running < c->jobs) {
        int64_t now = clock_now(), due = rate_due(&c->rate, now);
        if (due > now) {
            c->wake.fire = on_wake;
            loop_timer_start(c->loop, &c->wake, due);
            return;
        }
        rate_take(&c->rate, now);
        put_on_wire(c->queue.first, now);
    }
}

/* ---- one call ---- */

/* Why a call must not be sent at all; NULL when it may. */
static const char *guard(const struct client *c, bool is_write, const char *locks_out, enum failure *failure)
{
    *failure = FAILURE_CANCELLED;
    if (c->stopped)
        return c->why_stopped;
    *failure = FAILURE_REFUSED;
    if (is_write && c->read_only)
        return "not sent: --read-only forbids writing";
    if (is_write && c->dry_run)
        return "not sent: --dry-run sends no write";
    if (locks_out && !c->allow_self && strcasecmp(locks_out, secret_token_id(c->credential)) == 0)
        return "not sent: this is the token of the credential in use, which could lock itself out; --allow-self permits it";
    return NULL;
}

/* Before the first write: where it goes, and as whom. An emulator needs no such warning. */
static void announce(struct client *c)
{
    const char *id = secret_token_id(c->credential);
    if (!c->has_written && !c->origin.loopback)
        log_write(LOG_INFO, "writing to %s as %s (credential from %s)", c->origin.host, *id ? id : "an unnamed token",
                  secret_origin(c->credential));
    c->has_written = true;
}

static bool copy_request(struct call *call, const char *method, const char *target, const char *body, size_t len)
{
    const char *base = call->client->origin.url;
    size_t m = strlen(method) + 1, b = strlen(base), t = strlen(target) + 1;
    char *p = call->text = malloc(m + b + t + len + 1);
    if (!p)
        return false;
    call->exchange.method = memcpy(p, method, m);
    call->exchange.url = memcpy(p + m, base, b);
    memcpy(p + m + b, target, t);
    if (body) {
        call->exchange.body = memcpy(p + m + b + t, body, len);
        p[m + b + t + len] = '\0';
        call->exchange.body_len = len;
    }
    return true;
}

struct call *client_call(struct client *client, const char *method, const char *target, const char *body, size_t body_len,
                         const struct call_options *options, void (*done)(struct call *call, void *arg), void *arg)
{
    struct call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    call->client = client;
    if (!copy_request(call, method, target, body, body_len)) {
        free(call);
        return NULL;
    }
    bool safe = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    call->exchange.may_repeat = safe || strcmp(method, "PUT") == 0 || strcmp(method, "DELETE") == 0;
    call->exchange.headers = body ? client->json_headers : client->headers;
    call->limit = options->attempts && options->attempts < client->attempts ? options->attempts : client->attempts;
    int64_t ms = client->max_time_ms;
    if (options->max_time_ms && (!ms || options->max_time_ms < ms))
        ms = options->max_time_ms;
    call->deadline = ms ? clock_now() + ms * NS_PER_MS : 0;
    call->done = done;
    call->arg = arg;
    client->stats.calls++;
    enum failure failure;
    const char *why = guard(client, !safe, options->locks_out, &failure);
    if (why) {
        finish_unsent(call, failure, why);
        return call;
    }
    if (!safe)
        announce(client);
    call->place = QUEUED;
    list_append(&client->queue, call);
    pump(client);
    return call;
}

void call_free(struct call *call)
{
    if (!call)
        return;
    if (call->transfer)
        transfer_cancel(call->transfer);
    leave_place(call);
    buf_wipe(&call->result.body); /* it may hold a token's secret */
    free(call->text);
    free(call);
}

struct result *call_result(struct call *call)
{
    return &call->result;
}

unsigned call_attempts(const struct call *call)
{
    return call->attempts;
}

const char *call_target(const struct call *call)
{
    return call->exchange.url + strlen(call->client->origin.url);
}

/* ---- the client ---- */

void client_stop(struct client *client, const char *why)
{
    if (!client->stopped)
        snprintf(client->why_stopped, sizeof client->why_stopped, "%s", why);
    client->stopped = true;
    while (client->queue.first)
        finish_unsent(client->queue.first, FAILURE_CANCELLED, client->why_stopped);
    /* A call that waits for its next attempt has been sent: its last outcome is what is known about it. */
    while (client->waiting.first)
        finish(client->waiting.first);
}

/* libcurl copies header lines into each request; ours is the only long-lived copy. */
static struct curl_slist *make_headers(const char *authorization, const char *content_type)
{
    /* "Expect:" keeps libcurl from adding one to a body over 1 MiB and waiting a second for the answer. */
    const char *lines[] = {authorization, "Accept: application/json", content_type, "Expect:"};
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < sizeof lines / sizeof *lines && lines[i]; i++) {
        struct curl_slist *longer = curl_slist_append(list, lines[i]);
        if (!longer) {
            curl_slist_free_all(list);
            return NULL;
        }
        list = longer;
    }
    return list;
}

static void wipe_headers(struct curl_slist *list)
{
    for (struct curl_slist *h = list; h; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(list);
}

static bool set_headers(struct client *client)
{
    char line[SECRET_MAX + 32];
    snprintf(line, sizeof line, "Authorization: Bearer %s", secret_value(client->credential));
    client->headers = make_headers(line, NULL);
    client->json_headers = make_headers(line, "Content-Type: application/json");
    explicit_bzero(line, sizeof line);
    return client->headers && client->json_headers;
}

struct client *client_new(struct loop *loop, const struct client_config *config, char *err)
{
    struct client *c = calloc(1, sizeof *c);
    if (!c) {
        secret_free(config->credential);
        snprintf(err, ERROR_SIZE, "out of memory");
        return NULL;
    }
    c->loop = loop;
    c->origin = config->origin;
    c->credential = config->credential;
    c->attempts = config->attempts ? config->attempts : 1;
    c->jobs = config->jobs ? config->jobs : 1;
    c->budget = RETRY_BUDGET;
    c->max_time_ms = config->max_time_ms;
    c->read_only = config->read_only;
    c->dry_run = config->dry_run;
    c->allow_self = config->allow_self;
    rate_init(&c->rate, config->rate);
    const struct transfer_config transfer_config = {
        .user_agent = config->user_agent,
        .max_body = config->max_body,
        .max_headers = 256 * 1024,
        .connect_timeout_ms = config->connect_timeout_ms,
        .total_timeout_ms = config->exchange_timeout_ms,
        .max_connections = (long)c->jobs,
        .loopback = c->origin.loopback,
        .ca_file = config->ca_file,
        .cert_file = config->cert_file,
        .key_file = config->key_file,
        .proxy = config->proxy,
    };
    c->transfers = transfers_new(loop, &transfer_config);
    if (!c->transfers || !set_headers(c)) {
        client_free(c);
        snprintf(err, ERROR_SIZE, "out of memory");
        return NULL;
    }
    return c;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    loop_timer_stop(client->loop, &client->wake);
    transfers_free(client->transfers);
    wipe_headers(client->headers);
    wipe_headers(client->json_headers);
    secret_free(client->credential);
    free(client);
}

enum refused client_refused(const struct client *client)
{
    return client->refused;
}

bool client_dry_run(const struct client *client)
{
    return client->dry_run;
}

const struct origin *client_origin(const struct client *client)
{
    return &client->origin;
}

const char *client_credential_origin(const struct client *client)
{
    return secret_origin(client->credential);
}

const char *client_token_id(const struct client *client)
{
    return secret_token_id(client->credential);
}

struct client_stats client_stats(const struct client *client)
{
    struct client_stats stats = client->stats;
    stats.waiting = client->queue.count + client->waiting.count;
    stats.paused_until = client->rate.paused_until;
    return stats;
}
