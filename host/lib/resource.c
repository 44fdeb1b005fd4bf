/* moonkey.resource: the files that are part of the binary and no modules of Lua, such as texts of help; by their names below
 * lua/. */
#include <lauxlib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../embed.h"
#include "lib.h"

/* With MOONKEY_LUA=dir its files stand in for the embedded ones, as for modules. */
static bool push_from_directory(lua_State *L, const char *name)
{
    const char *directory = getenv("MOONKEY_LUA");
    if (!directory || !*directory)
        return false;
    FILE *file = fopen(lua_pushfstring(L, "%s/%s", directory, name), "rb");
    if (!file)
        return false;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    size_t got;
    do {
        got = fread(luaL_prepbuffer(&b), 1, LUAL_BUFFERSIZE, file);
        luaL_addsize(&b, got);
    } while (got > 0);
    fclose(file);
    luaL_pushresult(&b);
    return true;
}

/* The text of a file; nil where there is none of that name. */
static int f_read(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    if (push_from_directory(L, name))
        return 1;
    for (size_t i = 0; i < embedded_count; i++) {
        if (strcmp(embedded[i].name, name) == 0) {
            lua_pushlstring(L, embedded[i].source, (size_t)(embedded[i].end - embedded[i].source));
            return 1;
        }
    }
    lua_pushnil(L);
    return 1;
}

/* The names that begin with a text such as "types/", sorted. */
static int f_list(lua_State *L)
{
    size_t len, count = 0;
    const char *prefix = luaL_checklstring(L, 1, &len);
    lua_newtable(L);
    for (size_t i = 0; i < embedded_count; i++) {
        if (strncmp(embedded[i].name, prefix, len) == 0) {
            lua_pushstring(L, embedded[i].name);
            lua_seti(L, -2, (lua_Integer)++count);
        }
    }
    return 1;
}

static const luaL_Reg lib[] = {{"list", f_list}, {"read", f_read}, {NULL, NULL}};

int luaopen_moonkey_resource(lua_State *L)
{
    luaL_newlib(L, lib);
    return 1;
}
