/*
 * dispatch: the way of client's calls to the wire and back, as often as it takes. Client's own; nobody else includes this.
 *
 * A call is in one of four places: the queue (waiting for its turn), running (one exchange under way), backing off (its timer
 * runs), or done.
 */
#ifndef MOONKEY_DISPATCH_H
#define MOONKEY_DISPATCH_H

#include "client.h"
#include "headers.h"
#include "pace.h"
#include "permit.h"
#include "traceparent.h"

#define TRACE_HEADER "traceparent: "

enum place { NOWHERE, QUEUED, RUNNING, BACKING_OFF, DONE };

struct call {
    struct client *client;
    struct call *prev, *next; /* in the list of its place */
    enum place place;
    char *text; /* method, URL and body, one after the other, each with its NUL */
    struct exchange exchange;
    unsigned attempts, limit;
    int64_t deadline;   /* clock_now() scale, 0: none */
    int64_t started;    /* of the attempt, clock_now() scale */
    struct timer timer; /* QUEUED: the deadline; BACKING_OFF: the next attempt */
    bool probe;         /* the exchange is the breaker's */
    bool counted;       /* among the changes of the client */
    bool cut_short;     /* an attempt was due, but the client was stopped, or may write no more */
    struct transfer *transfer;
    char trace[sizeof TRACE_HEADER + TRACEPARENT_SIZE];
    char trace_before[TRACEPARENT_SIZE]; /* of the attempt before, should this one not be sent after all */
    struct curl_slist trace_line;        /* with `trace`, in front of the header lines that calls share */
    struct curl_slist *own_headers;      /* instead of the shared ones; NULL for most calls */
    struct result result;
    void (*done)(struct call *call, void *arg);
    void *arg;
};

struct call_list {
    struct call *first, *last;
    unsigned count;
};

/* pace.h */
struct pace {
    bool metered;
    unsigned permits; /* left of those that have just been granted: 0 outside pace_grant() */
    uint64_t permits_used;
    int64_t told_until;     /* pace_pause(); clock_now() scale */
    int64_t lease;          /* its end on the scale of clock_elapsed(), or PACE_NO_LEASE */
    struct timer lease_end; /* cuts off what is still under way then */
    void (*demanded)(void *arg);
    void *demanded_arg;
};

struct client {
    struct loop *loop;
    struct origin origin;
    struct secret *credential;
    struct transfers *transfers;
    struct headers headers;
    struct governor governor;
    struct pace pace;
    unsigned attempts, jobs;
    int64_t max_time_ms;
    bool read_only, dry_run, allow_self, needs_consent;
    bool forbidden; /* read_only, by the script itself */
    bool stopped, has_written;
    uint64_t changes, max_changes; /* writes: let through so far, and at most; 0: any number */
    bool limited;                  /* one was held back for that */
    bool warm;               /* the first connection stands: until then there is one request at a time, and one resolver */
    struct permits *permits; /* NULL: every request may be made */
    char why_denied[400];
    char why_stopped[720], why_limited[80], account[200];
    struct timer wake; /* the queue may go on */
    struct call_list queue, running, waiting;
    struct client_stats stats;
};

/* Into the queue, at its end; dispatch_pump() takes it from there. */
void dispatch_enqueue(struct call *call);
/* Put on the wire what may be. */
void dispatch_pump(struct client *client);
/* Soon, from wherever this is called. */
void dispatch_pump_soon(struct client *client);
/* How many calls could start now, were it not for permits. */
unsigned dispatch_ready(const struct client *client);
/* For transfer: there is a connection. May the request go out now? `arg` is the client. */
bool dispatch_connected(void *arg);
/* Cut off all that is under way, which then waits for its next attempt like any other. */
void dispatch_cut_off(struct client *client, const char *why);
/* client_stop(), once the client is marked as stopped. */
void dispatch_stop(struct client *client);
/* Take a call out of its place, whatever that is, without a word to anyone. */
void dispatch_withdraw(struct call *call);
/* End a call that was never sent. */
void dispatch_finish_unsent(struct call *call, enum failure failure, const char *why);

#endif
