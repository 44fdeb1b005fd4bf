/*
 * pace: the reins of a client that shares its pace, and its rows, with others: permits, a lease, a pause, a pace of its own.
 *
 * All of it comes on top of what the governor learns from replies, and holds for each exchange, also of calls that are tried
 * again. Calls wait in their queue meanwhile, and end there at their deadline, or when the client is stopped.
 */
#ifndef MOONKEY_PACE_H
#define MOONKEY_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_NO_LEASE INT64_MAX

struct client;

/* From now on an exchange starts only against a permit, or none is needed any more. */
void pace_meter(struct client *client, bool on);
/*
 * Start up to `count` exchanges now. A permit is for this moment, of which whoever gave it knows: those that nothing can use at
 * once are dropped, since together with later ones they would make for more than the pace that is shared.
 */
void pace_grant(struct client *client, unsigned count);
/* How many permits could be used at once; 0 also where none is needed. */
unsigned pace_demand(const struct client *client);
/* `demanded` is called when that has become more than 0, at least once; it must only queue. NULL: nobody wants to know. */
void pace_on_demand(struct client *client, void (*demanded)(void *arg), void *arg);

/* In place of the configured rate; 0: unlimited. */
void pace_set_rate(struct client *client, double per_second);
/* Nothing starts for so long, as if a reply had asked for it; a shorter pause does not end a longer one. */
void pace_pause(struct client *client, int64_t ns);

/*
 * Nothing starts later than `ns` from now, be it only that a connection took so long, and what is under way by then is cut off;
 * until there is another lease. Time in which the machine slept counts. PACE_NO_LEASE: there is no such limit (the default).
 */
void pace_lease(struct client *client, int64_t ns);

/* ---- for dispatch ---- */

/* May an exchange start? Then it does, and has used up its permit. */
bool pace_permits(struct client *client);
bool pace_lease_is_over(const struct client *client);

#endif
