/*
 * client: calls to one origin: credential, retries, pace, guards. One call is one or more exchanges and ends exactly once.
 *
 * Retry, rate, dry-run, read-only and redaction sit here or below, so no script can step round them. Nothing here knows Lua.
 */
#ifndef MOONKEY_CLIENT_H
#define MOONKEY_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "governor.h"
#include "loop.h"
#include "origin.h"
#include "permit.h"
#include "secret.h"
#include "transfer.h"

struct client_config {
    struct origin origin;
    struct secret *credential; /* taken over, also when client_new() fails */
    const char *user_agent;    /* borrowed for the client's life */
    unsigned attempts;         /* in all, at least 1 */
    int64_t max_time_ms;       /* of a call with its retries; 0: none */
    long connect_timeout_ms;   /* of one exchange */
    long exchange_timeout_ms;  /* of one exchange */
    unsigned jobs;           /* exchanges, and connections, at a time; fewer where the system allows no more (descriptors.h) */
    double rate;             /* starts a second; 0: unlimited */
    size_t max_body;         /* bytes of a decoded reply */
    bool read_only, dry_run; /* no write is sent: every method but GET and HEAD ends in FAILURE_REFUSED */
    bool allow_self;         /* a call that may lock the credential's own token out (guard.h) is sent */
    bool needs_consent;      /* no write is sent before client_consent() */
    uint64_t max_changes;    /* writes that are sent in all, however often each is tried; 0: any number */
    bool http2;              /* over TLS, where the server offers it */
    const char *ca_file, *cert_file, *key_file, *proxy; /* NULL: none; borrowed for the client's life */
};

/* What they point at is needed by client_call() only. */
struct call_options {
    unsigned attempts;                /* 0: the client's; can only lower it */
    int64_t deadline;                 /* clock_now() scale; 0: the client's max_time_ms from now; can only be earlier */
    const struct curl_slist *headers; /* "Name: value" lines beside, or in place of, the usual ones; NULL: none */
};

struct client_stats {
    uint64_t calls, exchanges, retries, throttled, bytes_received;
    uint64_t changes; /* writes that were sent or are to be, however often each is tried */
    unsigned running, waiting;
    int64_t paused_until;       /* as replies asked; clock_now() scale; in the past: not paused */
    int64_t told_until;         /* as pace_pause() was told; likewise */
    uint64_t permits_used;      /* pace.h */
    enum breaker_state breaker; /* anything but closed: the origin is failing, and the calls wait */
    int64_t breaker_due;        /* of the next probe, while open */
    double adapted_rate;        /* starts a second that the server's 429s have left; 0: they have no effect */
};

struct client;
struct call;

/* NULL, with a message of at most ERROR_SIZE bytes in `err`. */
struct client *client_new(struct loop *loop, const struct client_config *config, char *err);
/* All of its calls have been freed before. */
void client_free(struct client *client);

/*
 * Start a call. `target` is path and query below the origin ("/public/v1/…", already percent-encoded); method, target and body
 * are copied. `done` is called once and must only queue: usually from within loop_step(), but for a call that is not sent at
 * all from within client_call() itself or client_stop(). The caller owns the call until call_free(). NULL when memory ran out.
 */
struct call *client_call(struct client *client, const char *method, const char *target, const char *body, size_t body_len,
                         const struct call_options *options, void (*done)(struct call *call, void *arg), void *arg);
/* Before `done`: forget about it; an exchange under way is cut off. After: release the result. NULL is fine. */
void call_free(struct call *call);

/* Valid after `done`, until call_free(). */
struct result *call_result(struct call *call);
unsigned call_attempts(const struct call *call);
/* Of the last exchange (W3C Trace Context); "" when nothing was sent. Valid as long as the call. */
const char *call_traceparent(const struct call *call);
/* Is it a call that must not be repeated, and may have been carried out all the same? */
bool call_is_unclear(const struct call *call);
/* Was another attempt due, but the client stopped, or the first one more than max_changes? Then the result is not the last
 * word.
 */
bool call_was_cut_short(const struct call *call);
/* Must the request go out once only, as POST and PATCH? */
bool call_is_once_only(const struct call *call);
/* What client_call() was given as `target`; valid as long as the call. */
const char *call_target(const struct call *call);

/*
 * Start nothing new: calls of which nothing is on the wire yet end as FAILURE_CANCELLED with `why`, those that wait for their
 * next attempt with the outcome of the last; those on the wire go on.
 */
void client_stop(struct client *client, const char *why);
/* Whoever has stopped it is done: calls are sent again, unless the server or the people in charge have refused them. */
void client_go_on(struct client *client);
/* Why the server's replies, its certificate, a lack of consent, or max_changes (of writes only) stopped it. */
enum refused client_refused(const struct client *client);
bool client_dry_run(const struct client *client);
/* Would client_call() refuse this because the credential's own token could be locked out by it? */
bool client_locks_out(const struct client *client, const char *method, const char *target, const char *body, size_t body_len);
/* Of a call with its retries, in ns; 0: no limit. */
int64_t client_max_time(const struct client *client);

/* No write is sent from now on, for good: as read_only. */
void client_forbid_writes(struct client *client);
/* Only what these permit is sent from now on; they are taken over. Once. */
void client_restrict(struct client *client, struct permits *permits);
/* Writes may be sent from now on. */
void client_consent(struct client *client);
/* The people in charge have been asked and said no: client_stop(), with REFUSED_CONSENT as the reason. */
void client_decline(struct client *client, const char *why);
/*
 * Is the next write one to be announced first, so that its account should be known by then, and its consent given? Not where
 * no write can be sent, nor for a loopback address where consent is not needed.
 */
bool client_is_unannounced(const struct client *client);
/* Whose token the credential is, for that announcement: "ACC-0001-0001 (Name)". Copied; cut after 200 bytes. */
void client_set_account(struct client *client, const char *account);

const struct origin *client_origin(const struct client *client);
const char *client_credential_origin(const struct client *client);
const char *client_token_id(const struct client *client);
struct client_stats client_stats(const struct client *client);

#endif
