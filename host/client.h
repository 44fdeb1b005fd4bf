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

#include "loop.h"
#include "origin.h"
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
    unsigned jobs;             /* exchanges, and connections, at a time */
    double rate;               /* starts a second; 0: unlimited */
    size_t max_body;           /* bytes of a decoded reply */
    bool read_only, dry_run;   /* no write is sent: every method but GET and HEAD ends in FAILURE_REFUSED */
    bool allow_self;           /* a call that may lock the credential's own token out is sent */
    const char *ca_file, *cert_file, *key_file, *proxy; /* NULL: none; borrowed for the client's life */
};

struct call_options {
    unsigned attempts;   /* 0: the client's; can only lower it */
    int64_t max_time_ms; /* 0: the client's; can only lower it */
    const char
        *locks_out; /* id of the token that this call may make unable to do its work, or NULL; needed by client_call() only */
};

struct client_stats {
    uint64_t calls, exchanges, retries, throttled, bytes_received;
    unsigned running, waiting;
    int64_t paused_until; /* clock_now() scale; in the past: not paused */
};

struct client;
struct call;

/* NULL, with a message of at most ERROR_SIZE bytes in `err`. */
struct client *client_new(struct loop *loop, const struct client_config *config, char *err);
/* Calls still under way are dropped without notice. */
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
/* What client_call() was given as `target`; valid as long as the call. */
const char *call_target(const struct call *call);

/* Start nothing new: calls that are not on the wire end as FAILURE_CANCELLED with `why`; those on the wire go on. */
void client_stop(struct client *client, const char *why);
/* Why the server's refusals stopped it. */
enum refused { REFUSED_NOT, REFUSED_CREDENTIAL, REFUSED_PERMISSION };
enum refused client_refused(const struct client *client);
bool client_dry_run(const struct client *client);

const struct origin *client_origin(const struct client *client);
const char *client_credential_origin(const struct client *client);
const char *client_token_id(const struct client *client);
struct client_stats client_stats(const struct client *client);

#endif
