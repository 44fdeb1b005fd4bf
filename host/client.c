/* client: see client.h. How a call gets to the wire and back is in dispatch.c. */
#include "client.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "descriptors.h"
#include "dispatch.h"
#include "guard.h"
#include "log.h"
#include "retry.h"

/* ---- one call ---- */

static bool has_reserved_header(const struct curl_slist *lines)
{
    for (; lines; lines = lines->next)
        if (guard_reserved_header(lines->data, strcspn(lines->data, ": \t")))
            return true;
    return false;
}

/* It names what would permit it. */
static const char *deny(struct client *c, const char *method, const char *target)
{
    char rule[sizeof c->why_denied - 120];
    permits_suggest(method, target, rule, sizeof rule);
    snprintf(c->why_denied, sizeof c->why_denied,
             "not sent: this run is restricted, and nothing permits it; --allow-api '%s' would", rule);
    return c->why_denied;
}

/* Why a call must not be sent at all; NULL when it may. */
static const char *refusal(struct client *c, const struct exchange *x, const char *target, const struct curl_slist *headers,
                           enum failure *failure)
{
    bool is_write = !guard_is_safe(x->method);
    *failure = FAILURE_CANCELLED;
    if (c->stopped)
        return c->why_stopped;
    if (loop_signalled()) /* the loop has had no time to tell */
        return "not sent: the program is stopping";
    *failure = FAILURE_REFUSED;
    if (c->permits && !permits_allow(c->permits, x->method, target)) {
        const char *ambiguous = guard_ambiguous("PUT", target);
        return ambiguous ? ambiguous : deny(c, x->method, target);
    }
    if (is_write && c->read_only)
        return c->forbidden ? "not sent: the script has forbidden all writes"
                            : "not sent: read-only, by --read-only or the profile";
    if (client_locks_out(c, x->method, target, x->body, x->body_len)) /* also under --dry-run, which shows what would happen */
        return "not sent: this is the token of the credential in use, which could lock itself out; --allow-self permits it";
    if (is_write && c->dry_run)
        return "not sent: --dry-run sends no write";
    if (is_write && c->needs_consent)
        return "not sent: writing here has to be agreed to first";
    if (has_reserved_header(headers))
        return "not sent: it has a header that is the host's to set";
    return guard_ambiguous(x->method, target);
}

/*
 * Counts a write. Why it is one too many, or NULL. Those that are let through are sent, and tried again, all the same; one that
 * is not sent after all is taken back by call_free().
 */
static const char *over_limit(struct call *call)
{
    struct client *c = call->client;
    if (c->max_changes == 0 || c->changes < c->max_changes) {
        c->changes++;
        call->counted = true;
        return NULL;
    }
    c->limited = call->cut_short = true;
    return c->why_limited;
}

