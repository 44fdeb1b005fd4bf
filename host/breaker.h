/*
 * breaker: stops the requests to an origin that keeps failing, and finds out with one at a time when it works again.
 *
 * The circuit breaker of Nygard's "Release It!": closed while things work; open once at least half of the last BREAKER_WINDOW
 * requests failed; after a wait a single request, the probe, decides whether it closes or stays open for twice as long.
 * Pure: the caller passes time and randomness in.
 */
#ifndef MOONKEY_BREAKER_H
#define MOONKEY_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_WINDOW      20             /* requests, at most 32 */
#define BREAKER_WAIT_NS     (5 * NS_PER_S) /* before the first probe; doubled for each that fails */
#define BREAKER_WAIT_CAP_NS (60 * NS_PER_S)

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_PROBING };

struct breaker {
    enum breaker_state state;
    uint32_t failures; /* the last BREAKER_WINDOW outcomes, a bit each: 1 failed */
    unsigned seen;     /* outcomes since it closed, up to BREAKER_WINDOW */
    int64_t wait;      /* ns, of the current opening */
    int64_t due;       /* of the next probe, while open */
};

/* The time at which the next request may start; INT64_MAX while a probe is under way. */
int64_t breaker_due(const struct breaker *breaker, int64_t now);
/* A request starts, at a time that breaker_due() allows. Is it the probe? */
bool breaker_start(struct breaker *breaker);
/* How a request ended. `random` is uniform over all 64 bits. Did the breaker open (again) or close? */
bool breaker_note(struct breaker *breaker, bool probe, bool failed, int64_t now, uint64_t random);
/* The probe was given up before it ended: another request takes its place. */
void breaker_abandon(struct breaker *breaker, int64_t now);

#endif
