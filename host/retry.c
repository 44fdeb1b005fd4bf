/* retry: see retry.h. */
#include "retry.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>

#include "clock.h"

static bool status_is_transient(long status)
{
    switch (status) {
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return false;
    }
}

bool retry_is_transient(const struct result *result)
{
    switch (result->failure) {
    case FAILURE_NONE:
        return status_is_transient(result->status);
    case FAILURE_TRANSPORT:
    case FAILURE_TIMEOUT:
        return true;
    default:
        return false;
    }
}

bool retry_is_unclear(const struct result *result)
{
    if (!result->sent)
        return false;
    switch (result->failure) {
    case FAILURE_NONE:
        switch (result->status) {
        case 302: /* of old, also for "it is done, look there" (RFC 9110, 15.4.3) */
        case 303:
        case 408:
            return true;
        case 501: /* nothing was done; the other 5xx may come after it was, also from a gateway */
            return false;
        default:
            return result->status >= 500;
        }
    case FAILURE_CERTIFICATE:
    case FAILURE_REFUSED:
        return false;
    default:
        return true;
    }
}

/* Full jitter: anywhere between now and the exponential step. */
static int64_t back_off(unsigned number, int64_t base, uint64_t random)
{
    int64_t step = base;
    for (unsigned i = 1; i < number && step < RETRY_CAP_NS; i++)
        step *= 2;
    if (step > RETRY_CAP_NS)
        step = RETRY_CAP_NS;
    return (int64_t)(random % (uint64_t)(step + 1));
}

struct retry retry_decide(const struct attempt *a)
{
    const struct retry no = {0};
    bool throttled = a->result->failure == FAILURE_NONE && a->result->status == 429;
    struct retry yes = {.again = true, .cost = throttled ? RETRY_COST_THROTTLED : RETRY_COST_TRANSIENT};

    if (a->number >= a->limit || !retry_is_transient(a->result))
        return no;
    if (!a->idempotent && (a->result->failure == FAILURE_NONE || a->result->sent))
        return no; /* the server may have acted on it */
    if (a->budget < yes.cost)
        return no;
    yes.due = a->now + back_off(a->number, throttled ? RETRY_THROTTLED_BASE_NS : RETRY_BASE_NS, a->random);
    if (a->result->retry_after_ms >= 0) {
        int64_t asked = a->now + a->result->retry_after_ms * NS_PER_MS;
        if (yes.due < asked)
            yes.due = asked;
    }
    if (a->deadline && yes.due >= a->deadline)
        return no; /* waiting for it would only cost time */
    return yes;
}

/* From a number of seconds, which may be anything that a date can say. */
static int64_t capped_ms(int64_t seconds)
{
    if (seconds < 0)
        return 0;
    return seconds < RETRY_AFTER_CAP_MS / 1000 ? seconds * 1000 : RETRY_AFTER_CAP_MS;
}

int64_t retry_after_ms(const char *value, const char *date, int64_t wall_ms)
{
    while (*value == ' ' || *value == '\t')
        value++;
    if (isdigit((unsigned char)*value)) {
        char *end;
        long long seconds = strtoll(value, &end, 10); /* LLONG_MAX when it is more than that */
        while (*end == ' ' || *end == '\t')
            end++;
        return *end == '\0' ? capped_ms(seconds) : -1;
    }
    if (isalpha((unsigned char)*value)) {
        time_t until = curl_getdate(value, NULL);
        time_t from = date ? curl_getdate(date, NULL) : (time_t)-1;
        if (until == (time_t)-1)
            return -1;
        return capped_ms((int64_t)until - (from != (time_t)-1 ? (int64_t)from : wall_ms / 1000));
    }
    return -1;
}
