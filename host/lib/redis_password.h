/* redis_password: the password of the queue, which Lua never gets: a command names its source, and the host reads it. */
#ifndef MOONKEY_LIB_REDIS_PASSWORD_H
#define MOONKEY_LIB_REDIS_PASSWORD_H

#include <lua.h>

#include "../secret.h"

/* Take it out of the environment, at the start of the process. */
void redis_password_take_environment(void);
void redis_password_forget(void);
/* NULL for none. */
const struct secret *redis_password(void);

/* The functions of moonkey.redis; [-0, +*, e] */
int redis_password_set(lua_State *L);
int redis_password_is_in_environment(lua_State *L);

#endif
