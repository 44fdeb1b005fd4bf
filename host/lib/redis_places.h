/*
 * redis_places: to which servers connections may be made once what is not the host's own may run. The password goes to whatever
 * is connected to, so a job that has got at a function which connects must not be able to send it elsewhere.
 */
#ifndef MOONKEY_LIB_REDIS_PLACES_H
#define MOONKEY_LIB_REDIS_PLACES_H

#include <stdbool.h>

struct redis_place {
    const char *host;
    int port;
    bool tls;
};

/* False: memory ran out. */
bool redis_places_add(const struct redis_place *place);
/* From now on only those that have been added. */
void redis_places_close(void);
bool redis_places_are_closed(void);
bool redis_places_permit(const struct redis_place *place);
/* A node of a cluster at `from` answers "MOVED 3999 127.0.0.1:6381": there it may be connected to, too. */
void redis_places_follow(const struct redis_place *from, const char *answer);
void redis_places_forget(void);

#endif
