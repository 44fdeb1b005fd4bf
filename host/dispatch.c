/*
 * dispatch: see dispatch.h. dispatch_pump() is the only function that moves a call from the queue to the wire, and the governor
 * says when.
 */
#include "dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "random.h"
#include "redact.h"
#include "retry.h"

enum { TRACED_BODY = 2000 }; /* bytes of a body that a debug message shows */

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

static struct call_list *list_of(struct call *call)
{
    struct client *c = call->client;
    switch (call->place) {
    case QUEUED:
        return &c->queue;
    case RUNNING:
        return &c->running;
    case BACKING_OFF:
        return &c->waiting;
    default:
        return NULL;
    }
}

static void leave_place(struct call *call)
{
    struct call_list *list = list_of(call);
    if (list)
        list_remove(list, call);
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): that there is no list does not mean that there is no client
    if (!call->client->queue.first) /* nobody is left to be woken for */
        loop_timer_stop(call->client->loop, &call->client->wake);
    call->place = NOWHERE;
    loop_timer_stop(call->client->loop, &call->timer);
}

static void finish(struct call *call)
{
    leave_place(call);
    call->place = DONE;
    call->done(call, call->arg);
}

void dispatch_finish_unsent(struct call *call, enum failure failure, const char *why)
{
    buf_free(&call->result.body);
    call->result.failure = failure;
    call->result.retry_after_ms = -1;
    snprintf(call->result.message, sizeof call->result.message, "%.*s", (int)sizeof call->result.message - 1, why);
    finish(call);
}

/* ---- one exchange ---- */

/* The beginning of a body. Masked first and cut second: half a secret would not be known for one. */
static const char *beginning(struct buf *shown, const char *body, size_t len)
{
    buf_init(shown, TRACED_BODY);
    redact_append(shown, body, len);
    return buf_text(shown);
}

static void log_request(const struct call *call)
{
    if (!log_enabled(LOG_DEBUG))
        return;
    const struct exchange *x = &call->exchange;
    struct buf shown;
    const char *body = beginning(&shown, x->body, x->body_len);
    log_write(LOG_DEBUG, "> %s %s (attempt %u, traceparent %s)%s%s%s", x->method, x->url, call->attempts,
              call_traceparent(call), *body ? " " : "", body, shown.len == TRACED_BODY ? "…" : "");
    buf_wipe(&shown);
}

static void log_reply(const struct call *call)
{
    if (!log_enabled(LOG_DEBUG))
        return;
    const struct result *r = &call->result;
    int64_t ms = (clock_now() - call->started) / NS_PER_MS;
    struct buf shown;
    const char *body = beginning(&shown, r->body.data, r->body.len);
    log_write(LOG_DEBUG, "< %ld %s%s%s in %lld ms%s%s%s", r->status, call->exchange.method, r->message[0] ? ": " : "",
              r->message, (long long)ms, *body ? " " : "", body, shown.len == TRACED_BODY ? "…" : "");
    buf_wipe(&shown);
}

static void on_queued_too_long(struct timer *timer)
{
    struct call *call = (struct call *)((char *)timer - offsetof(struct call, timer));
    if (call->attempts > 0)
        finish(call); /* with what the last attempt came to */
    else
        dispatch_finish_unsent(call, FAILURE_TIMEOUT, "the time limit of the call ran out before it could be sent");
}

static void enqueue(struct call *call, void (*insert)(struct call_list *, struct call *))
{
    struct client *c = call->client;
    call->place = QUEUED;
    insert(&c->queue, call);
    call->timer.fire = on_queued_too_long;
    if (call->deadline && !loop_timer_start(c->loop, &call->timer, call->deadline))
        dispatch_finish_unsent(call, FAILURE_INTERNAL, "out of memory");
}

void dispatch_enqueue(struct call *call)
{
    enqueue(call, list_append);
}

static void on_backed_off(struct timer *timer)
{
    struct call *call = (struct call *)((char *)timer - offsetof(struct call, timer));
    struct client *c = call->client;
    leave_place(call);
    enqueue(call, list_prepend); /* it has waited long enough */
    dispatch_pump(c);
}

