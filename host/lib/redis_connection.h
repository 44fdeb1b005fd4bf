/*
 * redis_connection: a connection as Lua has it, for redis.c, which makes it, and redis_call.c, which uses it.
 */
#ifndef MOONKEY_LIB_REDIS_CONNECTION_H
#define MOONKEY_LIB_REDIS_CONNECTION_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "../redis.h"
#include "../task.h"

/* A userdata of moonkey.redis.connection; whoever waits on it has it on his stack. */
struct connection {
    struct redis *redis;     /* NULL before it is begun and after __gc */
    struct park opening;     /* of redis.connect() */
    int64_t timeout;         /* ns, of each call */
    char host[300], at[320]; /* host:port */
    int port;
    bool tls;
};

/* The connection at 1, or an argument error. [-0, +0, e] */
struct connection *redis_check_connection(lua_State *L);
/* The argument at `index` as ns: more than 0 and up to a day, or an argument error. [-0, +0, e] */
int64_t redis_check_seconds(lua_State *L, int index, lua_Number seconds);

#endif
