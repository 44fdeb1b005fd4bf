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

/*
 * Before a write: has moonkey.announce still to say where it goes? Then `return call_announce(L, k);`, which does that, and
 * goes on in `k` with 1 as its context and the stack as it was. The announcement may park the task. [-0, +*, e]
 */
bool call_must_announce(lua_State *L);
int call_announce(lua_State *L, lua_KFunction k);

/*
 * Before a request that must not be repeated, in a row of a batch: `return call_intend(L, method, target, k);` has
 * moonkey.batch.intents record it, so that a run that is killed meanwhile does not send it twice, and goes on in `k` with 2 as
 * its context and the stack as it was. Where that fails, nil, err become the results. [-0, +*, e]
 */
bool call_must_intend(const char *method);
int call_intend(lua_State *L, const char *method, const char *target, lua_KFunction k);

/*
 * Send and wait: `return call_start(L, …)`. `what` names the function for messages. For a 2xx, `deliver` (which may raise)
 * pushes the results and returns their number; or returns -1 after pushing a message, for a body that is not what it should be.
 * Everything else becomes nil, err. [-0, +*, e]
 */
int call_start(lua_State *L, const char *what, const char *method, const char *target, const char *body, size_t body_len,
               const struct call_options *options, int (*deliver)(lua_State *L, const struct result *result));

#endif