/* What each refusal means for the calls that come after it. */
static void stop_if_refused(struct client *c, const struct result *result)
{
    static const char *const whys[] = {
        [REFUSED_CREDENTIAL] = "not sent: the credential was refused (401)",
        [REFUSED_PERMISSION] = "not sent: the credential has no permission (403, many times in a row)",
        [REFUSED_CERTIFICATE] = "not sent: there is no secure connection to the server: ",
    };
    enum refused refused = c->governor.refused;
    if (!refused || c->stopped)
        return;
    char why[sizeof c->why_stopped];
    /* Which certificate, and what is wrong with it: the call that met it may be nobody's row. */
    snprintf(why, sizeof why, "%s%s", whys[refused], refused == REFUSED_CERTIFICATE ? result->message : "");
    client_stop(c, why);
}

static bool try_again(struct call *call)
{
    struct client *c = call->client;
    const struct attempt attempt = {
        .number = call->attempts,
        .limit = call->limit,
        .idempotent = call->exchange.may_repeat,
        .result = &call->result,
        .now = clock_now(),
        .deadline = call->deadline,
        .random = random_bits(),
        .budget = c->governor.budget,
    };
    struct retry retry = retry_decide(&attempt);
    call->cut_short = retry.again && c->stopped;
    if (!retry.again || c->stopped)
        return false;
    c->governor.budget -= retry.cost;
    c->stats.retries++;
    log_write(LOG_DEBUG, "%s %s: attempt %u: HTTP %ld%s%s; again in %.2f s", call->exchange.method, call->exchange.url,
              call->attempts, call->result.status, call->result.message[0] ? " " : "", call->result.message,
              (double)(retry.due - clock_now()) / (double)NS_PER_S);
    leave_place(call);
    call->place = BACKING_OFF;
    list_append(&c->waiting, call);
    call->timer.fire = on_backed_off;
    return loop_timer_start(c->loop, &call->timer, retry.due);
}

/* A call whose next attempt will not be made ends with what came of the last one, if there was one. */
static void cut_short(struct call *call)
{
    if (call->attempts == 0) {
        dispatch_finish_unsent(call, FAILURE_CANCELLED, call->client->why_stopped);
        return;
    }
    call->cut_short = true;
    finish(call);
}

/* Of this attempt nothing was sent, so there was none. The call has left its place. */
static void take_back_attempt(struct call *call)
{
    call->attempts--;
    memcpy(call->trace + strlen(TRACE_HEADER), call->trace_before, sizeof call->trace_before);
}

/* First in the queue again; not when the client was stopped, but then there is no such attempt any more. */
static void put_back(struct call *call)
{
    take_back_attempt(call);
    enqueue(call, list_prepend);
}

/* dispatch_connected() has said no. That is nothing to learn from about the server, and no outcome of the call. */
static void on_withheld(struct call *call, struct result *result)
{
    buf_free(&result->body);
    governor_abandon(&call->client->governor, call->probe, clock_now());
    leave_place(call);
    put_back(call);
}

static void on_exchange_done(struct result *result, void *arg)
{
    struct call *call = arg;
    struct client *c = call->client;
    call->transfer = NULL;
    if (result->failure == FAILURE_CANCELLED) {
        on_withheld(call, result);
        return;
    }
    buf_wipe(&call->result.body);
    call->result = *result;
    c->stats.bytes_received += result->body.len;
    log_reply(call);
    const struct observation seen = {
        .result = &call->result,
        .probe = call->probe,
        .started = call->started,
        .now = clock_now(),
        .deadline = call->deadline,
        .random = random_bits(),
    };
    governor_note(&c->governor, &seen);
    stop_if_refused(c, &call->result);
    if (!try_again(call))
        finish(call);
    dispatch_pump(c);
}

static void put_on_wire(struct call *call, int64_t now)
{
    struct client *c = call->client;
    leave_place(call);
    call->exchange.timeout_ms = call->deadline ? (call->deadline - now + NS_PER_MS - 1) / NS_PER_MS : 0;
    memcpy(call->trace_before, call->trace + strlen(TRACE_HEADER), sizeof call->trace_before);
    traceparent_next(call->trace + strlen(TRACE_HEADER));
    call->probe = governor_start(&c->governor, now);
    call->transfer = transfer_start(c->transfers, &call->exchange, on_exchange_done, call);
    if (!call->transfer) {
        governor_abandon(&c->governor, call->probe, now);
        dispatch_finish_unsent(call, FAILURE_INTERNAL, "out of memory, or libcurl refused the request");
        return;
    }
    call->place = RUNNING;
    list_append(&c->running, call);
    call->attempts++;
    call->started = now;
    log_request(call);
    c->stats.exchanges++;
}

