/*
 * call: park the running task on one call to the API, and turn its outcome into Lua values.
 */
#ifndef MOONKEY_LIB_CALL_H
#define MOONKEY_LIB_CALL_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "../client.h"

/*
 * The members max_time (seconds) and retry of the options table at `index`, or none; they can tighten what the command line
 * set. A member that is neither, nor in the NULL-terminated list `others` (NULL: none), is an error. [-0, +0, e]
 */
struct call_options call_check_options(lua_State *L, int index, const char *const *others);

struct call_request {
    const char *what;   /* the function, for messages: "token.get" */
    const char *method; /* a literal: errors show it */
    const char *target, *body;
    size_t body_len;
    const struct call_options *options;
    /* For a 2xx: push the results and return their number, or push a message and return -1 for a body that is not what it
     * should be. May raise. */
    int (*deliver)(lua_State *L, const struct result *result);
};

/* Send and wait: `return call_start(L, …)`. What is not a 2xx becomes nil, err. [-0, +*, e] */
int call_start(lua_State *L, const struct call_request *request);

/*
 * The same for a write, which may have to be announced first, and recorded where it must not be repeated. Both may park the
 * task; then `k` is called with another `prepared` and the stack as it was, and makes its request anew: `prepared` is 0 at
 * first.
 */
int call_start_write(lua_State *L, const struct call_request *request, lua_KFunction k, lua_KContext prepared);

/* Load what outcomes are made of: for each module that makes calls, before its first. [-0, +0, e] */
void call_open(lua_State *L);

/*
 * Send now and wait later, once: call_begin() pushes a handle; `return call_wait(L, index, what);` returns what call_start()
 * would have. call_cancel() cuts it off, as the collector does with a handle that nobody has. Reads only. [-0, +1, e]
 */
void call_begin(lua_State *L, const struct call_request *request);
int call_wait(lua_State *L, int index, const char *what);
void call_cancel(lua_State *L, int index);

/* For `deliver`: the decoded body, null left out of objects, and secrets hidden. Pushes the value, or a message and returns -1.
 */
int call_deliver_json(lua_State *L, const struct result *result);

#endif
