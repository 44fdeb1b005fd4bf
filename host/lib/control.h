/*
 * control: the one client of the process, and what only the host may do with it.
 */
#ifndef MOONKEY_LIB_CONTROL_H
#define MOONKEY_LIB_CONTROL_H

#include <lua.h>
#include <stdbool.h>

#include "../client.h"

/* NULL where none is set up. */
struct client *control_client(void);
/* Raises, with advice, where there is none. [-0, +0, e] */
struct client *control_need_client(lua_State *L);

/* Pushes a field of what the client was set up with, nil where there is none. [-0, +1, m] */
void control_push_setting(lua_State *L, const char *name);

/* At the very start: take the credential out of the environment, so that neither scripts nor children see it. */
void control_take_environment(void);
/* Ctrl-C: start nothing new. False where there is no client to stop. */
bool control_stop_all(const char *why);
/* After lua_close(): every call is gone. */
void control_close(void);

#endif