static void on_wake(struct timer *timer)
{
    dispatch_pump((struct client *)((char *)timer - offsetof(struct client, wake)));
}

static void wake_at(struct client *c, int64_t due)
{
    c->wake.fire = on_wake;
    if (loop_timer_start(c->loop, &c->wake, due))
        return;
    while (c->queue.first) /* nothing would ever start them */
        dispatch_finish_unsent(c->queue.first, FAILURE_INTERNAL, "out of memory");
}

void dispatch_pump_soon(struct client *c)
{
    if (c->queue.first)
        wake_at(c, clock_now());
}

bool dispatch_connected(void *arg)
{
    struct client *c = arg;
    if (!c->warm)
        dispatch_pump_soon(c); /* libcurl is in the middle of something */
    c->warm = true;
    return !pace_lease_is_over(c);
}

/* Its timer would say so, but has not had its turn yet. */
static bool is_late(const struct call *call, int64_t now)
{
    return call->deadline && call->deadline <= now;
}

static unsigned places_left(const struct client *c)
{
    unsigned places = c->warm ? c->jobs : 1;
    return places > c->running.count ? places - c->running.count : 0;
}

unsigned dispatch_ready(const struct client *c)
{
    int64_t now = clock_now();
    unsigned left = places_left(c), ready = left < c->queue.count ? left : c->queue.count;
    if (ready == 0 || pace_lease_is_over(c) || governor_due(&c->governor, now) > now)
        return 0;
    return governor_is_slowed(&c->governor) ? 1 : ready;
}

void dispatch_pump(struct client *c)
{
    while (c->queue.first && places_left(c) > 0) {
        int64_t now = clock_now(), due = governor_due(&c->governor, now);
        if (is_late(c->queue.first, now)) {
            on_queued_too_long(&c->queue.first->timer);
            continue;
        }
        if (due == INT64_MAX || pace_lease_is_over(c))
            return; /* the end of what is under way, or the next lease, pumps again */
        if (due > now) {
            wake_at(c, due);
            return;
        }
        if (!pace_permits(c))
            return; /* and whoever grants some knows of it */
        put_on_wire(c->queue.first, now);
    }
}

/* Out of its place, whatever that is, without a word to anyone. */
void dispatch_withdraw(struct call *call)
{
    struct client *c = call->client;
    if (call->transfer) {
        transfer_cancel(call->transfer);
        call->transfer = NULL;
        governor_abandon(&c->governor, call->probe, clock_now());
        dispatch_pump_soon(c); /* it may have been what the others waited for */
    }
    leave_place(call);
}

static void drop_unconnected(struct call *call)
{
    dispatch_withdraw(call);
    take_back_attempt(call);
    cut_short(call);
}

void dispatch_stop(struct client *c)
{
    while (c->queue.first)
        cut_short(c->queue.first);
    while (c->waiting.first)
        cut_short(c->waiting.first);
    for (struct call *call = c->running.first, *next; call; call = next) {
        next = call->next;
        if (call->transfer && !transfer_connected(call->transfer))
            drop_unconnected(call);
    }
}

static void cut_off(struct call *call, const char *why)
{
    bool sent = transfer_connected(call->transfer);
    dispatch_withdraw(call);
    if (!sent) {
        put_back(call);
        return;
    }
    buf_wipe(&call->result.body);
    call->result = (struct result){.failure = FAILURE_TIMEOUT, .sent = true, .retry_after_ms = -1};
    snprintf(call->result.message, sizeof call->result.message, "%s", why);
    if (!try_again(call))
        finish(call);
}

void dispatch_cut_off(struct client *c, const char *why)
{
    for (struct call *call = c->running.last, *before; call; call = before) { /* so that the oldest is first in the queue */
        before = call->prev;
        cut_off(call, why);
    }
}
