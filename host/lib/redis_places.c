/* redis_places: see redis_places.h. Not kept in Lua, whose registry is everybody's. */
#include "redis_places.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static struct known {
    struct known *next;
    int port;
    bool tls;
    char host[];
} * first;
static bool closed;

static bool is_known(const struct redis_place *place)
{
    for (const struct known *k = first; k; k = k->next)
        if (k->port == place->port && k->tls == place->tls && strcasecmp(k->host, place->host) == 0)
            return true;
    return false;
}

bool redis_places_add(const struct redis_place *place)
{
    if (is_known(place))
        return true;
    size_t size = strlen(place->host) + 1;
    struct known *k = malloc(sizeof *k + size);
    if (!k)
        return false;
    *k = (struct known){.next = first, .port = place->port, .tls = place->tls};
    memcpy(k->host, place->host, size);
    first = k;
    return true;
}

void redis_places_close(void)
{
    closed = true;
}

bool redis_places_are_closed(void)
{
    return closed;
}

bool redis_places_permit(const struct redis_place *place)
{
    return !closed || is_known(place);
}

/* A node that does not know its own name says "" or "?": it is on the host of the one that was asked. */
void redis_places_follow(const struct redis_place *from, const char *answer)
{
    char host[300];
    if (sscanf(answer, "MOVED %*s %299s", host) != 1 || !strrchr(host, ':'))
        return;
    long port = strtol(strrchr(host, ':') + 1, NULL, 10);
    if (port < 1 || port > UINT16_MAX)
        return;
    *strrchr(host, ':') = '\0';
    bool is_named = *host && strcmp(host, "?") != 0;
    redis_places_add(&(struct redis_place){.host = is_named ? host : from->host, .port = (int)port, .tls = from->tls});
}

void redis_places_forget(void)
{
    for (struct known *next; first; first = next) {
        next = first->next;
        free(first);
    }
}
