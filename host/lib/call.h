/*
 * call: park the running task on one call to the API, and turn its outcome into Lua values.
 */
#ifndef MOONKEY_LIB_CALL_H
#define MOONKEY_LIB_CALL_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

#include "../client.h"

/* The client that moonkey.http set up; raises, with advice, where there is none. [-0, +0, e] */
struct client *call_client(lua_State *L);

/* The options table { max_time = seconds, retry = n } at `index`, or none. They can tighten what the command line set. [-0, +0,
 * e] */
struct call_options call_check_options(lua_State *L, int index);

/*
 * Send and wait: `return call_start(L, …)`. `what` names the function for messages. For a 2xx, `deliver` (which may raise)
 * pushes the results and returns their number; or returns -1 after pushing a message, for a body that is not what it should be.
 * Everything else becomes nil, err. [-0, +*, e]
 */
int call_start(lua_State *L, const char *what, const char *method, const char *target, const char *body, size_t body_len,
               const struct call_options *options, int (*deliver)(lua_State *L, const struct result *result));

/* At the very start: take the credential out of the environment, so that neither scripts nor children see it. */
void call_take_environment(void);
/* Ctrl-C: start nothing new. False where there is no client to stop. */
bool call_stop_all(const char *why);
/* After lua_close(): every call is gone. */
void call_close_client(void);

#endif