/* Before the first write: where it goes, and as whom. An emulator needs no such warning. */
static void announce(struct client *c)
{
    const char *id = secret_token_id(c->credential);
    if (client_is_unannounced(c))
        log_write(LOG_INFO, "writing to %s as %s%s%s (credential from %s)", c->origin.host, *id ? id : "an unnamed token",
                  *c->account ? " of " : "", c->account, secret_origin(c->credential));
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

static bool set_headers(struct call *call, const struct curl_slist *more)
{
    struct client *c = call->client;
    struct curl_slist *lines = call->exchange.body_len > 0 ? c->headers.json : c->headers.plain;
    if (more && !(lines = call->own_headers = headers_merge(lines, more)))
        return false;
    memcpy(call->trace, TRACE_HEADER, sizeof TRACE_HEADER);
    traceparent_begin(call->trace + strlen(TRACE_HEADER));
    call->trace_line = (struct curl_slist){.data = call->trace, .next = lines};
    call->exchange.headers = &call->trace_line;
    return true;
}

static void set_limits(struct call *call, const struct call_options *options)
{
    const struct client *c = call->client;
    call->limit = options->attempts && options->attempts < c->attempts ? options->attempts : c->attempts;
    call->deadline = c->max_time_ms ? clock_now() + c->max_time_ms * NS_PER_MS : 0;
    if (options->deadline && (!call->deadline || options->deadline < call->deadline))
        call->deadline = options->deadline;
}

struct call *client_call(struct client *client, const char *method, const char *target, const char *body, size_t body_len,
                         const struct call_options *options, void (*done)(struct call *call, void *arg), void *arg)
{
    struct call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    bool safe = guard_is_safe(method);
    call->client = client;
    /* RFC 9110, 8.6: a method that expects a body says so with Content-Length: 0 where there is none. The others do not. */
    bool expects_body = !safe && strcmp(method, "DELETE") != 0;
    if (!copy_request(call, method, target, !body && expects_body ? "" : body, body_len) ||
        !set_headers(call, options->headers)) {
        call_free(call);
        return NULL;
    }
    call->exchange.may_repeat = guard_may_repeat(method);
    set_limits(call, options);
    call->done = done;
    call->arg = arg;
    client->stats.calls++;
    enum failure failure;
    const char *why = refusal(client, &call->exchange, target, options->headers, &failure);
    if (!why && !safe)
        why = over_limit(call);
    if (why) {
        dispatch_finish_unsent(call, failure, why);
        return call;
    }
    if (!safe)
        announce(client);
    dispatch_enqueue(call);
    dispatch_pump(client);
    return call;
}

void call_free(struct call *call)
{
    if (!call)
        return;
    dispatch_withdraw(call);
    if (call->counted && call->attempts == 0)
        call->client->changes--;
    buf_wipe(&call->result.body); /* it may hold a token's secret */
    headers_free_list(call->own_headers);
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

const char *call_traceparent(const struct call *call)
{
    return call->attempts > 0 ? call->trace + strlen(TRACE_HEADER) : "";
}

bool call_is_unclear(const struct call *call)
{
    return !call->exchange.may_repeat && retry_is_unclear(&call->result);
}

bool call_is_once_only(const struct call *call)
{
    return !call->exchange.may_repeat;
}

bool call_was_cut_short(const struct call *call)
{
    return call->cut_short;
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
    dispatch_stop(client);
}

void client_go_on(struct client *client)
{
    client->stopped = client->stopped && client->governor.refused;
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
    c->pace = (struct pace){.lease = PACE_NO_LEASE};
    c->origin = config->origin;
    c->credential = config->credential;
    c->attempts = config->attempts ? config->attempts : 1;
    c->jobs = descriptors_for(config->jobs ? config->jobs : 1);
    c->max_time_ms = config->max_time_ms;
    c->read_only = config->read_only;
    c->dry_run = config->dry_run;
    c->allow_self = config->allow_self;
    c->needs_consent = config->needs_consent;
    c->max_changes = config->max_changes;
    snprintf(c->why_limited, sizeof c->why_limited, "not sent: --max-changes %" PRIu64 " permits no more writes",
             c->max_changes);
    governor_init(&c->governor, c->origin.host, config->rate);
    const struct transfer_config transfer_config = {
        .user_agent = config->user_agent,
        .max_body = config->max_body,
        .max_headers = 256 * 1024,
        .connect_timeout_ms = config->connect_timeout_ms,
        .total_timeout_ms = config->exchange_timeout_ms,
        .max_connections = (long)c->jobs,
        .loopback = c->origin.loopback,
        .http2 = config->http2,
        .ca_file = config->ca_file,
        .cert_file = config->cert_file,
        .key_file = config->key_file,
        .proxy = config->proxy,
        .connected = dispatch_connected,
        .connected_arg = c,
    };
    c->transfers = transfers_new(loop, &transfer_config);
    if (!c->transfers || headers_init(&c->headers, c->credential) != 0) {
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
    assert(!client->queue.first && !client->running.first && !client->waiting.first);
    loop_timer_stop(client->loop, &client->wake);
    loop_timer_stop(client->loop, &client->pace.lease_end);
    transfers_free(client->transfers);
    headers_free(&client->headers);
    secret_free(client->credential);
    permits_free(client->permits);
    free(client);
}

enum refused client_refused(const struct client *client)
{
    return client->governor.refused || !client->limited ? client->governor.refused : REFUSED_LIMIT;
}

bool client_dry_run(const struct client *client)
{
    return client->dry_run;
}

bool client_locks_out(const struct client *client, const char *method, const char *target, const char *body, size_t body_len)
{
    return !client->allow_self && guard_locks_out(method, target, body, body_len, secret_token_id(client->credential));
}

int64_t client_max_time(const struct client *client)
{
    return client->max_time_ms * NS_PER_MS;
}

void client_forbid_writes(struct client *client)
{
    client->forbidden = client->forbidden || !client->read_only;
    client->read_only = true;
}

void client_restrict(struct client *client, struct permits *permits)
{
    permits_free(client->permits);
    client->permits = permits;
}

void client_consent(struct client *client)
{
    client->needs_consent = false;
}

void client_decline(struct client *client, const char *why)
{
    client->governor.refused = REFUSED_CONSENT;
    client_stop(client, why);
}

bool client_is_unannounced(const struct client *client)
{
    if (client->has_written || client->read_only || client->dry_run || client->stopped)
        return false;
    return client->needs_consent || !client->origin.loopback;
}

void client_set_account(struct client *client, const char *account)
{
    snprintf(client->account, sizeof client->account, "%s", account);
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
    stats.running = client->running.count;
    stats.waiting = client->queue.count + client->waiting.count;
    stats.throttled = client->governor.throttled;
    stats.changes = client->changes;
    stats.paused_until = client->governor.asked;
    stats.told_until = client->pace.told_until;
    stats.permits_used = client->pace.permits_used;
    stats.breaker = client->governor.breaker.state;
    stats.breaker_due = client->governor.breaker.due;
    stats.adapted_rate = rate_adapted(&client->governor.rate);
    return stats;
}
