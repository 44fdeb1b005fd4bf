/* redis_password: see redis_password.h. */
#include "redis_password.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib.h"

#define VARIABLE "MOONKEY_QUEUE_PASSWORD"

static struct secret *in_use, *from_environment;
static char environment_error[ERROR_SIZE];

void redis_password_take_environment(void)
{
    const char *value = getenv(VARIABLE);
    if (value && *value)
        from_environment = secret_password_from_env(VARIABLE, environment_error);
    else
        secret_wipe_env(VARIABLE);
}

void redis_password_forget(void)
{
    secret_free(in_use);
    secret_free(from_environment);
    in_use = from_environment = NULL;
}

const struct secret *redis_password(void)
{
    return in_use;
}

static struct secret *take(struct secret **from)
{
    struct secret *taken = *from;
    *from = NULL;
    return taken;
}

/* redis.password{ environment = true | file = | command = }: true, or nil and what is wrong with it. Of every connection from
 * now on. */
int redis_password_set(lua_State *L)
{
    char err[ERROR_SIZE] = "";
    luaL_checktype(L, 1, LUA_TTABLE);
    if (in_use) /* connections that are being made borrow it */
        return luaL_error(L, "password: there is one already");
    lua_settop(L, 1);
    const char *file = lib_text(L, "file"), *command = lib_text(L, "command");
    struct secret *found;
    if (lua_getfield(L, 1, "environment") == LUA_TBOOLEAN && lua_toboolean(L, -1)) {
        snprintf(err, sizeof err, "%s", *environment_error ? environment_error : "there is no " VARIABLE " in the environment");
        found = take(&from_environment);
    } else if (file) {
        found = secret_password_from_file(file, err);
    } else {
        luaL_argcheck(L, command, 1, "no source of a password");
        found = secret_password_from_command(command, err);
    }
    if (!found) {
        lua_pushnil(L);
        lua_pushstring(L, err);
        return 2;
    }
    in_use = found;
    lua_pushboolean(L, 1);
    return 1;
}

/* redis.environment_has_password(): also one that cannot be used, which redis.password{} tells. */
int redis_password_is_in_environment(lua_State *L)
{
    lua_pushboolean(L, from_environment || *environment_error);
    return 1;
}
