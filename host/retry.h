/*
 * retry: whether and when to try again, as pure functions. Nothing here sleeps, reads a clock or draws a random number.
 *
 * The policy is AWS's "full jitter" (a random wait between zero and the exponential step), which spreads retries best, with a
 * budget per origin so that a server in trouble does not get four times the load.
 */
#ifndef MOONKEY_RETRY_H
#define MOONKEY_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "transfer.h"

#define RETRY_DEFAULT_ATTEMPTS  4
#define RETRY_BASE_NS           (100 * NS_PER_MS)
#define RETRY_THROTTLED_BASE_NS (1 * NS_PER_S)
#define RETRY_CAP_NS            (20 * NS_PER_S)
#define RETRY_AFTER_CAP_MS      (300 * 1000)

/* The retry budget of an origin, in tokens. A retry that it cannot pay is not made. */
#define RETRY_BUDGET         500
#define RETRY_COST_TRANSIENT 14
#define RETRY_COST_THROTTLED 5

struct attempt {
    unsigned number;             /* of the attempt that has ended, from 1 */
    unsigned limit;              /* attempts in all */
    bool idempotent;             /* RFC 9110, 9.2.2: GET, PUT, DELETE; not POST */
    const struct result *result; /* of that attempt */
    int64_t now, deadline;       /* clock_now() scale; deadline 0: none */
    uint64_t random;             /* uniform over all 64 bits */
    unsigned budget;             /* tokens left */
};

struct retry {
    bool again;
    int64_t due;   /* when to try, clock_now() scale */
    unsigned cost; /* tokens to take from the budget */
};

struct retry retry_decide(const struct attempt *attempt);

/* Could the same call succeed later? What err.retryable tells. */
bool retry_is_transient(const struct result *result);

/*
 * May the server have done what it was asked, although the reply does not say so? Then a request that is not idempotent (POST)
 * is neither done nor failed: sending it again could do it twice.
 */
bool retry_is_unclear(const struct result *result);

/*
 * RFC 9110, 10.2.3: seconds, or an HTTP date, which is measured against `date`, the reply's own Date, so that a skewed clock
 * does no harm; without one, against `wall_ms`. Milliseconds up to RETRY_AFTER_CAP_MS; -1 for what is neither.
 */
int64_t retry_after_ms(const char *value, const char *date, int64_t wall_ms);

#endif
