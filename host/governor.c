/* governor: see governor.h. */
#include "governor.h"

#include <stdio.h>

#include "clock.h"
#include "log.h"
#include "retry.h"

void governor_init(struct governor *g, const char *host, double per_second)
{
    *g = (struct governor){.host = host, .budget = RETRY_BUDGET};
    rate_init(&g->rate, per_second);
}

int64_t governor_due(const struct governor *g, int64_t now)
{
    int64_t pace = rate_due(&g->rate, now), breaker = breaker_due(&g->breaker, now);
    return pace > breaker ? pace : breaker;
}

bool governor_is_slowed(const struct governor *g)
{
    return g->rate.interval > 0 || g->breaker.state != BREAKER_CLOSED;
}

bool governor_start(struct governor *g, int64_t now)
{
    rate_take(&g->rate, now);
    return breaker_start(&g->breaker);
}

/*
 * The server spoke about its load, not about one request, so all of them wait. Up to a quarter longer than it asked, 2 s at
 * most: it may have told others the same moment.
 */
static void note_retry_after(struct governor *g, const struct observation *o)
{
    int64_t asked = o->result->retry_after_ms * NS_PER_MS;
    if (asked <= 0)
        return;
    int64_t jitter = asked / 4 < 2 * NS_PER_S ? asked / 4 : 2 * NS_PER_S;
    int64_t until = o->now + asked + (int64_t)(o->random % (uint64_t)(jitter + 1));
    if (o->now + asked > g->rate.paused_until) /* a burst of replies says it once */
        log_write(LOG_INFO, "%s asks for a pause of %.1f s (HTTP %ld): nothing is sent until then", g->host,
                  (double)asked / (double)NS_PER_S, o->result->status);
    rate_pause(&g->rate, until);
    g->asked = until > g->asked ? until : g->asked;
}

static void note_load(struct governor *g, const struct observation *o)
{
    const struct result *r = o->result;
    if (r->failure != FAILURE_NONE)
        return;
    if (r->status == 429 || r->status == 503) {
        g->throttled++;
        note_retry_after(g, o);
    }
    if (r->status == 429 && rate_throttled(&g->rate, o->started, o->now))
        log_write(LOG_INFO, "%s has too many requests (HTTP 429): slowing down to %.3g/s", g->host, rate_adapted(&g->rate));
    if (r->status < 300) {
        g->budget += g->budget < RETRY_BUDGET;
        if (rate_accepted(&g->rate, o->now))
            log_write(LOG_INFO, "%s: back to full speed", g->host);
    }
}

/* A call that gave the server no more time than this says nothing about it. */
static const int64_t PATIENCE = 5 * NS_PER_S;

static bool was_impatient(const struct observation *o)
{
    return o->deadline && o->now >= o->deadline && o->now - o->started < PATIENCE;
}

static bool is_trouble(const struct observation *o)
{
    switch (o->result->failure) {
    case FAILURE_TRANSPORT:
        return true;
    case FAILURE_TIMEOUT:
        return !was_impatient(o);
    case FAILURE_NONE:
        return o->result->status >= 500;
    default:
        return false;
    }
}

static void note_trouble(struct governor *g, const struct observation *o)
{
    char status[32];
    snprintf(status, sizeof status, "HTTP %ld", o->result->status);
    const char *trouble = o->result->failure == FAILURE_NONE ? status : o->result->message;
    if (!breaker_note(&g->breaker, o->probe, is_trouble(o), o->now, o->random))
        return;
    if (g->breaker.state == BREAKER_CLOSED)
        log_write(LOG_INFO, "%s works again: going on", g->host);
    else
        log_write(LOG_WARN, "%s is failing (%s): nothing is sent for %.0f s, then one request tries whether it works again",
                  g->host, trouble, (double)g->breaker.wait / (double)NS_PER_S);
}

/* Replies that say something about the credential, or about the server as such, rather than about the request. */
static void note_refusal(struct governor *g, const struct result *r)
{
    bool reply = r->failure == FAILURE_NONE;
    if (reply)
        g->forbidden = r->status == 403 ? g->forbidden + 1 : 0;
    if (g->refused)
        return;
    if (r->failure == FAILURE_CERTIFICATE)
        g->refused = REFUSED_CERTIFICATE;
    else if (reply && r->status == 401)
        g->refused = REFUSED_CREDENTIAL;
    else if (g->forbidden >= GOVERNOR_FORBIDDEN_LIMIT)
        g->refused = REFUSED_PERMISSION;
}

void governor_note(struct governor *g, const struct observation *seen)
{
    note_load(g, seen);
    note_trouble(g, seen);
    note_refusal(g, seen->result);
}

void governor_abandon(struct governor *g, bool probe, int64_t now)
{
    if (probe)
        breaker_abandon(&g->breaker, now);
}
