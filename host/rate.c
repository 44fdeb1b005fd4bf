/* rate: see rate.h. */
#include "rate.h"

#include "clock.h"

static const double STEP_UP = 0.1;                    /* of the ceiling, each second */
static const double NO_LIMIT = 4;                     /* times the ceiling: then an unlimited pace is unlimited again */
static const double LONGEST_INTERVAL = 1e18;          /* ns: 31 years, which can still be added to the time */
static const int64_t SHORTEST_WINDOW = NS_PER_S / 10; /* below it, counting starts says little about a rate */

static int64_t interval_of(double per_second)
{
    if (per_second <= 0)
        return 0;
    double interval = (double)NS_PER_S / per_second;
    return interval < LONGEST_INTERVAL ? (int64_t)interval : (int64_t)LONGEST_INTERVAL;
}

void rate_init(struct rate *rate, double per_second)
{
    int64_t interval = interval_of(per_second);
    *rate = (struct rate){.interval = interval, .configured = interval};
}

void rate_set(struct rate *rate, double per_second)
{
    int64_t interval = interval_of(per_second);
    if (interval == rate->configured)
        return; /* told again: `next` stays what it is */
    rate->configured = interval;
    if (rate->adapted && rate->interval > interval)
        return; /* the server's pace is slower: rate_accepted() climbs to the new one */
    rate->adapted = false;
    rate->interval = interval;
    rate->next = rate->last ? rate->last + interval : 0;
}

int64_t rate_due(const struct rate *rate, int64_t now)
{
    int64_t due = rate->paused_until;
    if (rate->interval && rate->next > due)
        due = rate->next;
    return due > now ? due : now;
}

static void count_start(struct rate *rate, int64_t now)
{
    int64_t length = now - rate->window_start;
    if (length >= NS_PER_S) {
        rate->observed = (double)rate->window_starts * (double)NS_PER_S / (double)length;
        rate->window_start = now;
        rate->window_starts = 0;
    }
    rate->window_starts++;
}

void rate_take(struct rate *rate, int64_t now)
{
    count_start(rate, now);
    rate->last = now;
    if (!rate->interval)
        return;
    /* Time that went by unused is lost, not saved up; a start that came late by less than one interval does not shift the next.
     */
    int64_t from = now - rate->next < rate->interval ? rate->next : now;
    rate->next = from + rate->interval;
}

void rate_pause(struct rate *rate, int64_t until)
{
    if (until <= rate->paused_until)
        return;
    rate->paused_until = until;
    rate->window_start = until; /* the pause says nothing about the rate */
    rate->window_starts = 0;
}

static double observed(const struct rate *rate, int64_t now)
{
    int64_t length = now - rate->window_start;
    if (rate->observed > 0 && length < NS_PER_S / 2)
        return rate->observed;
    if (length < SHORTEST_WINDOW)
        length = SHORTEST_WINDOW;
    return (double)(rate->window_starts ? rate->window_starts : 1) * (double)NS_PER_S / (double)length;
}

/* Starts a second; not more than was set, of which a count by the second may be one too many. */
static double current(const struct rate *rate, int64_t now)
{
    if (rate->adapted)
        return (double)NS_PER_S / (double)rate->interval;
    double pace = observed(rate, now), most = rate->configured ? (double)NS_PER_S / (double)rate->configured : pace;
    return pace < most ? pace : most;
}

bool rate_throttled(struct rate *rate, int64_t started, int64_t now)
{
    if (rate->adapted && started <= rate->cut_at)
        return false; /* on its way already when the pace was cut: a burst counts once */
    double pace = current(rate, now);
    int64_t interval = interval_of(pace / 2);
    if (interval > RATE_SLOWEST_NS)
        interval = RATE_SLOWEST_NS;
    rate->cut_at = rate->climbed_at = now;
    if (interval <= rate->interval)
        return false; /* as slow as it gets, or slower, already */
    if (!rate->adapted)
        rate->ceiling = pace;
    rate->adapted = true;
    rate->interval = interval;
    rate->next = now + interval;
    return true;
}

bool rate_accepted(struct rate *rate, int64_t now)
{
    if (!rate->adapted || now - rate->climbed_at < NS_PER_S)
        return false;
    double pace = rate_adapted(rate) + STEP_UP * rate->ceiling;
    rate->climbed_at = now;
    rate->interval = interval_of(pace);
    bool lifted = rate->configured ? rate->interval <= rate->configured : pace >= NO_LIMIT * rate->ceiling;
    if (lifted) {
        rate->interval = rate->configured;
        rate->adapted = false;
        rate->observed = 0; /* what was seen under the restriction */
        rate->window_start = now;
        rate->window_starts = 0;
    }
    return lifted;
}

double rate_adapted(const struct rate *rate)
{
    return rate->adapted ? (double)NS_PER_S / (double)rate->interval : 0;
}
