/*
 * state: the Lua state of the program: counted memory, libraries, search paths, embedded modules, tracebacks.
 */
#ifndef MOONKEY_STATE_H
#define MOONKEY_STATE_H

#include <lua.h>
#include <stddef.h>

/* A state with the standard libraries, every binding and the embedded Lua modules; NULL when memory ran out. */
lua_State *state_new(void);

/* Bytes that the state holds now, and the most it ever held. */
size_t state_memory(size_t *peak);

/* From now on it may hold no more than so many; limits_out_of_memory() is told when it asks for more. */
void state_limit_memory(size_t bytes);
/* Code has ended: what was refused last, was refused for good. */
void state_settle_memory(void);

/*
 * The message handler: an error value of any type becomes a string with the traceback of `from`. Pushes it. [-0, +1, m]
 */
void state_traceback(lua_State *L, lua_State *from, int index);

#endif
