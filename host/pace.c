/* pace: see pace.h. */
#include "pace.h"

#include "clock.h"
#include "dispatch.h"
#include "log.h"

/* ---- permits ---- */

void pace_meter(struct client *client, bool on)
{
    client->pace.metered = on;
    dispatch_pump_soon(client); /* not at once: whoever ends it may want to set another pace first */
}

void pace_grant(struct client *client, unsigned count)
{
    client->pace.permits = count;
    dispatch_pump(client);
    client->pace.permits = 0;
}

unsigned pace_demand(const struct client *client)
{
    return client->pace.metered ? dispatch_ready(client) : 0;
}

void pace_on_demand(struct client *client, void (*demanded)(void *arg), void *arg)
{
    client->pace.demanded = demanded;
    client->pace.demanded_arg = arg;
}

bool pace_permits(struct client *client)
{
    struct pace *p = &client->pace;
    if (!p->metered)
        return true;
    if (p->permits > 0) {
        p->permits--;
        p->permits_used++;
        return true;
    }
    if (p->demanded)
        p->demanded(p->demanded_arg);
    return false;
}

/* ---- pace ---- */

void pace_set_rate(struct client *client, double per_second)
{
    rate_set(&client->governor.rate, per_second);
    dispatch_pump_soon(client);
}

void pace_pause(struct client *client, int64_t ns)
{
    int64_t now = clock_now(), until = now + ns;
    struct pace *p = &client->pace;
    if (ns > 0 && p->told_until <= now && client->governor.rate.paused_until < until)
        log_write(LOG_INFO, "%s has asked for a pause of %.1f s elsewhere: nothing is sent until then", client->origin.host,
                  (double)ns / (double)NS_PER_S);
    if (until > p->told_until)
        p->told_until = until;
    rate_pause(&client->governor.rate, until);
    dispatch_pump_soon(client);
}

/* ---- lease ---- */

static void on_lease_end(struct timer *timer)
{
    struct client *c = (struct client *)((char *)timer - offsetof(struct client, pace.lease_end));
    dispatch_cut_off(c, "cut off when the lease ended, which nobody had renewed: by now another worker may have the row");
}

bool pace_lease_is_over(const struct client *client)
{
    return client->pace.lease != PACE_NO_LEASE && clock_elapsed() >= client->pace.lease;
}

void pace_lease(struct client *client, int64_t ns)
{
    struct pace *p = &client->pace;
    bool limited = ns != PACE_NO_LEASE;
    p->lease_end.fire = on_lease_end;
    p->lease = limited ? clock_elapsed() + ns : PACE_NO_LEASE;
    if (!limited)
        loop_timer_stop(client->loop, &p->lease_end);
    else if (!loop_timer_start(client->loop, &p->lease_end, clock_now() + ns))
        p->lease = 0; /* nobody could end what is under way: rather nothing starts */
    dispatch_pump_soon(client);
}
