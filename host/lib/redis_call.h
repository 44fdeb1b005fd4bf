/* redis_call: the calls of a connection, each of which parks its task until the server has answered. */
#ifndef MOONKEY_LIB_REDIS_CALL_H
#define MOONKEY_LIB_REDIS_CALL_H

#include <lua.h>

/* Before the first call. [-0, +0, m] */
void redis_call_open(lua_State *L);

/* The methods of a connection: conn:call(command, …), conn:call_within(seconds, command, …). [-0, +*, e] */
int redis_connection_call(lua_State *L);
int redis_connection_call_within(lua_State *L);

#endif
