/*
 * governor: what holds for all requests to one origin: pace, pauses, breaker, retry budget, and when to stop altogether.
 *
 * It learns from every reply and answers one question: when may the next request start? Pure but for what it logs; the caller
 * passes time and randomness in.
 */
#ifndef MOONKEY_GOVERNOR_H
#define MOONKEY_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

#include "breaker.h"
#include "rate.h"
#include "transfer.h"

#define GOVERNOR_FORBIDDEN_LIMIT 20 /* so many 403 in a row: the credential lacks the permission, whatever the row */

/* Why nothing more can be sent to this origin, whatever the request. */
enum refused { REFUSED_NOT, REFUSED_CREDENTIAL, REFUSED_PERMISSION, REFUSED_CERTIFICATE, REFUSED_CONSENT, REFUSED_LIMIT };

struct governor {
    const char *host; /* for messages; borrowed */
    struct rate rate;
    struct breaker breaker;
    unsigned budget;    /* tokens left for retries (retry.h) */
    unsigned forbidden; /* replies of 403 in a row */
    enum refused refused;
    uint64_t throttled; /* replies of 429, and of 503 */
    int64_t asked;      /* until when replies have asked for a pause; clock_now() scale */
};

void governor_init(struct governor *g, const char *host, double per_second);
/* When the next request may start: `now`, later, or INT64_MAX: when the one that is under way has ended. */
int64_t governor_due(const struct governor *g, int64_t now);
/* May there be only one start at such a time, because the next one is due later, or waits for what comes of it? */
bool governor_is_slowed(const struct governor *g);
/* A request starts. Is it the breaker's probe? */
bool governor_start(struct governor *g, int64_t now);

/* One exchange that has ended, with `started` and `now` on the scale of clock_now(), and a random number over all 64 bits. */
struct observation {
    const struct result *result;
    bool probe;
    int64_t started, now;
    int64_t deadline; /* of the call, 0: none; it may have ended what the server would have answered */
    uint64_t random;
};
void governor_note(struct governor *g, const struct observation *seen);
/* An exchange was given up before it ended. */
void governor_abandon(struct governor *g, bool probe, int64_t now);

#endif
